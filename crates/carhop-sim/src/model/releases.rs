//! What a release rests on: a decision that is kept, evidence that was fresh, a token that was alive and in the right
//! hands, parties that were not revoked. All of it by the journal's own times.

use std::collections::{BTreeMap, BTreeSet};

use carhop_app::batch::{Batch, Body, Entry, Meta, Stream};
use carhop_app::record::Kind;
use carhop_app::records::{DecisionRecord, TokenRow};
use carhop_kernel::device::TrustTier;
use carhop_kernel::digest::SecretHash;
use carhop_kernel::evidence::{Party, PresenceMethod};
use carhop_kernel::id::{DeviceId, ProofId, SessionId};
use carhop_kernel::session::{Event, LegIndex};
use carhop_kernel::time::Timestamp;
use carhop_kernel::token::{TokenEnd, TokenLayer};
use carhop_proofs::suite::{RustCrypto, Suite};

use super::invariant::Invariant;
use super::ledger::{Ledger, Stop};
use super::stops::is_doubted;
use crate::happening::Broken;

/// What was seen and used at each stop.
#[derive(Debug, Default)]
pub(super) struct Releases {
    seen: BTreeMap<SessionId, Seen>,
    spent: BTreeSet<SecretHash>,
    shown: BTreeSet<ProofId>,
    tries: BTreeMap<ProofId, u8>,
    tickets: BTreeMap<String, bool>,
}

#[derive(Debug, Default)]
struct Seen {
    /// The last plate that was read, and whether it was the right one.
    car: Option<(Timestamp, bool)>,
    /// Whether the driver was last found outside.
    is_outside: Option<(Timestamp, bool)>,
}

impl Releases {
    /// Judges an entry.
    pub(super) fn check(
        &mut self,
        ledger: &Ledger,
        batch: &Batch,
        entry: &Entry,
    ) -> Result<(), Broken> {
        match (&entry.body, entry.stream) {
            (Body::Session(event), Stream::Session(id)) => {
                self.event(ledger, batch, entry, id, event)
            }
            (Body::VehicleCompared { matches, .. }, Stream::Side(id)) => {
                self.seen.entry(id).or_default().car = Some((batch.at, *matches));
                Ok(())
            }
            (Body::PlaceJudged(place), Stream::Side(id)) if place.party == Party::Driver => {
                let is_outside = Some((batch.at, place.answer == "outside"));
                self.seen.entry(id).or_default().is_outside = is_outside;
                Ok(())
            }
            // A tag at the venue says better where the driver is.
            (Body::TagScanned { known: true, .. }, Stream::Side(id)) => {
                self.seen.entry(id).or_default().is_outside = None;
                Ok(())
            }
            (Body::ProofFailed { proof: Some(proof), tries, .. }, _) => {
                let before = self.tries.insert(*proof, *tries).unwrap_or(0);
                let counts = *tries > before && *tries <= CODE_TRIES_MAX;
                Invariant::SecretsWorkOnce
                    .require(counts, || format!("try {tries} of {proof} follows try {before}"))
            }
            (_, _) => Ok(()),
        }
    }

    /// Takes what the batch stored.
    pub(super) fn store(&mut self, ledger: &Ledger, batch: &Batch) -> Result<(), Broken> {
        for write in &batch.writes {
            let Some(body) = &write.body else { continue };
            if write.key.kind == Kind::Ticket {
                let is_used = USED.iter().any(|used| contains(body, used));
                let before = self.tickets.insert(write.key.key.clone(), is_used);
                Invariant::SecretsWorkOnce.require(!is_used || before != Some(true), || {
                    format!("ticket {} is used twice", write.key.key)
                })?;
            }
            if write.key.kind == Kind::Token
                && let Ok(row) = serde_json::from_slice::<TokenRow>(body)
                && !ledger.tokens.contains_key(&row.hash)
            {
                issued(ledger, batch, &row)?;
            }
        }
        Ok(())
    }

