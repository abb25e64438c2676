-- Every figure has the unit of its measure: US$ millions at the edition's base year or at current
-- prices, a fraction of what the measure names, US$ per head, or the name of a currency.
--
-- asset: main.observations
-- severity: blocking

SELECT
    o.edition, o.country AS subject, o.year,
    o.measure || ' in ' || coalesce(o.unit, 'no unit') AS detail
FROM main.observations AS o
JOIN staging.sipri_editions AS e ON e.edition = o.edition
WHERE o.value IS NOT NULL
  AND NOT coalesce(
    CASE o.measure
        WHEN 'constant_usd' THEN o.unit = 'US$ m., constant ' || e.base_year || ' prices'
        WHEN 'current_usd' THEN o.unit = 'US$ m., current prices'
        WHEN 'local_currency' THEN trim(o.unit) <> ''
        WHEN 'local_currency_financial' THEN trim(o.unit) <> ''
        WHEN 'share_of_gdp' THEN o.unit = 'fraction of GDP'
        WHEN 'share_of_government_spending' THEN o.unit = 'fraction of government spending'
        WHEN 'per_capita_usd' THEN o.unit = 'US$ per head'
    END, false)
