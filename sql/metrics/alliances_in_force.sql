-- The alliances in force at any time of a year, by the phase that was in force.
--
-- A year before the version begins or after its closing is unknown, never empty: it is an error.
--
-- arguments:
--   year: calendar year
--   dataset: ATOP or COW
--   version: version of the dataset
-- defaults: dataset := 'ATOP', version := the dataset's newest
-- returns: a row an alliance, with the obligations of its last phase of that year
-- columns:
--   alliance_id VARCHAR: the dataset's number
--   name VARCHAR: common name, or members and year
--   phase INTEGER: the last phase in force that year
--   begin_date DATE: begin of the phase
--   end_date DATE: end of the phase, NULL = in force at the closing
--   bilateral BOOLEAN: two members in that phase
--   defense BOOLEAN: obligation to defend
--   offense BOOLEAN: obligation to join an attack
--   neutrality BOOLEAN: obligation to stay neutral
--   nonaggression BOOLEAN: obligation not to attack
--   consultation BOOLEAN: obligation to consult
-- example: SELECT name, begin_date FROM alliances_in_force(1997) WHERE defense AND bilateral

CREATE OR REPLACE MACRO alliances_in_force(year, dataset := 'ATOP', version := NULL) AS TABLE
SELECT
    p.alliance_id, a.name, p.phase, p.begin_date, p.end_date, p.bilateral, p.defense, p.offense,
    p.neutrality, p.nonaggression, p.consultation
FROM main.alliance_phases AS p
JOIN main.alliances AS a
  ON a.dataset = p.dataset AND a.version = p.version AND a.alliance_id = p.alliance_id
WHERE p.dataset = dataset AND p.version = resolve_version(dataset, version)
  AND p.begin_date <= make_date(year, 12, 31)
  AND coalesce(p.end_date, p.closing_date) >= make_date(year, 1, 1)
  AND make_date(year, 1, 1) <= (
        SELECT CASE
            WHEN make_date(year, 12, 31) < min(x.begin_date)
                THEN error(dataset || ' ' || max(x.version) || ' begins in '
                           || date_part('year', min(x.begin_date))
                           || ': what was in force in ' || year || ' is unknown')
            WHEN make_date(year, 1, 1) <= max(x.closing_date) THEN max(x.closing_date)
            ELSE error(dataset || ' ' || max(x.version) || ' ends on ' || max(x.closing_date)
                       || ': what was in force in ' || year || ' is unknown')
        END
        FROM main.alliances AS x
        WHERE x.dataset = dataset AND x.version = resolve_version(dataset, version)
  )
QUALIFY row_number() OVER (PARTITION BY p.alliance_id ORDER BY p.phase DESC) = 1
ORDER BY p.begin_date, p.alliance_id;
