//! Server, locks and pumps as processes of their own, killed with `kill -9` or made to stand still at any moment while stops
//! are made through the public interface, and the server's disk full now and then. Afterwards the log must account for
//! everything that was acknowledged and for everything that moved: each release opened or dispensed at most once, dispensed
//! is settled, nothing is stuck (M-FLO-5, M-ACT-2, M-ACT-3).
//!
//! When to strike is counted in things that were seen, requests, answers and lines of devices, so a seed gives the same
//! plan; what the processes make of it is up to the scheduler. `cargo xtask kill-rounds 1000` makes a long night of it.

#![expect(clippy::unwrap_used, reason = "a test stops at what should not happen")]

mod account;
mod client;
mod device;
#[cfg(target_os = "linux")]
mod full;
mod harm;
mod host;
mod lane;
#[cfg(target_os = "linux")]
mod power;
mod progress;
mod restore;

use std::sync::Arc;
use std::time::Duration;

use carhop_server::timers::{sleep, within};
use tokio::task::JoinSet;

use harm::Harms;
use host::Host;
use lane::{Done, Lane};
use progress::{Dice, Progress};

#[test]
fn whatever_is_killed_or_stands_still_at_any_moment_each_release_acts_at_most_once_and_nothing_is_lost()
 {
    let (rounds, seed) = (number("CARHOP_KILL_ROUNDS", ROUNDS), number("CARHOP_KILL_SEED", 1));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(run(rounds, seed));
}

async fn run(rounds: u64, seed: u64) {
    let progress = Arc::new(Progress::default());
    let host = Arc::new(Host::start_over_a_disk(Arc::clone(&progress)).await);
    let mut lanes = Vec::new();
    for number in 0..LANES {
        lanes.push(Arc::new(Lane::enrol(&host, number).await));
    }
    let mut playing = JoinSet::new();
    for lane in &lanes {
        playing.spawn(Arc::clone(lane).play(Arc::clone(&host)));
    }
    let mut harms = Harms::new(Arc::clone(&host), lanes.clone(), Dice(seed));
    for round in 0..rounds {
        let due = progress.count() + 1 + harms.dice.below(PROGRESS_MAX);
        // Where everything waits for a deadline, nothing is seen: then the strike hits those who wait.
        let _ = within(PATIENCE, progress.reached(due)).await;
        harms.mend(round).await;
        harms.strike(round).await;
    }
    harms.mend(u64::MAX).await;
    progress.stop();
    let done: Vec<Done> = playing.join_all().await;
    let done = Done::join(done);
    wait_until_nothing_is_under_way(&host, &done).await;
    let mut moved = account::Moved::default();
    for lane in &lanes {
        moved.openings += lane.lock.lock().await.stop().await.openings;
        moved.totaliser_ml += lane.pump.lock().await.stop().await.totaliser_ml;
    }
    host.kill().await;
    let told = account::settle(&host, &done, moved).await;
    println!("{rounds} rounds, seed {seed}: {}", harms.told());
    println!("{told}");
}

/// Every leg ends in what is known: done, failed, or provably not done.
async fn wait_until_nothing_is_under_way(host: &Host, done: &Done) {
    for session in &done.sessions {
        let mut last = String::new();
        for _ in 0..LOOKS_MAX {
            last = host.staff("GET", &format!("/v1/sessions/{session}"), None).await.to_string();
            if !UNDER_WAY.iter().any(|state| last.contains(&format!("\"state\":\"{state}\""))) {
                break;
            }
            sleep(LOOK_PAUSE).await;
        }
        let stuck = UNDER_WAY.iter().find(|state| last.contains(&format!("\"state\":\"{state}\"")));
        assert_eq!(stuck, None, "stuck: {last}");
    }
}

#[expect(clippy::disallowed_methods, reason = "whoever runs the test says how long")]
fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// Enough to meet every pair of neighbouring moments, in under a minute and a half.
const ROUNDS: u64 = 200;
/// Stops that are made at the same time, each with a lock and a pump of its own.
const LANES: u64 = 4;
/// At most so many things are seen between two kills.
const PROGRESS_MAX: u64 = 24;
const PATIENCE: Duration = Duration::from_secs(1);
const LOOK_PAUSE: Duration = Duration::from_millis(100);
const LOOKS_MAX: usize = 600;
const UNDER_WAY: [&str; 6] =
    ["released", "authorised", "commanded", "indeterminate", "dispensing", "dispensed"];
