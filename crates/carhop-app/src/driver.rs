//! The driver's part up to the car: assignment, positions, tags, plate, arrival, presence (M-IDN-7, M-GEO-0, M-VEH-4).

use carhop_kernel::actor::Actor;
use carhop_kernel::digest::KeyThumbprint;
use carhop_kernel::evidence::{Party, VehicleMatch};
use carhop_kernel::geofence::{FenceResult, Fix, Track, VenueTag};
use carhop_kernel::id::{DriverId, SessionId};
use carhop_kernel::limits;
use carhop_kernel::reason::Reason;
use carhop_kernel::session::{Action, LegIndex, RequestKind};
use carhop_proofs::suite::same_secret;

use crate::app::App;
use crate::batch::{Batch, Body, Meta, PlaceJudged, Stream};
use crate::call::{Call, Reply};
use crate::failure::Failure;
use crate::judge::{Ask, Stop};
use crate::order::normal_plate;
use crate::reads::{Reads, retry};
use crate::records::{DriverRecord, StopRecord, TrackRecord, VehicleSeen};
use crate::vehicle::own_sources;

impl App {
    /// Gives the stop to a driver on the device the driver is signed in on. Where somebody else had been was somebody else's:
    /// neither place nor plate changes hands.
    pub async fn assign_driver(
        &self,
        call: &Call,
        session: SessionId,
        driver: DriverId,
    ) -> Result<Reply, Failure> {
        retry!({
            let mut reads = Reads::new(self, &call.partition);
            if let Some(reply) = self.earlier_reply(&mut reads, call).await? {
                return Ok(reply);
            }
            let stop = self.read_stop(&mut reads, session).await?;
            let record = reads
                .find::<DriverRecord>(driver.to_string())
                .await?
                .ok_or_else(|| Failure::invalid("driver", "no such driver"))?;
            let device = reads.device(record.device).await?.ok_or(Failure::NotFound)?;
            let key = device.key.ok_or_else(|| Failure::invalid("driver", "not enrolled yet"))?;
            let action = Action::AssignDriver { driver, device: device.device, key };
            let ask = Ask { handset: Some(device), ..Ask::default() };
            self.apply(call, &reads, &stop, action, ask, |batch| forget_driver(batch, &stop, &key))
                .await
        })
    }

    /// Folds positions of the driver's device and tells what they come to.
    pub async fn report_positions(
        &self,
        call: &Call,
        session: SessionId,
        fixes: &[Fix],
    ) -> Result<FenceResult, Failure> {
        retry!({
            let mut reads = Reads::new(self, &call.partition);
            let asked = "report_positions";
            let stop = self.open_stop_of_driver(call, &mut reads, session, asked).await?;
            own_sources(call, fixes)?;
            let mut record =
                stop.driver_track.clone().unwrap_or_else(|| fresh_track(&stop, Party::Driver));
            for fix in fixes {
                record.track.observe(fix, &stop.venue.fence, reads.now);
            }
            let scope = stop.scope(None);
            let result = stop.venue.fence.evaluate(&record.track, reads.now, scope);
            let mut batch = reads.batch();
            batch.store(&stop.kept(record, reads.now))?;
            let body = Body::PlaceJudged(judged(Party::Driver, &result));
            batch.record(self, Stream::Side(session), &Meta::by(call), body);
            self.append_for(call, batch, Some(session)).await?;
            Ok(result)
        })
    }

    /// Takes the code of a tag that hangs at the venue, as place evidence where satellites are not enough. After a few that
    /// hang nowhere no more are compared: a tag is read, not guessed.
    pub async fn scan_tag(
        &self,
        call: &Call,
        session: SessionId,
        code: &str,
    ) -> Result<(), Failure> {
        retry!({
            let mut reads = Reads::new(self, &call.partition);
            let asked = "scan_tag";
            let stop = self.open_stop_of_driver(call, &mut reads, session, asked).await?;
            if stop.record.tag_misses >= limits::TAG_MISSES_PER_STOP_MAX {
                let reason = Reason::PlaceNotProven;
                return Err(self.turn_away(call, &reads, session, asked, reason).await);
            }
            let mut tags = stop.venue.tags.iter();
            let known = tags.find(|tag| same_secret(tag.0.as_bytes(), code.as_bytes()));
            let bay = known.and_then(|(_, bay)| bay.clone());
            let scanned = Body::TagScanned { known: known.is_some(), bay: bay.clone() };
            let mut batch = reads.batch();
            batch.record(self, Stream::Side(session), &Meta::by(call), scanned);
            if known.is_some() {
                let venue = stop.venue.venue.clone();
                let fresh = || fresh_track(&stop, Party::Driver);
                let mut record = stop.driver_track.clone().unwrap_or_else(fresh);
                record.tag = Some(VenueTag { venue, bay, read_at: reads.now });
                batch.store(&stop.kept(record, reads.now))?;
            } else {
                let tag_misses = stop.record.tag_misses + 1;
                batch.store(&StopRecord { tag_misses, ..stop.record.clone() })?;
            }
            self.append_for(call, batch, Some(session)).await?;
            known.map(|_| ()).ok_or_else(|| Failure::invalid("code", "not a tag of this venue"))
        })
    }

