-- Whether a recomputed figure agrees with a stated one.
--
-- An equality holds when the two differ by at most half a unit of the last stated decimal; any other
-- comparison holds as it stands.
--
-- arguments:
--   figure: recomputed figure
--   comparison: =, >, >=, <, <= or between
--   stated: stated figure (of `between`: the lower)
--   upper: upper figure of `between`, else NULL
--   decimals: decimals of the stated figure
-- returns: TRUE or FALSE; FALSE where there is no figure
-- example: SELECT agrees(58.86, '=', 59, NULL, 0)

CREATE OR REPLACE MACRO agrees(figure, comparison, stated, upper, decimals) AS (
    coalesce(CASE comparison
        -- A billionth part of slack, so that 58.5 and 59 agree whatever binary fractions do.
        WHEN '=' THEN abs(figure - stated) <= (0.5 + 1e-9) * power(10, -decimals)
        WHEN '>' THEN figure > stated
        WHEN '>=' THEN figure >= stated
        WHEN '<' THEN figure < stated
        WHEN '<=' THEN figure <= stated
        WHEN 'between' THEN figure BETWEEN stated AND upper
        ELSE error('comparison is =, >, >=, <, <= or between, not ''' || comparison || '''')
    END, false)
);
