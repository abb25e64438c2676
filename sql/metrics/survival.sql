-- Survival curve of a declared set of alliances (or phases, lineages, spells, dyads): Kaplan–Meier.
--
-- Those still in force at the closing count as long as they were watched (right-censored), instead of
-- being left out; COW's from before 1816 count from the age they had then (delayed entry).
--
-- arguments:
--   dataset: ATOP or COW
--   version: version of the dataset
--   unit: alliance, phase, lineage, member spell or dyad
--   obligation: all, defense or offense, defense, offense, neutrality, nonaggression, consultation,
--     not only nonaggression, not only consultation
--   members: all, bilateral, multilateral
--   formed_from: first year of signature; NULL for the first that the version knows
--   formed_to: last year of signature; NULL for the closing of the version
-- defaults: dataset := 'ATOP', version := the dataset's newest, unit := 'alliance',
--   obligation := 'all', members := 'all', formed_from := NULL, formed_to := NULL
-- returns: a row an age at which one or more ended, in order; none where no alliance of the set ended.
--   Before the first row survival is 1
-- columns:
--   years DOUBLE [years of 365.2425 days]: age at which one or more ended
--   at_risk BIGINT: watched, and not ended before this age
--   ended BIGINT: ended at this age
--   censored BIGINT: censored at this age or later, before the next row's
--   survival DOUBLE [fraction]: estimated share that outlives this age
--   lower DOUBLE [fraction]: lower limit, 95 %, log-log; NULL once survival is 0
--   upper DOUBLE [fraction]: upper limit, 95 %, log-log; NULL once survival is 0
-- example: SELECT * FROM survival(version := '3.0', obligation := 'defense', formed_to := 1989)

CREATE OR REPLACE MACRO survival(
    dataset := 'ATOP', version := NULL, unit := 'alliance', obligation := 'all', members := 'all',
    formed_from := NULL, formed_to := NULL
) AS TABLE
WITH survival_lives AS (
    SELECT x.stratum, x.entered_days, x.left_days, x.ended
    FROM exposure_of(dataset := dataset, version := version, unit := unit,
                     obligation := obligation, members := members, formed_from := formed_from,
                     formed_to := formed_to) AS x
)
SELECT k.years, k.at_risk, k.ended, k.censored, k.survival, k.lower, k.upper
FROM kaplan_meier('survival_lives') AS k
ORDER BY k.years;
