-- One row per name under which a country or region may be asked for: canonical names, every spelling
-- that an edition prints, other names in use (South Korea, Vietnam), and ISO codes; names with
-- accents without them too.
--
-- key: alias
-- columns:
--   alias VARCHAR: the name in lower case
--   place VARCHAR: canonical country or region name
--   kind VARCHAR: country or region

WITH aliases AS (
    SELECT lower(region) AS alias, region AS place, 'region' AS kind, 1 AS preference
    FROM main.region_members
    UNION ALL SELECT lower(name), region, 'region', 2 FROM staging.region_names
    UNION ALL SELECT lower(country), country, 'country', 3 FROM main.countries
    UNION ALL SELECT lower(iso3), country, 'country', 4 FROM main.countries WHERE iso3 IS NOT NULL
    UNION ALL
    SELECT lower(name), country, 'country', 5
    FROM staging.country_names
    WHERE country IS NOT NULL
    WINDOW same_name AS (PARTITION BY lower(name))
    QUALIFY min(country) OVER same_name = max(country) OVER same_name  -- no row of two states
),
plain AS (
    SELECT * FROM aliases
    UNION ALL SELECT strip_accents(alias), place, kind, preference + 5 FROM aliases
)
SELECT alias, place, kind FROM plain
QUALIFY row_number() OVER (PARTITION BY alias ORDER BY preference, place) = 1
