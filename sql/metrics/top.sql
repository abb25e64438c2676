-- The n largest military spenders of a year, by current US$.
--
-- arguments:
--   year: calendar year
--   edition: last data year of an edition
--   n: how many
-- defaults: edition := the newest, n := 15
-- returns: n rows (more where the last rank is shared), largest first
-- columns:
--   rank BIGINT: rank in the world, 1 for the largest
--   country VARCHAR: canonical name
--   region VARCHAR: SIPRI region
--   current_usd_m DOUBLE [US$ millions, current prices]: military expenditure
--   share_of_world DOUBLE [fraction]: of SIPRI's world total, or of the sum of the countries in a
--       year for which SIPRI publishes no total in current prices
-- example: SELECT * FROM top(2017, edition := 2017, n := 15)

CREATE OR REPLACE MACRO top(year, edition := NULL, n := 15) AS TABLE
WITH world AS (
    SELECT arg_min(r.current_usd_bn, r.basis) * 1e3 AS total
    FROM main.regional_spending AS r
    WHERE r.edition = resolve_edition(edition) AND r.region = 'World'
      AND r.year = resolve_year(year, edition) AND r.current_usd_bn IS NOT NULL
)
SELECT
    rank() OVER (ORDER BY s.current_usd_m DESC) AS rank, s.country, s.region, s.current_usd_m,
    s.current_usd_m / w.total AS share_of_world
FROM main.spending AS s CROSS JOIN world AS w
WHERE s.edition = resolve_edition(edition) AND s.year = resolve_year(year, edition)
  AND s.current_usd_m IS NOT NULL
QUALIFY rank() OVER (ORDER BY s.current_usd_m DESC) <= n
ORDER BY s.current_usd_m DESC;
