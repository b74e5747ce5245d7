//! The people of a stop. Each looks at how the stop stands and does what is theirs to do next, as often as it takes: the
//! store hands the order in, the customer agrees and shows a code, the driver drives, proves, loads and closes. They
//! mean well; who does not is in `gremlin`.

use std::rc::Rc;

use carhop_app::{NewLeg, NewOrder, Presented, Secret};
use carhop_kernel::actor::Actor;
use carhop_kernel::id::SessionId;
use carhop_kernel::order::{Currency, HandoffType, PlaceKind, Sensitivity, Value};
use carhop_kernel::session::{LegStateKind, PhaseKind};
use carhop_kernel::time::{Timestamp, Window};

use crate::fixtures::{PLATE, fuel, goods};
use crate::happening::Ask;
use crate::quick::Identities;
use crate::town::Town;
use crate::town::asking::{Caller, Denied, Told};
use crate::town::dice::Fault;
use crate::town::handset::{Trip, attest, read_plate, release, release_with, report, token};
use crate::town::visit::{NextLeg, Visit};
use crate::town::{dot, race, thief};
use crate::world::metal::Actuator;

impl Told for carhop_app::Secret {}
impl Told for carhop_app::Proposal {}
impl Told for carhop_app::IssuedCode {}
impl Told for carhop_app::SessionView {}
impl Told for carhop_kernel::geofence::FenceResult {}
impl Told for carhop_app::Attestation {}
impl Told for () {}
impl Told for bool {}
impl<T: 'static> Told for Option<T> {}
impl Told for [u8; 32] {}
impl Told for (carhop_app::Secret, Caller) {}

/// Asks for one step of a stop; the body is what the server does with the call.
macro_rules! step {
    ($town:expr, $caller:expr, $ask:expr, at $at:expr, |$app:ident, $call:ident $(; $kept:ident)*| $body:expr) => {
        $town
            .ask_at($caller, $ask, $at, move |process, $call| {
                $(let $kept = $kept.clone();)*
                Box::pin(async move {
                    let $app = &process.app;
                    $body
                })
            })
            .await
    };
    ($town:expr, $caller:expr, $ask:expr, |$app:ident, $call:ident $(; $kept:ident)*| $body:expr) => {
        $town
            .ask($caller, $ask, move |process, $call| {
                $(let $kept = $kept.clone();)*
                Box::pin(async move {
                    let $app = &process.app;
                    $body
                })
            })
            .await
    };
}
pub(crate) use step;

pub(crate) const fn named(session: SessionId, step: &'static str) -> Ask {
    Ask::Step { session, step }
}

/// The store: hands the order in, sends the customer a link, finds a driver.
pub(crate) async fn store(town: Rc<Town>, visit: Rc<Visit>) {
    town.heart.sleep(visit.plan.begins_ms).await;
    let nudge = visit.joined(&town);
    let order = order_of(&town, &visit);
    let placed = loop {
        let ask = order.clone();
        let placed = step!(town, &visit.store, Ask::PlaceOrder, |app, call; ask| {
            app.create_order(&call, &ask).await
        });
        match placed {
            Ok(reply) => break reply,
            Err(_) if town.heart.now() >= order.window.end => {
                visit.is_given_up.set(true);
                return visit.nudge_everybody();
            }
            Err(_) => town.heart.sleep(10_000).await,
        }
    };
    let (Some(order), Some(session)) = (placed.order, placed.session) else {
        return town.heart.fail("placed_orders_have_sessions", format!("{placed:?}"));
    };
    visit.begun(&town, order, session);
    town.disk.follow(session, &nudge);
    while !visit.is_over(&town) {
        if visit.link.borrow().is_none() && visit.customer.borrow().is_none() {
            let link = step!(town, &visit.store, named(session, "issue_link"), |app, call| {
                app.issue_link(&call, session).await
            });
            if let Ok(link) = link {
                *visit.link.borrow_mut() = Some(link.secret);
                visit.nudge_everybody();
            }
        }
        if visit.phase(&town) == Some(PhaseKind::VehicleBound) {
            let driver = visit.driver.driver;
            let assigned =
                step!(town, &visit.store, Ask::Assign { session, driver }, |app, call| {
                    app.assign_driver(&call, session, driver).await
                });
            if assigned.is_err() {
                town.heart.sleep(5_000).await;
            }
        }
        town.heart.wait(&nudge, Some(town.heart.now().plus_ms(60_000))).await;
    }
}

