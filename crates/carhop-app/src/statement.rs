//! What devices say: each signed statement is verified, put in its place in the device's chain, kept as it came, and
//! observed by the session it is about. A report is never refused for what it reports (`design.md` §2.1).

use carhop_kernel::actor::Actor;
use carhop_kernel::digest::EvidenceHash;
use carhop_kernel::id::{CommandId, DeviceId, SessionId};
use carhop_kernel::order::{Scope, Terms};
use carhop_kernel::session::{Event, NotExecuted, PhaseKind, Report, Session, evolve, observe};
use carhop_kernel::time::Timestamp;
use carhop_proofs::cose::key_id;
use carhop_proofs::frame::Position;
use carhop_proofs::statement::{
    self, Body as Said, ChainError, ChainHead, LockEvent, Outcome, Reading, ReadingKind, Statement,
};

use crate::app::App;
use crate::batch::{Body, DeviceEvent, Meta, Stream, TimerSubject};
use crate::chain::{self, Place};
use crate::failure::Failure;
use crate::hearing::Hearing;
use crate::meter;
use crate::reads::{Reads, retry};
use crate::record::Partition;
use crate::records::{
    ChainRecord, CommandRecord, DeviceRecord, Distrust, LastHeard, ReceiptRecord, SessionHead,
};
use crate::said::{command_of, metered_ml, what};

/// How far a device's statements are durable; what it need not repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HighWaterMark {
    /// The boot.
    pub boot_epoch: u32,
    /// The number of the last statement that is in.
    pub sequence: u64,
}

/// What a new statement needs to be understood.
struct Heard {
    statement: Statement,
    hash: EvidenceHash,
    /// The head of the chain with it, unless it belongs further back.
    head: Option<ChainHead>,
    record: DeviceRecord,
    chain: Option<ChainRecord>,
    session: Option<SessionId>,
    /// Whether the command it names, if it names one, was made for this device.
    is_own: bool,
}

impl App {
    /// How far a device's statements have been read, for its connection to resume from.
    pub async fn high_water_mark(
        &self,
        partition: &Partition,
        device: DeviceId,
    ) -> Result<Option<HighWaterMark>, Failure> {
        let chain = self.peek::<ChainRecord>(partition, device.to_string()).await?;
        Ok(chain
            .filter(ChainRecord::is_heard)
            .map(|chain| HighWaterMark { boot_epoch: chain.boot_epoch, sequence: chain.sequence }))
    }

    /// Notes that a device has connected.
    pub async fn device_connected(
        &self,
        partition: &Partition,
        device: DeviceId,
        next: Position,
    ) -> Result<(), Failure> {
        retry!(self.try_connected(partition, device, next).await)
    }

    async fn try_connected(
        &self,
        partition: &Partition,
        device: DeviceId,
        next: Position,
    ) -> Result<(), Failure> {
        let mut reads = Reads::new(self, partition);
        let record = reads.device(device).await?.ok_or(Failure::NotFound)?;
        let mut batch = reads.batch();
        let meta = Meta::of(Actor::Device { device }).about(&record, reads.now);
        let body = Body::Device(DeviceEvent::Connected { device });
        batch.record(self, Stream::Device(device), &meta, body);
        if self.hearing_of(partition, &record).await? == Hearing::LastWords {
            batch.store(&record.heard_again())?;
        }
        let chain = reads.find::<ChainRecord>(device.to_string()).await?;
        if let Some(chain) = chain.and_then(|chain| chain.greeted(next)) {
            batch.store(&chain)?;
        }
        self.ask_again(&mut batch, device).await?;
        self.append(batch, None).await?;
        Ok(())
    }

    /// Takes a device's statement. What it returns is durable; a repeated statement changes nothing.
    pub async fn hear_statement(
        &self,
        partition: &Partition,
        device: DeviceId,
        bytes: &[u8],
    ) -> Result<HighWaterMark, Failure> {
        retry!(self.try_hear(partition, device, bytes).await)
    }

