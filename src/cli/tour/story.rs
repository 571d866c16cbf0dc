//! The story of the workshop, step by step.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use jiff::{SignedDuration, Timestamp};

use super::{
    Args,
    clock::{self, Clock},
    guide::{Guide, Stop, refusal, say},
    names::{MADE_BY, PLAN, ROLE, RULE, SELECTION, TAGS, VAULT, request_id},
    tidy_up::{self, Made},
};
use crate::proto::{
    self, JobState, RecoveryPointState, job_origin::Origin, restore::Target, start_restore_request::What,
};

/// Between two looks at a job: AWS's own console looks less often.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// How far a manual clock is moved between two looks.
pub(super) const NUDGE: SignedDuration = SignedDuration::from_secs(5);

/// What the steps share.
pub(super) struct World {
    pub(super) database: proto::Resource,
    pub(super) vault: proto::Vault,
    clock: Option<Clock>,
    pub(super) wait: Duration,
}

pub(super) async fn tell(args: &Args, guide: &mut Guide) -> Result<(), Stop> {
    guide.step("Who is there?", "The server says what it is, and which account and region it works on.")?;
    let info: proto::GetServerInfoResponse =
        guide.call("ServerService/GetServerInfo", proto::GetServerInfoRequest {}).await?;
    let clock = if info.sandbox {
        let url = args.sandbox_url.clone().unwrap_or(info.sandbox_endpoint);
        Some(Clock::at(&url))
    } else {
        if !args.yes {
            let scope = info.default_scope.unwrap_or_default();
            guide.confirm(&format!(
                "This is real AWS: account {:?}, region {:?}. The tour makes a role, a vault, a plan and backups of {:?}, \
                 and tags it.",
                scope.account, scope.region, args.database
            ))?;
        }
        None
    };

    let mut made = Made::default();
    role(guide).await?;
    let vault = vault(guide, &mut made).await?;
    let database = find(guide, &args.database).await?;
    let world = World { database, vault, clock, wait: args.wait() };
    let point = back_up(guide, &world).await?;
    tag(guide, &world, &mut made).await?;
    let plan = plan(guide, &world, &mut made).await?;
    select(guide, &plan).await?;
    let by_plan = run_of_the_plan(guide, &world, &plan).await?;
    list_points(guide, &world).await?;
    if args.restore {
        restore(guide, &world, &by_plan.unwrap_or(point)).await?;
    }
    if args.keep {
        say("\nEverything is left in place, as --keep says.");
        return Ok(());
    }
    tidy_up::tidy_up(guide, &world, &plan, &made).await
}

async fn role(guide: &mut Guide) -> Result<(), Stop> {
    guide.step("The role", "AWS Backup acts as a role that trusts it and may make backups and restores.")?;
    let request = proto::EnsureServiceRoleRequest {
        role: ROLE.to_owned(),
        request_id: request_id("role", &[]),
        ..Default::default()
    };
    guide.call::<proto::EnsureServiceRoleResponse>("AccountService/EnsureServiceRole", request).await.map(drop)
}

async fn vault(guide: &mut Guide, made: &mut Made) -> Result<proto::Vault, Stop> {
    guide.step("The vault", "Recovery points live in a vault.")?;
    let look = proto::GetVaultRequest { vault: VAULT.to_owned(), ..Default::default() };
    let there: Option<proto::GetVaultResponse> = guide.look("VaultService/GetVault", look.clone()).await?;
    if there.is_none() {
        let request = proto::CreateVaultRequest {
            name: VAULT.to_owned(),
            tags: [made_by()].into(),
            request_id: request_id("vault", &[]),
            ..Default::default()
        };
        let _: proto::CreateVaultResponse = guide.call("VaultService/CreateVault", request).await?;
    } else {
        say("   It is there already.");
    }
    let answer: proto::GetVaultResponse = guide.call("VaultService/GetVault", look).await?;
    let vault = answer.vault.ok_or_else(|| Stop::failed("GetVault answered no vault"))?;
    made.vault = vault.tags.get(MADE_BY.0).is_some_and(|value| value == MADE_BY.1);
    Ok(vault)
}

