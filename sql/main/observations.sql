-- One row per edition, country, year and measure: the figure, its unit, its status and its notes.
--
-- SIPRI's current-US$ sheets print 0 for some years in which the local-currency figure is not zero
-- (Argentina, Cuba, Taiwan and others, editions 2022 on). Such a zero is no figure: here it is
-- unavailable, with a note. The raw layer keeps the 0.
--
-- key: edition, country, year, measure
-- unordered: to sort so many rows would take longer than to make them
-- columns:
--   edition INTEGER [year]: last data year of the edition
--   country VARCHAR: canonical name
--   year INTEGER [year]: calendar year (financial year in local_currency_financial)
--   measure VARCHAR: constant_usd, current_usd, local_currency, local_currency_financial,
--       share_of_gdp, share_of_government_spending or per_capita_usd
--   value DOUBLE [as in unit]: US$ millions, single units of the local currency, a fraction, or US$
--       per head; NULL where unavailable or not independent
--   unit VARCHAR: unit of the value
--   status VARCHAR: reported, estimate (SIPRI's blue), uncertain (SIPRI's red), unavailable or
--       not_independent
--   notes VARCHAR: SIPRI's footnotes for the country, and ours

WITH judged AS (
    SELECT
        f.*,
        f.measure = 'current_usd' AND f.value = 0 AND l.value <> 0 AS false_zero
    FROM staging.sipri_figures AS f
    LEFT JOIN staging.sipri_figures AS l
      ON f.measure = 'current_usd' AND f.value = 0
     AND l.measure = 'local_currency'
     AND l.edition = f.edition AND l.country = f.country AND l.year = f.year
)
SELECT
    edition, country, year, measure,
    CASE WHEN false_zero THEN NULL ELSE value END AS value,
    unit,
    CASE WHEN false_zero THEN 'unavailable' ELSE status END AS status,
    CASE WHEN false_zero THEN concat_ws(
        ' ', notes,
        'SIPRI prints 0 here although the local-currency figure is not zero; read as unavailable.'
    ) ELSE notes END AS notes
FROM judged
