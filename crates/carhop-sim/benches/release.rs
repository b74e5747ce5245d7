//! What a whole release costs: the caller's DPoP proof, everything read, the policies, the kernel, the signed command, and
//! all of it durable. Beside it, in the same run: raw `fdatasync`, and rows that are each committed alone with the same
//! durability by as many clients.
//!
//! HTTP and TLS are not in it. Rounds in which the disk changed its pace are dropped; the stops are made ready once and
//! each round begins with a copy, in which every stop is looked at once: at a car its driver's page has just done so.

#![expect(clippy::unwrap_used, reason = "a measurement stops at what should not happen")]
#![expect(clippy::cast_precision_loss, reason = "small counts")]

mod measure;
mod stage;

use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, Mutex, PoisonError};
use std::thread;

use carhop_journal::conformance::block_on;
use carhop_kernel::session::LegIndex;
use carhop_kernel::time::Timestamp;
use carhop_kernel::verdict::PolicyAction;
use carhop_policy::{Bundle, explain, sample};
use carhop_proofs::dpop::{self, Claim};
use carhop_proofs::suite::{AwsLc, SigningKey, Suite};
use carhop_sim::chance::Chance;
use carhop_sim::world::fresh_key;
use rusqlite::Connection;
use stage::{AtCar, Stage};

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let prepared = folder.path().join("prepared");
    println!("making {} stops ready ...", ALONE + TOGETHER);
    let ready = Ready::make(&prepared);
    let alone = costs_alone(&ready);
    println!(
        "alone, us of a processor: policies {:.0}, proof {:.0}, signature {:.0}",
        alone[0], alone[1], alone[2]
    );
    let mut rounds = Rounds::default();
    for round in 1..=ROUNDS_MAX {
        let base = folder.path().join(format!("round-{round}"));
        std::fs::create_dir(&base).unwrap();
        rounds.play(round, &base, &prepared, &ready, alone.iter().sum());
        std::fs::remove_dir_all(&base).unwrap();
        if rounds.clean == ROUNDS_CLEAN {
            break;
        }
    }
    rounds.tell();
}

/// The stops, and what goes along with each request.
struct Ready {
    stops: stage::Ready,
    /// Proofs of a key, each good for one request.
    proofs: Vec<String>,
    key: SigningKey,
}

impl Ready {
    fn make(folder: &Path) -> Self {
        let stops = Stage::open(folder, 0).make_ready(ALONE + TOGETHER);
        let key = fresh_key(&mut Chance::new(0, "proofs")).unwrap();
        let proofs = (0..PROOFS).map(|number| proof(&key, stops.at, number)).collect();
        Self { stops, proofs, key }
    }

    /// A stage over a copy of the journal in which these stops are ready and known.
    fn stage(&self, from: &Path, to: &Path, seed: u64, stops: &[AtCar]) -> Stage {
        std::fs::create_dir_all(to).unwrap();
        for file in std::fs::read_dir(from).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
        let stage = Stage::open(to, seed);
        stage.world.clock.set(self.stops.at);
        let call = self.stops.driver.call(&stage.world);
        for stop in stops {
            black_box(block_on(stage.world.app.view_session(&call, stop.session)).unwrap());
        }
        stage
    }
}

/// The figures of all clean rounds.
#[derive(Default)]
struct Rounds {
    clean: usize,
    raw_us: Vec<f64>,
    one_us: Vec<f64>,
    beyond_raw_us: Vec<f64>,
    one_by_insert: Vec<f64>,
    many_by_insert: Vec<f64>,
    many_by_raw: Vec<f64>,
    chained: Vec<f64>,
    processor_us: Vec<f64>,
    own_us: Vec<f64>,
}

impl Rounds {
    fn play(&mut self, round: u64, base: &Path, prepared: &Path, ready: &Ready, alone_us: f64) {
        let (first, many) = ready.stops.stops.split_at(ALONE);
        let mut raws = vec![measure::median(&measure::fdatasyncs_us(base))];
        let stage = ready.stage(prepared, &base.join("one"), round * 10, first);
        let one_us = measure::times_us(first.len(), |number| {
            release(&stage, ready, &first[number], number);
        });
        let insert = inserts(&base.join("bare-1"), 1, first.len());
        raws.push(measure::median(&measure::fdatasyncs_us(base)));
        let (apart, processor_us) = together(prepared, base, round * 10 + 1, ready, many, false);
        let inserts = inserts(&base.join("bare-64"), CLIENTS, many.len());
        raws.push(measure::median(&measure::fdatasyncs_us(base)));
        let (chained, _) = together(prepared, base, round * 10 + 2, ready, many, true);
        raws.push(measure::median(&measure::fdatasyncs_us(base)));
        let raw = measure::median(&raws);
        if !measure::is_steady(&raws) {
            println!("round {round} dropped: a raw write went from {raws:.0?} us");
            return;
        }
        let p50 = measure::median(&one_us);
        println!(
            "round {round}: raw {raw:.0} us; one client p50 {p50:.0} us, p99 {:.0} us; \
             {CLIENTS} clients {apart:.0} a second, beside {inserts:.0} bare rows; {processor_us:.0} us of a processor",
            measure::quantile(&one_us, 0.99),
        );
        self.clean += 1;
        self.raw_us.push(raw);
        self.beyond_raw_us.push(p50 - raw);
        self.one_by_insert.push(1e6 / (one_us.iter().sum::<f64>() / one_us.len() as f64) / insert);
        self.one_us.extend(one_us);
        self.many_by_insert.push(apart / inserts);
        self.many_by_raw.push(apart * raw / 1e6);
        self.chained.push(chained / apart);
        self.processor_us.push(processor_us);
        self.own_us.push(processor_us - alone_us);
    }

