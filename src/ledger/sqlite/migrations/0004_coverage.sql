-- How far the databases and plans of a place were looked at: the look that is kept (`generation`, which grows), when it was so,
-- until when missed runs were judged, what kept the last look from being kept (`trouble`), and what the kept one could not read
-- (`findings`), both JSON.
CREATE TABLE survey (
    place INTEGER PRIMARY KEY,
    generation INTEGER NOT NULL,
    as_of INTEGER,
    judged INTEGER,
    trouble TEXT NOT NULL,
    findings TEXT NOT NULL
) STRICT;

-- Whether each database is protected. `resource` and `made`: what is backed up of it, an ARN and which of those that had it.
-- `ratio`: thousandths of the RPO ratio; `worst`, `late`, `success`, `next`: what orders go by, the least first. `whole`: all of
-- it, JSON, and `digest` what tells that from another.
CREATE TABLE protection (
    arn TEXT PRIMARY KEY,
    place INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    resource TEXT NOT NULL,
    made TEXT NOT NULL,
    kind INTEGER NOT NULL,
    engine TEXT NOT NULL,
    owner TEXT NOT NULL,
    verdict INTEGER NOT NULL,
    never_ran INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    ratio INTEGER,
    worst INTEGER NOT NULL,
    late INTEGER NOT NULL,
    success INTEGER NOT NULL,
    next INTEGER NOT NULL,
    digest TEXT NOT NULL,
    whole TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX protection_place ON protection (place, kind);
CREATE INDEX protection_worst ON protection (worst, arn);
CREATE INDEX protection_late ON protection (late, arn);
CREATE INDEX protection_success ON protection (success, arn);
CREATE INDEX protection_next ON protection (next, arn);

-- What databases are found by that they have several of: `what` 1 a plan, 2 a rule, 3 a vault, 4 the code of a finding, 5 a tag.
CREATE TABLE protection_word (
    what INTEGER NOT NULL,
    word TEXT NOT NULL,
    arn TEXT NOT NULL,
    PRIMARY KEY (what, word, arn)
) STRICT, WITHOUT ROWID;
CREATE INDEX protection_word_arn ON protection_word (arn);

-- Which rule covers which database, from look to look. `state` 1: the last look saw it, and it goes on until then; 2: it could
-- not tell; 3: it is no more.
CREATE TABLE membership (
    place INTEGER NOT NULL,
    id TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    state INTEGER NOT NULL,
    whole TEXT NOT NULL,
    PRIMARY KEY (place, id)
) STRICT, WITHOUT ROWID;

-- When plans run, or ran, of which there are memberships.
CREATE TABLE timing (
    place INTEGER NOT NULL,
    digest TEXT NOT NULL,
    whole TEXT NOT NULL,
    PRIMARY KEY (place, digest)
) STRICT, WITHOUT ROWID;

-- Runs that were due and left no job. `first` and `last`: the keys of jobs that would be of it. `withdrawn`: when its job turned
-- up after all.
CREATE TABLE missed (
    place INTEGER NOT NULL,
    resource TEXT NOT NULL,
    plan TEXT NOT NULL,
    rule TEXT NOT NULL,
    due INTEGER NOT NULL,
    made TEXT NOT NULL,
    subject INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    withdrawn INTEGER,
    own TEXT NOT NULL,
    PRIMARY KEY (resource, due, plan, rule, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX missed_due ON missed (due);
