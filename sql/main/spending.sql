-- One row per edition, country and year: military expenditure in every measure side by side.
--
-- Adding rows without a condition on `edition` counts every edition: use `spending_latest`, or name
-- one edition.
--
-- key: edition, country, year
-- columns:
--   edition INTEGER [year]: last data year of the edition
--   country VARCHAR: canonical name
--   year INTEGER [year]: calendar year
--   iso3 VARCHAR: ISO 3166-1 alpha-3 code
--   region VARCHAR: SIPRI region
--   subregion VARCHAR: SIPRI sub-region
--   constant_usd_m DOUBLE [US$ millions, prices of the edition's base year]: military expenditure
--   current_usd_m DOUBLE [US$ millions, current prices]: military expenditure
--   local_currency_m DOUBLE [millions of the local currency]: military expenditure, calendar year
--   share_of_gdp DOUBLE [fraction]: military burden, share of gross domestic product
--   per_capita_usd DOUBLE [US$ per head, current prices]: military expenditure per head
--   share_of_government_spending DOUBLE [fraction]: share of general government expenditure
--   status VARCHAR: status of constant_usd_m

WITH wide AS (
    SELECT
        edition, country, year,
        max(value) FILTER (measure = 'constant_usd') AS constant_usd_m,
        max(value) FILTER (measure = 'current_usd') AS current_usd_m,
        max(value) FILTER (measure = 'local_currency') / 1e6 AS local_currency_m,
        max(value) FILTER (measure = 'share_of_gdp') AS share_of_gdp,
        max(value) FILTER (measure = 'per_capita_usd') AS per_capita_usd,
        max(value) FILTER (measure = 'share_of_government_spending') AS share_of_government_spending,
        coalesce(max(status) FILTER (measure = 'constant_usd'), 'unavailable') AS status
    FROM main.observations
    WHERE measure <> 'local_currency_financial'
    GROUP BY edition, country, year
)
SELECT
    w.edition, w.country, w.year, c.iso3, c.region, c.subregion, w.constant_usd_m, w.current_usd_m,
    w.local_currency_m, w.share_of_gdp, w.per_capita_usd, w.share_of_government_spending, w.status
FROM wide AS w
JOIN main.countries AS c ON c.country = w.country
