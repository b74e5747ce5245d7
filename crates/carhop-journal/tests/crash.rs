//! A process that is killed while it appends has lost nothing that it acknowledged, and no batch is half there
//! (`design.md` §8). A kill leaves the system's caches alone; that a commit reaches the disk is shown by its settings.
//!
//! Without the usual harness, because this program is also the process that gets killed.

#![expect(clippy::unwrap_used, reason = "a test stops at what should not happen")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread;

use carhop_app::batch::{Batch, Body, Effect, Entry, Meta, Spend, Stream, Write};
use carhop_app::batch::{Timer, TimerSubject};
use carhop_app::ports::{AppendError, Journal, Query};
use carhop_app::record::{Kind, Partition, RecordKey};
use carhop_journal::SqliteJournal;
use carhop_journal::conformance::block_on;
use carhop_kernel::actor::Actor;
use carhop_kernel::id::{CommandId, DeviceId, EventId, SessionId, TokenId};
use carhop_kernel::time::Timestamp;

fn main() {
    let mut arguments = std::env::args().skip(1);
    if let (Some(CHILD), Some(path)) = (arguments.next().as_deref(), arguments.next()) {
        append_until_killed(&path);
        return;
    }
    for lines in KILL_AFTER_LINES {
        a_killed_process_has_lost_nothing_that_it_acknowledged(lines);
    }
    println!("a_killed_process_has_lost_nothing_that_it_acknowledged ... ok");
}

fn a_killed_process_has_lost_nothing_that_it_acknowledged(lines: usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let acknowledged = acknowledged_before_the_kill(path.to_str().unwrap(), lines);
    let journal = SqliteJournal::open(&path).unwrap();
    let effects = block_on(journal.lease_effects(NOW, NOW, usize::MAX)).unwrap();
    let timers = block_on(journal.due_timers(NOW, usize::MAX)).unwrap();
    let waiting = block_on(journal.unsequenced(usize::MAX)).unwrap();
    let mut total = 0;
    for producer in 0..PRODUCERS {
        let last = acknowledged.get(&producer).copied().unwrap_or(0);
        let events = block_on(journal.stream(partition(), stream(producer))).unwrap();
        let count = u32::try_from(events.len()).unwrap();
        // At most one more was durable when the kill cut off its answer.
        assert!(count == last || count == last + 1, "{producer}: {last} said, {count} found");
        let ids: Vec<_> = events.iter().map(|event| event.id).collect();
        assert_eq!(ids, (1..=count).map(|number| id(producer, number)).collect::<Vec<_>>());
        let records = block_on(journal.records(Query {
            partition: partition(),
            kind: Kind::Token,
            index: Some(("producer", producer.to_string())),
            after: None,
            limit: usize::MAX,
        }));
        assert_eq!(records.unwrap().len(), events.len());
        for number in 1..=count {
            let mut again = Batch::new(partition(), NOW);
            again.spends = batch(producer, number).spends;
            assert_eq!(block_on(journal.append(again)), Err(AppendError::Spent));
        }
        total += events.len();
    }
    assert!(total >= lines);
    assert_eq!((effects.len(), timers.len(), waiting.len()), (total, total, total));
}

/// Runs the child, kills it once it has written so many lines, and returns the last number of each producer.
fn acknowledged_before_the_kill(path: &str, lines: usize) -> BTreeMap<u8, u32> {
    let program = std::env::current_exe().unwrap();
    let mut child =
        Command::new(program).args([CHILD, path]).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut acknowledged = BTreeMap::new();
    let (mut line, mut count) = (String::new(), 0);
    while output.read_line(&mut line).unwrap() > 0 {
        if let Some((producer, number)) = line.strip_suffix('\n').and_then(|l| l.split_once(' ')) {
            acknowledged.insert(producer.parse().unwrap(), number.parse().unwrap());
            count += 1;
        }
        if count == lines {
            child.kill().unwrap();
        }
        line.clear();
    }
    assert!(!child.wait().unwrap().success());
    acknowledged
}

/// Several producers, each telling its number after every acknowledged batch.
fn append_until_killed(path: &str) {
    let journal = SqliteJournal::open(path).unwrap();
    thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            let journal = &journal;
            scope.spawn(move || {
                for number in 1.. {
                    block_on(journal.append(batch(producer, number))).unwrap();
                    println!("{producer} {number}");
                }
            });
        }
    });
}

/// Something in every table, all of one number.
fn batch(producer: u8, number: u32) -> Batch {
    let event = id(producer, number);
    let bytes = *event.as_bytes();
    let meta = Meta {
        actor: Actor::System,
        decision: None,
        policy: None,
        key: None,
        token: None,
        device: None,
    };
    let body = Body::TokenRevoked { token: TokenId::from_bytes(bytes) };
    let session = SessionId::from_bytes(bytes);
    let key = RecordKey { partition: partition(), kind: Kind::Token, key: event.to_string() };
    let indexes = vec![("producer", producer.to_string())];
    let mut nonce = [0; 32];
    nonce[..16].copy_from_slice(&bytes);
    let effect = Effect::SendCommand {
        device: DeviceId::from_bytes(bytes),
        session,
        command: CommandId::from_bytes(bytes),
        expires_at: NOW,
        bytes: vec![1; 100],
    };
    let subject = TimerSubject::WindowEnd { session };
    Batch {
        preconditions: vec![(key.clone(), 0)],
        entries: vec![Entry { id: event, stream: stream(producer), meta, body }],
        writes: vec![Write { key, body: Some(vec![1; 100]), indexes }],
        spends: vec![Spend { space: "otp", nonce, until: NOW.plus_ms(1) }],
        effects: vec![(event, effect)],
        timers: vec![Timer { partition: partition(), subject, due_at: NOW }],
        ..Batch::new(partition(), NOW)
    }
}

fn id(producer: u8, number: u32) -> EventId {
    let mut bytes = [producer; 16];
    bytes[12..].copy_from_slice(&number.to_be_bytes());
    EventId::from_bytes(bytes)
}

fn stream(producer: u8) -> Stream {
    Stream::Session(SessionId::from_bytes([producer; 16]))
}

fn partition() -> Partition {
    Partition { tenant: "acme".parse().unwrap(), market: "sunnyvale".parse().unwrap() }
}

const NOW: Timestamp = Timestamp::from_unix_s(1_800_000_000);
const CHILD: &str = "--append-until-killed";
const PRODUCERS: u8 = 8;

/// Early, in the middle of the first groups, and after checkpoints of the write-ahead log.
const KILL_AFTER_LINES: [usize; 6] = [1, 7, 50, 333, 1_000, 2_500];
