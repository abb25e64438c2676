-- One row per group of ATOP units, ending, and age at which one or more ended in any way.
--
-- Endings compete: a renegotiated alliance can no longer be violated. The cumulative incidence
-- (Aalen–Johansen) is the share that has ended in one way by an age; those of all endings and the
-- survival in alliance_survival add up to 1. One minus a Kaplan–Meier curve that censors the other
-- endings would overstate it. COW does not code how an alliance ended and is left out. A member spell
-- or dyad that ends before its alliance does has the ending 'unknown'. `competing_risks` gives the
-- same for a filter of one's own.
--
-- key: dataset, version, unit, grouping, level, ending, years
-- columns:
--   dataset VARCHAR: ATOP
--   version VARCHAR: version of the dataset
--   unit VARCHAR: alliance, phase, lineage, member spell or dyad
--   grouping VARCHAR: all, obligation, members or era, as in alliance_survival
--   level VARCHAR: level of the grouping, as in alliance_survival
--   ending VARCHAR: fulfilled, violated, renegotiated, independence lost or unknown
--   years DOUBLE [years of 365.2425 days]: age at which one or more ended
--   at_risk BIGINT: watched, and not ended before this age
--   ended BIGINT: ended in this way at this age
--   cumulative_incidence DOUBLE [fraction]: estimated share that has ended in this way by this age
--   lower DOUBLE [fraction]: lower limit, 95 %, pointwise, log-log; NULL while incidence is 0
--   upper DOUBLE [fraction]: upper limit, 95 %, pointwise, log-log; NULL while incidence is 0

WITH lives AS (
    -- A number for each group: DuckDB groups and joins by one number faster than by five texts. (If two
    -- groups ever had the same, the key would not be unique, and the build would stop.)
    SELECT
        hash(g.dataset, g.version, g.unit, g.grouping, g.level) AS stratum,
        g.dataset, g.version, g.unit, g.grouping, g.level,
        g.entered_days, g.left_days, g.ended, g.ending
    FROM exposure_groups() AS g
    WHERE g.dataset = 'ATOP'
),
named AS (
    SELECT DISTINCT l.stratum, l.dataset, l.version, l.unit, l.grouping, l.level FROM lives AS l
)
SELECT
    n.dataset, n.version, n.unit, n.grouping, n.level, a.ending, a.years, a.at_risk,
    a.ended, a.cumulative_incidence, a.lower, a.upper
FROM aalen_johansen('lives') AS a
JOIN named AS n ON n.stratum = a.stratum
