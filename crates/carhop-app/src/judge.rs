//! The one road to a change of a session: read everything, gather evidence and facts, ask the policies, let the kernel
//! decide, append once. A refusal takes the same road to the side stream.

use std::sync::Arc;

use carhop_kernel::actor::Actor;
use carhop_kernel::device::TrustTier;
use carhop_kernel::digest::{DecisionDigest, FirmwareDigest, SecretHash};
use carhop_kernel::evidence::PresenceMethod;
use carhop_kernel::evidence::{Assurance, Evidence, Fact, Party, PlaceMethod};
use carhop_kernel::freshness::Perishable;
use carhop_kernel::geofence::judge_place;
use carhop_kernel::id::{DecisionId, ReleaseId, SessionId};
use carhop_kernel::order::Scope;
use carhop_kernel::reason::Reason;
use carhop_kernel::session::table::transition;
use carhop_kernel::session::{Action, Event, LegIndex, Request, Session, decide};
use carhop_kernel::time::Timestamp;
use carhop_kernel::verdict::PolicyAction;
use carhop_policy::{
    ActuatorFacts, Bundle, Explained, Facts, HandsetFacts, LegFacts, OrderFacts, PlaceFact,
    PlaceFacts, PolicyOutcome, Risk, TokenFacts, VehicleFacts, WindowState, explain,
};

use crate::app::{App, fresh};
use crate::batch::{Batch, DecisionRef, Meta, Write};
use crate::call::{Call, Reply};
use crate::failure::Failure;
use crate::reads::Reads;
use crate::record::{Kind, Record};
use crate::records::{
    DecisionRecord, DeviceRecord, StopRecord, TenantRecord, TrackRecord, VehicleSeen, VenueRecord,
};

/// Everything about a stop that decisions look at, read in one go with its versions noted.
pub(crate) struct Stop {
    pub(crate) session: Session,
    pub(crate) record: StopRecord,
    pub(crate) tenant: TenantRecord,
    pub(crate) policies: Arc<Bundle>,
    pub(crate) venue: VenueRecord,
    pub(crate) handset: Option<DeviceRecord>,
    pub(crate) driver_track: Option<TrackRecord>,
    pub(crate) vehicle_track: Option<TrackRecord>,
}

/// What is read around the session for a decision: where everybody is, and on which handset. It changes all the time.
pub(crate) const AROUND: &[Kind] = &[Kind::Track, Kind::Venue, Kind::Device, Kind::Revocation];

/// What is special about one request, besides the stop itself.
#[derive(Default)]
pub(crate) struct Ask {
    /// Evidence that the request brings along.
    pub(crate) evidence: Vec<Evidence>,
    /// The leg it is about.
    pub(crate) leg: Option<LegIndex>,
    /// The presented token: what is wrong with it, and its age.
    pub(crate) token: Option<TokenFacts>,
    /// Its stored hash.
    pub(crate) token_hash: Option<SecretHash>,
    /// What was wrong with a presented code.
    pub(crate) proof_refused: Option<Reason>,
    /// How presence is being shown now.
    pub(crate) presence: Option<PresenceMethod>,
    /// The recipient that is to be verified now.
    pub(crate) recipient: Option<Assurance>,
    /// The handset, where it is not the assigned one yet.
    pub(crate) handset: Option<DeviceRecord>,
    /// The lock or pump.
    pub(crate) actuator: Option<DeviceRecord>,
    /// Whether another stop's release of it has not ended.
    pub(crate) actuator_busy: bool,
}

/// A permitted request: what follows, and the decision that says so.
pub(crate) struct Granted {
    pub(crate) events: Vec<Event>,
    pub(crate) meta: Meta,
    /// The decision's record, as its events commit to it.
    pub(crate) record: Write,
}

