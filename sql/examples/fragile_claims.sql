-- Which statements hold under few of their alternatives only?
--
-- The share of specifications that agree with what was stated, the lowest first. A statement can be
-- reproduced exactly and still hold under no other choice of edition, prices or region.

SELECT
    claim_id, stated, recomputed, verdict, agreeing, specifications,
    agreeing / specifications AS agreeing_share
FROM claims
WHERE specifications > 0
ORDER BY agreeing_share, claim_id
