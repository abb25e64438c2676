-- Growth of a country's or region's military expenditure between two years of one edition.
--
-- arguments:
--   place: a country or region name
--   from_year: first year
--   to_year: last year
--   edition: last data year of an edition
--   prices: constant or current
--   basis: published or summed
-- defaults: edition := the newest, prices := 'constant', basis := 'published'
-- returns: one row; NULL where a year has no figure
-- columns:
--   from_value DOUBLE [US$ millions, at these prices]: expenditure in the first year
--   to_value DOUBLE [US$ millions, at these prices]: expenditure in the last year
--   growth DOUBLE [fraction]: to_value over from_value, less 1
-- example: SELECT growth FROM growth('Asia & Oceania', 2008, 2017, edition := 2017)

CREATE OR REPLACE MACRO growth(
    place, from_year, to_year, edition := NULL, prices := 'constant', basis := 'published'
) AS TABLE
WITH ends AS (
    SELECT
        max(s.value_usd_m) FILTER (s.year = resolve_year(from_year, edition)) AS from_value,
        max(s.value_usd_m) FILTER (s.year = resolve_year(to_year, edition)) AS to_value
    FROM spending_of(place, edition := edition, prices := prices, basis := basis) AS s
)
SELECT e.from_value, e.to_value, e.to_value / nullif(e.from_value, 0) - 1 AS growth
FROM ends AS e;
