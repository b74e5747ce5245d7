//! One stop, step by step, through the use cases: the same code whatever runs it and whatever it is written to. After
//! every step the invariants are checked.

use std::sync::Arc;

use carhop_agent::simulated::Person;
use carhop_app::batch::{Body, Stream};
use carhop_app::{Call, NewLeg, NewOrder, Presented, Reply, Wanted};
use carhop_journal::MemoryJournal;
use carhop_kernel::actor::Actor;
use carhop_kernel::digest::KeyThumbprint;
use carhop_kernel::geofence::{Fix, FixSource, Speed};
use carhop_kernel::id::{OrderId, SessionId};
use carhop_kernel::session::{Event, Exception, LegIndex, LegStateKind, PhaseKind, Session};

use crate::SimError;
use crate::executor::run;
use crate::fixtures::{Cast, Driver, PLATE, call, fix, fuel, goods, key_of, order};
use crate::invariants::{self, Log};
use crate::world::World;
use crate::world::metal::Actuator;

/// A stop under way.
pub struct Stop<'a> {
    /// Where it happens.
    pub world: &'a World,
    /// Who takes part.
    pub cast: &'a Cast,
    /// Which order it serves.
    pub order: OrderId,
    /// Its authority record.
    pub session: SessionId,
    /// Calls of the customer: the actor and the key.
    pub customer: (Actor, KeyThumbprint),
}

impl<'a> Stop<'a> {
    /// Places an order with these legs and binds the customer's device by the link.
    pub async fn place(
        world: &'a World,
        cast: &'a Cast,
        legs: Vec<NewLeg>,
    ) -> Result<Self, SimError> {
        Self::place_order(world, cast, &order(world, legs)?).await
    }

    /// The same with an order of one's own.
    pub async fn place_order(
        world: &'a World,
        cast: &'a Cast,
        ask: &NewOrder,
    ) -> Result<Self, SimError> {
        let by_store = cast.by_store(world);
        let placed = world.app.create_order(&by_store, ask).await?;
        let (Some(order), Some(session)) = (placed.order, placed.session) else {
            return Err(SimError::world("an order without a session"));
        };
        let customer = bind_customer(world, &by_store, session).await?;
        let stop = Self { world, cast, order, session, customer };
        stop.check().await?;
        Ok(stop)
    }

    /// A stop whose pump has been running for a while, into a large tank through a slow nozzle: it would run for longer than a
    /// pump may.
    pub async fn dispensing(world: &'a World, cast: &'a Cast) -> Result<Self, SimError> {
        let stop = Self::place(world, cast, vec![fuel(cast.pump), goods(cast.lock)]).await?;
        stop.get_ready().await?;
        world.metal.with(cast.pump, |unit, _| {
            if let Actuator::Pump(pump) = unit.actuator() {
                pump.expect(SLOW);
            }
        })?;
        stop.release(LegIndex(0)).await?;
        world.pass(10_000).await?;
        if stop.leg(LegIndex(0)).await? != LegStateKind::Dispensing {
            return Err(SimError::world("a pump that does not run"));
        }
        Ok(stop)
    }

    /// A call of the customer.
    pub fn by_customer(&self) -> Call {
        let (actor, key) = self.customer;
        Call { key: Some(key), ..call(self.world, actor) }
    }

    /// A call of the assigned driver.
    pub fn by_driver(&self) -> Call {
        self.driver().call(self.world)
    }

    /// The driver of this stop.
    pub const fn driver(&self) -> &Driver {
        &self.cast.driver
    }

    /// The recipient is verified, states the car and approves the intent.
    pub async fn bind(&self) -> Result<(), SimError> {
        let app = &self.world.app;
        app.verify_recipient(&self.by_customer(), self.session).await?;
        self.check().await?;
        let proposal = app.propose_binding(&self.by_customer(), self.session, PLATE).await?;
        self.check().await?;
        app.approve_intent(&self.by_customer(), self.session, proposal.intent).await?;
        self.check().await.map(|_| ())
    }

    /// The handset attests itself and the driver gets the stop.
    pub async fn assign(&self) -> Result<(), SimError> {
        self.driver().attest(self.world).await?;
        let by_store = self.cast.by_store(self.world);
        self.world.app.assign_driver(&by_store, self.session, self.driver().driver).await?;
        self.check().await.map(|_| ())
    }

    /// The driver stands at the car for as long as it takes to be inside.
    pub async fn stay(&self) -> Result<(), SimError> {
        for _ in 0..=DWELL_MS / FIX_INTERVAL_MS {
            self.world.pass(FIX_INTERVAL_MS).await?;
            self.report_position(0.0).await?;
        }
        Ok(())
    }

