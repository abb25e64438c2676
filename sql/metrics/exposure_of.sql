-- The units that a filter selects and the time over which each was watched: rows for kaplan_meier.
--
-- arguments:
--   dataset: ATOP or COW
--   version: version of the dataset
--   unit: alliance, phase, lineage, member spell or dyad
--   obligation: all, defense or offense, defense, offense, neutrality, nonaggression, consultation,
--     not only nonaggression, not only consultation
--   members: all, bilateral, multilateral
--   formed_from: first year of signature; NULL for the first that the version knows
--   formed_to: last year of signature; NULL for the closing of the version
-- defaults: dataset := 'ATOP', version := the dataset's newest, unit := 'alliance',
--   obligation := 'all', members := 'all', formed_from := NULL, formed_to := NULL
-- returns: a row a unit; none where no unit is in the set
-- columns:
--   stratum VARCHAR: 'all': one curve
--   unit_id VARCHAR: as in alliance_units
--   entered_days BIGINT [days]: age when it came under observation
--   left_days BIGINT [days]: age at its end, or at the closing
--   observable_days BIGINT [days]: age that it has, or would have had, at the closing
--   ended BOOLEAN: whether it ended; else it is censored
--   ending VARCHAR: how it ended
-- example: SELECT count(*) FROM exposure_of(version := '3.0', formed_to := 1989)

CREATE OR REPLACE MACRO exposure_of(
    dataset := 'ATOP', version := NULL, unit := 'alliance', obligation := 'all', members := 'all',
    formed_from := NULL, formed_to := NULL
) AS TABLE
SELECT
    'all' AS stratum, x.unit_id, x.entered_days, x.left_days, x.observable_days, x.ended, x.ending
FROM main.alliance_exposure AS x
WHERE x.dataset = dataset
  AND x.version = resolve_version(dataset, version)
  AND x.unit = CASE
        WHEN unit IN ('alliance', 'phase', 'lineage', 'member spell', 'dyad') THEN unit
        ELSE error('unit is alliance, phase, lineage, member spell or dyad, not ''' || unit || '''')
      END
  AND x.formed_year >= coalesce(formed_from, x.formed_year)
  AND x.formed_year <= coalesce(formed_to, x.formed_year)
  AND has_obligation(obligation, x.defense, x.offense, x.neutrality, x.nonaggression,
                     x.consultation)
  AND CASE members WHEN 'all' THEN true WHEN 'bilateral' THEN x.bilateral
          WHEN 'multilateral' THEN NOT x.bilateral
          ELSE error('members is all, bilateral or multilateral, not ''' || members || '''') END;
