//! One stop from order to settled, as the people of the demo live it.
//!
//! What came of it is not said here: that is read back from the audit.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::client::problem_of;
use super::driver::{Driver, Judged};
use super::host::{Host, Lane};
use super::parties::Customer;
use super::scenario::{PlaceShown, Plan};
use super::venue::{self, Parked};
use super::view::{Stage, View};
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
        (FLOW_ML_PER_S * self.speed).clamp(1.0, 1_000_000.0) as u32
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
}

/// Everything one stop is played with.
pub(crate) struct Scene<'a> {
    /// The authority.
    pub(crate) host: &'a Host,
    /// Who and what serves it.
    pub(crate) lane: &'a mut Lane,
    /// What is to happen.
    pub(crate) plan: &'a Plan,
    /// The session.
    pub(crate) session: String,
    /// How fast.
    pub(crate) tempo: Tempo,
    /// Where it is shown.
    pub(crate) view: &'a View,
}

/// Runs a stop at the demo's own venue; returns the session.
pub(crate) async fn run(
    host: &Host,
    lane: &mut Lane,
    plan: &Plan,
    tempo: Tempo,
    view: &View,
) -> Result<String> {
    view.show(plan.number, Stage::Ordering);
    let session = host.store.place_order(plan, venue::NAME, &lane.devices(), WINDOW_MS).await?;
    view.name(plan.number, &session);
    let customer = customer(host, &session).await?;
    view.show(plan.number, Stage::Approving);
    tempo.pause(READING).await;
    let mut scene = Scene { host, lane, plan, session, tempo, view };
    scene.bind(&customer).await?;
    let mut positions = Parked::approach(host.place.clock.clone());
    scene.come_near(&mut positions).await?;
    scene.hand_over(&customer, &mut positions).await?;
    customer.sign_out().await?;
    Ok(scene.session)
}

/// Opens the customer's link on a phone.
pub(crate) async fn customer(host: &Host, session: &str) -> Result<Customer> {
    let secret = host.store.link(session).await?;
    let place = &host.place;
    Customer::open(place.http.clone(), &place.public, place.clock.clone(), &secret).await
}

