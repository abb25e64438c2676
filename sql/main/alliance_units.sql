-- One row per unit whose lifespan can be counted: alliances, phases, lineages, member spells, dyads.
--
-- A mean lifespan depends on which of them is meant, so the unit is part of every figure. A member
-- spell and a dyad take obligations, wartime and bilateral from their alliance; where they end with
-- it they end as it does, else their ending is 'unknown'. A lineage has an obligation if any of its
-- alliances has it, and ends as its last one does.
--
-- key: dataset, version, unit, unit_id
-- columns:
--   dataset VARCHAR: ATOP or COW
--   version VARCHAR: version of the dataset
--   unit VARCHAR: alliance, phase, lineage, member spell or dyad
--   unit_id VARCHAR: alliance number, with phase, state codes and entry date where the unit has them
--   alliance_id VARCHAR: the alliance (of a lineage: its first)
--   begin_date DATE: begin
--   end_date DATE: end; NULL = in force at the closing
--   closing_date DATE: day up to which the version knows
--   lifespan_years INTEGER [years]: difference of calendar years; NULL while in force
--   lifespan_exact_years DOUBLE [years of 365.2425 days]: NULL while in force
--   defense BOOLEAN: obligation to defend
--   offense BOOLEAN: obligation to join an attack (not coded by COW)
--   neutrality BOOLEAN: obligation to stay neutral
--   nonaggression BOOLEAN: obligation not to attack
--   consultation BOOLEAN: obligation to consult
--   bilateral BOOLEAN: two members
--   wartime BOOLEAN: made during a war (not coded by COW)
--   ending VARCHAR: in force, fulfilled, violated, renegotiated, independence lost or unknown
--   left_censored BOOLEAN: in force before the dataset begins

WITH units AS (
    SELECT
        dataset, version, 'alliance' AS unit, alliance_id AS unit_id, alliance_id, begin_date,
        end_date, closing_date, defense, offense, neutrality, nonaggression, consultation,
        bilateral, wartime, ending, left_censored
    FROM main.alliances
    UNION ALL
    SELECT
        p.dataset, p.version, 'phase', p.alliance_id || '.' || p.phase, p.alliance_id,
        p.begin_date, p.end_date, p.closing_date, p.defense, p.offense, p.neutrality,
        p.nonaggression, p.consultation, p.bilateral, p.wartime, p.ending, a.left_censored
    FROM main.alliance_phases AS p
    JOIN main.alliances AS a
      ON a.dataset = p.dataset AND a.version = p.version AND a.alliance_id = p.alliance_id
    UNION ALL
    SELECT
        dataset, version, 'lineage', lineage_id, lineage_id, min(begin_date),
        CASE WHEN count(end_date) = count(*) THEN max(end_date) END, any_value(closing_date),
        bool_or(defense), bool_or(offense), bool_or(neutrality), bool_or(nonaggression),
        bool_or(consultation), bool_and(bilateral), bool_or(wartime),
        arg_max(ending, (coalesce(end_date, DATE '9999-12-31'), begin_date)), bool_or(left_censored)
    FROM main.alliances
    WHERE lineage_id IS NOT NULL
    GROUP BY dataset, version, lineage_id
    UNION ALL
    SELECT
        m.dataset, m.version, 'member spell',
        m.alliance_id || '/' || m.cow_code || '@' || m.entry_date, m.alliance_id, m.entry_date,
        m.exit_date, a.closing_date, a.defense, a.offense, a.neutrality, a.nonaggression,
        a.consultation, a.bilateral, a.wartime,
        CASE WHEN m.exit_date IS NULL THEN 'in force'
             WHEN m.exit_date = a.end_date THEN a.ending ELSE 'unknown' END,
        a.left_censored
    FROM main.alliance_members AS m
    JOIN main.alliances AS a
      ON a.dataset = m.dataset AND a.version = m.version AND a.alliance_id = m.alliance_id
    UNION ALL
    SELECT
        x.dataset, x.version, 'dyad',
        x.alliance_id || '/' || x.cow_code || '-' || y.cow_code || '@'
            || greatest(x.entry_date, y.entry_date),
        x.alliance_id, greatest(x.entry_date, y.entry_date),
        CASE WHEN x.exit_date IS NOT NULL OR y.exit_date IS NOT NULL
             THEN least(coalesce(x.exit_date, y.exit_date), coalesce(y.exit_date, x.exit_date)) END,
        a.closing_date, a.defense, a.offense, a.neutrality, a.nonaggression, a.consultation,
        a.bilateral, a.wartime,
        CASE WHEN x.exit_date IS NULL AND y.exit_date IS NULL THEN 'in force'
             WHEN least(coalesce(x.exit_date, y.exit_date), coalesce(y.exit_date, x.exit_date))
                  = a.end_date THEN a.ending ELSE 'unknown' END,
        a.left_censored
    FROM main.alliance_members AS x
    JOIN main.alliance_members AS y
      ON y.dataset = x.dataset AND y.version = x.version AND y.alliance_id = x.alliance_id
     AND y.cow_code > x.cow_code
     AND x.entry_date < coalesce(y.exit_date, DATE '9999-12-31')
     AND y.entry_date < coalesce(x.exit_date, DATE '9999-12-31')
    JOIN main.alliances AS a
      ON a.dataset = x.dataset AND a.version = x.version AND a.alliance_id = x.alliance_id
)
SELECT
    dataset, version, unit, unit_id, alliance_id, begin_date, end_date, closing_date,
    (year(end_date) - year(begin_date))::INTEGER AS lifespan_years,
    date_diff('day', begin_date, end_date) / 365.2425 AS lifespan_exact_years,
    defense, offense, neutrality, nonaggression, consultation, bilateral, wartime, ending,
    left_censored
FROM units
