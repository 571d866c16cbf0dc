//! Why a list is empty: what it is filtered by is not there, or cannot go together. A filter that can never match must not
//! look like one that nothing matches at the moment.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{
    Arn, Finding, Job, JobKind, Noun, Period, Resource, ResourceKind, ResourceRef, ResourceType, Scope, Unseen,
    nearest, quoted, selection::member_of,
};

/// Code of the finding that a database is an instance of a cluster.
pub const CLUSTER_MEMBER: &str = "CLUSTER_MEMBER";

/// How long AWS remembers backup and copy jobs `[D]`.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The day on which AWS announced AWS Backup, 2019-01-16 `[D]`: no job and no recovery point is older.
const BEGINNING: Timestamp = Timestamp::constant(1_547_596_800, 0);

/// That a thing which the field names does not exist, and that nothing of it was found either: the code, by what it is. What
/// was deleted may still have jobs and recovery points, so this is no error of the request.
pub fn not_there(noun: Noun, name: &str, field: &str, question: &str) -> Finding {
    let (code, word) = match noun {
        Noun::Vault => ("VAULT_NOT_FOUND", "vault"),
        Noun::Plan => ("PLAN_NOT_FOUND", "plan"),
        Noun::Job => ("JOB_NOT_FOUND", "job"),
        Noun::RecoveryPoint => ("RECOVERY_POINT_NOT_FOUND", "recovery point"),
        Noun::Resource
        | Noun::Selection
        | Noun::Role
        | Noun::Policy
        | Noun::Key
        | Noun::Topic
        | Noun::LegalHold
        | Noun::Incident
        | Noun::Approval
        | Noun::Account => ("RESOURCE_NOT_FOUND", "database"),
    };
    let message = format!("no {word} {name} is there now, and nothing of it was found{question}");
    let action = format!("correct {field}, or look in another account or region");
    Finding::warning(code, message, action).at(field).about(name)
}

/// That nobody could tell whether the thing exists.
pub fn not_looked_up(name: &str, field: &str, permissions: &str, unseen: &Unseen) -> Finding {
    let what = format!("whether {name} exists");
    let action = unseen.action(permissions, "ask again");
    unseen.not_checked(&what, "nothing of it was found", action).at(field).about(name)
}

/// That nobody could tell whether the database is an instance of a cluster.
pub fn member_not_checked(id: &str, field: &str, permissions: &str, unseen: &Unseen) -> Finding {
    let what = format!("whether {id} is an instance of a cluster");
    let action = unseen.action(permissions, "ask GetResource");
    unseen.not_checked(&what, "AWS Backup has nothing of one", action).at(field).about(id)
}

/// That the thing is in another account or region than the list, where its own jobs and recovery points are.
pub fn elsewhere(name: &str, field: &str, scope: &Scope) -> Finding {
    let Scope { account, region } = scope;
    let message = format!("{name} is not in account {account}, region {region}, and nothing of it was found there");
    let action = format!("give the scope of {field}, which its ARN names; only copies are elsewhere");
    Finding::warning("RESOURCE_OUT_OF_SCOPE", message, action).at(field).about(name)
}

/// That Strongroom cannot tell whether such a thing exists: it asks AWS Backup and RDS alone.
pub fn never_looked_up(name: &str, field: &str) -> Finding {
    let message = format!("nothing of {name} was found; {}", existence_unknown(name, ""));
    Finding::info("NOT_CHECKED", message).at(field).about(name)
}

/// That a thing of another service than RDS is named, and nobody can tell whether it exists; `others`: what besides it.
pub fn existence_not_checked(name: &str, others: &str, field: &str) -> Finding {
    Finding::info("NOT_CHECKED", existence_unknown(name, others)).at(field)
}

fn existence_unknown(name: &str, others: &str) -> String {
    format!("whether {name}{others} exists Strongroom cannot tell, as it asks no other service than RDS")
}

