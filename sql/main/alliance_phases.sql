-- One row per phase: one version of an alliance's obligations.
--
-- What is in force in a year, and whether it is bilateral, is a matter of phase (SEATO goes on as a
-- bilateral US–Thailand phase in ATOP 5.1).
--
-- key: dataset, version, alliance_id, phase
-- columns:
--   dataset VARCHAR: ATOP or COW (COW knows one phase an alliance)
--   version VARCHAR: version of the dataset
--   alliance_id VARCHAR: the dataset's number of the alliance
--   phase INTEGER: number of the phase, 1 for the first
--   begin_date DATE: begin of the phase
--   end_date DATE: end of the phase; NULL = in force at the closing
--   closing_date DATE: day up to which the version knows
--   defense BOOLEAN: any member must defend a partner in this phase
--   offense BOOLEAN: any member must join an attack (not coded by COW)
--   neutrality BOOLEAN: any member must stay neutral
--   nonaggression BOOLEAN: any member must not attack a partner
--   consultation BOOLEAN: any member must consult (COW: entente)
--   asymmetric BOOLEAN: obligations differ between members (not coded by COW)
--   bilateral BOOLEAN: two members in this phase
--   wartime BOOLEAN: made during a war (not coded by COW)
--   member_count INTEGER [states]: members in this phase
--   ending VARCHAR: in force, fulfilled, violated, renegotiated, independence lost or unknown

SELECT
    p.dataset, p.version, p.alliance_id, p.phase::INTEGER AS phase,
    p.begin_date::DATE AS begin_date, p.end_date::DATE AS end_date,
    a.closing_date::DATE AS closing_date,
    p.defense, p.offense, p.neutrality, p.nonaggression, p.consultation, p.asymmetric, p.bilateral,
    p.wartime, p.member_count::INTEGER AS member_count, p.ending
FROM raw.alliance_phases AS p
JOIN raw.alliances AS a
  ON a.dataset = p.dataset AND a.version = p.version AND a.alliance_id = p.alliance_id
