//! A history in which everything is well, to be spoiled.

mod kinds;
mod parts;
mod spoiled;

use std::sync::Arc;

use carhop_app::Reply;
use carhop_app::batch::{DecisionRef, DeviceTrust, Effect, Entry, Meta, Sequenced, Write};
use carhop_app::record::{Partition, Record};
use carhop_app::records::{DecisionRecord, LogRecord};
use carhop_kernel::actor::Actor;
use carhop_kernel::device::{DeviceClass, TrustTier};
use carhop_kernel::digest::{
    BasketHash, Commitment, DecisionDigest, EvidenceHash, FirmwareDigest, IntentDigest,
    KeyThumbprint, PolicyVersion, SecretHash,
};
use carhop_kernel::evidence::{Assurance, PlaceMethod, PresenceMethod, VehicleMatch};
use carhop_kernel::id::{
    CommandId, CustomerId, DecisionId, DriverId, OrderId, ProofId, ReleaseId, SessionId, TokenId,
};
use carhop_kernel::order::{
    Compartment, Currency, FuelGrade, HandoffType, LegTerms, OrderVersion, PlaceKind, Scope,
    Sensitivity, Service, Terms, Value,
};
use carhop_kernel::session::{LegIndex, Outcome as End, Release, Session, evolve, open};
use carhop_kernel::time::{Timestamp, Window};
use carhop_kernel::token::{TokenEnd, TokenLayer, TokenRecord};
use carhop_proofs::merkle::{Frontier, leaf_hash};
use carhop_proofs::statement::{ClockState, EndReason, LockEvent, Reading, ReadingKind, Statement};
use carhop_proofs::suite::{RustCrypto, Suite};

use super::*;
use crate::happening::{PersonNumber, ServerNumber, Written};
pub(super) use kinds::*;
use parts::*;
pub(super) use spoiled::{replace, settle};

pub(super) const NOW: Timestamp = Timestamp::from_unix_ms(1_795_000_000_000);
pub(super) const SERVER: ServerNumber = ServerNumber(0);
pub(super) const PERSON: PersonNumber = PersonNumber(1);
pub(super) const SESSION: SessionId = SessionId::from_bytes([1; 16]);
pub(super) const OTHER_SESSION: SessionId = SessionId::from_bytes([2; 16]);
pub(super) const LOCK: DeviceId = DeviceId::from_bytes([3; 16]);
pub(super) const HANDSET: DeviceId = DeviceId::from_bytes([4; 16]);
pub(super) const COMMAND: CommandId = CommandId::from_bytes([5; 16]);
pub(super) const OTHER_COMMAND: CommandId = CommandId::from_bytes([6; 16]);
pub(super) const LEG: LegIndex = LegIndex(0);
pub(super) const LOCKED: LockEvent = LockEvent::Locked;
const KEY: KeyThumbprint = KeyThumbprint([7; 32]);
const POLICY: PolicyVersion = PolicyVersion([8; 32]);
const FIRMWARE: FirmwareDigest = FirmwareDigest([9; 32]);
const TOTAL_ML: u64 = 1_000_000;

/// What the stop of a history brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kinds {
    Goods,
    Fuel,
}

/// A history.
pub(super) struct Tale {
    told: Vec<(Timestamp, Happening)>,
    appends: u64,
    entries: u64,
}

impl Tale {
    /// One stop from its order to its end.
    pub(super) fn good(kind: Kinds) -> Self {
        let mut tale = Self { told: Vec::new(), appends: 0, entries: 0 };
        tale.set_up();
        tale.come_to_the_car(kind);
        tale.release(COMMAND, 1);
        tale.event(Event::CommandSent { leg: LEG, command: COMMAND });
        let bytes = RustCrypto.sha256(&[COMMAND.as_bytes()]);
        tale.say(Happening::CommandLeft { server: SERVER, device: LOCK, bytes });
        tale.say(Happening::Accepted { device: LOCK, command: COMMAND });
        match kind {
            Kinds::Goods => tale.goods(),
            Kinds::Fuel => tale.fuel(),
        }
        tale.sequence();
        tale
    }

    /// What the model says of it.
    pub(super) fn judged(&self) -> Result<(), Broken> {
        let mut model = Model::default();
        for (at, happening) in &self.told {
            model.see(*at, happening)?;
        }
        for happening in [Happening::Healed, Happening::Ended] {
            model.see(NOW.plus_ms(2 * 3_600_000), &happening)?;
        }
        Ok(())
    }