/// The customer: takes the link, says who and which car, agrees, and shows a code at the car.
pub(crate) async fn customer(town: Rc<Town>, visit: Rc<Visit>) {
    let nudge = visit.joined(&town);
    if town.heart.strikes(Fault::CustomerAbsent) {
        return;
    }
    let mut shown_until = Timestamp::from_unix_ms(0);
    while !visit.is_over(&town) {
        let customer = visit.customer.borrow().clone();
        let mut wait_ms = 60_000;
        match (visit.session.get(), customer) {
            (Some(session), Some(customer)) => {
                let done = agree(&town, &visit, &customer, session, &mut shown_until).await;
                wait_ms = if done { 30_000 } else { 4_000 };
            }
            (Some(session), None) => {
                redeem(&town, &visit, session).await;
                wait_ms = 5_000;
            }
            (None, _) => {}
        }
        if visit.customer.borrow().is_none() || wait_ms > 5_000 {
            town.heart.wait(&nudge, Some(town.heart.now().plus_ms(wait_ms))).await;
        } else {
            town.heart.sleep(wait_ms / 4).await;
        }
    }
}

async fn redeem(town: &Rc<Town>, visit: &Rc<Visit>, session: SessionId) {
    let Some(secret) = visit.link.borrow().clone() else { return };
    let Ok(shared) = Identities::shared() else { return };
    let number = usize::from(town.somebody().0);
    let Ok(key) = crate::fixtures::key_of_suite(&town.crypto, shared.device_key(number)) else {
        return;
    };
    let nobody = Caller {
        person: town.somebody(),
        tenant: visit.tenant,
        actor: Actor::System,
        key: Some(key),
    };
    let bound = step!(town, &nobody, named(session, "redeem_link"), |app, call; secret| {
        let token = app.redeem_link(&call.partition, &secret, key).await?;
        let (customer, _) = app.authenticate_customer(&call.partition, &token.secret, key).await?;
        Ok(Some((customer, token.secret)))
    });
    match bound {
        Ok(Some((customer, token))) => {
            *visit.customer_token.borrow_mut() = Some(token);
            let actor = Actor::Customer { customer };
            *visit.customer.borrow_mut() = Some(Caller { actor, ..nobody });
            visit.nudge_everybody();
        }
        // Perhaps it was used and the answer is lost: the store has to send another.
        Ok(None) | Err(_) => *visit.link.borrow_mut() = None,
    }
}

/// Whether everything that is the customer's to do now is done.
async fn agree(
    town: &Rc<Town>,
    visit: &Rc<Visit>,
    customer: &Caller,
    session: SessionId,
    shown_until: &mut Timestamp,
) -> bool {
    match visit.phase(town) {
        Some(PhaseKind::Requested) => {
            step!(town, customer, named(session, "verify_recipient"), |app, call| {
                app.verify_recipient(&call, session).await
            })
            .is_ok()
        }
        Some(PhaseKind::Verified) => {
            let proposed = step!(town, customer, named(session, "propose_binding"), |app, call| {
                app.propose_binding(&call, session, PLATE).await
            });
            let Ok(proposal) = proposed else { return false };
            step!(town, customer, named(session, "approve_intent"), |app, call| {
                app.approve_intent(&call, session, proposal.intent).await
            })
            .is_ok()
        }
        Some(PhaseKind::Arrived) => {
            let now = town.heart.now();
            if visit.code.borrow().is_some() && now < *shown_until {
                return true;
            }
            let code = step!(town, customer, named(session, "issue_code"), |app, call| {
                app.issue_code(&call, session).await
            });
            let Ok(code) = code else {
                // Codes run out; the customer can still say so on the phone.
                return step!(town, customer, named(session, "approve_presence"), |app, call| {
                    app.approve_presence(&call, session).await
                })
                .is_ok();
            };
            *shown_until = now.plus_ms(90_000);
            *visit.code.borrow_mut() = Some((code.digits, code.scan));
            visit.nudge_everybody();
            true
        }
        Some(
            PhaseKind::VehicleBound
            | PhaseKind::EnRoute
            | PhaseKind::HandoffReady
            | PhaseKind::InService
            | PhaseKind::Completed
            | PhaseKind::Revoked
            | PhaseKind::Expired,
        )
        | None => true,
    }
}

