//! The SQL that both databases must have, by what it is for: what one of them lacks does not compile.
//!
//! Several rows go in as one parameter, a JSON array of arrays: a statement is one way to the database and back, however many
//! rows it writes. Parameters are told by their numbers, in the order of the documentation.

/// The statements of a database.
#[derive(Debug)]
pub(super) struct Statements {
    /// Takes the head row, so that other writers wait: epoch, head, compacted.
    pub(super) take_head: &'static str,
    /// Reads the head row: epoch, head, compacted.
    pub(super) head: &'static str,
    /// 1 the new head. Those who wait for news are told when it is committed.
    pub(super) set_head: &'static str,
    /// 1 `[[account, region], …]`: makes places that are not there.
    pub(super) make_places: &'static str,
    /// Every place: id, account, region.
    pub(super) places: &'static str,
    /// 1 `[[place, kind, type, resource, vault, destination, plan, rule], …]`: makes subjects that are not there.
    pub(super) make_subjects: &'static str,
    /// 1 the same: id and the eight columns, of each.
    pub(super) subjects: &'static str,
    /// 1 `[text, …]`: makes what is not there of what many jobs have in common.
    pub(super) make_commons: &'static str,
    /// 1 the same: id, text.
    pub(super) commons: &'static str,
    /// 1 `[id, …]`: the jobs that there are of these ids, as [`super::jobs::COLUMNS`].
    pub(super) jobs_by_id: &'static str,
    /// 1 `[key, …]`: those keys that jobs have.
    pub(super) taken_keys: &'static str,
    /// 1 `[key, …]`: takes jobs away.
    pub(super) drop_jobs: &'static str,
    /// 1 `[[key, id, subject, common, state, category, message, done, bytes, parent, point, own], …]`: makes jobs, or
    /// overwrites those of the same key.
    pub(super) put_jobs: &'static str,
    /// 1 `[[seq, at, what, job id, subject, common, own], …]`: adds events.
    pub(super) add_events: &'static str,
    /// 1 the position after which, 2 how many: seq, at, what, and the job as it was then, as [`super::jobs::COLUMNS`].
    pub(super) events: &'static str,
    /// 1 the instant before which, 2 how many at most: forgets events, the oldest first; the last one's position, or none.
    pub(super) forget_events: &'static str,
    /// 1 the position up to which events are forgotten.
    pub(super) set_compacted: &'static str,
    /// 1 the key before which, 2 how many at most: forgets jobs, the oldest first; of each key, subject, state, bytes, done, whether
    /// it had something to read.
    pub(super) forget_jobs: &'static str,
    /// Every place: id, account, region, history start, whether it is filled, as of.
    pub(super) feeds: &'static str,
    /// 1 place, 2 history start, 3 whether it is filled, 4 as of: how far a place was read.
    pub(super) set_feed: &'static str,
    /// 1 account, 2 region, 3 kind, 4 how many at most: jobs that have not ended, the oldest first, as [`super::jobs::COLUMNS`].
    pub(super) unended: &'static str,
    /// 1 place, 2 operation, 3 request id as AWS was told it, 4 digest, 5 job id, 6 answer, 7 when: what came of a request.
    pub(super) put_request: &'static str,
    /// 1 account, 2 region, 3 operation, 4 request id: digest, job id, answer.
    pub(super) request: &'static str,
    /// 1 the instant before which, 2 how many at most: forgets requests, the oldest first; a row for each.
    pub(super) forget_requests: &'static str,

    // Leases. Now is the database's.
    /// 1 role: holder, milliseconds until it ends, fence.
    pub(super) lease: &'static str,
    /// 1 role, 2 holder, 3 milliseconds: leases it, if nobody else has it; the fence, or no row.
    pub(super) take_lease: &'static str,
    /// 1 role, 2 holder, 3 fence, 4 milliseconds: renews this very lease; a row, or none.
    pub(super) renew_lease: &'static str,
    /// 1 role, 2 holder, 3 fence: ends this very lease.
    pub(super) end_lease: &'static str,
    /// 1 holder: ends the leases of all others.
    pub(super) end_leases_of_others: &'static str,

