-- Every country with observations belongs to a region and a sub-region: one without would be missing
-- from every regional sum.
--
-- asset: main.spending
-- severity: blocking

SELECT
    edition, country AS subject, min(year) AS year,
    'region ' || coalesce(any_value(region), 'missing') || ', sub-region '
        || coalesce(any_value(subregion), 'missing') AS detail
FROM main.spending
WHERE region IS NULL OR subregion IS NULL
GROUP BY edition, country
