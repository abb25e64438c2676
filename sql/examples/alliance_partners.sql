-- Which states of the Asia-Pacific does a defence obligation tie to the United States, and since when?
--
-- Ties of ATOP's newest version in its last year; `since` is the first of the years without a gap,
-- whatever the treaty.

WITH ties AS (
    SELECT
        year, strongest,
        CASE WHEN country_a = 'United States of America' THEN country_b ELSE country_a END AS partner
    FROM alliance_ties
    WHERE dataset = 'ATOP'
      AND version = (SELECT max(version) FROM alliance_ties WHERE dataset = 'ATOP')
      AND 'United States of America' IN (country_a, country_b)
),
runs AS (
    SELECT *, year - row_number() OVER (PARTITION BY partner ORDER BY year) AS run
    FROM ties
    WHERE strongest = 'defense'
)
SELECT partner, min(year) AS since
FROM runs
GROUP BY partner, run
HAVING max(year) = (SELECT max(year) FROM ties)
ORDER BY since, partner
