-- One row per source file that was found: where it came from, its hash, its terms.
--
-- key: dataset, file_name, sha256
-- columns:
--   dataset VARCHAR: SIPRI, ATOP or COW
--   version VARCHAR: edition or version; NULL where the file could not be read
--   file_name VARCHAR: name of the file
--   url VARCHAR: where the publisher offers it
--   sha256 VARCHAR: hash of the bytes that were read
--   bytes BIGINT [bytes]: size
--   retrieved_at TIMESTAMP: time of the file
--   origin VARCHAR: raw, mirror, publisher or excerpt
--   superseded BOOLEAN: another copy of the same edition, or of the same file of a version, is used
--       instead
--   cells_differing BIGINT: cells in which a superseded workbook has another figure or status than the
--       one in use; what a program rounds off when it saves a copy again is no difference
--   catalogued BOOLEAN: the catalogue knows these bytes; an unknown hash is a warning, not a refusal
--   error VARCHAR: why the file could not be read, else NULL
--   licence VARCHAR: terms of use
--   citation VARCHAR: how to cite it

WITH chosen AS (
    SELECT x.source_id, x.edition, x.error, u.source_id AS used
    FROM raw.sipri_editions AS x
    LEFT JOIN staging.sipri_editions AS u ON u.edition = x.edition
),
cells AS (
    SELECT
        c.source_id, f.measure, f.country, f.year,
        max(f.value) FILTER (f.source_id = c.source_id) AS value,
        max(f.value) FILTER (f.source_id = c.used) AS value_in_use,
        max(f.status::VARCHAR) FILTER (f.source_id = c.source_id) AS status,
        max(f.status::VARCHAR) FILTER (f.source_id = c.used) AS status_in_use
    FROM chosen AS c
    JOIN raw.sipri_figures AS f ON f.source_id = c.source_id OR f.source_id = c.used
    WHERE c.source_id <> c.used
    GROUP BY c.source_id, f.measure, f.country, f.year
),
-- Of ATOP's and COW's files the first found counts, one's own before the mirror's.
unused AS (
    SELECT f.source_id
    FROM raw.files AS f
    ANTI JOIN raw.unreadable AS x ON x.source_id = f.source_id
    WHERE f.dataset <> 'SIPRI' AND f.version IS NOT NULL AND f.origin <> 'excerpt'
    QUALIFY row_number() OVER (PARTITION BY f.dataset, f.version, f.level ORDER BY f.rowid) > 1
),
differing AS (
    SELECT source_id, count(*) AS cells
    FROM cells
    WHERE status IS DISTINCT FROM status_in_use
       OR abs(value - value_in_use) > 1e-12 * greatest(abs(value), abs(value_in_use))
    GROUP BY source_id
)
SELECT
    f.dataset,
    coalesce(f.version, c.edition::VARCHAR) AS version,
    f.file_name, f.url, f.sha256, f.bytes, f.retrieved_at, f.origin,
    (c.used IS NOT NULL AND c.used <> f.source_id) OR u.source_id IS NOT NULL AS superseded,
    CASE WHEN c.used <> f.source_id THEN coalesce(d.cells, 0) END AS cells_differing,
    f.catalogued, coalesce(c.error, x.error) AS error, f.licence,
    f.citation || CASE WHEN f.dataset = 'SIPRI' THEN ' Edition ' ELSE ' Version ' END
        || coalesce(f.version, c.edition::VARCHAR, 'unknown') || '.' AS citation
FROM raw.files AS f
LEFT JOIN chosen AS c ON c.source_id = f.source_id
LEFT JOIN unused AS u ON u.source_id = f.source_id
LEFT JOIN differing AS d ON d.source_id = f.source_id
LEFT JOIN raw.unreadable AS x ON x.source_id = f.source_id
-- A stand-in is a source only where no real file of the same edition or version is.
WHERE f.origin <> 'excerpt'
   OR c.used = f.source_id
   OR (f.dataset <> 'SIPRI' AND NOT EXISTS (
        SELECT 1 FROM raw.files AS r
        WHERE r.dataset = f.dataset AND r.version = f.version AND r.origin <> 'excerpt'
   ))