impl App {
    /// Reads a stop for a decision.
    pub(crate) async fn read_stop(
        &self,
        reads: &mut Reads<'_>,
        id: SessionId,
    ) -> Result<Stop, Failure> {
        let session = reads.session(id).await?;
        let record = reads.load::<StopRecord>(id.to_string()).await?;
        let tenant = reads.tenant().await?;
        let policies = self.policies_in_force(reads).await?;
        let venue = reads.load::<VenueRecord>(session.order.terms.venue.to_string()).await?;
        let handset = match session.assignment() {
            Some(assignment) => reads.device(assignment.device).await?,
            None => None,
        };
        let driver_track = reads.find(TrackRecord::key_of(id, Party::Driver)).await?;
        let vehicle_track = reads.find(TrackRecord::key_of(id, Party::Vehicle)).await?;
        Ok(Stop { session, record, tenant, policies, venue, handset, driver_track, vehicle_track })
    }

    /// Judges a request. A refusal is journaled before it is returned.
    pub(crate) async fn judge(
        &self,
        call: &Call,
        reads: &Reads<'_>,
        stop: &Stop,
        action: Action,
        ask: Ask,
    ) -> Result<Granted, Failure> {
        let now = reads.now;
        let decision = fresh!(self, DecisionId);
        let row = transition(action.kind()).ok_or(Failure::Internal("a request without a row"))?;
        let explained = row.policy.map(|asked| {
            let facts = self.facts(call, stop, asked, &ask, now);
            let explained = explain(&stop.policies, &facts);
            (facts, explained)
        });
        let request = Request {
            actor: call.actor,
            evidence: stop.evidence(&ask, now),
            verdict: explained.as_ref().map(|(_, explained)| explained.verdict.clone()),
            action,
        };
        let outcome = decide(&stop.session, &request, now);
        let reasons = outcome.as_ref().err().map(|refusal| refusal.reasons().to_vec());
        let record = DecisionRecord {
            decision,
            session: stop.session.id,
            at: now,
            request: request.action.kind().name().to_owned(),
            policy: stop.policies.version(),
            policies: explained
                .as_ref()
                .map(|(_, explained)| determining(explained))
                .unwrap_or_default(),
            facts: explained.map(|(facts, _)| facts),
            reasons: reasons.unwrap_or_default(),
        };
        let written = record.write(&reads.partition)?;
        let digest = self.suite().sha256(&[written.body.as_deref().unwrap_or_default()]);
        let mut meta = Meta::by(call);
        if let Some(actuator) = &ask.actuator {
            meta = meta.about(actuator, now);
        }
        meta.token = ask.token_hash;
        meta.decision = Some(DecisionRef { id: decision, digest: DecisionDigest(digest) });
        meta.policy = Some(record.policy);
        match outcome {
            Ok(events) => Ok(Granted { events, meta, record: written }),
            Err(refusal) => {
                let (session, asked) = (record.session, &record.request);
                Err(self.refuse(reads, session, meta, asked, refusal, Some(written)).await)
            }
        }
    }

    /// Judges a request and, if it is granted, appends what follows with whatever `extra` adds.
    pub(crate) async fn apply(
        &self,
        call: &Call,
        reads: &Reads<'_>,
        stop: &Stop,
        action: Action,
        ask: Ask,
        extra: impl FnOnce(&mut Batch) -> Result<(), Failure>,
    ) -> Result<Reply, Failure> {
        let takes_away = matches!(action, Action::Hold { .. } | Action::Revoke { .. });
        let granted = self.judge(call, reads, stop, action, ask).await?;
        let mut batch = reads.batch();
        batch.advance(self, &stop.session, &granted.meta, &granted.events)?;
        extra(&mut batch)?;
        // Nothing follows where what was asked for is so already: then no entry commits to the decision, and it is not kept.
        let decision = granted.meta.decision;
        let follows = batch.entries.iter().any(|entry| entry.meta.decision == decision);
        if follows {
            batch.writes.push(granted.record);
        }
        let reply = Reply {
            order: Some(stop.session.order.order),
            session: Some(stop.session.id),
            release: granted.events.iter().find_map(released),
            decision: decision.filter(|_| follows).map(|decision| decision.id),
            ..Reply::default()
        };
        if takes_away {
            return self.commit_taking_away(call, batch, reply).await;
        }
        self.commit(call, batch, &reply).await?;
        Ok(reply)
    }