    fn tell(&self) {
        if self.clean == 0 {
            println!("no round was clean: the disk changes its pace");
            return;
        }
        let middle = measure::median;
        println!("\nmedians of {} clean rounds", self.clean);
        for (what, figures, unit) in [
            ("raw fdatasync", &self.raw_us, "us"),
            ("one client, p50", &self.one_us, "us"),
            ("one client, p50 beyond raw (aim <= 300)", &self.beyond_raw_us, "us"),
            ("one client / bare rows", &self.one_by_insert, "x"),
            ("64 clients / bare rows (aim >= 0.5)", &self.many_by_insert, "x"),
            ("64 clients / raw fdatasync", &self.many_by_raw, "x"),
            ("64 clients, chain on / off (aim >= 0.95)", &self.chained, "x"),
            ("processor per release", &self.processor_us, "us"),
            ("of it ours (aim <= 250)", &self.own_us, "us"),
        ] {
            println!("{what:<42} {:>9.2} {unit}", middle(figures));
        }
        println!("{:<42} {:>9.2} us", "one client, p99", measure::quantile(&self.one_us, 0.99));
    }
}

/// Releases of many clients a second, and the processor time of one; `chained` with the sequencer beside them.
fn together(
    prepared: &Path,
    base: &Path,
    seed: u64,
    ready: &Ready,
    stops: &[AtCar],
    chained: bool,
) -> (f64, f64) {
    let stage = ready.stage(prepared, &base.join(format!("many-{seed}")), seed, stops);
    let is_over = AtomicBool::new(false);
    let (start, end) = (Barrier::new(CLIENTS + 1), Barrier::new(CLIENTS + 1));
    thread::scope(|scope| {
        for part in stops.chunks(stops.len() / CLIENTS) {
            let (stage, start, end) = (&stage, &start, &end);
            scope.spawn(move || {
                start.wait();
                for (number, stop) in part.iter().enumerate() {
                    release(stage, ready, stop, number);
                }
                end.wait();
            });
        }
        if chained {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    if block_on(stage.world.app.sequence()).unwrap() == 0 {
                        thread::yield_now();
                    }
                }
            });
        }
        start.wait();
        let before_us = measure::processor_us();
        let seconds = measure::seconds(|| {
            end.wait();
        });
        let used_us = measure::processor_us() - before_us;
        is_over.store(true, Ordering::Relaxed);
        (stops.len() as f64 / seconds, used_us / stops.len() as f64)
    })
}

fn release(stage: &Stage, ready: &Ready, stop: &AtCar, number: usize) {
    let expected = expected(ready.stops.at);
    dpop::verify(&AwsLc, &ready.proofs[number % ready.proofs.len()], &expected).unwrap();
    let call = ready.stops.driver.call(&stage.world);
    block_on(stage.world.app.release(&call, stop.session, LegIndex(0), &stop.token)).unwrap();
}

/// What a proof must be for.
fn expected(now: Timestamp) -> dpop::Expected<'static> {
    dpop::Expected { method: "POST", url: URL, access_token: None, nonce: None, now }
}

fn proof(key: &SigningKey, at: Timestamp, number: usize) -> String {
    let claim = Claim {
        method: "POST",
        url: URL,
        access_token: None,
        nonce: None,
        issued_at: at,
        jti: &number.to_string(),
    };
    dpop::make(&AwsLc, key, &claim).unwrap()
}

/// Microseconds that the policies, the proof and the signature of one release take by themselves.
fn costs_alone(ready: &Ready) -> [f64; 3] {
    let bundle = Bundle::embedded().unwrap();
    let facts = sample::well(PolicyAction::ReleaseCompartment);
    let expected = expected(ready.stops.at);
    let key: &SigningKey = &ready.key;
    let costs = [
        measure::times_us(RUNS, |_| {
            black_box(explain(&bundle, &facts));
        }),
        measure::times_us(RUNS, |number| {
            let proof = &ready.proofs[number % ready.proofs.len()];
            black_box(dpop::verify(&AwsLc, proof, &expected).unwrap());
        }),
        measure::times_us(RUNS, |_| {
            black_box(AwsLc.sign(key, &[7; 300]).unwrap());
        }),
    ];
    costs.map(|times| measure::median(&times))
}

/// Rows of the size of an event a second, each in a commit of its own.
fn inserts(path: &Path, clients: usize, rows: usize) -> f64 {
    let connection = Connection::open(path).unwrap();
    let durable =
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE bare (row BLOB)";
    connection.execute_batch(durable).unwrap();
    let connection = Mutex::new(connection);
    let seconds = measure::seconds(|| {
        thread::scope(|scope| {
            for _ in 0..clients {
                scope.spawn(|| {
                    for _ in 0..rows / clients {
                        let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
                        let mut insert =
                            connection.prepare_cached("INSERT INTO bare VALUES (?1)").unwrap();
                        insert.execute([[1_u8; 600].as_slice()]).unwrap();
                    }
                });
            }
        });
    });
    rows as f64 / seconds
}

/// Where the requests of the proofs go.
const URL: &str = "https://carhop.example/v1/releases";
const CLIENTS: usize = 64;
/// Stops for one client, one after the other.
const ALONE: usize = 128;
/// Stops for all clients together.
const TOGETHER: usize = CLIENTS * 24;
/// Different proofs.
const PROOFS: usize = 64;
const RUNS: usize = 2_000;
const ROUNDS_CLEAN: usize = 3;
const ROUNDS_MAX: u64 = 8;
