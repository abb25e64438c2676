-- One row per edition, place, basis, price basis and year: military expenditure of countries and
-- regions in one shape, for the metrics and for comparing editions.
--
-- A country has the basis 'reported' only; a region has 'published' and 'summed'. Rows without a
-- figure are left out.
--
-- key: edition, place, basis, prices, year
-- columns:
--   edition INTEGER [year]: last data year of the edition
--   place VARCHAR: canonical country or region name
--   kind VARCHAR: country or region
--   basis VARCHAR: reported, published or summed
--   prices VARCHAR: constant or current
--   year INTEGER [year]: calendar year
--   value_usd_m DOUBLE [US$ millions, at these prices]: military expenditure

WITH wide AS (
    SELECT
        edition, country AS place, 'country' AS kind, 'reported' AS basis, year,
        constant_usd_m AS constant, current_usd_m AS current
    FROM main.spending
    UNION ALL
    SELECT edition, region, 'region', basis, year, 1e3 * constant_usd_bn, 1e3 * current_usd_bn
    FROM main.regional_spending
)
SELECT edition, place, kind, basis, 'constant' AS prices, year, constant AS value_usd_m
FROM wide WHERE constant IS NOT NULL
UNION ALL
SELECT edition, place, kind, basis, 'current', year, current FROM wide WHERE current IS NOT NULL
