-- Median and restricted mean of Kaplan–Meier curves, of any table of exposures.
--
-- The restricted mean is the area under the curve up to a horizon: the mean of the years lived before
-- it. It is NULL where nobody was watched from the begin to the horizon and some were still going on.
-- Limits are 95 %: of the median the first age at which the log-log band holds one half and the first at
-- which it no longer does; of the restricted mean plus and minus 1.96 standard errors.
--
-- arguments:
--   source: name of a table, view or CTE with the columns stratum (of any type: a curve each),
--     entered_days, left_days, ended
--   horizon: years over which the restricted mean runs; NULL for the longest time over which a unit of
--     the stratum was watched from its begin
-- defaults: horizon := NULL
-- returns: a row a stratum
-- columns:
--   stratum ANY: as in the source
--   units BIGINT: units in the stratum
--   ended BIGINT: those that ended
--   censored BIGINT: those that did not
--   median_years DOUBLE [years of 365.2425 days]: first age that at most half outlive; NULL where more
--       than half did
--   median_lower DOUBLE [years of 365.2425 days]: lower 95 % limit of the median
--   median_upper DOUBLE [years of 365.2425 days]: upper 95 % limit; NULL where it is not reached
--   horizon DOUBLE [years of 365.2425 days]: over which the restricted mean runs
--   restricted_mean DOUBLE [years of 365.2425 days]: mean of the years lived before the horizon
--   restricted_mean_lower DOUBLE [years of 365.2425 days]: lower 95 % limit
--   restricted_mean_upper DOUBLE [years of 365.2425 days]: upper 95 % limit
-- example: WITH lives AS (FROM exposure_of(unit := 'lineage'))
--   SELECT median_years, restricted_mean FROM kaplan_meier_summary('lives', horizon := 50)

CREATE OR REPLACE MACRO kaplan_meier_summary(source, horizon := NULL) AS TABLE
WITH ks_strata AS (
    SELECT
        s.stratum, count(*) AS units, count(*) FILTER (s.ended) AS ended,
        max(s.left_days) FILTER (s.entered_days = 0) / 365.2425 AS watched
    FROM (FROM query_table(source)) AS s
    GROUP BY s.stratum
),
ks_curve AS (
    SELECT k.*, lead(k.years) OVER (PARTITION BY k.stratum ORDER BY k.years) AS until
    FROM kaplan_meier(source) AS k
),
ks_medians AS (
    -- A billionth part of slack: a half that arises from thirds is a half.
    SELECT
        c.stratum, min(c.years) AS first, min(c.survival) AS lowest,
        min(c.years) FILTER (c.survival <= 0.5 + 1e-9) AS median,
        min(c.years) FILTER (0.5 BETWEEN c.lower AND c.upper) AS lower,
        nullif(max(coalesce(c.until, 'inf'::DOUBLE)) FILTER (0.5 BETWEEN c.lower AND c.upper),
               'inf'::DOUBLE) AS upper
    FROM ks_curve AS c
    GROUP BY c.stratum
),
ks_horizons AS (
    SELECT
        s.stratum, coalesce(horizon::DOUBLE, s.watched) AS years,
        least(coalesce(m.first, 'inf'::DOUBLE), coalesce(horizon::DOUBLE, s.watched)) AS start,
        coalesce(horizon <= s.watched OR m.lowest = 0, s.watched IS NOT NULL) AS known
    FROM ks_strata AS s
    LEFT JOIN ks_medians AS m ON m.stratum = s.stratum
),
ks_areas AS (
    SELECT
        c.stratum, c.years,
        sum(c.survival * (least(coalesce(c.until, h.years), h.years) - c.years)) OVER onward AS area,
        c.ended / nullif(c.at_risk * (c.at_risk - c.ended), 0) AS loss,
        c.years = m.first AS is_first
    FROM ks_curve AS c
    JOIN ks_horizons AS h ON h.stratum = c.stratum AND c.years <= h.years
    JOIN ks_medians AS m ON m.stratum = c.stratum
    WINDOW onward AS (PARTITION BY c.stratum ORDER BY c.years
                      ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
),
ks_means AS (
    SELECT
        a.stratum, max(a.area) FILTER (a.is_first) AS area,
        1.959963984540054 * sqrt(sum(a.area ** 2 * a.loss ORDER BY a.years)) AS reach
    FROM ks_areas AS a
    GROUP BY a.stratum
)
SELECT
    s.stratum, s.units, s.ended, s.units - s.ended AS censored, m.median AS median_years,
    m.lower AS median_lower, m.upper AS median_upper, h.years AS horizon,
    CASE WHEN h.known THEN h.start + coalesce(a.area, 0) END AS restricted_mean,
    CASE WHEN h.known THEN h.start + a.area - a.reach END AS restricted_mean_lower,
    CASE WHEN h.known THEN h.start + a.area + a.reach END AS restricted_mean_upper
FROM ks_strata AS s
JOIN ks_horizons AS h ON h.stratum = s.stratum
LEFT JOIN ks_medians AS m ON m.stratum = s.stratum
LEFT JOIN ks_means AS a ON a.stratum = s.stratum;
