-- A state joins an alliance no earlier than it begins and leaves no later than it ends.
--
-- asset: main.alliances
-- severity: warning

SELECT
    NULL::INTEGER AS edition, a.dataset || ' ' || a.version || ' ' || a.alliance_id AS subject,
    year(m.entry_date)::INTEGER AS year,
    format(
        'alliance {} to {}, member {} {} to {}', a.begin_date,
        coalesce(a.end_date::VARCHAR, 'now'), m.cow_code, m.entry_date,
        coalesce(m.exit_date::VARCHAR, 'now')
    ) AS detail
FROM main.alliances AS a
JOIN main.alliance_members AS m
  ON m.dataset = a.dataset AND m.version = a.version AND m.alliance_id = a.alliance_id
WHERE m.entry_date < a.begin_date
   OR coalesce(m.exit_date, DATE '9999-12-31') > coalesce(a.end_date, DATE '9999-12-31')
