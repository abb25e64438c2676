-- How a declared set of alliances ends: cumulative incidence of each ending (Aalen–Johansen).
--
-- ATOP codes how an alliance ended, COW does not ('unknown' alone). A member spell or dyad that ends
-- before its alliance does has the ending 'unknown'.
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
-- returns: a row an ending and age at which one or more ended in any way, in order
-- columns:
--   ending VARCHAR: fulfilled, violated, renegotiated, independence lost or unknown
--   years DOUBLE [years of 365.2425 days]: age at which one or more ended
--   at_risk BIGINT: watched, and not ended before this age
--   ended BIGINT: ended in this way at this age
--   cumulative_incidence DOUBLE [fraction]: estimated share that has ended in this way by this age
--   lower DOUBLE [fraction]: lower limit, 95 %, log-log; NULL while incidence is 0
--   upper DOUBLE [fraction]: upper limit, 95 %, log-log; NULL while incidence is 0
-- example: SELECT ending, max(cumulative_incidence) FROM competing_risks(formed_to := 1989) GROUP BY ending

CREATE OR REPLACE MACRO competing_risks(
    dataset := 'ATOP', version := NULL, unit := 'alliance', obligation := 'all', members := 'all',
    formed_from := NULL, formed_to := NULL
) AS TABLE
WITH competing_lives AS (
    SELECT x.stratum, x.entered_days, x.left_days, x.ended, x.ending
    FROM exposure_of(dataset := dataset, version := version, unit := unit,
                     obligation := obligation, members := members, formed_from := formed_from,
                     formed_to := formed_to) AS x
)
SELECT a.ending, a.years, a.at_risk, a.ended, a.cumulative_incidence, a.lower, a.upper
FROM aalen_johansen('competing_lives') AS a
ORDER BY a.ending, a.years;
