-- No alliance, phase, lineage, member spell or dyad ends before it begins or after its version was
-- closed.
--
-- asset: main.alliance_units
-- severity: error

SELECT
    NULL::INTEGER AS edition, dataset || ' ' || version || ' ' || unit || ' ' || unit_id AS subject,
    year(begin_date)::INTEGER AS year,
    format('{} to {}, closing {}', begin_date, end_date, closing_date) AS detail
FROM main.alliance_units
WHERE begin_date IS NULL OR end_date < begin_date OR end_date > closing_date
   OR begin_date > closing_date
