//! What may be looked at: sessions, decisions, receipts, devices, venues. A caller sees what is its own; for anything
//! else there is nothing to see (M-PRV-3).

use carhop_kernel::evidence::Party;
use carhop_kernel::geofence::Fix;
use carhop_kernel::id::{DecisionId, DeviceId, DriverId, OrderId, SessionId, VenueId};
use carhop_kernel::session::{Exception, PhaseKind, Session};
use carhop_kernel::time::Timestamp;
use carhop_policy::{Explained, PlaceFact, explain};

use crate::app::App;
use crate::batch::{LogEntry, Recorded, Stream};
use crate::call::Call;
use crate::failure::Failure;
use crate::judge::Stop;
use crate::reads::Reads;
use crate::record::{Partition, Record, RecordKey};
use crate::records::{
    ChainRecord, DecisionRecord, DeviceRecord, DriverRecord, LastHeard, LeftOutRecord, OrderRecord,
    ReceiptRecord, SessionHead, StopRecord, VenueRecord,
};
use crate::settlement::Moments;

/// A session with what people need to see of it.
#[derive(Clone, Debug)]
pub struct SessionView {
    /// The session.
    pub session: Session,
    /// Its version; what `ETag` and `If-Match` compare.
    pub version: u64,
    /// When something happened to it last.
    pub changed_at: Timestamp,
    /// The two moments of its revocation, if it was revoked.
    pub revocation: Option<Moments>,
    /// The venue's name for people.
    pub venue: String,
    /// What else is known of the stop.
    pub stop: StopRecord,
    /// Colour and make; `None` once erased.
    pub vehicle: Option<String>,
    /// The last three characters of the plate; `None` once erased.
    pub plate_last3: Option<String>,
    /// Where in the venue the car was said to stand; `None` if nobody said so, or once erased.
    pub bay: Option<String>,
    /// The name of the driver who comes, or who had the stop when it ended, as customers see it.
    pub driver: Option<String>,
}

/// Where somebody was last believed to be.
#[derive(Clone, Debug)]
pub struct Whereabouts {
    /// Who.
    pub party: Party,
    /// The fix.
    pub fix: Fix,
    /// What it comes to now, while it counts for anything.
    pub place: Option<PlaceFact>,
}

impl App {
    /// One session.
    pub async fn view_session(&self, call: &Call, id: SessionId) -> Result<SessionView, Failure> {
        let mut reads = Reads::new(self, &call.partition);
        let stop = self.stop_of_party(call, &mut reads, id, "view_session").await?;
        // What is shown may be newer than its version, and then it is shown again; never older, or nobody would look again.
        let version = reads.version_of(id);
        let head: SessionHead = reads.load(id.to_string()).await?;
        self.render(call, stop, version, head).await
    }

    /// The version of a session that [`App::view_session`] would show, for whoever has looked before.
    pub async fn session_version(
        &self,
        partition: &Partition,
        id: SessionId,
    ) -> Result<u64, Failure> {
        let (partition, key) = (partition.clone(), id.to_string());
        let place = RecordKey { partition, kind: SessionHead::KIND, key };
        Ok(self.parts.journal.record(place).await?.map_or(0, |head| head.version))
    }

    /// The session of an order.
    pub async fn session_of_order(
        &self,
        call: &Call,
        order: OrderId,
    ) -> Result<SessionId, Failure> {
        let found = self.peek::<OrderRecord>(&call.partition, order.to_string()).await?;
        found.map(|found| found.session).ok_or(Failure::NotFound)
    }

    /// Heads of sessions in a state, or of all, oldest first.
    pub async fn list_sessions(
        &self,
        partition: &Partition,
        state: Option<&str>,
        after: Option<String>,
        limit: usize,
    ) -> Result<Vec<SessionHead>, Failure> {
        let index = state.map(|state| ("state", state.to_owned()));
        self.list(partition, index, after, limit).await
    }

    /// The sessions a driver is assigned to.
    pub async fn stops_of_driver(
        &self,
        partition: &Partition,
        driver: DriverId,
    ) -> Result<Vec<SessionHead>, Failure> {
        let index = Some(("driver", driver.to_string()));
        self.list(partition, index, None, STOPS_PER_DRIVER_MAX).await
    }

    /// A decision with its inputs and reasons.
    pub async fn view_decision(
        &self,
        partition: &Partition,
        decision: DecisionId,
    ) -> Result<DecisionRecord, Failure> {
        self.peek(partition, decision.to_string()).await?.ok_or(Failure::NotFound)
    }

    /// What the policies that answered say of each of their requirements, for the inputs of a decision; `None` where they
    /// were not asked.
    pub async fn explain_decision(
        &self,
        partition: &Partition,
        decision: &DecisionRecord,
    ) -> Result<Option<Explained>, Failure> {
        let Some(facts) = &decision.facts else { return Ok(None) };
        let policies = self.policies_of(partition, decision.policy).await?;
        Ok(Some(explain(&policies, facts)))
    }

    /// Where driver and car of a session were last believed to be; once it is over, that is nobody's business.
    pub async fn places_of(
        &self,
        call: &Call,
        session: SessionId,
    ) -> Result<Vec<Whereabouts>, Failure> {
        let mut reads = Reads::new(self, &call.partition);
        let stop = self.stop_of_party(call, &mut reads, session, "view_places").await?;
        let tracks = [(Party::Driver, &stop.driver_track), (Party::Vehicle, &stop.vehicle_track)];
        let tracks = tracks.into_iter().filter(|_| stop.session.is_active());
        let known = tracks.filter_map(|(party, record)| {
            let fix = *record.as_ref()?.track.last_fix()?;
            let (place, _) = stop.place(party, stop.scope(None), reads.now).unzip();
            Some(Whereabouts { party, fix, place })
        });
        Ok(known.collect())
    }

