-- Mean and median lifespan of a declared set of alliances (or phases, lineages, spells, dyads).
--
-- Alliances still in force at the closing have no lifespan and are left out: that biases the mean
-- downwards. `survival` gives the estimate that does not leave them out.
--
-- arguments:
--   dataset: ATOP or COW
--   version: version of the dataset
--   unit: alliance, phase, lineage, member spell or dyad
--   formed_from: first year of signature
--   formed_to: last year of signature
--   ended_by: last year of ending; NULL for the closing of the version
--   obligation: all, defense or offense, defense, not only nonaggression, not only consultation
--   members: all, bilateral, multilateral
--   ending: all, not renegotiated, not independence lost, fulfilled or violated
--   wartime: in or out
--   convention: years (difference of calendar years), years plus one, exact (days / 365.2425)
-- defaults: dataset := 'ATOP', version := the dataset's newest, unit := 'alliance',
--   formed_from := 1815, formed_to := 1989, ended_by := NULL, obligation := 'all',
--   members := 'all', ending := 'all', wartime := 'in', convention := 'years'
-- returns: one row; n is 0 and the years are NULL where no alliance is in the set
-- columns:
--   n BIGINT: units in the set
--   mean_years DOUBLE [years]: mean lifespan
--   median_years DOUBLE [years]: median lifespan
-- example: SELECT * FROM alliance_lifespan(version := '3.0', ended_by := 2001)

CREATE OR REPLACE MACRO alliance_lifespan(
    dataset := 'ATOP', version := NULL, unit := 'alliance', formed_from := 1815,
    formed_to := 1989, ended_by := NULL, obligation := 'all', members := 'all', ending := 'all',
    wartime := 'in', convention := 'years'
) AS TABLE
WITH chosen AS (
    SELECT
        CASE convention
            WHEN 'years' THEN u.lifespan_years
            WHEN 'years plus one' THEN u.lifespan_years + 1
            WHEN 'exact' THEN u.lifespan_exact_years
            ELSE error('convention is years, years plus one or exact, not ''' || convention || '''')
        END AS lifespan
    FROM main.alliance_units AS u
    WHERE u.dataset = dataset
      AND u.version = resolve_version(dataset, version)
      AND u.unit = CASE
            WHEN unit IN ('alliance', 'phase', 'lineage', 'member spell', 'dyad') THEN unit
            ELSE error('unit is alliance, phase, lineage, member spell or dyad, not '''
                       || unit || '''') END
      AND year(u.begin_date) BETWEEN formed_from AND formed_to
      AND year(u.end_date) <= coalesce(ended_by, year(u.closing_date))
      AND has_obligation(obligation, u.defense, u.offense, u.neutrality, u.nonaggression,
                         u.consultation)
      AND CASE members WHEN 'all' THEN true WHEN 'bilateral' THEN u.bilateral
              WHEN 'multilateral' THEN NOT u.bilateral
              ELSE error('members is all, bilateral or multilateral, not ''' || members || '''') END
      AND CASE ending WHEN 'all' THEN true WHEN 'not renegotiated' THEN u.ending <> 'renegotiated'
              WHEN 'not independence lost' THEN u.ending <> 'independence lost'
              WHEN 'fulfilled or violated' THEN u.ending IN ('fulfilled', 'violated')
              ELSE error('ending is all, not renegotiated, not independence lost or fulfilled or '
                         || 'violated, not ''' || ending || '''') END
      AND CASE wartime WHEN 'in' THEN true WHEN 'out' THEN NOT u.wartime
              ELSE error('wartime is in or out, not ''' || wartime || '''') END
)
SELECT count(*) AS n, avg(c.lifespan)::DOUBLE AS mean_years, median(c.lifespan)::DOUBLE AS median_years
FROM chosen AS c;
