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
    forget_jobs: "DELETE FROM job WHERE key IN (SELECT key FROM job WHERE key < $1 ORDER BY key LIMIT $2) RETURNING key",
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
};
