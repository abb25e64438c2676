-- One row per region and member country: SIPRI's regions and sub-regions, and the alternatives that
-- claims are recomputed under.
--
-- `kind` tells SIPRI's own aggregates (published) from regions composed here (composed), whose
-- published total is the sum of the published totals of their parts.
--
-- key: region, country
-- columns:
--   region VARCHAR: name of the region
--   country VARCHAR: canonical name of the member
--   kind VARCHAR: published or composed

WITH subregions AS (
    SELECT region, subregion, country FROM main.countries WHERE region IS NOT NULL
)
SELECT region, country, 'published' AS kind FROM subregions
UNION ALL
SELECT subregion, country, 'published' FROM subregions WHERE subregion <> region
UNION ALL
SELECT 'World', country, 'published' FROM subregions
UNION ALL
SELECT 'World (excluding Iraq)', country, 'published' FROM subregions WHERE country <> 'Iraq'
UNION ALL
SELECT 'Middle East (excluding Iraq)', country, 'published'
FROM subregions WHERE region = 'Middle East' AND country <> 'Iraq'
UNION ALL
SELECT 'Central & South Asia', country, 'published'
FROM subregions WHERE subregion IN ('Central Asia', 'South Asia')
UNION ALL
SELECT 'Central and Western Europe', country, 'published'
FROM subregions WHERE subregion IN ('Central Europe', 'Western Europe')
UNION ALL
SELECT p.region, s.country, 'composed'
FROM subregions AS s JOIN main.region_parts AS p ON p.part = s.subregion
