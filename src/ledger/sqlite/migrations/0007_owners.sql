-- Whose each resource is, as its jobs are counted; of a resource that is not here, nobody's. docs/adr/0009-owners-are-counted.md.
CREATE TABLE owned (
    resource TEXT NOT NULL,
    place INTEGER NOT NULL,
    owner TEXT NOT NULL,
    PRIMARY KEY (resource, place)
) STRICT, WITHOUT ROWID;

-- The sorts 5 and 6 of facets keep the owner too, and a new one, 7, keeps place, kind and owner. What is there is nobody's: it moves
-- when the databases are looked at next.
CREATE TABLE facet_with_owner (
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
    owner TEXT NOT NULL DEFAULT '',
    UNIQUE (sort, resource, vault, plan, rule, place, kind, type, destination, owner)
) STRICT;
INSERT INTO facet_with_owner (id, sort, place, kind, type, resource, vault, destination, plan, rule, owner)
SELECT id, sort, place, kind, type, resource, vault, destination, plan, rule, '' FROM facet;
DROP TABLE facet;
ALTER TABLE facet_with_owner RENAME TO facet;
CREATE INDEX facet_owner ON facet (owner, resource) WHERE sort = 6;

INSERT INTO facet (sort, place, kind, type, resource, vault, destination, plan, rule, owner)
SELECT 7, place, kind, '', '', '', '', '', '', '' FROM facet WHERE sort = 1;
INSERT INTO cell (facet, grain, period, state, jobs, bytes, timed, seconds, issues)
SELECT f.id, c.grain, c.period, c.state, c.jobs, c.bytes, c.timed, c.seconds, c.issues
FROM facet AS s JOIN cell AS c ON c.facet = s.id
JOIN facet AS f ON f.sort = 7 AND f.place = s.place AND f.kind = s.kind
WHERE s.sort = 1;
