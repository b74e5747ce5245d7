//! What the process appends that is killed, or whose power fails, and what must be found of it afterwards.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread;

use carhop_app::batch::{Batch, Body, Effect, Entry, Meta, Spend, Stream, Write};
use carhop_app::batch::{Timer, TimerSubject};
use carhop_app::ports::{AppendError, Condition, Journal, JournalError, Query};
use carhop_app::record::{Kind, Partition, RecordKey};
use carhop_journal::SqliteJournal;
use carhop_journal::conformance::block_on;
use carhop_kernel::actor::Actor;
use carhop_kernel::digest::KeyThumbprint;
use carhop_kernel::id::{CommandId, CustomerId, DeviceId, EventId, SessionId, TokenId};
use carhop_kernel::time::Timestamp;

/// The last number of each producer whose batch was acknowledged.
pub type Acknowledged = BTreeMap<u8, u32>;

/// Notes the lines that the child says.
pub fn note(acknowledged: &mut Acknowledged, line: &str) {
    if let Some((producer, number)) = line.trim_end().split_once(' ') {
        acknowledged.insert(producer.parse().unwrap(), number.parse().unwrap());
    }
}

/// Several producers, each telling its number after every acknowledged batch, and first what it found, because what
/// can be read must survive as well; all end at the first failure.
pub fn append(path: &Path, batches: u32) {
    let journal = SqliteJournal::open(path).unwrap();
    thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            let journal = &journal;
            scope.spawn(move || {
                let found = count(journal, producer);
                if found > 0 {
                    println!("{producer} {found}");
                }
                for number in found + 1..=batches {
                    match block_on(journal.append(batch(producer, number))) {
                        Ok(_) => println!("{producer} {number}"),
                        Err(_) => return,
                    }
                }
            });
        }
    });
}

/// Appends until the disk is full, then only what takes something away; and everything again
/// once a line on standard input says that there is room.
pub fn fill(path: &Path) {
    let journal = SqliteJournal::open(path).unwrap();
    let append = |producer, number, at| {
        let mut batch = batch(producer, number);
        batch.at = at;
        block_on(journal.append(batch))
    };
    let mut last = 0;
    let refused = loop {
        match append(KEEPS, last + 1, NOW) {
            Ok(_) => last += 1,
            Err(refused) => break refused,
        }
        println!("{KEEPS} {last}");
    };
    assert_eq!(refused, AppendError::Journal(JournalError::Full));
    assert_eq!(journal.condition(), Condition::Full);
    for number in 1..=WITHDRAWN {
        append(TAKES_AWAY, number, NOW).unwrap();
        println!("{TAKES_AWAY} {number}");
        let refused = append(KEEPS, last + 1, NOW.plus_ms(u64::from(number) * 1_000));
        assert_eq!(refused, Err(AppendError::Journal(JournalError::Full)));
    }
    println!("{FULL}");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    append(KEEPS, last + 1, NOW.plus_ms(3_600_000)).unwrap();
    println!("{KEEPS} {}", last + 1);
    assert_eq!(journal.condition(), Condition::Well);
}

/// Everything acknowledged is there, nothing is there by half; returns how many batches were found.
pub fn check(path: &Path, acknowledged: &Acknowledged) -> Result<usize, String> {
    let journal = SqliteJournal::open(path).map_err(text)?;
    let effects = block_on(journal.lease_effects(NOW, NOW, usize::MAX)).map_err(text)?;
    let timers = block_on(journal.due_timers(NOW, usize::MAX)).map_err(text)?;
    let waiting = block_on(journal.unsequenced(usize::MAX)).map_err(text)?;
    let mut total = 0;
    for producer in 0..PRODUCERS {
        let last = acknowledged.get(&producer).copied().unwrap_or(0);
        let events = block_on(journal.stream(partition(), stream(producer))).map_err(text)?;
        let count = u32::try_from(events.len()).unwrap();
        // At most one more was durable when its answer was cut off.
        if count != last && count != last + 1 {
            return Err(format!("producer {producer}: {last} acknowledged, {count} found"));
        }
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
        // The first and the last: each look at a nonce is an append.
        for number in [1, count].into_iter().filter(|number| (1..=count).contains(number)) {
            let mut again = Batch::new(partition(), NOW);
            again.spends = batch(producer, number).spends;
            assert_eq!(block_on(journal.append(again)), Err(AppendError::Spent));
        }
        total += events.len();
    }
    assert_eq!((effects.len(), timers.len(), waiting.len()), (total, total, total));
    Ok(total)
}

fn text(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}

fn count(journal: &SqliteJournal, producer: u8) -> u32 {
    u32::try_from(block_on(journal.stream(partition(), stream(producer))).unwrap().len()).unwrap()
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
    let body = match producer {
        KEEPS => Body::CustomerBound {
            customer: CustomerId::from_bytes(bytes),
            key: KeyThumbprint([producer; 32]),
        },
        _ => Body::TokenRevoked { token: TokenId::from_bytes(bytes) },
    };
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
        writes: vec![Write { key, body: Some(vec![1; 100]), indexes, until: None }],
        spends: vec![Spend { space: "otp", nonce, until: NOW.plus_ms(1) }],
        effects: vec![(event, effect)],
        timers: vec![Timer::new(partition(), subject, NOW)],
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
const PRODUCERS: u8 = 8;
/// The producer whose batches take nothing away, and one whose do.
const KEEPS: u8 = 0;
const TAKES_AWAY: u8 = 1;
const WITHDRAWN: u32 = 100;
/// Said when the disk is full and everything was tried.
pub const FULL: &str = "full";
