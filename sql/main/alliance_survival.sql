-- One row per group of units and age at which one or more of them ended: Kaplan–Meier curves.
--
-- A group's curve begins at age 0 with survival 1. An alliance in force at the closing of its version
-- is censored there, one in force before COW begins enters late. Obligations overlap: an alliance
-- counts under each that it has. Member spells and dyads of one alliance often end together, so their
-- bands are too narrow. `survival` gives the same for a filter of one's own.
--
-- key: dataset, version, unit, grouping, level, years
-- columns:
--   dataset VARCHAR: ATOP or COW
--   version VARCHAR: version of the dataset
--   unit VARCHAR: alliance, phase, lineage, member spell or dyad
--   grouping VARCHAR: all, obligation, members or era (of the true begin)
--   level VARCHAR: all; defense, nonaggression, neutrality or consultation; bilateral or
--       multilateral; 1815–1914, 1914–45, 1945–89 or since 1989 (a border year is the later's)
--   years DOUBLE [years of 365.2425 days]: age at which one or more ended
--   at_risk BIGINT: watched, and not ended before this age
--   ended BIGINT: ended at this age
--   censored BIGINT: censored at this age or later, before the next row's
--   survival DOUBLE [fraction]: estimated share that outlives this age
--   lower DOUBLE [fraction]: lower limit, 95 %, pointwise, log-log; NULL once survival is 0
--   upper DOUBLE [fraction]: upper limit, 95 %, pointwise, log-log; NULL once survival is 0
--   standard_error DOUBLE [fraction]: Greenwood's; NULL once survival is 0

WITH lives AS (
    -- A number for each group: DuckDB groups and joins by one number faster than by five texts. (If two
    -- groups ever had the same, the key would not be unique, and the build would stop.)
    SELECT
        hash(g.dataset, g.version, g.unit, g.grouping, g.level) AS stratum,
        g.dataset, g.version, g.unit, g.grouping, g.level,
        g.entered_days, g.left_days, g.ended
    FROM exposure_groups() AS g
),
named AS (
    SELECT DISTINCT l.stratum, l.dataset, l.version, l.unit, l.grouping, l.level FROM lives AS l
)
SELECT
    n.dataset, n.version, n.unit, n.grouping, n.level, k.years, k.at_risk, k.ended,
    k.censored, k.survival, k.lower, k.upper, k.standard_error
FROM kaplan_meier('lives') AS k
JOIN named AS n ON n.stratum = k.stratum
