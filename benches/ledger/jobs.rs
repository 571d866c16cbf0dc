//! The jobs that the ledger is filled with: the same for the same number, in whatever database. One resource has half of them, and
//! one plan one of a hundred thousand.

use jiff::Timestamp;
use strongroom::domain::{
    AccountId, Job, JobId, JobKind, JobOrigin, JobState, Lifecycle, PlanOrigin, RegionName, ResourceType, Retention,
    Scope,
};

/// Days over which jobs are spread, and the first instant after them.
pub(crate) const DAYS: i64 = 400;
pub(crate) const END: i64 = 1_793_491_200_000;

/// Resources that share the half of all jobs which the first one does not have.
pub(crate) const RESOURCES: u64 = 2_000;

/// One of so many jobs is made by the rare plan.
pub(crate) const RARE: u64 = 100_000;

const PLANS: u64 = 50;
const ACCOUNTS: [&str; 3] = ["123456789012", "210987654321", "333344445555"];
const REGIONS: [&str; 4] = ["us-east-1", "eu-west-1", "eu-central-1", "ap-southeast-2"];
const TYPES: [&str; 4] = ["RDS", "Aurora", "DocumentDB", "Neptune"];
const MESSAGES: [&str; 5] = [
    "Access denied trying to call AWS Backup service",
    "The backup job failed because the resource was not available",
    "A snapshot could not be taken: the instance is not in the available state",
    "The requested KMS key is disabled",
    "Exceeded quota for manual snapshots",
];

/// Of the number, and what else is wanted of it: splitmix64.
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The accounts and regions of all jobs.
pub(crate) fn scopes() -> Vec<Scope> {
    let scope = |account: &&str, region: &str| Scope {
        account: AccountId::parse(account).unwrap_or_else(|_| unreachable!("it is one")),
        region: RegionName::parse(region).unwrap_or_else(|_| unreachable!("it is one")),
    };
    ACCOUNTS.iter().flat_map(|account| REGIONS.iter().map(move |region| scope(account, region))).collect()
}

fn place(resource: u64) -> usize {
    usize::try_from(resource % 12).unwrap_or_default()
}

fn of_scope(scope: &Scope, service: &str, rest: &str) -> String {
    format!("arn:aws:{service}:{}:{}:{rest}", scope.region, scope.account)
}

/// The ARN of a resource; of 0, which has half of all jobs.
pub(crate) fn resource(number: u64, scopes: &[Scope]) -> String {
    of_scope(&scopes[place(number)], "rds", &format!("db:orders-{number:05}"))
}

/// The ARN of the vault that backs up a resource.
pub(crate) fn vault(resource: u64, scopes: &[Scope]) -> String {
    of_scope(&scopes[place(resource)], "backup", &format!("backup-vault:vault-{}", resource / 12 % 3))
}

pub(crate) fn type_of(resource: u64) -> &'static str {
    TYPES[usize::try_from(resource / 36 % 4).unwrap_or_default()]
}

pub(crate) fn plan(number: u64) -> String {
    format!("{:08x}-1111-4111-8111-{number:012x}", mixed(number) >> 32)
}

pub(crate) fn rare_plan() -> String {
    plan(PLANS + 1)
}

/// The plan of a resource.
pub(crate) fn plan_of(resource: u64) -> u64 {
    resource % PLANS
}

/// The instant at which so much of the span has passed.
pub(crate) fn instant(share: f64) -> i64 {
    let span = DAYS * 86_400_000;
    #[expect(clippy::cast_possible_truncation, reason = "an instant")]
    let passed = (span as f64 * share) as i64;
    END - span + passed
}

