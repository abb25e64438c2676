-- One row per composed region and the SIPRI sub-region that is part of it: the alternatives to
-- Asia & Oceania under which claims about "the region" are recomputed.
--
-- key: region, part
-- columns:
--   region VARCHAR: name of the composed region
--   part VARCHAR: SIPRI sub-region

WITH asia_oceania(part) AS (
    VALUES ('Central Asia'), ('East Asia'), ('Oceania'), ('South Asia'), ('South East Asia')
)
SELECT 'Asia & Oceania without ' || w.part AS region, a.part
FROM asia_oceania AS w CROSS JOIN asia_oceania AS a
WHERE w.part IN ('Oceania', 'Central Asia', 'South Asia') AND a.part <> w.part
UNION ALL
SELECT 'East and South East Asia', part FROM asia_oceania WHERE part IN ('East Asia', 'South East Asia')