/// That a resource without tags may not be there: AWS's tagging service answers the same of both.
pub fn untagged(resource: &ResourceRef, tags: &BTreeMap<String, String>) -> Option<Finding> {
    let ResourceRef::Arn(arn) = resource else { return None };
    if !tags.is_empty() || ["rds", "backup"].contains(&arn.service()) {
        return None;
    }
    let message = format!("{arn} has no tags, or is not there: AWS's tagging service tells neither from the other");
    Some(Finding::info("NOT_CHECKED", message).at("resource").about(arn.as_str()))
}

/// That the database is an instance of a cluster, so that AWS Backup has nothing of it.
pub fn of_member(database: &Resource, field: &str) -> Option<Finding> {
    let Resource { id, cluster_id: cluster, .. } = database;
    (database.kind == ResourceKind::DbInstance && !cluster.is_empty()).then(|| {
        let message = format!("{id} {}", member_of(cluster));
        let action = format!("ask for {cluster}, the cluster");
        Finding::warning(CLUSTER_MEMBER, message, action).at(field).about(id)
    })
}

/// What keeps a database that is there from having any backups by AWS Backup, or the ones that are asked for.
pub fn of_database(database: &Resource, types: &[ResourceType], field: &str, types_field: &str) -> Option<Finding> {
    if let Some(member) = of_member(database, field) {
        return Some(member);
    }
    let id = &database.id;
    let of_type = database.resource_type();
    if types.is_empty() || types.contains(&of_type) {
        return None;
    }
    let message = format!("{id} is of type {of_type}, and of no other");
    let action = format!("give {of_type}, or leave the type out");
    Some(Finding::warning("RESOURCE_TYPE_DIFFERS", message, action).at(types_field).about(id))
}

/// That AWS copies no backup of the database, so that it has no copy jobs.
pub fn never_copied(database: &Resource, field: &str) -> Option<Finding> {
    let finding = || Finding::multi_az_cluster_not_copyable("").as_warning().at(field).about(&database.id);
    database.is_multi_az_cluster().then(finding)
}

/// Why nothing is part of a job that is there, as far as that is certain.
pub fn without_parts(job: &Job, kinds: &[JobKind], field: &str) -> Option<Finding> {
    let (id, kind) = (&job.id, job.kind);
    if !kinds.is_empty() && !kinds.contains(&kind) {
        let message = format!("{id} is a {kind} job, and so are its parts");
        return Some(
            Finding::warning("JOB_KIND_DIFFERS", message, "ask for its own kind").at(field).about(id.as_str()),
        );
    }
    job.resource_type.as_ref().filter(|of_type| of_type.is_database()).map(|of_type| {
        let message = format!("{kind} job {id} is of one database ({of_type}), and has no parts");
        Finding::warning("JOB_WITHOUT_PARTS", message, "ask GetJob for it").at(field).about(id.as_str())
    })
}

/// That a recovery point that is there is none that others are parts of: those are AWS Backup's own, and no snapshots of a
/// service.
pub fn point_without_parts(arn: &Arn, field: &str) -> Option<Finding> {
    let message = || format!("{arn} is the recovery point of one resource, and has no parts");
    let finding = || Finding::warning("RECOVERY_POINT_WITHOUT_PARTS", message(), "ask GetRecoveryPoint for it");
    (arn.service() != "backup").then(|| finding().at(field).about(arn.as_str()))
}

/// That the word is none of AWS's classes of explanations that are known, where one is near.
pub fn unknown_category(category: &str, field: &str) -> Option<Finding> {
    // AWS publishes no list [U]; these are in its model and guide [M][D].
    const KNOWN: [&str; 5] = ["AccessDenied", "SUCCESS", "Success", "InvalidParameters", "INVALIDPARAMETERS"];
    if KNOWN.contains(&category) {
        return None;
    }
    let question = nearest(category, KNOWN).map(|word| format!("; did you mean {word}?")).unwrap_or_default();
    let message =
        format!("no job has the message category {}, which is none that Strongroom knows{question}", quoted(category));
    Some(Finding::warning("MESSAGE_CATEGORY_UNKNOWN", message, "see message_category of the jobs there are").at(field))
}