async fn find(guide: &mut Guide, name: &str) -> Result<proto::Resource, Stop> {
    guide.step("The database", "AWS Backup names resources by ARN; Strongroom takes the name and tells both.")?;
    let request = proto::GetResourceRequest { resource: name.to_owned(), ..Default::default() };
    let answer: proto::GetResourceResponse = guide.call("ResourceService/GetResource", request).await?;
    answer.resource.ok_or_else(|| Stop::failed("GetResource answered no resource"))
}

async fn back_up(guide: &mut Guide, world: &World) -> Result<String, Stop> {
    guide.step("A backup on demand", "The answer comes when AWS has accepted the job; GetJob tells its progress.")?;
    let request = proto::StartBackupRequest {
        resource: world.database.id.clone(),
        vault: VAULT.to_owned(),
        role: ROLE.to_owned(),
        request_id: request_id("backup", &[&world.database.arn, &generation(&world.vault)]),
        ..Default::default()
    };
    let answer: proto::StartBackupResponse = guide.call("JobService/StartBackup", request).await?;
    let job = answer.job.ok_or_else(|| Stop::failed("StartBackup answered no job"))?;
    let job = watch(guide, world, job).await?;
    Ok(job.recovery_point_arn)
}

/// Looks at a job until it has ended, with a bar.
async fn watch(guide: &Guide, world: &World, job: proto::Job) -> Result<proto::Job, Stop> {
    let request = proto::GetJobRequest { job: job.id.clone(), kind: job.kind, ..Default::default() };
    say(&format!("\n{}", guide.grpcurl("JobService/GetJob", &request)?));
    let bar = ProgressBar::new(100).with_message(job.state_text.clone());
    if let Ok(style) = ProgressStyle::with_template("   {bar:40} {percent:>3} %  {msg}  {elapsed}") {
        bar.set_style(style);
    }
    let (begun, mut shown) = (Instant::now(), String::new());
    let mut job = job;
    loop {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what a bar shows")]
        bar.set_position(job.percent_done.unwrap_or_default().clamp(0.0, 100.0) as u64);
        bar.set_message(job.state_text.clone());
        // A bar is drawn on terminals only; elsewhere each change is a line.
        let percent = job.percent_done.map(|percent| format!("{percent:>3.0} %  ")).unwrap_or_default();
        let line = format!("   {percent}{}", job.state_text);
        if bar.is_hidden() && line != shown {
            say(&line);
            shown = line;
        }
        match job.state() {
            JobState::Completed => break,
            JobState::Aborted | JobState::Failed | JobState::Expired | JobState::Partial => {
                bar.abandon();
                return Err(Stop::failed(format!("job {} ended {}: {}", job.id, job.state_text, job.status_message)));
            }
            JobState::Unspecified | JobState::Created | JobState::Pending | JobState::Running | JobState::Aborting => {}
        }
        if begun.elapsed() > world.wait {
            bar.abandon();
            return Err(Stop::failed(format!(
                "job {} is still {} after {} minutes; repeat the tour to go on waiting, or say a longer --wait",
                job.id,
                job.state_text,
                world.wait.as_secs() / 60
            )));
        }
        pass_time(world, NUDGE).await?;
        let answer = guide.quietly("JobService/GetJob", request.clone()).await;
        let answer: proto::GetJobResponse = answer.map_err(|status| refusal("JobService/GetJob", &status))?;
        job = answer.job.ok_or_else(|| Stop::failed("GetJob answered no job"))?;
    }
    bar.finish();
    say(&format!("   {} made {}", job.id, made_what(&job)));
    Ok(job)
}

fn made_what(job: &proto::Job) -> &str {
    if job.created_resource_arn.is_empty() { &job.recovery_point_arn } else { &job.created_resource_arn }
}

