-- A country's rank in the world by military expenditure in current US$.
--
-- arguments:
--   country: a country name
--   year: calendar year
--   edition: last data year of an edition
-- defaults: edition := the newest
-- returns: one row, or none where the country has no figure that year
-- columns:
--   rank BIGINT: 1 for the largest spender
--   countries BIGINT [countries]: how many have a figure that year
-- example: SELECT rank FROM rank_of('Japan', 2017, edition := 2017)

CREATE OR REPLACE MACRO rank_of(country, year, edition := NULL) AS TABLE
WITH ranked AS (
    SELECT
        s.country AS place, rank() OVER (ORDER BY s.current_usd_m DESC) AS rank,
        count(*) OVER () AS countries
    FROM main.spending AS s
    WHERE s.edition = resolve_edition(edition) AND s.year = resolve_year(year, edition)
      AND s.current_usd_m IS NOT NULL
)
SELECT r.rank, r.countries FROM ranked AS r WHERE r.place = resolve_place(country);