    // Incidents. Their columns: id, place, account, region, cause, kind, object, resource, vault, opened, last, closed, times, job, own,
    // taken by, taken, note.
    /// 1 `[[resource, place, kind, key], …]`: the newest jobs that came to a good end, where they are newer than what is known.
    pub(super) put_outcomes: &'static str,
    /// 1 resource, 2 place, 3 kind, 4 how many at most: the ended jobs since the last good end, the newest first: key, id, state,
    /// done, vault. Those of them that completed have something to read.
    pub(super) bad_jobs: &'static str,
    /// 1 `[[object, place], …]`: the incidents of these that are open, with their columns.
    pub(super) open_incidents: &'static str,
    /// 1 `[[id, place, cause, kind, object, resource, vault, opened, last, closed, times, job, own], …]`: makes incidents, or
    /// overwrites those of the same id.
    pub(super) put_incidents: &'static str,
    /// 1 opened before, 2 or then with an id before, 3 how many are looked at, 4 `[[account, region], …]`, 5 `[state, …]` (1 open,
    /// 2 acknowledged, 3 closed), 6 `[cause, …]`, 7 `[kind, …]`, 8 `[resource, …]`, 9 `[vault, …]`, 10 how many at most: those
    /// opened last first, with their columns.
    pub(super) incidents: &'static str,
    /// 1 opened before, 2 or then with an id before, 3 how many are looked at: the last of these, opened and id, if there are so
    /// many.
    pub(super) incidents_looked_to: &'static str,
    /// Of every place how many incidents of each cause are open: account, region, cause, 1 where somebody looks after them and 0
    /// where nobody does, how many.
    pub(super) incident_counts: &'static str,
    /// 1 id: the incident, with their columns.
    pub(super) incident: &'static str,
    /// 1 id, 2 by whom, 3 when, 4 note, 5 when it is closed thereby: somebody looks after an incident.
    pub(super) take_incident: &'static str,
    /// 1 the instant before which, 2 how many at most: forgets incidents that were closed then, the oldest first; their
    /// ids.
    pub(super) forget_incidents: &'static str,
    /// 1 `[[object, from, to], …]`: who had AWS Backup do what to these: object, operation, at, caller; the last first.
    pub(super) calls_about: &'static str,
    /// 1 `[[object, operation, at, caller], …]`: adds what is not there.
    pub(super) put_calls: &'static str,
    /// 1 the instant before which, 2 how many at most: forgets calls; a row for each.
    pub(super) forget_calls: &'static str,

    // Recovery points and vaults. The columns of points: arn, account, region, vault, resource, type, state, created, expires, kept,
    // bytes, seen, gone, why.
    /// 1 `[arn, …]`: those of these points that are known, with their columns.
    pub(super) points: &'static str,
    /// 1 `[[arn, place, vault, resource, type, state, created, expires, kept, bytes, seen, gone, why], …]`: makes points, or
    /// overwrites those of the same ARN.
    pub(super) put_points: &'static str,
    /// 1 vault, 2 place, 3 an instant, 4 how many at most: points that are there and were not told since, with
    /// their columns.
    pub(super) unseen_points: &'static str,
    /// 1 the instant before which, 2 how many at most: forgets points that were gone then; a row for each.
    pub(super) forget_points: &'static str,
    /// 1 `[[incident, arn, vault, seen, noticed, expired, expires], …]`: adds what happened to points.
    pub(super) add_point_changes: &'static str,
    /// 1 incident, 2 how many at most: what happened to points, the last first: arn, vault, seen, noticed, expired, expires.
    pub(super) point_changes: &'static str,
    /// 1 `[incident, …]`: takes away what happened to points.
    pub(super) drop_point_changes: &'static str,
    /// 1 place, 2 the instant: closes what is about deleted points that would be gone by now.
    pub(super) close_deleted: &'static str,
    /// 1 place, 2 the instant: closes what is about shortened retentions that are none any more.
    pub(super) close_shortened: &'static str,
    /// 1 place: the ARN of each vault.
    pub(super) vaults: &'static str,
    /// 1 arn, 2 place: picture, seen of a vault.
    pub(super) vault: &'static str,
    /// 1 arn, 2 place, 3 picture, 4 seen: makes a vault, or overwrites it.
    pub(super) put_vault: &'static str,
    /// 1 arn, 2 place: takes a vault away.
    pub(super) drop_vault: &'static str,