/// Waits a little, and moves a manual clock that nobody else moves.
pub(super) async fn pass_time(world: &World, by: SignedDuration) -> Result<(), Stop> {
    tokio::time::sleep(LOOK_AGAIN).await;
    if let Some(clock) = &world.clock
        && clock.read().await?.manual
    {
        clock.advance(by).await?;
    }
    Ok(())
}

async fn tag(guide: &mut Guide, world: &World, made: &mut Made) -> Result<(), Stop> {
    guide.step("The tags", "A plan finds databases by their tags, those made later too.")?;
    let missing = TAGS.iter().filter(|(key, _)| !world.database.tags.contains_key(*key));
    made.tags = missing.map(|(key, _)| (*key).to_owned()).collect();
    let request = proto::TagResourceRequest {
        resource: world.database.id.clone(),
        tags: TAGS.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        request_id: request_id("tags", &[&world.database.arn]),
        ..Default::default()
    };
    guide.call::<proto::TagResourceResponse>("ResourceService/TagResource", request).await.map(drop)
}

async fn plan(guide: &mut Guide, world: &World, made: &mut Made) -> Result<proto::Plan, Stop> {
    guide.step("The plan", "One rule with a name and a vault; the answer shows every default that was filled in.")?;
    let look = proto::GetPlanRequest { plan: PLAN.to_owned(), ..Default::default() };
    let there: Option<proto::GetPlanResponse> = guide.look("PlanService/GetPlan", look.clone()).await?;
    if there.is_none() {
        let rule = proto::Rule { name: RULE.to_owned(), vault: VAULT.to_owned(), ..Default::default() };
        let request = proto::CreatePlanRequest {
            name: PLAN.to_owned(),
            rules: vec![rule],
            tags: [made_by()].into(),
            request_id: request_id("plan", &[&generation(&world.vault)]),
            ..Default::default()
        };
        let _: proto::CreatePlanResponse = guide.call("PlanService/CreatePlan", request).await?;
    } else {
        say("   It is there already.");
    }
    let answer: proto::GetPlanResponse = guide.call("PlanService/GetPlan", look).await?;
    let plan = answer.plan.ok_or_else(|| Stop::failed("GetPlan answered no plan"))?;
    made.plan = plan.tags.get(MADE_BY.0).is_some_and(|value| value == MADE_BY.1);
    Ok(plan)
}

async fn select(guide: &mut Guide, plan: &proto::Plan) -> Result<(), Stop> {
    guide.step(
        "The selection",
        "MATCH_ALL: only databases with both tags. AWS's own default would be either of them.",
    )?;
    let look =
        proto::GetSelectionRequest { plan: plan.id.clone(), selection: SELECTION.to_owned(), ..Default::default() };
    let there: Option<proto::GetSelectionResponse> = guide.look("PlanService/GetSelection", look.clone()).await?;
    if there.is_some() {
        say("   It is there already.");
        return guide.call::<proto::GetSelectionResponse>("PlanService/GetSelection", look).await.map(drop);
    }
    let condition = |(key, value): &(&str, &str)| proto::TagCondition {
        key: (*key).to_owned(),
        operator: proto::Operator::Equals.into(),
        value: (*value).to_owned(),
    };
    let request = proto::CreateSelectionRequest {
        plan: plan.id.clone(),
        name: SELECTION.to_owned(),
        role: ROLE.to_owned(),
        r#match: proto::Match::All.into(),
        conditions: TAGS.iter().map(condition).collect(),
        request_id: request_id("selection", &[&plan.id]),
        ..Default::default()
    };
    guide.call::<proto::CreateSelectionResponse>("PlanService/CreateSelection", request).await.map(drop)
}