impl Scene<'_> {
    /// The customer approves, and a driver is assigned.
    pub(crate) async fn bind(&mut self, customer: &Customer) -> Result<()> {
        customer.approve(self.plan).await?;
        self.lane.driver.attest().await?;
        self.host.store.assign(&self.session, &self.lane.driver.id).await
    }

    /// The driver reports positions until the place is shown, and arrives.
    async fn come_near(&mut self, positions: &mut impl Positions) -> Result<()> {
        for _ in 0..POSITIONS_MAX {
            let judged = positions.next(&self.lane.driver, &self.session).await?;
            self.show(Stage::Approaching { dwell_ms: judged.dwell_ms });
            let is_there = match self.plan.place {
                PlaceShown::Fence => judged.answer == "inside",
                PlaceShown::Tag => judged.dwell_ms > 0,
            };
            if is_there {
                return self.arrive().await;
            }
        }
        bail!("the place was not shown")
    }

    /// The driver looks at the car and arrives; where positions are not enough, arriving is refused first and the
    /// driver scans the tag.
    pub(crate) async fn arrive(&mut self) -> Result<()> {
        let Self { lane, plan, session, .. } = self;
        let is_right = lane.driver.read_plate(session, &plan.plate).await?;
        ensure!(is_right, "the plate at the car is another one");
        if plan.place == PlaceShown::Tag {
            let refused = lane.driver.arrive(session).await.err();
            let refused = refused.context("positions alone were enough")?;
            ensure!(is_about_place(&refused), refused);
            self.view.show(plan.number, Stage::ScanningTag);
            lane.driver.scan_tag(session, venue::TAG).await?;
        }
        lane.driver.arrive(session).await
    }

    /// The customer shows presence, and each leg is released and done.
    pub(crate) async fn hand_over(
        &mut self,
        customer: &Customer,
        positions: &mut impl Positions,
    ) -> Result<()> {
        self.show(Stage::Presenting { how: self.plan.code });
        let shown = customer.code().await?;
        self.tempo.pause(SHOWING).await;
        self.lane.driver.prove(&self.session, shown.presented(self.plan.code)).await?;
        let token = self.lane.driver.vehicle_token(&self.session).await?;
        let mut leg = 0;
        if self.plan.scenario.has_goods() {
            self.load(leg, &token, positions).await?;
            leg += 1;
        }
        if self.plan.scenario.has_fuel() {
            self.fuel(leg, &token, positions).await?;
        }
        self.show(Stage::Settling);
        self.wait_for_end().await
    }

    /// The trunk opens, is loaded and closed.
    async fn load(
        &mut self,
        leg: usize,
        token: &str,
        positions: &mut impl Positions,
    ) -> Result<()> {
        self.show(Stage::Opening);
        self.lane.lock.look_away();
        let device = self.lane.lock.device.clone();
        self.release(Wanted { leg, scope: "grocery_handoff", device }, token, positions).await?;
        self.lane.lock.wait_for(|seen| *seen == Seen::Opened).await?;
        self.show(Stage::Loading { lines: self.plan.basket.len() });
        self.tempo.pause(LOADING).await;
        self.lane.lock.touch(Hand::Close).await?;
        self.lane.lock.wait_for(|seen| *seen == Seen::Locked).await?;
        self.lane.driver.transferred(&self.session, leg).await
    }

    /// The pump is armed, the tank is filled.
    async fn fuel(
        &mut self,
        leg: usize,
        token: &str,
        positions: &mut impl Positions,
    ) -> Result<()> {
        let (limit_ml, tank_ml) = (self.plan.limit_ml, self.plan.tank_ml);
        let loaded = self.plan.scenario.has_goods();
        self.show(Stage::Fuelling { loaded, metered_ml: 0, limit_ml });
        let flow_ml_per_s = self.tempo.flow_ml_per_s();
        let person = Hand::Person { lift_after_ms: LIFT_MS, flow_ml_per_s, wanted_ml: tank_ml };
        self.lane.pump.touch(person).await?;
        let device = self.lane.pump.device.clone();
        let wanted = Wanted { leg, scope: "fuel_authorisation", device };
        self.release(wanted, token, positions).await?;
        for _ in 0..LOOKS_MAX {
            let session = self.host.store.session(&self.session).await?;
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

    /// Releases a leg, at the next position if this one does not count any more, and waits for the outcome.
    async fn release(
        &mut self,
        wanted: Wanted,
        token: &str,
        positions: &mut impl Positions,
    ) -> Result<()> {
        let Wanted { leg, scope, device } = wanted;
        let driver = &self.lane.driver;
        for _ in 0..RELEASE_TRIES_MAX {
            positions.keep_fresh(driver, &self.session).await?;
            match driver.release(&self.session, leg, scope, &device, token).await {
                Ok(release) => return self.wait_for_outcome(&release).await,
                Err(error) if is_about_place(&error) => {
                    positions.next(driver, &self.session).await?;
                }
                Err(error) => return Err(error),
            }
        }
        bail!("the place was not shown again")
    }

    async fn wait_for_outcome(&self, release: &str) -> Result<()> {
        for _ in 0..OUTCOME_LOOKS_MAX {
            match self.lane.driver.outcome(&self.session, release).await?.as_str() {
                "done" => return Ok(()),
                "pending" => {}
                other => bail!("the release came to `{other}`"),
            }
        }
        bail!("the release came to nothing")
    }

    async fn wait_for_end(&self) -> Result<()> {
        for _ in 0..LOOKS_MAX {
            let session = self.host.store.session(&self.session).await?;
            match session["state"].as_str().context("a session without a state")? {
                "completed" => return Ok(()),
                state @ ("revoked" | "expired") => bail!("the session is {state}"),
                _ => timers::sleep(LOOK_PAUSE).await,
            }
        }
        bail!("the session did not end")
    }

    fn show(&self, stage: Stage) {
        self.view.show(self.plan.number, stage);
    }
}

/// A release that is wanted.
struct Wanted {
    leg: usize,
    scope: &'static str,
    device: String,
}

fn is_about_place(error: &anyhow::Error) -> bool {
    let about = ["place_uncertain", "place_not_proven", "place_outside"];
    problem_of(error).is_some_and(|problem| about.iter().any(|reason| problem.is_for(reason)))
}

/// How long the order may be served.
const WINDOW_MS: u64 = 60 * 60 * 1000;
const READING: Duration = Duration::from_millis(600);
const SHOWING: Duration = Duration::from_millis(700);
const LOADING: Duration = Duration::from_millis(1_500);
const LIFT_MS: u64 = 400;
/// Ten times what a pump gives, so that nobody has to wait for a tank.
const FLOW_ML_PER_S: f64 = 6_000.0;
const LOOK_PAUSE: Duration = Duration::from_millis(150);
const LOOKS_MAX: usize = 400;
const OUTCOME_LOOKS_MAX: usize = 6;
const POSITIONS_MAX: usize = 40;
const RELEASE_TRIES_MAX: usize = 8;
