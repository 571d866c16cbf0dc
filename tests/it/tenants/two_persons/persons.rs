//! Who is a second person, who needs none, and who may know of an approval.

use super::*;

#[tokio::test]
async fn one_person_may_act_alone_where_a_policy_says_so_and_it_is_told_loudly() {
    let (office, point) = Office::with_a_point(TWO).await;
    let mut points = office.points("nina", "on-call");
    let request = delete(&point);
    let check = DeleteRecoveryPointRequest { validate_only: true, ..request.clone() };
    let told = |findings: &[strongroom::proto::Finding]| {
        findings.iter().any(|it| it.code == "BREAK_GLASS" && it.message.contains("teams.cedar:glass"))
    };
    assert!(told(&points.delete_recovery_point(check).await.unwrap().into_inner().findings));
    let done = points.delete_recovery_point(request).await.unwrap().into_inner();
    assert!(told(&done.findings), "{done:?}");
    let wanted = ListAuditEventsRequest { action: "DeleteRecoveryPoint".into(), ..Default::default() };
    assert_eq!(office.recorded(wanted).await.break_glass_policies, ["teams.cedar:glass"]);
}

#[tokio::test]
async fn two_credentials_of_one_person_are_not_two_persons() {
    let office = Office::open_with(TWO, |config| {
        config.access.issuers[0].person_claim = Some("email".to_owned());
    })
    .await;
    let vault = CreateVaultRequest { name: "vault".into(), ..Default::default() };
    office.teams.world.vaults().create_vault(vault).await.unwrap();
    let access = |sub: &str, group: &str, email: Option<&str>| {
        let claims = office.teams.issuer.claims(&json!({"sub": sub, "groups": [group], "email": email}));
        AccessServiceClient::with_interceptor(office.teams.world.channel(), Token(office.teams.pair.sign(&claims)))
    };
    let unlock = UnlockVaultRequest { vault: "vault".into(), request_id: id(), ..Default::default() };
    let mut ada = access("ada", "ops", Some("ada@example.com"));
    let asked = ada.request_approval(asking(Approvable::UnlockVault(unlock))).await;
    let approval = asked.unwrap().into_inner().approval.unwrap();
    let approve = ApproveRequest { approval: approval.id.clone(), ..Default::default() };
    for (sub, email) in [("ada-admin", Some("Ada@Example.com")), ("robot", None), ("ada", Some("other@example.com"))] {
        let denied = access(sub, "officers", email).approve(approve.clone()).await.unwrap_err();
        assert_eq!(reason(&denied), (Code::PermissionDenied, "SECOND_PERSON_REQUIRED".to_owned()), "{sub}");
    }
    // Whoever brings no token is nobody.
    let nobody = AccessServiceClient::new(office.teams.world.channel()).approve(approve.clone()).await.unwrap_err();
    assert_eq!(reason(&nobody).1, "SECOND_PERSON_REQUIRED");
    let unlock = UnlockVaultRequest { vault: "vault".into(), request_id: id(), ..Default::default() };
    let mut anonymous = AccessServiceClient::new(office.teams.world.channel());
    let nobody = anonymous.request_approval(asking(Approvable::UnlockVault(unlock))).await.unwrap_err();
    assert_eq!(reason(&nobody).1, "SECOND_PERSON_REQUIRED");
    access("olga", "officers", Some("olga@example.com")).approve(approve).await.unwrap();
}

#[tokio::test]
async fn an_approval_about_what_a_caller_may_not_see_is_not_there() {
    let teams = Teams::lived_in().await;
    let access = |team: &str| {
        let (channel, token) = teams.way(team);
        AccessServiceClient::with_interceptor(channel, token)
    };
    let force =
        |team: &str| DeleteVaultRequest { vault: vault_of(team), force: true, request_id: id(), ..Default::default() };
    // Who may not delete a vault need not ask, and of one that is another's is told nothing.
    let theirs =
        access("orders").request_approval(asking(Approvable::DeleteVault(force("billing")))).await.unwrap_err();
    let nothing =
        access("orders").request_approval(asking(Approvable::DeleteVault(force("nothing")))).await.unwrap_err();
    assert_eq!((theirs.code(), nothing.code()), (Code::NotFound, Code::NotFound));
    assert_eq!(theirs.message().replace("billing-vault", "nothing-vault"), nothing.message());
    let approval = access("orders").request_approval(asking(Approvable::DeleteVault(force("orders")))).await;
    let approval = approval.unwrap().into_inner().approval.unwrap();
    let get = |id: &str| GetApprovalRequest { approval: id.to_owned(), ..Default::default() };
    assert!(access("orders").get_approval(get(&approval.id)).await.is_ok());
    let unknown = id();
    let hidden = access("billing").get_approval(get(&approval.id)).await.unwrap_err();
    let absent = access("billing").get_approval(get(&unknown)).await.unwrap_err();
    assert_eq!(reason(&hidden), (Code::NotFound, "APPROVAL_NOT_FOUND".to_owned()));
    assert_eq!(hidden.message().replace(&approval.id, &unknown), absent.message());
    for decide in ["approve", "reject"] {
        let (approval, note) = (approval.id.clone(), String::new());
        let denied = match decide {
            "approve" => {
                let request = ApproveRequest { approval, note, ..Default::default() };
                access("billing").approve(request).await.unwrap_err()
            }
            _ => access("billing").reject(RejectRequest { approval, note, ..Default::default() }).await.unwrap_err(),
        };
        assert_eq!(reason(&denied), (Code::NotFound, "APPROVAL_NOT_FOUND".to_owned()), "{decide}");
    }
    let list = async |team: &str| {
        let answer = access(team).list_approvals(ListApprovalsRequest::default()).await;
        answer.map(|answer| answer.into_inner().approvals.len()).unwrap_or_default()
    };
    assert_eq!((list("orders").await, list("billing").await), (1, 0));
}

