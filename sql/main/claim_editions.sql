-- One row per claim about spending and edition: the claim's own definition in every edition at hand.
--
-- key: claim_id, edition
-- columns:
--   claim_id VARCHAR: claim
--   edition INTEGER [year]: edition that the figure is taken from
--   value DOUBLE [the claim's unit]: the figure; NULL where the edition has none
--   agrees BOOLEAN: it agrees with the statement
--   is_own BOOLEAN: the edition of the claim's own definition

SELECT
    g.claim_id, g.edition, v.value,
    agrees(v.value, s.comparison, s.stated_value, s.stated_upper, s.decimals) AS agrees,
    g.changes = 0 AS is_own
FROM claims.spending_grid AS g
JOIN claims.spending_grid AS own ON own.claim_id = g.claim_id AND own.specification_id = 0
JOIN claims.spending_values AS v
  ON v.claim_id = g.claim_id AND v.specification_id = g.specification_id
JOIN claims.statements AS s ON s.claim_id = g.claim_id
WHERE g.carries_verdict AND g.edition IS NOT NULL
  AND (g.changes = 0 OR (g.changes = 1 AND g.edition <> own.edition))
