//! One small stop, with groceries and then fuel, and requests to it that are good in every respect. Tests break one
//! thing at a time.

use alloc::vec;
use alloc::vec::Vec;

use crate::actor::{Actor, ActorKind, StaffBy};
use crate::device::TrustTier;
use crate::digest::{
    BasketHash, Commitment, EvidenceHash, FirmwareDigest, IntentDigest, KeyThumbprint, OrderDigest,
    PolicyVersion,
};
use crate::evidence::{
    Assurance, Evidence, Fact, FactKind, Party, PlaceAnswer, PlaceMethod, PresenceMethod,
    VehicleMatch,
};
use crate::id::{
    ApiKeyId, CommandId, CustomerId, DeviceId, DriverId, OrderId, ProofId, ReleaseId, SessionId,
    TokenId,
};
use crate::order::{
    Compartment, FuelGrade, HandoffType, LegTerms, OrderVersion, PlaceKind, Sensitivity, Service,
    Terms, Value,
};
use crate::reason::{Reason, Refusal};
use crate::session::table::transition;
use crate::session::{
    Action, Basis, Event, Exception, Finding, HoldCause, LegIndex, LegState, LegStateKind,
    PhaseKind, Release, ReleaseOrder, Report, Request, RequestKind, RevocationCause, Session,
    decide, evolve, observe, open,
};
use crate::time::{Timestamp, Window};
use crate::verdict::{PolicyAction, Rung, Verdict};

pub const START: Timestamp = Timestamp::from_unix_s(1_800_000_000);
pub const NOW: Timestamp = START.plus_ms(60 * 60 * 1000);
pub const END: Timestamp = START.plus_ms(2 * 60 * 60 * 1000);
pub const COMMAND_MS: u64 = 5_000;

pub const GROCERIES: LegIndex = LegIndex(0);
pub const FUEL: LegIndex = LegIndex(1);
pub const FUEL_LIMIT_ML: u32 = 40_000;

pub const LOCK: DeviceId = DeviceId::from_bytes([1; 16]);
pub const PUMP: DeviceId = DeviceId::from_bytes([2; 16]);
pub const HANDSET: DeviceId = DeviceId::from_bytes([3; 16]);
pub const STRANGE_DEVICE: DeviceId = DeviceId::from_bytes([9; 16]);
pub const CUSTOMER: CustomerId = CustomerId::from_bytes([4; 16]);
pub const STRANGER: CustomerId = CustomerId::from_bytes([9; 16]);
pub const DRIVER: DriverId = DriverId::from_bytes([5; 16]);
pub const API_KEY: ApiKeyId = ApiKeyId::from_bytes([6; 16]);
pub const KEY: KeyThumbprint = KeyThumbprint([7; 32]);
pub const VEHICLE: Commitment = Commitment([8; 32]);
pub const INTENT: IntentDigest = IntentDigest([10; 32]);
pub const RECEIPT: EvidenceHash = EvidenceHash([11; 32]);

/// The stop as the store asked for it.
pub fn requested() -> Session {
    open(&Event::SessionRequested {
        session: SessionId::from_bytes([12; 16]),
        tenant: "acme".parse().unwrap(),
        market: "los-altos".parse().unwrap(),
        order: order(1, vec![goods(), fuel()]),
    })
    .unwrap()
}

/// The stop with the driver at the car and the customer's presence shown.
pub fn ready() -> Session {
    to_the_car(requested())
}

pub fn to_the_car(session: Session) -> Session {
    [
        RequestKind::VerifyRecipient,
        RequestKind::ProposeBinding,
        RequestKind::ApproveIntent,
        RequestKind::AssignDriver,
        RequestKind::Arrive,
        RequestKind::ProvePresence,
    ]
    .into_iter()
    .fold(session, |session, kind| ask(&session, kind))
}

/// The stop with the lock's command sent.
pub fn commanded() -> Session {
    ask(&ask(&ready(), RequestKind::ReleaseCompartment), RequestKind::SendCommand)
}

/// The stop with the groceries in the trunk.
pub fn groceries_secured() -> Session {
    let open = hear(&commanded(), &opened(&commanded()));
    let transferred = ask(&open, RequestKind::ConfirmTransfer);
    hear(&transferred, &Report::LockLocked { device: LOCK })
}

/// The stop with the groceries in the trunk and the pump's command sent.
pub fn pump_commanded() -> Session {
    ask(&ask(&groceries_secured(), RequestKind::DispenseFuel), RequestKind::SendCommand)
}

pub fn goods() -> LegTerms {
    let basket = BasketHash([13; 32]);
    LegTerms { service: Service::Goods { compartment: Compartment::Trunk, basket }, device: LOCK }
}

pub fn fuel() -> LegTerms {
    let service = Service::Fuel { grade: FuelGrade::Regular, limit_ml: FUEL_LIMIT_ML };
    LegTerms { service, device: PUMP }
}

