-- One row per member spell: a state's time in an alliance, contiguous phases merged; a state can
-- leave and return.
--
-- key: dataset, version, alliance_id, cow_code, entry_date
-- columns:
--   dataset VARCHAR: ATOP or COW
--   version VARCHAR: version of the dataset
--   alliance_id VARCHAR: the dataset's number of the alliance
--   cow_code INTEGER: Correlates of War state code as the dataset gives it
--   country VARCHAR: canonical name
--   iso3 VARCHAR: ISO 3166-1 alpha-3 code
--   entry_date DATE: when the state joined
--   exit_date DATE: when it left; NULL = a member when the version was closed
--   entry_precision VARCHAR: day, month or year; an unknown part is set to the middle of the period
--   exit_precision VARCHAR: the same for the exit
--   defense BOOLEAN: the member's own obligation to defend a partner, in any phase
--   offense BOOLEAN: the member's own obligation to join an attack
--   neutrality BOOLEAN: the member's own obligation to stay neutral
--   nonaggression BOOLEAN: the member's own obligation not to attack a partner
--   consultation BOOLEAN: the member's own obligation to consult (COW: entente)

SELECT
    m.dataset, m.version, m.alliance_id, m.cow_code::INTEGER AS cow_code, c.country, c.iso3,
    m.entry_date::DATE AS entry_date, m.exit_date::DATE AS exit_date,
    m.entry_precision, m.exit_precision,
    m.defense, m.offense, m.neutrality, m.nonaggression, m.consultation
FROM raw.alliance_members AS m
LEFT JOIN staging.country_codes AS c ON c.cow_code = m.cow_code
