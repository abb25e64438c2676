-- Constant and current figures agree in the base year, within one part in a million, and neither has
-- a figure where the other has none.
--
-- asset: main.spending
-- severity: error

SELECT
    s.edition, s.country AS subject, s.year,
    format(
        'constant {}, current {} US$ m.', coalesce(s.constant_usd_m::VARCHAR, 'unavailable'),
        coalesce(s.current_usd_m::VARCHAR, 'unavailable')
    ) AS detail
FROM main.spending AS s
JOIN staging.sipri_editions AS e ON e.edition = s.edition AND e.base_year = s.year
WHERE NOT e.is_excerpt
  AND ((s.constant_usd_m IS NULL) <> (s.current_usd_m IS NULL)
       OR abs(s.constant_usd_m - s.current_usd_m) > 1e-6 * s.current_usd_m)