    // Rollups, see `rollups`.
    /// 1 `[[sort, place, kind, type, resource, vault, destination, plan, rule, owner], …]`: makes facets that are not there.
    pub(super) make_facets: &'static str,
    /// 1 the same: id and the ten columns, of each.
    pub(super) facets: &'static str,
    /// 1 `[[facet, grain, period, state, jobs, bytes, timed, seconds, issues], …]`: adds to cells, or makes them.
    pub(super) add_to_cells: &'static str,
    /// 1 the same: takes away those of these cells that count no job any more.
    pub(super) drop_empty_cells: &'static str,
    /// 1 `[resource, …]`: resource, place and owner of those that are counted as somebody's.
    pub(super) owners: &'static str,
    /// 1 place, 2 how many at most: the databases that are counted as another's than they are by the last look: ARN, the owner so
    /// far, the owner by now.
    pub(super) counted_otherwise: &'static str,
    /// 1 place, 2 `[resource, …]`: what is counted by everything of these, day by day: the eight columns of the subject, day, state,
    /// jobs, bytes, timed, seconds, issues.
    pub(super) cells_of_resources: &'static str,
    /// 1 `[[resource, place, owner], …]`: notes as whose these are counted.
    pub(super) set_owners: &'static str,
    /// 1 the same: renames the owner in the facets that keep the resource.
    pub(super) set_owners_of_facets: &'static str,
    /// 1 `[subject, …]`: id, account, region, kind, type, resource, vault, destination, plan, rule.
    pub(super) subjects_by_id: &'static str,
    /// The first and the last key of a job, and when the first and the last missed run was due; none where there are none.
    pub(super) span_of_keys: &'static str,
    /// 1 sort, 2 the resource after which, 3 how many facets: the resource of the last of so many facets in their order; none where
    /// there are fewer.
    pub(super) so_many_resources: &'static str,
    /// 1 `[[group, facet, grain, first period, period after the last], …]`: group, state, the sums of jobs, bytes, timed, seconds and
    /// issues, and of how many cells.
    pub(super) cells: &'static str,
    /// 1 the same: group, period, and so on.
    pub(super) cells_by_period: &'static str,
    /// 1 `[[group, facet, first day, day after the last], …]`: group, and on how many of these days something was counted.
    pub(super) days_of_groups: &'static str,
    /// 1 `[[group, facet], …]`, 2 the first day, 3 the day after the last: group, and its last day with a job that ended otherwise than
    /// well, where it has one.
    pub(super) setbacks: &'static str,
    /// 1 `[[group, facet, first key, key after the last], …]` of facets that keep everything: group, key and state of the jobs.
    pub(super) jobs_of_facets: &'static str,

