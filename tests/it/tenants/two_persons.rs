//! What takes two persons: who asks, who agrees, and what an approval is good for.

mod persons;

use strongroom::proto::{
    Approval, ApprovalState, ApproveRequest, AuditEvent, AuditOutcome, DeleteRecoveryPointRequest, GetApprovalRequest,
    Lifecycle, ListApprovalsRequest, ListAuditEventsRequest, LockMode, LockVaultRequest, RejectRequest,
    RequestApprovalRequest, UnlockVaultRequest, UpdatePlanRequest, UpdateRecoveryPointLifecycleRequest,
    access_service_client::AccessServiceClient, approvable_request::Request as Approvable,
};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use super::{policies::write, *};

/// Who operates may do everything, officers read and approve, and whoever is on call has a glass to break.
const TWO: &str = r#"
@id("makes-all")
permit (principal == Strongroom::User::"anonymous", action, resource);

@id("operates")
permit (principal in Strongroom::Group::"corp:ops", action, resource);

@id("officers")
permit (
    principal in Strongroom::Group::"corp:officers",
    action in [Strongroom::Action::"read", Strongroom::Action::"Approve", Strongroom::Action::"Reject"],
    resource
);

@id("glass")
@approval("break-glass")
permit (principal in Strongroom::Group::"corp:on-call", action in Strongroom::Action::"destroy", resource);
"#;

struct Office {
    teams: Teams,
    _audit: TempDir,
}

impl Office {
    async fn open(policies: &str) -> Self {
        Self::open_with(policies, |_| {}).await
    }

    async fn open_with(policies: &str, change: impl FnOnce(&mut strongroom::config::Config)) -> Self {
        let audit = tempfile::tempdir().unwrap();
        let path = audit.path().to_owned();
        let teams = Teams::start_with(policies, |config| {
            config.audit.path = Some(path);
            change(config);
        })
        .await;
        Self { teams, _audit: audit }
    }

    /// With a vault and a recovery point in it.
    async fn with_a_point(policies: &str) -> (Self, String) {
        let office = Self::open(policies).await;
        let world = &office.teams.world;
        prepare(world).await;
        let vault = CreateVaultRequest { name: "vault".into(), ..Default::default() };
        world.vaults().create_vault(vault).await.unwrap();
        let backup = StartBackupRequest {
            resource: LABS.into(),
            vault: "vault".into(),
            role: "AWSBackupDefaultServiceRole".into(),
            ..Default::default()
        };
        world.jobs().start_backup(backup).await.unwrap();
        world.advance("PT20M").await;
        let list = ListRecoveryPointsRequest { vault: "vault".into(), ..Default::default() };
        let points = world.recovery_points().list_recovery_points(list).await.unwrap().into_inner().recovery_points;
        let arn = points.into_iter().next().unwrap().arn;
        (office, arn)
    }

    fn way(&self, name: &str, group: &str) -> (Channel, Token) {
        let claims = self.teams.issuer.claims(&json!({"sub": name, "groups": [group]}));
        (self.teams.world.channel(), Token(self.teams.pair.sign(&claims)))
    }

    fn access(&self, name: &str, group: &str) -> AccessServiceClient<Way> {
        let (channel, token) = self.way(name, group);
        AccessServiceClient::with_interceptor(channel, token)
    }

    fn points(&self, name: &str, group: &str) -> RecoveryPointServiceClient<Way> {
        let (channel, token) = self.way(name, group);
        RecoveryPointServiceClient::with_interceptor(channel, token)
    }

    fn vaults(&self, name: &str, group: &str) -> VaultServiceClient<Way> {
        let (channel, token) = self.way(name, group);
        VaultServiceClient::with_interceptor(channel, token)
    }

