//! SQLite's SQL. JSON arrays are read by `json_each`; a row's members by `json_extract`.

use crate::ledger::statements::Statements;

pub(in crate::ledger) const STATEMENTS: Statements = Statements {
    // The transaction was begun by taking the one lock there is.
    take_head: "SELECT epoch, head, compacted FROM head",
    head: "SELECT epoch, head, compacted FROM head",
    set_head: "UPDATE head SET head = $1",
    make_places: "INSERT INTO place (account, region) \
                  SELECT value ->> 0, value ->> 1 FROM json_each($1) WHERE true ON CONFLICT DO NOTHING",
    places: "SELECT id, account, region FROM place",
    make_subjects: "INSERT INTO subject (place, kind, type, resource, vault, destination, plan, rule) \
                    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, \
                    value ->> 7 FROM json_each($1) WHERE true ON CONFLICT DO NOTHING",
    subjects: "SELECT s.id, s.place, s.kind, s.type, s.resource, s.vault, s.destination, s.plan, s.rule \
               FROM json_each($1) AS w CROSS JOIN subject AS s \
               ON s.resource = w.value ->> 3 AND s.place = w.value ->> 0 AND s.kind = w.value ->> 1 \
               AND s.type = w.value ->> 2 AND s.vault = w.value ->> 4 AND s.destination = w.value ->> 5 \
               AND s.plan = w.value ->> 6 AND s.rule = w.value ->> 7",
    make_commons: "INSERT INTO common (text) SELECT value FROM json_each($1) WHERE true ON CONFLICT DO NOTHING",
    commons: "SELECT c.id, c.text FROM json_each($1) AS w CROSS JOIN common AS c ON c.text = w.value",
    jobs_by_id: "SELECT j.key, j.id, p.account, p.region, s.kind, s.type, s.resource, s.vault, s.destination, s.plan, s.rule, \
         c.text, j.own FROM json_each($1) AS w CROSS JOIN job AS j ON j.id = w.value \
         JOIN subject AS s ON s.id = j.subject JOIN place AS p ON p.id = s.place JOIN common AS c ON c.id = j.common",
    taken_keys: "SELECT j.key FROM json_each($1) AS w CROSS JOIN job AS j ON j.key = w.value",
    drop_jobs: "DELETE FROM job WHERE key IN (SELECT value FROM json_each($1))",
    put_jobs: "INSERT INTO job (key, id, subject, common, state, category, message, done, bytes, parent, point, own) \
               SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, \
               value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11 FROM json_each($1) WHERE true \
               ON CONFLICT (key) DO UPDATE SET id = excluded.id, subject = excluded.subject, common = excluded.common, \
               state = excluded.state, category = excluded.category, message = excluded.message, done = excluded.done, \
               bytes = excluded.bytes, parent = excluded.parent, point = excluded.point, own = excluded.own",
    add_events: "INSERT INTO event (seq, at, what, job, subject, common, own) \
                 SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6 \
                 FROM json_each($1)",
    events: "SELECT e.seq, e.at, e.what, e.seq, e.job, p.account, p.region, s.kind, s.type, s.resource, s.vault, \
             s.destination, s.plan, s.rule, c.text, e.own FROM event AS e \
             JOIN subject AS s ON s.id = e.subject JOIN place AS p ON p.id = s.place JOIN common AS c ON c.id = e.common \
             WHERE e.seq > $1 ORDER BY e.seq LIMIT $2",
    forget_events: "DELETE FROM event WHERE seq IN (SELECT seq FROM event ORDER BY seq LIMIT $2) AND seq < \
                    coalesce((SELECT min(seq) FROM (SELECT seq, at FROM event ORDER BY seq LIMIT $2) AS oldest \
                    WHERE at >= $1), 9223372036854775807) RETURNING seq",
    set_compacted: "UPDATE head SET compacted = max(compacted, $1)",
    forget_jobs: "DELETE FROM job WHERE key IN (SELECT key FROM job WHERE key < $1 ORDER BY key LIMIT $2) \
                  RETURNING key, subject, state, bytes, done, \
                  CASE WHEN state = 6 AND (message IS NOT NULL OR lower(category) <> 'success') THEN 1 ELSE 0 END",
    feeds: "SELECT id, account, region, history_start, filled, as_of FROM place",
    set_feed: "UPDATE place SET history_start = $2, filled = $3, as_of = $4 WHERE id = $1",
    unended: "SELECT j.key, j.id, p.account, p.region, s.kind, s.type, s.resource, s.vault, s.destination, s.plan, s.rule, \
              c.text, j.own FROM job AS j CROSS JOIN subject AS s ON s.id = j.subject \
              JOIN place AS p ON p.id = s.place JOIN common AS c ON c.id = j.common \
              WHERE j.state <> 6 AND j.state IN (0, 1, 2, 3, 4) AND p.account = $1 AND p.region = $2 AND s.kind = $3 \
              ORDER BY j.key LIMIT $4",
    put_request: "INSERT INTO request (place, operation, id, digest, job, answer, at) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
    request: "SELECT r.digest, r.job, r.answer FROM request AS r JOIN place AS p ON p.id = r.place \
              WHERE p.account = $1 AND p.region = $2 AND r.operation = $3 AND r.id = $4",
    forget_requests: "DELETE FROM request WHERE (place, operation, id) IN \
                      (SELECT place, operation, id FROM request WHERE at < $1 ORDER BY at LIMIT $2) RETURNING at",

    // Leases.
    lease: "SELECT holder, until - CAST(unixepoch('subsec') * 1000 AS INTEGER), fence FROM lease WHERE role = $1",
    take_lease: "INSERT INTO lease (role, holder, fence, until) \
                 VALUES ($1, $2, 1, CAST(unixepoch('subsec') * 1000 AS INTEGER) + $3) \
                 ON CONFLICT (role) DO UPDATE SET holder = excluded.holder, fence = lease.fence + 1, until = excluded.until \
                 WHERE lease.holder = excluded.holder OR lease.until <= CAST(unixepoch('subsec') * 1000 AS INTEGER) \
                 RETURNING fence",
    renew_lease: "UPDATE lease SET until = CAST(unixepoch('subsec') * 1000 AS INTEGER) + $4 \
                  WHERE role = $1 AND holder = $2 AND fence = $3 RETURNING fence",
    end_lease: "UPDATE lease SET until = 0 WHERE role = $1 AND holder = $2 AND fence = $3",
    end_leases_of_others: "UPDATE lease SET until = 0 WHERE holder <> $1",
    // Incidents, recovery points and vaults.
    put_outcomes: "INSERT INTO outcome (resource, place, kind, good) SELECT value ->> 0, value ->> 1, value ->> 2, value \
                   ->> 3 FROM json_each($1) WHERE true ON CONFLICT (resource, place, kind) DO UPDATE SET good = \
                   max(outcome.good, excluded.good)",
    bad_jobs: "SELECT j.key, j.id, j.state, j.done, s.vault FROM subject AS s \
               CROSS JOIN job AS j ON j.subject = s.id WHERE s.resource = $1 AND s.place = $2 AND s.kind = $3 AND j.key > \
               coalesce((SELECT o.good FROM outcome AS o WHERE o.resource = $1 AND o.place = $2 AND o.kind = $3), -1) AND \
               j.state IN (6, 7, 8, 9) ORDER BY j.key DESC LIMIT $4",
    open_incidents: "SELECT i.id, i.place, p.account, p.region, i.cause, i.kind, i.object, i.resource, i.vault, i.opened, \
                     i.last, i.closed, i.times, i.job, i.own, i.taken_by, i.taken, i.note FROM json_each($1) AS w CROSS \
                     JOIN incident AS i ON i.object = w.value ->> 0 AND i.place = w.value ->> 1 JOIN place AS p ON p.id = \
                     i.place WHERE i.closed IS NULL",
    put_incidents: "INSERT INTO incident (id, place, cause, kind, object, resource, vault, opened, last, closed, times, \
                    job, own) SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value \
                    ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12 FROM \
                    json_each($1) WHERE true ON CONFLICT (id) DO UPDATE SET resource = excluded.resource, vault = \
                    excluded.vault, opened = excluded.opened, last = excluded.last, closed = excluded.closed, times = \
                    excluded.times, job = excluded.job, own = excluded.own",
    incidents: "SELECT i.id, i.place, p.account, p.region, i.cause, i.kind, i.object, i.resource, i.vault, i.opened, \
                i.last, i.closed, i.times, i.job, i.own, i.taken_by, i.taken, i.note FROM (SELECT * FROM incident WHERE \
                (opened, id) < ($1, $2) ORDER BY opened DESC, id DESC LIMIT $3) AS i JOIN place AS p ON p.id = i.place \
                WHERE EXISTS (SELECT 1 FROM json_each($4) WHERE value ->> 0 = p.account AND value ->> 1 = p.region) AND \
                (json_array_length($5) = 0 OR CASE WHEN i.closed IS NOT NULL THEN 3 WHEN i.taken IS NOT NULL THEN 2 ELSE 1 \
                END IN (SELECT value FROM json_each($5))) AND (json_array_length($6) = 0 OR i.cause IN (SELECT value FROM \
                json_each($6))) AND (json_array_length($7) = 0 OR i.kind IN (SELECT value FROM json_each($7))) AND \
                (json_array_length($8) = 0 OR i.resource IN (SELECT value FROM json_each($8))) AND (json_array_length($9) \
                = 0 OR i.vault IN (SELECT value FROM json_each($9))) ORDER BY i.opened DESC, i.id DESC LIMIT $10",
    incidents_looked_to: "SELECT opened, id FROM incident WHERE (opened, id) < ($1, $2) ORDER BY opened DESC, id DESC \
                          LIMIT 1 OFFSET $3",
    incident_counts: "SELECT p.account, p.region, i.cause, i.taken IS NOT NULL, count(*) FROM incident AS i JOIN place AS p ON p.id = \
         i.place WHERE i.closed IS NULL GROUP BY 1, 2, 3, 4",
    incident: "SELECT i.id, i.place, p.account, p.region, i.cause, i.kind, i.object, i.resource, i.vault, i.opened, \
               i.last, i.closed, i.times, i.job, i.own, i.taken_by, i.taken, i.note FROM incident AS i JOIN place AS p ON \
               p.id = i.place WHERE i.id = $1",
    take_incident: "UPDATE incident SET taken_by = $2, taken = $3, note = $4, closed = coalesce(closed, $5) WHERE id = $1",
    forget_incidents: "DELETE FROM incident WHERE id IN (SELECT id FROM incident WHERE closed IS NOT NULL AND closed < $1 \
                       ORDER BY closed, id LIMIT $2) RETURNING id",
    calls_about: "SELECT c.object, c.operation, c.at, c.caller FROM json_each($1) AS w CROSS JOIN call AS c ON c.object = \
                  w.value ->> 0 AND c.at >= w.value ->> 1 AND c.at <= w.value ->> 2 ORDER BY c.at DESC",
    put_calls: "INSERT INTO call (object, operation, at, caller) SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 \
                FROM json_each($1) WHERE true ON CONFLICT DO NOTHING",
    forget_calls: "DELETE FROM call WHERE (object, at, operation) IN (SELECT object, at, operation FROM call WHERE at < $1 \
                   ORDER BY at LIMIT $2) RETURNING at",
    points: "SELECT q.arn, p.account, p.region, q.vault, q.resource, q.type, q.state, q.created, q.expires, q.kept, \
             q.bytes, q.seen, q.gone, q.why FROM json_each($1) AS w CROSS JOIN point AS q ON q.arn = w.value JOIN place AS \
             p ON p.id = q.place",
    put_points: "INSERT INTO point (arn, place, vault, resource, type, state, created, expires, kept, bytes, seen, gone, \
                 why) SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, \
                 value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12 FROM json_each($1) WHERE \
                 true ON CONFLICT (arn) DO UPDATE SET place = excluded.place, vault = excluded.vault, resource = \
                 excluded.resource, type = excluded.type, state = excluded.state, created = excluded.created, expires = \
                 excluded.expires, kept = excluded.kept, bytes = excluded.bytes, seen = excluded.seen, gone = \
                 excluded.gone, why = excluded.why",
    unseen_points: "SELECT q.arn, p.account, p.region, q.vault, q.resource, q.type, q.state, q.created, q.expires, q.kept, \
                    q.bytes, q.seen, q.gone, q.why FROM point AS q JOIN place AS p ON p.id = q.place WHERE q.vault = $1 \
                    AND q.place = $2 AND q.seen < $3 AND q.gone IS NULL ORDER BY q.seen LIMIT $4",
    forget_points: "DELETE FROM point WHERE arn IN (SELECT arn FROM point WHERE gone IS NOT NULL AND gone < $1 ORDER BY \
                    gone LIMIT $2) RETURNING seen",
    add_point_changes: "INSERT INTO point_change (incident, arn, vault, seen, noticed, expired, expires) SELECT value ->> \
                        0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6 FROM json_each($1) \
                        WHERE true",
    point_changes: "SELECT arn, vault, seen, noticed, expired, expires FROM point_change WHERE incident = $1 \
                    ORDER BY id DESC LIMIT $2",
    drop_point_changes: "DELETE FROM point_change WHERE incident IN (SELECT value FROM json_each($1))",
    close_deleted: "UPDATE incident SET closed = $2 WHERE place = $1 AND closed IS NULL AND cause = 5 AND NOT EXISTS \
                    (SELECT 1 FROM point_change AS c WHERE c.incident = incident.id AND (c.expired IS NULL OR c.expired > $2))",
    close_shortened: "UPDATE incident SET closed = $2 WHERE place = $1 AND closed IS NULL AND cause = 6 AND NOT EXISTS \
                      (SELECT 1 FROM point_change AS c JOIN point AS q ON q.arn = c.arn WHERE c.incident = incident.id \
                      AND q.gone IS NULL AND q.expires IS NOT NULL AND (c.expired IS NULL OR q.expires < c.expired))",
    vaults: "SELECT arn FROM vault WHERE place = $1",
    vault: "SELECT picture, seen FROM vault WHERE arn = $1 AND place = $2",
    put_vault: "INSERT INTO vault (arn, place, picture, seen) VALUES ($1, $2, $3, $4) ON CONFLICT (arn, place) DO UPDATE \
                SET picture = excluded.picture, seen = excluded.seen",
    drop_vault: "DELETE FROM vault WHERE arn = $1 AND place = $2",

    // Rollups.
    make_facets: "INSERT INTO facet (sort, place, kind, type, resource, vault, destination, plan, rule, owner) \
                  SELECT w.value ->> 0, w.value ->> 1, w.value ->> 2, w.value ->> 3, w.value ->> 4, w.value ->> 5, \
                  w.value ->> 6, w.value ->> 7, w.value ->> 8, w.value ->> 9 FROM json_each($1) AS w WHERE true \
                  ON CONFLICT DO NOTHING",
    facets: "SELECT f.id, f.sort, f.place, f.kind, f.type, f.resource, f.vault, f.destination, f.plan, f.rule, f.owner \
             FROM json_each($1) AS w CROSS JOIN facet AS f ON f.sort = w.value ->> 0 AND f.place = w.value ->> 1 \
             AND f.kind = w.value ->> 2 AND f.type = w.value ->> 3 AND f.resource = w.value ->> 4 \
             AND f.vault = w.value ->> 5 AND f.destination = w.value ->> 6 AND f.plan = w.value ->> 7 \
             AND f.rule = w.value ->> 8 AND f.owner = w.value ->> 9",
    owners: "SELECT o.resource, o.place, o.owner FROM json_each($1) AS w CROSS JOIN owned AS o ON o.resource = w.value",
    known_databases: "SELECT d.arn, d.owner, d.whole FROM json_each($1) AS w CROSS JOIN protection AS d ON d.arn = w.value",
    drop_tagged: "DELETE FROM tagged WHERE place = $1",
    put_tagged: "INSERT INTO tagged (place, arn, name, tags) SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 \
                 FROM json_each($1) WHERE true ON CONFLICT (arn, place) DO UPDATE SET name = excluded.name, tags = excluded.tags",
    tagged: "SELECT t.arn, t.name, t.tags FROM json_each($1) AS w CROSS JOIN place AS p ON p.account = $2 AND p.region = $3 \
             CROSS JOIN tagged AS t ON t.arn = w.value AND t.place = p.id UNION SELECT t.arn, t.name, t.tags FROM json_each($1) \
             AS w CROSS JOIN place AS p ON p.account = $2 AND p.region = $3 CROSS JOIN tagged AS t ON t.name = w.value \
             AND t.place = p.id ORDER BY 1",
    vault_pictures: "SELECT v.arn, v.picture FROM json_each($1) AS w CROSS JOIN vault AS v ON v.arn = w.value",
    counted_otherwise: "SELECT d.arn, coalesce(o.owner, ''), d.owner FROM protection AS d LEFT JOIN owned AS o \
                        ON o.resource = d.arn AND o.place = d.place WHERE d.place = $1 \
                        AND d.owner <> coalesce(o.owner, '') LIMIT $2",
    cells_of_resources: "SELECT f.place, f.kind, f.type, f.resource, f.vault, f.destination, f.plan, f.rule, c.period, c.state, \
                         c.jobs, c.bytes, c.timed, c.seconds, c.issues FROM json_each($2) AS w CROSS JOIN facet AS f \
                         ON f.sort = 6 AND f.resource = w.value AND f.place = $1 CROSS JOIN cell AS c ON c.facet = f.id \
                         AND c.grain = 0",
    set_owners: "INSERT INTO owned (resource, place, owner) SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each($1) \
                 WHERE true ON CONFLICT (resource, place) DO UPDATE SET owner = excluded.owner",
    set_owners_of_facets: "UPDATE facet SET owner = w.value ->> 2 FROM json_each($1) AS w WHERE facet.sort = 6 \
                           AND facet.resource = w.value ->> 0 AND facet.place = w.value ->> 1",
    add_to_cells: "INSERT INTO cell (facet, grain, period, state, jobs, bytes, timed, seconds, issues) \
                   SELECT w.value ->> 0, w.value ->> 1, w.value ->> 2, w.value ->> 3, w.value ->> 4, w.value ->> 5, \
                   w.value ->> 6, w.value ->> 7, w.value ->> 8 FROM json_each($1) AS w WHERE true ON CONFLICT (facet, \
                   grain, period, state) DO UPDATE SET jobs = cell.jobs + excluded.jobs, \
                   bytes = cell.bytes + excluded.bytes, timed = cell.timed + excluded.timed, \
                   seconds = cell.seconds + excluded.seconds, issues = cell.issues + excluded.issues",
    drop_empty_cells: "DELETE FROM cell WHERE (facet, grain, period, state) IN (SELECT value ->> 0, value ->> 1, \
                       value ->> 2, value ->> 3 FROM json_each($1)) AND jobs = 0",
    subjects_by_id: "SELECT s.id, p.account, p.region, s.kind, s.type, s.resource, s.vault, s.destination, s.plan, \
                     s.rule FROM json_each($1) AS w CROSS JOIN subject AS s ON s.id = w.value JOIN place AS p \
                     ON p.id = s.place",
    span_of_keys: "SELECT (SELECT min(key) FROM job), (SELECT max(key) FROM job), (SELECT min(due) FROM missed), \
                   (SELECT max(due) FROM missed)",
    so_many_resources: "SELECT resource FROM facet WHERE sort = $1 AND resource > $2 ORDER BY resource \
                        LIMIT 1 OFFSET $3",
    // What a lane is, is read once, and not for each of its cells.
    cells: "WITH lane AS MATERIALIZED (SELECT value ->> 0 AS g, value ->> 1 AS facet, value ->> 2 AS grain, \
            value ->> 3 AS low, value ->> 4 AS high FROM json_each($1)) \
            SELECT lane.g, c.state, sum(c.jobs), sum(c.bytes), sum(c.timed), sum(c.seconds), sum(c.issues), count(*) \
            FROM lane CROSS JOIN cell AS c ON c.facet = lane.facet AND c.grain = lane.grain \
            AND c.period >= lane.low AND c.period < lane.high GROUP BY 1, 2",
    cells_by_period: "WITH lane AS MATERIALIZED (SELECT value ->> 0 AS g, value ->> 1 AS facet, value ->> 2 AS grain, \
                      value ->> 3 AS low, value ->> 4 AS high FROM json_each($1)) \
                      SELECT lane.g, c.period, c.state, sum(c.jobs), sum(c.bytes), sum(c.timed), sum(c.seconds), \
                      sum(c.issues), count(*) FROM lane CROSS JOIN cell AS c ON c.facet = lane.facet \
                      AND c.grain = lane.grain AND c.period >= lane.low AND c.period < lane.high GROUP BY 1, 2, 3",
    days_of_groups: "WITH lane AS MATERIALIZED (SELECT value ->> 0 AS g, value ->> 1 AS facet, value ->> 2 AS low, \
                     value ->> 3 AS high FROM json_each($1)) SELECT lane.g, count(DISTINCT c.period) FROM lane \
                     CROSS JOIN cell AS c ON c.facet = lane.facet AND c.grain = 0 AND c.period >= lane.low \
                     AND c.period < lane.high GROUP BY 1",
    // The index is named: by the primary key, every day would be looked at.
    setbacks: "WITH last AS MATERIALIZED (SELECT w.value ->> 0 AS g, (SELECT c.period FROM cell AS c INDEXED BY cell_setback \
               WHERE c.facet = w.value ->> 1 AND c.grain = 0 AND c.state IN (5, 7, 8, 9) AND c.period >= $2 \
               AND c.period < $3 ORDER BY c.period DESC LIMIT 1) AS day FROM json_each($1) AS w) \
               SELECT g, max(day) FROM last WHERE day IS NOT NULL GROUP BY g",
    jobs_of_facets: "SELECT w.value ->> 0, j.key, j.state FROM json_each($1) AS w CROSS JOIN facet AS f \
                     ON f.id = w.value ->> 1 CROSS JOIN subject AS s ON s.place = f.place AND s.kind = f.kind \
                     AND s.type = f.type AND s.resource = f.resource AND s.vault = f.vault \
                     AND s.destination = f.destination AND s.plan = f.plan AND s.rule = f.rule CROSS JOIN job AS j \
                     ON j.subject = s.id AND j.key >= w.value ->> 2 AND j.key < w.value ->> 3",

    // Coverage.
    surveys: "SELECT p.account, p.region, v.place, v.generation, v.as_of, v.judged, v.trouble, v.findings, v.since FROM survey AS v JOIN \
         place AS p ON p.id = v.place",
    set_survey: "INSERT INTO survey (place, generation, as_of, judged, trouble, findings, since) VALUES ($1, $2, $3, $4, $5, $6, $3) \
         ON CONFLICT (place) DO UPDATE SET generation = excluded.generation, as_of = excluded.as_of, judged = excluded.judged, \
         trouble = excluded.trouble, findings = excluded.findings, since = coalesce(survey.since, excluded.since)",
    set_judged_since: "UPDATE survey SET since = $1 WHERE since < $1",
    put_touched: "INSERT INTO touched (account, region, what, name) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
    touched: "SELECT account, region, what, name FROM touched LIMIT 1",
    take_touched: "DELETE FROM touched RETURNING account, region, what, name",
    outlook: "SELECT whole FROM outlook WHERE place = $1",
    put_outlook: "INSERT INTO outlook (place, whole) VALUES ($1, $2) ON CONFLICT (place) DO UPDATE SET whole = excluded.whole \
                  WHERE outlook.whole <> excluded.whole",
    protection_digests: "SELECT arn, digest FROM protection WHERE place = $1",
    put_protections: "INSERT INTO protection (arn, place, generation, resource, made, kind, engine, owner, verdict, never_ran, failures, \
         ratio, worst, late, success, next, digest, whole) SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value \
         ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, \
         value ->> 13, value ->> 14, value ->> 15, value ->> 16, value ->> 17 FROM json_each($1) WHERE true ON CONFLICT \
         (arn) DO UPDATE SET place = excluded.place, generation = excluded.generation, resource = excluded.resource, made = \
         excluded.made, kind = excluded.kind, engine = excluded.engine, owner = excluded.owner, verdict = excluded.verdict, \
         never_ran = excluded.never_ran, failures = excluded.failures, ratio = excluded.ratio, worst = excluded.worst, late \
         = excluded.late, success = excluded.success, next = excluded.next, digest = excluded.digest, whole = excluded.whole",
    age_protections: "UPDATE protection SET generation = w.value ->> 1, ratio = w.value ->> 2, worst = w.value ->> 3, late = w.value ->> \
         4 FROM json_each($1) AS w WHERE arn = w.value ->> 0",
    drop_protections: "DELETE FROM protection WHERE place = $1 AND generation < $2 AND kind IN (SELECT value FROM json_each($3)) RETURNING \
         arn",
    drop_words: "DELETE FROM protection_word WHERE arn IN (SELECT value FROM json_each($1))",
    put_words: "INSERT INTO protection_word (what, word, arn) SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each($1) WHERE \
         true ON CONFLICT DO NOTHING",
    protection_figures: "SELECT p.account, p.region, d.arn, d.whole ->> '$.type', d.worst, d.verdict, d.never_ran, d.failures, \
         d.success, json_extract(d.whole, '$.allowed', '$.interval', '$.coverage'), (SELECT \
         json_group_array(json_array(k.plan, k.missed)) FROM (SELECT m.plan, count(*) AS missed FROM missed AS m WHERE \
         m.resource = d.arn AND m.made = d.made AND m.due > d.success AND m.withdrawn IS NULL GROUP BY m.plan) AS k) FROM \
         protection AS d JOIN place AS p ON p.id = d.place WHERE d.arn > $1 ORDER BY d.arn LIMIT $2",
    memberships: "SELECT id, since, until, state, whole FROM membership WHERE place = $1",
    put_memberships: "INSERT INTO membership (place, id, since, until, state, whole) SELECT value ->> 0, value ->> 1, value ->> 2, value \
         ->> 3, value ->> 4, value ->> 5 FROM json_each($1) WHERE true ON CONFLICT (place, id) DO UPDATE SET since = \
         excluded.since, until = excluded.until, state = excluded.state, whole = excluded.whole",
    drop_memberships: "DELETE FROM membership WHERE place = $1 AND id IN (SELECT value FROM json_each($2))",
    timings: "SELECT digest, whole FROM timing WHERE place = $1",
    put_timings: "INSERT INTO timing (place, digest, whole) SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each($1) WHERE \
         true ON CONFLICT (place, digest) DO UPDATE SET whole = excluded.whole",
    drop_timings: "DELETE FROM timing WHERE place = $1 AND digest NOT IN (SELECT value FROM json_each($2))",
    put_missed: "INSERT INTO missed (place, resource, plan, rule, due, made, subject, first, last, own) SELECT value ->> 0, value \
         ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8, value ->> 9 FROM \
         json_each($1) WHERE true ON CONFLICT DO NOTHING RETURNING resource, due, plan, rule",
    made_after_all: "SELECT m.resource, m.plan, m.rule, m.due, p.account, p.region, s.kind, s.type, s.resource, s.vault, s.destination, \
         s.plan, s.rule, m.own, m.subject, max(j.id) FROM missed AS m CROSS JOIN subject AS k ON k.resource = m.resource AND \
         k.place = m.place AND k.kind = 1 AND k.plan = m.plan AND k.rule = m.rule CROSS JOIN job AS j ON j.subject = k.id \
         AND j.key >= m.first AND j.key < m.last CROSS JOIN subject AS s ON s.id = m.subject CROSS JOIN place AS p ON p.id = \
         m.place WHERE m.place = $1 AND m.due >= $2 AND m.withdrawn IS NULL GROUP BY m.resource, m.plan, m.rule, m.due, \
         p.account, p.region, s.kind, s.type, s.resource, s.vault, s.destination, s.plan, s.rule, m.own, m.subject",
    withdraw_missed: "UPDATE missed SET withdrawn = w.value ->> 4, own = w.value ->> 5 FROM json_each($2) AS w WHERE place = $1 AND \
         resource = w.value ->> 0 AND plan = w.value ->> 1 AND rule = w.value ->> 2 AND due = w.value ->> 3",
    forget_missed: "DELETE FROM missed WHERE (resource, due, plan, rule, place) IN (SELECT resource, due, plan, rule, place FROM missed \
         WHERE due < $1 ORDER BY due LIMIT $2) RETURNING due, subject, withdrawn",
    histories: "SELECT j.key, j.id, p.account, p.region, s.kind, s.type, s.resource, s.vault, s.destination, s.plan, s.rule, \
         c.text, j.own FROM json_each($2) AS w CROSS JOIN subject AS s ON s.resource = w.value AND s.place = $1 AND s.kind = \
         1 CROSS JOIN job AS j ON j.key IN (SELECT key FROM (SELECT l.key FROM job AS l WHERE l.subject = s.id AND l.state = \
         6 ORDER BY l.key DESC LIMIT 1) AS done UNION ALL SELECT key FROM (SELECT l.key FROM job AS l WHERE l.subject = s.id \
         AND l.state <> 6 AND l.state IN (0, 1, 2, 3, 4, 5, 7, 8, 9) ORDER BY l.key DESC LIMIT 100) AS other) JOIN place AS \
         p ON p.id = s.place JOIN common AS c ON c.id = j.common",
};
