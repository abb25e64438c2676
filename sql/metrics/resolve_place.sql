-- The canonical name of a country or region asked for under any of its names; an error otherwise.
--
-- arguments:
--   wanted: a country or region name in any spelling that an edition prints or that is in use, or an
--     ISO code
-- returns: one canonical name; an error that names the table of known names when there is none
-- example: SELECT resolve_place('Turkey')

CREATE OR REPLACE MACRO resolve_place(wanted) AS (
    CASE
        WHEN wanted IS NULL THEN NULL
        ELSE coalesce(
            (SELECT n.place FROM main.place_names AS n WHERE n.alias = lower(trim(wanted))),
            error('''' || wanted || ''' is no country or region of this snapshot. '
                  || 'Known names: SELECT alias, place FROM place_names')
        )
    END
);
