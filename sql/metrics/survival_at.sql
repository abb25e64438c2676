-- How many alliances of a declared set outlive an age: counted, and estimated with those in force.
--
-- A count over all that were formed cannot see those too young at the closing reach the age: one
-- closed in 2003 cannot have seen an alliance signed after 1943 reach sixty years. So the counted share
-- is over those old enough. The estimate (Kaplan–Meier) uses all, as long as each was watched.
--
-- arguments:
--   age: years
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
-- returns: one row; counts of 0 and no estimate where no unit is in the set
-- columns:
--   years DOUBLE [years of 365.2425 days]: the age
--   formed BIGINT: units in the set that were watched from their begin
--   old_enough BIGINT: of them, begun at least this long before the closing
--   reached BIGINT: of them, lasted at least this long
--   reached_share DOUBLE [fraction]: reached over old_enough
--   at_risk BIGINT: units that were watched at this age and had not ended before it
--   survival DOUBLE [fraction]: estimated share that outlives this age; NULL beyond the longest time
--       watched, unless all have ended by then
--   lower DOUBLE [fraction]: lower limit, 95 %, log-log; NULL where survival is 1, 0 or NULL
--   upper DOUBLE [fraction]: upper limit, 95 %, log-log; NULL where survival is 1, 0 or NULL
-- example: SELECT * FROM survival_at(60, version := '5.1', formed_to := 1989)

CREATE OR REPLACE MACRO survival_at(
    age, dataset := 'ATOP', version := NULL, unit := 'alliance', obligation := 'all',
    members := 'all', formed_from := NULL, formed_to := NULL
) AS TABLE
WITH at_lives AS (
    SELECT x.stratum, x.entered_days, x.left_days, x.observable_days, x.ended
    FROM exposure_of(dataset := dataset, version := version, unit := unit,
                     obligation := obligation, members := members, formed_from := formed_from,
                     formed_to := formed_to) AS x
),
at_counts AS (
    SELECT
        count(*) FILTER (l.entered_days = 0) AS formed,
        count(*) FILTER (l.entered_days = 0 AND l.observable_days / 365.2425 >= age) AS old_enough,
        count(*) FILTER (l.entered_days = 0 AND l.left_days / 365.2425 >= age) AS reached,
        count(*) FILTER (l.left_days / 365.2425 >= age
                         AND (l.entered_days = 0 OR l.entered_days / 365.2425 < age)) AS at_risk,
        max(l.left_days) / 365.2425 AS watched
    FROM at_lives AS l
),
at_curve AS (
    SELECT
        count(*) AS steps, arg_max(k.survival, k.years) AS survival,
        arg_max(coalesce(k.lower, -1), k.years) AS lower,
        arg_max(coalesce(k.upper, -1), k.years) AS upper
    FROM kaplan_meier('at_lives') AS k
    WHERE k.years <= age
),
at_known AS (
    SELECT
        n.*,
        CASE WHEN n.watched >= age OR c.survival = 0 THEN coalesce(c.survival, 1) END AS survival,
        CASE WHEN n.watched >= age AND c.lower >= 0 THEN c.lower END AS lower,
        CASE WHEN n.watched >= age AND c.upper >= 0 THEN c.upper END AS upper
    FROM at_counts AS n CROSS JOIN at_curve AS c
)
SELECT
    age::DOUBLE AS years, k.formed, k.old_enough, k.reached,
    k.reached / nullif(k.old_enough, 0) AS reached_share, k.at_risk, k.survival, k.lower, k.upper
FROM at_known AS k;
