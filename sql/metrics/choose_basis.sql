-- The basis of a place's figures: a region's as asked for, a country's always 'reported'.
--
-- arguments:
--   wanted_place: a country or region name
--   wanted_basis: published or summed
-- returns: one of published, summed, reported; an error for any other basis
-- example: SELECT choose_basis('China', 'published')

CREATE OR REPLACE MACRO choose_basis(wanted_place, wanted_basis) AS (
    CASE
        WHEN wanted_basis NOT IN ('published', 'summed')
            THEN error('basis is published or summed, not ''' || wanted_basis || '''')
        WHEN (SELECT n.kind FROM main.place_names AS n WHERE n.alias = lower(trim(wanted_place))) = 'country'
            THEN 'reported'
        ELSE wanted_basis
    END
);