    async fn try_hear(
        &self,
        partition: &Partition,
        device: DeviceId,
        bytes: &[u8],
    ) -> Result<HighWaterMark, Failure> {
        let mut reads = Reads::new(self, partition);
        let Some(heard) = self.understand(&mut reads, device, bytes).await? else {
            let chain = reads.load::<ChainRecord>(device.to_string()).await?;
            return Ok(HighWaterMark { boot_epoch: chain.boot_epoch, sequence: chain.sequence });
        };
        let Heard { statement, hash: receipt, head, record, chain, session, is_own } = heard;
        let observed = match session {
            Some(id) => Some(reads.session(id).await?),
            None => None,
        };
        let mut batch = reads.batch();
        let meta = Meta::of(Actor::Device { device }).about(&record, reads.now);
        let stated = stated(&statement, receipt);
        batch.record(self, Stream::Device(device), &meta, Body::Device(stated));
        let chain_after = next_chain(device, &statement, head.as_ref(), chain, reads.now);
        batch.store(&chain_after)?;
        batch.store(&receipt_record(&statement, session, reads.now, bytes))?;
        let told = record.after(&statement.body);
        if told != record {
            batch.store(&told)?;
        }
        if let Some(before) = observed {
            let reports = reports(&statement, &before.order.terms, receipt, chain.as_ref());
            let is_forgotten = chain.is_some_and(|chain| chain.is_forgotten(&statement));
            let counts = |report: &Report| {
                (is_own || stands_alone(report)) && !(is_forgotten && is_half_told(report))
            };
            let reports = reports.into_iter().filter(counts);
            let events = heard_by(&before, reports, reads.now);
            if !events.is_empty() {
                batch.advance(self, &before, &meta, &events)?;
            }
        }
        self.append(batch, session).await?;
        let ChainRecord { boot_epoch, sequence, .. } = chain_after;
        Ok(HighWaterMark { boot_epoch, sequence })
    }

    /// Verifies a statement and finds its place; `None` for one that is in already.
    async fn understand(
        &self,
        reads: &mut Reads<'_>,
        device: DeviceId,
        bytes: &[u8],
    ) -> Result<Option<Heard>, Failure> {
        let record = reads.device(device).await?.ok_or(Failure::NotFound)?;
        if let Hearing::NotAtAll(_) = self.hearing_of(&reads.partition, &record).await? {
            return Err(Failure::Unauthenticated);
        }
        let key = record.verifying_key().ok_or(Failure::Unauthenticated)?;
        let suite = self.suite();
        let kid = key_id(suite, &key);
        let statement = statement::open(suite, bytes, |claimed| (*claimed == kid).then_some(key))
            .map_err(|error| Failure::invalid("statement", error.to_string()))?;
        if statement.device != device {
            return Err(Failure::invalid("statement", "made by another device"));
        }
        let chain = reads.find::<ChainRecord>(device.to_string()).await?;
        let head = match chain::place(suite, chain.as_ref(), &statement, bytes) {
            Ok(Place::Next(head)) => Some(head),
            Err(ChainError::Repeated) => return Ok(None),
            Ok(Place::Forgotten) | Err(ChainError::Old)
                if self.is_told_before(reads, &statement, bytes).await? == Some(true) =>
            {
                return Ok(None);
            }
            Ok(Place::Forgotten)
                if self.is_told_before(reads, &statement, bytes).await?.is_none() =>
            {
                None
            }
            Err(error @ ChainError::Gap) => {
                return Err(Failure::invalid("statement", error.to_string()));
            }
            Ok(Place::Forgotten) | Err(ChainError::Old | ChainError::Forked) => {
                return Err(self.note_fork(reads, &record, &statement, bytes).await?);
            }
        };
        let (session, is_own) = self.session_of(reads, &statement, &record).await?;
        let hash = EvidenceHash(suite.sha256(&[bytes]));
        Ok(Some(Heard { statement, hash, head, record, chain, session, is_own }))
    }

    /// Whether an old statement is the one that is known, byte for byte; `None` if none is known.
    async fn is_told_before(
        &self,
        reads: &mut Reads<'_>,
        statement: &Statement,
        bytes: &[u8],
    ) -> Result<Option<bool>, Failure> {
        let Statement { device, boot_epoch, sequence, .. } = *statement;
        let key = ReceiptRecord::key_of(device, boot_epoch, sequence);
        let known = reads.find::<ReceiptRecord>(key).await?;
        Ok(known.map(|known| known.bytes == bytes))
    }

    /// Two stories about one moment: the second is no part of the chain, but that it was told is journaled, once. Nothing
    /// more is asked of the device, and what it serves is held, until somebody has looked (decision 0005).
    async fn note_fork(
        &self,
        reads: &mut Reads<'_>,
        record: &DeviceRecord,
        statement: &Statement,
        bytes: &[u8],
    ) -> Result<Failure, Failure> {
        let refused = Failure::invalid("statement", ChainError::Forked.to_string());
        if record.distrusted.is_some() {
            return Ok(refused);
        }
        let device = record.device;
        let serving = match record.serving {
            Some(id) => Some(reads.session(id).await?),
            None => None,
        };
        let mut batch = reads.batch();
        let meta = Meta::of(Actor::Device { device }).about(record, reads.now);
        let forked = DeviceEvent::Forked {
            device,
            boot_epoch: statement.boot_epoch,
            sequence: statement.sequence,
            statement: EvidenceHash(self.suite().sha256(&[bytes])),
        };
        batch.record(self, Stream::Device(device), &meta, Body::Device(forked));
        let distrusted = Some(Distrust::Forked);
        batch.store(&DeviceRecord { distrusted, ..record.clone() })?;
        if let Some(session) = serving.filter(Session::is_active) {
            let events = observe(&session, &Report::Tampered { device }, reads.now);
            batch.advance(self, &session, &meta, &events)?;
        }
        self.append(batch, record.serving).await?;
        Ok(refused)
    }

