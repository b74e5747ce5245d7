//! What a durable append costs, as ratios against the raw cost of the same work: a bare `fdatasync` and a bare
//! single-row insert, each measured beside it in the same run. Absolute rates mean nothing on a disk that changes its mind.
//!
//! Rounds alternate the competitors and are dropped when the raw figures before and after differ too much.

#![expect(clippy::unwrap_used, reason = "a measurement stops at what should not happen")]
#![expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use carhop_app::batch::{
    Batch, Body, Effect, Entry, Meta, Spend, Stream, Timer, TimerSubject, Write,
};
use carhop_app::ports::Journal;
use carhop_app::record::{Kind, Partition, RecordKey};
use carhop_journal::SqliteJournal;
use carhop_journal::conformance::block_on;
use carhop_kernel::actor::Actor;
use carhop_kernel::id::{CommandId, DeviceId, EventId, SessionId, TokenId};
use carhop_kernel::time::Timestamp;
use rusqlite::Connection;

fn main() {
    println!("producers   journal/fdatasync   journal/bare insert   bare insert/fdatasync");
    for producers in [1, 64] {
        let mut clean = 0;
        for _ in 0..ROUNDS_MAX {
            let folder = tempfile::tempdir().unwrap();
            let before = fdatasyncs(folder.path());
            let appends = appends(&folder.path().join("journal"), producers);
            let between = fdatasyncs(folder.path());
            let inserts = inserts(&folder.path().join("bare"), producers);
            let after = fdatasyncs(folder.path());
            let raws = [before, between, after];
            let raw = raws.iter().sum::<f64>() / 3.0;
            if raws.iter().any(|figure| (figure - raw).abs() > RAW_SPREAD_MAX * raw) {
                println!("{producers:>9}   dropped: the disk went from {raws:.0?} a second");
                continue;
            }
            let ratios = [appends / raw, appends / inserts, inserts / raw];
            let [by_raw, by_insert, insert_by_raw] = ratios;
            println!("{producers:>9}   {by_raw:>17.2}   {by_insert:>19.2}   {insert_by_raw:>21.2}");
            clean += 1;
            if clean == ROUNDS_CLEAN {
                break;
            }
        }
    }
}

/// Small writes, each forced to the disk, per second.
fn fdatasyncs(folder: &Path) -> f64 {
    let mut file = File::create(folder.join("raw")).unwrap();
    rate(1, |_, _| {
        file.write_all(&[1; 4_096]).unwrap();
        file.sync_data().unwrap();
    })
}

/// Whole releases, each durable before the next of its producer, per second.
fn appends(path: &Path, producers: usize) -> f64 {
    let journal = SqliteJournal::open(path).unwrap();
    shared_rate(producers, |producer, number| {
        block_on(journal.append(release(producer, number))).unwrap();
    })
}

/// Rows of the size of an event, each in a commit of its own, per second.
fn inserts(path: &Path, producers: usize) -> f64 {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE bare (row BLOB)",
        )
        .unwrap();
    let connection = Mutex::new(connection);
    shared_rate(producers, |_, _| {
        let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
        let mut insert = connection.prepare_cached("INSERT INTO bare VALUES (?1)").unwrap();
        insert.execute([[1_u8; 600].as_slice()]).unwrap();
    })
}

fn shared_rate(producers: usize, work: impl Fn(usize, u64) + Sync) -> f64 {
    let (done, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        for producer in 1..producers {
            let (work, done, is_over) = (&work, &done, &is_over);
            scope.spawn(move || {
                for number in 0.. {
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    work(producer, number);
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let own = rate(0, &work);
        is_over.store(true, Ordering::Relaxed);
        own + done.load(Ordering::Relaxed) as f64 / SPAN.as_secs_f64()
    })
}

/// How often a second the work is done, on this thread alone.
#[expect(clippy::disallowed_methods, reason = "a measurement needs the time")]
fn rate(producer: usize, mut work: impl FnMut(usize, u64)) -> f64 {
    let start = Instant::now();
    let mut number = 0;
    while start.elapsed() < SPAN {
        work(producer, number);
        number += 1;
    }
    number as f64 / start.elapsed().as_secs_f64()
}

/// The batch of one release: something judged, two events, a record, a nonce, a command and a timer.
fn release(producer: usize, number: u64) -> Batch {
    let bytes = ((producer as u128) << 64 | u128::from(number)).to_be_bytes();
    let partition =
        Partition { tenant: "acme".parse().unwrap(), market: "sunnyvale".parse().unwrap() };
    let session = SessionId::from_bytes((producer as u128).to_be_bytes());
    let (stream, command) = (Stream::Session(session), CommandId::from_bytes(bytes));
    let entry = |mark: u8| {
        let mut id = bytes;
        id[0] = mark;
        let meta = Meta {
            actor: Actor::System,
            decision: None,
            policy: None,
            key: None,
            token: None,
            device: None,
        };
        let body = Body::TokenRevoked { token: TokenId::from_bytes(bytes) };
        Entry { id: EventId::from_bytes(id), stream, meta, body }
    };
    let key =
        RecordKey { partition: partition.clone(), kind: Kind::Session, key: session.to_string() };
    let mut nonce = [0; 32];
    nonce[..16].copy_from_slice(&bytes);
    let device = DeviceId::from_bytes(bytes);
    let effect =
        Effect::SendCommand { device, session, command, expires_at: NOW, bytes: vec![1; 300] };
    let subject = TimerSubject::Silence { session, command };
    Batch {
        preconditions: vec![(key.clone(), number)],
        entries: vec![entry(1), entry(2)],
        writes: vec![Write {
            key,
            body: Some(vec![1; 600]),
            indexes: vec![("state", "open".into())],
            until: None,
        }],
        spends: vec![Spend { space: "otp", nonce, until: NOW }],
        effects: vec![(EventId::from_bytes(bytes), effect)],
        timers: vec![Timer::new(partition.clone(), subject, NOW)],
        ..Batch::new(partition, NOW)
    }
}

const NOW: Timestamp = Timestamp::from_unix_s(1_800_000_000);
const SPAN: Duration = Duration::from_millis(1_500);
const ROUNDS_CLEAN: usize = 3;
const ROUNDS_MAX: usize = 12;

/// How far a raw figure may lie from the mean of its round.
const RAW_SPREAD_MAX: f64 = 0.2;
