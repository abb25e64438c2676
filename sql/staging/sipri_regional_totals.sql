-- One row per edition, region, year and price basis: SIPRI's own regional total.
--
-- A printed total of exactly 0 (Central Asia before its states were independent, edition 2022) is
-- no figure.
--
-- key: edition, region, year, prices
-- columns:
--   edition INTEGER [year]: last data year
--   region VARCHAR: region under SIPRI's names as of 2021 on
--   year INTEGER [year]: calendar year
--   prices VARCHAR: constant or current
--   value_bn DOUBLE [US$ billions]: the total, NULL where there is none
--   status VARCHAR: reported, estimate (more than 10 % of the total is estimated), unavailable or
--       not_independent

SELECT
    t.edition, n.region, t.year, t.prices::VARCHAR AS prices, nullif(t.value_bn, 0) AS value_bn,
    CASE WHEN t.value_bn = 0 THEN 'unavailable' ELSE t.status::VARCHAR END AS status
FROM raw.sipri_regional_totals AS t
JOIN staging.sipri_editions AS e ON e.source_id = t.source_id
JOIN staging.region_names AS n ON n.name = t.region::VARCHAR
