-- One row per alliance of the newest version of each dataset: what to use when no version is named.
--
-- key: dataset, alliance_id
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

SELECT a.*
FROM main.alliances AS a
JOIN (SELECT dataset, max(version) AS version FROM main.alliances GROUP BY dataset) AS n
  ON n.dataset = a.dataset AND n.version = a.version
