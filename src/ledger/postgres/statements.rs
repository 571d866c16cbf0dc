//! PostgreSQL's SQL. States stand as literals: the plan of a statement that has one as a parameter overlooks partial indices.

use crate::ledger::statements::Statements;

pub(in crate::ledger) const STATEMENTS: Statements = Statements {
    // Whoever writes takes this row first and keeps it until the end: positions have no gaps, and none is seen before one that
    // is smaller. A sequence would give out positions that are committed later than their followers.
    take_head: "SELECT epoch, head, compacted FROM head FOR UPDATE",
    head: "SELECT epoch, head, compacted FROM head",
    set_head: "WITH told AS (SELECT pg_notify('strongroom_head', $1::bigint::text)) \
               UPDATE head SET head = $1::bigint WHERE (SELECT count(*) FROM told) = 1",
    make_places: "INSERT INTO place (account, region) SELECT w ->> 0, w ->> 1 FROM jsonb_array_elements($1::jsonb) AS w \
                  ON CONFLICT DO NOTHING",
    places: "SELECT id, account, region FROM place",
    make_subjects: "INSERT INTO subject (place, kind, type, resource, vault, destination, plan, rule) \
                    SELECT (w ->> 0)::bigint, (w ->> 1)::bigint, w ->> 2, w ->> 3, w ->> 4, w ->> 5, w ->> 6, w ->> 7 \
                    FROM jsonb_array_elements($1::jsonb) AS w ON CONFLICT DO NOTHING",
    subjects: "SELECT s.id, s.place, s.kind, s.type, s.resource, s.vault, s.destination, s.plan, s.rule \
               FROM jsonb_array_elements($1::jsonb) AS w JOIN subject AS s \
               ON s.resource = w ->> 3 AND s.place = (w ->> 0)::bigint AND s.kind = (w ->> 1)::bigint \
               AND s.type = w ->> 2 AND s.vault = w ->> 4 AND s.destination = w ->> 5 \
               AND s.plan = w ->> 6 AND s.rule = w ->> 7",
    make_commons: "INSERT INTO common (text) SELECT w FROM jsonb_array_elements_text($1::jsonb) AS w \
                   ON CONFLICT DO NOTHING",
    commons: "SELECT c.id, c.text FROM jsonb_array_elements_text($1::jsonb) AS w JOIN common AS c ON c.text = w",
    jobs_by_id: "SELECT j.key, j.id, p.account, p.region, s.kind, s.type, s.resource, s.vault, s.destination, s.plan, s.rule, \
                 c.text, j.own FROM jsonb_array_elements_text($1::jsonb) AS w JOIN job AS j ON j.id = w \
                 JOIN subject AS s ON s.id = j.subject JOIN place AS p ON p.id = s.place JOIN common AS c ON c.id = j.common",
    taken_keys: "SELECT j.key FROM jsonb_array_elements_text($1::jsonb) AS w JOIN job AS j ON j.key = w::bigint",
    drop_jobs: "DELETE FROM job USING jsonb_array_elements_text($1::jsonb) AS w WHERE key = w::bigint",
    put_jobs: "INSERT INTO job (key, id, subject, common, state, category, message, done, bytes, parent, point, own) \
               SELECT (w ->> 0)::bigint, w ->> 1, (w ->> 2)::bigint, (w ->> 3)::bigint, (w ->> 4)::bigint, w ->> 5, w ->> 6, \
               (w ->> 7)::bigint, (w ->> 8)::bigint, w ->> 9, (w ->> 10)::bigint, w ->> 11 \
               FROM jsonb_array_elements($1::jsonb) AS w \
               ON CONFLICT (key) DO UPDATE SET id = excluded.id, subject = excluded.subject, common = excluded.common, \
               state = excluded.state, category = excluded.category, message = excluded.message, done = excluded.done, \
               bytes = excluded.bytes, parent = excluded.parent, point = excluded.point, own = excluded.own",
    add_events: "INSERT INTO event (seq, at, what, job, subject, common, own) \
                 SELECT (w ->> 0)::bigint, (w ->> 1)::bigint, (w ->> 2)::bigint, w ->> 3, (w ->> 4)::bigint, \
                 (w ->> 5)::bigint, w ->> 6 FROM jsonb_array_elements($1::jsonb) AS w",
    events: "SELECT e.seq, e.at, e.what, e.seq, e.job, p.account, p.region, s.kind, s.type, s.resource, s.vault, \
             s.destination, s.plan, s.rule, c.text, e.own FROM \
             (SELECT * FROM event WHERE seq > $1 ORDER BY seq LIMIT $2) AS e \
             JOIN subject AS s ON s.id = e.subject JOIN place AS p ON p.id = s.place JOIN common AS c ON c.id = e.common \
             ORDER BY e.seq",
    forget_events: "DELETE FROM event WHERE seq IN (SELECT seq FROM event ORDER BY seq LIMIT $2) AND seq < \
                    coalesce((SELECT min(seq) FROM (SELECT seq, at FROM event ORDER BY seq LIMIT $2) AS oldest \
                    WHERE at >= $1), 9223372036854775807) RETURNING seq",
    set_compacted: "UPDATE head SET compacted = greatest(compacted, $1)",
    forget_jobs: "DELETE FROM job WHERE key IN (SELECT key FROM job WHERE key < $1 ORDER BY key LIMIT $2) \
                  RETURNING key, subject, state, bytes, done, \
                  (CASE WHEN state = 6 AND (message IS NOT NULL OR lower(category) <> 'success') THEN 1 ELSE 0 END)::bigint",
    feeds: "SELECT id, account, region, history_start, filled, as_of FROM place",
    set_feed: "UPDATE place SET history_start = $2, filled = $3, as_of = $4 WHERE id = $1",
    unended: "SELECT j.key, j.id, p.account, p.region, s.kind, s.type, s.resource, s.vault, s.destination, s.plan, s.rule, \
              c.text, j.own FROM job AS j JOIN subject AS s ON s.id = j.subject \
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
    lease: "SELECT holder, until - (extract(epoch FROM clock_timestamp()) * 1000)::bigint, fence FROM lease WHERE role = $1",
    take_lease: "INSERT INTO lease (role, holder, fence, until) \
                 VALUES ($1, $2, 1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint + $3::bigint) \
                 ON CONFLICT (role) DO UPDATE SET holder = excluded.holder, fence = lease.fence + 1, until = excluded.until \
                 WHERE lease.holder = excluded.holder OR lease.until <= (extract(epoch FROM clock_timestamp()) * 1000)::bigint \
                 RETURNING fence",
    renew_lease: "UPDATE lease SET until = (extract(epoch FROM clock_timestamp()) * 1000)::bigint + $4::bigint \
                  WHERE role = $1 AND holder = $2 AND fence = $3 RETURNING fence",
    end_lease: "UPDATE lease SET until = 0 WHERE role = $1 AND holder = $2 AND fence = $3",
    end_leases_of_others: "UPDATE lease SET until = 0 WHERE holder <> $1",
    // Incidents, recovery points and vaults.
    put_outcomes: "INSERT INTO outcome (resource, place, kind, good) SELECT w ->> 0, (w ->> 1)::bigint, (w ->> 2)::bigint, \
                   (w ->> 3)::bigint FROM jsonb_array_elements($1::jsonb) AS w ON CONFLICT (resource, place, kind) DO \
                   UPDATE SET good = greatest(outcome.good, excluded.good)",
    bad_jobs: "SELECT j.key, j.id, j.state, j.done, s.vault FROM subject AS s \
               JOIN job AS j ON j.subject = s.id WHERE s.resource = $1 AND s.place = $2 AND s.kind = $3 AND j.key > \
               coalesce((SELECT o.good FROM outcome AS o WHERE o.resource = $1 AND o.place = $2 AND o.kind = $3), -1) AND \
               j.state IN (6, 7, 8, 9) ORDER BY j.key DESC LIMIT $4",
    open_incidents: "SELECT i.id, i.place, p.account, p.region, i.cause, i.kind, i.object, i.resource, i.vault, i.opened, \
                     i.last, i.closed, i.times, i.job, i.own, i.taken_by, i.taken, i.note FROM \
                     jsonb_array_elements($1::jsonb) AS w JOIN incident AS i ON i.object = w ->> 0 AND i.place = (w ->> \
                     1)::bigint JOIN place AS p ON p.id = i.place WHERE i.closed IS NULL",
    put_incidents: "INSERT INTO incident (id, place, cause, kind, object, resource, vault, opened, last, closed, times, \
                    job, own) SELECT w ->> 0, (w ->> 1)::bigint, (w ->> 2)::bigint, (w ->> 3)::bigint, w ->> 4, w ->> 5, w \
                    ->> 6, (w ->> 7)::bigint, (w ->> 8)::bigint, (w ->> 9)::bigint, (w ->> 10)::bigint, w ->> 11, w ->> 12 \
                    FROM jsonb_array_elements($1::jsonb) AS w ON CONFLICT (id) DO UPDATE SET resource = excluded.resource, \
                    vault = excluded.vault, opened = excluded.opened, last = excluded.last, closed = excluded.closed, \
                    times = excluded.times, job = excluded.job, own = excluded.own",
    incidents: "SELECT i.id, i.place, p.account, p.region, i.cause, i.kind, i.object, i.resource, i.vault, i.opened, \
                i.last, i.closed, i.times, i.job, i.own, i.taken_by, i.taken, i.note FROM (SELECT * FROM incident WHERE \
                (opened, id) < ($1, $2) ORDER BY opened DESC, id DESC LIMIT $3) AS i JOIN place AS p ON p.id = i.place \
                WHERE EXISTS (SELECT 1 FROM jsonb_array_elements($4::jsonb) AS w WHERE w ->> 0 = p.account AND w ->> 1 = \
                p.region) AND (jsonb_array_length($5::jsonb) = 0 OR CASE WHEN i.closed IS NOT NULL THEN 3 WHEN i.taken IS \
                NOT NULL THEN 2 ELSE 1 END IN (SELECT w::bigint FROM jsonb_array_elements_text($5::jsonb) AS w)) AND \
                (jsonb_array_length($6::jsonb) = 0 OR i.cause IN (SELECT w::bigint FROM \
                jsonb_array_elements_text($6::jsonb) AS w)) AND (jsonb_array_length($7::jsonb) = 0 OR i.kind IN (SELECT \
                w::bigint FROM jsonb_array_elements_text($7::jsonb) AS w)) AND (jsonb_array_length($8::jsonb) = 0 OR \
                i.resource IN (SELECT w FROM jsonb_array_elements_text($8::jsonb) AS w)) AND \
                (jsonb_array_length($9::jsonb) = 0 OR i.vault IN (SELECT w FROM jsonb_array_elements_text($9::jsonb) AS \
                w)) ORDER BY i.opened DESC, i.id DESC LIMIT $10",
    incidents_looked_to: "SELECT opened, id FROM incident WHERE (opened, id) < ($1, $2) ORDER BY opened DESC, id DESC \
                          LIMIT 1 OFFSET $3",
    incident_counts: "SELECT p.account, p.region, i.cause, (i.taken IS NOT NULL)::int::bigint, count(*) FROM incident AS i JOIN place AS \
         p ON p.id = i.place WHERE i.closed IS NULL GROUP BY 1, 2, 3, 4",
    incident: "SELECT i.id, i.place, p.account, p.region, i.cause, i.kind, i.object, i.resource, i.vault, i.opened, \
               i.last, i.closed, i.times, i.job, i.own, i.taken_by, i.taken, i.note FROM incident AS i JOIN place AS p ON \
               p.id = i.place WHERE i.id = $1",
    take_incident: "UPDATE incident SET taken_by = $2, taken = $3, note = $4, closed = coalesce(closed, $5) WHERE id = $1",
    forget_incidents: "DELETE FROM incident WHERE id IN (SELECT id FROM incident WHERE closed IS NOT NULL AND closed < $1 \
                       ORDER BY closed, id LIMIT $2) RETURNING id",
    calls_about: "SELECT c.object, c.operation, c.at, c.caller FROM jsonb_array_elements($1::jsonb) AS w JOIN call AS c ON \
                  c.object = w ->> 0 AND c.at >= (w ->> 1)::bigint AND c.at <= (w ->> 2)::bigint ORDER BY c.at DESC",
    put_calls: "INSERT INTO call (object, operation, at, caller) SELECT w ->> 0, w ->> 1, (w ->> 2)::bigint, w ->> 3 FROM \
                jsonb_array_elements($1::jsonb) AS w ON CONFLICT DO NOTHING",
    forget_calls: "DELETE FROM call WHERE (object, at, operation) IN (SELECT object, at, operation FROM call WHERE at < $1 \
                   ORDER BY at LIMIT $2) RETURNING at",
    points: "SELECT q.arn, p.account, p.region, q.vault, q.resource, q.type, q.state, q.created, q.expires, q.kept, \
             q.bytes, q.seen, q.gone, q.why FROM jsonb_array_elements_text($1::jsonb) AS w JOIN point AS q ON q.arn = w \
             JOIN place AS p ON p.id = q.place",
    put_points: "INSERT INTO point (arn, place, vault, resource, type, state, created, expires, kept, bytes, seen, gone, \
                 why) SELECT w ->> 0, (w ->> 1)::bigint, w ->> 2, w ->> 3, w ->> 4, w ->> 5, (w ->> 6)::bigint, (w ->> \
                 7)::bigint, (w ->> 8)::bigint, (w ->> 9)::bigint, (w ->> 10)::bigint, (w ->> 11)::bigint, (w ->> \
                 12)::bigint FROM jsonb_array_elements($1::jsonb) AS w ON CONFLICT (arn) DO UPDATE SET place = \
                 excluded.place, vault = excluded.vault, resource = excluded.resource, type = excluded.type, state = \
                 excluded.state, created = excluded.created, expires = excluded.expires, kept = excluded.kept, bytes = \
                 excluded.bytes, seen = excluded.seen, gone = excluded.gone, why = excluded.why",
    unseen_points: "SELECT q.arn, p.account, p.region, q.vault, q.resource, q.type, q.state, q.created, q.expires, q.kept, \
                    q.bytes, q.seen, q.gone, q.why FROM point AS q JOIN place AS p ON p.id = q.place WHERE q.vault = $1 \
                    AND q.place = $2 AND q.seen < $3 AND q.gone IS NULL ORDER BY q.seen LIMIT $4",
    forget_points: "DELETE FROM point WHERE arn IN (SELECT arn FROM point WHERE gone IS NOT NULL AND gone < $1 ORDER BY \
                    gone LIMIT $2) RETURNING seen",
    add_point_changes: "INSERT INTO point_change (incident, arn, vault, seen, noticed, expired, expires) SELECT w ->> 0, w \
                        ->> 1, w ->> 2, (w ->> 3)::bigint, (w ->> 4)::bigint, (w ->> 5)::bigint, (w ->> 6)::bigint FROM \
                        jsonb_array_elements($1::jsonb) AS w",
    point_changes: "SELECT arn, vault, seen, noticed, expired, expires FROM point_change WHERE incident = $1 \
                    ORDER BY id DESC LIMIT $2",
    drop_point_changes: "DELETE FROM point_change WHERE incident IN (SELECT w FROM jsonb_array_elements_text($1::jsonb) AS w)",
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
                  SELECT (w ->> 0)::bigint, (w ->> 1)::bigint, (w ->> 2)::bigint, w ->> 3, w ->> 4, w ->> 5, w ->> 6, \
                  w ->> 7, w ->> 8, w ->> 9 FROM jsonb_array_elements($1::jsonb) AS w ON CONFLICT DO NOTHING",
    facets: "SELECT f.id, f.sort, f.place, f.kind, f.type, f.resource, f.vault, f.destination, f.plan, f.rule, f.owner \
             FROM jsonb_array_elements($1::jsonb) AS w JOIN facet AS f ON f.sort = (w ->> 0)::bigint \
             AND f.place = (w ->> 1)::bigint AND f.kind = (w ->> 2)::bigint AND f.type = w ->> 3 \
             AND f.resource = w ->> 4 AND f.vault = w ->> 5 AND f.destination = w ->> 6 AND f.plan = w ->> 7 \
             AND f.rule = w ->> 8 AND f.owner = w ->> 9",
    owners: "SELECT o.resource, o.place, o.owner FROM jsonb_array_elements_text($1::jsonb) AS w JOIN owned AS o \
             ON o.resource = w",
    known_databases: "SELECT d.arn, d.owner, d.whole FROM jsonb_array_elements_text($1::jsonb) AS w JOIN protection AS d \
                      ON d.arn = w",
    drop_tagged: "DELETE FROM tagged WHERE place = $1",
    put_tagged: "INSERT INTO tagged (place, arn, name, tags) SELECT (w ->> 0)::bigint, w ->> 1, w ->> 2, w ->> 3 \
                 FROM jsonb_array_elements($1::jsonb) AS w ON CONFLICT (arn, place) DO UPDATE SET name = excluded.name, \
                 tags = excluded.tags",
    tagged: "SELECT t.arn, t.name, t.tags FROM jsonb_array_elements_text($1::jsonb) AS w JOIN place AS p ON p.account = $2 \
             AND p.region = $3 JOIN tagged AS t ON t.arn = w AND t.place = p.id UNION SELECT t.arn, t.name, t.tags \
             FROM jsonb_array_elements_text($1::jsonb) AS w JOIN place AS p ON p.account = $2 AND p.region = $3 \
             JOIN tagged AS t ON t.name = w AND t.place = p.id ORDER BY 1",
    vault_pictures: "SELECT v.arn, v.picture FROM jsonb_array_elements_text($1::jsonb) AS w JOIN vault AS v ON v.arn = w",
    counted_otherwise: "SELECT d.arn, coalesce(o.owner, ''), d.owner FROM protection AS d LEFT JOIN owned AS o \
                        ON o.resource = d.arn AND o.place = d.place WHERE d.place = $1 \
                        AND d.owner <> coalesce(o.owner, '') LIMIT $2",
    cells_of_resources: "SELECT f.place, f.kind, f.type, f.resource, f.vault, f.destination, f.plan, f.rule, c.period, c.state, \
                         c.jobs, c.bytes, c.timed, c.seconds, c.issues FROM jsonb_array_elements_text($2::jsonb) AS w \
                         JOIN facet AS f ON f.sort = 6 AND f.resource = w AND f.place = $1 JOIN cell AS c ON c.facet = f.id \
                         AND c.grain = 0",
    set_owners: "INSERT INTO owned (resource, place, owner) SELECT w ->> 0, (w ->> 1)::bigint, w ->> 2 \
                 FROM jsonb_array_elements($1::jsonb) AS w ON CONFLICT (resource, place) DO UPDATE SET owner = excluded.owner",
    set_owners_of_facets: "UPDATE facet SET owner = w ->> 2 FROM jsonb_array_elements($1::jsonb) AS w WHERE facet.sort = 6 \
                           AND facet.resource = w ->> 0 AND facet.place = (w ->> 1)::bigint",
    add_to_cells: "INSERT INTO cell (facet, grain, period, state, jobs, bytes, timed, seconds, issues) \
                   SELECT (w ->> 0)::bigint, (w ->> 1)::bigint, (w ->> 2)::bigint, (w ->> 3)::bigint, \
                   (w ->> 4)::bigint, (w ->> 5)::bigint, (w ->> 6)::bigint, (w ->> 7)::bigint, (w ->> 8)::bigint \
                   FROM jsonb_array_elements($1::jsonb) AS w ON CONFLICT (facet, grain, period, state) \
                   DO UPDATE SET jobs = cell.jobs + excluded.jobs, bytes = cell.bytes + excluded.bytes, \
                   timed = cell.timed + excluded.timed, seconds = cell.seconds + excluded.seconds, \
                   issues = cell.issues + excluded.issues",
    drop_empty_cells: "DELETE FROM cell AS c USING jsonb_array_elements($1::jsonb) AS w \
                       WHERE c.facet = (w ->> 0)::bigint AND c.grain = (w ->> 1)::bigint \
                       AND c.period = (w ->> 2)::bigint AND c.state = (w ->> 3)::bigint AND c.jobs = 0",
    subjects_by_id: "SELECT s.id, p.account, p.region, s.kind, s.type, s.resource, s.vault, s.destination, s.plan, \
                     s.rule FROM jsonb_array_elements_text($1::jsonb) AS w JOIN subject AS s ON s.id = w::bigint \
                     JOIN place AS p ON p.id = s.place",
    span_of_keys: "SELECT (SELECT min(key) FROM job), (SELECT max(key) FROM job), (SELECT min(due) FROM missed), \
                   (SELECT max(due) FROM missed)",
    so_many_resources: "SELECT resource FROM facet WHERE sort = $1 AND resource > $2 ORDER BY resource \
                        LIMIT 1 OFFSET $3",
    // What a lane is, is read once, and not for each of its cells.
    cells: "WITH lane AS MATERIALIZED (SELECT (w ->> 0)::bigint AS g, (w ->> 1)::bigint AS facet, \
            (w ->> 2)::bigint AS grain, (w ->> 3)::bigint AS low, (w ->> 4)::bigint AS high \
            FROM jsonb_array_elements($1::jsonb) AS w) \
            SELECT lane.g, c.state, sum(c.jobs)::bigint, sum(c.bytes)::bigint, sum(c.timed)::bigint, \
            sum(c.seconds)::bigint, sum(c.issues)::bigint, count(*) \
            FROM lane JOIN cell AS c ON c.facet = lane.facet AND c.grain = lane.grain \
            AND c.period >= lane.low AND c.period < lane.high GROUP BY 1, 2",
    cells_by_period: "WITH lane AS MATERIALIZED (SELECT (w ->> 0)::bigint AS g, (w ->> 1)::bigint AS facet, \
                      (w ->> 2)::bigint AS grain, (w ->> 3)::bigint AS low, (w ->> 4)::bigint AS high \
                      FROM jsonb_array_elements($1::jsonb) AS w) \
                      SELECT lane.g, c.period, c.state, sum(c.jobs)::bigint, sum(c.bytes)::bigint, \
                      sum(c.timed)::bigint, sum(c.seconds)::bigint, sum(c.issues)::bigint, count(*) \
                      FROM lane JOIN cell AS c ON c.facet = lane.facet AND c.grain = lane.grain \
                      AND c.period >= lane.low AND c.period < lane.high GROUP BY 1, 2, 3",
    days_of_groups: "WITH lane AS MATERIALIZED (SELECT (w ->> 0)::bigint AS g, (w ->> 1)::bigint AS facet, \
                     (w ->> 2)::bigint AS low, (w ->> 3)::bigint AS high FROM jsonb_array_elements($1::jsonb) AS w) \
                     SELECT lane.g, count(DISTINCT c.period) FROM lane JOIN cell AS c ON c.facet = lane.facet \
                     AND c.grain = 0 AND c.period >= lane.low AND c.period < lane.high GROUP BY 1",
    setbacks: "WITH last AS MATERIALIZED (SELECT (w ->> 0)::bigint AS g, (SELECT c.period FROM cell AS c \
               WHERE c.facet = (w ->> 1)::bigint AND c.grain = 0 AND c.state IN (5, 7, 8, 9) AND c.period >= $2 \
               AND c.period < $3 ORDER BY c.period DESC LIMIT 1) AS day FROM jsonb_array_elements($1::jsonb) AS w) \
               SELECT g, max(day) FROM last WHERE day IS NOT NULL GROUP BY g",
    // Each lane is walked by itself: joined as the planner likes it, all jobs of a subject would be looked at.
    jobs_of_facets: "SELECT lane.g, j.key, j.state FROM (SELECT (w ->> 0)::bigint AS g, (w ->> 1)::bigint AS facet, \
                     (w ->> 2)::bigint AS low, (w ->> 3)::bigint AS high FROM jsonb_array_elements($1::jsonb) AS w) AS lane \
                     CROSS JOIN LATERAL (SELECT * FROM facet WHERE id = lane.facet LIMIT 1) AS f \
                     CROSS JOIN LATERAL (SELECT id FROM subject AS s WHERE s.resource = f.resource COLLATE \"default\" \
                     AND s.place = f.place AND s.kind = f.kind AND s.type = f.type COLLATE \"default\" \
                     AND s.vault = f.vault COLLATE \"default\" AND s.destination = f.destination COLLATE \"default\" \
                     AND s.plan = f.plan COLLATE \"default\" AND s.rule = f.rule COLLATE \"default\" LIMIT 1) AS s \
                     CROSS JOIN LATERAL (SELECT key, state FROM job WHERE subject = s.id AND key >= lane.low AND key < lane.high \
                     ORDER BY key LIMIT 5000) AS j",

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
         ratio, worst, late, success, next, digest, whole) SELECT w ->> 0, (w ->> 1)::bigint, (w ->> 2)::bigint, w ->> 3, w \
         ->> 4, (w ->> 5)::bigint, w ->> 6, w ->> 7, (w ->> 8)::bigint, (w ->> 9)::bigint, (w ->> 10)::bigint, (w ->> \
         11)::bigint, (w ->> 12)::bigint, (w ->> 13)::bigint, (w ->> 14)::bigint, (w ->> 15)::bigint, w ->> 16, w ->> 17 \
         FROM jsonb_array_elements($1::jsonb) AS w ON CONFLICT (arn) DO UPDATE SET place = excluded.place, generation = \
         excluded.generation, resource = excluded.resource, made = excluded.made, kind = excluded.kind, engine = \
         excluded.engine, owner = excluded.owner, verdict = excluded.verdict, never_ran = excluded.never_ran, failures = \
         excluded.failures, ratio = excluded.ratio, worst = excluded.worst, late = excluded.late, success = \
         excluded.success, next = excluded.next, digest = excluded.digest, whole = excluded.whole",
    age_protections: "UPDATE protection SET generation = (w ->> 1)::bigint, ratio = (w ->> 2)::bigint, worst = (w ->> 3)::bigint, late = \
         (w ->> 4)::bigint FROM jsonb_array_elements($1::jsonb) AS w WHERE arn = w ->> 0",
    drop_protections: "DELETE FROM protection WHERE place = $1 AND generation < $2 AND kind IN (SELECT w::bigint FROM \
         jsonb_array_elements_text($3::jsonb) AS w) RETURNING arn",
    drop_words: "DELETE FROM protection_word WHERE arn IN (SELECT w FROM jsonb_array_elements_text($1::jsonb) AS w)",
    put_words: "INSERT INTO protection_word (what, word, arn) SELECT (w ->> 0)::bigint, w ->> 1, w ->> 2 FROM \
         jsonb_array_elements($1::jsonb) AS w ON CONFLICT DO NOTHING",
    protection_figures: "SELECT p.account, p.region, d.arn, k.type, d.worst, d.verdict, d.never_ran, d.failures, d.success, \
         json_build_array(k.allowed, k.interval, k.coverage)::text, (SELECT coalesce(json_agg(json_build_array(k.plan, \
         k.missed)), '[]')::text FROM (SELECT m.plan, count(*) AS missed FROM missed AS m WHERE m.resource = d.arn AND m.made \
         = d.made AND m.due > d.success AND m.withdrawn IS NULL GROUP BY m.plan) AS k) FROM protection AS d CROSS JOIN \
         LATERAL json_to_record(d.whole::json) AS k (type text, allowed json, interval json, coverage json) JOIN place AS p \
         ON p.id = d.place WHERE d.arn > $1 ORDER BY d.arn LIMIT $2",
    memberships: "SELECT id, since, until, state, whole FROM membership WHERE place = $1",
    put_memberships: "INSERT INTO membership (place, id, since, until, state, whole) SELECT (w ->> 0)::bigint, w ->> 1, (w ->> \
         2)::bigint, (w ->> 3)::bigint, (w ->> 4)::bigint, w ->> 5 FROM jsonb_array_elements($1::jsonb) AS w ON CONFLICT \
         (place, id) DO UPDATE SET since = excluded.since, until = excluded.until, state = excluded.state, whole = \
         excluded.whole",
    drop_memberships: "DELETE FROM membership WHERE place = $1 AND id IN (SELECT w FROM jsonb_array_elements_text($2::jsonb) AS w)",
    timings: "SELECT digest, whole FROM timing WHERE place = $1",
    put_timings: "INSERT INTO timing (place, digest, whole) SELECT (w ->> 0)::bigint, w ->> 1, w ->> 2 FROM \
         jsonb_array_elements($1::jsonb) AS w ON CONFLICT (place, digest) DO UPDATE SET whole = excluded.whole",
    drop_timings: "DELETE FROM timing WHERE place = $1 AND digest NOT IN (SELECT w FROM jsonb_array_elements_text($2::jsonb) AS w)",
    put_missed: "INSERT INTO missed (place, resource, plan, rule, due, made, subject, first, last, own) SELECT (w ->> 0)::bigint, w \
         ->> 1, w ->> 2, w ->> 3, (w ->> 4)::bigint, w ->> 5, (w ->> 6)::bigint, (w ->> 7)::bigint, (w ->> 8)::bigint, w ->> \
         9 FROM jsonb_array_elements($1::jsonb) AS w ON CONFLICT DO NOTHING RETURNING resource, due, plan, rule",
    made_after_all: "SELECT m.resource, m.plan, m.rule, m.due, p.account, p.region, s.kind, s.type, s.resource, s.vault, s.destination, \
         s.plan, s.rule, m.own, m.subject, max(j.id) FROM missed AS m JOIN subject AS k ON k.resource = m.resource AND \
         k.place = m.place AND k.kind = 1 AND k.plan = m.plan AND k.rule = m.rule JOIN job AS j ON j.subject = k.id AND \
         j.key >= m.first AND j.key < m.last JOIN subject AS s ON s.id = m.subject JOIN place AS p ON p.id = m.place WHERE \
         m.place = $1 AND m.due >= $2 AND m.withdrawn IS NULL GROUP BY m.resource, m.plan, m.rule, m.due, p.account, \
         p.region, s.kind, s.type, s.resource, s.vault, s.destination, s.plan, s.rule, m.own, m.subject",
    withdraw_missed: "UPDATE missed SET withdrawn = (w ->> 4)::bigint, own = w ->> 5 FROM jsonb_array_elements($2::jsonb) AS w WHERE \
         place = $1 AND resource = w ->> 0 AND plan = w ->> 1 AND rule = w ->> 2 AND due = (w ->> 3)::bigint",
    forget_missed: "DELETE FROM missed WHERE (resource, due, plan, rule, place) IN (SELECT resource, due, plan, rule, place FROM missed \
         WHERE due < $1 ORDER BY due LIMIT $2) RETURNING due, subject, withdrawn",
    histories: "SELECT j.key, j.id, p.account, p.region, s.kind, s.type, s.resource, s.vault, s.destination, s.plan, s.rule, \
         c.text, j.own FROM jsonb_array_elements_text($2::jsonb) AS w JOIN subject AS s ON s.resource = w AND s.place = $1 \
         AND s.kind = 1 CROSS JOIN LATERAL (SELECT key FROM (SELECT l.key FROM job AS l WHERE l.subject = s.id AND l.state = \
         6 ORDER BY l.key DESC LIMIT 1) AS done UNION ALL SELECT key FROM (SELECT l.key FROM job AS l WHERE l.subject = s.id \
         AND l.state <> 6 AND l.state IN (0, 1, 2, 3, 4, 5, 7, 8, 9) ORDER BY l.key DESC LIMIT 100) AS other) AS k JOIN job \
         AS j ON j.key = k.key JOIN place AS p ON p.id = s.place JOIN common AS c ON c.id = j.common",
};