impl Period {
    /// That nothing can lie in it: it has not begun yet, or ends before AWS Backup began.
    pub fn findings(self, field: &str, now: Timestamp) -> Option<Finding> {
        if let Some(before) = self.before.filter(|before| *before <= BEGINNING) {
            let message = format!("ends at {before}, before AWS Backup began in January 2019: nothing is from then");
            let finding = Finding::warning("INTERVAL_BEFORE_AWS_BACKUP", message, "");
            return Some(finding.at(format!("{field}.end_time")));
        }
        let after = self.after.filter(|after| *after > now)?;
        let message = format!("begins at {after}, and it is {now} by AWS's clock: nothing is from the future");
        Some(Finding::warning("INTERVAL_IN_FUTURE", message, "").at(format!("{field}.start_time")))
    }

    /// As [`Self::findings`] for times of backup and copy jobs, which AWS forgets: one that ended then was created before.
    pub fn findings_of_jobs(self, field: &str, now: Timestamp) -> Option<Finding> {
        let Ok(oldest) = now.checked_sub(REMEMBERED) else { return self.findings(field, now) };
        let of = |bound: Option<Timestamp>| bound.filter(|bound| *bound <= oldest);
        if let Some(before) = of(self.before) {
            let message = format!(
                "ends at {before}: AWS remembers backup and copy jobs for 30 days, that is since {oldest}, and tells none of \
                 then"
            );
            let action = "look at the recovery points: those that are left tell what was backed up";
            return Some(Finding::warning("JOBS_FORGOTTEN", message, action).at(format!("{field}.end_time")));
        }
        if let Some(after) = of(self.after) {
            let message =
                format!("begins at {after}: AWS remembers backup and copy jobs for 30 days, that is since {oldest}");
            return Some(Finding::info("JOBS_FORGOTTEN", message).at(format!("{field}.start_time")));
        }
        self.findings(field, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_span_of_time_in_which_nothing_can_lie_is_told() {
        let now = at("2026-03-31T00:00:00Z");
        let told = |after: Option<&str>, before: Option<&str>| {
            let period = Period { after: after.map(at), before: before.map(at) };
            let found = |finding: Option<Finding>| finding.map(|it| (it.code, it.field));
            (found(period.findings("create_time", now)), found(period.findings_of_jobs("create_time", now)))
        };
        let future = Some(("INTERVAL_IN_FUTURE", "create_time.start_time".to_owned()));
        assert_eq!(told(Some("2026-04-01T00:00:00Z"), None), (future.clone(), future));
        let ancient = ("INTERVAL_BEFORE_AWS_BACKUP", "create_time.end_time".to_owned());
        assert_eq!(told(None, Some("1999-01-01T00:00:00Z")).0, Some(ancient));
        let forgotten = |bound: &str| Some(("JOBS_FORGOTTEN", format!("create_time.{bound}")));
        assert_eq!(told(None, Some("2026-03-01T00:00:00Z")), (None, forgotten("end_time")));
        assert_eq!(told(Some("2026-02-01T00:00:00Z"), None), (None, forgotten("start_time")));
        assert_eq!(told(Some("2026-03-02T00:00:00Z"), None), (None, None));
        assert_eq!(told(None, None), (None, None));
    }

    #[test]
    fn a_category_that_nobody_knows_is_told_with_the_nearest() {
        let told = |word: &str| unknown_category(word, "message_category").map(|finding| finding.message);
        assert_eq!(told("AccessDenied"), None);
        assert!(told("AccesDenied").unwrap().ends_with("; did you mean AccessDenied?"));
        assert!(told("Weather").unwrap().ends_with("none that Strongroom knows"));
    }
}
