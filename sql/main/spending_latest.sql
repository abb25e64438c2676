-- One row per country and year of the newest edition: what to use when no edition is named.
--
--
-- key: country, year
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

SELECT * FROM main.spending WHERE edition = (SELECT max(edition) FROM main.editions)
