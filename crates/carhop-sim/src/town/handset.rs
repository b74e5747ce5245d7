//! What a driver does with a handset: shows its integrity and where it is, reads plates, gets tokens and has legs
//! released with them. When, and whether that is honest, is for others to say.

use std::rc::Rc;

use carhop_app::{Secret, Wanted};
use carhop_kernel::geofence::{Accuracy, Confidence, Fix, FixSource};
use carhop_kernel::id::SessionId;
use carhop_kernel::order::Scope;
use carhop_kernel::time::Timestamp;

use crate::fixtures::{PLATE, near_car};
use crate::happening::Ask;
use crate::town::Town;
use crate::town::people::{named, step};
use crate::town::visit::{Handset, NextLeg};

/// What a driver remembers of the way.
#[derive(Default)]
pub(crate) struct Trip {
    pub(crate) attested_at: Option<Timestamp>,
    pub(crate) matched_at: Option<Timestamp>,
    /// The last token that was used.
    pub(crate) token: Option<String>,
    pub(crate) fixes: u32,
}

/// Gets fresh tokens for a leg and has it released.
pub(crate) async fn release(
    town: &Rc<Town>,
    handset: &Handset,
    session: SessionId,
    leg: NextLeg,
) -> bool {
    let Some(token) = token(town, handset, session, leg).await else { return false };
    release_with(town, handset, session, leg, token.secret).await
}

/// Has a leg released with this token.
pub(crate) async fn release_with(
    town: &Rc<Town>,
    handset: &Handset,
    session: SessionId,
    leg: NextLeg,
    action: String,
) -> bool {
    let index = leg.index;
    let ask = Ask::Release { session, leg: index };
    step!(town, &handset.caller, ask, |app, call; action| {
        app.release(&call, session, index, &action).await
    })
    .is_ok()
}

/// Gets a fresh token for a leg.
pub(crate) async fn token(
    town: &Rc<Town>,
    handset: &Handset,
    session: SessionId,
    leg: NextLeg,
) -> Option<Secret> {
    let caller = &handset.caller;
    let vehicle = step!(town, caller, named(session, "issue_vehicle_token"), |app, call| {
        app.issue_vehicle_token(&call, session).await
    });
    let vehicle = vehicle.ok()?.secret;
    let (scope, device): (Scope, _) = (leg.scope, leg.device);
    let action = step!(town, caller, named(session, "exchange_token"), |app, call; vehicle| {
        let wanted = Wanted { scope, audience: device };
        app.exchange_token(&call, &vehicle, wanted).await
    });
    action.ok()
}

/// Attests the handset, if that is to be done again.
pub(crate) async fn attest(
    town: &Rc<Town>,
    handset: &Handset,
    trip: &mut Trip,
    session: SessionId,
) {
    let now = town.heart.now();
    if trip.attested_at.is_some_and(|at| now < at.plus_ms(ATTEST_EVERY_MS)) {
        return;
    }
    let challenge = step!(town, &handset.caller, named(session, "challenge"), |app, call| {
        Ok(app.challenge_device(&call).await?.0)
    });
    let Ok(challenge) = challenge else { return };
    let Ok(token) = handset.integrity.attest_with(&town.crypto, &challenge) else { return };
    let attested = step!(town, &handset.caller, named(session, "attest"), |app, call; token| {
        app.attest_handset(&call, &challenge, &token).await
    });
    if attested.is_ok() {
        trip.attested_at = Some(now);
    }
}

/// Says where the handset is, and counts how often that came in without a gap.
pub(crate) async fn report(
    town: &Rc<Town>,
    handset: &Handset,
    trip: &mut Trip,
    session: SessionId,
) {
    let is_reported = report_once(town, handset, session).await;
    trip.fixes = if is_reported { trip.fixes + 1 } else { 0 };
}

/// Says where the handset is; whether that came in.
pub(crate) async fn report_once(town: &Rc<Town>, handset: &Handset, session: SessionId) -> bool {
    let Some(fix) = fix_at(town.heart.now()) else { return false };
    let reported = step!(town, &handset.caller, named(session, "report_positions"), |app, call| {
        app.report_positions(&call, session, &[fix]).await
    });
    reported.is_ok()
}

/// Reads the plate, if that is to be done again.
pub(crate) async fn read_plate(
    town: &Rc<Town>,
    handset: &Handset,
    trip: &mut Trip,
    session: SessionId,
) {
    let now = town.heart.now();
    if trip.matched_at.is_some_and(|at| now < at.plus_ms(ATTEST_EVERY_MS)) {
        return;
    }
    let read = step!(town, &handset.caller, named(session, "match_vehicle"), |app, call| {
        app.match_vehicle(&call, session, PLATE).await
    });
    if matches!(read, Ok(true)) {
        trip.matched_at = Some(now);
    }
}

fn fix_at(now: Timestamp) -> Option<Fix> {
    Some(Fix {
        position: near_car(0.0, 0.0).ok()?,
        accuracy: Accuracy::new(5.0, Confidence::ANDROID).ok()?,
        fixed_at: now,
        received_at: now,
        speed: None,
        source: FixSource::Gnss,
        mock: false,
    })
}

/// How often a handset attests itself, and a plate is read again.
pub(crate) const ATTEST_EVERY_MS: u64 = 7 * 60_000;
