//! Gives each event its gapless position in its partition's log and makes it a Merkle leaf (`design.md` §4, M-AUD-1).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use carhop_kernel::actor::Actor;
use carhop_kernel::digest::EvidenceHash;
use carhop_proofs::audit::{Leaf, TILE_HEIGHT, TILE_WIDTH};
use carhop_proofs::merkle::{Frontier, Hash, leaf_hash};
use carhop_proofs::suite::Suite;

use crate::app::App;
use crate::batch::{Body, DeviceEvent, DisputeEvent, OperatorEvent, Recorded, Sequenced, Stream};
use crate::failure::Failure;
use crate::reads::Reads;
use crate::record::Partition;
use crate::records::{LogRecord, TileRecord};

impl App {
    /// Sequences what waits. Returns how many events got their position; call again until it returns zero.
    pub async fn sequence(&self) -> Result<usize, Failure> {
        let waiting = self.parts.journal.unsequenced(EVENTS_PER_RUN).await?;
        let mut partitions: Vec<Partition> =
            waiting.iter().map(|recorded| recorded.partition.clone()).collect();
        partitions.sort_unstable();
        partitions.dedup();
        for partition in partitions {
            let mine = waiting.iter().filter(|recorded| recorded.partition == partition);
            self.sequence_partition(&partition, mine).await?;
        }
        Ok(waiting.len())
    }

    async fn sequence_partition(
        &self,
        partition: &Partition,
        waiting: impl Iterator<Item = &Recorded>,
    ) -> Result<(), Failure> {
        let mut reads = Reads::new(self, partition);
        let log = reads.find::<LogRecord>(LOG_KEY.to_owned()).await?.unwrap_or_default();
        let mut frontier = Frontier::from_peaks(log.size, log.peaks)
            .ok_or(Failure::Internal("a log whose frontier does not fit its size"))?;
        let (mut sequenced, mut completed) = (Vec::new(), Vec::new());
        for (position, recorded) in (log.size..).zip(waiting) {
            let leaf = leaf(self.suite(), recorded, position)?;
            frontier.append(self.suite(), leaf_hash(self.suite(), &leaf), |level, index, hash| {
                if level > 0 && level.is_multiple_of(TILE_HEIGHT) {
                    completed.push((level / TILE_HEIGHT, index, hash));
                }
            });
            sequenced.push(Sequenced { event: recorded.id, position, leaf });
        }
        let tiles = grown_tiles(&mut reads, completed).await?;
        let mut batch = reads.batch();
        for tile in tiles.values() {
            batch.store(tile)?;
        }
        batch.store(&LogRecord { size: frontier.size(), peaks: frontier.peaks().to_vec() })?;
        batch.sequenced = sequenced;
        self.append(batch, None).await?;
        Ok(())
    }
}

/// The tiles above the leaves that these full ones below them make grow.
async fn grown_tiles(
    reads: &mut Reads<'_>,
    completed: Vec<(u32, u64, Hash)>,
) -> Result<BTreeMap<String, TileRecord>, Failure> {
    let mut tiles = BTreeMap::new();
    for (row, place, hash) in completed {
        let row = u8::try_from(row).map_err(|_| Failure::Internal("a tree that is too high"))?;
        let index = place / u64::from(TILE_WIDTH);
        let key = TileRecord::key_of(row, index);
        let tile = match tiles.entry(key.clone()) {
            Entry::Occupied(tile) => tile.into_mut(),
            Entry::Vacant(vacant) => {
                let kept = reads.find::<TileRecord>(key).await?;
                vacant.insert(kept.unwrap_or(TileRecord { row, index, hashes: Vec::new() }))
            }
        };
        tile.hashes.push(hash);
    }
    Ok(tiles)
}

/// The deterministic leaf of an event at a position; a verifier makes the same one from the stored events alone.
pub fn leaf(suite: &dyn Suite, recorded: &Recorded, position: u64) -> Result<Vec<u8>, Failure> {
    let (stream, order) = match recorded.stream {
        Stream::Session(session) => (format!("session/{session}"), Some(*session.as_bytes())),
        Stream::Side(session) => (format!("side/{session}"), Some(*session.as_bytes())),
        Stream::Device(device) => (format!("device/{device}"), None),
        Stream::Operator => ("operator".to_owned(), None),
    };
    let leaf = Leaf {
        time: recorded.at,
        tenant: recorded.partition.tenant.clone(),
        market: recorded.partition.market.clone(),
        position,
        stream,
        sequence: recorded.sequence,
        event: event_name(&recorded.body).to_owned(),
        body_hash: suite.sha256(&[&recorded.stored]),
        actor: actor_name(&recorded.meta.actor),
        device: recorded.meta.key,
        order,
        states: None,
        fence: fence_answer(&recorded.body),
        token: recorded.meta.token,
        evidence: evidence_hash(&recorded.body),
        policy: recorded.meta.policy,
        decision: recorded.meta.decision.map(|decision| decision.id.to_string()),
        reasons: reasons(&recorded.body),
        commitment: None,
    };
    leaf.encode().map_err(|_| Failure::Internal("an event without a leaf"))
}

