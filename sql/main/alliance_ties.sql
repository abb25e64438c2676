-- One row per year and pair of states that an alliance ties, 1945 on, where one of the two is in the
-- Asia-Pacific (at its widest level): who is tied to whom, and by what.
--
-- The obligation is the strongest that either of the two has towards the alliance's partners in the
-- phase in force (SQL: member rows of the phase), so a member's own coding counts, not the treaty's
-- maximum. Years after a version's closing are unknown and have no rows.
--
-- key: dataset, version, year, state_a, state_b
-- columns:
--   dataset VARCHAR: ATOP or COW
--   version VARCHAR: version of the dataset
--   year INTEGER [year]: calendar year, 1945 to the closing
--   state_a INTEGER: COW code of one state, the lower
--   state_b INTEGER: COW code of the other
--   country_a VARCHAR: canonical name of state_a
--   country_b VARCHAR: canonical name of state_b
--   strongest VARCHAR: strongest obligation between them: defense, offense, neutrality,
--       nonaggression, consultation or none
--   bilateral BOOLEAN: a bilateral pact is among those that tie them; not necessarily the one with
--       the strongest obligation
--   alliance_ids VARCHAR[]: the alliances that tie them

WITH ranked AS (
    SELECT
        p.dataset, p.version, p.year, p.alliance_id, p.bilateral, m.cow_code::INTEGER AS cow_code,
        min(CASE WHEN m.defense THEN 1 WHEN m.offense THEN 2 WHEN m.neutrality THEN 3
            WHEN m.nonaggression THEN 4 WHEN m.consultation THEN 5 ELSE 6 END) AS strength
    FROM main.regional_pacts AS p
    JOIN raw.alliance_member_phases AS m
      ON m.dataset = p.dataset AND m.version = p.version AND m.alliance_id = p.alliance_id
     AND m.phase = p.phase
     AND m.entry_date::DATE <= make_date(p.year, 12, 31)
     AND coalesce(m.exit_date::DATE, DATE '9999-12-31') >= make_date(p.year, 1, 1)
    GROUP BY ALL
),
placed AS (
    SELECT r.*, k.country, k.alliance_region IS NOT NULL AS in_region
    FROM ranked AS r
    LEFT JOIN staging.country_codes AS k ON k.cow_code = r.cow_code
)
SELECT
    a.dataset, a.version, a.year, a.cow_code AS state_a, b.cow_code AS state_b,
    a.country AS country_a, b.country AS country_b,
    CASE min(least(a.strength, b.strength))
        WHEN 1 THEN 'defense' WHEN 2 THEN 'offense' WHEN 3 THEN 'neutrality'
        WHEN 4 THEN 'nonaggression' WHEN 5 THEN 'consultation' ELSE 'none' END AS strongest,
    bool_or(a.bilateral) AS bilateral, list(a.alliance_id ORDER BY a.alliance_id) AS alliance_ids
FROM placed AS a
JOIN placed AS b
  ON b.dataset = a.dataset AND b.version = a.version AND b.year = a.year
 AND b.alliance_id = a.alliance_id AND b.cow_code > a.cow_code
WHERE a.in_region OR b.in_region
GROUP BY a.dataset, a.version, a.year, a.cow_code, b.cow_code, a.country, b.country
