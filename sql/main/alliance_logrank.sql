-- One row per comparison of survival curves: the log-rank test between the levels of a grouping.
--
-- Eras are compared with one another, bilateral units with multilateral ones. Obligations overlap, so
-- the units with each are compared with those without it. Member spells and dyads of one alliance often
-- end together: their p-values are too small. A comparison in which fewer than two levels were at risk
-- together has no statistic.
--
-- key: dataset, version, unit, grouping, level
-- columns:
--   dataset VARCHAR: ATOP or COW
--   version VARCHAR: version of the dataset
--   unit VARCHAR: alliance, phase, lineage, member spell or dyad
--   grouping VARCHAR: obligation, members or era
--   level VARCHAR: the obligation that is compared with its absence; all where all levels are compared
--   units BIGINT: units that were compared
--   levels BIGINT: levels that were compared
--   chi_square DOUBLE: log-rank statistic
--   degrees_of_freedom BIGINT: of the chi-square distribution it is judged by
--   p_value DOUBLE [fraction]: chance of such a difference, or a larger one, if there were none

WITH compared AS (
    SELECT
        x.dataset, x.version, x.unit, x.entered_days, x.left_days, x.ended,
        unnest([
            {'grouping': 'obligation', 'test': 'defense', 'level': x.defense::VARCHAR},
            {'grouping': 'obligation', 'test': 'nonaggression', 'level': x.nonaggression::VARCHAR},
            {'grouping': 'obligation', 'test': 'neutrality', 'level': x.neutrality::VARCHAR},
            {'grouping': 'obligation', 'test': 'consultation', 'level': x.consultation::VARCHAR},
            {'grouping': 'members', 'test': 'all', 'level': x.bilateral::VARCHAR},
            {'grouping': 'era', 'test': 'all', 'level': x.era}
        ], recursive := true)
    FROM main.alliance_exposure AS x
),
lives AS (
    -- A number for each comparison, as in alliance_survival.
    SELECT
        hash(c.dataset, c.version, c.unit, c.grouping, c.test) AS stratum,
        c.dataset, c.version, c.unit, c.grouping, c.test,
        c.level, c.entered_days, c.left_days, c.ended
    FROM compared AS c
    WHERE c.level IS NOT NULL
),
named AS (
    SELECT DISTINCT l.stratum, l.dataset, l.version, l.unit, l.grouping, l.test FROM lives AS l
)
SELECT
    n.dataset, n.version, n.unit, n.grouping, n.test AS level, t.units, t.levels, t.chi_square,
    t.degrees_of_freedom, t.p_value
FROM log_rank('lives') AS t
JOIN named AS n ON n.stratum = t.stratum
