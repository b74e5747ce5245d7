//! The journal in a file does what the port says, keeps what it acknowledged, and fails closed.

#![expect(clippy::unwrap_used, reason = "a test stops at what should not happen")]

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Waker};
use std::thread;

use carhop_app::batch::{Batch, Body, Entry, Meta, Sealed, Spend, Stream, Write};
use carhop_app::ports::{AppendError, Journal, JournalError};
use carhop_app::record::{Kind, Partition, RecordKey};
use carhop_journal::conformance::block_on;
use carhop_journal::{OpenError, SqliteJournal, conformance, conformance_cases};
use carhop_kernel::actor::Actor;
use carhop_kernel::id::{EventId, SessionId, TokenId};
use carhop_kernel::time::Timestamp;
use rusqlite::Connection;
use tempfile::TempDir;

macro_rules! test_each {
    ($($case:ident)*) => {$(
        #[test]
        fn $case() {
            let folder = tempfile::tempdir().unwrap();
            let opened = Cell::new(0);
            conformance::$case(&|| {
                opened.set(opened.get() + 1);
                let file = folder.path().join(format!("journal-{}", opened.get()));
                Arc::new(SqliteJournal::open(file).unwrap())
            });
        }
    )*};
}

conformance_cases!(test_each);

#[test]
fn reopening_keeps_everything_that_was_acknowledged() {
    let file = File::new();
    let journal = file.open();
    for number in 1..=3 {
        block_on(journal.append(batch(number))).unwrap();
    }
    block_on(journal.refuse(refusal(entry(4, side())))).unwrap();
    let before = (read(&journal), block_on(journal.unsequenced(9)).unwrap());
    assert_eq!((before.0.len(), before.1.len()), (3, 4));
    drop(journal);
    let journal = file.open();
    assert_eq!((read(&journal), block_on(journal.unsequenced(9)).unwrap()), before);
    assert_eq!(block_on(journal.record(key("3"))).unwrap().unwrap().version, 1);
    assert_eq!(block_on(journal.append(batch(3))), Err(AppendError::Spent));
}

#[test]
fn what_is_read_as_it_is_stays_so_while_others_append_and_takes_nothing() {
    let file = File::new();
    let journal = file.open();
    block_on(journal.append(batch(1))).unwrap();
    let seen = SqliteJournal::open_as_it_is(file.path()).unwrap();
    block_on(journal.append(batch(2))).unwrap();
    assert_eq!((read(&seen).len(), read(&journal).len()), (1, 2));
    let refused = block_on(seen.append(batch(3)));
    assert!(matches!(refused, Err(AppendError::Journal(JournalError::Unavailable(_)))));
    drop((seen, journal));
    // Nobody else needs to have it open.
    assert_eq!(read(&SqliteJournal::open_as_it_is(file.path()).unwrap()).len(), 2);
    fs::write(file.path().with_extension("else"), b"no journal").unwrap();
    for name in ["else", "missing"] {
        assert!(SqliteJournal::open_as_it_is(file.path().with_extension(name)).is_err(), "{name}");
    }
}

#[test]
fn dropping_finishes_what_waits_and_joins_every_thread() {
    let file = File::new();
    let journal = file.open();
    for number in 1..=100 {
        start(&mut journal.append(batch(number)));
    }
    drop(journal);
    // The last connection to close removes the write-ahead log.
    assert_eq!(file.folder_names(), ["journal", "journal.reserve"]);
    assert_eq!(read(&file.open()).len(), 100);
}

#[test]
fn a_file_of_a_newer_program_is_refused_untouched() {
    let file = File::new();
    block_on(file.open().append(batch(1))).unwrap();
    file.change("PRAGMA user_version = 9");
    let before = fs::read(file.path()).unwrap();
    let refused = SqliteJournal::open(file.path()).err();
    assert!(matches!(refused, Some(OpenError::Newer { found: 9, known: 1 })), "{refused:?}");
    assert_eq!(fs::read(file.path()).unwrap(), before);
}