    // Coverage.
    /// Every place that was looked at: account, region, place, generation, as of, judged until, trouble, findings, judged since.
    pub(super) surveys: &'static str,
    /// 1 place, 2 generation, 3 as of, 4 judged until, 5 trouble, 6 findings: how far a place was looked at. Since when it is
    /// judged, the first look says.
    pub(super) set_survey: &'static str,
    /// 1 an instant: what was due before it is judged no more.
    pub(super) set_judged_since: &'static str,
    /// 1 account, 2 region, 3 what, 4 its name: notes that it was changed.
    pub(super) put_touched: &'static str,
    /// One of the things that were changed, if there are any: account, region, what, name.
    pub(super) touched: &'static str,
    /// Takes all of them away: the same of each.
    pub(super) take_touched: &'static str,
    /// 1 place: how it looks for the runs ahead.
    pub(super) outlook: &'static str,
    /// 1 place, 2 how it looks: keeps that.
    pub(super) put_outlook: &'static str,
    /// 1 place: ARN and digest of every database that is kept.
    pub(super) protection_digests: &'static str,
    /// 1 `[[arn, place, generation, resource, made, kind, engine, owner, verdict, never_ran, failures, ratio, worst, late,
    /// success, next, digest, whole], …]`: makes databases, or overwrites them.
    pub(super) put_protections: &'static str,
    /// 1 `[[arn, generation, ratio, worst, late], …]`: what time alone changed of databases.
    pub(super) age_protections: &'static str,
    /// 1 place, 2 generation, 3 `[kind, …]`: takes away the databases of these kinds that are of an earlier look; their ARNs.
    pub(super) drop_protections: &'static str,
    /// 1 `[arn, …]`: takes away the words of databases.
    pub(super) drop_words: &'static str,
    /// 1 `[[what, word, arn], …]`: adds words of databases.
    pub(super) put_words: &'static str,
    /// 1 the ARN after which, 2 how many: what is measured of databases, in the order of their ARNs: account, region, ARN, type,
    /// worst, verdict, never_ran, failures, success, `[allowed, interval, coverage]` of the whole, and `[[plan, how many], …]` of
    /// the runs that were missed since the last success.
    pub(super) protection_figures: &'static str,
    /// 1 `[arn, …]`: of the databases that are known of these: ARN, owner, whole.
    pub(super) known_databases: &'static str,
    /// 1 place: takes its vaults and plans with tags away.
    pub(super) drop_tagged: &'static str,
    /// 1 `[[place, arn, name, tags], …]`: keeps vaults and plans with their tags, or overwrites them.
    pub(super) put_tagged: &'static str,
    /// 1 `[ARN or name, …]`, 2 account, 3 region: of those that are known there, ARN, name, tags.
    pub(super) tagged: &'static str,
    /// 1 `[arn, …]`: of the vaults that are known of these, ARN and picture.
    pub(super) vault_pictures: &'static str,
    /// 1 place: id, since, until, state, whole.
    pub(super) memberships: &'static str,
    /// 1 `[[place, id, since, until, state, whole], …]`: makes memberships, or overwrites them.
    pub(super) put_memberships: &'static str,
    /// 1 place, 2 `[id, …]`: takes memberships away.
    pub(super) drop_memberships: &'static str,
    /// 1 place: digest, whole.
    pub(super) timings: &'static str,
    /// 1 `[[place, digest, whole], …]`: keeps when plans run.
    pub(super) put_timings: &'static str,
    /// 1 place, 2 `[digest, …]`: forgets when plans ran, but these.
    pub(super) drop_timings: &'static str,
    /// 1 `[[place, resource, plan, rule, due, made, subject, first, last, own], …]`: makes missed runs; resource, due, plan
    /// and rule of those that were not there.
    pub(super) put_missed: &'static str,
    /// 1 place, 2 the instant from which on they were due: the missed runs that are not withdrawn and of which there is a
    /// job: resource, plan, rule, due, the eight columns of the subject with account and region for the place, own, subject,
    /// job.
    pub(super) made_after_all: &'static str,
    /// 1 place, 2 `[[resource, plan, rule, due, when, own], …]`: withdraws missed runs.
    pub(super) withdraw_missed: &'static str,
    /// 1 the instant before which, 2 how many at most: forgets missed runs, the oldest first: due, subject, withdrawn.
    pub(super) forget_missed: &'static str,
    /// 1 place, 2 `[resource, …]`: of the backup jobs of each resource, subject by subject, the last that COMPLETED and the
    /// last hundred that did not, as [`super::jobs::COLUMNS`].
    pub(super) histories: &'static str,
}