/// The driver: drives to the car, stays, proves presence, has every leg released, loads, closes and leaves.
pub(crate) async fn driver(town: Rc<Town>, visit: Rc<Visit>) {
    let nudge = visit.joined(&town);
    let mut trip = Trip::default();
    while !visit.is_over(&town) {
        let Some(session) = visit.session.get() else {
            town.heart.wait(&nudge, None).await;
            continue;
        };
        let wait_ms = drive(&town, &visit, &mut trip, session).await;
        if wait_ms > 5_000 {
            town.heart.wait(&nudge, Some(town.heart.now().plus_ms(wait_ms))).await;
        } else {
            town.heart.sleep(wait_ms).await;
        }
    }
    // Nobody drives off and leaves a door open.
    town.heart.sleep(town.heart.draw(1_000, 10_000)).await;
    close_door(&visit);
}

/// Does what is the driver's to do now; how long until the next look.
async fn drive(town: &Rc<Town>, visit: &Rc<Visit>, trip: &mut Trip, session: SessionId) -> u64 {
    let handset = &visit.driver;
    match visit.phase(town) {
        Some(PhaseKind::VehicleBound | PhaseKind::Verified | PhaseKind::Requested) => {
            attest(town, handset, trip, session).await;
            30_000
        }
        Some(PhaseKind::EnRoute) => {
            attest(town, handset, trip, session).await;
            report(town, handset, trip, session).await;
            if trip.fixes < FIXES_MIN {
                return FIX_INTERVAL_MS;
            }
            read_plate(town, handset, trip, session).await;
            let arrived = step!(town, &handset.caller, named(session, "arrive"), |app, call| {
                app.arrive(&call, session).await
            });
            if arrived.is_ok() { 1_000 } else { FIX_INTERVAL_MS }
        }
        Some(PhaseKind::Arrived) => present(town, visit, session).await,
        Some(PhaseKind::HandoffReady | PhaseKind::InService) => {
            let Some(leg) = visit.next_leg(town) else { return 10_000 };
            serve(town, visit, trip, session, leg).await
        }
        Some(PhaseKind::Completed | PhaseKind::Revoked | PhaseKind::Expired) | None => 10_000,
    }
}

async fn present(town: &Rc<Town>, visit: &Rc<Visit>, session: SessionId) -> u64 {
    let Some((mut digits, scan)) = visit.code.borrow().clone() else { return 15_000 };
    if town.befalls(Fault::CodeMistyped, session) {
        let last = digits.pop().and_then(|digit| digit.to_digit(10)).unwrap_or_default();
        digits = format!("{digits}{}", (last + 1) % 10);
    }
    if town.befalls(Fault::CodeGuessed, session) {
        thief::guess(town, visit, session);
        town.heart.sleep(GUESSED_MS).await;
    }
    let scans = town.heart.draw(0, 3) == 0;
    let presented = step!(town, &visit.driver.caller, named(session, "present_proof"), |app, call; digits; scan| {
        let shown = if scans { Presented::Scan(&scan) } else { Presented::Digits(&digits) };
        app.present_proof(&call, session, shown).await
    });
    match presented {
        Ok(_) => 1_000,
        Err(Denied::Silence) => 2_000,
        Err(Denied::Refused(_) | Denied::Failed(_)) => {
            *visit.code.borrow_mut() = None;
            visit.nudge_everybody();
            6_000
        }
    }
}