#[test]
fn a_file_of_something_else_is_refused_untouched() {
    let file = File::new();
    file.change("CREATE TABLE recipes (name TEXT); PRAGMA user_version = 1");
    assert!(matches!(SqliteJournal::open(file.path()), Err(OpenError::Foreign)));
    fs::write(
        file.path(),
        "not a database, but long enough to be told from an empty file".repeat(9),
    )
    .unwrap();
    assert!(matches!(SqliteJournal::open(file.path()), Err(OpenError::Database(_))));
    assert_eq!(file.folder_names(), ["journal"]);
}

#[test]
fn a_commit_that_fails_is_unknown_and_stops_the_journal_until_it_is_opened_again() {
    let file = File::new();
    block_on(file.open().append(batch(1))).unwrap();
    // A foreign key that is only checked by the commit, and cannot hold.
    file.change(
        "CREATE TABLE orphans (number INTEGER REFERENCES events DEFERRABLE INITIALLY DEFERRED);
         CREATE TRIGGER sabotage AFTER INSERT ON spent
             BEGIN INSERT INTO orphans VALUES (999); END",
    );
    let journal = file.open();
    let failed = block_on(journal.append(batch(2)));
    assert!(matches!(failed, Err(AppendError::Journal(JournalError::Unknown(_)))), "{failed:?}");
    let append = block_on(journal.append(Batch::new(partition(), NOW)));
    assert!(matches!(append, Err(AppendError::Journal(JournalError::Unavailable(_)))));
    let refuse = block_on(journal.refuse(refusal(entry(3, side()))));
    assert!(matches!(refuse, Err(AppendError::Journal(JournalError::Unavailable(_)))));
    let lease = block_on(journal.lease_effects(NOW, NOW, 1));
    assert!(matches!(lease, Err(JournalError::Unavailable(_))));
    drop(journal);
    file.change("DROP TRIGGER sabotage");
    let journal = file.open();
    assert_eq!(read(&journal), ["1"]);
    block_on(journal.append(batch(2))).unwrap();
}

#[test]
fn a_batch_that_the_database_refuses_falls_alone() {
    let file = File::new();
    drop(file.open());
    file.change(
        "CREATE TRIGGER sabotage AFTER INSERT ON spent WHEN hex(NEW.nonce) LIKE '020202%'
             BEGIN SELECT raise(ABORT, 'sabotage'); END",
    );
    let journal = file.open();
    // All three wait before the writer can take the first.
    let lock = file.lock();
    let mut appends = [1, 2, 3].map(|number| journal.append(batch(number)));
    appends.iter_mut().for_each(start);
    lock.execute_batch("ROLLBACK").unwrap();
    let [first, second, third] = appends.map(block_on);
    assert!(first.is_ok() && third.is_ok());
    assert!(
        matches!(second, Err(AppendError::Journal(JournalError::Unavailable(_)))),
        "{second:?}"
    );
    assert_eq!(read(&journal), ["1", "3"]);
}

#[test]
fn refusals_wait_behind_appends_and_the_oldest_are_given_up() {
    let file = File::new();
    let journal = file.open();
    let lock = file.lock();
    let mut refusals: Vec<_> = (0..REFUSALS)
        .map(|number| journal.refuse(refusal(entry(1_000 + number, side()))))
        .collect();
    refusals.iter_mut().for_each(start);
    let mut append = journal.append(batch(1));
    start(&mut append);
    lock.execute_batch("ROLLBACK").unwrap();
    block_on(append).unwrap();
    let outcomes: Vec<_> = refusals.into_iter().map(block_on).collect();
    let given_up = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    assert!(given_up >= REFUSALS as usize - WAITING_MAX - RIDERS, "{given_up} given up");
    assert_eq!(journal.refusals_given_up(), given_up as u64);
    let kept = block_on(journal.unsequenced(usize::MAX)).unwrap();
    assert_eq!(kept.len(), outcomes.len() - given_up + 1);
    assert_eq!(kept.last().unwrap().id, id(1_000 + REFUSALS - 1), "the newest is kept");
    let place = kept.iter().position(|event| event.id == id(1)).unwrap();
    assert!(place <= RIDERS, "{place} refusals went before the append");
}

