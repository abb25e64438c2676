-- How would the growth of Asia and Oceania look without South Asia?
--
-- Sums of the countries' constant-price figures, with and without the sub-region, in the edition from
-- which 59 % was stated. Only countries with a figure in both years count.

WITH both_years AS (
    SELECT
        country, subregion, max(constant_usd_m) FILTER (year = 2008) AS usd_m_2008,
        max(constant_usd_m) FILTER (year = 2017) AS usd_m_2017
    FROM spending
    WHERE edition = 2017 AND region = 'Asia & Oceania' AND year IN (2008, 2017)
    GROUP BY country, subregion
    HAVING usd_m_2008 > 0 AND usd_m_2017 > 0
)
SELECT
    sum(usd_m_2017) / sum(usd_m_2008) - 1 AS growth_of_all,
    sum(usd_m_2017) FILTER (subregion <> 'South Asia')
        / sum(usd_m_2008) FILTER (subregion <> 'South Asia') - 1 AS growth_without_south_asia,
    count(*) AS countries
FROM both_years
