-- The largest revisions of current-US$ figures between two editions, by country and year.
--
-- arguments:
--   from_edition: earlier edition
--   to_edition: later edition
--   n: how many
-- defaults: from_edition := the oldest at hand, to_edition := the newest, n := 20
-- returns: n rows, the largest relative change first (figures of at least 100 million US$)
-- columns:
--   country VARCHAR: canonical name
--   year INTEGER [year]: calendar year of the figure
--   from_usd_m DOUBLE [US$ millions, current prices]: figure in the earlier edition
--   to_usd_m DOUBLE [US$ millions, current prices]: figure in the later edition
--   change DOUBLE [fraction]: later over earlier, less 1
-- example: SELECT * FROM largest_revisions(from_edition := 2017, to_edition := 2025)

CREATE OR REPLACE MACRO largest_revisions(from_edition := NULL, to_edition := NULL, n := 20) AS TABLE
SELECT r.country, r.year, r.from_usd_m, r.to_usd_m, r.change
FROM main.revisions AS r
WHERE r.kind = 'revised'
  AND r.from_edition = resolve_edition(
        coalesce(from_edition, (SELECT min(e.edition) FROM main.editions AS e)))
  AND r.to_edition = resolve_edition(to_edition)
  AND greatest(r.from_usd_m, r.to_usd_m) >= 100
ORDER BY abs(ln(r.to_usd_m / nullif(r.from_usd_m, 0))) DESC NULLS LAST, r.country, r.year
LIMIT n;