    /// What began under a command has taken longer than it may: a door nobody closes, a pump that says no more.
    pub(crate) async fn overdue(
        &self,
        partition: &Partition,
        id: SessionId,
        command: CommandId,
    ) -> Result<(), Failure> {
        retry!({
            let mut reads = Reads::new(self, partition);
            let session = reads.session(id).await?;
            let mut batch = reads.batch();
            batch.finished_timers.push(TimerSubject::Overdue { session: id, command });
            let events = observe(&session, &Report::Overdue { command }, reads.now);
            if !events.is_empty() {
                batch.advance(self, &session, &Meta::system(), &events)?;
            }
            self.append(batch, Some(id)).await?;
            Ok(())
        })
    }

    /// The session a statement is about: its command's, or the one the device serves.
    async fn session_of(
        &self,
        reads: &mut Reads<'_>,
        statement: &Statement,
        record: &DeviceRecord,
    ) -> Result<(Option<SessionId>, bool), Failure> {
        let Some(command) = command_of(&statement.body) else {
            return Ok((self.session_concerned(reads, record).await?, true));
        };
        let known = reads.find::<CommandRecord>(command.to_string()).await?;
        match known.filter(|known| known.device == record.device) {
            Some(own) => Ok((Some(own.session), true)),
            None => Ok((self.session_concerned(reads, record).await?, false)),
        }
    }

    /// Whose business it is what a device does by itself: the session that it serves while that goes on, or the furthest
    /// of those that are to be served by it.
    async fn session_concerned(
        &self,
        reads: &mut Reads<'_>,
        record: &DeviceRecord,
    ) -> Result<Option<SessionId>, Failure> {
        if let Some(serving) = record.serving {
            let session = reads.session(serving).await?;
            if session.is_active() || session.is_going_on_at(record.device) {
                return Ok(Some(serving));
            }
        }
        for phase in FURTHEST_FIRST {
            let index = Some(SessionHead::at_device(record.device, phase));
            let heads = self.list::<SessionHead>(&reads.partition, index, None, 1).await?;
            if let Some(furthest) = heads.first() {
                return Ok(Some(furthest.session));
            }
        }
        Ok(record.serving)
    }
}

/// Whether a report tells of metal and not merely of a command: it counts whatever command the device names. What came
/// of a command is for the device to say that got it, and for no other.
const fn stands_alone(report: &Report) -> bool {
    match report {
        Report::LockOpened { .. }
        | Report::LockLocked { .. }
        | Report::MeterAdvanced { .. }
        | Report::DispensingEnded { .. }
        | Report::MeterDoubted { .. }
        | Report::VehicleMoved
        | Report::Tampered { .. }
        | Report::InterlockTripped { .. }
        | Report::TemperatureOutOfRange { .. } => true,
        Report::LockJammed { .. }
        | Report::PumpArmed { .. }
        | Report::NotExecuted { .. }
        | Report::Abandoned { .. }
        | Report::Silence { .. }
        | Report::GivenUp { .. }
        | Report::Overdue { .. } => false,
    }
}

/// Whether a report is worse than none where the next ones may never come: of a pump that was armed in forgotten time
/// nobody knows whether it runs. If it does, its readings say so; if not, a person has to find out what flowed, which is
/// asked only while the outcome is unknown.
const fn is_half_told(report: &Report) -> bool {
    matches!(report, Report::PumpArmed { .. })
}

/// What a session comes to hear of them all, one after the other.
fn heard_by(
    session: &Session,
    reports: impl Iterator<Item = Report>,
    now: Timestamp,
) -> Vec<Event> {
    let heard = reports.fold((Vec::new(), session.clone()), |(mut events, session), report| {
        let heard = observe(&session, &report, now);
        let session = heard.iter().fold(session, evolve);
        events.extend(heard);
        (events, session)
    });
    heard.0
}

/// What a statement tells a session: what speaks against its meter first, then what it says.
fn reports(
    statement: &Statement,
    terms: &Terms,
    receipt: EvidenceHash,
    chain: Option<&ChainRecord>,
) -> Vec<Report> {
    let device = statement.device;
    match &statement.body {
        Said::Receipt { command, outcome, .. } => {
            vec![receipt_report(device, *command, *outcome, receipt)]
        }
        Said::Lock { command, event } => {
            lock_report(device, *command, *event, receipt, terms).into_iter().collect()
        }
        Said::Meter { command, reading } => {
            let last = chain.and_then(|chain| chain.metering.as_ref());
            let doubts = meter::doubts(*command, reading, last).into_iter();
            let doubts = doubts.map(|doubt| Report::MeterDoubted { device, doubt });
            doubts.chain([meter_report(device, *command, reading)]).collect()
        }
        Said::Interlock { kind, .. } => vec![Report::InterlockTripped { device, kind: *kind }],
    }
}

