-- No edition has a figure for a year after its last one.
--
-- asset: main.observations
-- severity: error

SELECT edition, country AS subject, year, measure || ' has a figure' AS detail
FROM main.observations
WHERE year > edition AND value IS NOT NULL
