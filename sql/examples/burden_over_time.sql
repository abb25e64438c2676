-- How heavy is the military burden of Japan, year by year?
--
-- Share of gross domestic product in the newest edition; a fraction, so 0.01 is 1 %.

SELECT year, share_of_gdp FROM burden('Japan', 1990, 2025) ORDER BY year