    fn set_up(&mut self) {
        for (device, class) in [(LOCK, DeviceClass::Lock), (HANDSET, DeviceClass::Handset)] {
            let enrolled =
                DeviceEvent::Enrolled { device, class, certificate: KEY, expires_at: NOW };
            let (tier, firmware) = (TrustTier::Attested, vec![FIRMWARE]);
            let attested = DeviceEvent::Attested { device, tier, firmware, why: None, root: None };
            let bodies = vec![Body::Device(enrolled), Body::Device(attested)];
            self.append(Stream::Device(device), bodies, |_| {});
        }
        let (ask, question) = (Ask::PlaceOrder, 1);
        self.say(Happening::Asked { person: PERSON, question, ask, server: SERVER });
    }

    fn come_to_the_car(&mut self, kind: Kinds) {
        self.event(requested(SESSION, kind));
        let reply = Reply { session: Some(SESSION), ..Reply::default() };
        let (ask, question, answer) = (Ask::PlaceOrder, 1, Answer::Done(reply));
        self.say(Happening::Answered { person: PERSON, question, ask, answer });
        for event in approach() {
            self.event(event);
        }
        let compared = Body::VehicleCompared { matches: true, misses: 0 };
        self.append(Stream::Side(SESSION), vec![compared], |_| {});
        let proof = ProofId::from_bytes([1; 16]);
        self.event(Event::PresenceProven { method: PresenceMethod::Code, proof, at: NOW });
        for mut row in [TokenLayer::Session, TokenLayer::Vehicle, TokenLayer::Action].map(row) {
            if kind == Kinds::Fuel && row.token.scope.is_some() {
                row.token.scope = Some(Scope::FuelAuthorisation);
            }
            self.store(&row);
        }
    }

    fn goods(&mut self) {
        self.say(Happening::Actuated { device: LOCK, action: Action::Open { compartment: 1 } });
        self.say(Happening::DoorOpened { device: LOCK });
        let outcome = Outcome::Opened;
        let receipt = self.tell(LOCK, 0, Said::Receipt { command: COMMAND, counter: 1, outcome });
        self.hear(
            "receipt.opened",
            receipt,
            vec![Event::CompartmentOpened { leg: LEG, command: COMMAND, receipt }],
        );
        self.event(Event::GoodsTransferred { leg: LEG });
        self.say(Happening::DoorLocked { device: LOCK });
        let locked = self.tell(LOCK, 1, Said::Lock { command: Some(COMMAND), event: LOCKED });
        let secured = Event::CompartmentSecured { leg: LEG };
        self.hear("lock.locked", locked, vec![secured, done()]);
    }

    fn fuel(&mut self) {
        let action = Action::Arm { max_ml: 30_000, grade: 1 };
        self.say(Happening::Actuated { device: LOCK, action });
        let outcome = Outcome::Armed;
        let armed = self.tell(LOCK, 0, Said::Receipt { command: COMMAND, counter: 1, outcome });
        let event = Event::PumpArmed { leg: LEG, command: COMMAND, receipt: armed };
        self.hear("receipt.armed", armed, vec![event]);
        let begin = self.tell(LOCK, 1, meter(0, ReadingKind::Begin, 0));
        self.hear("meter.begin", begin, Vec::new());
        let totaliser_ml = TOTAL_ML + 12_345;
        self.say(Happening::Metered { device: LOCK, totaliser_ml });
        let metered_ml = 12_345;
        let end = meter(1, ReadingKind::End(EndReason::Finished), metered_ml);
        let end = self.tell(LOCK, 2, end);
        self.hear(
            "meter.end",
            end,
            vec![
                Event::DispensingEnded { leg: LEG, metered_ml },
                Event::FuelSettled { leg: LEG, metered_ml },
                done(),
            ],
        );
    }

    fn hear(&mut self, what: &str, statement: EvidenceHash, events: Vec<Event>) {
        let (device, command, metered_ml) = (LOCK, Some(COMMAND), None);
        let what = what.to_owned();
        let stated = DeviceEvent::Stated { device, what, command, metered_ml, statement };
        self.append(Stream::Device(LOCK), vec![Body::Device(stated)], |batch| {
            for (event, number) in events.into_iter().zip(1..) {
                let id = derived(&batch.entries[0].id, number);
                let body = Body::Session(Box::new(event));
                batch.entries.push(entry(id, Stream::Session(SESSION), body));
            }
        });
    }

