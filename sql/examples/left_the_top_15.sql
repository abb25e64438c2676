-- Who left the top 15, and who came in?
--
-- The largest spenders of 2008 and 2017 in the newest edition, by current US$. A country that stands
-- in one of the two lists only has entered or left between them.

SELECT
    coalesce(a.country, b.country) AS country,
    CASE WHEN b.country IS NULL THEN 'left' ELSE 'entered' END AS what,
    a.rank AS rank_2008, b.rank AS rank_2017
FROM top(2008) AS a
FULL JOIN top(2017) AS b ON b.country = a.country
WHERE a.country IS NULL OR b.country IS NULL
ORDER BY what, coalesce(a.rank, b.rank)
