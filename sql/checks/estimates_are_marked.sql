-- Every edition marks some figures as SIPRI's estimates or as highly uncertain (China's always): a copy
-- in which no figure is marked was saved by a program that lost the colours.
--
-- asset: main.observations
-- severity: error

SELECT
    edition, 'every country' AS subject, min(year) AS year,
    format('none of {} figures is an estimate or uncertain', count(*)) AS detail
FROM main.observations
WHERE value IS NOT NULL
GROUP BY edition
HAVING count(*) FILTER (status <> 'reported') = 0
