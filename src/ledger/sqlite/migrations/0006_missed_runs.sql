-- Since when missed runs are judged: since the first look at a place. Of those that were looked at already, since the earliest look
-- that is still remembered.
ALTER TABLE survey ADD COLUMN since INTEGER;
UPDATE survey SET since = coalesce((SELECT min(m.since) FROM membership AS m WHERE m.place = survey.place), as_of);

-- Missed runs are counted as if they were jobs of their day in a state 10, which no job has; here those that are there already.
WITH kept (sort, type, resource, vault, plan) AS (
    VALUES (1, 0, 0, 0, 0), (2, 1, 0, 0, 0), (3, 0, 0, 1, 0), (4, 0, 0, 0, 1), (5, 1, 0, 1, 1), (6, 1, 1, 1, 1)
)
INSERT INTO facet (sort, place, kind, type, resource, vault, destination, plan, rule)
SELECT k.sort, s.place, s.kind, CASE k.type WHEN 1 THEN s.type ELSE '' END, CASE k.resource WHEN 1 THEN s.resource ELSE '' END,
    CASE k.vault WHEN 1 THEN s.vault ELSE '' END, CASE k.vault WHEN 1 THEN s.destination ELSE '' END,
    CASE k.plan WHEN 1 THEN s.plan ELSE '' END, CASE k.plan WHEN 1 THEN s.rule ELSE '' END
FROM subject AS s CROSS JOIN kept AS k WHERE s.id IN (SELECT subject FROM missed WHERE withdrawn IS NULL)
ON CONFLICT DO NOTHING;
WITH kept (sort, type, resource, vault, plan) AS (
    VALUES (1, 0, 0, 0, 0), (2, 1, 0, 0, 0), (3, 0, 0, 1, 0), (4, 0, 0, 0, 1), (5, 1, 0, 1, 1), (6, 1, 1, 1, 1)
)
INSERT INTO cell (facet, grain, period, state, jobs, bytes, timed, seconds, issues)
SELECT f.id, 0, m.day, 10, sum(m.runs), 0, 0, 0, 0
FROM (SELECT subject, due / 86400000 AS day, count(*) AS runs FROM missed WHERE withdrawn IS NULL GROUP BY 1, 2) AS m
JOIN subject AS s ON s.id = m.subject CROSS JOIN kept AS k
JOIN facet AS f ON f.sort = k.sort AND f.place = s.place AND f.kind = s.kind
    AND f.type = CASE k.type WHEN 1 THEN s.type ELSE '' END AND f.resource = CASE k.resource WHEN 1 THEN s.resource ELSE '' END
    AND f.vault = CASE k.vault WHEN 1 THEN s.vault ELSE '' END AND f.destination = CASE k.vault WHEN 1 THEN s.destination ELSE '' END
    AND f.plan = CASE k.plan WHEN 1 THEN s.plan ELSE '' END AND f.rule = CASE k.plan WHEN 1 THEN s.rule ELSE '' END
GROUP BY f.id, m.day;
INSERT INTO cell (facet, grain, period, state, jobs, bytes, timed, seconds, issues)
SELECT c.facet, 1, strftime('%Y', c.period * 86400, 'unixepoch') * 12 + strftime('%m', c.period * 86400, 'unixepoch') - 1, 10,
    sum(c.jobs), 0, 0, 0, 0
FROM cell AS c WHERE c.grain = 0 AND c.state = 10
GROUP BY 1, 3;