async fn serve(
    town: &Rc<Town>,
    visit: &Rc<Visit>,
    trip: &mut Trip,
    session: SessionId,
    leg: NextLeg,
) -> u64 {
    let handset = &visit.driver;
    let index = leg.index;
    match leg.state {
        LegStateKind::Pending => {
            attest(town, handset, trip, session).await;
            read_plate(town, handset, trip, session).await;
            report(town, handset, trip, session).await;
            let misuses = town.befalls(Fault::TokenMisused, session);
            if misuses {
                let earlier = trip.token.clone();
                thief::misuse(town, visit, session, leg, earlier).await;
            }
            if town.befalls(Fault::Raced, session) {
                race::release(town, visit, session, leg).await;
                return 8_000;
            }
            if town.befalls(Fault::OnTheDot, session) {
                dot::release(town, visit, session, leg).await;
                return 1_000;
            }
            let Some(Secret { secret, .. }) = token(town, handset, session, leg).await else {
                return 8_000 + town.heart.draw(0, 4_000);
            };
            trip.token = Some(secret.clone());
            let released = release_with(town, handset, session, leg, secret).await;
            if misuses && let Some(later) = visit.leg_after(town, leg) {
                // In a hurry: this door has not opened yet, and the next one is tried.
                release(town, handset, session, later).await;
            }
            if released { 20_000 } else { 8_000 + town.heart.draw(0, 4_000) }
        }
        LegStateKind::Open => {
            let loads_ms =
                if town.befalls(Fault::DoorLeftOpen, session) { 200_000 } else { 15_000 };
            town.heart.sleep(town.heart.draw(1_000, loads_ms)).await;
            let confirmed =
                step!(town, &handset.caller, named(session, "confirm_transfer"), |app, call| {
                    app.confirm_transfer(&call, session, index).await
                });
            close_door(visit);
            if confirmed.is_ok() { 10_000 } else { 3_000 }
        }
        // What nobody has heard of may have opened all the same.
        LegStateKind::Transferred | LegStateKind::Commanded | LegStateKind::Indeterminate => {
            close_door(visit);
            10_000
        }
        LegStateKind::Released
        | LegStateKind::Authorised
        | LegStateKind::Secured
        | LegStateKind::Dispensing
        | LegStateKind::Dispensed
        | LegStateKind::Settled
        | LegStateKind::TakenOver
        | LegStateKind::Failed => 30_000,
    }
}

fn close_door(visit: &Visit) {
    for lock in visit.lock.iter().chain(&visit.second_lock) {
        lock.touch(|actuator, now_ms| {
            if let Actuator::Lock(lock) = actuator {
                lock.close_door(now_ms);
            }
        });
    }
}

/// The terms of a stop's order.
pub(crate) fn order_of(town: &Town, visit: &Visit) -> NewOrder {
    let now = town.heart.now();
    let mut legs: Vec<NewLeg> = Vec::new();
    legs.extend(visit.lock.iter().chain(&visit.second_lock).map(|lock| goods(lock.id)));
    legs.extend(visit.pump.as_ref().map(|pump| fuel(pump.id)));
    NewOrder {
        recipient: format!("customer-{}", visit.plan.number),
        recipient_name: "Robin".to_owned(),
        plate: PLATE.to_owned(),
        vin: None,
        vehicle: "blue estate".to_owned(),
        venue: town.venue.clone(),
        place_kind: PlaceKind::Lot,
        bay: Some("B7".to_owned()),
        window: Window { start: now.minus_ms(60_000), end: now.plus_ms(visit.plan.window_ms) },
        handoff: HandoffType::Unattended,
        legs,
        value: Value { amount_minor: 4_200, currency: Currency::EUR },
        sensitivity: Sensitivity::Low,
        age_gated: false,
        cold_chain: None,
        payment: Some("pay-1".to_owned()),
    }
}

/// How long somebody guesses at a code before the driver shows it.
const GUESSED_MS: u64 = 500;
/// How often positions come.
const FIX_INTERVAL_MS: u64 = 5_000;
/// So many fixes make a stay.
const FIXES_MIN: u32 = 6;
