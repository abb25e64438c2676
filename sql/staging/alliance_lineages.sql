-- One row per alliance and the lineage it belongs to: a renegotiated treaty that continues as a new
-- alliance (US–Japan 1951 and 1960) is one lineage.
--
-- Two ATOP alliances are joined where they share at least two members, the later begins within 365
-- days of the earlier's end on either side, and the earlier was renegotiated (ATOP's term 3). COW
-- codes no endings, so each of its alliances is a lineage of its own. An alliance whose members are
-- not at hand has no row: what it continues is unknown.
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
    SEMI JOIN raw.alliance_members USING (dataset, version, alliance_id)
),
members AS (SELECT DISTINCT dataset, version, alliance_id, cow_code FROM raw.alliance_members),
-- Dates first: they leave few pairs of which the members are compared.
links AS (
    SELECT e.dataset, e.version, e.alliance_id AS earlier, l.alliance_id AS later
    FROM dated AS e
    JOIN dated AS l
      ON l.dataset = e.dataset AND l.version = e.version
     AND l.begin_date BETWEEN e.end_date - 365 AND e.end_date + 365
     AND l.begin_date > e.begin_date
    JOIN members AS a
      ON a.dataset = e.dataset AND a.version = e.version AND a.alliance_id = e.alliance_id
    JOIN members AS b
      ON b.dataset = e.dataset AND b.version = e.version AND b.alliance_id = l.alliance_id
     AND b.cow_code = a.cow_code
    WHERE e.ending = 'renegotiated'
    GROUP BY ALL
    HAVING count(*) >= 2
),
neighbours AS (
    SELECT dataset, version, earlier AS alliance_id, later AS neighbour FROM links
    UNION SELECT dataset, version, later, earlier FROM links
),
-- Each alliance takes over the earliest of its neighbours, until nothing changes.
reach(dataset, version, alliance_id, earliest) USING KEY (dataset, version, alliance_id) AS (
    SELECT
        dataset, version, alliance_id,
        {'begin_date': begin_date, 'alliance_id': alliance_id} AS earliest
    FROM dated
    UNION
    SELECT n.dataset, n.version, n.neighbour, min(r.earliest)
    FROM reach AS r
    JOIN neighbours AS n
      ON n.dataset = r.dataset AND n.version = r.version AND n.alliance_id = r.alliance_id
    JOIN recurring.reach AS known
      ON known.dataset = n.dataset AND known.version = n.version
     AND known.alliance_id = n.neighbour
    WHERE r.earliest < known.earliest
    GROUP BY n.dataset, n.version, n.neighbour
)
SELECT dataset, version, alliance_id, earliest.alliance_id AS lineage_id FROM reach