/// The job of a number, of so many, and when it was told. Jobs are told in the order of their numbers.
pub(crate) fn job(number: u64, of: u64, scopes: &[Scope]) -> (Job, Timestamp) {
    let step = u64::try_from(DAYS * 86_400_000).unwrap_or_default() / of;
    let (dice, more) = (mixed(number), mixed(number ^ 0x5555_5555));
    let rare = number % RARE == 77;
    let resource_number = match dice >> 8 & 1 {
        1 if !rare => 0,
        _ => 1 + (dice >> 16) % RESOURCES,
    };
    let scope = &scopes[place(resource_number)];
    let kind = match dice % 100 {
        _ if rare => JobKind::Backup,
        0..90 => JobKind::Backup,
        90..98 => JobKind::Copy,
        _ => JobKind::Restore,
    };
    let state = match more % 1_000 {
        _ if rare => JobState::Failed,
        0..970 => JobState::Completed,
        970..990 => JobState::Failed,
        990..995 => JobState::Expired,
        995..998 => JobState::Aborted,
        _ => JobState::Partial,
    };
    let millis = |at: i64| Timestamp::from_millisecond(at).unwrap_or_default();
    let begin = END - DAYS * 86_400_000 + i64::try_from(number * step).unwrap_or_default();
    let created = begin + i64::try_from(more % step.max(1)).unwrap_or_default();
    let done = created + 60_000 + i64::try_from(dice >> 20 & 0x7f_ffff).unwrap_or_default();
    let by_hand = more >> 32 & 15 == 0 && !rare;
    let plan_number = if rare { PLANS + 1 } else { plan_of(resource_number) };
    let rule = if more >> 36 & 7 == 0 { "weekly" } else { "daily" };
    let origin = PlanOrigin {
        plan_id: plan(plan_number),
        plan_arn: of_scope(scope, "backup", &format!("backup-plan:{}", plan(plan_number))),
        plan_name: format!("plan-{plan_number}"),
        plan_version: "MTJjYjY3ZGItMWUyYS00".to_owned(),
        rule_id: format!("{}-{rule}", plan(plan_number)),
        rule_name: rule.to_owned(),
        schedule: "cron(0 5 ? * * *)".to_owned(),
        timezone: "Etc/UTC".to_owned(),
    };
    let failed = state != JobState::Completed && state != JobState::Aborted;
    let said =
        MESSAGES[usize::try_from(more >> 40 & 0xff).unwrap_or_default() % if more >> 50 & 63 == 0 { 5 } else { 4 }];
    let point = of_scope(scope, "rds", &format!("snapshot:awsbackup:job-{dice:016x}"));
    let bytes = i64::try_from(more >> 30).unwrap_or_default();
    let id = format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{number:012x}",
        dice >> 32,
        dice >> 16 & 0xffff,
        dice & 0xfff,
        more & 0xfff
    );
    let job = Job {
        percent_done: (state == JobState::Completed).then_some(100.0),
        status_message: failed.then(|| said.to_owned()),
        message_category: failed
            .then(|| if said.starts_with("Access") { "AccessDenied" } else { "FAILURE" }.to_owned()),
        resource_arn: Some(resource(resource_number, scopes)),
        resource_type: ResourceType::told(type_of(resource_number)),
        resource_name: Some(format!("orders-{resource_number:05}")),
        vault_arn: Some(vault(resource_number, scopes)),
        recovery_point_arn: Some(point.clone()),
        role_arn: Some(format!("arn:aws:iam::{}:role/service-role/AWSBackupDefaultServiceRole", scope.account)),
        created_at: Some(millis(created)),
        start_by: Some(millis(created + 3_600_000)),
        completed_at: Some(millis(done)),
        bytes_transferred: (kind != JobKind::Copy).then_some(bytes),
        backup_size_bytes: Some(bytes),
        lifecycle: Some(Lifecycle {
            retention: Retention::Days(35),
            cold_after_days: None,
            archive_ebs_snapshots: false,
            delete_after_event: None,
        }),
        created_by: (!by_hand && kind != JobKind::Restore).then_some(JobOrigin::Plan(origin)),
        created_resource_arn: (kind == JobKind::Restore)
            .then(|| format!("{}-restored", resource(resource_number, scopes))),
        destination_vault_arn: (kind == JobKind::Copy)
            .then(|| of_scope(scope, "backup", "backup-vault:disaster-recovery")),
        destination_recovery_point_arn: (kind == JobKind::Copy).then(|| format!("{point}-copy")),
        state,
        ..Job::blank(JobId::told(id).unwrap_or_else(|| unreachable!("it is not blank")), kind, scope.clone())
    };
    (job, millis(begin + i64::try_from(step).unwrap_or_default() + 4 * 3_600_000))
}
