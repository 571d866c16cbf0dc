use super::*;
use crate::domain::VaultLock;

fn locked(min: i32, compliance: bool) -> VaultPicture {
    let lock = VaultLock {
        min_retention_days: Some(min),
        max_retention_days: Some(365),
        locked_at: compliance.then_some(Timestamp::UNIX_EPOCH),
        immutable: false,
    };
    VaultPicture { lock: Some(Some(lock)), ..VaultPicture::default() }
}

fn noted(policy: Option<&str>, events: Option<&[&str]>) -> VaultPicture {
    let notifications = events.map(|events| {
        let events = events.iter().map(|event| (*event).to_owned()).collect();
        ("arn:aws:sns:us-east-1:111122223333:backups".to_owned(), events)
    });
    VaultPicture { policy: Some(policy.map(str::to_owned)), notifications: Some(notifications), ..Default::default() }
}

#[test]
fn a_picture_of_a_vault_survives_its_text() {
    let whole = locked(7, true).and(noted(Some("{\"a\":1}"), Some(&["BACKUP_JOB_FAILED"])));
    for picture in [VaultPicture::default(), locked(1, false), noted(None, None), whole] {
        assert_eq!(VaultPicture::parse(&picture.text()), picture);
    }
    assert_eq!(VaultPicture::parse("nothing"), VaultPicture::default());
}

#[test]
fn a_vault_is_weaker_by_what_it_lost_and_by_nothing_that_is_not_known() {
    let gone = VaultPicture { lock: Some(None), ..VaultPicture::default() };
    let causes = |now: &VaultPicture, before: &VaultPicture| {
        now.weaker_than(before).into_iter().map(|(cause, ..)| cause).collect::<Vec<_>>()
    };
    for (before, now, wanted) in [
        (locked(7, false), gone.clone(), vec![Cause::VaultLockWeakened]),
        (locked(7, false), locked(6, false), vec![Cause::VaultLockWeakened]),
        (locked(7, true), locked(7, false), vec![Cause::VaultLockWeakened]),
        (locked(7, false), locked(7, true), vec![]),
        (locked(7, false), locked(8, false), vec![]),
        (gone.clone(), locked(7, false), vec![]),
        (locked(7, false), VaultPicture::default(), vec![]),
        (VaultPicture::default(), gone, vec![]),
        (noted(Some("{\"a\":1, \"b\":2}"), None), noted(Some("{\"b\":2,\"a\":1}"), None), vec![]),
        (noted(Some("{}"), None), noted(None, None), vec![Cause::VaultPolicyChanged]),
        (noted(None, None), noted(Some("{}"), None), vec![Cause::VaultPolicyChanged]),
        (noted(None, Some(&["A", "B"])), noted(None, Some(&["B", "C", "A"])), vec![]),
        (noted(None, Some(&["A", "B"])), noted(None, Some(&["B"])), vec![Cause::VaultNotificationsOff]),
        (noted(None, Some(&["A"])), noted(None, None), vec![Cause::VaultNotificationsOff]),
    ] {
        assert_eq!(causes(&now, &before), wanted, "{before:?} -> {now:?}");
    }
}

#[test]
fn only_jobs_that_went_wrong_are_incidents() {
    assert_eq!(Cause::of_job(&JobState::Completed, false), None);
    assert_eq!(Cause::of_job(&JobState::Completed, true), Some(Cause::JobCompletedWithIssues));
    assert_eq!(Cause::of_job(&JobState::Aborted, false), None);
    assert_eq!(Cause::of_job(&JobState::Expired, false), Some(Cause::JobExpired));
}