    fn sequence(&mut self) {
        let mut batch = Batch::new(partition("acme"), NOW);
        let mut frontier = Frontier::default();
        for (position, event) in (0..).zip(self.events()) {
            let leaf = event.as_bytes().to_vec();
            frontier.append(&RustCrypto, leaf_hash(&RustCrypto, &leaf), |_, _, _| {});
            batch.sequenced.push(Sequenced { event, position, leaf });
        }
        let record = LogRecord { size: frontier.size(), peaks: frontier.peaks().to_vec() };
        batch.writes.push(written(&record));
        self.appended(batch);
    }

    /// A release of the leg.
    pub(super) fn release(&mut self, command: CommandId, counter: u64) {
        let expires_at = NOW.plus_ms(30_000);
        let release = ReleaseId::from_bytes([u8::try_from(counter).unwrap(); 16]);
        let release = Release { release, command, counter, expires_at };
        let event = Event::ReleaseAuthorised { leg: LEG, device: LOCK, release };
        let id = DecisionId::from_bytes(*command.as_bytes());
        let decision = written(&decision(id, SESSION));
        let digest = RustCrypto.sha256(&[decision.body.as_deref().unwrap()]);
        let body = Body::Session(Box::new(event));
        self.append(Stream::Session(SESSION), vec![body], |batch| {
            let meta = &mut batch.entries[0].meta;
            meta.decision = Some(DecisionRef { id, digest: DecisionDigest(digest) });
            (meta.policy, meta.key, meta.token) =
                (Some(POLICY), Some(KEY), Some(hash(TokenLayer::Action)));
            let (device, firmware, tier) = (LOCK, vec![FIRMWARE], TrustTier::Attested);
            meta.device = Some(DeviceTrust { device, firmware, tier });
            batch.writes.extend([decision, written(&device_record(counter))]);
            let bytes = command.as_bytes().to_vec();
            let (device, session) = (LOCK, SESSION);
            let send = Effect::SendCommand { device, session, command, expires_at, bytes };
            batch.effects.push((EventId::from_bytes(*command.as_bytes()), send));
        });
    }

    /// The same release with the next command.
    pub(super) fn release_again(&mut self) {
        self.release(OTHER_COMMAND, 2);
    }

    /// The lock has refused the command, and that was heard.
    pub(super) fn not_executed(&mut self) {
        let outcome = Outcome::Refused(RefusalCode::Busy);
        let said = Said::Receipt { command: COMMAND, counter: 0, outcome };
        let refused = self.tell(LOCK, 0, said);
        let why = NotExecuted::RefusedByDevice;
        let event = Event::ReleaseNotExecuted { leg: LEG, command: COMMAND, why };
        self.hear("receipt.refused", refused, vec![event]);
    }

    /// Another stop has the lock.
    pub(super) fn other_stop_is_released(&mut self) {
        let (ask, question) = (Ask::PlaceOrder, 2);
        self.say(Happening::Asked { person: PERSON, question, ask, server: SERVER });
        let at = self.told.len();
        self.event(requested(OTHER_SESSION, Kinds::Goods));
        for event in approach() {
            self.event(event);
        }
        let compared = Body::VehicleCompared { matches: true, misses: 0 };
        self.append(Stream::Side(SESSION), vec![compared], |_| {});
        let proof = ProofId::from_bytes([2; 16]);
        self.event(Event::PresenceProven { method: PresenceMethod::Code, proof, at: NOW });
        let mut other = row(TokenLayer::Action);
        (other.hash, other.token.session) = (SecretHash([99; 32]), OTHER_SESSION);
        self.store(&other);
        self.release(OTHER_COMMAND, 1);
        for (_, happening) in &mut self.told[at..] {
            change_batch(happening, |batch| {
                for entry in &mut batch.entries {
                    entry.stream = match entry.stream {
                        Stream::Session(_) => Stream::Session(OTHER_SESSION),
                        Stream::Side(_) => Stream::Side(OTHER_SESSION),
                        other @ (Stream::Device(_) | Stream::Operator) => other,
                    };
                    if let Some(decision) = &mut entry.meta.decision {
                        let id = decision.id;
                        let stored = written(&self::decision(id, OTHER_SESSION));
                        decision.digest.0 = RustCrypto.sha256(&[stored.body.as_deref().unwrap()]);
                        batch.writes[0] = stored;
                        entry.meta.token = Some(SecretHash([99; 32]));
                    }
                }
            });
        }
    }

