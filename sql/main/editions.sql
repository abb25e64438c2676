-- One row per edition of the SIPRI Military Expenditure Database in this snapshot.
--
-- key: edition
-- columns:
--   edition INTEGER [year]: last data year; what other tables call `edition`
--   published_year INTEGER [year]: year in which SIPRI published it (April or May)
--   base_year INTEGER [year]: year of the constant prices and exchange rates
--   first_year INTEGER [year]: first year with a figure
--   last_year INTEGER [year]: last year with a figure
--   file_name VARCHAR: name of the file that was read
--   sha256 VARCHAR: hash of that file
--   url VARCHAR: where SIPRI publishes it
--   is_excerpt BOOLEAN: the committed excerpt stands in for the full edition
--   citation VARCHAR: how to cite it

SELECT
    e.edition, e.edition + 1 AS published_year, e.base_year, e.first_year, e.last_year,
    f.file_name, f.sha256, f.url, e.is_excerpt,
    f.citation || ' Edition ' || e.edition || '.' AS citation
FROM staging.sipri_editions AS e
JOIN raw.files AS f ON f.source_id = e.source_id
