-- Do defence pacts last longer than non-aggression pacts?
--
-- Mean and median life of alliances formed 1815–1989 that have ended, in the newest version. Those
-- still in force are left out, so long lives are underestimated: `survival` counts them in.

SELECT 'defence' AS obligation, * FROM alliance_lifespan(obligation := 'defense')
UNION ALL
SELECT 'non-aggression', * FROM alliance_lifespan(obligation := 'nonaggression')
UNION ALL
SELECT 'all', * FROM alliance_lifespan()
