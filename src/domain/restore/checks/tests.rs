use super::*;
use crate::domain::{Arn, RdsInstanceRestore, RoleRef, Severity, Trust, VaultName};

const POINT: &str = "arn:aws:backup:us-east-1:123456789012:recovery-point:continuous:db-abc-01234567";

fn restore(point_in_time: Option<PointInTime>) -> Restore {
    Restore {
        recovery_point: Arn::parse(POINT).unwrap(),
        vault: VaultName::parse("prod").unwrap(),
        role: RoleRef::parse("R").unwrap().0,
        target: RestoreTarget::Instance(RdsInstanceRestore { identifier: "a".into(), ..Default::default() }),
        point_in_time,
        copy_source_tags: false,
    }
}

fn backup(resource_id: &str, window: Option<(&str, &str)>) -> AutomatedBackup {
    let window = window.map(|(earliest, latest)| RestoreWindow {
        earliest: earliest.parse().unwrap(),
        latest: latest.parse().unwrap(),
    });
    AutomatedBackup { recovery_point_arn: String::new(), resource_id: resource_id.into(), window }
}

#[test]
fn a_time_is_judged_by_the_window_of_the_very_database() {
    let window = Some(("2026-03-01T00:00:00.2Z", "2026-03-02T00:00:00.7Z"));
    let code = |at: Option<&str>, backups: &[AutomatedBackup]| {
        let at = at.map(|at| PointInTime::At(at.parse().unwrap()));
        let (finding, window) = time(&restore(at), backups);
        (finding.code, window.map(|window| window.earliest.to_string()))
    };
    let own = [backup("db-XYZ", None), backup("db-ABC", window)];
    let known = |code| (code, Some("2026-03-01T00:00:01Z".to_owned()));
    assert_eq!(code(None, &own), known("TIME_RESTORABLE"));
    assert_eq!(code(Some("2026-03-02T00:00:00Z"), &own), known("TIME_RESTORABLE"));
    assert_eq!(code(Some("2026-03-01T00:00:01Z"), &own), known("TIME_RESTORABLE"));
    assert_eq!(code(Some("2026-03-01T00:00:00Z"), &own), known("TIME_NOT_RESTORABLE"), "a fraction too early");
    assert_eq!(code(Some("2026-03-02T00:00:01Z"), &own), known("TIME_NOT_RESTORABLE"));
    assert_eq!(code(None, &[]), ("NOTHING_TO_RESTORE_FROM", None));
    assert_eq!(code(None, &[backup("db-ABC", None)]), ("NOTHING_TO_RESTORE_FROM", None));
    assert_eq!(code(None, &[backup("db-ABCD", window)]), ("SOURCE_REPLACED", None));
    // Where AWS's form of the ARN is another one, what RDS itself says counts.
    let managed = AutomatedBackup { recovery_point_arn: POINT.into(), ..backup("db-other", window) };
    assert_eq!(code(None, &[managed]), known("TIME_RESTORABLE"));
}

fn way(storage_type: &str, multi_az: bool, zones: &[&str], clusters: bool) -> Orderable {
    let zones = zones.iter().map(|zone| (*zone).to_owned()).collect();
    Orderable { storage_type: storage_type.into(), multi_az, zones, clusters }
}

const HERE: &str = "us-east-1a";
const THERE: &str = "us-east-1b";

#[test]
fn a_class_must_be_offered_with_all_that_is_asked_for() {
    let ways = Offer::Ways(vec![way("gp2", true, &[HERE], false), way("io1", false, &[HERE, THERE], true)]);
    let metadata = |pairs: &[(&str, &str)]| -> RestoreMetadata {
        let always = [("Engine", "postgres"), ("EngineVersion", "16.3"), ("DBInstanceClass", "db.m6g.large")];
        always.iter().chain(pairs).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let judge = |pairs: &[(&str, &str)]| ClassWish::of(&restore(None), &metadata(pairs)).unwrap().judge(&ways);
    assert_eq!(judge(&[]).code, "CLASS_ORDERABLE");
    assert_eq!(judge(&[("StorageType", "io1"), ("AvailabilityZone", THERE)]).code, "CLASS_ORDERABLE");
    let elsewhere = judge(&[("StorageType", "gp2"), ("AvailabilityZone", "eu-west-1a")]);
    assert_eq!(
        elsewhere.code, "CLASS_ORDERABLE",
        "a zone of another region is told as such, and is no matter of the class"
    );
    for (pairs, why) in [
        (vec![("StorageType", "gp3")], "with storage of type gp3"),
        (vec![("StorageType", "io1"), ("MultiAZ", "true")], "with a standby"),
        (vec![("StorageType", "gp2"), ("AvailabilityZone", THERE)], "in zone us-east-1b"),
    ] {
        let finding = judge(&pairs);
        assert_eq!(finding.code, "CLASS_NOT_ORDERABLE");
        assert!(finding.message.ends_with(why), "{finding:?}");
    }
    let wish = ClassWish::of(&restore(None), &metadata(&[])).unwrap();
    assert_eq!(wish.judge(&Offer::Ways(Vec::new())).code, "CLASS_NOT_ORDERABLE");
    let retired = wish.judge(&Offer::NothingForVersion);
    assert_eq!((retired.code, retired.severity), ("NOT_CHECKED", Severity::Warning));
    assert_eq!(ClassWish::of(&restore(None), &RestoreMetadata::default()), None, "no class, nothing to check");
}

#[test]
fn only_a_role_that_certainly_cannot_restore_stands_in_the_way() {
    let policy = |name: &str| format!("arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyFor{name}");
    let state = |trust, attached: &[String], inline: &[&str]| RoleState {
        name: "R".into(),
        arn: "arn:aws:iam::123456789012:role/R".into(),
        path: "/".into(),
        partition: "aws",
        created_at: None,
        trust,
        attached: attached.to_vec(),
        inline: inline.iter().map(|name| (*name).to_owned()).collect(),
        tags: std::collections::BTreeMap::new(),
    };
    let told = |state| role(&state).into_iter().map(|finding| (finding.code, finding.severity)).collect::<Vec<_>>();
    let lacks = |severity| vec![("RESTORE_POLICY_MISSING", severity)];
    assert_eq!(told(state(Trust::Granted, &[policy("Restores")], &[])), [("ROLE_READY", Severity::Info)]);
    assert_eq!(told(state(Trust::Granted, &[policy("Backup")], &[])), lacks(Severity::Error));
    assert_eq!(told(state(Trust::Granted, &[policy("Backup")], &["own"])), lacks(Severity::Warning));
    let administrator = "arn:aws:iam::aws:policy/AdministratorAccess".to_owned();
    assert_eq!(told(state(Trust::Granted, &[administrator], &[])), lacks(Severity::Warning));
    let distrusts = told(state(Trust::Missing, &[policy("Restores")], &[]));
    assert_eq!(distrusts, [("TRUST_MISSING", Severity::Error)]);
}