pub fn order(version: u8, legs: Vec<LegTerms>) -> OrderVersion {
    OrderVersion {
        order: OrderId::from_bytes([14; 16]),
        version: version.into(),
        digest: OrderDigest([version; 32]),
        terms: terms(legs),
    }
}

pub fn terms(legs: Vec<LegTerms>) -> Terms {
    Terms {
        recipient: Commitment([15; 32]),
        vehicle: VEHICLE,
        venue: "mobilitynet:los-altos-library".parse().unwrap(),
        place_kind: PlaceKind::Lot,
        window: Window { start: START, end: END },
        handoff: HandoffType::Unattended,
        legs,
        value: Value { amount_minor: 8_450, currency: crate::order::Currency::new("USD").unwrap() },
        sensitivity: Sensitivity::Low,
        age_gated: false,
        cold_chain: None,
        payment: Some(Commitment([16; 32])),
    }
}

/// The session after a good request of this kind.
pub fn ask(session: &Session, kind: RequestKind) -> Session {
    after(session, &answer(session, &good(session, action(session, kind))).unwrap())
}

/// The session after a report.
pub fn hear(session: &Session, report: &Report) -> Session {
    after(session, &observe(session, report, NOW))
}

pub fn after(session: &Session, events: &[Event]) -> Session {
    events.iter().fold(session.clone(), evolve)
}

/// What `decide` says at the moment at which a request of this kind belongs.
pub fn answer(session: &Session, request: &Request) -> Result<Vec<Event>, Refusal> {
    decide(session, request, moment(request.action.kind()))
}

/// Why a request is refused.
pub fn refusal(session: &Session, request: &Request) -> Vec<Reason> {
    answer(session, request).map_or_else(|refusal| refusal.reasons().to_vec(), |_| vec![])
}

/// The middle of the window, but its end for what waits for that.
pub fn moment(kind: RequestKind) -> Timestamp {
    if kind == RequestKind::Expire { END } else { NOW }
}

/// A request that is good in every respect but perhaps the session's state.
pub fn good(session: &Session, action: Action) -> Request {
    let row = transition(action.kind()).unwrap();
    Request {
        actor: actor(row.actors[0]),
        evidence: row.evidence.iter().map(|kind| proof(session, &action, *kind)).collect(),
        verdict: row.policy.map(permit),
        action,
    }
}

/// The request of this kind that makes most sense in this state.
pub fn action(session: &Session, kind: RequestKind) -> Action {
    let next = || {
        let unfinished = session.legs().find(|(_, leg)| !leg.state.kind().is_end());
        unfinished.map_or(GROCERIES, |(index, _)| index)
    };
    match kind {
        RequestKind::VerifyRecipient => Action::VerifyRecipient,
        RequestKind::ProposeBinding => Action::ProposeBinding {
            vehicle: VEHICLE,
            method: VehicleMatch::Statement,
            intent: INTENT,
        },
        RequestKind::ApproveIntent => Action::ApproveIntent,
        RequestKind::AssignDriver => {
            Action::AssignDriver { driver: DRIVER, device: HANDSET, key: KEY }
        }
        RequestKind::Arrive => Action::Arrive,
        RequestKind::ProvePresence => Action::ProvePresence,
        RequestKind::ReleaseCompartment => Action::ReleaseCompartment(release(session, GROCERIES)),
        RequestKind::DispenseFuel => Action::DispenseFuel(release(session, FUEL)),
        RequestKind::SendCommand => Action::SendCommand { command: command(session) },
        RequestKind::ConfirmTransfer => Action::ConfirmTransfer { leg: next() },
        RequestKind::ResolveOutcome => {
            let finding = Finding { executed: false, basis: Basis::Inspected, evidence: None };
            Action::ResolveOutcome { leg: next(), finding }
        }
        RequestKind::AmendOrder => {
            let legs = session.order.terms.legs.clone();
            let version = u8::try_from(session.order.version + 1).unwrap();
            Action::AmendOrder { order: order(version, legs) }
        }
        RequestKind::Relocate => Action::Relocate,
        RequestKind::Hold => Action::Hold { cause: HoldCause::Customer },
        RequestKind::Resume => Action::Resume,
        RequestKind::Revoke => Action::Revoke { why: RevocationCause::StaffEnded },
        RequestKind::Expire => Action::Expire,
    }
}

/// A release of this leg under ids that no earlier release of the session had.
pub fn release(session: &Session, leg: LegIndex) -> ReleaseOrder {
    let releases = session.leg(leg).map_or(0, |leg| leg.releases);
    let mut name = [0; 16];
    name[..3].copy_from_slice(&[leg.0, releases, name_of_version(session)]);
    let release = Release {
        release: ReleaseId::from_bytes(name),
        command: CommandId::from_bytes(name),
        counter: releases.into(),
        expires_at: NOW.plus_ms(COMMAND_MS),
    };
    ReleaseOrder { leg, release }
}

fn name_of_version(session: &Session) -> u8 {
    u8::try_from(session.order.version).unwrap()
}

