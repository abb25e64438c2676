-- One row per country, year and pair of editions in which its current-US$ figure changed: how much an
-- edition revised the past.
--
-- Current US$ only: constant prices also change because their base year does. A change of less than
-- one part in a million is a matter of printing. See `claim_revisions` for how a claim's figure moved.
--
-- key: from_edition, to_edition, country, year
-- columns:
--   from_edition INTEGER [year]: earlier edition
--   to_edition INTEGER [year]: later edition
--   country VARCHAR: canonical name
--   year INTEGER [year]: calendar year of the figure
--   from_usd_m DOUBLE [US$ millions, current prices]: figure in the earlier edition, NULL if none
--   to_usd_m DOUBLE [US$ millions, current prices]: figure in the later edition, NULL if none
--   change_usd_m DOUBLE [US$ millions, current prices]: later less earlier
--   change DOUBLE [fraction]: later over earlier, less 1; NULL where one of them has no figure
--   kind VARCHAR: revised, added (only the later has a figure) or removed

WITH pairs AS (
    SELECT a.edition AS from_edition, b.edition AS to_edition, a.last_year
    FROM main.editions AS a
    JOIN main.editions AS b ON b.edition > a.edition
)
SELECT
    p.from_edition, p.to_edition, a.country, a.year, a.current_usd_m AS from_usd_m,
    b.current_usd_m AS to_usd_m, b.current_usd_m - a.current_usd_m AS change_usd_m,
    b.current_usd_m / nullif(a.current_usd_m, 0) - 1 AS change,
    CASE WHEN a.current_usd_m IS NULL THEN 'added' WHEN b.current_usd_m IS NULL THEN 'removed'
         ELSE 'revised' END AS kind
FROM pairs AS p
JOIN main.spending AS a ON a.edition = p.from_edition
JOIN main.spending AS b
  ON b.edition = p.to_edition AND b.country = a.country AND b.year = a.year
WHERE a.year <= p.last_year
  AND (a.current_usd_m IS NULL) <> (b.current_usd_m IS NULL)
   OR abs(b.current_usd_m - a.current_usd_m) > 1e-6 * greatest(a.current_usd_m, b.current_usd_m)
