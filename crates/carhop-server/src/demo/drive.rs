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
use super::scenario::{PlaceShown, Plan};
use super::stop::{Positions, Scene, Tempo, customer};
use super::trace::{Arrived, Recording};
use super::trips::Trip;
use super::venue;
use super::view::{Stage, View};
use crate::clock::SystemClock;
use crate::device::hands::Hand;
use crate::timers;

/// A trip that was driven: what is needed to judge it by its recording.
#[derive(Clone, Debug)]
pub(crate) struct Driven {
    /// The session.
    pub(crate) session: String,
    /// The constant that all recorded times were shifted by.
    pub(crate) shift_ms: u64,
}

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

/// Drives a trip and hands over at its end.
pub(crate) async fn run(
    host: &Host,
    lane: &mut Lane,
    trip: &Trip,
    recording: &Recording,
    plan: &Plan,
    stage: (Tempo, &View),
) -> Result<Driven> {
    let (tempo, view) = stage;
    view.show(plan.number, Stage::Ordering);
    host.store.draw_venue(trip.venue, venue::geojson(trip.venue, &recording.coordinates)).await?;
    let session = host.store.place_order(plan, trip.venue, &lane.devices(), WINDOW_MS).await?;
    view.name(plan.number, &session);
    let page = customer(host, &session).await?;
    let mut scene = Scene { host, lane, plan, session, tempo, view };
    scene.bind(&page).await?;
    page.sign_out().await?;
    scene.lane.lock.touch(Hand::Unplug).await?;
    scene.lane.pump.touch(Hand::Unplug).await?;

    let clock = Arc::clone(&host.place.clock);
    let shift_ms = clock.now().plus_ms(SETTING_OUT_MS).since_ms(recording.start);
    let last_fixed_at = Timestamp::default();
    let mut tape = Tape { recording, clock, shift_ms, next: 0, last_fixed_at, may_skip: true };
    // The log holds how far the clock was ahead before the drive and after it.
    host.running.note_clock().await?;
    tape.drive(&scene).await?;
    host.running.note_clock().await?;
    scene.arrive().await?;

    scene.lane.lock.touch(Hand::PlugIn).await?;
    scene.lane.pump.touch(Hand::PlugIn).await?;
    scene.lane.driver.attest().await?;
    host.wait_for_trust(scene.lane).await?;
    let page = customer(host, &scene.session).await?;
    scene.hand_over(&page, &mut tape).await?;
    page.sign_out().await?;
    Ok(Driven { session: scene.session, shift_ms })
}

impl Tape<'_> {
    /// Along the car leg and on until the place is shown; from then on the clock skips no more.
    async fn drive(&mut self, scene: &Scene<'_>) -> Result<()> {
        let (parked, left) = (self.recording.parked, self.recording.left);
        loop {
            let judged = self.next(&scene.lane.driver, &scene.session).await?;
            let at = self.clock.now().minus_ms(self.shift_ms);
            let left_s = parked.since_ms(at) / 1_000;
            let stage = Stage::Driving { left_s, parked_s: at.since_ms(parked) / 1_000 };
            scene.view.show(scene.plan.number, stage);
            ensure!(at < left, "the trip went on before the place was shown");
            let is_shown = match scene.plan.place {
                PlaceShown::Fence => judged.answer == "inside",
                PlaceShown::Tag => judged.answer == "uncertain",
            };
            if at >= parked && is_shown {
                self.may_skip = false;
                return Ok(());
            }
        }
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