    /// What the record has of the first of such calls that was done with an approval, or by breaking the glass: an answer may be there
    /// before its end in the record.
    async fn recorded(&self, wanted: ListAuditEventsRequest) -> AuditEvent {
        let is_it = |event: &AuditEvent| {
            event.outcome() == AuditOutcome::Succeeded
                && (event.approval.is_some() || !event.break_glass_policies.is_empty())
        };
        let looked = async {
            loop {
                let listed = self.access("ada", "ops").list_audit_events(wanted.clone()).await.unwrap();
                match listed.into_inner().events.into_iter().find(is_it) {
                    Some(event) => return event,
                    None => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        timeout(PATIENCE, looked).await.expect("the record never has it")
    }

    /// Ada, who operates, asks.
    async fn ask(&self, request: Approvable) -> Result<Approval, Status> {
        let asked = self.access("ada", "ops").request_approval(asking(request)).await?;
        Ok(asked.into_inner().approval.unwrap())
    }

    /// Olga, an officer, agrees.
    async fn agree(&self, approval: &Approval) -> Result<Approval, Status> {
        self.agree_as("olga", "officers", approval).await
    }

    async fn agree_as(&self, name: &str, group: &str, approval: &Approval) -> Result<Approval, Status> {
        let request = ApproveRequest { approval: approval.id.clone(), note: "seen".into(), ..Default::default() };
        Ok(self.access(name, group).approve(request).await?.into_inner().approval.unwrap())
    }

    async fn asked_and_agreed(&self, request: Approvable) -> Approval {
        let approval = self.ask(request).await.unwrap();
        self.agree(&approval).await.unwrap()
    }
}

fn asking(request: Approvable) -> RequestApprovalRequest {
    let request = Some(strongroom::proto::ApprovableRequest { request: Some(request) });
    RequestApprovalRequest { request, reason: "ticket 4711".into(), ..Default::default() }
}

fn id() -> String {
    Uuid::new_v4().to_string()
}

fn delete(point: &str) -> DeleteRecoveryPointRequest {
    DeleteRecoveryPointRequest {
        vault: "vault".into(),
        recovery_point: point.into(),
        request_id: id(),
        ..Default::default()
    }
}

fn why(status: &Status) -> (String, String) {
    let info = status.get_details_error_info().unwrap();
    (info.reason, info.metadata.get("approval_state").cloned().unwrap_or_default())
}

fn said(reason: &str, state: &str) -> (String, String) {
    (reason.to_owned(), state.to_owned())
}

#[tokio::test]
async fn a_recovery_point_is_deleted_once_another_person_has_agreed_and_once() {
    let (office, point) = Office::with_a_point(TWO).await;
    let request = delete(&point);
    let mut points = office.points("ada", "ops");
    let mut delete_it =
        async |request: &DeleteRecoveryPointRequest| points.delete_recovery_point(request.clone()).await;
    let denied = delete_it(&request).await.unwrap_err();
    assert_eq!(reason(&denied), (Code::FailedPrecondition, "APPROVAL_REQUIRED".to_owned()));
    assert!(denied.message().contains("RequestApproval"), "{denied:?}");
    // A check says so and is no less a check.
    let check = DeleteRecoveryPointRequest { validate_only: true, ..request.clone() };
    let checked = delete_it(&check).await.unwrap().into_inner();
    assert!(checked.findings.iter().any(|it| it.code == "APPROVAL_REQUIRED"), "{checked:?}");

    let approval = office.ask(Approvable::DeleteRecoveryPoint(request.clone())).await.unwrap();
    assert_eq!(approval.state(), ApprovalState::Pending);
    assert_eq!((approval.action.as_str(), approval.requester.as_str()), ("DeleteRecoveryPoint", "corp:ada"));
    assert!(approval.shown_json.contains(&point), "{}", approval.shown_json);
    let told = approval.request.clone().unwrap().request.unwrap();
    assert_eq!(told, Approvable::DeleteRecoveryPoint(request.clone()));
    // The same is asked for once.
    assert_eq!(office.ask(Approvable::DeleteRecoveryPoint(request.clone())).await.unwrap().id, approval.id);
    let denied = delete_it(&request).await.unwrap_err();
    assert_eq!(why(&denied), said("APPROVAL_REQUIRED", "PENDING"));
    let alone = office.agree_as("ada", "ops", &approval).await.unwrap_err();
    assert_eq!(reason(&alone), (Code::PermissionDenied, "SECOND_PERSON_REQUIRED".to_owned()));
    // Another operator may not Approve less than an officer: policies decide who may.
    let agreed = office.agree(&approval).await.unwrap();
    assert_eq!(
        (agreed.state(), agreed.decider.as_str(), agreed.note.as_str()),
        (ApprovalState::Approved, "corp:olga", "seen")
    );
    assert_eq!(office.agree(&approval).await.unwrap().decide_time, agreed.decide_time, "once is enough");
    let other = office.agree_as("otto", "officers", &approval).await.unwrap_err();
    assert_eq!(reason(&other), (Code::FailedPrecondition, "APPROVAL_CLOSED".to_owned()));
    assert_eq!(why(&other).1, "APPROVED");

    // Nobody else can use it, and nothing else can be done with it.
    let of_bob = office.points("bob", "ops").delete_recovery_point(request.clone()).await.unwrap_err();
    assert_eq!(why(&of_bob), said("APPROVAL_REQUIRED", ""));
    let other = DeleteRecoveryPointRequest { allow_missing: true, ..request.clone() };
    assert_eq!(why(&delete_it(&other).await.unwrap_err()), said("APPROVAL_REQUIRED", "APPROVED"));
    let other = DeleteRecoveryPointRequest { request_id: id(), ..request.clone() };
    assert_eq!(why(&delete_it(&other).await.unwrap_err()), said("APPROVAL_REQUIRED", ""));

    delete_it(&request).await.unwrap();
    let get = GetApprovalRequest { approval: approval.id.clone(), ..Default::default() };
    let used = office.access("olga", "officers").get_approval(get).await.unwrap().into_inner().approval.unwrap();
    assert_eq!(used.state(), ApprovalState::Used);
    assert!(used.use_time.is_some());
    // A repetition finds nothing to do, while AWS deletes it and afterwards.
    delete_it(&request).await.unwrap();
    office.teams.world.advance("PT20M").await;
    assert_eq!(delete_it(&request).await.unwrap_err().code(), Code::NotFound);
    // What is done is not taken back.
    let reject = RejectRequest { approval: approval.id.clone(), ..Default::default() };
    let late = office.access("ada", "ops").reject(reject).await.unwrap_err();
    assert_eq!(why(&late), said("APPROVAL_CLOSED", "USED"));

    // The record has both.
    let wanted = ListAuditEventsRequest { action: "DeleteRecoveryPoint".into(), ..Default::default() };
    let done = office.recorded(wanted).await;
    let by = done.approval.clone().unwrap();
    assert_eq!((by.id, by.requester.as_str(), by.decider.as_str()), (approval.id, "corp:ada", "corp:olga"));
    assert_eq!((&by.request_digest, &approval.request_digest), (&done.request_digest, &done.request_digest));
    let wanted = ListAuditEventsRequest { action: "Approve".into(), ..Default::default() };
    let agreed = office.recorded(wanted).await;
    assert_eq!(agreed.approval.unwrap().requester, "corp:ada");
}

#[tokio::test]
async fn an_approval_holds_for_an_hour_for_what_was_shown_and_for_who_may_still_approve() {
    let (office, point) = Office::with_a_point(TWO).await;
    let mut points = office.points("ada", "ops");
    // What it is about is changed after somebody has agreed.
    let first = delete(&point);
    office.asked_and_agreed(Approvable::DeleteRecoveryPoint(first.clone())).await;
    let longer = UpdateRecoveryPointLifecycleRequest {
        vault: "vault".into(),
        recovery_point: point.clone(),
        lifecycle: Some(Lifecycle { delete_after_days: Some(400), ..Default::default() }),
        request_id: id(),
        ..Default::default()
    };
    points.update_recovery_point_lifecycle(longer.clone()).await.expect("what is kept longer takes nobody else");
    let stale = points.delete_recovery_point(first.clone()).await.unwrap_err();
    assert_eq!(reason(&stale), (Code::FailedPrecondition, "APPROVAL_STALE".to_owned()));
    // Before somebody has: then nobody can agree any more.
    let second = delete(&point);
    let pending = office.ask(Approvable::DeleteRecoveryPoint(second)).await.unwrap();
    let even_longer = UpdateRecoveryPointLifecycleRequest {
        lifecycle: Some(Lifecycle { delete_after_days: Some(500), ..Default::default() }),
        request_id: id(),
        ..longer
    };
    points.update_recovery_point_lifecycle(even_longer.clone()).await.unwrap();
    let shorter = UpdateRecoveryPointLifecycleRequest {
        lifecycle: Some(Lifecycle { delete_after_days: Some(300), ..Default::default() }),
        request_id: id(),
        ..even_longer
    };
    let denied = points.update_recovery_point_lifecycle(shorter.clone()).await.unwrap_err();
    assert_eq!(why(&denied), said("APPROVAL_REQUIRED", ""));
    office.asked_and_agreed(Approvable::UpdateRecoveryPointLifecycle(shorter.clone())).await;
    points.update_recovery_point_lifecycle(shorter).await.unwrap();
    assert_eq!(why(&office.agree(&pending).await.unwrap_err()), said("APPROVAL_STALE", "PENDING"));
    // Taken back.
    let third = delete(&point);
    let agreed = office.asked_and_agreed(Approvable::DeleteRecoveryPoint(third.clone())).await;
    let reject = RejectRequest { approval: agreed.id.clone(), note: "still needed".into(), ..Default::default() };
    office.access("olga", "officers").reject(reject).await.unwrap();
    assert_eq!(why(&points.delete_recovery_point(third).await.unwrap_err()), said("APPROVAL_REQUIRED", "REJECTED"));
    // Whoever agreed may not any more.
    let fourth = delete(&point);
    office.asked_and_agreed(Approvable::DeleteRecoveryPoint(fourth.clone())).await;
    write(
        office.teams.folder.path(),
        "more.cedar",
        r#"forbid (principal == Strongroom::User::"corp:olga", action, resource);"#,
    );
    let forbidden = async {
        loop {
            match office.vaults("olga", "officers").list_vaults(ListVaultsRequest::default()).await {
                Err(_) => return,
                Ok(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    timeout(PATIENCE, forbidden).await.unwrap();
    let denied = points.delete_recovery_point(fourth.clone()).await.unwrap_err();
    assert_eq!(why(&denied), said("APPROVAL_REQUIRED", "APPROVED"));
    assert!(denied.message().contains("may not any more"), "{denied:?}");
    // Its hour is over.
    let fifth = delete(&point);
    let agreed = office.ask(Approvable::DeleteRecoveryPoint(fifth.clone())).await.unwrap();
    office.agree_as("otto", "officers", &agreed).await.unwrap();
    office.teams.world.advance("PT61M").await;
    let late = points.delete_recovery_point(fifth).await.unwrap_err();
    assert_eq!(why(&late), said("APPROVAL_REQUIRED", "EXPIRED"));
    let list = ListApprovalsRequest { states: vec![ApprovalState::Rejected.into()], ..Default::default() };
    let rejected = office.access("ada", "ops").list_approvals(list).await.unwrap().into_inner().approvals;
    assert_eq!(rejected.len(), 1);
}

#[tokio::test]
async fn a_lock_and_a_shorter_retention_take_two_and_what_is_kept_longer_does_not() {
    let (office, _) = Office::with_a_point(TWO).await;
    let mut vaults = office.vaults("ada", "ops");
    let govern = LockVaultRequest {
        vault: "vault".into(),
        mode: LockMode::Governance.into(),
        min_retention_days: Some(1),
        request_id: id(),
        ..Default::default()
    };
    vaults.lock_vault(govern.clone()).await.expect("a lock that can be taken off takes nobody else");
    let unlock = UnlockVaultRequest { vault: "vault".into(), request_id: id(), ..Default::default() };
    assert_eq!(why(&vaults.unlock_vault(unlock.clone()).await.unwrap_err()).0, "APPROVAL_REQUIRED");
    office.asked_and_agreed(Approvable::UnlockVault(unlock.clone())).await;
    vaults.unlock_vault(unlock.clone()).await.unwrap();
    vaults.unlock_vault(unlock.clone()).await.expect("a repetition finds nothing to do");
    vaults.lock_vault(LockVaultRequest { request_id: id(), ..govern.clone() }).await.unwrap();
    let twice = vaults.unlock_vault(unlock).await.unwrap_err();
    assert_eq!(why(&twice), said("APPROVAL_STALE", "USED"), "one approval takes off one lock");
    let compliance = LockVaultRequest {
        mode: LockMode::Compliance.into(),
        changeable_for_days: Some(3),
        confirm_irreversible: true,
        request_id: id(),
        ..govern
    };
    assert_eq!(why(&vaults.lock_vault(compliance).await.unwrap_err()).0, "APPROVAL_REQUIRED");

    let (channel, token) = office.way("ada", "ops");
    let mut plans = PlanServiceClient::with_interceptor(channel, token);
    let rule = |days: i32| strongroom::proto::Rule {
        name: "daily".into(),
        vault: "vault".into(),
        lifecycle: Some(Lifecycle { delete_after_days: Some(days), ..Default::default() }),
        ..Default::default()
    };
    let create = CreatePlanRequest { name: "nightly".into(), rules: vec![rule(35)], ..Default::default() };
    plans.create_plan(create).await.unwrap();
    let update = |days: i32| UpdatePlanRequest {
        plan: "nightly".into(),
        rules: vec![rule(days)],
        update_mask: Some(prost_types::FieldMask { paths: vec!["rules".into()] }),
        request_id: id(),
        ..Default::default()
    };
    plans.update_plan(update(60)).await.expect("what is kept longer takes nobody else");
    let shorter = update(7);
    assert_eq!(why(&plans.update_plan(shorter.clone()).await.unwrap_err()).0, "APPROVAL_REQUIRED");
    office.asked_and_agreed(Approvable::UpdatePlan(shorter.clone())).await;
    plans.update_plan(shorter).await.unwrap();
    let needless = office.ask(Approvable::UpdatePlan(update(90))).await.unwrap_err();
    assert_eq!(reason(&needless), (Code::FailedPrecondition, "APPROVAL_NOT_NEEDED".to_owned()));
}

#[tokio::test]
async fn policies_go_by_what_only_a_read_tells() {
    let forbids = format!(
        "{TWO}\n@id(\"never-shorter\") forbid (principal, action == Strongroom::Action::\"UpdateRecoveryPointLifecycle\", resource) \
         when {{ context.shortens_retention }};"
    );
    let (office, point) = Office::with_a_point(&forbids).await;
    let keep = |days: i32| UpdateRecoveryPointLifecycleRequest {
        vault: "vault".into(),
        recovery_point: point.clone(),
        lifecycle: Some(Lifecycle { delete_after_days: Some(days), ..Default::default() }),
        request_id: id(),
        ..Default::default()
    };
    let mut points = office.points("ada", "ops");
    points.update_recovery_point_lifecycle(keep(400)).await.unwrap();
    let denied = points.update_recovery_point_lifecycle(keep(300)).await.unwrap_err();
    assert_eq!(reason(&denied), (Code::PermissionDenied, "ACCESS_DENIED".to_owned()));
    assert!(denied.message().contains("never-shorter"), "{denied:?}");
    let asked = office.ask(Approvable::UpdateRecoveryPointLifecycle(keep(300))).await.unwrap_err();
    assert_eq!(reason(&asked).1, "ACCESS_DENIED", "who may not do it need not ask");
}
