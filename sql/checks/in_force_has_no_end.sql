-- What was in force when its version was closed has no end date, and what has none was in force.
--
-- asset: main.alliance_units
-- severity: error

SELECT
    NULL::INTEGER AS edition, dataset || ' ' || version || ' ' || unit || ' ' || unit_id AS subject,
    year(begin_date)::INTEGER AS year,
    'ends ' || coalesce(end_date::VARCHAR, 'never') || ', ending ' || coalesce(ending, 'missing')
        AS detail
FROM main.alliance_units
WHERE (end_date IS NULL) <> coalesce(ending = 'in force', false)
