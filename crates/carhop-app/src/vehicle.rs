//! The car's part: its positions, told by its own telematics or by the phone that is in it, and the customer's word that
//! it stands elsewhere. A car that leaves its place is a report, not a request (M-VEH-2, M-VEH-4, M-GEO-0).

use carhop_kernel::actor::Actor;
use carhop_kernel::evidence::{Party, PlaceAnswer, PlaceMethod};
use carhop_kernel::geofence::{
    FenceReason, FenceResult, Fix, FixSource, Track, TrackUpdate, judge_place,
};
use carhop_kernel::id::SessionId;
use carhop_kernel::order::Scope;
use carhop_kernel::reason::Reason;
use carhop_kernel::session::{Action, Event, PhaseKind, Report, RequestKind, observe};
use carhop_kernel::time::Timestamp;
use carhop_policy::PlaceFact;

use crate::app::App;
use crate::batch::{Batch, Body, Meta, Stream};
use crate::call::{Call, Reply};
use crate::driver::{fresh_track, judged};
use crate::failure::Failure;
use crate::judge::{AROUND, Ask, Stop};
use crate::reads::{Reads, retry};
use crate::records::{StopRecord, TrackRecord};

impl App {
    /// Folds positions of the car and tells what they come to. They are the customer's, sent from the phone while it is in
    /// the car, or those of the car itself, sent by a key for telematics.
    pub async fn report_vehicle_positions(
        &self,
        call: &Call,
        session: SessionId,
        fixes: &[Fix],
    ) -> Result<FenceResult, Failure> {
        retry!({
            let mut reads = Reads::new(self, &call.partition);
            let asked = "report_vehicle_positions";
            let stop = match call.actor {
                Actor::Customer { .. } => {
                    self.stop_of_customer(call, &mut reads, session, asked).await?.0
                }
                Actor::Store { .. } => self.read_stop(&mut reads, session).await?,
                Actor::Driver { .. }
                | Actor::Staff { .. }
                | Actor::Device { .. }
                | Actor::System => return Err(Failure::NotFound),
            };
            own_sources(call, fixes)?;
            if !stop.session.is_active() {
                let reason = Reason::SessionClosed;
                return Err(self.turn_away(call, &reads, session, asked, reason).await);
            }
            let (mut record, has_left) = stop.follow_car(fixes, reads.now);
            let scope = stop.scope(None);
            let result = stop.venue.fence.evaluate(&record.track, reads.now, scope);
            let mut batch = reads.batch();
            let body = Body::PlaceJudged(judged(Party::Vehicle, &result));
            batch.record(self, Stream::Side(session), &Meta::by(call), body);
            if has_left {
                record.seen_inside = false;
                self.note_movement(call, &mut batch, &stop, reads.now)?;
            }
            batch.store(&stop.kept(record, reads.now))?;
            self.append_for(call, batch, Some(session)).await?;
            Ok(result)
        })
    }

    /// The customer says that the car stands elsewhere. The binding is void, and nobody's word is waited for where metal is
    /// under way: then the session is frozen.
    pub async fn relocate(&self, call: &Call, session: SessionId) -> Result<Reply, Failure> {
        retry!({
            let mut reads = Reads::new(self, &call.partition);
            if let Some(reply) = self.earlier_reply(&mut reads, call).await? {
                return Ok(reply);
            }
            let asked = RequestKind::Relocate.name();
            let (stop, ..) = self.stop_of_customer(call, &mut reads, session, asked).await?;
            // Whoever says that the car has gone is not made to wait for what says where it is (decision 0019).
            reads.judge_without(AROUND);
            if stop.session.is_active() && stop.session.is_under_way() {
                let mut batch = reads.batch();
                self.note_movement(call, &mut batch, &stop, reads.now)?;
                let reply = Reply { session: Some(session), ..Reply::default() };
                self.commit(call, batch, &reply).await?;
                return Ok(reply);
            }
            let record = stop.unbound();
            let action = Action::Relocate;
            let store = |batch: &mut Batch| Ok(batch.store(&record)?);
            self.apply(call, &reads, &stop, action, Ask::default(), store).await
        })
    }

    /// Has the session hear that the car moves.
    fn note_movement(
        &self,
        call: &Call,
        batch: &mut Batch,
        stop: &Stop,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let events = observe(&stop.session, &Report::VehicleMoved, now);
        if events.is_empty() {
            return Ok(());
        }
        if events.iter().any(|event| matches!(event, Event::BindingVoided { .. })) {
            batch.store(&stop.unbound())?;
        }
        batch.advance(self, &stop.session, &Meta::by(call), &events)?;
        Ok(())
    }
}