#[tokio::test]
async fn what_is_asked_for_must_be_a_request_that_can_be_sent() {
    let office = Office::open(TWO).await;
    let violations = async |request: RequestApprovalRequest| {
        let refused = office.access("ada", "ops").request_approval(request).await.unwrap_err();
        let told = refused.get_details_bad_request().unwrap_or_else(|| panic!("{refused:?}"));
        told.field_violations.into_iter().map(|it| it.field).collect::<Vec<_>>()
    };
    assert_eq!(violations(RequestApprovalRequest::default()).await, ["request"]);
    let bad = DeleteVaultRequest { vault: "a b".into(), force: true, validate_only: true, ..Default::default() };
    let bad = RequestApprovalRequest { reason: "x".repeat(1_001), ..asking(Approvable::DeleteVault(bad)) };
    let told = violations(bad).await;
    let fields = [
        "reason",
        "request.delete_vault.request_id",
        "request.delete_vault.validate_only",
        "request.delete_vault.vault",
    ];
    assert_eq!(told.iter().filter(|field| fields.contains(&field.as_str())).count(), 4, "{told:?}");
    let nothing = DeleteVaultRequest { vault: "nothing".into(), force: true, request_id: id(), ..Default::default() };
    let missing = office.ask(Approvable::DeleteVault(nothing)).await.unwrap_err();
    assert_eq!(reason(&missing), (Code::NotFound, "VAULT_NOT_FOUND".to_owned()));
    let approve = ApproveRequest { approval: "seven".into(), ..Default::default() };
    let refused = office.access("olga", "officers").approve(approve).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn while_the_ledger_is_down_what_takes_two_is_not_done() {
    let folder = tempfile::tempdir().unwrap();
    // A file where the ledger's directory is to be.
    std::fs::write(folder.path().join("file"), "").unwrap();
    let path = folder.path().join("file/ledger.db");
    let office = Office::open_with(TWO, |config| config.ledger.path = Some(path)).await;
    let vault = CreateVaultRequest { name: "vault".into(), ..Default::default() };
    office.teams.world.vaults().create_vault(vault).await.unwrap();
    let unlock = UnlockVaultRequest { vault: "vault".into(), request_id: id(), ..Default::default() };
    let denied = office.vaults("ada", "ops").unlock_vault(unlock.clone()).await.unwrap_err();
    assert_eq!(reason(&denied), (Code::Unavailable, "LEDGER_UNAVAILABLE".to_owned()));
    let denied = office.ask(Approvable::UnlockVault(unlock)).await.unwrap_err();
    assert_eq!(reason(&denied).1, "LEDGER_UNAVAILABLE");
}

#[tokio::test]
async fn what_a_policy_marks_takes_two_as_well_and_asking_for_it_does_not() {
    let marked = r#"
        @approval("required")
        permit (principal in Strongroom::Group::"corp:ops", action in Strongroom::Action::"destroy", resource);
    "#;
    let office = Office::open(&format!("{TWO}{marked}")).await;
    let rule = strongroom::proto::Rule { name: "daily".into(), vault: "vault".into(), ..Default::default() };
    let create = CreatePlanRequest { name: "nightly".into(), rules: vec![rule], ..Default::default() };
    office.teams.world.plans().create_plan(create).await.unwrap();
    // However the id is spelled.
    let delete = strongroom::proto::DeletePlanRequest {
        plan: "nightly".into(),
        request_id: id().to_ascii_uppercase(),
        ..Default::default()
    };
    let (channel, token) = office.way("ada", "ops");
    let mut plans = PlanServiceClient::with_interceptor(channel, token);
    assert_eq!(why(&plans.delete_plan(delete.clone()).await.unwrap_err()).0, "APPROVAL_REQUIRED");
    office.asked_and_agreed(Approvable::DeletePlan(delete.clone())).await;
    plans
        .delete_plan(strongroom::proto::DeletePlanRequest { request_id: delete.request_id.to_lowercase(), ..delete })
        .await
        .unwrap();
}
