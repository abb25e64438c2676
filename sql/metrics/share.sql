-- A country's share of a region's military expenditure in one year of one edition.
--
-- Published totals in current prices exist for an edition's last year only; elsewhere the share is
-- NULL unless basis := 'summed'.
--
-- arguments:
--   country: a country name
--   region: a region name
--   year: calendar year
--   edition: last data year of an edition
--   prices: constant or current
--   basis: published or summed
-- defaults: edition := the newest, prices := 'constant', basis := 'published'
-- returns: one row; NULL where there is no figure
-- columns:
--   value DOUBLE [US$ millions, at these prices]: the country's expenditure
--   total DOUBLE [US$ millions, at these prices]: the region's expenditure
--   share DOUBLE [fraction]: value over total
-- example: SELECT share FROM share('China', 'Asia & Oceania', 2017, edition := 2017, prices := 'current')

CREATE OR REPLACE MACRO share(
    country, region, year, edition := NULL, prices := 'constant', basis := 'published'
) AS TABLE
WITH part AS (
    SELECT s.year, s.value_usd_m
    FROM spending_of(country, edition := edition, prices := prices) AS s
),
whole AS (
    SELECT s.year, s.value_usd_m
    FROM spending_of(region, edition := edition, prices := prices, basis := basis) AS s
),
figures AS (
    SELECT
        (SELECT max(p.value_usd_m) FROM part AS p WHERE p.year = resolve_year(year, edition))
            AS value,
        (SELECT max(w.value_usd_m) FROM whole AS w WHERE w.year = resolve_year(year, edition))
            AS total
)
SELECT f.value, f.total, f.value / nullif(f.total, 0) AS share FROM figures AS f;
