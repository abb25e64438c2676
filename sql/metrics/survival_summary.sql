-- Median and restricted mean lifespan of a declared set of alliances, those in force included.
--
-- Beside the mean of `alliance_lifespan`, which leaves out those in force: Kaplan–Meier's median, and
-- the mean of the years lived before a horizon.
--
-- arguments:
--   horizon: years over which the restricted mean runs; NULL for the longest time over which a unit of
--     the set was watched from its begin
--   dataset: ATOP or COW
--   version: version of the dataset
--   unit: alliance, phase, lineage, member spell or dyad
--   obligation: all, defense or offense, defense, offense, neutrality, nonaggression, consultation,
--     not only nonaggression, not only consultation
--   members: all, bilateral, multilateral
--   formed_from: first year of signature; NULL for the first that the version knows
--   formed_to: last year of signature; NULL for the closing of the version
-- defaults: horizon := 50, dataset := 'ATOP', version := the dataset's newest, unit := 'alliance',
--   obligation := 'all', members := 'all', formed_from := NULL, formed_to := NULL
-- returns: one row; none where no unit is in the set
-- columns:
--   units BIGINT: units in the set
--   ended BIGINT: those that ended
--   in_force BIGINT: those in force at the closing
--   median_years DOUBLE [years of 365.2425 days]: first age that at most half outlive
--   median_lower DOUBLE [years of 365.2425 days]: lower 95 % limit of the median
--   median_upper DOUBLE [years of 365.2425 days]: upper 95 % limit; NULL where it is not reached
--   horizon DOUBLE [years of 365.2425 days]: over which the restricted mean runs
--   restricted_mean DOUBLE [years of 365.2425 days]: mean of the years lived before the horizon; NULL
--       where nobody was watched that long
--   restricted_mean_lower DOUBLE [years of 365.2425 days]: lower 95 % limit
--   restricted_mean_upper DOUBLE [years of 365.2425 days]: upper 95 % limit
-- example: SELECT * FROM survival_summary(horizon := 50, version := '3.0', formed_to := 1989)

CREATE OR REPLACE MACRO survival_summary(
    horizon := 50, dataset := 'ATOP', version := NULL, unit := 'alliance', obligation := 'all',
    members := 'all', formed_from := NULL, formed_to := NULL
) AS TABLE
WITH summary_lives AS (
    SELECT x.stratum, x.entered_days, x.left_days, x.ended
    FROM exposure_of(dataset := dataset, version := version, unit := unit,
                     obligation := obligation, members := members, formed_from := formed_from,
                     formed_to := formed_to) AS x
)
SELECT
    k.units, k.ended, k.censored AS in_force, k.median_years, k.median_lower, k.median_upper,
    k.horizon, k.restricted_mean, k.restricted_mean_lower, k.restricted_mean_upper
FROM kaplan_meier_summary('summary_lives', horizon := horizon) AS k;
