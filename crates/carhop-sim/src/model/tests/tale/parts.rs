//! What a good history is made of: entries, events, tokens, decisions and records.

use super::*;

pub(super) fn entry(id: EventId, stream: Stream, body: Body) -> Entry {
    let actor = Actor::System;
    let (decision, policy, key, token, device) = (None, None, None, None, None);
    Entry { id, stream, meta: Meta { actor, decision, policy, key, token, device }, body }
}

pub(super) fn derived(id: &EventId, number: u8) -> EventId {
    let mut bytes = *id.as_bytes();
    (bytes[14], bytes[15]) = (1, bytes[15].wrapping_add(number));
    EventId::from_bytes(bytes)
}

pub(super) fn written(record: &impl Record) -> Write {
    record.write(&partition("acme")).unwrap()
}

pub(super) fn done() -> Event {
    Event::SessionCompleted { outcome: End::Full }
}

pub(super) fn meter(number: u32, kind: ReadingKind, metered_ml: u32) -> Said {
    let totaliser_ml = TOTAL_ML + u64::from(metered_ml);
    Said::Meter { command: COMMAND, reading: Reading { number, kind, totaliser_ml, metered_ml } }
}

pub(super) fn approach() -> Vec<Event> {
    let (customer, at) = (CustomerId::from_bytes([1; 16]), NOW);
    let (intent, vehicle) = (IntentDigest([1; 32]), Commitment([1; 32]));
    let assurance = Assurance::BoundDevice;
    let (driver, device) = (DriverId::from_bytes([1; 16]), HANDSET);
    let (driver_by, vehicle_by) = (PlaceMethod::Fence, PlaceMethod::Statement);
    vec![
        Event::RecipientVerified { customer, key: KEY, assurance, at },
        Event::BindingProposed { binding: 1, vehicle, method: VehicleMatch::Statement, intent },
        Event::IntentApproved { intent, key: KEY, at },
        Event::DriverAssigned {
            assignment: 1,
            driver,
            device,
            key: KEY,
            tier: TrustTier::Attested,
        },
        Event::DriverArrived { driver_by, vehicle_by, at },
    ]
}

pub(super) fn requested(session: SessionId, kind: Kinds) -> Event {
    let service = match kind {
        Kinds::Goods => {
            Service::Goods { compartment: Compartment::Trunk, basket: BasketHash([1; 32]) }
        }
        Kinds::Fuel => Service::Fuel { grade: FuelGrade::Regular, limit_ml: 30_000 },
    };
    let terms = Terms {
        recipient: Commitment([1; 32]),
        vehicle: Commitment([1; 32]),
        venue: "los-altos:library".parse().unwrap(),
        place_kind: PlaceKind::Lot,
        window: Window { start: NOW, end: NOW.plus_ms(3_600_000) },
        handoff: HandoffType::Unattended,
        legs: vec![LegTerms { service, device: LOCK }],
        value: Value { amount_minor: 1, currency: Currency::EUR },
        sensitivity: Sensitivity::Low,
        age_gated: false,
        cold_chain: None,
        payment: None,
    };
    let (order, digest) = (OrderId::from_bytes([1; 16]), OrderDigest([1; 32]));
    let order = OrderVersion { order, version: 1, digest, terms };
    let Partition { tenant, market } = partition("acme");
    Event::SessionRequested { session, tenant, market, order }
}

pub(super) fn hash(layer: TokenLayer) -> SecretHash {
    SecretHash([1 + layer as u8; 32])
}

pub(super) fn row(layer: TokenLayer) -> TokenRow {
    let id = |layer: TokenLayer| TokenId::from_bytes([1 + layer as u8; 16]);
    let above = match layer {
        TokenLayer::Session => None,
        TokenLayer::Vehicle => Some(TokenLayer::Session),
        TokenLayer::Action => Some(TokenLayer::Vehicle),
    };
    let is_action = layer == TokenLayer::Action;
    let token = TokenRecord {
        id: id(layer),
        layer,
        parent: above.map(id),
        session: SESSION,
        order: OrderDigest([1; 32]),
        binding: above.map(|_| 1),
        assignment: above.map(|_| 1),
        driver: above.map(|_| DriverId::from_bytes([1; 16])),
        scope: is_action.then_some(Scope::GroceryHandoff),
        audience: is_action.then_some(LOCK),
        key: KEY,
        issued_at: NOW,
        expires_at: NOW.plus_ms(60_000),
        ended: None,
    };
    TokenRow { hash: hash(layer), parent: above.map(hash), customer: None, token }
}

pub(super) fn decision(decision: DecisionId, session: SessionId) -> DecisionRecord {
    DecisionRecord {
        decision,
        session,
        at: NOW,
        request: "release_compartment".to_owned(),
        facts: None,
        policy: POLICY,
        policies: Vec::new(),
        reasons: Vec::new(),
    }
}

pub(super) fn device_record(counter: u64) -> DeviceRecord {
    DeviceRecord {
        device: LOCK,
        name: "lock".to_owned(),
        class: DeviceClass::Lock,
        public_key: String::new(),
        key: None,
        certificate: None,
        certified_until: None,
        next: None,
        attested: None,
        ran: Vec::new(),
        revoked: None,
        tampered: false,
        distrusted: None,
        browser: false,
        frozen: false,
        enrolled_at: None,
        ruled_out: None,
        counter,
        serving: Some(SESSION),
        last_words: 0,
        driver: None,
    }
}
