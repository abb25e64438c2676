-- How much of the world's military expenditure rests on estimates?
--
-- The share of the constant-price total that is SIPRI's estimate or marked as highly uncertain, in
-- the newest edition.

SELECT year, sum(constant_usd_m) AS constant_usd_m,
    sum(constant_usd_m) FILTER (status <> 'reported') / sum(constant_usd_m) AS estimated_share
FROM spending_latest
WHERE constant_usd_m IS NOT NULL
GROUP BY year
ORDER BY year