impl Stop {
    /// The car's track after these positions, and whether they show that it has left its place.
    fn follow_car(&self, fixes: &[Fix], now: Timestamp) -> (TrackRecord, bool) {
        let fresh = || fresh_track(self, Party::Vehicle);
        let mut record = self.vehicle_track.clone().unwrap_or_else(fresh);
        let (fence, scope) = (&self.venue.fence, self.scope(None));
        let mut has_left = false;
        for fix in fixes {
            // The car knows better than a phone: no receiver in somebody's hand overrides or drowns what it tells.
            let told_by_car =
                record.track.last_fix().map(|last| last.source == FixSource::Telematics);
            let tells_car = fix.source == FixSource::Telematics;
            if told_by_car == Some(true) && !tells_car {
                continue;
            }
            if told_by_car == Some(false) && tells_car {
                record.track = Track::default();
            }
            let was_moving = record.track.is_moving();
            match record.track.observe(fix, fence, now) {
                TrackUpdate::Believed | TrackUpdate::Relocated => {}
                TrackUpdate::Duplicate
                | TrackUpdate::Reordered
                | TrackUpdate::Stale
                | TrackUpdate::FromFuture
                | TrackUpdate::Mock
                | TrackUpdate::Inaccurate
                | TrackUpdate::Jumped => continue,
            }
            let result = fence.evaluate(&record.track, now, scope);
            // One odd fix does not end a binding, but where metal is under way nobody waits for a second.
            let moves = record.track.is_moving() && (was_moving || self.session.is_under_way());
            let was_there = record.seen_inside || is_at_car(self.session.phase.kind());
            has_left |= was_there && (moves || is_outside(&result));
            record.seen_inside |= result.answer == PlaceAnswer::Inside;
        }
        (record, has_left)
    }

    /// Somebody's track as it is stored now.
    pub(crate) fn kept(&self, record: TrackRecord, now: Timestamp) -> TrackRecord {
        record.kept(self.session.order.terms.window.end, now)
    }

    /// Where the car is. Nothing recent leaves the customer's word standing, unless the last that was seen of the car
    /// speaks against it: that it moves, is elsewhere, may be leaving, or cannot be where it says (M-GEO-0). Silence makes
    /// none of that better.
    pub(crate) fn vehicle_place(
        &self,
        scope: Scope,
        now: Timestamp,
    ) -> Option<(PlaceFact, Timestamp)> {
        let Some((record, last)) = self.car_seen() else { return self.stated_place() };
        let fence = &self.venue.fence;
        let result = fence.evaluate(&record.track, now, scope);
        let then = fence.evaluate(&record.track, last.received_at, scope);
        let is_doubted = record.seen_inside && then.answer != PlaceAnswer::Inside;
        let is_suspect = then.why.iter().any(|reason| reason.is_suspicion());
        let contradicts = record.track.is_moving() || is_outside(&then) || is_doubted || is_suspect;
        if result.why.contains(&FenceReason::Stale) && !contradicts {
            return self.stated_place();
        }
        let judged = judge_place(fence, scope, &result, None, now);
        let method = match last.source {
            FixSource::Telematics => PlaceMethod::Telematics,
            FixSource::Gnss | FixSource::Fused | FixSource::Network | FixSource::Statement => {
                PlaceMethod::Fence
            }
        };
        let at = now.minus_ms(result.fix_age_ms?);
        Some((PlaceFact { method, answer: judged.answer }, at))
    }

    /// Whether the car was last seen in motion.
    pub(crate) fn is_car_moving(&self) -> bool {
        self.car_seen().is_some_and(|(record, _)| record.track.is_moving())
    }

    /// The car's track and the last fix of it, if that is newer than the customer's word for where it stands.
    fn car_seen(&self) -> Option<(&TrackRecord, &Fix)> {
        let record = self.vehicle_track.as_ref()?;
        let last = record.track.last_fix()?;
        let is_news = self.record.stated_at.is_none_or(|stated_at| last.received_at >= stated_at);
        is_news.then_some((record, last))
    }

    /// The customer's word for where the car stands counts until something better contradicts it (M-GEO-0).
    fn stated_place(&self) -> Option<(PlaceFact, Timestamp)> {
        let at = self.record.stated_at?;
        self.session.bound()?;
        Some((PlaceFact { method: PlaceMethod::Statement, answer: PlaceAnswer::Inside }, at))
    }

    /// What is known of the stop once its binding is void: car, place and intent are to be stated anew.
    fn unbound(&self) -> StopRecord {
        StopRecord { intent: None, stated_at: None, vehicle: None, ..self.record.clone() }
    }
}

/// Lets nobody speak for another's receiver: only a key for telematics tells what the car itself measured.
pub(crate) fn own_sources(call: &Call, fixes: &[Fix]) -> Result<(), Failure> {
    let by_car = match call.actor {
        Actor::Store { .. } => true,
        Actor::Customer { .. } | Actor::Driver { .. } => false,
        Actor::Staff { .. } | Actor::Device { .. } | Actor::System => {
            return Err(Failure::NotFound);
        }
    };
    let is_own = |source| match source {
        FixSource::Telematics => by_car,
        FixSource::Gnss | FixSource::Fused | FixSource::Network => !by_car,
        FixSource::Statement => false,
    };
    if fixes.iter().all(|fix| is_own(fix.source)) {
        return Ok(());
    }
    let why = if by_car { "only `telematics`" } else { "only `gnss`, `fused` or `network`" };
    Err(Failure::invalid("source", why))
}

fn is_outside(result: &FenceResult) -> bool {
    result.answer == PlaceAnswer::Outside && !result.why.contains(&FenceReason::ServiceNotPermitted)
}

/// Whether the car has been found at its place.
const fn is_at_car(phase: PhaseKind) -> bool {
    match phase {
        PhaseKind::Arrived | PhaseKind::HandoffReady | PhaseKind::InService => true,
        PhaseKind::Requested
        | PhaseKind::Verified
        | PhaseKind::VehicleBound
        | PhaseKind::EnRoute
        | PhaseKind::Completed
        | PhaseKind::Revoked
        | PhaseKind::Expired => false,
    }
}