    fn event(
        &mut self,
        ledger: &Ledger,
        batch: &Batch,
        entry: &Entry,
        id: SessionId,
        event: &Event,
    ) -> Result<(), Broken> {
        let Some(stop) = ledger.stops.get(&id) else { return Ok(()) };
        if let Event::PresenceProven { method, proof, .. } = event
            && *method != PresenceMethod::Approval
        {
            Invariant::SecretsWorkOnce
                .require(self.shown.insert(*proof), || format!("{proof} was shown twice"))?;
        }
        if let Event::OrderAmended { .. } | Event::BindingVoided { .. } = event {
            self.seen.remove(&id);
        }
        if let Event::CommandSent { command, .. } = event
            && !is_doubted(batch, *command)
            && let Some(made) = ledger.commands.get(command)
        {
            wanted(ledger, stop, made.device, "sent")?;
        }
        let Event::ReleaseAuthorised { leg, device, .. } = event else { return Ok(()) };
        wanted(ledger, stop, *device, "released")?;
        explained(stop, batch, entry, id, *device)?;
        let in_force = ledger.policies.get(&stop.partition);
        Invariant::AcceptanceIsExplained
            .require(in_force.is_none_or(|it| entry.meta.policy == Some(*it)), || {
                format!("a release at {id} under policies that do not decide any more")
            })?;
        self.fresh(ledger, stop, batch, id, *device)?;
        let Some(hash) = entry.meta.token else { return Ok(()) };
        Invariant::SecretsWorkOnce
            .require(self.spent.insert(hash), || format!("{hash:?} releases a second time"))?;
        token(ledger, stop, batch, &entry.meta, (id, *leg, *device))
    }

    /// Every piece of evidence, by the age it had when the release was judged.
    fn fresh(
        &self,
        ledger: &Ledger,
        stop: &Stop,
        batch: &Batch,
        id: SessionId,
        device: DeviceId,
    ) -> Result<(), Broken> {
        let attested = |device: DeviceId| Some(ledger.devices.get(&device)?.attested.as_ref()?.at);
        let seen = self.seen.get(&id);
        let car = seen.and_then(|seen| seen.car).filter(|(_, matches)| *matches).map(|(at, _)| at);
        let handset = stop.assigned.and_then(|assigned| attested(assigned.handset));
        for (what, at, limit_ms) in [
            ("the handset's integrity", handset, INTEGRITY_MS),
            ("the actuator's integrity", attested(device), INTEGRITY_MS),
            ("the car", car, CAR_MS),
            ("the customer's presence", stop.shown_at, PRESENCE_MS),
            ("the recipient", stop.verified_at, RECIPIENT_MS),
        ] {
            let age_ms = at.map(|at| batch.at.since_ms(at));
            let is_fresh = at.is_some_and(|at| at <= batch.at && batch.at.since_ms(at) < limit_ms);
            Invariant::EvidenceIsFresh.require(is_fresh, || {
                format!("a release at {id} relies on {what}, which is {age_ms:?} ms old")
            })?;
        }
        let outside = seen.and_then(|seen| seen.is_outside);
        let is_away = outside.is_some_and(|(at, is)| is && batch.at.since_ms(at) < PLACE_MS);
        Invariant::EvidenceIsFresh
            .require(!is_away, || format!("a release at {id} while the driver is elsewhere"))
    }
}

/// Nobody who takes part was revoked.
fn wanted(ledger: &Ledger, stop: &Stop, device: DeviceId, what: &str) -> Result<(), Broken> {
    let handset = stop.assigned.map(|assigned| assigned.handset);
    for party in [Some(device), handset].into_iter().flatten() {
        if let Some(why) = ledger.ruled_out(party) {
            let why = format!("something is {what} with {party}, which is {why}");
            return Err(Invariant::NothingForTheRevoked.broken(why));
        }
    }
    Ok(())
}

/// The decision is stored as the event says, permits, and names the same policies; the keys are those of the parties.
fn explained(
    stop: &Stop,
    batch: &Batch,
    entry: &Entry,
    id: SessionId,
    device: DeviceId,
) -> Result<(), Broken> {
    let meta = &entry.meta;
    let record = meta.decision.and_then(|decision| {
        let key = decision.id.to_string();
        let mut decisions = batch.writes.iter().filter(|it| it.key.kind == Kind::Decision);
        let body = decisions.find(|write| write.key.key == key)?.body.as_ref()?;
        let is_it = RustCrypto.sha256(&[body]) == decision.digest.0;
        serde_json::from_slice::<DecisionRecord>(body).ok().filter(|_| is_it)
    });
    let permits = record.is_some_and(|record| {
        record.reasons.is_empty()
            && record.session == id
            && Some(record.policy) == meta.policy
            && matches!(record.request.as_str(), "release_compartment" | "dispense_fuel")
    });
    Invariant::AcceptanceIsExplained
        .require(permits, || format!("a release at {id} without a decision that permits it"))?;
    let key = stop.assigned.map(|assigned| assigned.key);
    Invariant::AcceptanceIsExplained.require(meta.key.is_some() && meta.key == key, || {
        format!("a release at {id} under a key that is not the assigned one")
    })?;
    let trusted = meta.device.as_ref().is_some_and(|it| {
        it.device == device && it.tier > TrustTier::None && !it.firmware.is_empty()
    });
    Invariant::AcceptanceIsExplained.require(trusted && meta.token.is_some(), || {
        format!("a release at {id} without its token or the state of its device")
    })
}

