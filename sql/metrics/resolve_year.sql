-- A year that an edition covers, within a year on either side; an error for any other.
--
-- arguments:
--   wanted_year: calendar year
--   wanted_edition: last data year of an edition, or NULL for the newest
-- returns: the year; an error that names the years of the edition when it lies outside them
-- example: SELECT resolve_year(2017, NULL)

CREATE OR REPLACE MACRO resolve_year(wanted_year, wanted_edition) AS (
    SELECT CASE
        WHEN wanted_year BETWEEN e.first_year AND e.last_year THEN wanted_year
        ELSE error('Edition ' || e.edition || ' has no year ' || coalesce(wanted_year::VARCHAR, 'NULL')
                   || '; it has ' || e.first_year || '–' || e.last_year)
    END
    FROM main.editions AS e
    WHERE e.edition = resolve_edition(wanted_edition)
);
