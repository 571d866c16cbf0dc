-- The head: which ledger this is, the position of the last event, and up to which one events are forgotten.
CREATE TABLE head (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    epoch TEXT NOT NULL,
    head BIGINT NOT NULL,
    compacted BIGINT NOT NULL
);
INSERT INTO head VALUES (1, replace(gen_random_uuid()::text, '-', ''), 0, 0);

-- Accounts and regions, and how far each was read. Instants are milliseconds since 1970, here and everywhere.
CREATE TABLE place (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    history_start BIGINT,
    filled BIGINT,
    as_of BIGINT,
    UNIQUE (account, region)
);

-- What jobs are about, once for all jobs that are about the same. Filters become a set of these, which stands in for an index
-- on each of the columns. Blank: not known.
CREATE TABLE subject (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    place BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    type TEXT NOT NULL,
    resource TEXT NOT NULL,
    vault TEXT NOT NULL,
    destination TEXT NOT NULL,
    plan TEXT NOT NULL,
    rule TEXT NOT NULL,
    UNIQUE (resource, place, kind, type, vault, destination, plan, rule)
);
CREATE INDEX subject_place ON subject (place, kind, type);
CREATE INDEX subject_vault ON subject (vault);
CREATE INDEX subject_destination ON subject (destination) WHERE destination <> '';
CREATE INDEX subject_plan ON subject (plan);
CREATE INDEX subject_rule ON subject (rule);

-- What else many jobs have in common: role, plan, lifecycle.
CREATE TABLE common (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    text TEXT COLLATE "C" NOT NULL UNIQUE
);

-- `key` is the instant of creation and some bits of the id: order, cursor and row id in one. `done`: when it ended. `point`: a
-- hash of the recovery point that a restore or copy reads.
CREATE TABLE job (
    key BIGINT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    subject BIGINT NOT NULL,
    common BIGINT NOT NULL,
    state BIGINT NOT NULL,
    category TEXT,
    message TEXT,
    done BIGINT,
    bytes BIGINT,
    parent TEXT,
    point BIGINT,
    own TEXT NOT NULL
);
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
    seq BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    what BIGINT NOT NULL,
    job TEXT NOT NULL,
    subject BIGINT NOT NULL,
    common BIGINT NOT NULL,
    own TEXT NOT NULL
);

-- What a request made, so that it is not made twice when AWS has forgotten the request.
CREATE TABLE request (
    id TEXT PRIMARY KEY,
    place BIGINT NOT NULL,
    operation TEXT NOT NULL,
    job TEXT NOT NULL,
    at BIGINT NOT NULL
);
