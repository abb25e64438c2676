-- One row per claim about spending and pair of successive editions: how the change of its figure came
-- about.
--
-- The figure is recomputed three times over the countries that both editions have, then compared with
-- the editions' own: first the current-price data move to the later edition, then its deflators and
-- exchange rates (constant prices over current ones: a new base year), then the countries that enter
-- or leave, and last what a published total holds beyond its listed countries (SIPRI's estimates for
-- unavailable ones). The four parts add up to the change. The order is fixed and declared here;
-- another order would divide interactions differently. A metric that is no sum at constant prices (a
-- rank, a burden, an exchange rate) moves by revised figures alone, countries that enter or leave a
-- ranking among them: its whole change stands under revised_data.
--
-- key: claim_id, from_edition, to_edition
-- columns:
--   claim_id VARCHAR: claim
--   from_edition INTEGER [year]: earlier edition
--   to_edition INTEGER [year]: the next edition at hand
--   from_value DOUBLE [the claim's unit]: figure in the earlier edition
--   to_value DOUBLE [the claim's unit]: figure in the later edition
--   change DOUBLE [the claim's unit]: later less earlier
--   revised_data DOUBLE [the claim's unit]: from revised current-price data
--   revised_deflators DOUBLE [the claim's unit]: from revised deflators and exchange rates
--   countries_entering DOUBLE [the claim's unit]: from countries entering or leaving the sum
--   published_residual DOUBLE [the claim's unit]: from what published totals hold beyond the sum

WITH own AS (
    SELECT
        g.claim_id, g.metric, g.country, g.place, coalesce(g.prices, 'constant') AS prices,
        g.from_year + g.shift AS y0, g.to_year + g.shift AS y1
    FROM claims.spending_grid AS g
    WHERE g.specification_id = 0 AND g.metric IN ('growth', 'share', 'contribution')
),
steps AS (
    SELECT edition AS from_edition, lead(edition) OVER (ORDER BY edition) AS to_edition
    FROM main.editions
),
-- Each member's figures at both years in both editions; d is constant over current prices.
members AS (
    SELECT
        o.claim_id, o.metric, o.prices, t.from_edition, t.to_edition, m.country,
        m.country = o.country AS is_part,
        oa.country IS NOT NULL AS omitted_a, ob.country IS NOT NULL AS omitted_b,
        CASE o.prices WHEN 'constant' THEN a0.constant_usd_m ELSE a0.current_usd_m END AS a0,
        CASE o.prices WHEN 'constant' THEN a1.constant_usd_m ELSE a1.current_usd_m END AS a1,
        CASE o.prices WHEN 'constant' THEN b0.constant_usd_m ELSE b0.current_usd_m END AS b0,
        CASE o.prices WHEN 'constant' THEN b1.constant_usd_m ELSE b1.current_usd_m END AS b1,
        CASE o.prices WHEN 'constant' THEN a0.constant_usd_m / nullif(a0.current_usd_m, 0) ELSE 1 END
            AS d0,
        CASE o.prices WHEN 'constant' THEN a1.constant_usd_m / nullif(a1.current_usd_m, 0) ELSE 1 END
            AS d1,
        b0.current_usd_m AS u0, b1.current_usd_m AS u1
    FROM own AS o
    CROSS JOIN steps AS t
    JOIN main.region_members AS m ON m.region = o.place
    LEFT JOIN main.spending AS a0
      ON a0.edition = t.from_edition AND a0.country = m.country AND a0.year = o.y0
    LEFT JOIN main.spending AS a1
      ON a1.edition = t.from_edition AND a1.country = m.country AND a1.year = o.y1
    LEFT JOIN main.spending AS b0
      ON b0.edition = t.to_edition AND b0.country = m.country AND b0.year = o.y0
    LEFT JOIN main.spending AS b1
      ON b1.edition = t.to_edition AND b1.country = m.country AND b1.year = o.y1
    LEFT JOIN main.omitted_countries AS oa
      ON oa.edition = t.from_edition AND oa.region = o.place AND oa.country = m.country
    LEFT JOIN main.omitted_countries AS ob
      ON ob.edition = t.to_edition AND ob.region = o.place AND ob.country = m.country
    WHERE t.to_edition IS NOT NULL
),
marked AS (
    SELECT
        *,
        a0 IS NOT NULL AND a1 IS NOT NULL AND b0 IS NOT NULL AND b1 IS NOT NULL
        AND NOT omitted_a AND NOT omitted_b AS common,
        -- The later edition's current prices at the earlier one's deflators (0 stays 0).
        coalesce(u0 * d0, CASE WHEN b0 = 0 THEN 0 END, a0) AS x0,
        coalesce(u1 * d1, CASE WHEN b1 = 0 THEN 0 END, a1) AS x1
    FROM members
),
sums AS (
    SELECT
        claim_id, metric, from_edition, to_edition, variant,
        sum(v0) AS s0, sum(v1) AS s1,
        sum(v0) FILTER (is_part) AS c0, sum(v1) FILTER (is_part) AS c1
    FROM (
        SELECT claim_id, metric, from_edition, to_edition, is_part, 'from, all' AS variant,
               a0 AS v0, a1 AS v1 FROM marked WHERE NOT omitted_a
        UNION ALL SELECT claim_id, metric, from_edition, to_edition, is_part, 'from, common', a0, a1
        FROM marked WHERE common
        UNION ALL SELECT claim_id, metric, from_edition, to_edition, is_part, 'data, common', x0, x1
        FROM marked WHERE common
        UNION ALL SELECT claim_id, metric, from_edition, to_edition, is_part, 'to, common', b0, b1
        FROM marked WHERE common
        UNION ALL SELECT claim_id, metric, from_edition, to_edition, is_part, 'to, all', b0, b1
        FROM marked WHERE NOT omitted_b
    )
    GROUP BY ALL
),
figures AS (
    SELECT
        claim_id, from_edition, to_edition, variant,
        100 * CASE metric
            WHEN 'growth' THEN s1 / nullif(s0, 0) - 1
            WHEN 'share' THEN c1 / nullif(s1, 0)
            WHEN 'contribution' THEN (c1 - c0) / nullif(s1 - s0, 0)
        END AS value
    FROM sums
),
wide AS (
    SELECT
        claim_id, from_edition, to_edition,
        max(value) FILTER (variant = 'from, all') AS from_all,
        max(value) FILTER (variant = 'from, common') AS from_common,
        max(value) FILTER (variant = 'data, common') AS data_common,
        max(value) FILTER (variant = 'to, common') AS to_common,
        max(value) FILTER (variant = 'to, all') AS to_all
    FROM figures
    GROUP BY ALL
)
SELECT
    w.claim_id, w.from_edition, w.to_edition, a.value AS from_value, b.value AS to_value,
    b.value - a.value AS change,
    w.data_common - w.from_common AS revised_data,
    w.to_common - w.data_common AS revised_deflators,
    (w.from_common - w.from_all) + (w.to_all - w.to_common) AS countries_entering,
    (b.value - w.to_all) - (a.value - w.from_all) AS published_residual
FROM wide AS w
JOIN main.claim_editions AS a ON a.claim_id = w.claim_id AND a.edition = w.from_edition
JOIN main.claim_editions AS b ON b.claim_id = w.claim_id AND b.edition = w.to_edition
WHERE a.value IS NOT NULL AND b.value IS NOT NULL
UNION ALL
SELECT
    g.claim_id, t.from_edition, t.to_edition, a.value, b.value, b.value - a.value,
    b.value - a.value, 0, 0, 0
FROM claims.spending_grid AS g
CROSS JOIN steps AS t
JOIN main.claim_editions AS a ON a.claim_id = g.claim_id AND a.edition = t.from_edition
JOIN main.claim_editions AS b ON b.claim_id = g.claim_id AND b.edition = t.to_edition
WHERE g.specification_id = 0 AND g.metric NOT IN ('growth', 'share', 'contribution')
  AND a.value IS NOT NULL AND b.value IS NOT NULL
