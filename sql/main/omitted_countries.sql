-- One row per edition, region and country that SIPRI leaves out of the region's total.
--
-- A region omits what its own row lists, what the rows of its parts list, and, where only the larger
-- region's row lists countries (editions 2021 on), those of them that are its members.
--
-- key: edition, region, country
-- columns:
--   edition INTEGER [year]: last data year of the edition
--   region VARCHAR: region whose total leaves the country out
--   country VARCHAR: canonical name

WITH listed AS (
    SELECT e.edition, o.region, o.country
    FROM staging.omitted_countries AS o
    JOIN staging.sipri_editions AS e ON e.source_id = o.source_id
)
SELECT DISTINCT l.edition, m.region, l.country
FROM listed AS l
JOIN main.region_members AS m ON m.country = l.country
WHERE l.region NOT LIKE '%(excluding Iraq)'
  AND l.country <> 'Iraq'  -- edition 2019 lists it for the series that includes it
  AND (l.region NOT LIKE 'World%' OR m.region LIKE 'World%')
UNION
SELECT edition, region, country FROM listed WHERE region LIKE '%(excluding Iraq)'
