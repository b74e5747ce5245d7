//! One stop, step by step, as the people of the demo live it. What goes wrong on purpose stands in `mishap`.
//!
//! What came of it is not said here: that is read back from the audit.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::client::problem_of;
use super::driver::{Driver, Judged};
use super::host::{Host, Lane};
use super::parties::{Customer, Placed, Shown};
use super::plan::{PlaceShown, Plan};
use super::scenario::Step;
use super::venue::{self, Parked};
use super::view::{Stage, View};
use crate::device::FLOW_ML_PER_S_MAX;
use crate::device::hands::{Hand, Seen};
use crate::timers;

/// How fast people and fuel are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tempo {
    speed: f64,
}

impl Tempo {
    /// Everything that people and fuel do goes so many times faster.
    pub(crate) const fn new(speed: f64) -> Self {
        Self { speed }
    }

    /// Somebody takes a while.
    pub(crate) async fn pause(self, span: Duration) {
        timers::sleep(span.div_f64(self.speed)).await;
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the range of the target first"
    )]
    fn flow_ml_per_s(self) -> u32 {
        (FLOW_ML_PER_S * self.speed).clamp(1.0, FLOW_ML_PER_S_MAX.into()) as u32
    }
}

/// Where a driver's positions come from.
pub(crate) trait Positions {
    /// Waits for the next position and reports it.
    fn next(
        &mut self,
        driver: &Driver,
        session: &str,
    ) -> impl Future<Output = Result<Judged>> + Send;

    /// Makes sure that what was reported last is recent enough to be believed.
    fn keep_fresh(
        &mut self,
        driver: &Driver,
        session: &str,
    ) -> impl Future<Output = Result<()>> + Send;

    /// From now on positions are too inaccurate to show a place.
    fn blur(&mut self) {}
}

/// Everything one stop is played with.
pub(crate) struct Scene<'a, P> {
    /// The authority.
    pub(crate) host: &'a Host,
    /// Who and what serves it.
    pub(crate) lane: &'a mut Lane,
    /// What is to happen.
    pub(crate) plan: &'a Plan,
    /// The order and its session.
    pub(crate) placed: Placed,
    /// The customer's phone.
    pub(crate) customer: Customer,
    /// Where the driver's positions come from.
    pub(crate) positions: P,
    /// The code that the customer's phone shows.
    pub(crate) shown: Option<Shown>,
    /// The driver's vehicle token.
    pub(crate) token: Option<String>,
    /// A driver who had the stop before.
    pub(crate) former: Option<Driver>,
    /// How fast.
    pub(crate) tempo: Tempo,
    /// Where it is shown.
    pub(crate) view: &'a View,
}

/// Runs a stop at the demo's own venue. The session's name is given away as soon as there is one.
pub(crate) async fn run(
    host: &Host,
    lane: &mut Lane,
    plan: &Plan,
    (tempo, view): (Tempo, &View),
    session: &mut String,
) -> Result<()> {
    view.show(plan.number, Stage::Ordering);
    let window_ms = plan.scenario.window_ms;
    let placed = host.store.place_order(plan, venue::NAME, &lane.devices(), window_ms).await?;
    session.clone_from(&placed.session);
    view.name(plan.number, &placed.session);
    let customer = customer(host, &placed.session).await?;
    let positions = Parked::approach(host.place.clock.clone());
    let mut scene = Scene::new((host, lane), plan, placed, customer, positions, (tempo, view));
    scene.play(plan.scenario.way).await?;
    for chapter in plan.scenario.at_the_car {
        scene.play(chapter).await?;
    }
    Ok(())
}

/// Opens the customer's link on a phone.
pub(crate) async fn customer(host: &Host, session: &str) -> Result<Customer> {
    let secret = host.store.link(session).await?;
    let place = &host.place;
    Customer::open(place.http.clone(), &place.public, place.clock.clone(), &secret).await
}

