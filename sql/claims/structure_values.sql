-- One row per claim about the shape of Asia-Pacific security and specification: the figure under it.
--
-- Pacts are taken as they were in force in a year, by phase (regional_pacts); ages and shares that
-- reach an age are taken from units (alliance_units). Rules that leave a combination out: the version
-- is not at hand or closes before the year, or does not code the field; the edition has no figures.
--
-- key: claim_id, specification_id
-- columns:
--   claim_id VARCHAR: claim
--   specification_id INTEGER: number within the claim, 0 for its own definition
--   value DOUBLE [the claim's unit]: the figure under this specification
--   n BIGINT: pacts, units or ties that the figure rests on
--   sample_id VARCHAR: equal for specifications that select the same rows
--   left_out VARCHAR: the rule that leaves the combination out, or NULL

WITH versions AS (
    SELECT
        dataset, version, max(closing_date) AS closing_date,
        bool_or(offense IS NOT NULL) AS codes_offense,
        bool_or("asymmetric" IS NOT NULL) AS codes_asymmetry,
        bool_or(wartime IS NOT NULL) AS codes_wartime
    FROM main.alliances GROUP BY dataset, version
),
complete AS (
    SELECT u.dataset, u.version, u.unit
    FROM main.alliance_units AS u
    JOIN (SELECT dataset, version, count(*) AS alliances FROM main.alliances GROUP BY ALL) AS a
      ON a.dataset = u.dataset AND a.version = u.version
    GROUP BY u.dataset, u.version, u.unit
    HAVING count(DISTINCT u.alliance_id) = any_value(a.alliances)
),
with_members AS (SELECT DISTINCT dataset, version FROM main.alliance_members),
grid AS (
    SELECT
        g.* REPLACE (split_part(g.dataset, ' ', 1) AS dataset),
        split_part(g.dataset, ' ', 2) AS version,
        from_json(g.states, '["INTEGER"]') AS state_list,
        from_json(g.spokes, '["INTEGER"]') AS spoke_list,
        from_json(g.bound, '["INTEGER"]') AS bound_list,
        CASE g.region WHEN 'core' THEN 1 WHEN 'with South Asia' THEN 2
            WHEN 'with Central Asia' THEN 3 END AS level
    FROM claims.structure_grid AS g
),
-- The pacts that a hub has with spokes, or that spokes have with one another: of a thousand pacts a
-- few, and they are found before any specification asks for them.
of_hubs AS (
    SELECT *
    FROM (
        SELECT
            q.hub, q.spokes, p.dataset, p.version, p.year, p.alliance_id, p.bilateral, p.defense,
            p.offense, p.neutrality, p.nonaggression, p.consultation,
            list_contains(p.cow_codes, q.hub) AS has_hub,
            list_intersect(p.cow_codes, q.spoke_list) AS its_spokes
        FROM (SELECT DISTINCT hub, spokes, spoke_list FROM grid WHERE spokes IS NOT NULL) AS q
        JOIN main.regional_pacts AS p ON list_has_any(p.cow_codes, q.spoke_list)
    )
    WHERE has_hub OR len(its_spokes) >= 2
),
pacts AS (
    SELECT
        g.claim_id, g.specification_id, g.metric, g.criterion, p.alliance_id, p.bilateral,
        p.has_hub, p.its_spokes, a."asymmetric" AS uneven
    FROM grid AS g
    JOIN of_hubs AS p
      ON p.hub = g.hub AND p.spokes = g.spokes AND p.dataset = g.dataset AND p.version = g.version
     AND p.year BETWEEN g.from_year AND g.to_year
     AND has_obligation(g.obligation, p.defense, p.offense, p.neutrality, p.nonaggression,
                        p.consultation)
     AND (coalesce(g.members, 'all') = 'all' OR p.bilateral = (g.members = 'bilateral'))
    JOIN main.alliances AS a
      ON a.dataset = p.dataset AND a.version = p.version AND a.alliance_id = p.alliance_id
    WHERE g.metric IN ('hub_ties', 'hub_bilateral_asymmetric', 'pacts_among_spokes',
                       'hub_multilateral')
),
-- The region's pacts of a year with the obligation that is asked for.
shares AS (
    SELECT
        g.claim_id, g.specification_id,
        100 * avg((CASE g.criterion WHEN 'bilateral' THEN p.bilateral
                   WHEN 'no defense' THEN NOT p.defense END)::INTEGER) AS share,
        count(*) AS n, hash(list(p.alliance_id ORDER BY p.alliance_id)) AS rows_hash
    FROM grid AS g
    JOIN main.regional_pacts AS p
      ON p.dataset = g.dataset AND p.version = g.version AND p.year = g.to_year
     AND p.level <= g.level
     AND has_obligation(g.obligation, p.defense, p.offense, p.neutrality, p.nonaggression,
                        p.consultation)
     AND (g.members = 'all' OR p.bilateral = (g.members = 'bilateral'))
    WHERE g.metric = 'pact_share'
    GROUP BY g.claim_id, g.specification_id
),
-- Alliances that all of the states are members of: at the end of a year, or ever.
joint AS (
    SELECT q.dataset, q.version, q.states, q.to_year, m.alliance_id
    FROM (
        SELECT DISTINCT dataset, version, states, to_year, state_list
        FROM grid WHERE metric IN ('lineage_age', 'member_duties')
    ) AS q
    JOIN main.alliance_members AS m
      ON m.dataset = q.dataset AND m.version = q.version
     AND list_contains(q.state_list, m.cow_code)
     AND (q.to_year IS NULL
          OR (m.entry_date <= make_date(q.to_year, 12, 31)
              AND coalesce(m.exit_date, DATE '9999-12-31') > make_date(q.to_year, 12, 31)))
    GROUP BY q.dataset, q.version, q.states, q.to_year, q.state_list, m.alliance_id
    HAVING count(DISTINCT m.cow_code) = len(q.state_list)
),
tied AS (
    SELECT claim_id, specification_id, metric, criterion, alliance_id, bilateral, uneven,
           unnest(its_spokes) AS spoke
    FROM pacts
    WHERE metric IN ('hub_ties', 'hub_bilateral_asymmetric') AND has_hub
),
spoke_coded AS (
    SELECT
        claim_id, specification_id, spoke,
        CASE criterion WHEN 'every pact' THEN bool_and(bilateral AND uneven)
             ELSE bool_or(bilateral AND uneven) END AS holds
    FROM tied
    WHERE metric = 'hub_bilateral_asymmetric'
    GROUP BY claim_id, specification_id, criterion, spoke
),
-- Units of alliances that the states are members of at the end of the year, for the age of a tie.
ages AS (
    SELECT
        g.claim_id, g.specification_id, u.unit_id,
        CASE g.convention WHEN 'exact'
            THEN date_diff('day', u.begin_date, make_date(g.to_year, 12, 31)) / 365.2425
            ELSE g.to_year - year(u.begin_date) END AS age
    FROM grid AS g
    JOIN joint AS j
      ON j.dataset = g.dataset AND j.version = g.version AND j.states = g.states
     AND j.to_year = g.to_year
    JOIN main.alliances AS a
      ON a.dataset = j.dataset AND a.version = j.version AND a.alliance_id = j.alliance_id
     AND has_obligation(g.obligation, a.defense, a.offense, a.neutrality, a.nonaggression,
                        a.consultation)
     AND a.begin_date <= make_date(g.to_year, 12, 31)
     AND coalesce(a.end_date, DATE '9999-12-31') > make_date(g.to_year, 12, 31)
     AND a.closing_date >= make_date(g.to_year, 12, 31)
    JOIN main.alliance_units AS u
      ON u.dataset = a.dataset AND u.version = a.version AND u.unit = g.unit
     AND u.unit_id = CASE g.unit WHEN 'lineage' THEN a.lineage_id ELSE a.alliance_id END
    WHERE g.metric = 'lineage_age'
),
reaching AS (
    SELECT
        g.claim_id, g.specification_id, count(*) AS n,
        100 * avg((
            CASE g.convention WHEN 'exact'
                THEN date_diff('day', u.begin_date, coalesce(u.end_date, u.closing_date)) / 365.2425
                ELSE year(coalesce(u.end_date, u.closing_date)) - year(u.begin_date) END >= g.age
        )::INTEGER) AS share,
        sum(hash(u.unit_id)::HUGEINT) AS rows_hash
    FROM grid AS g
    JOIN main.alliance_units AS u
      ON u.dataset = g.dataset AND u.version = g.version AND u.unit = g.unit
     AND year(u.begin_date) BETWEEN g.from_year AND g.to_year
     AND has_obligation(g.obligation, u.defense, u.offense, u.neutrality, u.nonaggression,
                        u.consultation)
     AND (g.members = 'all' OR u.bilateral = (g.members = 'bilateral'))
     AND (g.eligible = 'all formed' OR year(u.begin_date) + g.age <= year(u.closing_date))
    SEMI JOIN complete AS c ON c.dataset = g.dataset AND c.version = g.version
     AND c.unit = CASE WHEN g.unit = 'lineage' THEN 'member spell' ELSE g.unit END
    WHERE g.metric = 'share_reaching_age' AND g.estimate = 'share'
    GROUP BY g.claim_id, g.specification_id
),
-- The same set's survival at the age, by Kaplan and Meier: what an ongoing alliance will do is
-- unknown, not a failure.
watched AS (
    SELECT g.claim_id, g.specification_id, g.age, x.unit_id, x.entered_days, x.left_days, x.ended
    FROM grid AS g
    JOIN main.alliance_exposure AS x
      ON x.dataset = g.dataset AND x.version = g.version AND x.unit = g.unit
     AND x.formed_year BETWEEN g.from_year AND g.to_year
     AND has_obligation(g.obligation, x.defense, x.offense, x.neutrality, x.nonaggression,
                        x.consultation)
     AND (g.members = 'all' OR x.bilateral = (g.members = 'bilateral'))
    WHERE g.metric = 'share_reaching_age' AND g.estimate = 'survival'
),
steps AS (
    SELECT t.claim_id, t.specification_id, t.left_days, t.ends, count(*) AS at_risk
    FROM (
        SELECT claim_id, specification_id, age, left_days, count(*) AS ends
        FROM watched WHERE ended GROUP BY claim_id, specification_id, age, left_days
    ) AS t
    JOIN watched AS w
      ON w.claim_id = t.claim_id AND w.specification_id = t.specification_id
     AND w.left_days >= t.left_days AND (w.entered_days = 0 OR w.entered_days < t.left_days)
    WHERE t.left_days / 365.2425 <= t.age
    GROUP BY t.claim_id, t.specification_id, t.left_days, t.ends
),
surviving AS (
    SELECT s.claim_id, s.specification_id, 100 * product(1 - s.ends / s.at_risk) AS share, any_value(w.n) AS n,
           any_value(w.rows_hash) AS rows_hash
    FROM steps AS s
    JOIN (
        SELECT claim_id, specification_id, count(*) AS n, sum(hash(unit_id)::HUGEINT) AS rows_hash
        FROM watched GROUP BY claim_id, specification_id
    ) AS w ON w.claim_id = s.claim_id AND w.specification_id = s.specification_id
    GROUP BY s.claim_id, s.specification_id
),
first_pacts AS (
    SELECT
        g.claim_id, g.specification_id, min(h.begin_date) AS first_begin,
        arg_min(h.alliance_id, (h.begin_date, h.alliance_id)) AS first_pact,
        count(DISTINCT h.alliance_id) AS n
    FROM grid AS g
    JOIN main.alliances AS h
      ON h.dataset = g.dataset AND h.version = g.version
     AND has_obligation(g.obligation, h.defense, h.offense, h.neutrality, h.nonaggression,
                        h.consultation)
     AND (g.members = 'all' OR h.bilateral = (g.members = 'bilateral'))
     AND (g.wartime = 'in' OR NOT h.wartime)
    JOIN main.alliance_members AS x
      ON x.dataset = h.dataset AND x.version = h.version AND x.alliance_id = h.alliance_id
     AND x.cow_code = g.hub
    JOIN main.alliance_members AS y
      ON y.dataset = h.dataset AND y.version = h.version AND y.alliance_id = h.alliance_id
     AND list_contains(g.spoke_list, y.cow_code)
    WHERE g.metric = 'hub_decades'
    GROUP BY g.claim_id, g.specification_id
),
duties AS (
    SELECT
        g.claim_id, g.specification_id, g.bound_list, m.cow_code,
        bool_or(m.defense) AS has_duty, count(DISTINCT m.alliance_id) AS n
    FROM grid AS g
    JOIN joint AS j
      ON j.dataset = g.dataset AND j.version = g.version AND j.states = g.states
     AND j.to_year IS NULL
    JOIN main.alliances AS a
      ON a.dataset = j.dataset AND a.version = j.version AND a.alliance_id = j.alliance_id
     AND a.bilateral AND a.defense AND (g.pacts = 'all' OR a.end_date IS NULL)
    JOIN main.alliance_members AS m
      ON m.dataset = a.dataset AND m.version = a.version AND m.alliance_id = a.alliance_id
    WHERE g.metric = 'member_duties'
    GROUP BY g.claim_id, g.specification_id, g.bound_list, m.cow_code
),
-- Combined military expenditure of the members of each bilateral pact, by year, edition and prices.
combined AS (
    SELECT
        p.dataset, p.version, p.year, p.alliance_id, p.level, p.cow_codes, p.defense, p.offense,
        m.edition, m.prices, sum(m.amount) AS amount, count(m.amount) AS members_with_figures
    FROM (
        SELECT *, unnest(countries) AS country FROM main.regional_pacts WHERE bilateral
    ) AS p
    JOIN (
        SELECT edition, country, year, 'constant' AS prices, constant_usd_m AS amount
        FROM main.spending
        UNION ALL
        SELECT edition, country, year, 'current', current_usd_m FROM main.spending
    ) AS m ON m.country = p.country AND m.year = p.year
    WHERE p.year IN (SELECT g.to_year FROM grid AS g WHERE g.metric = 'pact_rank')
    GROUP BY ALL
),
compared AS (
    SELECT
        g.claim_id, g.specification_id, g.state_list, c.alliance_id, c.cow_codes, c.amount
    FROM grid AS g
    JOIN combined AS c
      ON c.dataset = g.dataset AND c.version = g.version AND c.year = g.to_year
     AND c.edition = g.edition AND c.prices = g.prices
    WHERE g.metric = 'pact_rank' AND c.level <= g.level
      AND c.members_with_figures >= CASE g.figures WHEN 'both members' THEN 2 ELSE 1 END
      AND CASE g.obligation WHEN 'all' THEN true WHEN 'defense' THEN c.defense
              ELSE c.defense OR c.offense END
),
-- The rank of the pact of the two states is one more than the number of pacts above it.
of_states AS (
    SELECT claim_id, specification_id, max(amount) AS amount,
           arg_max(alliance_id, (amount, alliance_id)) AS alliance_id
    FROM compared
    WHERE list_has_all(cow_codes, state_list)
    GROUP BY claim_id, specification_id
),
ranked AS (
    SELECT
        c.claim_id, c.specification_id, 1 + count(*) FILTER (c.amount > o.amount) AS rank,
        count(*) AS n, any_value(o.amount) AS amount, any_value(o.alliance_id) AS alliance_id
    FROM compared AS c
    JOIN of_states AS o ON o.claim_id = c.claim_id AND o.specification_id = c.specification_id
    GROUP BY c.claim_id, c.specification_id
),
found AS (
    SELECT claim_id, specification_id, max(age)::DOUBLE AS value, count(*) AS n,
           hash(list(unit_id ORDER BY unit_id)) AS rows_hash
    FROM ages GROUP BY claim_id, specification_id
    UNION ALL
    SELECT claim_id, specification_id, share, n, hash(rows_hash) FROM reaching
    UNION ALL
    SELECT claim_id, specification_id, share, n, hash('survival', rows_hash) FROM surviving
    UNION ALL
    SELECT claim_id, specification_id, count(DISTINCT spoke), count(DISTINCT alliance_id),
           hash(list(DISTINCT alliance_id ORDER BY alliance_id))
    FROM tied WHERE metric = 'hub_ties' GROUP BY claim_id, specification_id
    UNION ALL
    SELECT claim_id, specification_id, count(*) FILTER (holds), count(*),
           hash(list(spoke ORDER BY spoke), list(holds ORDER BY spoke))
    FROM spoke_coded GROUP BY claim_id, specification_id
    UNION ALL
    SELECT
        g.claim_id, g.specification_id, count(DISTINCT p.alliance_id), count(DISTINCT p.alliance_id),
        hash(list(DISTINCT p.alliance_id ORDER BY p.alliance_id))
    FROM grid AS g
    LEFT JOIN pacts AS p
      ON p.claim_id = g.claim_id AND p.specification_id = g.specification_id
     AND len(p.its_spokes) >= 2 AND p.has_hub = (g.metric = 'hub_multilateral')
    WHERE g.metric IN ('pacts_among_spokes', 'hub_multilateral')
    GROUP BY g.claim_id, g.specification_id
    UNION ALL
    SELECT g.claim_id, g.specification_id, (g.to_year - year(f.first_begin)) / 10.0, f.n,
           hash(f.first_pact)
    FROM first_pacts AS f
    JOIN grid AS g ON g.claim_id = f.claim_id AND g.specification_id = f.specification_id
    UNION ALL
    SELECT
        claim_id, specification_id,
        count(*) FILTER (has_duty = list_contains(bound_list, cow_code)),
        max(n), hash(list(has_duty ORDER BY cow_code), max(n))
    FROM duties GROUP BY claim_id, specification_id
    UNION ALL
    SELECT claim_id, specification_id, share, n, rows_hash FROM shares
    UNION ALL
    SELECT claim_id, specification_id, rank, n, hash(n, amount, alliance_id)
    FROM ranked
)
SELECT
    g.claim_id, g.specification_id,
    CASE WHEN r.rule IS NULL THEN f.value END::DOUBLE AS value,
    CASE WHEN r.rule IS NULL THEN coalesce(f.n, 0) END::BIGINT AS n,
    CASE WHEN r.rule IS NULL THEN printf('%016x', coalesce(f.rows_hash, 0)) END AS sample_id,
    r.rule AS left_out
FROM grid AS g
LEFT JOIN versions AS v ON v.dataset = g.dataset AND v.version = g.version
LEFT JOIN with_members AS w ON w.dataset = g.dataset AND w.version = g.version
LEFT JOIN found AS f ON f.claim_id = g.claim_id AND f.specification_id = g.specification_id
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN v.dataset IS NULL THEN 'the dataset or version is not at hand'
        WHEN w.dataset IS NULL AND g.metric <> 'share_reaching_age'
            THEN 'the members of its alliances are not at hand'
        WHEN g.metric = 'share_reaching_age' AND f.value IS NULL
            THEN 'the unit is not at hand for all alliances'
        WHEN g.metric <> 'share_reaching_age' AND g.metric <> 'hub_decades'
             AND g.to_year > year(v.closing_date) AND g.from_year = g.to_year
            THEN 'the version closes before the year'
        WHEN g.obligation = 'defense or offense' AND NOT v.codes_offense
            THEN 'the dataset does not code offence'
        WHEN g.metric = 'hub_bilateral_asymmetric' AND NOT v.codes_asymmetry
            THEN 'the dataset does not code asymmetry'
        WHEN g.wartime = 'out' AND NOT v.codes_wartime
            THEN 'the dataset does not code wartime pacts'
        WHEN g.metric = 'pact_rank' AND f.value IS NULL THEN 'no figures for the pact that year'
    END AS rule
) AS r