/// The token is of this order, for this device and leg, in these hands, alive, and nothing above it was revoked.
fn token(
    ledger: &Ledger,
    stop: &Stop,
    batch: &Batch,
    meta: &Meta,
    (id, leg, device): (SessionId, LegIndex, DeviceId),
) -> Result<(), Broken> {
    let row = meta.token.and_then(|hash| ledger.tokens.get(&hash));
    let broken = |why: &str| Err(Invariant::TokensAreObeyed.broken(format!("{why} at {id}")));
    let Some(row) = row else { return broken("a release under no known token") };
    let token = &row.token;
    let scope = stop.leg(leg).map(|leg| leg.terms.service.scope());
    if token.layer != TokenLayer::Action || token.session != id {
        return broken("a release under a token for something else");
    }
    if token.audience != Some(device) || token.scope != scope {
        return broken("a release under a token for another door");
    }
    if token.order != stop.order {
        return broken("a release under a token of an order that was replaced");
    }
    if Some(token.key) != meta.key {
        return broken("a release under a token in other hands");
    }
    if token.binding != stop.binding || token.assignment != stop.assigned.map(|it| it.number) {
        return broken("a release under a token of another binding or assignment");
    }
    if batch.at >= token.expires_at || batch.at < token.issued_at || token.ended.is_some() {
        return broken("a release under a token that is over");
    }
    let mut above = row.parent;
    while let Some(parent) = above.and_then(|hash| ledger.tokens.get(&hash)) {
        if parent.token.ended == Some(TokenEnd::Revoked) {
            return broken("a release under a token whose parent was revoked");
        }
        above = parent.parent;
    }
    Ok(())
}

/// A new token is for the order in force, for a device of it, and dies with what it was made of.
fn issued(ledger: &Ledger, batch: &Batch, row: &TokenRow) -> Result<(), Broken> {
    let (token, id) = (&row.token, row.token.session);
    let Some(stop) = ledger.stops.get(&id) else { return Ok(()) };
    let broken = |why: &str| Err(Invariant::TokensAreObeyed.broken(format!("{why} at {id}")));
    if token.order != stop.order {
        return broken("a token is made for an order that was replaced");
    }
    if let (Some(device), Some(scope)) = (token.audience, token.scope) {
        let is_named = stop
            .legs
            .iter()
            .any(|leg| leg.terms.device == device && leg.terms.service.scope() == scope);
        if !is_named {
            return broken("a token is made for a door that the order does not name");
        }
    }
    let parent = row.parent.and_then(|hash| ledger.tokens.get(&hash));
    let outlives = parent.is_some_and(|parent| {
        token.expires_at > parent.token.expires_at || batch.at >= parent.token.expires_at
    });
    if outlives {
        return broken("a token outlives what it was made of");
    }
    Ok(())
}

fn contains(body: &[u8], wanted: &[u8]) -> bool {
    body.windows(wanted.len()).any(|window| window == wanted)
}

/// How a used ticket is stored.
const USED: [&[u8]; 2] = [b"\"used\":true", b"\"used\": true"];
/// Tries of one code (M-OTP-1).
const CODE_TRIES_MAX: u8 = 5;
/// How long integrity counts (standards §4).
const INTEGRITY_MS: u64 = 10 * 60 * 1_000;
/// How long a plate that was read counts.
const CAR_MS: u64 = 10 * 60 * 1_000;
/// How long after it was shown presence counts.
const PRESENCE_MS: u64 = 10 * 60 * 1_000;
/// How long a verified recipient counts.
const RECIPIENT_MS: u64 = 12 * 60 * 60 * 1_000;
/// How long a judged place speaks for now.
const PLACE_MS: u64 = 5_000;