    fn facts(
        &self,
        call: &Call,
        stop: &Stop,
        action: PolicyAction,
        ask: &Ask,
        now: Timestamp,
    ) -> Facts {
        let session = &stop.session;
        let terms = &session.order.terms;
        let leg = ask.leg.and_then(|leg| session.leg(leg));
        let handset = ask.handset.as_ref().or(stop.handset.as_ref());
        Facts {
            action,
            actor: call.actor.kind(),
            phase: session.phase.kind(),
            leg: leg.map(|leg| LegFacts::from(&leg.terms.service)),
            order: OrderFacts::from(terms),
            recipient: ask.recipient.or(known_recipient(session, now)),
            risk: Risk::Usual,
            intent_approved: session.bound().is_some() || stop.is_approved_by(ask),
            vehicle: stop.vehicle_facts(now),
            place: stop.place_facts(stop.scope(ask.leg), now),
            window: WindowState::at(&terms.window, now),
            token: ask.token,
            presence: ask.presence.or(stop.shown_presence(now)),
            proof_refused: ask.proof_refused,
            handset: handset_facts(call, stop, handset, now),
            actuator: ask.actuator.as_ref().map_or(UNKNOWN_ACTUATOR, |device| ActuatorFacts {
                trusted: device.is_trusted(now),
                tier: device.tier(now),
                frozen: device.frozen,
                reachable: self.parts.carrier.is_connected(device.device),
            }),
            hold: session.hold().map(|hold| hold.cause),
            tenant_hold: stop.tenant.hold.is_some(),
            age_proof: stop.record.age_proof,
        }
    }
}

impl Stop {
    /// The scope to judge the place for: the leg's, or the first unfinished leg's.
    pub(crate) fn scope(&self, leg: Option<LegIndex>) -> Scope {
        let unfinished = || self.session.legs.iter().find(|leg| !leg.state.kind().is_end());
        leg.and_then(|leg| self.session.leg(leg))
            .or_else(unfinished)
            .map_or(Scope::GroceryHandoff, |leg| leg.terms.service.scope())
    }

    /// Whether the request itself approves the intent that waits for it.
    fn is_approved_by(&self, ask: &Ask) -> bool {
        let approves = |evidence: &Evidence| match evidence.fact {
            Fact::Intent { intent, .. } => self.record.intent == Some(intent),
            Fact::Recipient { .. }
            | Fact::Vehicle { .. }
            | Fact::Place { .. }
            | Fact::Handset { .. }
            | Fact::Actuator { .. }
            | Fact::ActionToken { .. }
            | Fact::Presence { .. } => false,
        };
        ask.evidence.iter().any(approves)
    }

    /// All fresh evidence about the stop, with what the request brings.
    fn evidence(&self, ask: &Ask, now: Timestamp) -> Vec<Evidence> {
        let mut evidence = ask.evidence.clone();
        let order = self.session.order.digest;
        let scope = self.scope(ask.leg);
        for party in [Party::Driver, Party::Vehicle] {
            if let Some((place, at)) = self.place(party, scope, now) {
                let fact = Fact::Place { party, method: place.method, answer: place.answer };
                evidence.push(Evidence { fact, at, order });
            }
        }
        let devices = [
            (ask.handset.as_ref().or(self.handset.as_ref()), true),
            (ask.actuator.as_ref(), false),
        ];
        for (device, is_handset) in devices {
            let Some(device) = device else { continue };
            let (firmware, at) = match &device.attested {
                Some(attested) => (attested.firmware.first().copied(), attested.at),
                // Its certificate is all that a browser shows, and it shows it with each request.
                None => (device.browser.then_some(NO_FIRMWARE), now),
            };
            let Some(firmware) = firmware else { continue };
            let (device, tier) = (device.device, device.tier(now));
            let fact = if is_handset {
                Fact::Handset { device, tier, firmware }
            } else {
                Fact::Actuator { device, tier, firmware, busy: ask.actuator_busy }
            };
            evidence.push(Evidence { fact, at, order });
        }
        evidence
    }

