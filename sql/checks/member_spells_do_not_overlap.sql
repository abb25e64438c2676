-- A state is in an alliance once at a time: its spells do not overlap.
--
-- asset: main.alliance_members
-- severity: error

SELECT
    NULL::INTEGER AS edition,
    x.dataset || ' ' || x.version || ' ' || x.alliance_id || '/' || x.cow_code AS subject,
    year(y.entry_date)::INTEGER AS year,
    format(
        '{} to {} and again from {}', x.entry_date, coalesce(x.exit_date::VARCHAR, 'now'),
        y.entry_date
    ) AS detail
FROM main.alliance_members AS x
JOIN main.alliance_members AS y
  ON y.dataset = x.dataset AND y.version = x.version AND y.alliance_id = x.alliance_id
 AND y.cow_code = x.cow_code AND y.entry_date > x.entry_date
 AND y.entry_date < coalesce(x.exit_date, DATE '9999-12-31')
