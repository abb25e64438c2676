-- Military burden: military expenditure as a share of gross domestic product, a row a year.
--
-- A region's burden is the expenditure of its members over their GDP, each member's GDP implied by
-- its own expenditure and share (current US$); members without both figures that year are left out.
--
-- arguments:
--   place: a country or region name
--   from_year: first year
--   to_year: last year
--   edition: last data year of an edition
-- defaults: edition := the newest
-- returns: a row for each year with a figure
-- columns:
--   year INTEGER [year]: calendar year
--   share_of_gdp DOUBLE [fraction]: military burden
--   countries BIGINT [countries]: how many countries the figure rests on
-- example: SELECT * FROM burden('Asia & Oceania', 2008, 2017, edition := 2017)

CREATE OR REPLACE MACRO burden(place, from_year, to_year, edition := NULL) AS TABLE
WITH members AS (
    SELECT m.country AS member FROM main.region_members AS m WHERE m.region = resolve_place(place)
    UNION
    SELECT resolve_place(place)
)
SELECT
    s.year,
    CASE
        WHEN count(*) = 1 THEN max(s.share_of_gdp)
        ELSE sum(s.current_usd_m) / sum(s.current_usd_m / s.share_of_gdp)
    END AS share_of_gdp,
    count(*) AS countries
FROM main.spending AS s
JOIN members AS m ON m.member = s.country
WHERE s.edition = resolve_edition(edition)
  AND s.year BETWEEN resolve_year(from_year, edition) AND resolve_year(to_year, edition)
  AND s.share_of_gdp > 0
  AND (s.current_usd_m IS NOT NULL OR s.country = resolve_place(place))
GROUP BY s.year
ORDER BY s.year;
