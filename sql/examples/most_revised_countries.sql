-- Which country's past was revised most?
--
-- The median of the changes between the oldest and the newest edition at hand, over all years that
-- both have: 0.5 means that half of the years moved by 50 % or more. Current US$, as published.

SELECT
    country, count(*) AS years_revised, median(abs(change)) AS median_change,
    max(abs(change)) AS largest_change
FROM revisions
WHERE kind = 'revised'
  AND from_edition = (SELECT min(edition) FROM editions)
  AND to_edition = (SELECT max(edition) FROM editions)
  AND greatest(from_usd_m, to_usd_m) >= 100
GROUP BY country
HAVING count(*) >= 5
ORDER BY median_change DESC, country
LIMIT 15