    /// The driver is seen `east_m` metres east of the car.
    pub async fn report_position(&self, east_m: f64) -> Result<(), SimError> {
        let fixes = [fix(self.world, east_m)?];
        self.world.app.report_positions(&self.by_driver(), self.session, &fixes).await?;
        Ok(())
    }

    /// The car's own telematics see it `east_m` metres east of its place, at this speed.
    pub async fn report_car(&self, east_m: f64, speed_mps: f64) -> Result<(), SimError> {
        let speed = Some(Speed::from_mps(speed_mps).map_err(SimError::world)?);
        let seen = Fix { speed, source: FixSource::Telematics, ..fix(self.world, east_m)? };
        let by_car = self.cast.by_store(self.world);
        self.world.app.report_vehicle_positions(&by_car, self.session, &[seen]).await?;
        self.check().await.map(|_| ())
    }

    /// What was raised in this session, in order.
    pub async fn exceptions(&self) -> Result<Vec<Exception>, SimError> {
        let stream = Stream::Session(self.session);
        let events = self.world.journal.stream(self.world.partition.clone(), stream).await?;
        let raised = events.iter().filter_map(|recorded| {
            let Body::Session(event) = &recorded.body else { return None };
            let Event::ExceptionRaised { exception, .. } = **event else { return None };
            Some(exception)
        });
        Ok(raised.collect())
    }

    /// The driver reads the plate and reports arrival.
    pub async fn arrive(&self) -> Result<(), SimError> {
        self.world.app.match_vehicle(&self.by_driver(), self.session, PLATE).await?;
        self.world.app.arrive(&self.by_driver(), self.session).await?;
        self.check().await.map(|_| ())
    }

    /// The customer shows a code and the driver types it.
    pub async fn prove(&self) -> Result<(), SimError> {
        let code = self.world.app.issue_code(&self.by_customer(), self.session).await?;
        let digits = Presented::Digits(&code.digits);
        self.world.app.present_proof(&self.by_driver(), self.session, digits).await?;
        self.check().await.map(|_| ())
    }

    /// Somebody loiters: the driver is seen and attests once more, and lock and pump prove their integrity.
    pub async fn refresh(&self) -> Result<(), SimError> {
        self.driver().attest(self.world).await?;
        self.world.app.match_vehicle(&self.by_driver(), self.session, PLATE).await?;
        self.stay().await
    }

    /// Everything up to the first release.
    pub async fn get_ready(&self) -> Result<(), SimError> {
        self.bind().await?;
        self.assign().await?;
        self.stay().await?;
        self.arrive().await?;
        self.prove().await
    }

    /// The driver is at the car and gets a fresh action token for a leg.
    pub async fn token(&self, leg: LegIndex) -> Result<String, SimError> {
        self.report_position(0.0).await?;
        let (app, call) = (&self.world.app, self.by_driver());
        let vehicle = app.issue_vehicle_token(&call, self.session).await?;
        let session = self.session().await?;
        let terms = &session.leg(leg).ok_or_else(|| SimError::world("no such leg"))?.terms;
        let wanted = Wanted { scope: terms.service.scope(), audience: terms.device };
        Ok(app.exchange_token(&call, &vehicle.secret, wanted).await?.secret)
    }

    /// Releases a leg; nothing is sent yet.
    pub async fn release(&self, leg: LegIndex) -> Result<Reply, SimError> {
        let token = self.token(leg).await?;
        let reply = self.world.app.release(&self.by_driver(), self.session, leg, &token).await?;
        self.check().await?;
        Ok(reply)
    }

    /// Goods change hands: the lock opens, the driver loads, the door is closed and locks.
    pub async fn hand_over(&self, leg: LegIndex) -> Result<(), SimError> {
        self.release(leg).await?;
        self.world.pass(ACTUATION_MS).await?;
        self.expect(leg, LegStateKind::Open).await?;
        self.world.app.confirm_transfer(&self.by_driver(), self.session, leg).await?;
        self.check().await?;
        self.close_door()?;
        self.world.pass(ACTUATION_MS).await?;
        self.expect(leg, LegStateKind::Secured).await
    }

    /// Fuel flows until the tank is full and everything is settled.
    pub async fn fuel(&self, leg: LegIndex) -> Result<(), SimError> {
        self.release(leg).await?;
        for _ in 0..FUELLING_MS_MAX / ACTUATION_MS {
            self.world.pass(ACTUATION_MS).await?;
            self.check().await?;
            let session = self.session().await?;
            if session.leg(leg).is_some_and(|leg| leg.state.kind() == LegStateKind::Settled) {
                return Ok(());
            }
        }
        self.expect(leg, LegStateKind::Settled).await
    }

