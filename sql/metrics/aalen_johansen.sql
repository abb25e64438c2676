-- Cumulative incidence of each ending among competing ones (Aalen–Johansen), of any table of exposures.
--
-- The share that has ended in this way by an age, others having ended in another way. At every age the
-- incidences of all endings and the survival of `kaplan_meier` add up to 1. Bands are pointwise, 95 %,
-- by the delta-method variance (Marubini and Valsecchi) on the log-log scale; none while incidence is 0.
--
-- arguments:
--   source: name of a table, view or CTE with the columns stratum (of any type: a set of curves each),
--     entered_days, left_days, ended, ending
-- returns: a row a stratum, ending that occurs in it, and age at which one or more ended in any way
-- columns:
--   stratum ANY: as in the source
--   ending VARCHAR: as in the source
--   years DOUBLE [years of 365.2425 days]: age at which one or more ended
--   at_risk BIGINT: watched, and not ended before this age
--   ended BIGINT: ended in this way at this age
--   cumulative_incidence DOUBLE [fraction]: estimated share that has ended in this way by this age
--   standard_error DOUBLE [fraction]: of the cumulative incidence
--   lower DOUBLE [fraction]: lower 95 % limit
--   upper DOUBLE [fraction]: upper 95 % limit
-- example: WITH lives AS (FROM exposure_of(formed_to := 1945))
--   SELECT ending, max(cumulative_incidence) FROM aalen_johansen('lives') GROUP BY ending

CREATE OR REPLACE MACRO aalen_johansen(source) AS TABLE
WITH aj_counts AS (
    SELECT s.stratum, s.ending, s.left_days / 365.2425 AS years, count(*) AS ended
    FROM (FROM query_table(source)) AS s
    WHERE s.ended
    GROUP BY ALL
),
aj_curve AS (
    SELECT
        k.stratum, k.years, k.at_risk,
        k.ended / nullif(k.at_risk * (k.at_risk - k.ended), 0) AS loss,
        coalesce(lag(k.survival) OVER (PARTITION BY k.stratum ORDER BY k.years), 1) / k.at_risk AS weight
    FROM kaplan_meier(source) AS k
),
aj_steps AS (
    SELECT
        c.stratum, e.ending, c.years, c.at_risk, coalesce(n.ended, 0) AS ended,
        coalesce(c.loss, 0) AS loss, c.weight, c.weight * coalesce(n.ended, 0) AS step
    FROM aj_curve AS c
    JOIN (SELECT DISTINCT a.stratum, a.ending FROM aj_counts AS a) AS e ON e.stratum = c.stratum
    LEFT JOIN aj_counts AS n
      ON n.stratum = c.stratum AND n.ending = e.ending AND n.years = c.years
),
aj_incidence AS (
    SELECT s.*, sum(s.step) OVER upto AS incidence
    FROM aj_steps AS s
    WINDOW upto AS (PARTITION BY s.stratum, s.ending ORDER BY s.years)
),
aj_variance AS (
    -- With I the incidence now and i the one at an earlier age, the sum over the ages up to now of
    -- (I - i)² loss + weight² ended (at_risk - ended) / at_risk - 2 (I - i) step / at_risk.
    SELECT
        i.*,
        greatest(0,
            i.incidence ** 2 * sum(i.loss) OVER upto
            - 2 * i.incidence * sum(i.incidence * i.loss) OVER upto
            + sum(i.incidence ** 2 * i.loss) OVER upto
            + sum(i.weight ** 2 * i.ended * (i.at_risk - i.ended) / i.at_risk) OVER upto
            - 2 * i.incidence * sum(i.step / i.at_risk) OVER upto
            + 2 * sum(i.incidence * i.step / i.at_risk) OVER upto
        ) AS variance
    FROM aj_incidence AS i
    WINDOW upto AS (PARTITION BY i.stratum, i.ending ORDER BY i.years)
)
SELECT
    v.stratum, v.ending, v.years, v.at_risk, v.ended,
    least(v.incidence, 1) AS cumulative_incidence, sqrt(v.variance) AS standard_error,
    CASE WHEN v.incidence > 0 AND v.incidence < 1 - 1e-12 THEN
        exp(-exp(ln(-ln(v.incidence))
                 - 1.959963984540054 * sqrt(v.variance) / (v.incidence * ln(v.incidence)))) END AS lower,
    CASE WHEN v.incidence > 0 AND v.incidence < 1 - 1e-12 THEN
        exp(-exp(ln(-ln(v.incidence))
                 + 1.959963984540054 * sqrt(v.variance) / (v.incidence * ln(v.incidence)))) END AS upper
FROM aj_variance AS v;
