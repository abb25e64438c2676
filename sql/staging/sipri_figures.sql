-- One row per edition, measure, country and year: SIPRI's figure under the country's canonical name.
--
-- The European Union's row (editions 2022 on) is not a country and is left out; a row that two
-- states share (`USSR/Russia`) is split by year.
--
-- key: edition, measure, country, year
-- columns:
--   edition INTEGER [year]: last data year
--   measure VARCHAR: constant_usd, current_usd, local_currency, local_currency_financial,
--       share_of_gdp, share_of_government_spending or per_capita_usd
--   country VARCHAR: canonical name
--   year INTEGER [year]: calendar year (financial year in local_currency_financial)
--   value DOUBLE [as in unit]: the figure, NULL where there is none
--   unit VARCHAR: unit of the value as the sheet gives it
--   status VARCHAR: reported, estimate, uncertain, unavailable or not_independent
--   marks VARCHAR: SIPRI's footnote marks of the country's row
--   notes VARCHAR: the footnotes that the marks refer to

SELECT
    f.edition, f.measure::VARCHAR AS measure, n.country, f.year, f.value,
    f.unit::VARCHAR AS unit, f.status::VARCHAR AS status,
    nullif(t.marks, '') AS marks, nullif(t.notes, '') AS notes
FROM raw.sipri_figures AS f
JOIN staging.sipri_editions AS e ON e.source_id = f.source_id
JOIN staging.country_names AS n
  ON n.name = f.country::VARCHAR AND f.year BETWEEN n.first_year AND n.last_year
LEFT JOIN raw.sipri_notes AS t
  ON t.source_id = f.source_id AND t.measure = f.measure AND t.country = f.country
WHERE n.country IS NOT NULL
