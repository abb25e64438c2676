-- Whether obligations fall under one of the declared types.
--
-- arguments:
--   obligation: all, defense or offense, defense, not only nonaggression, not only consultation,
--     or one of offense, neutrality, nonaggression, consultation
--   defense: obligation to defend
--   offense: obligation to join an attack
--   neutrality: obligation to stay neutral
--   nonaggression: obligation not to attack
--   consultation: obligation to consult
-- returns: TRUE or FALSE, NULL where the dataset does not code what is asked
-- example: SELECT count(*) FROM alliances_latest AS a WHERE has_obligation('defense', a.defense, a.offense, a.neutrality, a.nonaggression, a.consultation)

CREATE OR REPLACE MACRO has_obligation(
    obligation, defense, offense, neutrality, nonaggression, consultation
) AS (
    CASE obligation
        WHEN 'all' THEN true
        WHEN 'defense or offense' THEN defense OR offense
        WHEN 'defense' THEN defense
        WHEN 'offense' THEN offense
        WHEN 'neutrality' THEN neutrality
        WHEN 'nonaggression' THEN nonaggression
        WHEN 'consultation' THEN consultation
        WHEN 'not only nonaggression'
            THEN NOT nonaggression OR defense OR coalesce(offense, false) OR neutrality OR consultation
        WHEN 'not only consultation'
            THEN NOT consultation OR defense OR coalesce(offense, false) OR neutrality OR nonaggression
        ELSE error('obligation is all, defense or offense, defense, offense, neutrality, '
                   || 'nonaggression, consultation, not only nonaggression or not only '
                   || 'consultation, not ''' || obligation || '''')
    END
);
