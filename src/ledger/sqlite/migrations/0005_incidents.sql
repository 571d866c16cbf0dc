-- The newest job of a kind of a resource that came to a good end: what went wrong after it goes on.
CREATE TABLE outcome (
    resource TEXT NOT NULL,
    place INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    good INTEGER NOT NULL,
    PRIMARY KEY (resource, place, kind)
) STRICT, WITHOUT ROWID;

-- What goes wrong: one that is open for each object and cause. `object` is the ARN of the resource or vault; `own` is JSON.
CREATE TABLE incident (
    id TEXT PRIMARY KEY,
    place INTEGER NOT NULL,
    cause INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    object TEXT NOT NULL,
    resource TEXT NOT NULL,
    vault TEXT NOT NULL,
    opened INTEGER NOT NULL,
    last INTEGER NOT NULL,
    closed INTEGER,
    times INTEGER NOT NULL,
    job TEXT,
    own TEXT NOT NULL,
    taken_by TEXT,
    taken INTEGER,
    note TEXT
) STRICT;
CREATE UNIQUE INDEX incident_open ON incident (object, place, cause, kind) WHERE closed IS NULL;
CREATE INDEX incident_opened ON incident (opened, id);
CREATE INDEX incident_place ON incident (place, cause) WHERE closed IS NULL;
CREATE INDEX incident_closed ON incident (closed, id) WHERE closed IS NOT NULL;

-- Recovery points: when each was told last, and since when it is no more. `kept`: days; 0 for ever. `why` it is gone: 1 its time
-- was over, 2 by others, 3 Strongroom was asked to.
CREATE TABLE point (
    arn TEXT PRIMARY KEY,
    place INTEGER NOT NULL,
    vault TEXT NOT NULL,
    resource TEXT NOT NULL,
    type TEXT NOT NULL,
    state TEXT NOT NULL,
    created INTEGER,
    expires INTEGER,
    kept INTEGER,
    bytes INTEGER,
    seen INTEGER NOT NULL,
    gone INTEGER,
    why INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX point_seen ON point (vault, place, seen) WHERE gone IS NULL;
CREATE INDEX point_gone ON point (gone) WHERE gone IS NOT NULL;

-- What happened to points before their time, by others: 1 deleted, 2 to be deleted earlier.
CREATE TABLE point_change (
    id INTEGER PRIMARY KEY,
    incident TEXT NOT NULL,
    arn TEXT NOT NULL,
    vault TEXT NOT NULL,
    seen INTEGER NOT NULL,
    noticed INTEGER NOT NULL,
    expired INTEGER,
    expires INTEGER
) STRICT;
CREATE INDEX point_change_incident ON point_change (incident, id);

-- What guards each vault, as it was seen last.
CREATE TABLE vault (
    place INTEGER NOT NULL,
    arn TEXT NOT NULL,
    picture TEXT NOT NULL,
    seen INTEGER NOT NULL,
    PRIMARY KEY (arn, place)
) STRICT, WITHOUT ROWID;

-- Who had AWS Backup change something, as CloudTrail tells. `object` is a point's ARN, or a vault's.
CREATE TABLE call (
    object TEXT NOT NULL,
    operation TEXT NOT NULL,
    at INTEGER NOT NULL,
    caller TEXT NOT NULL,
    PRIMARY KEY (object, at, operation)
) STRICT, WITHOUT ROWID;
CREATE INDEX call_at ON call (at);

INSERT INTO outcome (resource, place, kind, good)
SELECT s.resource, s.place, s.kind, max(j.key) FROM job AS j JOIN subject AS s ON s.id = j.subject
WHERE j.state = 6 AND s.resource <> '' AND j.message IS NULL AND (j.category IS NULL OR upper(j.category) = 'SUCCESS')
GROUP BY s.resource, s.place, s.kind;

-- What has gone wrong since. 1 failed, 2 expired, 3 partial; of those no later one completed. Where `max` stands, SQLite tells the
-- other columns of the row that has it.
INSERT INTO incident (id, place, cause, kind, object, resource, vault, opened, last, times, job, own)
SELECT lower(hex(randomblob(16))), place, cause, kind, resource, resource, vault, opened, last, times, id, '{}'
FROM (SELECT place, cause, kind, resource, vault, id, max(key), opened, last, times FROM (
    SELECT *, min(done) OVER same AS opened, max(done) OVER same AS last, count(*) OVER same AS times FROM (
    SELECT s.place, s.kind, s.resource, s.vault, j.id, j.key, coalesce(j.done, j.key >> 21) AS done,
        CASE j.state WHEN 7 THEN 1 WHEN 8 THEN 2 WHEN 9 THEN 3 END AS cause
    FROM job AS j JOIN subject AS s ON s.id = j.subject
    WHERE j.state <> 6 AND j.state IN (7, 8, 9) AND s.resource <> '' AND NOT EXISTS (
        SELECT 1 FROM subject AS t JOIN job AS k ON k.subject = t.id
        WHERE t.resource = s.resource AND t.place = s.place AND t.kind = s.kind AND k.key > j.key AND k.state = 6
    )
    ) WINDOW same AS (PARTITION BY place, cause, kind, resource)
) GROUP BY place, cause, kind, resource);
