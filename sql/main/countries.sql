-- One row per country: canonical name, codes, and SIPRI's region.
--
-- Names are SIPRI's own as of its newest edition; states that only the alliance data know follow COW.
--
-- key: country
-- columns:
--   country VARCHAR: canonical English name over all editions and datasets
--   iso3 VARCHAR: ISO 3166-1 alpha-3 code, NULL for a state that ended without one
--   cow_code INTEGER: Correlates of War state code, NULL where a successor carries it
--   region VARCHAR: SIPRI region, NULL for a state that is in the alliance data only
--   subregion VARCHAR: SIPRI sub-region
--   alliance_region VARCHAR: level of the Asia-Pacific in alliance claims: core (East Asia, South-East
--       Asia, Oceania), south_asia, central_asia, or NULL
--   note VARCHAR: what to know about the name or its codes

SELECT country, iso3, cow_code::INTEGER AS cow_code, region, subregion, alliance_region, note
FROM staging.country_table
