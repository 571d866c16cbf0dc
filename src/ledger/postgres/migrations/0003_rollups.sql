-- What is there is counted once, however long that takes.
SET LOCAL statement_timeout = 0;

-- What jobs are counted by, as src/ledger/rollups.rs has it: of the columns of a subject those that a rollup of this `sort` keeps, the
-- others blank. 1 keeps place and kind, 2 also the type, 3 the vaults, 4 plan and rule, 5 all but the resource, 6 everything.
CREATE TABLE facet (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sort BIGINT NOT NULL,
    place BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    type TEXT COLLATE "C" NOT NULL,
    resource TEXT COLLATE "C" NOT NULL,
    vault TEXT COLLATE "C" NOT NULL,
    destination TEXT COLLATE "C" NOT NULL,
    plan TEXT COLLATE "C" NOT NULL,
    rule TEXT COLLATE "C" NOT NULL,
    UNIQUE (sort, resource, vault, plan, rule, place, kind, type, destination)
);

-- How many jobs of a facet were created in a period and are in a state: `grain` 0, a day of UTC since 1970; 1, a month, 12 a year.
-- `issues`: of those that are COMPLETED, how many with something to read. `timed`: of how many it is known how long they took,
-- `seconds` altogether.
CREATE TABLE cell (
    facet BIGINT NOT NULL,
    grain BIGINT NOT NULL,
    period BIGINT NOT NULL,
    state BIGINT NOT NULL,
    jobs BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    timed BIGINT NOT NULL,
    seconds BIGINT NOT NULL,
    issues BIGINT NOT NULL,
    PRIMARY KEY (facet, grain, period, state)
);
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
    coalesce(sum(greatest(least(coalesce(j.bytes, 0), 4503599627370496), 0)), 0)::bigint,
    count(*) FILTER (WHERE j.state BETWEEN 5 AND 9 AND j.done >= j.key >> 21),
    coalesce(sum(CASE WHEN j.state BETWEEN 5 AND 9 AND j.done >= j.key >> 21 THEN (j.done - (j.key >> 21)) / 1000 END), 0)::bigint,
    count(*) FILTER (WHERE j.state = 6 AND (j.message IS NOT NULL OR lower(j.category) <> 'success'))
FROM job AS j JOIN subject AS s ON s.id = j.subject
JOIN facet AS f ON f.sort = 6 AND f.resource = s.resource AND f.vault = s.vault AND f.plan = s.plan AND f.rule = s.rule
    AND f.place = s.place AND f.kind = s.kind AND f.type = s.type AND f.destination = s.destination
GROUP BY 1, 3, 4;
INSERT INTO cell (facet, grain, period, state, jobs, bytes, timed, seconds, issues)
SELECT f.id, 0, c.period, c.state, coalesce(sum(c.jobs), 0)::bigint, coalesce(sum(c.bytes), 0)::bigint, coalesce(sum(c.timed), 0)::bigint, coalesce(sum(c.seconds), 0)::bigint, coalesce(sum(c.issues), 0)::bigint
FROM cell AS c JOIN facet AS s ON s.id = c.facet AND s.sort = 6
JOIN facet AS f ON f.sort = 1 AND f.resource = '' AND f.vault = '' AND f.plan = '' AND f.rule = '' AND f.place = s.place AND f.kind = s.kind AND f.type = '' AND f.destination = ''
GROUP BY 1, 3, 4;
INSERT INTO cell (facet, grain, period, state, jobs, bytes, timed, seconds, issues)
SELECT f.id, 0, c.period, c.state, coalesce(sum(c.jobs), 0)::bigint, coalesce(sum(c.bytes), 0)::bigint, coalesce(sum(c.timed), 0)::bigint, coalesce(sum(c.seconds), 0)::bigint, coalesce(sum(c.issues), 0)::bigint
FROM cell AS c JOIN facet AS s ON s.id = c.facet AND s.sort = 6
JOIN facet AS f ON f.sort = 2 AND f.resource = '' AND f.vault = '' AND f.plan = '' AND f.rule = '' AND f.place = s.place AND f.kind = s.kind AND f.type = s.type AND f.destination = ''
GROUP BY 1, 3, 4;
INSERT INTO cell (facet, grain, period, state, jobs, bytes, timed, seconds, issues)
SELECT f.id, 0, c.period, c.state, coalesce(sum(c.jobs), 0)::bigint, coalesce(sum(c.bytes), 0)::bigint, coalesce(sum(c.timed), 0)::bigint, coalesce(sum(c.seconds), 0)::bigint, coalesce(sum(c.issues), 0)::bigint
FROM cell AS c JOIN facet AS s ON s.id = c.facet AND s.sort = 6
JOIN facet AS f ON f.sort = 3 AND f.resource = '' AND f.vault = s.vault AND f.plan = '' AND f.rule = '' AND f.place = s.place AND f.kind = s.kind AND f.type = '' AND f.destination = s.destination
GROUP BY 1, 3, 4;
INSERT INTO cell (facet, grain, period, state, jobs, bytes, timed, seconds, issues)
SELECT f.id, 0, c.period, c.state, coalesce(sum(c.jobs), 0)::bigint, coalesce(sum(c.bytes), 0)::bigint, coalesce(sum(c.timed), 0)::bigint, coalesce(sum(c.seconds), 0)::bigint, coalesce(sum(c.issues), 0)::bigint
FROM cell AS c JOIN facet AS s ON s.id = c.facet AND s.sort = 6
JOIN facet AS f ON f.sort = 4 AND f.resource = '' AND f.vault = '' AND f.plan = s.plan AND f.rule = s.rule AND f.place = s.place AND f.kind = s.kind AND f.type = '' AND f.destination = ''
GROUP BY 1, 3, 4;
INSERT INTO cell (facet, grain, period, state, jobs, bytes, timed, seconds, issues)
SELECT f.id, 0, c.period, c.state, coalesce(sum(c.jobs), 0)::bigint, coalesce(sum(c.bytes), 0)::bigint, coalesce(sum(c.timed), 0)::bigint, coalesce(sum(c.seconds), 0)::bigint, coalesce(sum(c.issues), 0)::bigint
FROM cell AS c JOIN facet AS s ON s.id = c.facet AND s.sort = 6
JOIN facet AS f ON f.sort = 5 AND f.resource = '' AND f.vault = s.vault AND f.plan = s.plan AND f.rule = s.rule AND f.place = s.place AND f.kind = s.kind AND f.type = s.type AND f.destination = s.destination
GROUP BY 1, 3, 4;
INSERT INTO cell (facet, grain, period, state, jobs, bytes, timed, seconds, issues)
SELECT c.facet, 1, (extract(year FROM c.at) * 12 + extract(month FROM c.at) - 1)::bigint, c.state,
    coalesce(sum(c.jobs), 0)::bigint, coalesce(sum(c.bytes), 0)::bigint, coalesce(sum(c.timed), 0)::bigint, coalesce(sum(c.seconds), 0)::bigint, coalesce(sum(c.issues), 0)::bigint
FROM (SELECT *, timestamp 'epoch' + period * interval '1 day' AS at FROM cell) AS c
GROUP BY 1, 3, 4;
