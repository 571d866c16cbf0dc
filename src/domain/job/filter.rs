//! Which jobs a list has, and by which of AWS's lists it is answered (docs/aws-backup-semantics.md, sections 1.9, 1.11 and
//! 1.12).

use jiff::Timestamp;

use super::{JobId, JobKind, JobQuery, JobState};
use crate::domain::{Arn, Fault, Finding, Period, ResourceRef, ResourceType, Scope, VaultName, VaultRef};

/// What a list of jobs is filtered by. The ledger knows every member for every kind. Where AWS does the filtering, what it
/// cannot filter is a fault of the filter ([`FilterMembers::beyond_aws`]) and not asked of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Of one of these kinds; empty: of any.
    pub kinds: Vec<JobKind>,
    /// In one of these states; empty: in any.
    pub states: Vec<JobState>,
    /// About resources of one of these types; empty: of any.
    pub resource_types: Vec<ResourceType>,
    /// About this resource.
    pub resource: Option<ResourceRef>,
    /// Backups into this vault, restores and copies out of it.
    pub vault: Option<VaultName>,
    /// Copies into this vault.
    pub destination_vault: Option<VaultRef>,
    /// Created in this time.
    pub created: Period,
    /// Ended in this time.
    pub completed: Period,
    /// With this class of explanation.
    pub category: Option<String>,
    /// Part of this job.
    pub parent: Option<JobId>,
    /// Copies and restores of this recovery point.
    pub source_recovery_point: Option<Arn>,
    /// Made by this plan, by id.
    pub plan: Option<String>,
    /// Made by this rule, by id.
    pub rule: Option<String>,
    /// With this in their explanation.
    pub text: Option<String>,
}

/// One list that AWS is asked for: AWS filters by one state and one type at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobAsk<'f> {
    /// Which of AWS's lists.
    pub kind: JobKind,
    /// In this state; `None`: in any.
    pub state: Option<&'f JobState>,
    /// About resources of this type; `None`: of any.
    pub resource_type: Option<&'f ResourceType>,
}

/// Which members a filter has, as far as the rules about their going together look at them: also one that could not be read
/// is there.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each says of one member that it is there")]
pub struct FilterMembers<'f> {
    /// As in [`JobFilter`].
    pub kinds: &'f [JobKind],
    /// As in [`JobFilter`].
    pub states: &'f [JobState],
    /// Any are named.
    pub resource_types: bool,
    /// One is named.
    pub resource: bool,
    /// One is named.
    pub vault: bool,
    /// One is named.
    pub destination_vault: bool,
    /// It has a bound.
    pub created: bool,
    /// It has a bound.
    pub completed: bool,
    /// One is named.
    pub category: bool,
    /// One is named.
    pub parent: bool,
    /// One is named.
    pub source_recovery_point: bool,
    /// One is named.
    pub plan: bool,
    /// One is named.
    pub rule: bool,
    /// It is there.
    pub text: bool,
}

impl FilterMembers<'_> {
    /// States that no job can be in that is meant: the member of the request's filter, and why.
    pub fn impossible(&self) -> Vec<(&'static str, Fault)> {
        let mut faults = Vec::new();
        let mut fault = |field, text: &str| faults.push((field, Fault::from(text)));
        for state in self.states.iter().filter(|state| !asked_kinds(self.kinds).any(|kind| kind.has_state(state))) {
            let of: Vec<String> = self.kinds.iter().map(ToString::to_string).collect();
            let of = if of.is_empty() { "any" } else { &of.join(" or ") };
            fault("states", &format!("{} is not a state of {of} jobs", state.word()));
        }
        faults
    }

    /// What AWS cannot filter by: the member of the request's filter, and why. With none, the asks lose nothing of the filter.
    pub fn beyond_aws(&self) -> Vec<(&'static str, Fault)> {
        let mut faults = Vec::new();
        let mut fault = |field, text: &str| faults.push((field, Fault::from(text)));
        for (field, _) in [("plan", self.plan), ("rule", self.rule), ("message_contains", self.text)]
            .into_iter()
            .filter(|(_, given)| *given)
        {
            fault(field, "cannot be asked of AWS: the ledger alone knows it, of accounts and regions that it follows");
        }
        let has = |wanted| asked_kinds(self.kinds).any(|kind| kind == wanted);
        if has(JobKind::Restore) && self.category {
            fault("message_category", "needs kinds BACKUP or COPY: restores have none");
        }
        if self.source_recovery_point && (has(JobKind::Backup) || has(JobKind::Restore)) {
            fault("source_recovery_point", "needs kinds COPY alone: AWS cannot filter other jobs by it");
        }
        if self.vault && (has(JobKind::Restore) || has(JobKind::Copy)) {
            let text =
                "needs kinds BACKUP alone: AWS cannot filter other jobs by it; destination_vault is where copies go";
            fault("vault", text);
        }
        if self.destination_vault && (has(JobKind::Backup) || has(JobKind::Restore)) {
            let text = "needs kinds COPY alone: AWS cannot filter other jobs by it; vault is where backups go";
            fault("destination_vault", text);
        }
        // ListRestoreJobsByProtectedResource filters by the status alone [M].
        if has(JobKind::Restore) && self.resource {
            let advice = "cannot go with resource: AWS cannot filter the restores of a resource by it; leave one of the \
                          two out, or give kinds without RESTORE";
            let given = [
                ("resource_types", self.resource_types),
                ("create_time", self.created),
                ("completion_time", self.completed),
                ("parent_job", self.parent),
            ];
            for (field, _) in given.into_iter().filter(|(_, given)| *given) {
                fault(field, advice);
            }
        }
        faults
    }
}