#[test]
fn erased_data_is_nowhere_in_the_files() {
    const SECRET: &[u8] = b"the sealed name of somebody who asked to be forgotten";
    let file = File::new();
    let journal = file.open();
    let mut sealing = Batch::new(partition(), NOW);
    let (subject, field) = ("ada".to_owned(), "name".to_owned());
    sealing.sealed.push(Sealed { subject: subject.clone(), field, bytes: SECRET.to_vec() });
    block_on(journal.append(sealing)).unwrap();
    assert!(file.contains(SECRET));
    let mut erasing = Batch::new(partition(), NOW);
    erasing.erased.push(subject);
    block_on(journal.append(erasing)).unwrap();
    // The next answer comes after the turn that erased is over.
    block_on(journal.append(batch(1))).unwrap();
    assert!(!file.contains(SECRET));
}

#[test]
fn what_was_tampered_with_is_corrupt_and_never_guessed() {
    for change in [
        "UPDATE events SET stored = CAST(replace(CAST(stored AS TEXT), 'acme', 'emca') AS BLOB)",
        "UPDATE events SET stored = CAST(replace(CAST(stored AS TEXT), 'hs_01', 'hs_02') AS BLOB)",
        "UPDATE events SET stored = zeroblob(9) WHERE sequence = 2",
        "UPDATE events SET id = zeroblob(16) WHERE sequence = 2",
        "UPDATE events SET sequence = 3 WHERE sequence = 2",
        "DELETE FROM unsequenced; DELETE FROM events WHERE sequence = 1",
    ] {
        let file = File::new();
        for number in 1..=2 {
            block_on(file.open().append(batch(number))).unwrap();
        }
        file.change(change);
        let found = block_on(file.open().stream(partition(), session()));
        assert!(matches!(found, Err(JournalError::Corrupt(_))), "{change}: {found:?}");
    }
}

#[test]
fn nonces_are_forgotten_a_while_after_they_may_be() {
    let file = File::new();
    let journal = file.open();
    for number in 1..=3 {
        block_on(journal.append(batch(number))).unwrap();
    }
    let mut last = Batch { at: NOW.plus_ms(2 * 3_600_000), ..batch(4) };
    last.spends[0].until = last.at.plus_ms(1);
    block_on(journal.append(last)).unwrap();
    drop(journal);
    let left: u64 = Connection::open(file.path())
        .unwrap()
        .query_row("SELECT count(*) FROM spent", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 1);
}

#[test]
fn nobody_reads_a_record_older_than_what_somebody_was_told_is_written() {
    let file = File::new();
    let journal = file.open();
    let told = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while told.load(Ordering::Acquire) < u64::from(WRITES) {
                    let before = told.load(Ordering::Acquire);
                    let found = block_on(journal.record(key("one"))).unwrap();
                    assert!(found.map_or(0, |found| found.version) >= before);
                }
            });
        }
        for number in 1..=WRITES {
            let mut batch = Batch::new(partition(), NOW);
            batch.writes.push(write("one", number));
            // Others come and go meanwhile, so that readings are kept and driven out.
            batch.writes.push(write(&format!("other {}", number % 5), number));
            block_on(journal.append(batch)).unwrap();
            told.store(u64::from(number), Ordering::Release);
        }
    });
    drop(journal);
    let version = block_on(file.open().record(key("one"))).unwrap().unwrap().version;
    assert_eq!(version, u64::from(WRITES));
}