    /// Where a party is, judged now, and since when that is known.
    pub(crate) fn place(
        &self,
        party: Party,
        scope: Scope,
        now: Timestamp,
    ) -> Option<(PlaceFact, Timestamp)> {
        let record = match party {
            Party::Driver => self.driver_track.as_ref()?,
            Party::Vehicle => return self.vehicle_place(scope, now),
        };
        let result = self.venue.fence.evaluate(&record.track, now, scope);
        let judged = judge_place(&self.venue.fence, scope, &result, record.tag.as_ref(), now);
        let at = match judged.method {
            PlaceMethod::VenueTag => record.tag.as_ref().map_or(now, |tag| tag.read_at),
            PlaceMethod::Fence | PlaceMethod::Statement | PlaceMethod::Telematics => {
                now.minus_ms(result.fix_age_ms?)
            }
        };
        Some((PlaceFact { method: judged.method, answer: judged.answer }, at))
    }

    fn place_facts(&self, scope: Scope, now: Timestamp) -> PlaceFacts {
        let fresh = |party| self.place(party, scope, now).map(|(place, _)| place);
        PlaceFacts {
            driver: fresh(Party::Driver),
            vehicle: fresh(Party::Vehicle),
            disagrees: false,
            service_permitted: self.venue.fence.permitted(scope).next().is_some(),
        }
    }

    /// The presence shown at the car, while that counts: not what a device showed that is bound no more.
    fn shown_presence(&self, now: Timestamp) -> Option<PresenceMethod> {
        let before = self.record.bound?.before;
        let shown = self.session.presence().filter(|shown| before != Some(shown.proof))?;
        Perishable::Presence.is_fresh(shown.shown_at, now).then_some(shown.method)
    }

    fn vehicle_facts(&self, now: Timestamp) -> VehicleFacts {
        let seen = self.record.vehicle.filter(|seen| seen.counts(&self.session, now));
        VehicleFacts {
            matched_by: seen.filter(|seen| seen.matches).map(|seen| seen.method),
            mismatch: seen.is_some_and(|seen| !seen.matches),
            moving: self.is_car_moving(),
        }
    }
}

impl VehicleSeen {
    /// Whether the look is recent and was made under the order version in force.
    fn counts(&self, session: &Session, now: Timestamp) -> bool {
        self.order_version == session.order.version
            && Perishable::Vehicle(self.method).is_fresh(self.at, now)
    }
}

/// The recipient as verified, while that counts.
fn known_recipient(session: &Session, now: Timestamp) -> Option<Assurance> {
    let fresh = |at| Perishable::Recipient.is_fresh(at, now);
    session
        .recipient()
        .filter(|recipient| fresh(recipient.verified_at))
        .map(|recipient| recipient.assurance)
}

fn handset_facts(
    call: &Call,
    stop: &Stop,
    handset: Option<&DeviceRecord>,
    now: Timestamp,
) -> HandsetFacts {
    let Some(device) = handset else { return UNKNOWN_HANDSET };
    let by_driver = matches!(call.actor, Actor::Driver { .. });
    let tier = device.tier(now);
    HandsetFacts {
        assigned: !by_driver
            || stop.session.assignment().is_some_and(|assigned| {
                call.actor == Actor::Driver { driver: assigned.driver, device: assigned.device }
                    && Some(assigned.key) == call.key
            }),
        trusted: device.is_trusted(now),
        // Over DPoP the caller may be a browser: whatever the device attested, this call counts as certified only.
        tier: if by_driver && !call.mutual_tls { tier.min(TrustTier::Certified) } else { tier },
    }
}

/// The release that an event authorises.
fn released(event: &Event) -> Option<ReleaseId> {
    if let Event::ReleaseAuthorised { release, .. } = event { Some(release.release) } else { None }
}

/// Names of the policies that determined an answer.
fn determining(explained: &Explained) -> Vec<String> {
    let decisive =
        explained.policies.iter().filter(|policy| policy.outcome == PolicyOutcome::Determining);
    decisive.map(|policy| policy.id.clone()).collect()
}

/// Stands for what runs on a browser, which nobody vouches for.
const NO_FIRMWARE: FirmwareDigest = FirmwareDigest([0; 32]);
const UNKNOWN_HANDSET: HandsetFacts =
    HandsetFacts { assigned: false, trusted: false, tier: TrustTier::None };
const UNKNOWN_ACTUATOR: ActuatorFacts =
    ActuatorFacts { trusted: false, frozen: false, tier: TrustTier::None, reachable: false };
