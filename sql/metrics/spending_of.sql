-- Military expenditure of a country or region in one edition, a row a year.
--
-- arguments:
--   place: a country or region name
--   edition: last data year of an edition
--   prices: constant (of the edition's base year) or current
--   basis: published (SIPRI's regional total) or summed (of its countries); countries have one basis
-- defaults: edition := the newest, prices := 'constant', basis := 'published'
-- returns: a row for each year with a figure
-- columns:
--   year INTEGER [year]: calendar year
--   value_usd_m DOUBLE [US$ millions, at these prices]: military expenditure
-- example: SELECT * FROM spending_of('Japan', edition := 2017)

CREATE OR REPLACE MACRO spending_of(
    place, edition := NULL, prices := 'constant', basis := 'published'
) AS TABLE
SELECT s.year, s.value_usd_m
FROM main.spending_series AS s
WHERE s.edition = resolve_edition(edition)
  AND s.place = resolve_place(place)
  AND s.prices = CASE
        WHEN prices IN ('constant', 'current') THEN prices
        ELSE error('prices is constant or current, not ''' || prices || '''') END
  AND s.basis = choose_basis(place, basis)
ORDER BY s.year;