    /// Compares a plate read at the car with the order's. The answer is kept either way, and after a few that do not
    /// match no more are compared: a plate is read, not guessed.
    pub async fn match_vehicle(
        &self,
        call: &Call,
        session: SessionId,
        plate: &str,
    ) -> Result<bool, Failure> {
        let plate = normal_plate(plate).ok_or_else(|| Failure::invalid("plate", "not a plate"))?;
        retry!({
            let mut reads = Reads::new(self, &call.partition);
            let asked = "match_vehicle";
            let stop = self.open_stop_of_driver(call, &mut reads, session, asked).await?;
            if stop.record.plate_misses >= limits::PLATE_MISSES_PER_STOP_MAX {
                let reason = Reason::PlateAttemptsExhausted;
                return Err(self.turn_away(call, &reads, session, asked, reason).await);
            }
            let order = &stop.session.order;
            let personal = self
                .personal(&call.partition, stop.record.customer, order.order)
                .await?
                .ok_or(Failure::NotFound)?;
            let matches = same_secret(plate.as_bytes(), personal.plate.as_bytes());
            let seen = VehicleSeen {
                matches,
                method: VehicleMatch::PlateRead,
                at: reads.now,
                order_version: order.version,
            };
            let plate_misses = stop.record.plate_misses + u8::from(!matches);
            let compared = Body::VehicleCompared { matches, misses: plate_misses };
            let mut batch = reads.batch();
            batch.record(self, Stream::Side(session), &Meta::by(call), compared);
            let vehicle = Some(seen);
            batch.store(&StopRecord { vehicle, plate_misses, ..stop.record.clone() })?;
            self.append_for(call, batch, Some(session)).await?;
            Ok(matches)
        })
    }

    /// Reports arrival; the evidence is what positions and tags came to.
    pub async fn arrive(&self, call: &Call, session: SessionId) -> Result<Reply, Failure> {
        retry!({
            let mut reads = Reads::new(self, &call.partition);
            if let Some(reply) = self.earlier_reply(&mut reads, call).await? {
                return Ok(reply);
            }
            let asked = RequestKind::Arrive.name();
            let stop = self.stop_of_driver(call, &mut reads, session, asked).await?;
            self.apply(call, &reads, &stop, Action::Arrive, Ask::default(), |_| Ok(())).await
        })
    }

    /// Confirms that the goods are inside: the driver, or the staff where the driver does not.
    pub async fn confirm_transfer(
        &self,
        call: &Call,
        session: SessionId,
        leg: LegIndex,
    ) -> Result<Reply, Failure> {
        retry!({
            let mut reads = Reads::new(self, &call.partition);
            if let Some(reply) = self.earlier_reply(&mut reads, call).await? {
                return Ok(reply);
            }
            let asked = RequestKind::ConfirmTransfer.name();
            let stop = match call.actor {
                Actor::Staff { .. } => self.read_stop(&mut reads, session).await?,
                Actor::Customer { .. }
                | Actor::Driver { .. }
                | Actor::Store { .. }
                | Actor::Device { .. }
                | Actor::System => self.stop_of_driver(call, &mut reads, session, asked).await?,
            };
            let ask = Ask { leg: Some(leg), ..Ask::default() };
            let action = Action::ConfirmTransfer { leg };
            self.apply(call, &reads, &stop, action, ask, |_| Ok(())).await
        })
    }
}

/// Forgets what the driver before reported and saw, unless the stop stays with the same key.
fn forget_driver(batch: &mut Batch, stop: &Stop, key: &KeyThumbprint) -> Result<(), Failure> {
    if stop.session.assignment().is_some_and(|earlier| earlier.key == *key) {
        return Ok(());
    }
    if stop.driver_track.is_some() {
        batch.store(&stop.kept(fresh_track(stop, Party::Driver), batch.at))?;
    }
    let was_read = |seen: &VehicleSeen| seen.method == VehicleMatch::PlateRead;
    if stop.record.vehicle.as_ref().is_some_and(was_read) {
        batch.store(&StopRecord { vehicle: None, ..stop.record.clone() })?;
    }
    Ok(())
}

pub(crate) fn fresh_track(stop: &Stop, party: Party) -> TrackRecord {
    TrackRecord {
        session: stop.session.id,
        party,
        track: Track::default(),
        tag: None,
        seen_inside: false,
        kept_until: stop.session.order.terms.window.end,
    }
}

pub(crate) fn judged(party: Party, result: &FenceResult) -> PlaceJudged {
    PlaceJudged {
        party,
        answer: code(&result.answer),
        why: result.why.iter().map(code).collect(),
        probability_permille: rounded(result.probability * 1000.0, 1000.0),
        fix_age_ms: result.fix_age_ms.unwrap_or(0),
        accuracy_dm: rounded(result.accuracy_m.unwrap_or(0.0) * 10.0, 60_000.0).into(),
    }
}

/// The stable name that serde gives a unit variant.
fn code<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(code)) => code,
        Ok(_) | Err(_) => String::new(),
    }
}

/// A value from zero to `most`, rounded.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the range of the target first"
)]
fn rounded(value: f64, most: f64) -> u16 {
    value.clamp(0.0, most.min(65_535.0)).round() as u16
}
