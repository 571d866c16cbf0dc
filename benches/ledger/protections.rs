//! Ten thousand databases, as a look keeps them.

use anyhow::{Context as _, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use strongroom::{
    domain::{
        CoveringRule, DatabaseIdentity, DatabaseProtection, KeptFinding, Outlook, ProtectionOrder, ProtectionVerdict,
        ResourceKind, ResourceType, Severity,
    },
    ledger::{Members, NewLook, ProtectionPosition},
};

use crate::{at::At, jobs};

pub(crate) const DATABASES: u64 = 10_000;

/// Looks at all databases, unless that was done.
pub(crate) async fn filled(at: &At) -> Result<()> {
    let ledger = at.ledger();
    if ledger.looks().await?.is_empty() {
        let as_of = Timestamp::from_millisecond(jobs::END)?;
        let all: Vec<DatabaseProtection> = (0..DATABASES).map(database).collect::<Result<_>>()?;
        for scope in jobs::scopes() {
            let protections = all.iter().filter(|it| it.scope == scope).cloned().collect();
            let new = NewLook {
                outlook: Outlook::nothing(scope.clone()),
                scope,
                after: 0,
                as_of,
                judged: Some(as_of),
                protections,
                kinds: vec![ResourceKind::DbInstance, ResourceKind::DbCluster],
                members: Members::default(),
                missed: Vec::new(),
                findings: Vec::new(),
            };
            ensure!(ledger.keep_look(new).await?, "nobody else looks");
        }
    }
    ledger.close().await;
    Ok(())
}

fn database(number: u64) -> Result<DatabaseProtection> {
    let scopes = jobs::scopes();
    let arn = jobs::resource(number, &scopes);
    let scope = scopes[usize::try_from(number % 12)?].clone();
    let covered = !number.is_multiple_of(20);
    let plan = jobs::plan_of(number);
    let rule = |name: &str| CoveringRule {
        plan_id: jobs::plan(plan),
        plan_arn: format!("arn:aws:backup:{}:{}:backup-plan:{}", scope.region, scope.account, jobs::plan(plan)),
        plan_name: format!("plan-{plan}"),
        rule_id: format!("{}-{name}", jobs::plan(plan)),
        rule_name: name.to_owned(),
        vault: format!("vault-{}", number / 12 % 3),
    };
    let hours = i64::try_from(number * 7 % 97)?;
    let at_risk = covered && hours > 48;
    let owner = format!("team-{}", number % 100);
    let mut tags = [("owner".to_owned(), owner.clone()), ("tier".to_owned(), format!("{}", number % 3))];
    if number == 4_321 {
        tags[1] = ("only".to_owned(), "one".to_owned());
    }
    let end = Timestamp::from_millisecond(jobs::END)?;
    let finding = KeptFinding {
        code: if covered { "RPO_MISSED" } else { "NO_PLAN" }.to_owned(),
        severity: Severity::Warning,
        message: "no backup of it is as new as its rules promise".to_owned(),
        action: "look at its last jobs".to_owned(),
        subject: arn.clone(),
    };
    Ok(DatabaseProtection {
        name: format!("orders-{number:05}"),
        kind: ResourceKind::DbInstance,
        engine: if number.is_multiple_of(3) { "postgres" } else { "mysql" }.to_owned(),
        resource_type: ResourceType::told(jobs::type_of(number)).context("it is a type")?,
        subject: DatabaseIdentity { arn: arn.clone(), made: format!("db-{number:026}") },
        tags: tags.into(),
        owner,
        verdict: match (covered, at_risk) {
            (false, _) => ProtectionVerdict::NotProtected,
            (true, true) => ProtectionVerdict::AtRisk,
            (true, false) => ProtectionVerdict::Protected,
        },
        summary: "what its rules promise is what was done".to_owned(),
        coverage: if covered { vec![rule("daily"), rule("weekly")] } else { Vec::new() },
        last_success_at: covered.then(|| end - SignedDuration::from_hours(hours)),
        allowed_age: covered.then(|| SignedDuration::from_hours(25)),
        next_run_at: covered.then(|| end + SignedDuration::from_hours(hours % 24)),
        last_failure: None,
        interval_minutes: covered.then_some(1_440),
        consecutive_failures: if at_risk { u32::try_from(number % 6)? } else { 0 },
        never_ran: false,
        findings: if covered && !at_risk { Vec::new() } else { vec![finding] },
        last_missed_at: None,
        scope,
        arn,
    })
}

/// A place in an order, so far down.
pub(crate) fn deep(order: ProtectionOrder, share: f64) -> Result<ProtectionPosition> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "one of them")]
    let number = (DATABASES as f64 * share) as u64;
    let database = database(number)?;
    let as_of = Timestamp::from_millisecond(jobs::END)?;
    let key = match order {
        ProtectionOrder::WorstFirst => database.badness_at(as_of),
        ProtectionOrder::RpoRatio => database.rpo_thousandths_at(as_of).map_or(1, |ratio| -ratio),
        ProtectionOrder::LastSuccess => database.last_success_at.map_or(-1, Timestamp::as_millisecond),
        ProtectionOrder::NextRun => database.next_run_at.map_or(i64::MAX, Timestamp::as_millisecond),
        ProtectionOrder::Arn => 0,
    };
    ProtectionPosition::parse(&format!("{key} {}", database.arn)).context("it is a position")
}