/// On a sandbox, moves its clock over 05:00 and waits for the recovery point that the plan makes of the database.
async fn run_of_the_plan(guide: &mut Guide, world: &World, plan: &proto::Plan) -> Result<Option<String>, Stop> {
    guide.step("The run of the plan", "The rule fires at 05:00 UTC, and AWS looks for the tagged databases then.")?;
    let Some(clock) = &world.clock else {
        say("   This is real AWS: nobody moves its clock. Look at ListRecoveryPoints after 05:00 UTC.");
        return Ok(None);
    };
    let before = clock.read().await?.now;
    let to = clock::after_the_next_run(before);
    say(&format!("   The sandbox's clock shows {before}.\n\n{}", clock.command(to)));
    let mut now = clock.set(to).await?.now;
    say(&format!("   Now it shows {now}."));
    let begun = Instant::now();
    loop {
        if let Some(point) = made_by_plan(guide, world, plan, before).await? {
            say(&format!("   The plan made {}", point.arn));
            return Ok(Some(point.arn));
        }
        if begun.elapsed() > world.wait {
            return Err(Stop::failed(format!(
                "the plan has made no recovery point of {} by {now}, sandbox time",
                world.database.arn
            )));
        }
        // A job may start at any time of its window: a manual clock goes on by minutes, not by seconds.
        pass_time(world, SignedDuration::from_mins(1)).await?;
        now = clock.read().await?.now;
    }
}

async fn made_by_plan(
    guide: &Guide,
    world: &World,
    plan: &proto::Plan,
    since: Timestamp,
) -> Result<Option<proto::RecoveryPoint>, Stop> {
    let points = tidy_up::points(guide, Some(&world.database.arn)).await?;
    let fits = |point: &proto::RecoveryPoint| {
        is_of_plan(point.created_by.as_ref(), &plan.id)
            && point.state() == RecoveryPointState::Completed
            && point.create_time.as_ref().is_some_and(|at| at.seconds >= since.as_second())
    };
    Ok(points.into_iter().find(fits))
}

fn is_of_plan(origin: Option<&proto::JobOrigin>, plan_id: &str) -> bool {
    match origin.and_then(|origin| origin.origin.as_ref()) {
        Some(Origin::Plan(plan)) => plan.plan_id == plan_id,
        Some(Origin::RestoreTesting(_)) | None => false,
    }
}

async fn list_points(guide: &mut Guide, world: &World) -> Result<(), Stop> {
    guide.step("What there is now", "The recovery points of the database in the vault, the newest first.")?;
    let request = proto::ListRecoveryPointsRequest {
        vault: VAULT.to_owned(),
        resource: world.database.id.clone(),
        ..Default::default()
    };
    guide.call::<proto::ListRecoveryPointsResponse>("RecoveryPointService/ListRecoveryPoints", request).await.map(drop)
}

async fn restore(guide: &mut Guide, world: &World, point: &str) -> Result<(), Stop> {
    guide.step("A restore", "Into a new instance; what the request leaves out comes from the recovery point.")?;
    let target = format!("{}-restored", world.database.id);
    let instance = proto::RdsInstanceRestore { db_instance_identifier: target.clone(), ..Default::default() };
    let restore = proto::Restore {
        recovery_point: point.to_owned(),
        vault: VAULT.to_owned(),
        role: ROLE.to_owned(),
        target: Some(Target::RdsInstance(instance)),
        ..Default::default()
    };
    let request = proto::StartRestoreRequest {
        what: Some(What::Restore(restore)),
        request_id: request_id("restore", &[point, &target]),
        ..Default::default()
    };
    let answer: proto::StartRestoreResponse = guide.call("JobService/StartRestore", request).await?;
    let job = answer.job.ok_or_else(|| Stop::failed("StartRestore answered no job"))?;
    watch(guide, world, job).await?;
    let request = proto::GetResourceRequest { resource: target, ..Default::default() };
    guide.call::<proto::GetResourceResponse>("ResourceService/GetResource", request).await.map(drop)
}

fn made_by() -> (String, String) {
    (MADE_BY.0.to_owned(), MADE_BY.1.to_owned())
}

/// What distinguishes this vault from an earlier one of its name.
fn generation(vault: &proto::Vault) -> String {
    let at = vault.create_time.unwrap_or_default();
    format!("{} {}.{}", vault.arn, at.seconds, at.nanos)
}
