//! Stops at which everything is ready for the release, made by the use cases, over a journal on disk.

use std::path::Path;
use std::sync::Arc;
use std::thread;

use carhop_app::ports::{Carrier, DeviceFrame, Pending};
use carhop_app::{Call, Presented, Wanted};
use carhop_journal::SqliteJournal;
use carhop_journal::conformance::block_on;
use carhop_kernel::device::DeviceClass;
use carhop_kernel::id::{DeviceId, SessionId};
use carhop_kernel::order::Scope;
use carhop_kernel::time::Timestamp;
use carhop_policy::Bundle;
use carhop_proofs::suite::AwsLc;
use carhop_sim::chance::Chance;
use carhop_sim::fixtures::{Cast, Driver, PLATE, call, enrol, fix, goods, order};
use carhop_sim::stop::bind_customer;
use carhop_sim::world::{Fittings, World};

/// A world over a journal on disk.
pub struct Stage {
    /// It.
    pub world: World,
}

/// Stops that are ready, and who is at the car.
pub struct Ready {
    /// The stops.
    pub stops: Vec<AtCar>,
    /// The driver of all of them.
    pub driver: Driver,
    /// When they are ready.
    pub at: Timestamp,
}

/// A stop that waits for its release.
#[derive(Clone)]
pub struct AtCar {
    /// Which.
    pub session: SessionId,
    /// The action token.
    pub token: String,
}

/// Reaches every device and is never answered.
struct Everywhere;

impl Carrier for Everywhere {
    fn send(&self, _: DeviceId, _: DeviceFrame) -> Pending<'_, bool> {
        Box::pin(std::future::ready(true))
    }

    fn is_connected(&self, _: DeviceId) -> bool {
        true
    }
}

impl Stage {
    /// A stage over the journal in this folder; `seed` keeps its ids apart from those of other stages.
    pub fn open(folder: &Path, seed: u64) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let journal = Arc::new(SqliteJournal::open(folder.join("journal")).unwrap());
        let fittings = Fittings {
            suite: Arc::new(AwsLc),
            carrier: Some(Arc::new(Everywhere)),
            chance: Chance::new(seed, "measurement"),
        };
        let policies = Bundle::embedded().unwrap();
        Self { world: World::fitted(1, journal, policies, fittings).unwrap() }
    }

    /// Makes so many stops ready, each with a lock of its own. Ends this stage, so that its journal can be copied.
    pub fn make_ready(self, count: usize) -> Ready {
        let world = &self.world;
        let cast = block_on(Cast::assemble(world)).unwrap();
        let driver = cast.driver.clone();
        block_on(driver.attest(world)).unwrap();
        let made = in_parts(&vec![(); count], |()| block_on(bound(world, &cast)));
        for _ in 0..=DWELL_STEPS {
            world.clock.set(world.now().plus_ms(STEP_MS));
            in_parts(&made, |stop| report_position(world, &driver, stop));
        }
        let stops = in_parts(&made, |stop| AtCar {
            session: stop.session,
            token: block_on(arrived(world, &driver, stop)),
        });
        while block_on(world.app.sequence()).unwrap() > 0 {}
        Ready { stops, driver, at: world.now() }
    }
}

/// A stop under way: its session, its lock, its customer.
struct Bound {
    session: SessionId,
    lock: DeviceId,
    customer: Call,
}

async fn bound(world: &World, cast: &Cast) -> Bound {
    let app = &world.app;
    let (lock, parts) = enrol(world, &cast.by_staff(world), DeviceClass::Lock).await.unwrap();
    let challenge = world.draw();
    let eat = parts.integrity.attest(&challenge).unwrap();
    app.attest_device(&world.partition, lock, &challenge, &eat).await.unwrap();
    let by_store = cast.by_store(world);
    let ask = order(world, vec![goods(lock)]).unwrap();
    let session = app.create_order(&by_store, &ask).await.unwrap().session.unwrap();
    let (actor, key) = bind_customer(world, &by_store, session).await.unwrap();
    let customer = Call { key: Some(key), ..call(world, actor) };
    app.verify_recipient(&customer, session).await.unwrap();
    let proposal = app.propose_binding(&customer, session, PLATE).await.unwrap();
    app.approve_intent(&customer, session, proposal.intent).await.unwrap();
    app.assign_driver(&cast.by_store(world), session, cast.driver.driver).await.unwrap();
    Bound { session, lock, customer }
}

fn report_position(world: &World, driver: &Driver, stop: &Bound) {
    let fixes = [fix(world, 0.0).unwrap()];
    let call = driver.call(world);
    block_on(world.app.report_positions(&call, stop.session, &fixes)).unwrap();
}

/// The driver has arrived, has shown the code and holds the action token.
async fn arrived(world: &World, driver: &Driver, stop: &Bound) -> String {
    let (app, by_driver) = (&world.app, || driver.call(world));
    app.match_vehicle(&by_driver(), stop.session, PLATE).await.unwrap();
    app.arrive(&by_driver(), stop.session).await.unwrap();
    let code = app.issue_code(&stop.customer, stop.session).await.unwrap();
    let digits = Presented::Digits(&code.digits);
    app.present_proof(&by_driver(), stop.session, digits).await.unwrap();
    let vehicle = app.issue_vehicle_token(&by_driver(), stop.session).await.unwrap();
    let wanted = Wanted { scope: Scope::GroceryHandoff, audience: stop.lock };
    app.exchange_token(&by_driver(), &vehicle.secret, wanted).await.unwrap().secret
}

/// Does the work for all, on several threads, and keeps the order.
fn in_parts<T: Sync, R: Send>(all: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    thread::scope(|scope| {
        let size = all.len().div_ceil(THREADS).max(1);
        let work = &work;
        let parts: Vec<_> = all
            .chunks(size)
            .map(|part| scope.spawn(move || part.iter().map(work).collect::<Vec<R>>()))
            .collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    })
}

/// Threads that make stops ready.
const THREADS: usize = 16;
/// Positions until a driver counts as arrived, and the time between them.
const DWELL_STEPS: usize = 5;
const STEP_MS: u64 = 5_000;
