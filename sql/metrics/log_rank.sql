-- Log-rank test (Mantel) of whether survival differs between two to four levels, of any table of
-- exposures.
--
-- At each age at which one or more ended the ends expected in a level are its share of those at risk.
-- The statistic compares observed with expected ends over all ages, with the hypergeometric variance.
-- Levels must not overlap.
--
-- arguments:
--   source: name of a table, view or CTE with the columns stratum (of any type: a test each), level,
--     entered_days, left_days, ended
-- returns: a row a stratum
-- columns:
--   stratum ANY: as in the source
--   units BIGINT: units in the stratum
--   levels BIGINT: levels in the stratum
--   chi_square DOUBLE: statistic; NULL where no two levels were ever at risk together
--   degrees_of_freedom BIGINT: levels that can be told apart, less one
--   p_value DOUBLE [fraction]: chance of such a difference, or a larger one, if there were none
-- example: WITH lives AS (FROM exposure_groups() WHERE dataset = 'ATOP' AND version = '5.1'
--   AND unit = 'alliance' AND grouping = 'era')
--   SELECT p_value FROM (WITH named AS (SELECT 'era' AS stratum, * FROM lives) FROM log_rank('named'))

CREATE OR REPLACE MACRO log_rank(source) AS TABLE
WITH lr_levels AS (
    SELECT
        v.stratum, v.level, v.units,
        row_number() OVER (PARTITION BY v.stratum ORDER BY v.level) AS place,
        count(*) OVER (PARTITION BY v.stratum) AS levels
    FROM (SELECT s.stratum, s.level, count(*) AS units
          FROM (FROM query_table(source)) AS s GROUP BY ALL) AS v
),
lr_moves AS (
    SELECT
        s.stratum, s.level, CASE WHEN s.entered_days = 0 THEN -1 ELSE s.entered_days END AS day,
        count(*) AS change, 0 AS ended
    FROM (FROM query_table(source)) AS s
    GROUP BY ALL
    UNION ALL
    SELECT s.stratum, s.level, s.left_days, -count(*), count(*) FILTER (s.ended)
    FROM (FROM query_table(source)) AS s
    GROUP BY ALL
    UNION ALL
    -- Every level has a row at every age at which any ended.
    SELECT d.stratum, l.level, d.day, 0, 0
    FROM (SELECT DISTINCT s.stratum, s.left_days AS day
          FROM (FROM query_table(source)) AS s WHERE s.ended) AS d
    JOIN lr_levels AS l ON l.stratum = d.stratum
),
lr_days AS (
    SELECT m.stratum, m.level, m.day, sum(m.change) AS change, sum(m.ended) AS ended
    FROM lr_moves AS m
    GROUP BY m.stratum, m.level, m.day
),
lr_risk AS (
    SELECT
        d.stratum, d.level, d.day, d.ended,
        sum(d.change) OVER (PARTITION BY d.stratum, d.level ORDER BY d.day
                            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS at_risk
    FROM lr_days AS d
),
lr_ages AS (
    -- n1 to n3: at risk, e1 to e3: ended, of all levels but the last.
    SELECT
        r.stratum, r.day, sum(r.ended)::DOUBLE AS e, sum(r.at_risk)::DOUBLE AS n,
        coalesce(sum(r.ended) FILTER (l.place = 1), 0)::DOUBLE AS e1,
        coalesce(sum(r.ended) FILTER (l.place = 2 AND l.levels > 2), 0)::DOUBLE AS e2,
        coalesce(sum(r.ended) FILTER (l.place = 3 AND l.levels > 3), 0)::DOUBLE AS e3,
        coalesce(sum(r.at_risk) FILTER (l.place = 1), 0)::DOUBLE AS n1,
        coalesce(sum(r.at_risk) FILTER (l.place = 2 AND l.levels > 2), 0)::DOUBLE AS n2,
        coalesce(sum(r.at_risk) FILTER (l.place = 3 AND l.levels > 3), 0)::DOUBLE AS n3
    FROM lr_risk AS r
    JOIN lr_levels AS l ON l.stratum = r.stratum AND l.level = r.level
    GROUP BY r.stratum, r.day
    HAVING sum(r.ended) > 0
),
lr_sums AS (
    -- Sums in a fixed order, so that every build gives the same last digit.
    SELECT
        a.stratum,
        sum(a.e1 - a.e * a.n1 / a.n ORDER BY a.day) AS z1,
        sum(a.e2 - a.e * a.n2 / a.n ORDER BY a.day) AS z2,
        sum(a.e3 - a.e * a.n3 / a.n ORDER BY a.day) AS z3,
        sum(a.spread * a.n1 * (a.n - a.n1) ORDER BY a.day) AS v11,
        sum(a.spread * a.n2 * (a.n - a.n2) ORDER BY a.day) AS v22,
        sum(a.spread * a.n3 * (a.n - a.n3) ORDER BY a.day) AS v33,
        -sum(a.spread * a.n1 * a.n2 ORDER BY a.day) AS v12,
        -sum(a.spread * a.n1 * a.n3 ORDER BY a.day) AS v13,
        -sum(a.spread * a.n2 * a.n3 ORDER BY a.day) AS v23
    FROM (SELECT
              b.*, coalesce(b.e * (b.n - b.e) / nullif(b.n - 1, 0), 0) / b.n ** 2 AS spread
          FROM lr_ages AS b) AS a
    GROUP BY a.stratum
),
-- z' V⁻¹ z by elimination; a level whose variance the others leave at 0 adds nothing.
lr_first AS (
    SELECT
        s.*, CASE WHEN s.v11 > 1e-12 THEN s.v11 END AS d1,
        coalesce(s.v12 / d1, 0) AS l21, coalesce(s.v13 / d1, 0) AS l31
    FROM lr_sums AS s
),
lr_second AS (
    SELECT
        f.*, f.v22 - f.l21 * f.v12 AS left2,
        CASE WHEN left2 > 1e-9 * f.v22 AND left2 > 1e-12 THEN left2 END AS d2,
        coalesce((f.v23 - f.l31 * f.v12) / d2, 0) AS l32, f.z2 - f.l21 * f.z1 AS y2
    FROM lr_first AS f
),
lr_third AS (
    SELECT
        g.*, g.v33 - g.l31 * g.v13 - g.l32 ** 2 * coalesce(g.d2, 0) AS left3,
        CASE WHEN left3 > 1e-9 * g.v33 AND left3 > 1e-12 THEN left3 END AS d3,
        g.z3 - g.l31 * g.z1 - g.l32 * g.y2 AS y3
    FROM lr_second AS g
),
lr_tested AS (
    SELECT
        h.stratum,
        coalesce(h.z1 ** 2 / h.d1, 0) + coalesce(h.y2 ** 2 / h.d2, 0)
            + coalesce(h.y3 ** 2 / h.d3, 0) AS chi_square,
        (h.d1 IS NOT NULL)::BIGINT + (h.d2 IS NOT NULL)::BIGINT + (h.d3 IS NOT NULL)::BIGINT AS df
    FROM lr_third AS h
)
SELECT
    l.stratum, sum(l.units)::BIGINT AS units,
    CASE WHEN count(*) > 4 THEN error('log_rank compares two to four levels, not ' || count(*))
         ELSE count(*) END AS levels,
    any_value(CASE WHEN t.df > 0 THEN t.chi_square END) AS chi_square,
    coalesce(any_value(t.df), 0) AS degrees_of_freedom,
    chi_square_p(any_value(CASE WHEN t.df > 0 THEN t.chi_square END), any_value(t.df)) AS p_value
FROM lr_levels AS l
LEFT JOIN lr_tested AS t ON t.stratum = l.stratum
GROUP BY l.stratum;
