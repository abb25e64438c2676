-- One row per claim and rule: how many combinations of its grid the rule leaves out, and how many stay.
--
-- key: claim_id, rule
-- columns:
--   claim_id VARCHAR: claim
--   rule VARCHAR: why combinations have no meaning; 'kept' for those that stay
--   combinations BIGINT: how many

SELECT claim_id, coalesce(left_out, 'kept') AS rule, count(*) AS combinations
FROM (
    SELECT claim_id, left_out FROM claims.spending_values
    UNION ALL SELECT claim_id, left_out FROM claims.alliance_values
    UNION ALL SELECT claim_id, left_out FROM claims.structure_values
)
GROUP BY ALL