impl<'a, P: Positions + Send> Scene<'a, P> {
    /// An order that was placed, and nothing more.
    pub(crate) const fn new(
        (host, lane): (&'a Host, &'a mut Lane),
        plan: &'a Plan,
        placed: Placed,
        customer: Customer,
        positions: P,
        (tempo, view): (Tempo, &'a View),
    ) -> Self {
        let (shown, token, former) = (None, None, None);
        Self { host, lane, plan, placed, customer, positions, shown, token, former, tempo, view }
    }

    /// Plays steps one after the other.
    pub(crate) async fn play(&mut self, steps: &[Step]) -> Result<()> {
        for step in steps {
            if let Step::Refused(refused) = step {
                let error = self.take(**refused).await.err();
                let error = error.with_context(|| format!("{refused:?} was not refused"))?;
                ensure!(is_no(&error), error.context(format!("{refused:?}")));
            } else {
                self.take(*step).await.with_context(|| format!("{step:?}"))?;
            }
        }
        Ok(())
    }

    async fn take(&mut self, step: Step) -> Result<()> {
        let Self { host, lane, plan, .. } = self;
        let session = self.placed.session.clone();
        match step {
            Step::Approve => self.approve().await,
            Step::Assign => {
                lane.driver.attest().await?;
                self.token = None;
                host.store.assign(&session, &lane.driver.id).await
            }
            Step::Come => self.come_near().await,
            Step::ComeBlurred => self.come_blurred().await,
            Step::ScanTag => {
                self.view.show(plan.number, Stage::ScanningTag);
                lane.driver.scan_tag(&session, venue::TAG).await
            }
            Step::ReadPlate => {
                let is_right = lane.driver.read_plate(&session, &plan.plate).await?;
                ensure!(is_right, "the plate at the car is another one");
                Ok(())
            }
            Step::Arrive => lane.driver.arrive(&session).await,
            Step::ShowCode => {
                self.show(Stage::Presenting { how: self.plan.code });
                self.shown = Some(self.customer.code().await?);
                self.tempo.pause(SHOWING).await;
                Ok(())
            }
            Step::Present => {
                let shown = self.shown.as_ref().context("no code is shown")?;
                lane.driver.prove(&session, shown.presented(plan.code)).await
            }
            Step::Open => self.open().await,
            Step::Load => self.load().await,
            Step::Confirm => {
                lane.driver.transferred(&session, 0).await?;
                self.await_secured().await
            }
            Step::Fuel => self.fuel().await,
            Step::AwaitEnd => self.await_end().await,
            Step::Mistype
            | Step::RacePresent(_)
            | Step::PresentForwarded
            | Step::ChangeDriver
            | Step::RaceDrivers
            | Step::RevokeHandset
            | Step::DriveOff
            | Step::OpenAndDriveOff
            | Step::LeaveOpen(_)
            | Step::Revoke
            | Step::Rebind
            | Step::Amend
            | Step::CustomerStops
            | Step::UseKey
            | Step::StaffLooks
            | Step::TightenPolicies
            | Step::RelaxPolicies
            | Step::OutlastWindow => self.go_wrong(step).await,
            Step::Refused(_) => bail!("a refusal within a refusal"),
        }
    }

    async fn approve(&mut self) -> Result<()> {
        self.show(Stage::Approving);
        self.tempo.pause(READING).await;
        self.customer.approve(self.plan).await
    }

    /// The driver reports positions until the place is shown, or until there is a tag to be scanned.
    async fn come_near(&mut self) -> Result<()> {
        for _ in 0..POSITIONS_MAX {
            let judged = self.positions.next(&self.lane.driver, &self.placed.session).await?;
            self.show(Stage::Approaching { dwell_ms: judged.dwell_ms });
            let is_there = match self.plan.place {
                PlaceShown::Fence => judged.answer == "inside",
                PlaceShown::Tag => judged.dwell_ms > 0,
            };
            match self.plan.place {
                PlaceShown::Fence if is_there => return Ok(()),
                PlaceShown::Tag if is_there => return Box::pin(self.take(Step::ScanTag)).await,
                PlaceShown::Fence | PlaceShown::Tag => {}
            }
        }
        bail!("the place was not shown")
    }

    async fn come_blurred(&mut self) -> Result<()> {
        self.positions.blur();
        for _ in 0..BLURRED_POSITIONS {
            let judged = self.positions.next(&self.lane.driver, &self.placed.session).await?;
            self.show(Stage::Approaching { dwell_ms: judged.dwell_ms });
        }
        Ok(())
    }

    async fn open(&mut self) -> Result<()> {
        self.show(Stage::Opening);
        self.lane.lock.look_away();
        let device = self.lane.lock.device.clone();
        self.release(Wanted { leg: 0, scope: "grocery_handoff", device }).await
    }

    /// The trunk is loaded and closed.
    async fn load(&mut self) -> Result<()> {
        self.show(Stage::Loading { lines: self.plan.basket.len() });
        self.tempo.pause(LOADING).await;
        self.lane.lock.touch(Hand::Close).await?;
        self.lane.lock.wait_for(|seen| *seen == Seen::Locked).await
    }

    /// The pump is armed, the tank is filled.
    async fn fuel(&mut self) -> Result<()> {
        let (limit_ml, tank_ml) = (self.plan.limit_ml, self.plan.tank_ml);
        let loaded = self.plan.scenario.legs.has_goods();
        let leg = usize::from(loaded);
        self.show(Stage::Fuelling { loaded, metered_ml: 0, limit_ml });
        let flow_ml_per_s = self.tempo.flow_ml_per_s();
        let person = Hand::Person { lift_after_ms: LIFT_MS, flow_ml_per_s, wanted_ml: tank_ml };
        self.lane.pump.touch(person).await?;
        let device = self.lane.pump.device.clone();
        self.release(Wanted { leg, scope: "fuel_authorisation", device }).await?;
        for _ in 0..LOOKS_MAX {
            let session = self.host.store.session(&self.placed.session).await?;
            let metered_ml = session["legs"][leg]["metered_ml"].as_u64().unwrap_or(0);
            let metered_ml = u32::try_from(metered_ml).unwrap_or(u32::MAX);
            self.show(Stage::Fuelling { loaded, metered_ml, limit_ml });
            match session["legs"][leg]["state"].as_str() {
                Some("settled") => return Ok(()),
                Some("failed") => bail!("the fuel leg failed"),
                Some(_) | None => timers::sleep(LOOK_PAUSE).await,
            }
        }
        bail!("the fuel was never settled")
    }

    /// Releases a leg and waits for the outcome.
    async fn release(&mut self, wanted: Wanted) -> Result<()> {
        let release = self.ask_release(wanted).await?;
        self.wait_for_outcome(&release).await
    }

    /// Releases the trunk, and leaves it at that for now.
    pub(super) async fn ask_open(&mut self) -> Result<String> {
        let device = self.lane.lock.device.clone();
        self.ask_release(Wanted { leg: 0, scope: "grocery_handoff", device }).await
    }

    /// Releases a leg, at the next position if this one does not count any more.
    async fn ask_release(&mut self, wanted: Wanted) -> Result<String> {
        let Wanted { leg, scope, device } = wanted;
        let session = &self.placed.session;
        for _ in 0..RELEASE_TRIES_MAX {
            let driver = &self.lane.driver;
            if self.token.is_none() {
                self.token = Some(driver.vehicle_token(session).await?);
            }
            self.positions.keep_fresh(driver, session).await?;
            let token = self.token.as_deref().unwrap_or_default();
            match driver.release(session, leg, scope, &device, token).await {
                Ok(release) => return Ok(release),
                Err(error) if is_about_place(&error) => {
                    self.positions.next(driver, session).await?;
                }
                Err(error) => return Err(error),
            }
        }
        bail!("the place was not shown again")
    }

    pub(super) async fn wait_for_outcome(&self, release: &str) -> Result<()> {
        let looking = async {
            loop {
                match self.lane.driver.outcome(&self.placed.session, release).await?.as_str() {
                    "done" => return Ok(()),
                    "pending" | "indeterminate" => timers::sleep(LOOK_PAUSE).await,
                    other => return Err(NotDone(other.to_owned()).into()),
                }
            }
        };
        timers::within(OUTCOME_PATIENCE, looking).await.context("the release came to nothing")?
    }

    /// Waits until the command for the trunk has left: what comes afterwards cannot call it back any more.
    pub(super) async fn await_sent(&self) -> Result<()> {
        for _ in 0..LOOKS_MAX {
            let session = self.host.store.session(&self.placed.session).await?;
            if session["legs"][0]["state"] != "released" {
                return Ok(());
            }
            timers::sleep(LOOK_PAUSE).await;
        }
        bail!("the command never left")
    }

    /// Waits until the authority has heard what everybody has seen: that the trunk is locked.
    async fn await_secured(&self) -> Result<()> {
        for _ in 0..LOOKS_MAX {
            let session = self.host.store.session(&self.placed.session).await?;
            if session["legs"][0]["state"] == "secured" {
                return Ok(());
            }
            timers::sleep(LOOK_PAUSE).await;
        }
        bail!("the trunk was never secured")
    }

    async fn await_end(&self) -> Result<()> {
        self.show(Stage::Settling);
        for _ in 0..LOOKS_MAX {
            let session = self.host.store.session(&self.placed.session).await?;
            match session["state"].as_str().context("a session without a state")? {
                "completed" | "revoked" | "expired" => return Ok(()),
                _ => timers::sleep(LOOK_PAUSE).await,
            }
        }
        bail!("the session did not end")
    }

    /// Tells the view.
    pub(crate) fn show(&self, stage: Stage) {
        self.view.show(self.plan.number, stage);
    }
}

/// A release that is wanted.
struct Wanted {
    leg: usize,
    scope: &'static str,
    device: String,
}

/// What a release came to, other than done.
#[derive(Debug, thiserror::Error)]
#[error("the release came to `{0}`")]
struct NotDone(String);

/// Whether it is the authority, or a device, that says no.
fn is_no(error: &anyhow::Error) -> bool {
    problem_of(error).is_some() || error.downcast_ref::<NotDone>().is_some()
}

fn is_about_place(error: &anyhow::Error) -> bool {
    let about = ["place_uncertain", "place_not_proven", "place_outside"];
    problem_of(error).is_some_and(|problem| about.iter().any(|reason| problem.is_for(reason)))
}

const READING: Duration = Duration::from_millis(600);
const SHOWING: Duration = Duration::from_millis(700);
const LOADING: Duration = Duration::from_millis(1_500);
const LIFT_MS: u64 = 400;
/// Ten times what a pump gives, so that nobody has to wait for a tank.
const FLOW_ML_PER_S: f64 = 6_000.0;
const LOOK_PAUSE: Duration = Duration::from_millis(150);
const LOOKS_MAX: usize = 400;
/// A silent device is asked when its command has expired and a while has passed.
const OUTCOME_PATIENCE: Duration = Duration::from_secs(100);
const POSITIONS_MAX: usize = 40;
const BLURRED_POSITIONS: usize = 5;
const RELEASE_TRIES_MAX: usize = 8;