/// The public name of a recorded event (M-INT-2).
pub fn event_name(body: &Body) -> &'static str {
    match body {
        Body::Session(event) => event.name(),
        Body::Refused(_) => "request.refused",
        Body::RefusalsCapped { .. } => "refusals.capped",
        Body::CodeIssued { .. } => "otp.issued",
        Body::ProofFailed { .. } => "proof.failed",
        Body::TokenIssued { .. } => "token.issued",
        Body::TokenRevoked { .. } => "token.revoked",
        Body::CustomerBound { .. } => "customer.bound",
        Body::LinkIssued { .. } => "link.issued",
        Body::PlaceJudged(_) => "place.judged",
        Body::TagScanned { .. } => "tag.scanned",
        Body::VehicleCompared { .. } => "vehicle.compared",
        Body::Dispute(DisputeEvent::Opened { .. }) => "dispute.opened",
        Body::Dispute(DisputeEvent::Decided { .. }) => "dispute.decided",
        Body::Device(event) => device_event_name(event),
        Body::Operator(event) => operator_event_name(event),
    }
}

const fn device_event_name(event: &DeviceEvent) -> &'static str {
    match event {
        DeviceEvent::Enrolled { .. } => "device.enrolled",
        DeviceEvent::Renewed { .. } => "device.renewed",
        DeviceEvent::Attested { .. } => "device.trust_changed",
        DeviceEvent::Connected { .. } => "device.connected",
        DeviceEvent::Stated { .. } => "device.stated",
        DeviceEvent::CancelMade { .. } => "command.cancelled",
        DeviceEvent::EffectAbandoned { .. } => "effect.abandoned",
        DeviceEvent::Frozen { .. } => "device.frozen",
        DeviceEvent::Cleared { .. } => "device.cleared",
        DeviceEvent::Ticketed { .. } => "device.ticketed",
        DeviceEvent::Forked { .. } => "device.forked",
        DeviceEvent::Revoked { .. } => "device.revoked",
    }
}

const fn operator_event_name(event: &OperatorEvent) -> &'static str {
    match event {
        OperatorEvent::Started { .. } => "authority.started",
        OperatorEvent::VenueStored { .. } => "venue.stored",
        OperatorEvent::ApiKeyMade { .. } => "api_key.made",
        OperatorEvent::ApiKeyRevoked { .. } => "api_key.revoked",
        OperatorEvent::DriverNamed { .. } => "driver.named",
        OperatorEvent::Restored { .. } => "authority.restored",
        OperatorEvent::TenantHeld { .. } => "tenant.held",
        OperatorEvent::TenantResumed { .. } => "tenant.resumed",
        OperatorEvent::PolicyActivated { .. } => "policy.activated",
        OperatorEvent::TrustRevoked { .. } => "trust.revoked",
        OperatorEvent::RevocationSettled { .. } => "revocation.settled",
        OperatorEvent::StaffInvited { .. } => "staff.invited",
        OperatorEvent::StaffRegistered { .. } => "staff.registered",
        OperatorEvent::StaffSignedIn { .. } => "staff.signed_in",
        OperatorEvent::StaffSignedOut { .. } => "staff.signed_out",
        OperatorEvent::StaffSuspended { .. } => "staff.suspended",
        OperatorEvent::StaffRemoved { .. } => "staff.removed",
    }
}

fn actor_name(actor: &Actor) -> String {
    match actor {
        Actor::Customer { customer } => customer.to_string(),
        Actor::Driver { driver, .. } => driver.to_string(),
        Actor::Store { key } => key.to_string(),
        Actor::Staff { by } => by.to_string(),
        Actor::Device { device } => device.to_string(),
        Actor::System => "system".to_owned(),
    }
}

fn fence_answer(body: &Body) -> Option<String> {
    if let Body::PlaceJudged(judged) = body { Some(judged.answer.clone()) } else { None }
}

fn evidence_hash(body: &Body) -> Option<EvidenceHash> {
    if let Body::Device(
        DeviceEvent::Stated { statement, .. } | DeviceEvent::Forked { statement, .. },
    ) = body
    {
        Some(*statement)
    } else {
        None
    }
}

fn reasons(body: &Body) -> Vec<String> {
    match body {
        Body::Refused(refused) => refused.reasons.iter().map(ToString::to_string).collect(),
        Body::ProofFailed { reason, .. } => vec![reason.to_string()],
        Body::Session(_)
        | Body::RefusalsCapped { .. }
        | Body::CodeIssued { .. }
        | Body::TokenIssued { .. }
        | Body::TokenRevoked { .. }
        | Body::CustomerBound { .. }
        | Body::LinkIssued { .. }
        | Body::PlaceJudged(_)
        | Body::TagScanned { .. }
        | Body::VehicleCompared { .. }
        | Body::Dispute(_)
        | Body::Device(_)
        | Body::Operator(_) => Vec::new(),
    }
}

/// The key of the one log record.
const LOG_KEY: &str = "log";
/// Events sequenced in one run.
const EVENTS_PER_RUN: usize = 512;
