-- A year in which a measure has any figure in one edition has some in the next edition at hand.
--
-- asset: main.observations
-- severity: error

WITH full_editions AS (
    SELECT edition, lag(edition) OVER (ORDER BY edition) AS before
    FROM staging.sipri_editions
    WHERE NOT is_excerpt
),
held AS (
    SELECT edition, measure, year, count(*) AS countries
    FROM main.observations
    WHERE value IS NOT NULL
    GROUP BY edition, measure, year
)
SELECT
    e.edition, b.measure AS subject, b.year,
    format('{} countries have a figure in edition {}, none in {}', b.countries, e.before, e.edition)
        AS detail
FROM full_editions AS e
JOIN held AS b ON b.edition = e.before
ANTI JOIN held AS n ON n.edition = e.edition AND n.measure = b.measure AND n.year = b.year
