-- An alliance has every obligation that one of its members or phases has.
--
-- asset: main.alliance_units
-- severity: error

WITH parts AS (
    SELECT
        dataset, version, alliance_id, 'member ' || cow_code AS part, entry_date AS since,
        defense, offense, neutrality, nonaggression, consultation
    FROM main.alliance_members
    UNION ALL
    SELECT
        dataset, version, alliance_id, 'phase ' || phase, begin_date,
        defense, offense, neutrality, nonaggression, consultation
    FROM main.alliance_phases
)
SELECT
    NULL::INTEGER AS edition, a.dataset || ' ' || a.version || ' ' || a.alliance_id AS subject,
    year(p.since)::INTEGER AS year,
    p.part || ' has an obligation that the alliance lacks' AS detail
FROM main.alliances AS a
JOIN parts AS p
  ON p.dataset = a.dataset AND p.version = a.version AND p.alliance_id = a.alliance_id
WHERE (p.defense AND NOT a.defense)
   OR (p.offense AND NOT a.offense)
   OR (p.neutrality AND NOT a.neutrality)
   OR (p.nonaggression AND NOT a.nonaggression)
   OR (p.consultation AND NOT a.consultation)
