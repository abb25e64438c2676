-- A country's part in the increase of a region's military expenditure, at constant prices.
--
-- arguments:
--   country: a country name
--   region: a region name
--   from_year: first year
--   to_year: last year
--   edition: last data year of an edition
--   basis: published or summed
-- defaults: edition := the newest, basis := 'published'
-- returns: one row; NULL where a year has no figure
-- columns:
--   increase DOUBLE [US$ millions, prices of the edition's base year]: the country's increase
--   total_increase DOUBLE [US$ millions, prices of the edition's base year]: the region's increase
--   contribution DOUBLE [fraction]: increase over total_increase
-- example: SELECT contribution FROM contribution('China', 'Asia & Oceania', 2008, 2017, edition := 2017)

CREATE OR REPLACE MACRO contribution(
    country, region, from_year, to_year, edition := NULL, basis := 'published'
) AS TABLE
WITH part AS (
    SELECT g.to_value - g.from_value AS increase
    FROM growth(country, from_year, to_year, edition := edition) AS g
),
whole AS (
    SELECT g.to_value - g.from_value AS increase
    FROM growth(region, from_year, to_year, edition := edition, basis := basis) AS g
)
SELECT
    p.increase, w.increase AS total_increase, p.increase / nullif(w.increase, 0) AS contribution
FROM part AS p CROSS JOIN whole AS w;
