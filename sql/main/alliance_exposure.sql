-- One row per unit of alliance_units and the time over which it was watched: what survival is made of.
--
-- Time runs from the true begin, in days. A unit leaves when it ends, or at the closing of its version
-- (censored: how long it went on is unknown). One in force before COW begins comes under observation
-- on 1816-01-01, at the age that it then had (delayed entry): had it ended earlier it would not be in
-- the dataset. Its members' spells, which COW begins on 1816-01-01, begin with the alliance here.
-- A unit that was never watched, because it begins after the closing or ended before it was watched,
-- is left out; one that ends on the day it begins is an end at 0.
--
-- key: dataset, version, unit, unit_id
-- columns:
--   dataset VARCHAR: ATOP or COW
--   version VARCHAR: version of the dataset
--   unit VARCHAR: alliance, phase, lineage, member spell or dyad
--   unit_id VARCHAR: as in alliance_units
--   formed_year INTEGER [year]: year of the true begin
--   era VARCHAR: 1815–1914, 1914–45, 1945–89 or since 1989, by the year of the true begin; a year on
--       the border belongs to the later; NULL before 1815
--   entered_days BIGINT [days]: age when it came under observation; 0 unless entry is delayed
--   left_days BIGINT [days]: age at its end, or at the closing while in force
--   observable_days BIGINT [days]: age that it has, or would have had, at the closing
--   ended BOOLEAN: whether it ended; else it is censored
--   ending VARCHAR: in force, fulfilled, violated, renegotiated, independence lost or unknown
--   lifespan_years INTEGER [years]: difference of calendar years; NULL while in force
--   defense BOOLEAN: obligation to defend
--   offense BOOLEAN: obligation to join an attack (not coded by COW)
--   neutrality BOOLEAN: obligation to stay neutral
--   nonaggression BOOLEAN: obligation not to attack
--   consultation BOOLEAN: obligation to consult
--   bilateral BOOLEAN: two members

WITH begun AS (
    SELECT
        u.*,
        CASE
            WHEN u.left_censored AND u.begin_date <= DATE '1816-01-01'
                THEN least(u.begin_date, a.begin_date)
            ELSE u.begin_date
        END AS true_begin
    FROM main.alliance_units AS u
    JOIN main.alliances AS a
      ON a.dataset = u.dataset AND a.version = u.version AND a.alliance_id = u.alliance_id
),
watched AS (
    SELECT
        b.*,
        CASE WHEN b.left_censored THEN greatest(DATE '1816-01-01' - b.true_begin, 0) ELSE 0 END
            AS entered_days,
        coalesce(b.end_date, b.closing_date) - b.true_begin AS left_days,
        b.closing_date - b.true_begin AS observable_days,
        year(b.true_begin)::INTEGER AS formed_year
    FROM begun AS b
)
SELECT
    dataset, version, unit, unit_id, formed_year,
    CASE
        WHEN formed_year >= 1989 THEN 'since 1989'
        WHEN formed_year >= 1945 THEN '1945–89'
        WHEN formed_year >= 1914 THEN '1914–45'
        WHEN formed_year >= 1815 THEN '1815–1914'
    END AS era,
    entered_days, left_days, observable_days, end_date IS NOT NULL AS ended, ending,
    lifespan_years, defense, offense, neutrality, nonaggression, consultation, bilateral
FROM watched
WHERE observable_days >= 0 AND (left_days > entered_days OR left_days = 0)
