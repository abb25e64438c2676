-- Every observation has one of the five statuses, and no figure exactly where its status says that
-- there is none.
--
-- asset: main.observations
-- severity: blocking

SELECT
    edition, country AS subject, year,
    measure || ' is ' || coalesce(status, 'without status') || ', its value '
        || coalesce(value::VARCHAR, 'NULL') AS detail
FROM main.observations
WHERE status IS NULL
   OR status NOT IN ('reported', 'estimate', 'uncertain', 'unavailable', 'not_independent')
   OR (value IS NULL) <> (status IN ('unavailable', 'not_independent'))
