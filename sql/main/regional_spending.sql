-- One row per edition, region, year and basis: the regional total as SIPRI publishes it, and as the
-- sum of its countries.
--
-- SIPRI's total leaves out the omitted countries and includes SIPRI's own estimates for unavailable
-- ones; our sum leaves the omitted out and adds the figures that there are. The residual is what
-- SIPRI's estimates for the unavailable countries come to. Published current prices exist for an
-- edition's last year only (none in edition 2020). 'World' and 'Middle East' include Iraq.
--
-- key: edition, region, year, basis
-- columns:
--   edition INTEGER [year]: last data year of the edition
--   region VARCHAR: SIPRI region, sub-region, World, or a composed region
--   year INTEGER [year]: calendar year
--   basis VARCHAR: published (SIPRI's total) or summed (ours)
--   constant_usd_bn DOUBLE [US$ billions, prices of the edition's base year]: total
--   current_usd_bn DOUBLE [US$ billions, current prices]: total
--   status VARCHAR: of the constant total: reported, estimate (more than 10 % of it estimated),
--       unavailable
--   omitted_countries VARCHAR[]: countries left out of both totals
--   unavailable_countries VARCHAR[]: members without a constant-price figure that year
--   members BIGINT [countries]: members that are not omitted and were independent
--   members_with_figures BIGINT [countries]: of these, how many have a constant-price figure
--   estimated_share DOUBLE [fraction]: share of the constant total that is an estimate or highly
--       uncertain (published: including the residual)
--   residual_bn DOUBLE [US$ billions, prices of the edition's base year]: published less summed, what
--       SIPRI's estimates for the unavailable countries come to

WITH omissions AS (
    SELECT edition, region, list(country ORDER BY country) AS countries
    FROM main.omitted_countries GROUP BY edition, region
),
summed AS (
    SELECT
        s.edition, m.region, s.year,
        sum(s.constant_usd_m) / 1e3 AS constant_usd_bn,
        sum(s.current_usd_m) / 1e3 AS current_usd_bn,
        coalesce(sum(s.constant_usd_m) FILTER (s.status IN ('estimate', 'uncertain')), 0) / 1e3
            AS estimated_bn,
        coalesce(
            list(s.country ORDER BY s.country)
                FILTER (s.constant_usd_m IS NULL AND s.status <> 'not_independent'), []
        ) AS unavailable_countries,
        count(*) FILTER (s.status <> 'not_independent') AS members,
        count(s.constant_usd_m) AS members_with_figures
    FROM main.spending AS s
    JOIN main.region_members AS m ON m.country = s.country
    ANTI JOIN main.omitted_countries AS o
      ON o.edition = s.edition AND o.region = m.region AND o.country = s.country
    GROUP BY s.edition, m.region, s.year
),
printed AS (
    SELECT
        edition, region, year,
        max(value_bn) FILTER (prices = 'constant') AS constant_usd_bn,
        max(value_bn) FILTER (prices = 'current') AS current_usd_bn,
        max(status) FILTER (prices = 'constant') AS status
    FROM staging.sipri_regional_totals
    GROUP BY edition, region, year
),
-- A composed region has a published total where every one of its parts has one.
published AS (
    SELECT * FROM printed
    UNION ALL
    SELECT
        p.edition, r.region, p.year,
        CASE WHEN count(p.constant_usd_bn) = r.parts THEN sum(p.constant_usd_bn) END,
        CASE WHEN count(p.current_usd_bn) = r.parts THEN sum(p.current_usd_bn) END,
        CASE WHEN count(p.constant_usd_bn) < r.parts THEN 'unavailable'
             WHEN bool_or(p.status = 'estimate') THEN 'estimate' ELSE 'reported' END
    FROM printed AS p
    JOIN (
        SELECT region, part, count(*) OVER (PARTITION BY region) AS parts FROM main.region_parts
    ) AS r ON r.part = p.region
    GROUP BY p.edition, r.region, p.year, r.parts
),
both_bases AS (
    SELECT
        p.edition, p.region, p.year, 'published' AS basis, p.constant_usd_bn, p.current_usd_bn,
        p.status, s.unavailable_countries, s.members, s.members_with_figures,
        greatest(0, p.constant_usd_bn - (s.constant_usd_bn - s.estimated_bn)) / p.constant_usd_bn
            AS estimated_share,
        p.constant_usd_bn - s.constant_usd_bn AS residual_bn
    FROM published AS p
    LEFT JOIN summed AS s ON s.edition = p.edition AND s.region = p.region AND s.year = p.year
    UNION ALL
    SELECT
        edition, region, year, 'summed', constant_usd_bn, current_usd_bn,
        CASE WHEN constant_usd_bn IS NULL THEN 'unavailable'
             WHEN estimated_bn > 0.1 * constant_usd_bn THEN 'estimate' ELSE 'reported' END,
        unavailable_countries, members, members_with_figures,
        estimated_bn / nullif(constant_usd_bn, 0), NULL
    FROM summed
)
SELECT
    b.edition, b.region, b.year, b.basis, b.constant_usd_bn, b.current_usd_bn, b.status,
    coalesce(o.countries, []) AS omitted_countries,
    coalesce(b.unavailable_countries, []) AS unavailable_countries,
    b.members, b.members_with_figures, b.estimated_share, b.residual_bn
FROM both_bases AS b
LEFT JOIN omissions AS o ON o.edition = b.edition AND o.region = b.region
