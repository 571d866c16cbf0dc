-- The head: which ledger this is, the position of the last event, and up to which one events are forgotten.
CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch TEXT NOT NULL,
    head INTEGER NOT NULL,
    compacted INTEGER NOT NULL
) STRICT;
INSERT INTO head VALUES (1, lower(hex(randomblob(16))), 0, 0);

-- Accounts and regions, and how far each was read. Instants are milliseconds since 1970, here and everywhere.
CREATE TABLE place (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    history_start INTEGER,
    filled INTEGER,
    as_of INTEGER,
    UNIQUE (account, region)
) STRICT;

-- What jobs are about, once for all jobs that are about the same. Filters become a set of these, which stands in for an index
-- on each of the columns. Blank: not known.
CREATE TABLE subject (
    id INTEGER PRIMARY KEY,
    place INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    type TEXT NOT NULL,
    resource TEXT NOT NULL,
    vault TEXT NOT NULL,
    destination TEXT NOT NULL,
    plan TEXT NOT NULL,
    rule TEXT NOT NULL,
    UNIQUE (resource, place, kind, type, vault, destination, plan, rule)
) STRICT;
CREATE INDEX subject_place ON subject (place, kind, type);
CREATE INDEX subject_vault ON subject (vault);
CREATE INDEX subject_destination ON subject (destination) WHERE destination <> '';
CREATE INDEX subject_plan ON subject (plan);
CREATE INDEX subject_rule ON subject (rule);

-- What else many jobs have in common: role, plan, lifecycle.
CREATE TABLE common (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
) STRICT;

-- `key` is the instant of creation and some bits of the id: order, cursor and row id in one. `done`: when it ended. `point`: a
-- hash of the recovery point that a restore or copy reads.
CREATE TABLE job (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    subject INTEGER NOT NULL,
    common INTEGER NOT NULL,
    state INTEGER NOT NULL,
    category TEXT,
    message TEXT,
    done INTEGER,
    bytes INTEGER,
    parent TEXT,
    point INTEGER,
    own TEXT NOT NULL
) STRICT;
CREATE INDEX job_subject ON job (subject, key);
-- 6 is COMPLETED, which nearly all are: what is unusual is found by these.
CREATE INDEX job_state ON job (state, key) WHERE state <> 6;
CREATE INDEX job_subject_state ON job (subject, state, key) WHERE state <> 6;
CREATE INDEX job_state_done ON job (state, done, key) WHERE state <> 6 AND done IS NOT NULL;
CREATE INDEX job_message ON job (key) WHERE message IS NOT NULL;
CREATE INDEX job_done ON job (done, key) WHERE done IS NOT NULL;
CREATE INDEX job_parent ON job (parent, key) WHERE parent IS NOT NULL;
CREATE INDEX job_point ON job (point, key) WHERE point IS NOT NULL;

-- What happened, in the order in which every reader sees it. `what` 1: a job is now as told here.
CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    what INTEGER NOT NULL,
    job TEXT NOT NULL,
    subject INTEGER NOT NULL,
    common INTEGER NOT NULL,
    own TEXT NOT NULL
) STRICT;

-- What a request made, so that it is not made twice when AWS has forgotten the request.
CREATE TABLE request (
    id TEXT PRIMARY KEY,
    place INTEGER NOT NULL,
    operation TEXT NOT NULL,
    job TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
