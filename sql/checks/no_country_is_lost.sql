-- A country with figures of a measure in one edition has some in the next edition at hand.
--
-- asset: main.observations
-- severity: error

WITH full_editions AS (
    SELECT edition, lag(edition) OVER (ORDER BY edition) AS before
    FROM staging.sipri_editions
    WHERE NOT is_excerpt
),
held AS (
    SELECT edition, measure, country, count(*) AS years, min(year) AS first_year
    FROM main.observations
    WHERE value IS NOT NULL
    GROUP BY edition, measure, country
)
SELECT
    e.edition, b.country || ', ' || b.measure AS subject, b.first_year AS year,
    format('{} years have a figure in edition {}, none in {}', b.years, e.before, e.edition)
        AS detail
FROM full_editions AS e
JOIN held AS b ON b.edition = e.before
ANTI JOIN held AS n
  ON n.edition = e.edition AND n.measure = b.measure AND n.country = b.country
