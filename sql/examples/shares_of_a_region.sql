-- Who spends what share of a region?
--
-- Current US$ of the newest edition over the sum of the region's countries, for the latest year.

SELECT
    country, current_usd_m, current_usd_m / sum(current_usd_m) OVER () AS share_of_region
FROM spending_latest
WHERE region = 'Asia & Oceania' AND year = edition AND current_usd_m IS NOT NULL
ORDER BY current_usd_m DESC
