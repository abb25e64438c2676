-- The version of an alliance dataset asked for, the newest when none is named; an error otherwise.
--
-- arguments:
--   wanted_dataset: ATOP or COW
--   wanted_version: '3.0', '4.01', '5.1' …, or NULL
-- returns: one version; an error that names the table to look in when it is not there
-- example: SELECT resolve_version('ATOP', NULL)

CREATE OR REPLACE MACRO resolve_version(wanted_dataset, wanted_version) AS (
    coalesce(
        (SELECT max(a.version) FROM main.alliances AS a
         WHERE a.dataset = wanted_dataset AND (wanted_version IS NULL OR a.version = wanted_version)),
        error('There is no ' || wanted_dataset || ' ' || coalesce(wanted_version, 'data')
              || ' in this snapshot. At hand: SELECT DISTINCT dataset, version FROM alliances')
    )
);
