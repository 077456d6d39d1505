//! `oauth::store::ledger`: what is answered when, and what becomes of changes that fail.

use mcp_proxy::limits::JOURNAL_BYTES_MIN;
use mcp_proxy::oauth::secret::{Digest, GrantId};
use mcp_proxy::oauth::store::document::{Loaded, load};
use mcp_proxy::oauth::store::ledger::{Job, Ledger, OnFailure, Write};
use mcp_proxy::oauth::store::record::AccessToken;
use mcp_proxy::oauth::store::{Entry, Store};

use crate::support::oauth::{Disk, random};

fn put(ledger: &mut Ledger<u32>, name: &str, expires_at: Option<u64>) {
    let grant = GrantId::of_family(&[1; 16]);
    let token = expires_at.map(|expires_at| AccessToken { grant, expires_at });
    ledger.store.put(Entry::Access(Digest::of(name), token));
}

fn commit(ledger: &mut Ledger<u32>, name: &str, expires_at: Option<u64>, waiting: u32) -> Write {
    put(ledger, name, expires_at);
    ledger.commit(OnFailure::Undo, Some(waiting), 0).unwrap()
}

fn ledger() -> Ledger<u32> {
    Ledger::new(Store::new(&mut random(1)))
}

fn read_back(disk: &Disk) -> Store {
    match load(disk.file.as_deref().unwrap()) {
        Ok(Loaded::Store { store, is_sound: true, .. }) => *store,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_write_makes_the_file_and_further_ones_append() {
    let (mut ledger, mut disk) = (ledger(), Disk::default());
    let first = commit(&mut ledger, "a", Some(1), 1);
    let second = commit(&mut ledger, "b", Some(2), 2);
    assert!(matches!((&first.job, &second.job), (Job::Rewrite(_), Job::Append(_))));
    assert_eq!((first.number, second.number), (1, 2));
    disk.carry_out(&first.job);
    assert_eq!(ledger.handle_written(1), [1]);
    disk.carry_out(&second.job);
    assert_eq!(ledger.handle_written(2), [2]);
    assert_eq!(read_back(&disk), ledger.store);
}

#[test]
fn one_report_may_stand_for_several_writes() {
    let mut ledger = ledger();
    for (index, name) in ["a", "b", "c"].into_iter().enumerate() {
        commit(&mut ledger, name, Some(1), index as u32);
    }
    assert_eq!(ledger.handle_written(2), [0, 1]);
    assert_eq!(ledger.handle_written(3), [2]);
    assert_eq!(ledger.handle_written(3), [0; 0]);
}

#[test]
fn nothing_changed_means_nothing_to_wait_for() {
    let mut ledger = ledger();
    commit(&mut ledger, "a", Some(1), 1);
    ledger.handle_written(1);
    assert!(matches!(ledger.commit(OnFailure::Undo, Some(7), 0), Err(Some(7))));
}

#[test]
fn what_is_done_already_waits_until_it_is_durable() {
    let (mut ledger, mut disk) = (ledger(), Disk::default());
    disk.carry_out(&commit(&mut ledger, "a", Some(1), 1).job);
    ledger.handle_written(1);
    put(&mut ledger, "a", None);
    ledger.commit(OnFailure::Keep, Some(2), 0).unwrap();
    // It is gone, but if the machine stops now it is there again: a second request is not told otherwise.
    let again = ledger.commit(OnFailure::Keep, Some(3), 0).expect("a write to wait for");
    assert_eq!(again.job, Job::Append(Vec::new()));
    assert_eq!(ledger.handle_write_failed(2), [2, 3]);
    assert!(ledger.handle_write_failed(again.number).is_empty());
    let third = ledger.commit(OnFailure::Keep, Some(4), 0).expect("nothing was written yet");
    disk.carry_out(&third.job);
    assert_eq!(ledger.handle_written(third.number), [4]);
    assert_eq!(read_back(&disk), ledger.store);
    assert!(ledger.commit(OnFailure::Keep, None, 0).is_err());
}

#[test]
fn a_late_report_of_a_failure_takes_nothing_along_that_was_asked_for_since() {
    let (mut ledger, mut disk) = (ledger(), Disk::default());
    disk.carry_out(&commit(&mut ledger, "a", Some(1), 1).job);
    ledger.handle_written(1);
    commit(&mut ledger, "b", Some(1), 2);
    commit(&mut ledger, "c", Some(1), 3);
    assert_eq!(ledger.handle_write_failed(2), [2, 3]);
    let rewrite = commit(&mut ledger, "d", Some(1), 4);
    assert_eq!(ledger.handle_write_failed(3), [0; 0], "it has failed already, and the rewrite has not");
    disk.carry_out(&rewrite.job);
    assert_eq!(ledger.handle_written(rewrite.number), [4]);
    assert_eq!(read_back(&disk), ledger.store);
}

#[test]
fn a_failure_undoes_it_and_all_behind_it_and_the_next_write_is_a_whole_file() {
    let (mut ledger, mut disk) = (ledger(), Disk::default());
    disk.carry_out(&commit(&mut ledger, "a", Some(1), 1).job);
    ledger.handle_written(1);
    let before = ledger.store.clone();
    commit(&mut ledger, "a", Some(2), 2);
    commit(&mut ledger, "b", Some(3), 3);
    commit(&mut ledger, "a", None, 4);
    assert_eq!(ledger.handle_write_failed(2), [2, 3, 4]);
    assert_eq!(ledger.store, before);
    assert_eq!((ledger.handle_written(4), ledger.handle_write_failed(3)), (vec![], vec![]), "they have failed already");
    disk.file.as_mut().unwrap().extend_from_slice(b"{\"half a li"); // what the failure left
    let write = commit(&mut ledger, "c", Some(1), 5);
    assert!(matches!(write.job, Job::Rewrite(_)));
    disk.carry_out(&write.job);
    assert_eq!(ledger.handle_written(write.number), [5]);
    assert_eq!(read_back(&disk), ledger.store);
    assert!(matches!(commit(&mut ledger, "d", Some(1), 6).job, Job::Append(_)));
}

#[test]
fn what_only_takes_away_stands_and_is_repaired_later() {
    let (mut ledger, mut disk) = (ledger(), Disk::default());
    disk.carry_out(&commit(&mut ledger, "a", Some(1), 1).job);
    ledger.handle_written(1);
    assert!(ledger.repair(0).is_none());
    commit(&mut ledger, "b", Some(1), 2);
    put(&mut ledger, "a", None);
    ledger.commit(OnFailure::Keep, Some(3), 0).unwrap();
    assert_eq!(ledger.handle_write_failed(2), [2, 3]);
    assert_eq!(ledger.store.census(), [0, 0, 0, 0]);
    let write = ledger.repair(0).unwrap();
    assert!(ledger.repair(0).is_none(), "one is on its way");
    disk.carry_out(&write.job);
    assert_eq!(ledger.handle_written(write.number), [0; 0]);
    assert_eq!(read_back(&disk), ledger.store);
}

#[test]
fn a_long_journal_is_compacted() {
    let (mut ledger, mut disk) = (ledger(), Disk::default());
    let (mut appended, mut compactions) = (0, 0);
    for index in 0..6_000 {
        let write = commit(&mut ledger, if index % 2 == 0 { "a" } else { "b" }, Some(index), 0);
        match &write.job {
            Job::Append(bytes) => appended += bytes.len(),
            Job::AppendAndCompact(_) => (appended, compactions) = (0, compactions + 1),
            Job::Rewrite(_) => assert_eq!(write.number, 1),
        }
        assert!(appended <= JOURNAL_BYTES_MIN + 1_024);
        disk.carry_out(&write.job);
        ledger.handle_written(write.number);
    }
    assert!(compactions > 2, "{compactions}");
    assert!(disk.file.as_ref().unwrap().len() < JOURNAL_BYTES_MIN + 2_048);
    assert_eq!(read_back(&disk), ledger.store);
}
