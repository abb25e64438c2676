-- One row per alliance and the lineage it belongs to: a renegotiated treaty that continues as a new
-- alliance (US–Japan 1951 and 1960) is one lineage.
--
-- Two ATOP alliances are joined where they share at least two members, the later begins within 365
-- days of the earlier's end on either side, and the earlier was renegotiated (ATOP's term 3). COW
-- codes no endings, so each of its alliances is a lineage of its own.
--
-- key: dataset, version, alliance_id
-- columns:
--   dataset VARCHAR: ATOP or COW
--   version VARCHAR: version of the dataset
--   alliance_id VARCHAR: the dataset's number of the alliance
--   lineage_id VARCHAR: the earliest alliance of the lineage

WITH RECURSIVE dated AS (
    SELECT dataset, version, alliance_id, begin_date::DATE AS begin_date, end_date::DATE AS end_date, ending
    FROM raw.alliances
),
shared AS (
    SELECT a.dataset, a.version, a.alliance_id AS earlier, b.alliance_id AS later
    FROM (SELECT DISTINCT dataset, version, alliance_id, cow_code FROM raw.alliance_members) AS a
    JOIN (SELECT DISTINCT dataset, version, alliance_id, cow_code FROM raw.alliance_members) AS b
      ON b.dataset = a.dataset AND b.version = a.version AND b.cow_code = a.cow_code
     AND b.alliance_id <> a.alliance_id
    GROUP BY ALL
    HAVING count(*) >= 2
),
links AS (
    SELECT s.dataset, s.version, s.earlier, s.later
    FROM shared AS s
    JOIN dated AS e
      ON e.dataset = s.dataset AND e.version = s.version AND e.alliance_id = s.earlier
    JOIN dated AS l
      ON l.dataset = s.dataset AND l.version = s.version AND l.alliance_id = s.later
    WHERE e.ending = 'renegotiated'
      AND abs(date_diff('day', e.end_date, l.begin_date)) <= 365
      AND l.begin_date > e.begin_date
),
neighbours AS (
    SELECT dataset, version, earlier AS alliance_id, later AS neighbour FROM links
    UNION SELECT dataset, version, later, earlier FROM links
),
reach(dataset, version, alliance_id, reached) AS (
    SELECT dataset, version, alliance_id, alliance_id FROM dated
    UNION
    SELECT r.dataset, r.version, r.alliance_id, n.neighbour
    FROM reach AS r
    JOIN neighbours AS n
      ON n.dataset = r.dataset AND n.version = r.version AND n.alliance_id = r.reached
)
SELECT
    r.dataset, r.version, r.alliance_id,
    arg_min(r.reached, (d.begin_date, d.alliance_id)) AS lineage_id
FROM reach AS r
JOIN dated AS d ON d.dataset = r.dataset AND d.version = r.version AND d.alliance_id = r.reached
GROUP BY r.dataset, r.version, r.alliance_id
