-- How far the databases and plans of a place were looked at: the look that is kept (`generation`, which grows), when it was so,
-- until when missed runs were judged, what kept the last look from being kept (`trouble`), and what the kept one could not read
-- (`findings`), both JSON.
CREATE TABLE survey (
    place BIGINT PRIMARY KEY,
    generation BIGINT NOT NULL,
    as_of BIGINT,
    judged BIGINT,
    trouble TEXT NOT NULL,
    findings TEXT NOT NULL
);

-- Whether each database is protected. `resource` and `made`: what is backed up of it, an ARN and which of those that had it.
-- `ratio`: thousandths of the RPO ratio; `worst`, `late`, `success`, `next`: what orders go by, the least first. `whole`: all of
-- it, JSON, and `digest` what tells that from another.
CREATE TABLE protection (
    arn TEXT COLLATE "C" PRIMARY KEY,
    place BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    resource TEXT NOT NULL,
    made TEXT NOT NULL,
    kind BIGINT NOT NULL,
    engine TEXT NOT NULL,
    owner TEXT NOT NULL,
    verdict BIGINT NOT NULL,
    never_ran BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    ratio BIGINT,
    worst BIGINT NOT NULL,
    late BIGINT NOT NULL,
    success BIGINT NOT NULL,
    next BIGINT NOT NULL,
    digest TEXT NOT NULL,
    whole TEXT NOT NULL
);
CREATE INDEX protection_place ON protection (place, kind);
CREATE INDEX protection_worst ON protection (worst, arn);
CREATE INDEX protection_late ON protection (late, arn);
CREATE INDEX protection_success ON protection (success, arn);
CREATE INDEX protection_next ON protection (next, arn);

-- What databases are found by that they have several of: `what` 1 a plan, 2 a rule, 3 a vault, 4 the code of a finding, 5 a tag.
CREATE TABLE protection_word (
    what BIGINT NOT NULL,
    word TEXT NOT NULL,
    arn TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (what, word, arn)
);
CREATE INDEX protection_word_arn ON protection_word (arn);

-- Which rule covers which database, from look to look. `state` 1: the last look saw it, and it goes on until then; 2: it could
-- not tell; 3: it is no more.
CREATE TABLE membership (
    place BIGINT NOT NULL,
    id TEXT NOT NULL,
    since BIGINT NOT NULL,
    until BIGINT NOT NULL,
    state BIGINT NOT NULL,
    whole TEXT NOT NULL,
    PRIMARY KEY (place, id)
);

-- When plans run, or ran, of which there are memberships.
CREATE TABLE timing (
    place BIGINT NOT NULL,
    digest TEXT NOT NULL,
    whole TEXT NOT NULL,
    PRIMARY KEY (place, digest)
);

-- Runs that were due and left no job. `first` and `last`: the keys of jobs that would be of it. `withdrawn`: when its job turned
-- up after all.
CREATE TABLE missed (
    place BIGINT NOT NULL,
    resource TEXT NOT NULL,
    plan TEXT NOT NULL,
    rule TEXT NOT NULL,
    due BIGINT NOT NULL,
    made TEXT NOT NULL,
    subject BIGINT NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    withdrawn BIGINT,
    own TEXT NOT NULL,
    PRIMARY KEY (resource, due, plan, rule, place)
);
CREATE INDEX missed_due ON missed (due);
