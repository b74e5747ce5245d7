//! What does not grow: the cost of a release as the journal grows to millions of events, and the memory of a server as
//! stops come alive.
//!
//! `cargo xtask bench --bench growth -- EVENTS SESSIONS` says how far to go; ten million events take some minutes and
//! about fifteen gigabytes.

#![expect(clippy::unwrap_used, reason = "a measurement stops at what should not happen")]
#![expect(clippy::cast_precision_loss, reason = "small counts")]

mod measure;
mod stage;

use std::path::Path;
use std::thread;

use carhop_app::batch::{Batch, Body, Entry, Meta, Stream};
use carhop_journal::conformance::block_on;
use carhop_kernel::actor::Actor;
use carhop_kernel::id::{EventId, SessionId, TokenId};
use carhop_kernel::session::LegIndex;
use carhop_sim::fixtures::{Cast, goods, order};
use stage::{AtCar, Ready, Stage};

fn main() {
    let wanted: Vec<u64> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let events = wanted.first().copied().unwrap_or(EVENTS);
    let sessions = wanted.get(1).copied().unwrap_or(SESSIONS);
    let folder = tempfile::tempdir().unwrap();
    releases_in_a_growing_journal(&folder.path().join("events"), events);
    memory_of_live_sessions(&folder.path().join("sessions"), sessions);
}

fn releases_in_a_growing_journal(folder: &Path, most: u64) {
    let sizes: Vec<u64> = SIZES.into_iter().filter(|size| *size <= most).collect();
    let ready = Stage::open(folder, 0).make_ready(sizes.len() * RELEASES);
    let stage = Stage::open(folder, 1);
    stage.world.clock.set(ready.at);
    println!("    events   release p50 us   processor us   raw write us   processor / first");
    let mut first_us = None;
    for (size, stops) in sizes.iter().zip(ready.stops.chunks(RELEASES)) {
        fill(&stage, *size);
        let raw = measure::median(&measure::fdatasyncs_us(folder));
        let before_us = measure::processor_us();
        let times =
            measure::times_us(stops.len(), |number| release(&stage, &ready, &stops[number]));
        let used_us = (measure::processor_us() - before_us) / stops.len() as f64;
        let first_us = *first_us.get_or_insert(used_us);
        let p50 = measure::median(&times);
        let ratio = used_us / first_us;
        println!("{size:>10}   {p50:>14.0}   {used_us:>12.0}   {raw:>12.0}   {ratio:>17.2}");
    }
}

fn release(stage: &Stage, ready: &Ready, stop: &AtCar) {
    let call = ready.driver.call(&stage.world);
    block_on(stage.world.app.release(&call, stop.session, LegIndex(0), &stop.token)).unwrap();
}

/// Appends events of other stops until the log has so many.
fn fill(stage: &Stage, size: u64) {
    let world = &stage.world;
    loop {
        while block_on(world.app.sequence()).unwrap() > 0 {}
        let (have, _) = block_on(world.app.log(&world.partition).root()).unwrap();
        if have >= size {
            return;
        }
        let batches = ((size - have) / ENTRIES).clamp(1, 64);
        thread::scope(|scope| {
            for _ in 0..batches {
                scope.spawn(|| block_on(world.journal.append(foreign(stage))).unwrap());
            }
        });
    }
}

/// Events of a stop that nobody asks about.
fn foreign(stage: &Stage) -> Batch {
    let world = &stage.world;
    let stream = Stream::Side(SessionId::generate(world.now(), world.draw()));
    let meta = Meta {
        actor: Actor::System,
        decision: None,
        policy: None,
        key: None,
        token: None,
        device: None,
    };
    let entry = |_| Entry {
        id: EventId::generate(world.now(), world.draw()),
        stream,
        meta: meta.clone(),
        body: Body::TokenRevoked { token: TokenId::generate(world.now(), world.draw()) },
    };
    Batch {
        entries: (0..ENTRIES).map(entry).collect(),
        ..Batch::new(world.partition.clone(), world.now())
    }
}

fn memory_of_live_sessions(folder: &Path, count: u64) {
    let stage = Stage::open(folder, 2);
    let world = &stage.world;
    let cast = block_on(Cast::assemble(world)).unwrap();
    let place = |count: u64| {
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for _ in 0..count / THREADS {
                        let ask = order(world, vec![goods(cast.lock)]).unwrap();
                        block_on(world.app.create_order(&cast.by_store(world), &ask)).unwrap();
                    }
                });
            }
        });
        while block_on(world.app.sequence()).unwrap() > 0 {}
    };
    // The caches of the database fill with the first ones.
    place(count / 10);
    let before = measure::resident_bytes();
    place(count - count / 10);
    let grown = measure::resident_bytes() - before;
    let each = grown / (count - count / 10) as f64;
    println!("{count} live sessions: {each:.0} bytes of memory each (aim <= 4096)");
}

/// Events up to which the journal grows, and live sessions, unless told otherwise.
const EVENTS: u64 = 1_000_000;
const SESSIONS: u64 = 100_000;
/// Sizes of the journal, in events, at which releases are measured.
const SIZES: [u64; 4] = [10_000, 100_000, 1_000_000, 10_000_000];
/// Releases measured at each size.
const RELEASES: usize = 200;
/// Events of one foreign stop.
const ENTRIES: u64 = 256;
const THREADS: u64 = 16;
