-- The constant prices of an edition are those of the year before its last one.
--
-- asset: main.editions
-- severity: error

SELECT
    edition, file_name AS subject, base_year AS year,
    'constant prices of ' || coalesce(base_year::VARCHAR, 'an unknown year') AS detail
FROM main.editions
WHERE base_year IS DISTINCT FROM edition - 1