fn receipt_report(
    device: DeviceId,
    command: CommandId,
    outcome: Outcome,
    receipt: EvidenceHash,
) -> Report {
    match outcome {
        Outcome::Opened => Report::LockOpened { device, command: Some(command), receipt },
        Outcome::Armed => Report::PumpArmed { command, receipt },
        Outcome::Jammed => Report::LockJammed { command },
        Outcome::NeverExecuted => Report::NotExecuted { command, why: NotExecuted::Cancelled },
        Outcome::Refused(_) => Report::NotExecuted { command, why: NotExecuted::RefusedByDevice },
    }
}

fn lock_report(
    device: DeviceId,
    command: Option<CommandId>,
    event: LockEvent,
    receipt: EvidenceHash,
    terms: &Terms,
) -> Option<Report> {
    match event {
        LockEvent::Opened => Some(Report::LockOpened { device, command, receipt }),
        LockEvent::Locked => Some(Report::LockLocked { device }),
        LockEvent::Jammed => command.map(|command| Report::LockJammed { command }),
        LockEvent::Tampered => Some(Report::Tampered { device }),
        LockEvent::Temperature { c10 } => terms
            .cold_chain
            .filter(|cold| c10 < cold.min_c10 || c10 > cold.max_c10)
            .filter(|_| is_cold_box(device, terms))
            .map(|_| Report::TemperatureOutOfRange { device }),
        LockEvent::Closed => None,
    }
}

/// Whether a device keeps something cold in a stop; how warm it is beside another compartment says nothing of the goods.
fn is_cold_box(device: DeviceId, terms: &Terms) -> bool {
    let mut own = terms.legs.iter().filter(|leg| leg.device == device);
    own.any(|leg| leg.service.scope() == Scope::ColdRelease)
}

/// A reading counts whatever speaks against it: what is settled is what the meter showed at the end.
fn meter_report(device: DeviceId, command: CommandId, reading: &Reading) -> Report {
    let Reading { number, metered_ml, .. } = *reading;
    match reading.kind {
        ReadingKind::Begin | ReadingKind::Charge => {
            Report::MeterAdvanced { device, command, number, metered_ml }
        }
        ReadingKind::End(_) => Report::DispensingEnded { device, command, metered_ml },
    }
}

fn next_chain(
    device: DeviceId,
    statement: &Statement,
    head: Option<&ChainHead>,
    before: Option<ChainRecord>,
    now: Timestamp,
) -> ChainRecord {
    let said_last = Some(LastHeard { at: now, device_time: statement.at });
    let before = ChainRecord { heard: said_last, ..before.unwrap_or(ChainRecord::unheard(device)) };
    let Some(head) = head else { return before };
    let metering = match &statement.body {
        Said::Meter { command, reading } => Some(meter::metering(*command, reading)),
        Said::Receipt { .. } | Said::Lock { .. } | Said::Interlock { .. } => before.metering,
    };
    let ChainHead { boot_epoch, sequence, hash } = *head;
    ChainRecord { boot_epoch, sequence, hash: EvidenceHash(hash), metering, ..before }
}

/// What is kept of a statement; a verifier makes the same of its bytes and its entry.
pub fn receipt_record(
    statement: &Statement,
    session: Option<SessionId>,
    received_at: Timestamp,
    bytes: &[u8],
) -> ReceiptRecord {
    ReceiptRecord {
        device: statement.device,
        session,
        boot_epoch: statement.boot_epoch,
        sequence: statement.sequence,
        what: what(&statement.body).to_owned(),
        device_time: statement.at,
        received_at,
        metered_ml: metered_ml(&statement.body),
        bytes: bytes.to_vec(),
    }
}

/// What the log says of a statement whose bytes have this hash; a verifier makes the same of the bytes alone.
pub fn stated(statement: &Statement, hash: EvidenceHash) -> DeviceEvent {
    DeviceEvent::Stated {
        device: statement.device,
        what: what(&statement.body).to_owned(),
        command: command_of(&statement.body),
        metered_ml: metered_ml(&statement.body),
        statement: hash,
    }
}

/// The phases of an active session, the one that comes last first.
const FURTHEST_FIRST: [PhaseKind; 7] = [
    PhaseKind::InService,
    PhaseKind::HandoffReady,
    PhaseKind::Arrived,
    PhaseKind::EnRoute,
    PhaseKind::VehicleBound,
    PhaseKind::Verified,
    PhaseKind::Requested,
];
