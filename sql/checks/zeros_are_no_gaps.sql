-- A figure of 0 belongs to a country without armed forces, and so to a run of at least five years: a
-- shorter run, or a single year, is likely to be a missing figure printed as 0.
--
-- asset: main.observations
-- severity: warning

WITH zeros AS (
    SELECT
        edition, country, measure, year,
        year - row_number() OVER (PARTITION BY edition, country, measure ORDER BY year) AS run
    FROM main.observations
    WHERE value = 0
      AND edition IN (SELECT edition FROM staging.sipri_editions WHERE NOT is_excerpt)
)
SELECT
    edition, country || ', ' || measure AS subject, min(year)::INTEGER AS year,
    format('0 in {} year(s) from {} on', count(*), min(year)) AS detail
FROM zeros
GROUP BY edition, country, measure, run
HAVING count(*) < 5
