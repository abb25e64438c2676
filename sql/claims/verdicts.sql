-- One row per claim: its verdict by the rules, how many specifications agree, and chance.
--
-- Reproduced: the own definition agrees. Reproduced under another specification: one that differs in
-- at most two dimensions does. Chance is the share of placebo figures, all those within 20 % of the
-- recomputed value at the stated precision (every so many of them where they are more than 10,000),
-- that would have earned one of the two from this grid.
--
-- key: claim_id
-- columns:
--   claim_id VARCHAR: claim
--   verdict VARCHAR: reproduced, reproduced under another specification, not reproduced, data
--       missing or not testable
--   recomputed_value DOUBLE [the claim's unit]: by the own definition
--   recomputed_n BIGINT: countries or alliances that it rests on
--   specifications BIGINT: specifications of the grid that have a meaning
--   agreeing BIGINT: how many of them agree
--   agreeing_alone BIGINT: how many agree whatever a companion claim says
--   agreeing_beyond BIGINT: how many of these differ in more than two dimensions
--   distinct_samples BIGINT: specifications that select different rows
--   distinct_agreeing BIGINT: how many of them agree
--   chance DOUBLE [fraction]: share of placebo figures that would have been reproduced
--   other_specification INTEGER: the agreeing specification with the fewest changes, if not the own
--   nearest_specification INTEGER: the specification whose figure is nearest to the stated one

WITH counted AS (
    SELECT
        claim_id,
        max(value) FILTER (specification_id = 0) AS recomputed_value,
        max(n) FILTER (specification_id = 0) AS recomputed_n,
        coalesce(bool_or(agrees) FILTER (specification_id = 0), false) AS own_agrees,
        count(*) AS specifications,
        count(*) FILTER (agrees) AS agreeing,
        count(*) FILTER (agrees_alone) AS agreeing_alone,
        count(*) FILTER (agrees AND changes > 2) AS agreeing_beyond,
        count(DISTINCT sample_id) AS distinct_samples,
        count(DISTINCT sample_id) FILTER (agrees) AS distinct_agreeing,
        arg_min(specification_id, (changes, specification_id))
            FILTER (agrees AND changes BETWEEN 1 AND 2) AS other_specification
    FROM main.specifications
    WHERE carries_verdict
    GROUP BY claim_id
),
nearest AS (
    SELECT
        s.claim_id,
        arg_min(s.specification_id,
                (round(abs(s.value - t.stated_value), 9), s.changes, s.specification_id))
            AS nearest_specification
    FROM main.specifications AS s
    JOIN claims.statements AS t ON t.claim_id = s.claim_id
    WHERE s.carries_verdict AND s.value IS NOT NULL
    GROUP BY s.claim_id
),
placebos AS (
    SELECT
        c.claim_id, t.comparison, t.decimals, t.together_with,
        unnest(generate_series(
            ceil(round(least(0.8 * c.recomputed_value, 1.2 * c.recomputed_value)
                       * power(10, t.decimals), 9))::BIGINT,
            floor(round(greatest(0.8 * c.recomputed_value, 1.2 * c.recomputed_value)
                        * power(10, t.decimals), 9))::BIGINT,
            1 + floor(0.4 * abs(c.recomputed_value) * power(10, t.decimals) / 1e4)::BIGINT
        )) / power(10, t.decimals) AS placebo,
        t.stated_upper - t.stated_value AS width
    FROM counted AS c
    JOIN claims.statements AS t ON t.claim_id = c.claim_id
    WHERE c.recomputed_value IS NOT NULL
),
-- Near specifications only; where two claims describe one set, the companion's stated figure stands.
near AS (
    SELECT DISTINCT s.claim_id, s.value
    FROM main.specifications AS s
    JOIN claims.statements AS t ON t.claim_id = s.claim_id
    LEFT JOIN main.specifications AS o
      ON o.claim_id = t.together_with AND o.specification_id = s.specification_id
    LEFT JOIN claims.statements AS u ON u.claim_id = o.claim_id
    WHERE s.carries_verdict AND s.changes <= 2 AND s.value IS NOT NULL
      AND (t.together_with IS NULL
           OR agrees(o.value, u.comparison, u.stated_value, u.stated_upper, u.decimals))
),
chances AS (
    SELECT claim_id, avg(earned::INTEGER) AS chance
    FROM (
        SELECT
            p.claim_id, p.placebo,
            coalesce(bool_or(agrees(n.value, p.comparison, p.placebo, p.placebo + p.width, p.decimals)),
                     false) AS earned
        FROM placebos AS p
        LEFT JOIN near AS n ON n.claim_id = p.claim_id
        GROUP BY p.claim_id, p.placebo
    )
    GROUP BY claim_id
)
SELECT
    t.claim_id,
    CASE
        WHEN NOT t.testable THEN 'not testable'
        WHEN c.recomputed_value IS NULL THEN 'data missing'
        WHEN c.own_agrees THEN 'reproduced'
        WHEN c.other_specification IS NOT NULL THEN 'reproduced under another specification'
        ELSE 'not reproduced'
    END AS verdict,
    c.recomputed_value, c.recomputed_n, coalesce(c.specifications, 0) AS specifications,
    coalesce(c.agreeing, 0) AS agreeing, coalesce(c.agreeing_alone, 0) AS agreeing_alone,
    coalesce(c.agreeing_beyond, 0) AS agreeing_beyond,
    coalesce(c.distinct_samples, 0) AS distinct_samples,
    coalesce(c.distinct_agreeing, 0) AS distinct_agreeing,
    h.chance,
    CASE WHEN NOT c.own_agrees THEN c.other_specification END AS other_specification,
    n.nearest_specification
FROM claims.statements AS t
LEFT JOIN counted AS c ON c.claim_id = t.claim_id
LEFT JOIN nearest AS n ON n.claim_id = t.claim_id
LEFT JOIN chances AS h ON h.claim_id = t.claim_id