/// The command that is under way, or one that never was.
pub fn command(session: &Session) -> CommandId {
    let current = session.legs.iter().find_map(|leg| leg.state.release());
    current.map_or(CommandId::from_bytes([0xff; 16]), |release| release.command)
}

/// The lock's receipt for the command under way.
pub fn opened(session: &Session) -> Report {
    Report::LockOpened { device: LOCK, command: Some(command(session)), receipt: RECEIPT }
}

pub fn armed(session: &Session) -> Report {
    Report::PumpArmed { command: command(session), receipt: RECEIPT }
}

pub fn metered(session: &Session, number: u32, metered_ml: u32) -> Report {
    Report::MeterAdvanced { device: PUMP, command: command(session), number, metered_ml }
}

pub fn ended(session: &Session, metered_ml: u32) -> Report {
    Report::DispensingEnded { device: PUMP, command: command(session), metered_ml }
}

pub fn actor(kind: ActorKind) -> Actor {
    match kind {
        ActorKind::Customer => Actor::Customer { customer: CUSTOMER },
        ActorKind::Driver => Actor::Driver { driver: DRIVER, device: HANDSET },
        ActorKind::Store => Actor::Store { key: API_KEY },
        ActorKind::Staff => Actor::Staff { by: StaffBy::Key(API_KEY) },
        ActorKind::Device => Actor::Device { device: LOCK },
        ActorKind::System => Actor::System,
    }
}

pub fn permit(action: PolicyAction) -> Verdict {
    Verdict { action, reasons: vec![], policy: PolicyVersion([17; 32]), rung: Rung::OtpTokenFence }
}

/// Good evidence of this kind, seen now.
pub fn proof(session: &Session, action: &Action, kind: FactKind) -> Evidence {
    Evidence {
        fact: fact(session, action, kind),
        at: moment(action.kind()),
        order: session.order.digest,
    }
}

pub fn fact(session: &Session, action: &Action, kind: FactKind) -> Fact {
    let leg = match action {
        Action::DispenseFuel(order) | Action::ReleaseCompartment(order) => order.leg,
        _ => GROCERIES,
    };
    let terms = session.leg(leg).map_or_else(goods, |leg| leg.terms.clone());
    let firmware = FirmwareDigest([18; 32]);
    let place =
        |party| Fact::Place { party, method: PlaceMethod::Fence, answer: PlaceAnswer::Inside };
    match kind {
        FactKind::Recipient => {
            Fact::Recipient { customer: CUSTOMER, key: KEY, assurance: Assurance::Passkey }
        }
        FactKind::Intent => Fact::Intent { intent: INTENT, key: KEY },
        FactKind::Vehicle => Fact::Vehicle { vehicle: VEHICLE, method: VehicleMatch::PlateRead },
        FactKind::DriverPlace => place(Party::Driver),
        FactKind::VehiclePlace => place(Party::Vehicle),
        FactKind::Presence => {
            Fact::Presence { method: PresenceMethod::Scan, proof: ProofId::from_bytes([19; 16]) }
        }
        FactKind::Handset => Fact::Handset { device: HANDSET, tier: TrustTier::Attested, firmware },
        FactKind::Actuator => Fact::Actuator {
            device: terms.device,
            tier: TrustTier::Attested,
            firmware,
            busy: false,
        },
        FactKind::ActionToken => Fact::ActionToken {
            token: TokenId::from_bytes([20; 16]),
            scope: terms.service.scope(),
            device: terms.device,
        },
    }
}

pub fn phase(session: &Session) -> PhaseKind {
    session.phase.kind()
}

pub fn leg_state(session: &Session, leg: LegIndex) -> LegState {
    session.leg(leg).unwrap().state
}

pub fn leg_kind(session: &Session, leg: LegIndex) -> LegStateKind {
    leg_state(session, leg).kind()
}

/// The stop after a person has found that the silent leg's command was carried out.
pub fn found_executed(session: &Session, leg: LegIndex) -> Session {
    let finding = Finding { executed: true, basis: Basis::Camera, evidence: Some(RECEIPT) };
    let request = good(session, Action::ResolveOutcome { leg, finding });
    after(session, &answer(session, &request).unwrap())
}

pub fn exceptions(events: &[Event]) -> Vec<Exception> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::ExceptionRaised { exception, .. } => Some(*exception),
            _ => None,
        })
        .collect()
}

/// The session without what was raised and the hold that came of it.
pub fn as_told_of_before(heard: Session, before: &Session) -> Session {
    let (raised, waiting) = (before.raised.clone(), before.waiting.clone());
    Session { holds: before.holds.clone(), raised, waiting, ..heard }
}

/// Whether the session is on hold for somebody to look, and otherwise as it was.
pub fn assert_frozen_only(session: &Session, events: &[Event]) {
    let heard = after(session, events);
    assert_eq!(heard.hold().map(|hold| hold.cause), Some(HoldCause::Safety), "{events:?}");
    assert_eq!(as_told_of_before(heard, session), *session, "{events:?}");
}

pub fn silent(session: &Session) -> Session {
    hear(session, &Report::Silence { command: command(session) })
}