impl JobFilter {
    /// What no job can be at once: the member that has to give way, and why. AWS answers such filters with nothing.
    pub fn contradictions(&self) -> Vec<(&'static str, Fault)> {
        let mut faults = Vec::new();
        if let (Some(before), Some(after)) = (self.completed.before, self.created.after)
            && before <= after
        {
            let fault =
                format!("ends at {before}, and create_time begins at {after}: no job ends before it is created");
            faults.push(("completion_time", fault.into()));
        }
        let open = !self.states.is_empty() && !self.states.iter().any(JobState::is_final);
        if open && !self.completed.is_unbounded() {
            let fault = "leaves out jobs under way, and states names no other";
            faults.push(("completion_time", fault.into()));
        }
        if let Some(ResourceRef::Arn(arn)) = &self.resource
            && let Some(fault) = ResourceType::contradiction(&self.resource_types, arn)
        {
            faults.push(("resource_types", fault));
        }
        if let Some(point) = &self.source_recovery_point {
            if let Some(fault) = ResourceType::contradiction_of_point(&self.resource_types, point) {
                faults.push(("resource_types", fault));
            }
            if let Some(ResourceRef::Arn(arn)) = &self.resource
                && let Some(of_resource) = ResourceType::of_arn(arn)
                && !of_resource.has_point(point)
            {
                let fault = format!("is of type {of_resource}, and source_recovery_point {point} of none such");
                faults.push(("resource", fault.into()));
            }
        }
        faults
    }

    /// The types, each with the field that names it, below `field`.
    pub fn named_types(&self, field: &str) -> Vec<(String, &ResourceType)> {
        let named = self.resource_types.iter().enumerate();
        named.map(|(index, of_type)| (format!("{field}.resource_types[{index}]"), of_type)).collect()
    }

    /// Spans of time in which there can be no job that AWS still tells; `now` is AWS's time.
    pub fn interval_findings(&self, field: &str, now: Timestamp) -> Vec<Finding> {
        // How long AWS remembers restores it does not document [U].
        let forgets = asked_kinds(&self.kinds).any(|kind| kind != JobKind::Restore);
        let find = |name: &str, period: Period| {
            let field = format!("{field}.{name}");
            if forgets { period.findings_of_jobs(&field, now) } else { period.findings(&field, now) }
        };
        [find("create_time", self.created), find("completion_time", self.completed)].into_iter().flatten().collect()
    }

