//! A sample of every event, with every field filled. It says nothing of streams and causes.

use carhop_app::Asker;
use carhop_app::batch::{
    Body, Clearance, DeviceEvent, DisputeEvent, DisputeOutcome, Grievance, OperatorEvent,
    PlaceJudged, Refused, SignOut,
};
use carhop_app::records::StaffRole;
use carhop_kernel::device::{DeviceClass, TrustTier};
use carhop_kernel::digest::{
    BasketHash, CommandKey, Commitment, EvidenceHash, FirmwareDigest, IntentDigest, KeyThumbprint,
    OrderDigest, PolicyVersion, SecretHash,
};
use carhop_kernel::evidence::{Assurance, Party, PlaceMethod, PresenceMethod, VehicleMatch};
use carhop_kernel::id::{
    CommandId, CustomerId, DeviceId, DriverId, OrderId, ProofId, ReleaseId, SessionId, StaffId,
    TicketId, TokenId,
};
use carhop_kernel::order::{
    ColdChain, Compartment, Currency, FuelGrade, HandoffType, LegTerms, OrderVersion, PlaceKind,
    Sensitivity, Service, Terms, Value,
};
use carhop_kernel::reason::Reason;
use carhop_kernel::session::{
    Basis, BindingEnd, Event, Exception, HoldCause, LegFailure, LegIndex, NotExecuted, Outcome,
    Release, RevocationCause,
};
use carhop_kernel::time::Window;
use carhop_kernel::token::TokenLayer;

use super::{NOW, every, id, name};

/// Every body; every event of a session, a device and the operator.
pub(super) fn bodies() -> Vec<Body> {
    let sessions = session_events().into_iter().map(|event| Body::Session(Box::new(event)));
    let devices = device_events().into_iter().map(Body::Device);
    let operators = operator_events().into_iter().map(Body::Operator);
    let disputes = dispute_events().into_iter().map(Body::Dispute);
    let of_stops = kinds().into_iter().chain(sessions).chain(disputes);
    of_stops.chain(devices).chain(operators).collect()
}

every! { kinds, Body:
    Session { 0: Box::new(Event::HoldLifted) };
    Refused { 0: Refused { request: "release".to_owned(), reasons: Reason::ALL.to_vec() } };
    RefusalsCapped { by: Asker::Party, journaled: 256 };
    CodeIssued { proof: proof(), expires_at: NOW };
    ProofFailed { proof: Some(proof()), reason: Reason::ALL[0], tries: 2 };
    TokenIssued {
        token: id(0x21, TokenId::from_bytes),
        layer: TokenLayer::Vehicle,
        hash: SecretHash([0x22; 32]),
        expires_at: NOW,
    };
    TokenRevoked { token: id(0x21, TokenId::from_bytes) };
    CustomerBound { customer: customer(), key: KEY };
    LinkIssued { ticket: id(0x2e, TicketId::from_bytes), expires_at: NOW };
    PlaceJudged { 0: PlaceJudged {
        party: Party::Vehicle,
        answer: "uncertain".to_owned(),
        why: vec!["stale".to_owned(), "coarse".to_owned()],
        probability_permille: 640,
        fix_age_ms: 12_000,
        accuracy_dm: 155,
    } };
    TagScanned { known: true, bay: Some(name("b7")) };
    VehicleCompared { matches: false, misses: 2 };
    Dispute { 0: DisputeEvent::Decided { outcome: DisputeOutcome::Rejected } };
    Device { 0: DeviceEvent::Connected { device: device() } };
    Operator { 0: OperatorEvent::TenantResumed { cause: "looked".to_owned() } };
}

every! { session_events, Event:
    SessionRequested {
        session: id(1, SessionId::from_bytes),
        tenant: name("acme"),
        market: name("sunnyvale"),
        order: order(),
    };
    RecipientVerified { customer: customer(), key: KEY, assurance: Assurance::Passkey, at: NOW };
    BindingProposed {
        binding: 1,
        vehicle: Commitment([0x23; 32]),
        method: VehicleMatch::PlateRead,
        intent: INTENT,
    };
    IntentApproved { intent: INTENT, key: KEY, at: NOW };
    DriverAssigned {
        assignment: 1,
        driver: id(4, DriverId::from_bytes),
        device: device(),
        key: KEY,
        tier: TrustTier::Attested,
    };
    DriverArrived { driver_by: PlaceMethod::Fence, vehicle_by: PlaceMethod::VenueTag, at: NOW };
    PresenceProven { method: PresenceMethod::Scan, proof: proof(), at: NOW };
    ReleaseAuthorised { leg: LEG, device: device(), release: release() };
    CommandSent { leg: LEG, command: command() };
    CompartmentOpened { leg: LEG, command: command(), receipt: RECEIPT };
    CompartmentLocked { leg: LEG };
    GoodsTransferred { leg: LEG };
    CompartmentSecured { leg: LEG };
    PumpArmed { leg: LEG, command: command(), receipt: RECEIPT };
    MeterAdvanced { leg: LEG, number: 3, metered_ml: 12_345 };
    DispensingEnded { leg: LEG, metered_ml: 23_456 };
    FuelSettled { leg: LEG, metered_ml: 23_456 };
    ReleaseNotExecuted { leg: LEG, command: command(), why: NotExecuted::Cancelled };
    ReleaseUnconfirmed { leg: LEG, command: command() };
    OutcomeStated {
        leg: LEG,
        command: command(),
        executed: true,
        basis: Basis::Camera,
        evidence: Some(RECEIPT),
    };
    LegTakenOver { leg: LEG };
    LegFailed { leg: LEG, why: LegFailure::Jammed };
    OrderAmended { order: order() };
    BindingVoided { why: BindingEnd::Moved };
    SessionHeld { cause: HoldCause::Safety, at: NOW };
    HoldEased { cause: HoldCause::Staff };
    HoldLifted {};
    SessionRevoked { why: RevocationCause::StoreCancelled };
    SessionExpired {};
    SessionCompleted { outcome: Outcome::Partial };
    ExceptionRaised {
        exception: Exception::OpenedWithoutLeave,
        leg: Some(LEG),
        device: Some(device()),
    };
    ExceptionsCapped { exception: Exception::TemperatureOutOfRange };
}

