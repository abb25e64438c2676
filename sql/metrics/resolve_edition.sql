-- The edition asked for, the newest when none is named; an error for one that is not there.
--
-- arguments:
--   wanted_edition: last data year of an edition, or NULL
-- returns: one edition; an error that names the table of editions when it is not there
-- example: SELECT resolve_edition(NULL)

CREATE OR REPLACE MACRO resolve_edition(wanted_edition) AS (
    CASE
        WHEN wanted_edition IS NULL THEN (SELECT max(e.edition) FROM main.editions AS e)
        ELSE coalesce(
            (SELECT e.edition FROM main.editions AS e WHERE e.edition = wanted_edition),
            error('Edition ' || wanted_edition || ' is not in this snapshot. '
                  || 'Editions at hand: SELECT edition FROM editions')
        )
    END
);