    /// The members that it has.
    pub fn members(&self) -> FilterMembers<'_> {
        FilterMembers {
            kinds: &self.kinds,
            states: &self.states,
            resource_types: !self.resource_types.is_empty(),
            resource: self.resource.is_some(),
            vault: self.vault.is_some(),
            destination_vault: self.destination_vault.is_some(),
            created: !self.created.is_unbounded(),
            completed: !self.completed.is_unbounded(),
            category: self.category.is_some(),
            parent: self.parent.is_some(),
            source_recovery_point: self.source_recovery_point.is_some(),
            plan: self.plan.is_some(),
            rule: self.rule.is_some(),
            text: self.text.is_some(),
        }
    }

    /// The same, of what is remembered of these accounts and regions. A database's short name is one that instances and clusters
    /// have.
    pub fn query(&self, scopes: Vec<Scope>) -> JobQuery {
        let named = self.resource.iter();
        let resources = named.flat_map(|named| scopes.iter().flat_map(|scope| named.arns_in(scope)));
        let mut resources: Vec<String> = resources.map(|arn| arn.as_str().to_owned()).collect();
        resources.dedup();
        let vaults = |arn: &dyn Fn(&Scope) -> String| scopes.iter().map(arn).collect::<Vec<_>>();
        JobQuery {
            kinds: self.kinds.clone(),
            states: self.states.clone(),
            resource_types: self.resource_types.iter().map(ToString::to_string).collect(),
            resources,
            vaults: self
                .vault
                .as_ref()
                .map(|name| vaults(&|scope| VaultRef::arn_of(name.as_str(), scope)))
                .unwrap_or_default(),
            destinations: self
                .destination_vault
                .as_ref()
                .map(|vault| vaults(&|scope| vault.arn_in(scope)))
                .unwrap_or_default(),
            plan: self.plan.clone(),
            rule: self.rule.clone(),
            created: self.created,
            completed: self.completed,
            category: self.category.clone(),
            parent: self.parent.clone(),
            source_recovery_point: self.source_recovery_point.as_ref().map(|arn| arn.as_str().to_owned()),
            text: self.text.clone(),
            scopes,
        }
    }

    /// The lists that answer it, one after the other: by kind, by state and by type, whatever the order in which the filter
    /// names them. A kind that cannot have a state is not asked for it.
    pub fn asks(&self) -> impl Iterator<Item = JobAsk<'_>> {
        let (states, types) = (choices(&self.states), choices(&self.resource_types));
        asked_kinds(&self.kinds).flat_map(move |kind| {
            let types = types.clone();
            let states =
                states.clone().into_iter().filter(move |state| state.is_none_or(|state| kind.has_state(state)));
            states.flat_map(move |state| {
                types.clone().into_iter().map(move |resource_type| JobAsk { kind, state, resource_type })
            })
        })
    }
}

/// Of no kinds, all are meant.
pub(super) fn asked_kinds(kinds: &[JobKind]) -> impl Iterator<Item = JobKind> {
    JobKind::ALL.into_iter().filter(|kind| kinds.is_empty() || kinds.contains(kind))
}

