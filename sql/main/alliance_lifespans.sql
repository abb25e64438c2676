-- One row per group of units: how long they last, with and without those still in force.
--
-- The mean, median and quartiles are of those that ended: leaving out the ones in force biases them
-- downwards, the more the younger the group. The Kaplan–Meier median and the restricted means count the
-- ones in force as long as they were watched. Obligations overlap: an alliance counts under each that
-- it has.
--
-- key: dataset, version, unit, grouping, level
-- columns:
--   dataset VARCHAR: ATOP or COW
--   version VARCHAR: version of the dataset
--   unit VARCHAR: alliance, phase, lineage, member spell or dyad
--   grouping VARCHAR: all, obligation, members or era, as in alliance_survival
--   level VARCHAR: level of the grouping, as in alliance_survival
--   units BIGINT: units in the group
--   ended BIGINT: those that ended
--   in_force BIGINT: those in force at the closing
--   mean_years DOUBLE [years]: mean of those that ended, difference of calendar years
--   lower_quartile_years DOUBLE [years]: a quarter of those that ended lasted at most this long
--   median_years DOUBLE [years]: median of those that ended, difference of calendar years
--   upper_quartile_years DOUBLE [years]: three quarters of those that ended lasted at most this long
--   mean_exact_years DOUBLE [years of 365.2425 days]: mean of those that ended, exact days
--   survival_median_years DOUBLE [years of 365.2425 days]: Kaplan–Meier median; NULL where more than
--       half go on
--   survival_median_lower DOUBLE [years of 365.2425 days]: lower limit, 95 %, log-log
--   survival_median_upper DOUBLE [years of 365.2425 days]: upper limit, 95 %; NULL if not reached
--   restricted_mean_50_years DOUBLE [years of 365.2425 days]: mean of the years lived before the age
--       of 50; NULL where no unit was watched that long
--   restricted_mean_50_lower DOUBLE [years of 365.2425 days]: lower limit, 95 %
--   restricted_mean_50_upper DOUBLE [years of 365.2425 days]: upper limit, 95 %
--   horizon_years DOUBLE [years of 365.2425 days]: longest time over which a unit of the group was
--       watched from its begin
--   restricted_mean_years DOUBLE [years of 365.2425 days]: mean of the years lived before that horizon
--   restricted_mean_lower DOUBLE [years of 365.2425 days]: lower limit, 95 %
--   restricted_mean_upper DOUBLE [years of 365.2425 days]: upper limit, 95 %

WITH lives AS (
    -- A number for each group: DuckDB groups and joins by one number faster than by five texts. (If two
    -- groups ever had the same, the key would not be unique, and the build would stop.)
    SELECT
        hash(g.dataset, g.version, g.unit, g.grouping, g.level) AS stratum,
        g.dataset, g.version, g.unit, g.grouping, g.level,
        g.entered_days, g.left_days, g.ended, g.lifespan_years
    FROM exposure_groups() AS g
),
counted AS (
    SELECT
        l.stratum,
        avg(l.lifespan_years) AS mean_years,
        quantile_cont(l.lifespan_years, 0.25)::DOUBLE AS lower_quartile_years,
        quantile_cont(l.lifespan_years, 0.5)::DOUBLE AS median_years,
        quantile_cont(l.lifespan_years, 0.75)::DOUBLE AS upper_quartile_years,
        avg(l.left_days) FILTER (l.ended) / 365.2425 AS mean_exact_years
    FROM lives AS l
    GROUP BY l.stratum
),
named AS (
    SELECT DISTINCT l.stratum, l.dataset, l.version, l.unit, l.grouping, l.level FROM lives AS l
)
SELECT
    n.dataset, n.version, n.unit, n.grouping, n.level, s.units, s.ended,
    s.censored AS in_force, c.mean_years, c.lower_quartile_years, c.median_years,
    c.upper_quartile_years, c.mean_exact_years, s.median_years AS survival_median_years,
    s.median_lower AS survival_median_lower, s.median_upper AS survival_median_upper,
    f.restricted_mean AS restricted_mean_50_years,
    f.restricted_mean_lower AS restricted_mean_50_lower,
    f.restricted_mean_upper AS restricted_mean_50_upper, s.horizon AS horizon_years,
    s.restricted_mean AS restricted_mean_years, s.restricted_mean_lower, s.restricted_mean_upper
FROM counted AS c
JOIN named AS n ON n.stratum = c.stratum
JOIN kaplan_meier_summary('lives') AS s ON s.stratum = c.stratum
JOIN kaplan_meier_summary('lives', horizon := 50) AS f ON f.stratum = c.stratum
