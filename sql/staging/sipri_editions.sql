-- One row per edition of SIPRI's database: which copy of it is used, and how many others it supersedes.
--
-- A user's own copy goes before the mirror's, a catalogued hash before an unknown one, and a real
-- file before the committed excerpt.
--
-- key: edition
-- columns:
--   edition INTEGER [year]: last data year
--   source_id VARCHAR: the copy in use (first 12 digits of its sha256)
--   base_year INTEGER [year]: year of the constant prices
--   first_year INTEGER [year]: first year with a figure in a country sheet
--   last_year INTEGER [year]: last year with a figure in a country sheet
--   is_excerpt BOOLEAN: the committed excerpt stands in for the full edition

SELECT e.edition, e.source_id, e.base_year, e.first_year, e.last_year, f.origin = 'excerpt' AS is_excerpt
FROM raw.sipri_editions AS e
JOIN raw.files AS f ON f.source_id = e.source_id
WHERE e.error IS NULL
QUALIFY row_number() OVER (
    PARTITION BY e.edition
    ORDER BY f.origin = 'excerpt', f.origin = 'mirror', NOT f.catalogued, f.file_name, f.source_id
) = 1
