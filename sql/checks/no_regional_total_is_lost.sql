-- A region and year with a published total in one edition has one in the next edition at hand; years
-- that are lost in a row are one failure.
--
-- asset: main.regional_spending
-- severity: error

WITH full_editions AS (
    SELECT edition, lag(edition) OVER (ORDER BY edition) AS before
    FROM staging.sipri_editions
    WHERE NOT is_excerpt
),
held AS (
    SELECT edition, region, year
    FROM main.regional_spending
    WHERE basis = 'published'
      AND constant_usd_bn IS NOT NULL
      AND region IN (SELECT region FROM main.region_members WHERE kind = 'published')
),
lost AS (
    SELECT
        e.edition, e.before, b.region, b.year,
        b.year - row_number() OVER (PARTITION BY e.edition, b.region ORDER BY b.year) AS run
    FROM full_editions AS e
    JOIN held AS b ON b.edition = e.before
    ANTI JOIN held AS n ON n.edition = e.edition AND n.region = b.region AND n.year = b.year
)
SELECT
    edition, region AS subject, min(year)::INTEGER AS year,
    format('the totals of {} to {} in edition {} are gone', min(year), max(year), any_value(before))
        AS detail
FROM lost
GROUP BY edition, region, run
