-- One row per alliance (one treaty relationship) of one version of ATOP or COW.
--
-- A version is a state of knowledge at its closing date: an alliance without an end date was in force
-- then, and what came after is unknown. A lifespan depends on the unit: see alliance_units for
-- phases, lineages, member spells and dyads.
--
-- key: dataset, version, alliance_id
-- columns:
--   dataset VARCHAR: ATOP or COW
--   version VARCHAR: version of the dataset
--   alliance_id VARCHAR: the dataset's number of the alliance
--   name VARCHAR: common name where there is a reviewed one, else members and year
--   begin_date DATE: signature
--   end_date DATE: end; NULL = in force at the closing
--   closing_date DATE: day up to which the version knows
--   date_precision VARCHAR: day, month or year: the coarser of begin and end; an unknown day or month
--       is set to the middle of the period
--   lifespan_years INTEGER [years]: difference of calendar years; NULL while in force
--   lifespan_exact_years DOUBLE [years of 365.2425 days]: from begin to end; NULL while in force
--   age_at_closing INTEGER [years]: difference of calendar years to the closing, of those in force
--   defense BOOLEAN: any member, in any phase, must defend a partner
--   offense BOOLEAN: any member must join an attack (not coded by COW)
--   neutrality BOOLEAN: any member must stay neutral
--   nonaggression BOOLEAN: any member must not attack a partner
--   consultation BOOLEAN: any member must consult (COW: entente)
--   asymmetric BOOLEAN: obligations differ between members (not coded by COW)
--   bilateral BOOLEAN: two members in every phase
--   wartime BOOLEAN: made during a war (not coded by COW)
--   member_count INTEGER [states]: states that were ever members
--   ending VARCHAR: in force, fulfilled, violated, renegotiated, independence lost or unknown
--   lineage_id VARCHAR: the first alliance of the chain of renegotiated treaties it belongs to; NULL
--       where its members are not at hand
--   left_censored BOOLEAN: in force before the dataset begins (COW: before 1816)
--   phases INTEGER: number of versions of its obligations

WITH people AS (
    SELECT
        dataset, version, alliance_id,
        list(DISTINCT country ORDER BY country) AS countries
    FROM main.alliance_members
    GROUP BY dataset, version, alliance_id
),
described AS (
    SELECT
        a.*, year(a.begin_date::DATE) AS begin_year,
        CASE
            WHEN p.countries IS NULL THEN a.dataset || ' ' || a.alliance_id
            WHEN len(p.countries) <= 4 THEN array_to_string(p.countries, '–')
            ELSE array_to_string(p.countries[1:3], ', ') || ' and ' || (len(p.countries) - 3) || ' more'
        END AS members_text
    FROM raw.alliances AS a
    LEFT JOIN people AS p
      ON p.dataset = a.dataset AND p.version = a.version AND p.alliance_id = a.alliance_id
)
SELECT
    a.dataset, a.version, a.alliance_id,
    coalesce(n.name, a.members_text || ', ' || a.begin_year) AS name,
    a.begin_date::DATE AS begin_date, a.end_date::DATE AS end_date,
    a.closing_date::DATE AS closing_date, a.date_precision,
    (year(a.end_date::DATE) - a.begin_year)::INTEGER AS lifespan_years,
    date_diff('day', a.begin_date::DATE, a.end_date::DATE) / 365.2425 AS lifespan_exact_years,
    CASE WHEN a.end_date IS NULL THEN (year(a.closing_date::DATE) - a.begin_year)::INTEGER END
        AS age_at_closing,
    a.defense, a.offense, a.neutrality, a.nonaggression, a.consultation, a.asymmetric, a.bilateral,
    a.wartime, a.member_count::INTEGER AS member_count, a.ending, l.lineage_id,
    coalesce(a.left_censored, false) AS left_censored, a.n_phases::INTEGER AS phases
FROM described AS a
LEFT JOIN staging.alliance_lineages AS l
  ON l.dataset = a.dataset AND l.version = a.version AND l.alliance_id = a.alliance_id
LEFT JOIN staging.alliance_names AS n ON n.dataset = a.dataset AND n.alliance_id = a.alliance_id