    /// The stop is revoked, and the lock told to cancel.
    pub(super) fn revoke(&mut self) {
        let why = RevocationCause::CustomerStopped;
        let revoked = Body::Session(Box::new(Event::SessionRevoked { why }));
        self.append(Stream::Session(SESSION), vec![revoked], |batch| {
            let (device, cancel, command) = (LOCK, OTHER_COMMAND, COMMAND);
            let made = DeviceEvent::CancelMade { device, cancel, command };
            let id = derived(&batch.entries[0].id, 1);
            batch.entries.push(entry(id, Stream::Device(LOCK), Body::Device(made)));
            let bytes = OTHER_COMMAND.as_bytes().to_vec();
            let (device, expires_at) = (LOCK, NOW.plus_ms(30_000));
            let cancel = Effect::SendCancel { device, expires_at, bytes };
            batch.effects.push((EventId::from_bytes([77; 16]), cancel));
            batch.writes.push(written(&device_record(2)));
        });
    }

    pub(super) fn device_is_revoked(&mut self, device: DeviceId) {
        let revoked = DeviceEvent::Revoked { device, why: "stolen".to_owned() };
        self.append(Stream::Device(device), vec![Body::Device(revoked)], |_| {});
    }

    pub(super) fn grandparent_is_revoked(&mut self) {
        let mut top = row(TokenLayer::Session);
        top.token.ended = Some(TokenEnd::Revoked);
        self.before(is_released, |tale| tale.store(&top));
    }

    /// Changes the action token before it is used.
    pub(super) fn token(&mut self, change: impl Fn(&mut TokenRow)) {
        let mut action = row(TokenLayer::Action);
        change(&mut action);
        self.before(is_released, |tale| tale.store(&action));
    }

    /// Changes what is stored of the lock with its release.
    pub(super) fn device_record(&mut self, change: impl Fn(&mut DeviceRecord)) {
        let mut record = device_record(1);
        change(&mut record);
        self.batch(is_released, |batch| {
            for write in batch.writes.iter_mut().filter(|write| write.key.kind == Kind::Device) {
                *write = written(&record);
            }
        });
    }

    /// The session as it is in the end.
    pub(super) fn session(&self) -> Session {
        let batches = self.told.iter().filter_map(|(_, happening)| batch_of(happening));
        let entries = batches.flat_map(|batch| &batch.entries);
        let mut events = entries.filter_map(|entry| {
            let Body::Session(event) = &entry.body else { return None };
            Some(&**event)
        });
        let first = open(events.next().unwrap()).unwrap();
        events.fold(first, evolve)
    }

    /// All events, in order.
    pub(super) fn events(&self) -> Vec<EventId> {
        let batches = self.told.iter().filter_map(|(_, happening)| batch_of(happening));
        batches.flat_map(|batch| batch.entries.iter().map(|entry| entry.id)).collect()
    }

    pub(super) fn say(&mut self, happening: Happening) {
        self.told.push((NOW, happening));
    }

    pub(super) fn event(&mut self, event: Event) {
        let body = Body::Session(Box::new(event));
        self.append(Stream::Session(SESSION), vec![body], |_| {});
    }

    pub(super) fn store(&mut self, record: &impl Record) {
        let mut batch = Batch::new(partition("acme"), NOW);
        batch.writes.push(written(record));
        self.appended(batch);
    }

    pub(super) fn append(
        &mut self,
        stream: Stream,
        bodies: Vec<Body>,
        change: impl FnOnce(&mut Batch),
    ) {
        let mut batch = Batch::new(partition("acme"), NOW);
        for body in bodies {
            let id = self.next();
            batch.entries.push(entry(id, stream, body));
        }
        change(&mut batch);
        self.appended(batch);
    }

    /// A device says something.
    pub(super) fn tell(&mut self, device: DeviceId, sequence: u64, body: Said) -> EvidenceHash {
        let (boot_epoch, at, clock, previous) = (1, NOW, ClockState::Synchronised, [0; 32]);
        let statement = Statement { device, boot_epoch, sequence, at, clock, previous, body };
        let hash = RustCrypto.sha256(&[format!("{body:?}/{sequence}").as_bytes()]);
        self.say(Happening::Told { statement, hash });
        EvidenceHash(hash)
    }

    fn appended(&mut self, batch: Batch) {
        self.appends += 1;
        let (append, batch) = (self.appends, Written(Arc::new(batch)));
        self.say(Happening::Appended { server: SERVER, append, batch });
        self.say(Happening::Acknowledged { server: SERVER, append });
    }

    fn next(&mut self) -> EventId {
        self.entries += 1;
        let number = self.entries;
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        EventId::from_bytes(bytes)
    }
}

pub(super) fn partition(tenant: &str) -> Partition {
    Partition { tenant: tenant.parse().unwrap(), market: "los-altos".parse().unwrap() }
}
