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
    /// 1 the key before which, 2 how many at most: forgets jobs, the oldest first; a row for each.
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
}
