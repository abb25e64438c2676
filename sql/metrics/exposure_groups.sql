-- Every unit in every group that it counts in: all, its obligations, its members, its era.
--
-- Obligations overlap: a unit stands once under each that it has. The other groupings do not overlap.
--
-- returns: a row a unit and group
-- columns:
--   dataset VARCHAR: ATOP or COW
--   version VARCHAR: version of the dataset
--   unit VARCHAR: alliance, phase, lineage, member spell or dyad
--   unit_id VARCHAR: as in alliance_units
--   grouping VARCHAR: all, obligation, members or era
--   level VARCHAR: all; defense, nonaggression, neutrality or consultation; bilateral or
--       multilateral; 1815–1914, 1914–45, 1945–89 or since 1989
--   entered_days BIGINT [days]: age when it came under observation
--   left_days BIGINT [days]: age at its end, or at the closing
--   ended BOOLEAN: whether it ended; else it is censored
--   ending VARCHAR: how it ended
--   lifespan_years INTEGER [years]: difference of calendar years; NULL while in force
-- example: SELECT grouping, level, count(*) FROM exposure_groups() GROUP BY ALL

CREATE OR REPLACE MACRO exposure_groups() AS TABLE
WITH listed AS (
    SELECT
        x.dataset, x.version, x.unit, x.unit_id, x.entered_days, x.left_days, x.ended, x.ending,
        x.lifespan_years,
        unnest([
            {'grouping': 'all', 'level': 'all'},
            {'grouping': 'obligation', 'level': CASE WHEN x.defense THEN 'defense' END},
            {'grouping': 'obligation', 'level': CASE WHEN x.nonaggression THEN 'nonaggression' END},
            {'grouping': 'obligation', 'level': CASE WHEN x.neutrality THEN 'neutrality' END},
            {'grouping': 'obligation', 'level': CASE WHEN x.consultation THEN 'consultation' END},
            {'grouping': 'members',
             'level': CASE x.bilateral WHEN true THEN 'bilateral' WHEN false THEN 'multilateral' END},
            {'grouping': 'era', 'level': x.era}
        ], recursive := true)
    FROM main.alliance_exposure AS x
)
SELECT
    l.dataset, l.version, l.unit, l.unit_id, l.grouping, l.level, l.entered_days, l.left_days,
    l.ended, l.ending, l.lifespan_years
FROM listed AS l
WHERE l.level IS NOT NULL;
