//! Somebody who asks in the very instant in which something ends: a token, or what a handset has shown of itself. The
//! question is in the server's hands at that moment, whatever the network does otherwise.

use std::rc::Rc;

use carhop_app::Wanted;
use carhop_kernel::id::SessionId;
use carhop_kernel::time::Timestamp;

use crate::happening::Ask;
use crate::town::Town;
use crate::town::dice::Fault;
use crate::town::handset::{ATTEST_EVERY_MS, Trip, attest, read_plate, report_once, token};
use crate::town::people::{named, step};
use crate::town::tamper::go_away_once_released;
use crate::town::visit::{NextLeg, Visit};

/// The driver asks for a release when the attestation ends, or for a token when the one above it does.
pub(crate) async fn release(
    town: &Rc<Town>,
    visit: &Rc<Visit>,
    session: SessionId,
    leg: NextLeg,
) -> Option<()> {
    let at = match town.heart.span(Fault::OnTheDot, 0, 4) {
        0 => return exchange(town, visit, session, leg).await,
        3 => return with_dying_token(town, visit, session, leg).await,
        1 => {
            let attested_at = town.attested.borrow().get(&visit.driver.device).copied()?;
            let at = attested_at.plus_ms(INTEGRITY_MS);
            stay(town, visit, session, at).await;
            at
        }
        _ => {
            let end = visit.look(town, |session| session.order.terms.window.end)?;
            stay_fresh(town, visit, session, end).await;
            // What is released in the last instant finds its device gone, and leaves after the window or not at all.
            go_away_once_released(town, visit, leg, end.plus_ms(BEFORE_MS), AWAY_MS);
            end.minus_ms(1)
        }
    };
    let action = token(town, &visit.driver, session, leg).await?.secret;
    if town.heart.now() >= at {
        return None;
    }
    let (caller, index) = (&visit.driver.caller, leg.index);
    let ask = Ask::Release { session, leg: index };
    let _ = step!(town, caller, ask, at at, |app, call; action| {
        app.release(&call, session, index, &action).await
    });
    Some(())
}

/// A release is asked for when the token for it ends.
async fn with_dying_token(
    town: &Rc<Town>,
    visit: &Rc<Visit>,
    session: SessionId,
    leg: NextLeg,
) -> Option<()> {
    let action = token(town, &visit.driver, session, leg).await?;
    let at = action.expires_at;
    stay_fresh(town, visit, session, at).await;
    let (caller, index, action) = (&visit.driver.caller, leg.index, action.secret);
    let ask = Ask::Release { session, leg: index };
    let _ = step!(town, caller, ask, at at, |app, call; action| {
        app.release(&call, session, index, &action).await
    });
    Some(())
}

/// A token is asked for when the one ends that it is derived from.
async fn exchange(
    town: &Rc<Town>,
    visit: &Rc<Visit>,
    session: SessionId,
    leg: NextLeg,
) -> Option<()> {
    let handset = &visit.driver;
    let vehicle =
        step!(town, &handset.caller, named(session, "issue_vehicle_token"), |app, call| {
            app.issue_vehicle_token(&call, session).await
        });
    let vehicle = vehicle.ok()?;
    let at = vehicle.expires_at;
    stay_fresh(town, visit, session, at).await;
    if town.heart.now() >= at {
        return None;
    }
    let (vehicle, wanted) = (vehicle.secret, Wanted { scope: leg.scope, audience: leg.device });
    let ask = named(session, "exchange_token");
    let _ = step!(town, &handset.caller, ask, at at, |app, call; vehicle| {
        app.exchange_token(&call, &vehicle, wanted).await
    });
    Some(())
}

/// Stays at the car, and sees to it that everything is fresh at the end.
async fn stay_fresh(town: &Rc<Town>, visit: &Rc<Visit>, session: SessionId, until: Timestamp) {
    let mut trip = Trip::default();
    while town.heart.now() < until.minus_ms(BEFORE_MS) && !visit.is_over(town) {
        attest(town, &visit.driver, &mut trip, session).await;
        read_plate(town, &visit.driver, &mut trip, session).await;
        stay(town, visit, session, until.min(town.heart.now().plus_ms(ATTEST_EVERY_MS))).await;
    }
}

/// Stays at the car and says so, until shortly before then.
async fn stay(town: &Rc<Town>, visit: &Rc<Visit>, session: SessionId, until: Timestamp) {
    let end = until.minus_ms(BEFORE_MS);
    while town.heart.now() < end && !visit.is_over(town) {
        town.heart.sleep_until(end.min(town.heart.now().plus_ms(FIX_INTERVAL_MS))).await;
        report_once(town, &visit.driver, session).await;
    }
}

/// How long a handset's integrity counts (standards §4).
const INTEGRITY_MS: u64 = 10 * 60 * 1_000;
/// How long a device is away; shorter than a command lives.
const AWAY_MS: u64 = 2_000;
/// How often positions come.
const FIX_INTERVAL_MS: u64 = 5_000;
/// How long before that moment everything else is made ready.
const BEFORE_MS: u64 = 1_500;
