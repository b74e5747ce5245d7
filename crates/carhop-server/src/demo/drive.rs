//! Drives a recorded trip: fixes are reported as they arrived, shifted by one constant.
//!
//! The clock skips from fix to fix only while nothing is live: the customer has signed out, lock and pump are
//! unplugged, no code, token or command exists (design §9.6). From the arrival on time runs as it does.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use carhop_app::ports::Clock;
use carhop_kernel::time::Timestamp;

use super::driver::{Driver, Judged};
use super::host::{Host, Lane};
use super::plan::{PlaceShown, Plan};
use super::scenario::Step;
use super::stop::{Positions, Scene, Tempo, customer};
use super::trace::{Arrived, Recording};
use super::trips::Trip;
use super::venue;
use super::view::{Stage, View};
use crate::clock::SystemClock;
use crate::device::hands::Hand;
use crate::timers;

/// A recording on its way.
struct Tape<'a> {
    recording: &'a Recording,
    clock: Arc<SystemClock>,
    shift_ms: u64,
    /// The next fix to be reported.
    next: usize,
    /// When the last one was taken.
    last_fixed_at: Timestamp,
    /// Whether the clock may skip.
    may_skip: bool,
}

/// Drives a trip and hands over at its end. The session's name is given away as soon as there is one; returned is the
/// constant that all recorded times were shifted by.
pub(crate) async fn run(
    host: &Host,
    lane: &mut Lane,
    (trip, recording): (&Trip, &Recording),
    plan: &Plan,
    (tempo, view): (Tempo, &View),
    session: &mut String,
) -> Result<u64> {
    view.show(plan.number, Stage::Ordering);
    host.store.draw_venue(trip.venue, venue::geojson(trip.venue, &recording.coordinates)).await?;
    let placed = host.store.place_order(plan, trip.venue, &lane.devices(), WINDOW_MS).await?;
    session.clone_from(&placed.session);
    view.name(plan.number, &placed.session);
    let customer = customer(host, &placed.session).await?;
    let clock = Arc::clone(&host.place.clock);
    let last_fixed_at = Timestamp::default();
    let positions = Tape { recording, clock, shift_ms: 0, next: 0, last_fixed_at, may_skip: true };
    let mut scene = Scene::new((host, lane), plan, placed, customer, positions, (tempo, view));
    scene.play(&[Step::Approve, Step::Assign]).await?;
    scene.customer.sign_out().await?;
    scene.lane.lock.touch(Hand::Unplug).await?;
    scene.lane.pump.touch(Hand::Unplug).await?;

    // The log holds how far the clock was ahead before the drive and after it.
    host.running.note_clock().await?;
    scene.positions.set_out();
    scene.drive().await?;
    host.running.note_clock().await?;
    match plan.place {
        PlaceShown::Fence => scene.play(&[Step::ReadPlate, Step::Arrive]).await?,
        PlaceShown::Tag => {
            let refused = Step::Refused(&Step::Arrive);
            scene.play(&[Step::ReadPlate, refused, Step::ScanTag, Step::Arrive]).await?;
        }
    }

    scene.lane.lock.touch(Hand::PlugIn).await?;
    scene.lane.pump.touch(Hand::PlugIn).await?;
    scene.lane.driver.attest().await?;
    host.wait_for_trust(&[&scene.lane.lock, &scene.lane.pump]).await?;
    scene.customer = super::stop::customer(host, &scene.placed.session).await?;
    for chapter in plan.scenario.at_the_car {
        scene.play(chapter).await?;
    }
    Ok(scene.positions.shift_ms)
}

impl Scene<'_, Tape<'_>> {
    /// Along the car leg and on until the place is shown; from then on the clock skips no more.
    async fn drive(&mut self) -> Result<()> {
        let Recording { parked, left, .. } = *self.positions.recording;
        loop {
            let judged = self.positions.next(&self.lane.driver, &self.placed.session).await?;
            let at = self.positions.clock.now().minus_ms(self.positions.shift_ms);
            let left_s = parked.since_ms(at) / 1_000;
            self.show(Stage::Driving { left_s, parked_s: at.since_ms(parked) / 1_000 });
            ensure!(at < left, "the trip went on before the place was shown");
            let is_shown = match self.plan.place {
                PlaceShown::Fence => judged.answer == "inside",
                PlaceShown::Tag => judged.answer == "uncertain",
            };
            if at >= parked && is_shown {
                self.positions.may_skip = false;
                return Ok(());
            }
        }
    }
}

impl Tape<'_> {
    /// The recording starts in a moment, by the demo's clock.
    fn set_out(&mut self) {
        let start = self.clock.now().plus_ms(SETTING_OUT_MS);
        self.shift_ms = start.since_ms(self.recording.start);
    }

    /// Waits for a moment, or skips there.
    async fn reach(&self, at: Timestamp) {
        let missing_ms = at.since_ms(self.clock.now());
        if self.may_skip {
            self.clock.skip_ms(missing_ms);
        } else {
            timers::sleep(Duration::from_millis(missing_ms)).await;
        }
    }

    /// The next fix, in the demo's time.
    fn upcoming(&self) -> Option<Arrived> {
        self.recording.fixes().get(self.next).map(|fix| fix.shifted(self.shift_ms))
    }
}

impl Positions for Tape<'_> {
    async fn next(&mut self, driver: &Driver, session: &str) -> Result<Judged> {
        let arrived = self.upcoming().context("the recording ends before the handoff")?;
        self.reach(arrived.at).await;
        self.next += 1;
        self.last_fixed_at = arrived.fix.fixed_at;
        driver.report(session, &[arrived.fix]).await
    }

    async fn keep_fresh(&mut self, driver: &Driver, session: &str) -> Result<()> {
        loop {
            let now = self.clock.now();
            let is_due = self.upcoming().is_some_and(|fix| fix.at <= now);
            let is_fresh = now.since_ms(self.last_fixed_at) < FRESH_MS;
            if is_fresh && !is_due {
                return Ok(());
            }
            self.next(driver, session).await?;
        }
    }
}

/// The order is placed a little before the driver sets out.
const SETTING_OUT_MS: u64 = 1_000;
/// How long the order may be served; the longest trip takes half an hour.
const WINDOW_MS: u64 = 3 * 60 * 60 * 1000;
/// A fix counts for fifteen seconds; a release should not have to hurry.
const FRESH_MS: u64 = 13_000;
