//! How long the driver still needs, told to whoever waits: from the place that was reported last and a straight line,
//! or not at all (M-UXP-1).
//!
//! It plans no route, knows no traffic, promises nothing, and never tells where the driver is.

use carhop_kernel::id::SessionId;
use carhop_kernel::session::PhaseKind;
use carhop_kernel::time::Timestamp;

use crate::app::App;
use crate::call::Call;
use crate::failure::Failure;
use crate::reads::Reads;

/// An estimate, and how old what it rests on is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Whole minutes to the venue; zero for less than one.
    pub minutes: u32,
    /// When the place it rests on was reported, by our clock.
    pub as_of: Timestamp,
}

impl App {
    /// How long the driver on the way still needs; `None` where nobody is on the way or no place is known that is recent.
    pub async fn estimate_of(
        &self,
        call: &Call,
        session: SessionId,
    ) -> Result<Option<Estimate>, Failure> {
        let mut reads = Reads::new(self, &call.partition);
        let stop = self.stop_of_party(call, &mut reads, session, "view_estimate").await?;
        let is_coming = stop.session.phase.kind() == PhaseKind::EnRoute;
        let known = stop.driver_track.as_ref().and_then(|record| record.track.last_fix());
        let recent = known.filter(|fix| reads.now.since_ms(fix.received_at) <= PLACE_AGE_MS_MAX);
        Ok(recent.filter(|_| is_coming).and_then(|fix| {
            let distance_m = stop.venue.fence.glance(fix, stop.scope(None)).distance_m?;
            Some(Estimate { minutes: minutes_for(distance_m), as_of: fix.received_at })
        }))
    }
}

/// Whole minutes for a straight line of so many metres; beyond a quarter of an hour in steps of five, for no more is known.
fn minutes_for(distance_m: f64) -> u32 {
    let metres_per_minute = SPEED_KM_PER_H * 1000.0 / 60.0;
    let minutes = (distance_m.max(0.0) * DETOUR / metres_per_minute).min(MINUTES_MAX);
    let steps = if minutes > 15.0 { 5.0 } else { 1.0 };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between zero and a day"
    )]
    let rounded = ((minutes / steps).round() * steps) as u32;
    rounded
}

/// Streets are longer than a straight line by about so much.
const DETOUR: f64 = 1.4;
/// What a delivery van makes in a town, stops at lights included.
const SPEED_KM_PER_H: f64 = 25.0;
/// A place that was reported longer ago says nothing any more.
const PLACE_AGE_MS_MAX: u64 = 3 * 60 * 1000;
/// No estimate is longer than a day.
const MINUTES_MAX: f64 = 24.0 * 60.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_line_is_told_in_minutes_that_claim_no_more_than_is_known() {
        for (distance_m, minutes) in [
            (-40.0, 0),
            (100.0, 0),
            (300.0, 1),
            (2_000.0, 7),
            (4_400.0, 15),
            (5_000.0, 15),
            (6_000.0, 20),
            (30_000.0, 100),
            (9e9, 1_440),
        ] {
            assert_eq!(minutes_for(distance_m), minutes, "{distance_m} m");
        }
    }
}
