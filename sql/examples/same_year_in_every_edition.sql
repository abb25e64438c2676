-- What does each edition say about the same year?
--
-- One figure, as often as it was published. Current US$ change only because SIPRI learnt more;
-- constant US$ also because each edition counts in the prices of another year.

SELECT s.edition, e.base_year, s.current_usd_m, s.constant_usd_m, s.share_of_gdp, s.status
FROM spending AS s
JOIN editions AS e ON e.edition = s.edition
WHERE s.country = 'China' AND s.year = 2017
ORDER BY s.edition
