-- One row per edition, year and group: the military burden of the US's allies in the Asia-Pacific
-- beside that of the region's other members.
--
-- An ally is a member of SIPRI's Asia & Oceania that ATOP's newest version ties to the US with a
-- defence obligation in the year. Few countries, chosen by history: the table describes, it does not
-- explain, and it says nothing of cause. Years after ATOP's closing are unknown and have no rows.
--
-- key: edition, year, allied
-- columns:
--   edition INTEGER [year]: last data year of the edition
--   year INTEGER [year]: calendar year
--   allied BOOLEAN: tied to the US by a defence obligation that year
--   countries BIGINT [countries]: members of the group with both figures
--   members VARCHAR[]: their names
--   mean_share_of_gdp DOUBLE [fraction]: mean of the countries' military burdens
--   median_share_of_gdp DOUBLE [fraction]: median of the countries' military burdens
--   joint_share_of_gdp DOUBLE [fraction]: the group's expenditure over its GDP (implied by shares)

WITH newest AS (
    SELECT max(version) AS version FROM main.alliance_ties WHERE dataset = 'ATOP'
),
allies AS (
    SELECT DISTINCT t.year, t.country_b AS country
    FROM main.alliance_ties AS t
    JOIN newest AS n ON n.version = t.version
    WHERE t.dataset = 'ATOP' AND t.state_a = 2 AND t.strongest = 'defense'
),
covered AS (SELECT DISTINCT year FROM allies),
figures AS (
    SELECT
        s.edition, s.year, s.country, s.share_of_gdp, s.current_usd_m,
        a.country IS NOT NULL AS allied
    FROM main.spending AS s
    JOIN covered AS c ON c.year = s.year
    LEFT JOIN allies AS a ON a.year = s.year AND a.country = s.country
    WHERE s.region = 'Asia & Oceania' AND s.share_of_gdp > 0 AND s.current_usd_m IS NOT NULL
)
SELECT
    edition, year, allied, count(*) AS countries, list(country ORDER BY country) AS members,
    avg(share_of_gdp) AS mean_share_of_gdp, median(share_of_gdp) AS median_share_of_gdp,
    sum(current_usd_m) / sum(current_usd_m / share_of_gdp) AS joint_share_of_gdp
FROM figures
GROUP BY edition, year, allied