#[test]
fn a_record_that_was_forgotten_is_gone_for_whoever_had_read_it() {
    let file = File::new();
    let journal = file.open();
    let passing = |name: &str, until| {
        let mut batch = Batch::new(partition(), NOW);
        batch.writes.push(Write { until: Some(until), ..write(name, 1) });
        batch
    };
    block_on(journal.append(passing("old", NOW.plus_ms(1)))).unwrap();
    assert!(block_on(journal.record(key("old"))).unwrap().is_some());
    let later = NOW.plus_ms(2);
    block_on(journal.append(Batch { at: later, ..passing("new", later.plus_ms(1)) })).unwrap();
    assert_eq!(block_on(journal.record(key("old"))), Ok(None));
    assert!(block_on(journal.record(key("new"))).unwrap().is_some());
}

/// A journal's file in a folder of its own.
struct File(TempDir);

impl File {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("journal")
    }

    fn open(&self) -> SqliteJournal {
        SqliteJournal::open(self.path()).unwrap()
    }

    fn change(&self, statements: &str) {
        Connection::open(self.path()).unwrap().execute_batch(statements).unwrap();
    }

    /// Holds the file as another process would, so that the writer has to wait.
    fn lock(&self) -> Connection {
        let connection = Connection::open(self.path()).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        connection
    }

    fn folder_names(&self) -> Vec<String> {
        let files = fs::read_dir(self.0.path()).unwrap();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn contains(&self, bytes: &[u8]) -> bool {
        self.folder_names().into_iter().any(|name| {
            let content = fs::read(self.0.path().join(name)).unwrap();
            content.windows(bytes.len()).any(|window| window == bytes)
        })
    }
}

/// Polls once, which puts the work into its queue.
fn start<T>(future: &mut Pin<Box<dyn Future<Output = T> + Send + '_>>) {
    assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

/// The keys of the records that batches wrote.
fn read(journal: &SqliteJournal) -> Vec<String> {
    let events = block_on(journal.stream(partition(), session())).unwrap();
    let numbers =
        events.into_iter().map(|event| u128::from_be_bytes(*event.id.as_bytes()).to_string());
    numbers.collect()
}

/// An event, a record and a spent nonce of one number.
fn batch(number: u32) -> Batch {
    let mut batch = Batch::new(partition(), NOW);
    batch.entries.push(entry(number, session()));
    batch.writes.push(write(&number.to_string(), number));
    let nonce = [u8::try_from(number).unwrap(); 32];
    batch.spends.push(Spend { space: "otp", nonce, until: NOW.plus_ms(1) });
    batch
}

fn write(name: &str, number: u32) -> Write {
    let body = Some(number.to_be_bytes().to_vec());
    Write { key: key(name), body, indexes: Vec::new(), until: None }
}

fn entry(number: u32, stream: Stream) -> Entry {
    let meta = Meta {
        actor: Actor::System,
        decision: None,
        policy: None,
        key: None,
        token: None,
        device: None,
    };
    let body = Body::TokenRevoked { token: TokenId::from_bytes([1; 16]) };
    Entry { id: id(number), stream, meta, body }
}

fn refusal(entry: Entry) -> Batch {
    let mut refusal = Batch::new(partition(), NOW);
    refusal.entries.push(entry);
    refusal
}

fn id(number: u32) -> EventId {
    EventId::from_bytes(u128::from(number).to_be_bytes())
}

fn key(key: &str) -> RecordKey {
    RecordKey { partition: partition(), kind: Kind::Token, key: key.to_owned() }
}

fn partition() -> Partition {
    Partition { tenant: "acme".parse().unwrap(), market: "sunnyvale".parse().unwrap() }
}

fn session() -> Stream {
    Stream::Session(SessionId::from_bytes([1; 16]))
}

fn side() -> Stream {
    Stream::Side(SessionId::from_bytes([1; 16]))
}

/// Enough for readers to meet the writer at every moment of a commit.
const WRITES: u32 = 400;

const NOW: Timestamp = Timestamp::from_unix_s(1_800_000_000);
const REFUSALS: u32 = 1_500;
const WAITING_MAX: usize = 1_024;
const RIDERS: usize = 16;
