//! Venues as the operator draws them: stored as new versions, and tried on recent positions before (M-GEO-1, M-GEO-5).
//!
//! It judges no stop: what a fence permits is asked in `judge`, and a trial leaves nothing behind.

use carhop_kernel::evidence::Party;
use carhop_kernel::geofence::{Fence, Fix, Glance};
use carhop_kernel::id::VenueId;
use carhop_kernel::order::Scope;

use crate::app::App;
use crate::batch::{Body, Meta, OperatorEvent, Stream};
use crate::call::{Call, Reply};
use crate::failure::Failure;
use crate::reads::{Reads, retry};
use crate::record::Partition;
use crate::records::{TrackRecord, VenueRecord};

/// A venue to be stored.
#[derive(Clone, Debug)]
pub struct VenueAsk {
    /// With checked geometry; the store gives it its version.
    pub venue: VenueRecord,
    /// Whether the tags that hang there stay, in place of those of the record.
    pub keeps_tags: bool,
    /// The one version that it may replace; any without.
    pub base_version: Option<u32>,
}

/// A recent position at a venue, and what two fences say of it.
#[derive(Clone, Copy, Debug)]
pub struct Tried {
    /// Whose.
    pub party: Party,
    /// Where and when.
    pub fix: Fix,
    /// What the fence in force says; `None` for a venue that is not there yet.
    pub in_force: Option<Glance>,
    /// What the draft says.
    pub draft: Glance,
}

impl From<VenueRecord> for VenueAsk {
    fn from(venue: VenueRecord) -> Self {
        Self { venue, keeps_tags: false, base_version: None }
    }
}

impl App {
    /// Stores a venue as its next version; whoever judged with the old one judges again.
    pub async fn store_venue(
        &self,
        call: &Call,
        ask: impl Into<VenueAsk>,
    ) -> Result<Reply, Failure> {
        let VenueAsk { venue, keeps_tags, base_version } = ask.into();
        retry!({
            let mut reads = Reads::new(self, &call.partition);
            if let Some(reply) = self.earlier_reply(&mut reads, call).await? {
                return Ok(reply);
            }
            let before = reads.find::<VenueRecord>(venue.venue.to_string()).await?;
            let version = before.as_ref().map_or(0, |before| before.fence.version());
            if base_version.is_some_and(|base| base != version) {
                return Err(Failure::Outdated);
            }
            let kept = before.filter(|_| keeps_tags).map(|before| before.tags);
            let record = VenueRecord {
                fence: venue.fence.clone().with_version(version + 1),
                tags: kept.unwrap_or_else(|| venue.tags.clone()),
                ..venue.clone()
            };
            let mut batch = reads.batch();
            batch.store(&record)?;
            let event = OperatorEvent::VenueStored {
                venue: record.venue.to_string(),
                version: record.fence.version().into(),
            };
            batch.record(self, Stream::Operator, &Meta::by(call), Body::Operator(event));
            let reply = Reply { made: Some(record.venue.to_string()), ..Reply::default() };
            self.commit(call, batch, &reply).await?;
            Ok(reply)
        })
    }

    /// What a draft says of the last position of everybody who was at the venue today or yesterday, beside what the fence in
    /// force says. There is no more to try it on: no trace is kept.
    pub async fn try_fence(
        &self,
        partition: &Partition,
        venue: &VenueId,
        draft: &Fence,
        service: Scope,
    ) -> Result<Vec<Tried>, Failure> {
        let today = TrackRecord::day_of(self.now());
        let in_force = self.peek::<VenueRecord>(partition, venue.to_string()).await?;
        let mut tried = Vec::new();
        for days_ago in 0..TRIAL_DAYS {
            let index = TrackRecord::seen_on(venue, today.saturating_sub(days_ago));
            let limit = TRIAL_FIXES_MAX - tried.len();
            let tracks = self.list::<TrackRecord>(partition, Some(index), None, limit).await?;
            tried.extend(tracks.iter().filter_map(|record| {
                let fix = *record.track.last_fix()?;
                let in_force = in_force.as_ref().map(|venue| venue.fence.glance(&fix, service));
                Some(Tried {
                    party: record.party,
                    fix,
                    in_force,
                    draft: draft.glance(&fix, service),
                })
            }));
        }
        Ok(tried)
    }
}

/// Positions that a draft is tried on at most.
const TRIAL_FIXES_MAX: usize = 200;
/// On those of today and of yesterday, by UTC.
const TRIAL_DAYS: u64 = 2;
