-- One row per claim about spending and specification: the figure under it, or why it has no meaning.
--
-- All specifications of all claims are evaluated together, as joins over the grid. A growth or a
-- contribution compares two years (y0, y1); other metrics look at y1. Rules that leave a combination
-- out: the edition lacks a year; the first year is not before the last; SIPRI publishes no such
-- total; 'both years' says nothing of a published total or of a single year.
--
-- key: claim_id, specification_id
-- columns:
--   claim_id VARCHAR: claim
--   specification_id INTEGER: number within the claim, 0 for its own definition
--   value DOUBLE [the claim's unit]: the figure under this specification
--   n BIGINT: countries that the figure rests on
--   sample_id VARCHAR: equal for specifications that select the same rows
--   left_out VARCHAR: the rule that leaves the combination out, or NULL

WITH every_combination AS (
    SELECT
        g.* REPLACE (
            coalesce(g.prices, 'constant') AS prices, coalesce(g.coverage, 'all') AS coverage
        ),
        g.from_year + g.shift AS y0, g.to_year + g.shift AS y1,
        g.metric IN ('growth', 'contribution', 'highest_burden') AND g.from_year >= g.to_year
            AS backwards
    FROM claims.spending_grid AS g
),
grid AS (
    SELECT * FROM every_combination WHERE NOT backwards
),
-- Regional totals and countries' figures at both years, for growth, share and contribution.
wanted AS (
    SELECT DISTINCT edition, place, prices, basis, coverage, y0, y1
    FROM grid WHERE metric IN ('growth', 'share', 'contribution')
),
printed AS (
    SELECT
        w.*, a.value_usd_m AS v0, b.value_usd_m AS v1, NULL::BIGINT AS countries,
        hash(w.edition, b.kind, w.place, w.prices, w.y0, w.y1) AS rows_hash
    FROM wanted AS w
    JOIN main.spending_series AS a
      ON a.edition = w.edition AND a.place = w.place AND a.prices = w.prices AND a.year = w.y0
     AND a.basis = CASE WHEN a.kind = 'country' THEN 'reported' ELSE 'published' END
    JOIN main.spending_series AS b
      ON b.edition = w.edition AND b.place = w.place AND b.prices = w.prices AND b.year = w.y1
     AND b.basis = a.basis
    WHERE w.basis = 'published'
),
members AS (
    SELECT
        w.*, m.country,
        CASE WHEN w.prices = 'constant' THEN a.constant_usd_m ELSE a.current_usd_m END AS m0,
        CASE WHEN w.prices = 'constant' THEN b.constant_usd_m ELSE b.current_usd_m END AS m1
    FROM (SELECT DISTINCT * REPLACE ('summed' AS basis) FROM wanted) AS w
    JOIN main.region_members AS m ON m.region = w.place
    ANTI JOIN main.omitted_countries AS o
      ON o.edition = w.edition AND o.region = w.place AND o.country = m.country
    JOIN main.spending AS b ON b.edition = w.edition AND b.country = m.country AND b.year = w.y1
    LEFT JOIN main.spending AS a
      ON a.edition = w.edition AND a.country = m.country AND a.year = w.y0
),
summed AS (
    SELECT
        edition, place, prices, basis, coverage, y0, y1,
        sum(m0) AS v0, sum(m1) AS v1, count(m1) AS countries,
        hash(edition, prices, y0, y1, sum(hash(country, m0, m1)::HUGEINT)) AS rows_hash
    FROM members
    WHERE coverage = 'all' OR (m0 IS NOT NULL AND m1 IS NOT NULL)
    GROUP BY edition, place, prices, basis, coverage, y0, y1
),
totals AS (
    SELECT * FROM printed WHERE coverage = 'all'
    UNION ALL SELECT * FROM summed
    -- A year without a published total in current prices: the sum of the listed countries.
    UNION ALL
    SELECT s.* REPLACE ('published' AS basis)
    FROM summed AS s
    ANTI JOIN printed AS p
      ON p.edition = s.edition AND p.place = s.place AND p.prices = s.prices
     AND p.y0 = s.y0 AND p.y1 = s.y1
    WHERE s.prices = 'current' AND s.y0 = s.y1 AND s.coverage = 'all'
),
ranked AS (
    SELECT
        f.edition, f.year, f.prices, f.country, f.amount,
        rank() OVER (PARTITION BY f.edition, f.year, f.prices ORDER BY f.amount DESC) AS rank,
        count(*) OVER (PARTITION BY f.edition, f.year, f.prices) AS countries
    FROM (
        SELECT edition, year, country, 'current' AS prices, current_usd_m AS amount FROM main.spending
        UNION ALL
        SELECT edition, year, country, 'constant', constant_usd_m FROM main.spending
    ) AS f
    WHERE f.amount IS NOT NULL
      AND (f.edition, f.year) IN (
          SELECT (g.edition, g.y1) FROM grid AS g
          WHERE g.metric IN ('rank', 'ranks_together', 'members_in_top')
      )
),
burdens AS (
    SELECT
        s.edition, s.year, m.region AS place, count(*) AS countries,
        sum(s.current_usd_m) / sum(s.current_usd_m / s.share_of_gdp) AS burden
    FROM main.spending AS s
    JOIN main.region_members AS m ON m.country = s.country
    WHERE s.share_of_gdp > 0 AND s.current_usd_m IS NOT NULL
    GROUP BY s.edition, s.year, m.region
    UNION ALL
    SELECT edition, year, country, 1, share_of_gdp FROM main.spending WHERE share_of_gdp > 0
),
-- A country's own figures at both years, in one pass over its series.
parts AS (
    SELECT
        g.claim_id, g.specification_id,
        max(s.value_usd_m) FILTER (s.year = g.y0) AS c0,
        max(s.value_usd_m) FILTER (s.year = g.y1) AS c1
    FROM grid AS g
    JOIN main.spending_series AS s
      ON s.edition = g.edition AND s.place = g.country AND s.prices = g.prices
     AND s.basis = 'reported'
    WHERE g.metric IN ('share', 'contribution') AND s.year IN (g.y0, g.y1)
    GROUP BY g.claim_id, g.specification_id
),
found AS (
    SELECT
        g.claim_id, g.specification_id, 100 * (t.v1 / nullif(t.v0, 0) - 1) AS value,
        t.countries AS n, t.rows_hash
    FROM grid AS g
    JOIN totals AS t
      ON t.edition = g.edition AND t.place = g.place AND t.prices = g.prices
     AND t.basis = g.basis AND t.coverage = g.coverage AND t.y0 = g.y0 AND t.y1 = g.y1
    WHERE g.metric = 'growth'
    UNION ALL
    SELECT
        g.claim_id, g.specification_id,
        CASE WHEN g.metric = 'share' THEN 100 * c.c1 / nullif(t.v1, 0)
             ELSE 100 * (c.c1 - c.c0) / nullif(t.v1 - t.v0, 0) END,
        t.countries, hash(t.rows_hash, g.country)
    FROM grid AS g
    JOIN totals AS t
      ON t.edition = g.edition AND t.place = g.place AND t.prices = g.prices
     AND t.basis = g.basis AND t.coverage = g.coverage AND t.y0 = g.y0 AND t.y1 = g.y1
    JOIN parts AS c ON c.claim_id = g.claim_id AND c.specification_id = g.specification_id
    UNION ALL
    SELECT
        g.claim_id, g.specification_id, r.rank, r.countries, hash(g.edition, g.y1, g.prices, g.country)
    FROM grid AS g
    JOIN ranked AS r
      ON r.edition = g.edition AND r.year = g.y1 AND r.prices = g.prices AND r.country = g.country
    WHERE g.metric = 'rank'
    UNION ALL
    SELECT
        g.claim_id, g.specification_id,
        count(*) FILTER (r.rank = (g.ranks ->> ('$."' || r.country || '"'))::INTEGER),
        any_value(r.countries), hash(any_value(g.edition), any_value(g.y1), any_value(g.prices))
    FROM grid AS g
    JOIN ranked AS r ON r.edition = g.edition AND r.year = g.y1 AND r.prices = g.prices
    WHERE g.metric = 'ranks_together'
    GROUP BY g.claim_id, g.specification_id
    UNION ALL
    SELECT
        g.claim_id, g.specification_id, count(m.country), any_value(r.countries),
        hash(any_value(g.edition), any_value(g.y1), any_value(g.prices), any_value(g.place),
             any_value(g.top))
    FROM grid AS g
    JOIN ranked AS r
      ON r.edition = g.edition AND r.year = g.y1 AND r.prices = g.prices AND r.rank <= g.top
    LEFT JOIN main.region_members AS m ON m.region = g.place AND m.country = r.country
    WHERE g.metric = 'members_in_top'
    GROUP BY g.claim_id, g.specification_id
    UNION ALL
    SELECT
        g.claim_id, g.specification_id, 100 * (p.burden - w.burden), p.countries,
        hash(g.edition, g.y1, g.place)
    FROM grid AS g
    JOIN burdens AS p ON p.edition = g.edition AND p.year = g.y1 AND p.place = g.place
    JOIN burdens AS w ON w.edition = g.edition AND w.year = g.y1 AND w.place = 'World'
    WHERE g.metric = 'burden_gap'
    UNION ALL
    SELECT
        g.claim_id, g.specification_id, 100 * max(s.share_of_gdp), count(s.share_of_gdp),
        hash(any_value(g.edition), any_value(g.y0), any_value(g.y1), any_value(g.country))
    FROM grid AS g
    JOIN main.spending AS s
      ON s.edition = g.edition AND s.country = g.country AND s.year BETWEEN g.y0 AND g.y1
    WHERE g.metric = 'highest_burden'
    GROUP BY g.claim_id, g.specification_id
    HAVING max(s.year) FILTER (s.share_of_gdp IS NOT NULL) = any_value(g.y1)
    UNION ALL
    SELECT
        g.claim_id, g.specification_id,
        g.amount / (CASE WHEN g.series = 'calendar' THEN l.value ELSE f.value END / (1e6 * u.value)),
        1, hash(g.edition, g.y1, g.series, g.country)
    FROM grid AS g
    JOIN main.observations AS u
      ON u.edition = g.edition AND u.country = g.country AND u.year = g.y1
     AND u.measure = 'current_usd'
    JOIN main.observations AS l
      ON l.edition = g.edition AND l.country = g.country AND l.year = g.y1
     AND l.measure = 'local_currency'
    LEFT JOIN main.observations AS f
      ON f.edition = g.edition AND f.country = g.country AND f.year = g.y1
     AND f.measure = 'local_currency_financial'
    WHERE g.metric = 'money'
)
SELECT
    g.claim_id, g.specification_id, f.value::DOUBLE AS value, f.n::BIGINT AS n,
    printf('%016x', f.rows_hash) AS sample_id,
    CASE
        WHEN f.value IS NOT NULL THEN NULL
        WHEN g.backwards THEN 'the first year is not before the last'
        WHEN e.edition IS NULL THEN 'the edition is not at hand'
        WHEN g.y1 > e.last_year THEN 'the edition ends before the year'
        WHEN g.y0 < e.first_year THEN 'the edition begins after the year'
        WHEN g.basis = 'published' AND g.coverage = 'both years'
            THEN 'coverage is a matter of sums, not of published totals'
        WHEN g.basis = 'published' THEN 'SIPRI publishes no such total'
        ELSE 'no figure'
    END AS left_out
FROM every_combination AS g
LEFT JOIN found AS f ON f.claim_id = g.claim_id AND f.specification_id = g.specification_id
LEFT JOIN main.editions AS e ON e.edition = g.edition
