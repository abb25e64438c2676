-- One row per paragraph of the texts and joint specification: how many of its statements one single
-- reading of the data satisfies, and which fail under it.
--
-- A joint specification sets every dimension once for the whole paragraph: the same edition, prices,
-- basis, region and years (or dataset, unit and counting rule) for all of its statements, where 'as
-- stated' leaves each statement its own level. A statement without the dimension, or without the
-- level in its grid, is taken as stated. Only the best are kept, the fewest changes first.
--
-- key: paragraph, place_in_paragraph
-- columns:
--   paragraph VARCHAR: paragraph of the texts
--   place_in_paragraph BIGINT: 1 for the reading that satisfies most statements
--   reading VARCHAR: the levels set for the paragraph (JSON); {} leaves every statement as stated
--   changes BIGINT [dimensions]: how many dimensions the reading sets
--   satisfied BIGINT: statements that agree under it
--   statements BIGINT: testable statements of the paragraph that have a figure
--   failing VARCHAR[]: claims that do not agree under it

WITH levels AS (
    SELECT DISTINCT
        t.paragraph, g.claim_id, g.specification_id, k.key AS dimension, g.parameters ->> k.key AS level,
        (g.parameters ->> k.key) IS DISTINCT FROM (o.parameters ->> k.key) AS changed
    FROM main.specifications AS g
    JOIN claims.statements AS t ON t.claim_id = g.claim_id
    JOIN main.specifications AS o ON o.claim_id = g.claim_id AND o.specification_id = 0
    CROSS JOIN LATERAL (SELECT unnest(json_keys(g.parameters)) AS key) AS k
    WHERE g.carries_verdict AND g.changes <= 2
),
-- What each specification changes, as one sorted text; '' is the own definition.
deltas AS (
    SELECT
        paragraph, claim_id, specification_id,
        coalesce(list(dimension || '=' || level ORDER BY dimension) FILTER (changed), []) AS delta
    FROM levels
    GROUP BY paragraph, claim_id, specification_id
),
-- Readings of up to two dimensions: every change that any statement of the paragraph knows.
readings AS (
    SELECT DISTINCT paragraph, delta AS reading FROM deltas
),
known AS (
    SELECT DISTINCT claim_id, unnest(delta) AS part FROM deltas
),
applied AS (
    SELECT
        r.paragraph, r.reading, s.claim_id,
        list_filter(r.reading, lambda part: list_contains(s.parts, part)) AS delta
    FROM readings AS r
    JOIN (
        SELECT d.paragraph, d.claim_id, coalesce(list(DISTINCT k.part), []) AS parts
        FROM (SELECT DISTINCT paragraph, claim_id FROM deltas) AS d
        LEFT JOIN known AS k ON k.claim_id = d.claim_id
        GROUP BY d.paragraph, d.claim_id
    ) AS s ON s.paragraph = r.paragraph
),
judged AS (
    SELECT
        a.paragraph, a.reading, count(*) AS statements,
        count(*) FILTER (coalesce(v.agrees, false)) AS satisfied,
        coalesce(list(a.claim_id ORDER BY a.claim_id) FILTER (NOT coalesce(v.agrees, false)), [])
            AS failing
    FROM applied AS a
    LEFT JOIN deltas AS d ON d.claim_id = a.claim_id AND d.delta = a.delta
    LEFT JOIN main.specifications AS v
      ON v.claim_id = d.claim_id AND v.specification_id = d.specification_id
    GROUP BY a.paragraph, a.reading
)
SELECT
    paragraph,
    row_number() OVER (
        PARTITION BY paragraph ORDER BY satisfied DESC, len(reading), reading::VARCHAR
    ) AS place_in_paragraph,
    '{' || array_to_string(list_transform(
        reading,
        lambda part: '"' || split_part(part, '=', 1) || '": "' || split_part(part, '=', 2) || '"'
    ), ', ') || '}' AS reading,
    len(reading) AS changes, satisfied, statements, failing
FROM judged
QUALIFY place_in_paragraph <= 20
