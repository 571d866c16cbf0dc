-- What jobs are counted by, as src/ledger/rollups.rs has it: of the columns of a subject those that a rollup of this `sort` keeps, the
-- others blank. 1 keeps place and kind, 2 also the type, 3 the vaults, 4 plan and rule, 5 all but the resource, 6 everything.
CREATE TABLE facet (
    id INTEGER PRIMARY KEY,
    sort INTEGER NOT NULL,
    place INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    type TEXT NOT NULL,
    resource TEXT NOT NULL,
    vault TEXT NOT NULL,
    destination TEXT NOT NULL,
    plan TEXT NOT NULL,
    rule TEXT NOT NULL,
    UNIQUE (sort, resource, vault, plan, rule, place, kind, type, destination)
) STRICT;

-- How many jobs of a facet were created in a period and are in a state: `grain` 0, a day of UTC since 1970; 1, a month, 12 a year.
-- `issues`: of those that are COMPLETED, how many with something to read. `timed`: of how many it is known how long they took,
-- `seconds` altogether.
CREATE TABLE cell (
    facet INTEGER NOT NULL,
    grain INTEGER NOT NULL,
    period INTEGER NOT NULL,
    state INTEGER NOT NULL,
    jobs INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    timed INTEGER NOT NULL,
    seconds INTEGER NOT NULL,
    issues INTEGER NOT NULL,
    PRIMARY KEY (facet, grain, period, state)
) STRICT, WITHOUT ROWID;
-- The days on which a job ended otherwise than well.
CREATE INDEX cell_setback ON cell (facet, period) WHERE grain = 0 AND state IN (5, 7, 8, 9);

-- The jobs that are there already.
INSERT INTO facet (sort, place, kind, type, resource, vault, destination, plan, rule)
SELECT 1, place, kind, '', '', '', '', '', '' FROM subject
UNION
SELECT 2, place, kind, type, '', '', '', '', '' FROM subject
UNION
SELECT 3, place, kind, '', '', vault, destination, '', '' FROM subject
UNION
SELECT 4, place, kind, '', '', '', '', plan, rule FROM subject
UNION
SELECT 5, place, kind, type, '', vault, destination, plan, rule FROM subject
UNION
SELECT 6, place, kind, type, resource, vault, destination, plan, rule FROM subject;
INSERT INTO cell (facet, grain, period, state, jobs, bytes, timed, seconds, issues)
SELECT f.id, 0, (j.key >> 21) / 86400000, j.state, count(*),
    coalesce(sum(max(min(coalesce(j.bytes, 0), 4503599627370496), 0)), 0),
    count(*) FILTER (WHERE j.state BETWEEN 5 AND 9 AND j.done >= j.key >> 21),
    coalesce(sum(CASE WHEN j.state BETWEEN 5 AND 9 AND j.done >= j.key >> 21 THEN (j.done - (j.key >> 21)) / 1000 END), 0),
    count(*) FILTER (WHERE j.state = 6 AND (j.message IS NOT NULL OR lower(j.category) <> 'success'))
FROM job AS j JOIN subject AS s ON s.id = j.subject
JOIN facet AS f ON f.sort = 6 AND f.resource = s.resource AND f.vault = s.vault AND f.plan = s.plan AND f.rule = s.rule
    AND f.place = s.place AND f.kind = s.kind AND f.type = s.type AND f.destination = s.destination
GROUP BY 1, 3, 4;
INSERT INTO cell (facet, grain, period, state, jobs, bytes, timed, seconds, issues)
SELECT f.id, 0, c.period, c.state, coalesce(sum(c.jobs), 0), coalesce(sum(c.bytes), 0), coalesce(sum(c.timed), 0), coalesce(sum(c.seconds), 0), coalesce(sum(c.issues), 0)
FROM cell AS c JOIN facet AS s ON s.id = c.facet AND s.sort = 6
JOIN facet AS f ON f.sort = 1 AND f.resource = '' AND f.vault = '' AND f.plan = '' AND f.rule = '' AND f.place = s.place AND f.kind = s.kind AND f.type = '' AND f.destination = ''
GROUP BY 1, 3, 4;
INSERT INTO cell (facet, grain, period, state, jobs, bytes, timed, seconds, issues)
SELECT f.id, 0, c.period, c.state, coalesce(sum(c.jobs), 0), coalesce(sum(c.bytes), 0), coalesce(sum(c.timed), 0), coalesce(sum(c.seconds), 0), coalesce(sum(c.issues), 0)
FROM cell AS c JOIN facet AS s ON s.id = c.facet AND s.sort = 6
JOIN facet AS f ON f.sort = 2 AND f.resource = '' AND f.vault = '' AND f.plan = '' AND f.rule = '' AND f.place = s.place AND f.kind = s.kind AND f.type = s.type AND f.destination = ''
GROUP BY 1, 3, 4;
INSERT INTO cell (facet, grain, period, state, jobs, bytes, timed, seconds, issues)
SELECT f.id, 0, c.period, c.state, coalesce(sum(c.jobs), 0), coalesce(sum(c.bytes), 0), coalesce(sum(c.timed), 0), coalesce(sum(c.seconds), 0), coalesce(sum(c.issues), 0)
FROM cell AS c JOIN facet AS s ON s.id = c.facet AND s.sort = 6
JOIN facet AS f ON f.sort = 3 AND f.resource = '' AND f.vault = s.vault AND f.plan = '' AND f.rule = '' AND f.place = s.place AND f.kind = s.kind AND f.type = '' AND f.destination = s.destination
GROUP BY 1, 3, 4;
INSERT INTO cell (facet, grain, period, state, jobs, bytes, timed, seconds, issues)
SELECT f.id, 0, c.period, c.state, coalesce(sum(c.jobs), 0), coalesce(sum(c.bytes), 0), coalesce(sum(c.timed), 0), coalesce(sum(c.seconds), 0), coalesce(sum(c.issues), 0)
FROM cell AS c JOIN facet AS s ON s.id = c.facet AND s.sort = 6
JOIN facet AS f ON f.sort = 4 AND f.resource = '' AND f.vault = '' AND f.plan = s.plan AND f.rule = s.rule AND f.place = s.place AND f.kind = s.kind AND f.type = '' AND f.destination = ''
GROUP BY 1, 3, 4;
INSERT INTO cell (facet, grain, period, state, jobs, bytes, timed, seconds, issues)
SELECT f.id, 0, c.period, c.state, coalesce(sum(c.jobs), 0), coalesce(sum(c.bytes), 0), coalesce(sum(c.timed), 0), coalesce(sum(c.seconds), 0), coalesce(sum(c.issues), 0)
FROM cell AS c JOIN facet AS s ON s.id = c.facet AND s.sort = 6
JOIN facet AS f ON f.sort = 5 AND f.resource = '' AND f.vault = s.vault AND f.plan = s.plan AND f.rule = s.rule AND f.place = s.place AND f.kind = s.kind AND f.type = s.type AND f.destination = s.destination
GROUP BY 1, 3, 4;
INSERT INTO cell (facet, grain, period, state, jobs, bytes, timed, seconds, issues)
SELECT c.facet, 1, strftime('%Y', c.period * 86400, 'unixepoch') * 12 + strftime('%m', c.period * 86400, 'unixepoch') - 1, c.state,
    coalesce(sum(c.jobs), 0), coalesce(sum(c.bytes), 0), coalesce(sum(c.timed), 0), coalesce(sum(c.seconds), 0), coalesce(sum(c.issues), 0)
FROM cell AS c
GROUP BY 1, 3, 4;
