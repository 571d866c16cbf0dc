-- What ended last of a subject, and of that what did not end well.
CREATE INDEX job_subject_done ON job (subject, done, key) WHERE done IS NOT NULL;
CREATE INDEX job_subject_state_done ON job (subject, state, done, key) WHERE state <> 6 AND done IS NOT NULL;

-- Each order of databases with all that they are found by, so that a page looks at no database that is not on it.
DROP INDEX protection_worst;
CREATE INDEX protection_worst ON protection (worst, arn, place, verdict, kind, engine, owner, never_ran, ratio, failures);
DROP INDEX protection_late;
CREATE INDEX protection_late ON protection (late, arn, place, verdict, kind, engine, owner, never_ran, ratio, failures);
DROP INDEX protection_success;
CREATE INDEX protection_success ON protection (success, arn, place, verdict, kind, engine, owner, never_ran, ratio, failures);
DROP INDEX protection_next;
CREATE INDEX protection_next ON protection (next, arn, place, verdict, kind, engine, owner, never_ran, ratio, failures);
CREATE INDEX protection_arn ON protection (arn, place, verdict, kind, engine, owner, never_ran, ratio, failures);
