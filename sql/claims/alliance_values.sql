-- One row per claim about counts and lifespans of alliances and specification: the figure under it.
--
-- The grid has tens of thousands of combinations, but every one selects units by six yes-or-no
-- conditions. Each unit carries one bit per level of each condition (formed from, ended by,
-- obligation, members, ending, wartime), each sample the six bits that it asks for: a unit is in the
-- sample if it has them all. Conventions and statistics are then read off the same aggregate.
-- A dataset that does not code a field (COW: offence, wartime, ending) has no level that needs it.
--
-- key: claim_id, specification_id
-- columns:
--   claim_id VARCHAR: claim
--   specification_id INTEGER: number within the claim, 0 for its own definition
--   value DOUBLE [the claim's unit]: the count, or the lifespan in years
--   n BIGINT: units in the sample
--   sample_id VARCHAR: equal for specifications that select the same rows
--   left_out VARCHAR: the rule that leaves the combination out, or NULL

WITH units AS (
    SELECT
        dataset, version, unit, lifespan_years, lifespan_exact_years, hash(unit_id) AS unit_hash,
        (CASE WHEN year(begin_date) >= 1815 THEN 1 ELSE 0 END
         | CASE WHEN year(begin_date) >= 1816 THEN 2 ELSE 0 END
         | CASE WHEN year(end_date) <= 1999 THEN 4 ELSE 0 END
         | CASE WHEN year(end_date) <= 2000 THEN 8 ELSE 0 END
         | CASE WHEN year(end_date) <= 2001 THEN 16 ELSE 0 END
         | CASE WHEN end_date IS NOT NULL THEN 32 ELSE 0 END
         | 64
         | CASE WHEN has_obligation('defense or offense', defense, offense, neutrality,
                                    nonaggression, consultation) AND offense IS NOT NULL
                THEN 128 ELSE 0 END
         | CASE WHEN defense THEN 256 ELSE 0 END
         | CASE WHEN has_obligation('not only nonaggression', defense, offense, neutrality,
                                    nonaggression, consultation) THEN 512 ELSE 0 END
         | CASE WHEN has_obligation('not only consultation', defense, offense, neutrality,
                                    nonaggression, consultation) THEN 1024 ELSE 0 END
         | 2048
         | CASE WHEN bilateral THEN 4096 ELSE 0 END
         | CASE WHEN NOT bilateral THEN 8192 ELSE 0 END
         | 16384
         | CASE WHEN ending <> 'renegotiated' THEN 32768 ELSE 0 END
         | CASE WHEN ending <> 'independence lost' THEN 65536 ELSE 0 END
         | CASE WHEN ending IN ('fulfilled', 'violated') THEN 131072 ELSE 0 END
         | 262144
         | CASE WHEN NOT wartime THEN 524288 ELSE 0 END)::INTEGER AS bits
    FROM main.alliance_units
    WHERE year(begin_date) BETWEEN 1815 AND 1989
),
-- A unit is at hand if the dataset gives it for all of its alliances (an excerpt does not); what is
-- known of lineages rests on member spells.
complete AS (
    SELECT u.dataset, u.version, u.unit
    FROM main.alliance_units AS u
    JOIN (SELECT dataset, version, count(*) AS alliances FROM main.alliances GROUP BY ALL) AS a
      ON a.dataset = u.dataset AND a.version = u.version
    GROUP BY u.dataset, u.version, u.unit
    HAVING count(DISTINCT u.alliance_id) = any_value(a.alliances)
),
coded AS (
    SELECT
        u.dataset, u.version, u.unit, bool_or(u.offense IS NOT NULL) AS offense,
        bool_or(u.wartime IS NOT NULL) AS wartime,
        bool_or(u.ending NOT IN ('in force', 'unknown')) AS ending
    FROM main.alliance_units AS u
    SEMI JOIN complete AS c
      ON c.dataset = u.dataset AND c.version = u.version
     AND c.unit = CASE WHEN u.unit = 'lineage' THEN 'member spell' ELSE u.unit END
    GROUP BY u.dataset, u.version, u.unit
),
grid AS (
    SELECT
        g.* REPLACE (split_part(g.dataset, ' ', 1) AS dataset),
        split_part(g.dataset, ' ', 2) AS version,
        (CASE g.formed_from WHEN 1815 THEN 1 WHEN 1816 THEN 2 END
         | CASE g.ended_by WHEN '1999' THEN 4 WHEN '2000' THEN 8 WHEN '2001' THEN 16
             WHEN 'closing' THEN 32 END
         | CASE g.obligation WHEN 'all' THEN 64 WHEN 'defense or offense' THEN 128
             WHEN 'defense' THEN 256 WHEN 'not only nonaggression' THEN 512
             WHEN 'not only consultation' THEN 1024 END
         | CASE g.members WHEN 'all' THEN 2048 WHEN 'bilateral' THEN 4096
             WHEN 'multilateral' THEN 8192 END
         | CASE g.ending WHEN 'all' THEN 16384 WHEN 'not renegotiated' THEN 32768
             WHEN 'not independence lost' THEN 65536 WHEN 'fulfilled or violated' THEN 131072 END
         | CASE g.wartime WHEN 'in' THEN 262144 WHEN 'out' THEN 524288 END)::INTEGER AS asks
    FROM claims.alliance_grid AS g
),
samples AS (
    SELECT DISTINCT g.dataset, g.version, g.unit, g.counted, g.asks,
        CASE WHEN g.counted = 'formed' THEN g.asks & ~(4 | 8 | 16 | 32) ELSE g.asks END AS asks_counted
    FROM grid AS g
),
-- One pass for what is cheap, so that samples of equal rows are known before medians are taken.
ended AS (
    SELECT
        s.dataset, s.version, s.unit, s.asks, count(*) AS n,
        avg(u.lifespan_years) AS mean_years, avg(u.lifespan_exact_years) AS mean_exact,
        sum(u.unit_hash::HUGEINT) AS rows_hash
    FROM (SELECT DISTINCT dataset, version, unit, asks FROM samples) AS s
    JOIN units AS u
      ON u.dataset = s.dataset AND u.version = s.version AND u.unit = s.unit
     AND u.bits & s.asks = s.asks
    GROUP BY s.dataset, s.version, s.unit, s.asks
),
medians AS (
    SELECT
        r.dataset, r.version, r.unit, r.rows_hash, median(u.lifespan_years) AS median_years,
        median(u.lifespan_exact_years) AS median_exact
    FROM (
        SELECT dataset, version, unit, rows_hash, min(asks) AS asks
        FROM ended GROUP BY dataset, version, unit, rows_hash
    ) AS r
    JOIN units AS u
      ON u.dataset = r.dataset AND u.version = r.version AND u.unit = r.unit
     AND u.bits & r.asks = r.asks
    GROUP BY r.dataset, r.version, r.unit, r.rows_hash
),
formed AS (
    SELECT
        s.dataset, s.version, s.unit, s.asks_counted, count(*) AS n,
        sum(u.unit_hash::HUGEINT) AS rows_hash
    FROM (
        SELECT DISTINCT dataset, version, unit, asks_counted FROM samples WHERE counted = 'formed'
    ) AS s
    JOIN units AS u
      ON u.dataset = s.dataset AND u.version = s.version AND u.unit = s.unit
     AND u.bits & s.asks_counted = s.asks_counted
    GROUP BY s.dataset, s.version, s.unit, s.asks_counted
),
found AS (
    SELECT
        g.claim_id, g.specification_id, g.metric,
        CASE WHEN g.counted = 'formed' THEN f.n ELSE e.n END AS counted_n,
        e.n AS ended_n,
        CASE g.statistic
            WHEN 'mean' THEN CASE g.convention WHEN 'years' THEN e.mean_years
                WHEN 'years plus one' THEN e.mean_years + 1 WHEN 'exact' THEN e.mean_exact END
            WHEN 'median' THEN CASE g.convention WHEN 'years' THEN m.median_years
                WHEN 'years plus one' THEN m.median_years + 1 WHEN 'exact' THEN m.median_exact END
        END AS lifespan,
        -- A figure rests on the rows counted or on those that ended; where two claims describe one
        -- set, a specification selects both.
        CASE
            WHEN s.together_with IS NOT NULL
                THEN hash(g.dataset, g.version, g.unit, e.rows_hash,
                          CASE WHEN g.counted = 'formed' THEN f.rows_hash ELSE e.rows_hash END)
            WHEN g.metric = 'alliance_count' AND g.counted = 'formed'
                THEN hash(g.dataset, g.version, g.unit, f.rows_hash)
            ELSE hash(g.dataset, g.version, g.unit, e.rows_hash)
        END AS rows_hash,
        CASE
            WHEN c.unit IS NULL THEN 'the dataset, version or unit is not at hand'
            WHEN g.obligation IN ('defense or offense') AND NOT c.offense
                THEN 'the dataset does not code offence'
            WHEN g.wartime = 'out' AND NOT c.wartime THEN 'the dataset does not code wartime pacts'
            WHEN g.ending <> 'all' AND NOT c.ending THEN 'the dataset does not code endings'
        END AS left_out
    FROM grid AS g
    JOIN claims.statements AS s ON s.claim_id = g.claim_id
    LEFT JOIN coded AS c ON c.dataset = g.dataset AND c.version = g.version AND c.unit = g.unit
    LEFT JOIN ended AS e
      ON e.dataset = g.dataset AND e.version = g.version AND e.unit = g.unit AND e.asks = g.asks
    LEFT JOIN medians AS m
      ON m.dataset = e.dataset AND m.version = e.version AND m.unit = e.unit
     AND m.rows_hash = e.rows_hash
    LEFT JOIN formed AS f
      ON f.dataset = g.dataset AND f.version = g.version AND f.unit = g.unit
     AND g.counted = 'formed' AND f.asks_counted = g.asks & ~(4 | 8 | 16 | 32)
)
SELECT
    claim_id, specification_id,
    CASE WHEN left_out IS NOT NULL THEN NULL
         WHEN metric = 'alliance_count' THEN coalesce(counted_n, 0)::DOUBLE ELSE lifespan END AS value,
    CASE WHEN left_out IS NULL
         THEN coalesce(CASE WHEN metric = 'alliance_count' THEN counted_n ELSE ended_n END, 0)::BIGINT
    END AS n,
    CASE WHEN left_out IS NULL THEN printf('%016x', rows_hash) END AS sample_id,
    left_out
FROM found
