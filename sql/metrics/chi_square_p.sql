-- The probability that a chi-square variable exceeds a value: the p-value of a chi-square test.
--
-- The regularised upper incomplete gamma function, by its series below the mean and by Legendre's
-- continued fraction above: as exact as binary fractions, down to the smallest p.
--
-- arguments:
--   value: test statistic, 0 or more
--   df: degrees of freedom, 1 or more
-- returns: a probability; NULL where an argument is NULL or df is below 1
-- example: SELECT chi_square_p(3.841459, 1)

CREATE OR REPLACE MACRO chi_square_p(value, df) AS (
    CASE
        WHEN value IS NULL OR df IS NULL OR df < 1 THEN NULL
        WHEN value <= 0 THEN 1.0::DOUBLE
        WHEN value < df + 2 THEN greatest(0, 1 - list_sum(list_transform(
            range(200), lambda k:
            exp(-value / 2.0 + (df / 2.0 + k) * ln(value / 2.0) - lgamma(df / 2.0 + k + 1)))))
        ELSE exp(-value / 2.0 + df / 2.0 * ln(value / 2.0) - lgamma(df / 2.0)) / list_reduce(
            list_prepend((value / 2.0 + 401 - df / 2.0)::DOUBLE, range(200, 0, -1)::DOUBLE[]),
            lambda f, k: value / 2.0 + 2 * k - 1 - df / 2.0 - k * (k - df / 2.0) / f)
    END
);
