//! Two things in one instant: a release is asked for, and in the same millisecond somebody takes away what it rests on. Who
//! comes first is chance's to say; that one of them notices the other is the preconditions'.

use std::rc::Rc;

use carhop_app::records::TrustSubject;
use carhop_kernel::id::SessionId;
use carhop_kernel::time::Timestamp;

use crate::happening::Ask;
use crate::town::Town;
use crate::town::dice::Fault;
use crate::town::gremlin::amend;
use crate::town::handset::{release_with, report_once, token};
use crate::town::heart::Owner;
use crate::town::operator::{shipped, strict};
use crate::town::people::{named, step};
use crate::town::tamper::go_away_once_released;
use crate::town::visit::{NextLeg, Visit};

/// A release with something that speaks against it.
pub(crate) async fn release(
    town: &Rc<Town>,
    visit: &Rc<Visit>,
    session: SessionId,
    leg: NextLeg,
) -> Option<()> {
    let action = token(town, &visit.driver, session, leg).await?.secret;
    let at = town.heart.now().plus_ms(SOON_MS);
    // What is released for a device that goes away waits, and what speaks against it comes before it leaves.
    if town.heart.span(Fault::Raced, 0, 2) == 0 {
        let for_ms = town.heart.span(Fault::Raced, 1_000, 9_000);
        go_away_once_released(town, visit, leg, at.plus_ms(SOON_MS), for_ms);
    }
    let (town_of, visit_of) = (Rc::clone(town), Rc::clone(visit));
    town.spawner.spawn(Owner::World, async move {
        speak_against(&town_of, &visit_of, session, leg, at).await;
    });
    let (caller, index, again) = (&visit.driver.caller, leg.index, action.clone());
    let ask = Ask::Release { session, leg: index };
    let _ = step!(town, caller, ask, at at, |app, call; action| {
        app.release(&call, session, index, &action).await
    });
    // What became of it, the token is tried once more while it lives.
    town.heart.sleep(A_WHILE_MS).await;
    report_once(town, &visit.driver, session).await;
    release_with(town, &visit.driver, session, leg, again).await;
    Some(())
}

async fn speak_against(
    town: &Rc<Town>,
    visit: &Rc<Visit>,
    session: SessionId,
    leg: NextLeg,
    at: Timestamp,
) {
    let (staff, device) = (&visit.staff, leg.device);
    let later_ms = town.heart.span(Fault::Raced, 0, 2) * town.heart.span(Fault::Raced, 0, 900);
    let at = at.plus_ms(later_ms);
    match town.heart.span(Fault::Raced, 0, 9) {
        0 => {
            let handset = visit.driver.device;
            let lost = if town.heart.span(Fault::Raced, 0, 2) == 0 { device } else { handset };
            withdraw(town, visit, TrustSubject::Device(lost), at).await;
        }
        1 => {
            let class = visit.devices().find(|it| it.id == device).map(|it| it.class);
            if let Some(class) = class {
                withdraw(town, visit, TrustSubject::Class(class), at).await;
            }
        }
        2 => {
            let Some(top) = visit.customer_token.borrow().clone() else { return };
            let _ = step!(town, staff, named(session, "revoke_token"), at at, |app, call; top| {
                app.revoke_token(&call, &top).await
            });
            // The customer is sent another link.
            visit.customer.take();
            visit.nudge_everybody();
        }
        3 => {
            let _ = step!(town, staff, Ask::HoldTenant { held: true }, at at, |app, call| {
                app.hold_tenant(&call, "recall").await
            });
            town.heart.sleep(A_WHILE_MS).await;
            let _ = step!(town, staff, Ask::HoldTenant { held: false }, |app, call| {
                app.resume_tenant(&call, "looked at").await
            });
        }
        4 => {
            let (Some(strict), Some(shipped)) = (strict(), shipped()) else { return };
            let _ = step!(town, staff, named(session, "activate_policies"), at at, |app, call; strict| {
                app.activate_policies(&call, &strict).await
            });
            town.heart.sleep(A_WHILE_MS).await;
            let _ = step!(town, staff, named(session, "activate_policies"), |app, call; shipped| {
                app.activate_policies(&call, &shipped).await
            });
        }
        5 => amend(town, visit, session).await,
        6 => {
            let _ = step!(town, staff, Ask::Revoke { session }, at at, |app, call| {
                app.revoke(&call, session).await
            });
        }
        // Nothing but that the device may go away.
        7 => {}
        _ => {
            let _ = step!(town, staff, Ask::Hold { session }, at at, |app, call| {
                app.hold(&call, session).await
            });
        }
    }
}

async fn withdraw(town: &Rc<Town>, visit: &Rc<Visit>, subject: TrustSubject, at: Timestamp) {
    let (Some(session), ask) = (visit.session.get(), Ask::Withdraw { device: visit.driver.device })
    else {
        return;
    };
    let _ = step!(town, &visit.staff, ask, at at, |app, call| {
        app.withdraw_trust(&call, subject, "raced").await
    });
    town.heart.sleep(A_WHILE_MS).await;
    // What has lost its lock for good is ended by a person.
    let _ = step!(town, &visit.staff, Ask::Revoke { session }, |app, call| {
        app.revoke(&call, session).await
    });
}

/// When both arrive.
const SOON_MS: u64 = 200;
/// How long it lasts.
const A_WHILE_MS: u64 = 20_000;