    /// Somebody closes the compartment.
    pub fn close_door(&self) -> Result<(), SimError> {
        self.world.metal.with(self.cast.lock, |unit, now_ms| {
            if let Actuator::Lock(lock) = unit.actuator() {
                lock.close_door(now_ms);
            }
        })
    }

    /// The whole stop from here on, leg after leg, to its completion.
    pub async fn finish(&self) -> Result<Log, SimError> {
        let legs: Vec<_> = self
            .session()
            .await?
            .legs()
            .map(|(index, leg)| (index, leg.terms.service.is_fuel()))
            .collect();
        for (leg, is_fuel) in legs {
            if is_fuel {
                self.fuel(leg).await?;
            } else {
                self.hand_over(leg).await?;
            }
        }
        let phase = self.session().await?.phase.kind();
        if phase != PhaseKind::Completed {
            return Err(SimError::Broken(format!("the stop ended as {}", phase.name())));
        }
        self.check().await
    }

    /// The session as it stands.
    pub async fn session(&self) -> Result<Session, SimError> {
        let by_staff = self.cast.by_staff(self.world);
        Ok(self.world.app.view_session(&by_staff, self.session).await?.session)
    }

    /// The state of a leg.
    pub async fn leg(&self, leg: LegIndex) -> Result<LegStateKind, SimError> {
        let session = self.session().await?;
        let leg = session.leg(leg).ok_or_else(|| SimError::world("no such leg"))?;
        Ok(leg.state.kind())
    }

    /// Checks the invariants.
    pub async fn check(&self) -> Result<Log, SimError> {
        invariants::check(self.world).await
    }

    async fn expect(&self, leg: LegIndex, wanted: LegStateKind) -> Result<(), SimError> {
        self.check().await?;
        let found = self.leg(leg).await?;
        if found == wanted {
            return Ok(());
        }
        let (found, wanted) = (found.name(), wanted.name());
        Err(SimError::Broken(format!("leg {} is {found}, not {wanted}", leg.0)))
    }
}

/// Plays a scene in a fresh world over the journal in memory, by hand; the invariants hold at its end.
pub fn scene(
    seed: u64,
    play: impl AsyncFnOnce(&World, &Cast) -> Result<(), SimError>,
) -> Result<Log, SimError> {
    let world = World::new(seed, Arc::new(MemoryJournal::default()))?;
    let played = run(async {
        let cast = Cast::assemble(&world).await?;
        play(&world, &cast).await?;
        invariants::check(&world).await
    });
    played.map_err(SimError::world)?
}

/// Redeems a fresh link with a fresh key: who the customer is from then on.
pub async fn bind_customer(
    world: &World,
    by_store: &Call,
    session: SessionId,
) -> Result<(Actor, KeyThumbprint), SimError> {
    let link = world.app.issue_link(by_store, session).await?;
    let key = key_of(&world.draw_key()?)?;
    let token = world.app.redeem_link(&world.partition, &link.secret, key).await?;
    let (customer, _) =
        world.app.authenticate_customer(&world.partition, &token.secret, key).await?;
    Ok((Actor::Customer { customer }, key))
}

/// Plays one whole stop with these legs in a fresh cast and returns the log it leaves.
pub async fn play(world: &World, legs: impl FnOnce(&Cast) -> Vec<NewLeg>) -> Result<Log, SimError> {
    let cast = Cast::assemble(world).await?;
    let before = (truth(world, &cast.lock)?, truth(world, &cast.pump)?);
    let stop = Stop::place(world, &cast, legs(&cast)).await?;
    stop.get_ready().await?;
    let log = stop.finish().await?;
    for (device, before) in [(cast.lock, before.0), (cast.pump, before.1)] {
        let (did, told) = (truth(world, &device)? - before, invariants::told(world, device).await?);
        if did != told {
            return Err(SimError::Broken(format!("{device} did {did} and the log tells {told}")));
        }
    }
    Ok(log)
}

fn truth(world: &World, device: &carhop_kernel::id::DeviceId) -> Result<u64, SimError> {
    world.metal.with(*device, |unit, _| unit.truth())
}

/// How long a driver stays to be inside; more than the fence asks for.
const DWELL_MS: u64 = 25_000;
/// How often positions come.
const FIX_INTERVAL_MS: u64 = 5_000;
/// In this time a bolt has opened or locked.
const ACTUATION_MS: u64 = 1_000;
/// In this time a tank is full.
const FUELLING_MS_MAX: u64 = 180_000;
/// Who fuels a large tank slowly.
const SLOW: Person = Person { lift_after_ms: Some(2_000), flow_ml_per_s: 20, wanted_ml: 90_000 };
