-- SIPRI's regional totals agree with the sums of their members: within 0.6 % where every member that
-- is not omitted has a figure, and elsewhere the sum exceeds the total by at most 0.5 %. A sum that
-- falls short by what is unavailable is no failure: regional_spending reports the residual.
--
-- asset: main.regional_spending
-- severity: error

WITH compared AS (
    SELECT
        p.edition, p.region, p.year, p.constant_usd_bn AS published, s.constant_usd_bn AS summed,
        s.constant_usd_bn / p.constant_usd_bn - 1 AS difference,
        s.members = s.members_with_figures AS is_complete
    FROM main.regional_spending AS p
    JOIN main.regional_spending AS s
      ON s.edition = p.edition AND s.region = p.region AND s.year = p.year AND s.basis = 'summed'
    JOIN staging.sipri_editions AS e ON e.edition = p.edition
    WHERE p.basis = 'published'
      AND p.region IN (SELECT region FROM main.region_members WHERE kind = 'published')
      AND NOT e.is_excerpt
)
SELECT
    edition, region AS subject, year,
    format(
        'published {:.3f}, summed {:.3f} US$ bn ({:+.2f} %), {}', published, summed,
        100 * difference,
        CASE WHEN is_complete THEN 'every member has a figure' ELSE 'some are unavailable' END
    ) AS detail
FROM compared
WHERE difference > CASE WHEN is_complete THEN 0.006 ELSE 0.005 END
   OR (is_complete AND difference < -0.006)