/// Each value once, in their own order; of none, the one that lets everything pass.
fn choices<T: Ord>(values: &[T]) -> Vec<Option<&T>> {
    if values.is_empty() {
        return vec![None];
    }
    let mut choices: Vec<Option<&T>> = values.iter().map(Some).collect();
    choices.sort_unstable();
    choices.dedup();
    choices
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(names: &[&str]) -> Vec<ResourceType> {
        names.iter().map(|name| ResourceType::parse(name).unwrap()).collect()
    }

    fn told(filter: &JobFilter) -> Vec<(&'static str, String)> {
        let members = filter.members();
        members.impossible().into_iter().chain(members.beyond_aws()).map(|(field, fault)| (field, fault.0)).collect()
    }

    fn fields(filter: &JobFilter) -> Vec<&'static str> {
        told(filter).into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn a_state_leaves_only_the_kinds_that_know_it() {
        let kinds = |state| {
            let filter = JobFilter { states: vec![state], ..JobFilter::default() };
            filter.asks().map(|ask| ask.kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds(JobState::Running), JobKind::ALL);
        assert_eq!(kinds(JobState::Expired), [JobKind::Backup]);
        assert_eq!(kinds(JobState::Created), [JobKind::Backup, JobKind::Copy]);
        assert_eq!(kinds(JobState::Unknown("NEW".into())), []);
    }

    #[test]
    fn each_state_and_type_is_a_list_of_its_own_in_one_order_however_they_are_named() {
        let filter = JobFilter {
            kinds: vec![JobKind::Copy, JobKind::Backup],
            states: vec![JobState::Failed, JobState::Expired, JobState::Failed],
            resource_types: types(&["RDS", "Aurora"]),
            ..JobFilter::default()
        };
        let asks: Vec<String> = filter
            .asks()
            .map(|ask| format!("{} {} {}", ask.kind, ask.state.unwrap().word(), ask.resource_type.unwrap()))
            .collect();
        let expected = [
            "backup FAILED Aurora",
            "backup FAILED RDS",
            "backup EXPIRED Aurora",
            "backup EXPIRED RDS",
            "copy FAILED Aurora",
            "copy FAILED RDS",
        ];
        assert_eq!(asks, expected);
        let everything = JobFilter::default();
        let asks: Vec<_> = everything.asks().collect();
        assert_eq!(asks, JobKind::ALL.map(|kind| JobAsk { kind, state: None, resource_type: None }));
    }

    #[test]
    fn what_no_job_can_be_at_once_is_a_fault() {
        let at = |text: &str| text.parse().ok();
        let period = |after, before| Period { after, before };
        let told = |filter: &JobFilter| filter.contradictions().into_iter().map(|(field, _)| field).collect::<Vec<_>>();
        let spans = JobFilter {
            created: period(at("2026-03-02T00:00:00Z"), None),
            completed: period(None, at("2026-03-02T00:00:00Z")),
            ..JobFilter::default()
        };
        assert_eq!(told(&spans), ["completion_time"]);
        let completed = period(at("2026-03-01T00:00:00Z"), None);
        let in_state = |states: &[JobState]| JobFilter { states: states.to_vec(), completed, ..JobFilter::default() };
        assert_eq!(told(&in_state(&[JobState::Running, JobState::Created])), ["completion_time"]);
        assert_eq!(told(&in_state(&[JobState::Running, JobState::Failed])), [""; 0]);
        let resource = ResourceRef::parse("arn:aws:rds:us-east-1:123456789012:db:orders").ok();
        let typed = |names: &[&str]| JobFilter {
            resource: resource.clone(),
            resource_types: types(names),
            ..JobFilter::default()
        };
        assert_eq!(told(&typed(&["S3", "Aurora"])), ["resource_types"]);
        assert_eq!(told(&typed(&["S3", "RDS"])), [""; 0]);
    }

    #[test]
    fn what_aws_cannot_filter_by_is_a_fault() {
        let resource = || ResourceRef::parse("arn:aws:rds:us-east-1:123456789012:db:orders").ok();
        let of = |kinds: &[JobKind]| JobFilter { kinds: kinds.to_vec(), ..JobFilter::default() };
        for kinds in [&[][..], &[JobKind::Restore], &[JobKind::Restore, JobKind::Copy]] {
            let category = JobFilter { category: Some("AccessDenied".into()), ..of(kinds) };
            assert_eq!(fields(&category), ["message_category"]);
            let typed = JobFilter { resource: resource(), resource_types: types(&["RDS"]), ..of(kinds) };
            assert_eq!(fields(&typed), ["resource_types"]);
            let vault = JobFilter { vault: VaultName::parse("prod").ok(), ..of(kinds) };
            assert_eq!(fields(&vault), ["vault"]);
        }
        let point = || Arn::parse("arn:aws:rds:us-east-1:123456789012:snapshot:awsbackup:job-1").ok();
        let source = |kinds| JobFilter { source_recovery_point: point(), ..of(kinds) };
        assert_eq!(fields(&source(&[])), ["source_recovery_point"]);
        assert_eq!(fields(&source(&[JobKind::Copy])), [""; 0]);
        let vaults = JobFilter { vault: VaultName::parse("prod").ok(), ..of(&[JobKind::Backup]) };
        assert_eq!(fields(&vaults), [""; 0]);
        assert_eq!(fields(&JobFilter { kinds: vec![JobKind::Copy], ..vaults.clone() }), ["vault"]);
        let to = |kinds| JobFilter { destination_vault: VaultRef::parse("prod").ok(), ..of(kinds) };
        assert_eq!(fields(&to(&[JobKind::Copy])), [""; 0]);
        for kinds in [&[][..], &[JobKind::Backup], &[JobKind::Restore, JobKind::Copy]] {
            assert_eq!(fields(&to(kinds)), ["destination_vault"]);
        }
        let both = JobFilter { destination_vault: VaultRef::parse("prod").ok(), kinds: Vec::new(), ..vaults };
        assert_eq!(fields(&both), ["vault", "destination_vault"]);
        let states = |kinds, states: &[JobState]| told(&JobFilter { states: states.to_vec(), ..of(kinds) });
        let of_restores = states(&[JobKind::Restore], &[JobState::Created, JobState::Running]);
        assert_eq!(of_restores, [("states", "CREATED is not a state of restore jobs".to_owned())]);
        assert_eq!(states(&[JobKind::Restore, JobKind::Copy], &[JobState::Created]), []);
        assert_eq!(states(&[], &[JobState::Expired]), []);
    }
}
