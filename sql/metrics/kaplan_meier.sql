-- Kaplan–Meier estimate with right-censoring and delayed entry, of any table of exposures.
--
-- At risk at an age are those that came under observation before it and did not leave before it. Ends
-- come before censoring of the same day. Bands are pointwise, 95 %, by Greenwood's variance on the
-- log-log scale; once survival is 0 there is none.
--
-- arguments:
--   source: name of a table, view or CTE with the columns stratum (of any type: a curve each),
--     entered_days, left_days, ended
-- returns: a row a stratum and age at which one or more ended; none for a stratum in which none ended
-- columns:
--   stratum ANY: as in the source
--   years DOUBLE [years of 365.2425 days]: age at which one or more ended
--   at_risk BIGINT: watched, and not ended before this age
--   ended BIGINT: ended at this age
--   censored BIGINT: censored at this age or later, before the next row's
--   survival DOUBLE [fraction]: estimated share that outlives this age
--   standard_error DOUBLE [fraction]: Greenwood's
--   lower DOUBLE [fraction]: lower 95 % limit
--   upper DOUBLE [fraction]: upper 95 % limit
--   variance_sum DOUBLE: Greenwood's sum: ended / (at_risk × (at_risk - ended)) up to this age
-- example: WITH lives AS (FROM exposure_of(members := 'bilateral'))
--   SELECT years, survival FROM kaplan_meier('lives') ORDER BY years

CREATE OR REPLACE MACRO kaplan_meier(source) AS TABLE
WITH km_moves AS (
    -- Who enters at 0 is at risk at 0; who enters later is not at risk on that very day. (The table is
    -- read by a subquery: DuckDB 1.1 gives query_table itself no alias.)
    SELECT
        s.stratum, CASE WHEN s.entered_days = 0 THEN -1 ELSE s.entered_days END AS day,
        count(*) AS entering, 0 AS ending, 0 AS censored
    FROM (FROM query_table(source)) AS s
    GROUP BY ALL
    UNION ALL
    SELECT
        s.stratum, s.left_days, 0, count(*) FILTER (s.ended), count(*) FILTER (NOT s.ended)
    FROM (FROM query_table(source)) AS s
    GROUP BY ALL
),
km_days AS (
    SELECT
        m.stratum, m.day, sum(m.entering) AS entering, sum(m.ending) AS ending,
        sum(m.censored) AS censored
    FROM km_moves AS m
    GROUP BY m.stratum, m.day
),
km_risk AS (
    SELECT
        d.stratum, d.day, d.ending, d.censored,
        sum(d.entering - d.ending - d.censored) OVER before AS at_risk,
        count(*) FILTER (d.ending > 0) OVER upto AS event
    FROM km_days AS d
    WINDOW
        before AS (PARTITION BY d.stratum ORDER BY d.day
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
        upto AS (PARTITION BY d.stratum ORDER BY d.day)
),
km_events AS (
    SELECT
        r.stratum, min(r.day) AS day, arg_min(r.at_risk, r.day)::BIGINT AS at_risk,
        sum(r.ending)::BIGINT AS ended, sum(r.censored)::BIGINT AS censored
    FROM km_risk AS r
    WHERE r.event > 0
    GROUP BY r.stratum, r.event
),
km_curve AS (
    SELECT
        e.*,
        product(1 - e.ended / e.at_risk) OVER upto AS survival,
        sum(e.ended / nullif(e.at_risk * (e.at_risk - e.ended), 0)) OVER upto AS variance_sum
    FROM km_events AS e
    WINDOW upto AS (PARTITION BY e.stratum ORDER BY e.day)
),
km_spread AS (
    SELECT
        c.*,
        CASE WHEN c.survival > 0 THEN ln(-ln(c.survival)) END AS centre,
        CASE WHEN c.survival > 0
             THEN 1.959963984540054 * sqrt(c.variance_sum) / -ln(c.survival) END AS reach
    FROM km_curve AS c
)
SELECT
    p.stratum, p.day / 365.2425 AS years, p.at_risk, p.ended, p.censored, p.survival,
    CASE WHEN p.survival > 0 THEN p.survival * sqrt(p.variance_sum) END AS standard_error,
    exp(-exp(p.centre + p.reach)) AS lower, exp(-exp(p.centre - p.reach)) AS upper, p.variance_sum
FROM km_spread AS p;
