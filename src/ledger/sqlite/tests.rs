//! The suite on SQLite, in memory and in a file.

use std::time::Duration;

use crate::ledger::{Keeping, Ledger, suite};

async fn open() -> Option<Ledger> {
    Some(Ledger::new(Keeping::Memory))
}

suite::cases!(open);

mod in_a_file {
    use super::*;

    async fn open() -> Option<Ledger> {
        let folder = tempfile::tempdir().unwrap().keep();
        Some(Ledger::new(Keeping::File(folder.join("new/ledger.db"))))
    }

    suite::cases!(open);
}

#[tokio::test]
async fn a_file_that_is_none_of_a_ledger_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    std::fs::write(&path, "no database, though it is long enough for a header of one, and then some more. ".repeat(20))
        .unwrap();
    let told = Ledger::new(Keeping::File(path)).head().await.unwrap_err().to_string();
    assert!(told.contains("cannot be read") && told.contains("ledger.db"), "{told}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_down_and_no_damage() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let told = Ledger::new(Keeping::File(file.join("ledger.db"))).head().await.unwrap_err().to_string();
    assert!(told.contains("does not answer"), "{told}");
}

#[tokio::test]
async fn what_was_learnt_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let keeping = Keeping::File(folder.path().join("ledger.db"));
    let first = Ledger::new(keeping.clone());
    first.learn(vec![suite::telling("a", 1)]).await.unwrap();
    let head = first.head().await.unwrap();
    first.close().await;
    let second = Ledger::new(keeping);
    assert_eq!(second.head().await.unwrap(), head);
    assert_eq!(second.events(0, 10).await.unwrap().len(), 1);
    assert_eq!(second.damage().await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn whoever_has_the_file_alone_does_not_wait_for_the_leases_of_the_dead() {
    let folder = tempfile::tempdir().unwrap();
    let keeping = Keeping::File(folder.path().join("ledger.db"));
    let long = Duration::from_secs(600);
    let dead = Ledger::new(keeping.clone());
    let lease = dead.take_lease("feed", "dead", long).await.unwrap().unwrap();
    // By mistake, a second server on the file of one that lives: it waits.
    let second = Ledger::new(keeping.clone());
    assert!(second.take_lease("feed", "second", long).await.unwrap().is_none());
    // As the operating system does for one that is killed.
    dead.close().await;
    let next = Ledger::new(keeping);
    let taken = next.take_lease("feed", "next", long).await.unwrap().unwrap();
    assert!(second.take_lease("feed", "second", long).await.unwrap().is_none());
    next.under(&taken).learn(vec![suite::telling("a", 1)]).await.unwrap();
    assert!(next.under(&lease).learn(vec![suite::telling("b", 1)]).await.is_err());
}

#[tokio::test]
async fn jobs_of_before_there_were_rollups_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    suite::summary::what_was_there_before_is_counted(Keeping::File(folder.path().join("ledger.db"))).await;
}

#[tokio::test]
async fn what_went_wrong_before_there_were_incidents_is_known() {
    let folder = tempfile::tempdir().unwrap();
    suite::incidents::what_went_wrong_before_is_known(Keeping::File(folder.path().join("ledger.db"))).await;
}

#[tokio::test]
async fn a_file_is_looked_at_beside_whoever_writes_as_it_was_at_one_instant() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let keeping = Keeping::File(path.clone());
    let told = Ledger::to_look_at(keeping.clone()).head().await.unwrap_err().to_string();
    assert!(told.contains("there is no ledger") && told.contains("does not exist"), "{told}");
    assert!(!path.exists(), "it is not made");
    suite::a_ledger_is_seen_as_it_was(keeping).await;
    let memory = Ledger::to_look_at(Keeping::Memory).head().await.unwrap_err().to_string();
    assert!(memory.contains("kept in memory"), "{memory}");
}

#[tokio::test]
async fn a_file_that_no_server_has_opened_is_no_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    std::fs::write(&path, "").unwrap();
    let told = Ledger::to_look_at(Keeping::File(path)).check().await.unwrap_err().to_string();
    assert!(told.contains("no server has opened it yet"), "{told}");
}

#[tokio::test]
async fn a_file_that_is_damaged_is_told_of() {
    use std::io::{Seek as _, Write as _};

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::new(Keeping::File(path.clone()));
    ledger.learn((0..2_000).map(|index| suite::telling(&format!("job-{index}"), index)).collect()).await.unwrap();
    ledger.close().await;
    let mut file = std::fs::File::options().write(true).open(&path).unwrap();
    // Amid the pages, behind those that say what tables there are.
    let middle = file.metadata().unwrap().len() / 2;
    file.seek(std::io::SeekFrom::Start(middle)).unwrap();
    file.write_all(&[0xa5; 20_000]).unwrap();
    drop(file);
    let checked = Ledger::to_look_at(Keeping::File(path)).check().await.unwrap();
    assert!(checked.faults.iter().any(|fault| fault.starts_with("database: ")), "{:?}", checked.faults);
}
