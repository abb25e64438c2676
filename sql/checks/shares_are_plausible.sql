-- A share of gross domestic product or of government spending lies between 0 and 1: a figure printed
-- in percent, or in the wrong unit, would not.
--
-- asset: main.observations
-- severity: warning

SELECT
    edition, country AS subject, year,
    format('{} is {:.1f} %', replace(measure, '_', ' '), 100 * value) AS detail
FROM main.observations
WHERE measure IN ('share_of_gdp', 'share_of_government_spending') AND NOT value BETWEEN 0 AND 1
