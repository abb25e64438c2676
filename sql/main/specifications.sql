-- One row per claim and specification of its declared grid: the figure under it, and whether it agrees.
--
-- Combinations without meaning are left out (see specification_rules). Specifications with a negative
-- number are shown beside the grid and carry no verdict.
--
-- key: claim_id, specification_id
-- unordered: to sort so many rows would take longer than to make them
-- columns:
--   claim_id VARCHAR: claim
--   specification_id INTEGER: number within the claim; 0 is the claim's own definition
--   parameters VARCHAR: the levels of the dimensions that vary (JSON)
--   changes INTEGER [dimensions]: how many dimensions differ from the own definition
--   value DOUBLE [the claim's unit]: the figure, NULL where no unit is in the sample
--   n BIGINT: countries or alliances that the figure rests on
--   agrees BOOLEAN: the figure agrees with the stated one (and so does its companion's, where two
--       claims describe one set)
--   agrees_alone BOOLEAN: the figure agrees with the stated one, whatever the companion says
--   sample_id VARCHAR: equal for specifications that select the same rows
--   carries_verdict BOOLEAN: counts towards the verdict

WITH evaluated AS (
    SELECT g.claim_id, g.specification_id, g.parameters, g.changes, g.carries_verdict, v.value, v.n,
           v.sample_id
    FROM claims.spending_grid AS g
    JOIN claims.spending_values AS v
      ON v.claim_id = g.claim_id AND v.specification_id = g.specification_id
    WHERE v.left_out IS NULL
    UNION ALL
    SELECT g.claim_id, g.specification_id, g.parameters, g.changes, g.carries_verdict, v.value, v.n,
           v.sample_id
    FROM claims.alliance_grid AS g
    JOIN claims.alliance_values AS v
      ON v.claim_id = g.claim_id AND v.specification_id = g.specification_id
    WHERE v.left_out IS NULL
    UNION ALL
    SELECT g.claim_id, g.specification_id, g.parameters, g.changes, g.carries_verdict, v.value, v.n,
           v.sample_id
    FROM claims.structure_grid AS g
    JOIN claims.structure_values AS v
      ON v.claim_id = g.claim_id AND v.specification_id = g.specification_id
    WHERE v.left_out IS NULL
),
compared AS (
    SELECT
        e.*, s.together_with,
        agrees(e.value, s.comparison, s.stated_value, s.stated_upper, s.decimals) AS own_agrees
    FROM evaluated AS e
    JOIN claims.statements AS s ON s.claim_id = e.claim_id
)
SELECT
    c.claim_id, c.specification_id, c.parameters, c.changes, c.value, c.n,
    c.own_agrees AND (c.together_with IS NULL OR coalesce(o.own_agrees, false)) AS agrees,
    c.own_agrees AS agrees_alone, c.sample_id, c.carries_verdict
FROM compared AS c
LEFT JOIN compared AS o
  ON o.claim_id = c.together_with AND o.specification_id = c.specification_id
