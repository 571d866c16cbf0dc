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
    forget_jobs: "DELETE FROM job WHERE key IN (SELECT key FROM job WHERE key < $1 ORDER BY key LIMIT $2) RETURNING key",
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
};
