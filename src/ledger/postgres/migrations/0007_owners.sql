-- What is there is counted once, however long that takes.
SET LOCAL statement_timeout = 0;

-- Whose each resource is, as its jobs are counted; of a resource that is not here, nobody's. docs/adr/0009-owners-are-counted.md.
CREATE TABLE owned (
    resource TEXT COLLATE "C" NOT NULL,
    place BIGINT NOT NULL,
    owner TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (resource, place)
);

-- The sorts 5 and 6 of facets keep the owner too, and a new one, 7, keeps place, kind and owner. What is there is nobody's: it moves
-- when the databases are looked at next.
ALTER TABLE facet ADD COLUMN owner TEXT COLLATE "C" NOT NULL DEFAULT '';
-- PostgreSQL has made the name of the constraint, and cut it short.
DO $$
DECLARE
    made NAME;
BEGIN
    SELECT conname INTO STRICT made FROM pg_constraint WHERE conrelid = 'facet'::regclass AND contype = 'u';
    EXECUTE format('ALTER TABLE facet DROP CONSTRAINT %I', made);
END $$;
ALTER TABLE facet ADD CONSTRAINT facet_is_one UNIQUE (sort, resource, vault, plan, rule, place, kind, type, destination, owner);
CREATE INDEX facet_owner ON facet (owner, resource) WHERE sort = 6;

INSERT INTO facet (sort, place, kind, type, resource, vault, destination, plan, rule, owner)
SELECT 7, place, kind, '', '', '', '', '', '', '' FROM facet WHERE sort = 1;
INSERT INTO cell (facet, grain, period, state, jobs, bytes, timed, seconds, issues)
SELECT f.id, c.grain, c.period, c.state, c.jobs, c.bytes, c.timed, c.seconds, c.issues
FROM facet AS s JOIN cell AS c ON c.facet = s.id
JOIN facet AS f ON f.sort = 7 AND f.place = s.place AND f.kind = s.kind
WHERE s.sort = 1;