    /// The decisions about a session, oldest first.
    pub async fn decisions_of(
        &self,
        partition: &Partition,
        session: SessionId,
        after: Option<String>,
        limit: usize,
    ) -> Result<Vec<DecisionRecord>, Failure> {
        self.list(partition, Some(("session", session.to_string())), after, limit).await
    }

    /// The signed statements about a session, by device and in their order.
    pub async fn receipts_of(
        &self,
        partition: &Partition,
        session: SessionId,
        after: Option<String>,
        limit: usize,
    ) -> Result<Vec<ReceiptRecord>, Failure> {
        self.list(partition, Some(("session", session.to_string())), after, limit).await
    }

    /// How many exceptions of a kind were only counted, because the session's history takes no more of them.
    pub async fn count_left_out(
        &self,
        partition: &Partition,
        session: SessionId,
        exception: Exception,
    ) -> Result<u64, Failure> {
        self.version_of(partition, &LeftOutRecord { session, exception }).await
    }

    /// What happened to a session, oldest first.
    pub async fn history_of(
        &self,
        partition: &Partition,
        session: SessionId,
    ) -> Result<Vec<Recorded>, Failure> {
        Ok(self.parts.journal.stream(partition.clone(), Stream::Session(session)).await?)
    }

    /// One device.
    pub async fn view_device(
        &self,
        partition: &Partition,
        device: DeviceId,
    ) -> Result<DeviceRecord, Failure> {
        Reads::new(self, partition).device(device).await?.ok_or(Failure::NotFound)
    }

    /// When a device said something last; `None` if it never did.
    pub async fn last_heard(
        &self,
        partition: &Partition,
        device: DeviceId,
    ) -> Result<Option<LastHeard>, Failure> {
        let chain = self.peek::<ChainRecord>(partition, device.to_string()).await?;
        Ok(chain.and_then(|chain| chain.heard))
    }

    /// The inventory, in order of device id.
    pub async fn list_devices(
        &self,
        partition: &Partition,
        after: Option<String>,
        limit: usize,
    ) -> Result<Vec<DeviceRecord>, Failure> {
        let mut listed = self.list::<DeviceRecord>(partition, None, after, limit).await?;
        for device in &mut listed {
            *device = self.view_device(partition, device.device).await?;
        }
        Ok(listed)
    }

    /// One driver.
    pub async fn view_driver(
        &self,
        partition: &Partition,
        driver: DriverId,
    ) -> Result<DriverRecord, Failure> {
        self.peek(partition, driver.to_string()).await?.ok_or(Failure::NotFound)
    }

    /// One venue.
    pub async fn view_venue(
        &self,
        partition: &Partition,
        venue: &VenueId,
    ) -> Result<VenueRecord, Failure> {
        self.peek(partition, venue.to_string()).await?.ok_or(Failure::NotFound)
    }

    /// Venues in order of their names.
    pub async fn list_venues(
        &self,
        partition: &Partition,
        after: Option<String>,
        limit: usize,
    ) -> Result<Vec<VenueRecord>, Failure> {
        self.list(partition, None, after, limit).await
    }

    /// Entries of the log from a position on, or of what is about one stop: the one feed that streams, lists and exports are
    /// made from.
    pub async fn feed(
        &self,
        partition: &Partition,
        session: Option<SessionId>,
        from: u64,
        limit: usize,
    ) -> Result<Vec<LogEntry>, Failure> {
        match session {
            None => self.log(partition).entries(from, limit).await,
            Some(session) => {
                let partition = partition.clone();
                Ok(self.parts.journal.log_of(partition, session, from, limit).await?)
            }
        }
    }

    async fn render(
        &self,
        call: &Call,
        stop: Stop,
        version: u64,
        head: SessionHead,
    ) -> Result<SessionView, Failure> {
        let order = stop.session.order.order;
        let personal = self.personal(&call.partition, stop.record.customer, order).await?;
        let revocation = match stop.session.phase.kind() {
            PhaseKind::Revoked => self.moments_of(&call.partition, head.session).await?,
            PhaseKind::Requested
            | PhaseKind::Verified
            | PhaseKind::VehicleBound
            | PhaseKind::EnRoute
            | PhaseKind::Arrived
            | PhaseKind::HandoffReady
            | PhaseKind::InService
            | PhaseKind::Completed
            | PhaseKind::Expired => None,
        };
        let assigned = stop.session.last_assignment().map(|assignment| assignment.driver);
        let driver = match assigned {
            Some(driver) => self.view_driver(&call.partition, driver).await.ok(),
            None => None,
        };
        Ok(SessionView {
            revocation,
            version,
            changed_at: head.changed_at,
            plate_last3: personal.as_ref().map(|personal| last3(&personal.plate)),
            bay: personal.as_ref().and_then(|personal| personal.bay.clone()),
            vehicle: personal.map(|personal| personal.vehicle),
            driver: driver.map(|driver| driver.name),
            venue: stop.venue.name.clone(),
            session: stop.session,
            stop: stop.record,
        })
    }
}

/// The end of a plate that people may see; plates are ASCII once normalised.
fn last3(plate: &str) -> String {
    plate.chars().skip(plate.chars().count().saturating_sub(3)).collect()
}

/// Stops of one driver that are listed.
const STOPS_PER_DRIVER_MAX: usize = 50;