every! { dispute_events, DisputeEvent:
    Opened { about: Grievance::Missing, answer_by: NOW };
    Decided { outcome: DisputeOutcome::Rejected };
}

every! { device_events, DeviceEvent:
    Enrolled { device: device(), class: DeviceClass::Lock, certificate: KEY, expires_at: NOW };
    Renewed { device: device(), certificate: KEY, expires_at: NOW };
    Attested {
        device: device(),
        tier: TrustTier::SelfReported,
        firmware: vec![FirmwareDigest([0x13; 32]), FirmwareDigest([0x14; 32])],
        why: Some("unknown_root".to_owned()),
        root: Some(KEY),
    };
    Connected { device: device() };
    Stated {
        device: device(),
        what: "opened".to_owned(),
        command: Some(command()),
        metered_ml: Some(12_345),
        statement: RECEIPT,
    };
    CancelMade {
        device: device(),
        cancel: id(0x2a, CommandId::from_bytes),
        command: command(),
    };
    EffectAbandoned { device: device(), command: Some(command()) };
    Frozen { device: device() };
    Cleared { device: device(), of: Clearance::Tamper, why: "lid_screwed_down".to_owned() };
    Ticketed { device: device(), class: DeviceClass::Pump, expires_at: NOW };
    Forked { device: device(), boot_epoch: 3, sequence: 17, statement: RECEIPT };
    Revoked { device: device(), why: "lost".to_owned() };
}

every! { operator_events, OperatorEvent:
    Started {
        version: "0.1.0".to_owned(),
        policy: PolicyVersion([0x10; 32]),
        attestation_roots: vec![KEY],
        device_root: KEY,
        command_key: CommandKey([0x12; 32]),
        clock_offset_ms: 60_000,
    };
    VenueStored { venue: "mobilitynet:los-altos-library".to_owned(), version: 2 };
    ApiKeyMade { key: "key_1".to_owned(), scopes: vec!["orders".to_owned()] };
    ApiKeyRevoked { key: "key_1".to_owned(), why: "leaked".to_owned() };
    DriverNamed { driver: id(4, DriverId::from_bytes), device: device() };
    Restored { backed_up_at: NOW, trust_epoch: 1_800_000_000 };
    TenantHeld { cause: "recall".to_owned() };
    TenantResumed { cause: "looked".to_owned() };
    PolicyActivated {
        from: PolicyVersion([0x10; 32]),
        to: PolicyVersion([0x2f; 32]),
        departures: vec!["ladder.known_vehicle".to_owned()],
    };
    TrustRevoked { subject: "class:lock".to_owned(), why: "key_leaked".to_owned() };
    RevocationSettled { subject: "class:lock".to_owned() };
    StaffInvited { member: member(), role: StaffRole::Dispatcher, expires_at: NOW };
    StaffRegistered { member: member(), passkey: KEY };
    StaffSignedIn { member: member(), expires_at: NOW };
    StaffSignedOut { member: member(), why: SignOut::KeyMismatch };
    StaffSuspended { member: member() };
    StaffRemoved { member: member(), why: "left".to_owned() };
}

fn order() -> OrderVersion {
    let goods = Service::Goods { compartment: Compartment::Trunk, basket: BasketHash([0x24; 32]) };
    let fuel = Service::Fuel { grade: FuelGrade::Regular, limit_ml: 40_000 };
    OrderVersion {
        order: id(0x25, OrderId::from_bytes),
        version: 2,
        digest: OrderDigest([0x26; 32]),
        terms: Terms {
            recipient: Commitment([0x27; 32]),
            vehicle: Commitment([0x28; 32]),
            venue: name("mobilitynet:los-altos-library"),
            place_kind: PlaceKind::Lot,
            window: Window { start: NOW, end: NOW.plus_ms(3_600_000) },
            handoff: HandoffType::Unattended,
            legs: [goods, fuel].map(|service| LegTerms { service, device: device() }).to_vec(),
            value: Value { amount_minor: 12_900, currency: Currency::new("USD").unwrap() },
            sensitivity: Sensitivity::Moderate,
            age_gated: false,
            cold_chain: Some(ColdChain { min_c10: -20, max_c10: 50, out_of_range_ms_max: 600_000 }),
            payment: Some(Commitment([0x29; 32])),
        },
    }
}

fn release() -> Release {
    Release {
        release: id(0x2a, ReleaseId::from_bytes),
        command: command(),
        counter: 17,
        expires_at: NOW.plus_ms(30_000),
    }
}

fn device() -> DeviceId {
    id(5, DeviceId::from_bytes)
}

fn command() -> CommandId {
    id(2, CommandId::from_bytes)
}

fn member() -> StaffId {
    id(0x30, StaffId::from_bytes)
}

fn customer() -> CustomerId {
    id(3, CustomerId::from_bytes)
}

fn proof() -> ProofId {
    id(0x2b, ProofId::from_bytes)
}

const LEG: LegIndex = LegIndex(1);
const KEY: KeyThumbprint = KeyThumbprint([0x11; 32]);
const INTENT: IntentDigest = IntentDigest([0x2c; 32]);
const RECEIPT: EvidenceHash = EvidenceHash([0x2d; 32]);
