-- The exchange rate that SIPRI's own figures imply: local currency per US dollar.
--
-- arguments:
--   country: a country name
--   year: calendar year
--   edition: last data year of an edition
-- defaults: edition := the newest
-- returns: one row; NULL where either figure is missing
-- columns:
--   local_per_usd DOUBLE [units of the local currency per US$]: calendar-year local-currency figure
--       over the current-US$ figure
-- example: SELECT local_per_usd FROM implied_exchange_rate('Japan', 2015, edition := 2017)

CREATE OR REPLACE MACRO implied_exchange_rate(country, year, edition := NULL) AS TABLE
SELECT s.local_currency_m / nullif(s.current_usd_m, 0) AS local_per_usd
FROM main.spending AS s
WHERE s.edition = resolve_edition(edition) AND s.country = resolve_place(country)
  AND s.year = resolve_year(year, edition);
