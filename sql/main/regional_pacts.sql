-- One row per alliance with a member in the Asia-Pacific and year, 1945 on: the pact as it was in force.
--
-- What is in force, its obligations and whether it is bilateral are those of the last phase in force
-- in the year; members are those in that phase at any time of the year. Years after a version's
-- closing are unknown and have no rows: they are never zero. The region is East Asia, South-East Asia
-- and Oceania (COW codes 710, 712–713, 731–732, 740, 775, 800–860, 900–990); wider levels add South
-- Asia, then Central Asia. The US and Russia are outside powers.
--
-- key: dataset, version, year, alliance_id
-- columns:
--   dataset VARCHAR: ATOP or COW
--   version VARCHAR: version of the dataset
--   year INTEGER [year]: calendar year, 1945 to the closing
--   alliance_id VARCHAR: the dataset's number of the alliance
--   phase INTEGER: the phase in force
--   name VARCHAR: common name, or members and year
--   level INTEGER: narrowest level of the region that has a member: 1 East Asia, South-East Asia and
--       Oceania, 2 with South Asia, 3 with Central Asia
--   bilateral BOOLEAN: two members in this phase
--   defense BOOLEAN: any member must defend a partner
--   offense BOOLEAN: any member must join an attack (not coded by COW)
--   neutrality BOOLEAN: any member must stay neutral
--   nonaggression BOOLEAN: any member must not attack a partner
--   consultation BOOLEAN: any member must consult (COW: entente)
--   strongest VARCHAR: strongest obligation: defense, offense, neutrality, nonaggression,
--       consultation or none
--   members BIGINT [states]: members that year
--   countries VARCHAR[]: their names
--   cow_codes INTEGER[]: their COW codes
--   with_us BOOLEAN: the United States is a member
--   with_russia BOOLEAN: Russia (the USSR) is a member

WITH in_force AS (
    SELECT p.*, y.year::INTEGER AS year
    FROM main.alliance_phases AS p
    JOIN (SELECT unnest(generate_series(1945, 2100)) AS year) AS y
      ON y.year <= year(p.closing_date)
     AND p.begin_date <= make_date(y.year::INTEGER, 12, 31)
     AND coalesce(p.end_date, p.closing_date) >= make_date(y.year::INTEGER, 1, 1)
    QUALIFY row_number() OVER (
        PARTITION BY p.dataset, p.version, p.alliance_id, y.year ORDER BY p.phase DESC
    ) = 1
),
members AS (
    SELECT
        f.dataset, f.version, f.year, f.alliance_id,
        min(CASE k.alliance_region WHEN 'core' THEN 1 WHEN 'south_asia' THEN 2
            WHEN 'central_asia' THEN 3 END) AS level,
        count(DISTINCT m.cow_code) AS members,
        list(DISTINCT k.country ORDER BY k.country) AS countries,
        list(DISTINCT m.cow_code::INTEGER ORDER BY m.cow_code::INTEGER) AS cow_codes
    FROM in_force AS f
    JOIN raw.alliance_member_phases AS m
      ON m.dataset = f.dataset AND m.version = f.version AND m.alliance_id = f.alliance_id
     AND m.phase = f.phase
     AND m.entry_date::DATE <= make_date(f.year, 12, 31)
     AND coalesce(m.exit_date::DATE, f.closing_date) >= make_date(f.year, 1, 1)
    LEFT JOIN staging.country_codes AS k ON k.cow_code = m.cow_code
    GROUP BY f.dataset, f.version, f.year, f.alliance_id
)
SELECT
    f.dataset, f.version, f.year, f.alliance_id, f.phase, a.name, m.level, f.bilateral, f.defense,
    f.offense, f.neutrality, f.nonaggression, f.consultation,
    CASE WHEN f.defense THEN 'defense' WHEN f.offense THEN 'offense'
         WHEN f.neutrality THEN 'neutrality' WHEN f.nonaggression THEN 'nonaggression'
         WHEN f.consultation THEN 'consultation' ELSE 'none' END AS strongest,
    m.members, m.countries, m.cow_codes,
    list_contains(m.cow_codes, 2) AS with_us, list_contains(m.cow_codes, 365) AS with_russia
FROM in_force AS f
JOIN members AS m
  ON m.dataset = f.dataset AND m.version = f.version AND m.year = f.year
 AND m.alliance_id = f.alliance_id
JOIN main.alliances AS a
  ON a.dataset = f.dataset AND a.version = f.version AND a.alliance_id = f.alliance_id
WHERE m.level IS NOT NULL
