//! What a revocation leads to, step by step from a durable timer: the stops that rely are put on hold, what had left is
//! stopped and followed to its answer, and once nothing more can happen the revocation is settled (`design.md` §9.2). A
//! restart goes on where it was; a step that is done twice does nothing twice.

use std::collections::{BTreeMap, BTreeSet};

use carhop_kernel::id::{DeviceId, SessionId};
use carhop_kernel::session::{
    Event, Exception, HoldCause, Leg, LegKind, LegStateKind, Session, evolve, open,
};
use carhop_kernel::time::Timestamp;

use crate::app::App;
use crate::batch::{Body, Meta, OperatorEvent, Stream, Timer};
use crate::failure::Failure;
use crate::reads::{Reads, retry};
use crate::record::Partition;
use crate::records::{
    AwaitedCommand, CommandRecord, DeviceRecord, RevocationRecord, SessionHead, StopOrder, Swept,
    TrustSubject,
};

/// What relies on a device, a class or a firmware now: what its revocation would strike.
#[derive(Clone, Debug)]
pub struct Reliance {
    /// The devices concerned, of which no more than [`DEVICES_SHOWN_MAX`] are looked at.
    pub devices: Vec<DeviceId>,
    /// Whether there are more.
    pub more: bool,
    /// The stops that rely on one of them, as driver's handset, lock or pump.
    pub sessions: Vec<SessionHead>,
    /// The revocation, if it was revoked.
    pub revocation: Option<RevocationRecord>,
}

/// The two moments of a stop's own revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moments {
    /// From here on nothing new is released and nothing unsent leaves.
    pub revoked_at: Timestamp,
    /// From here on nothing that was commanded before can happen any more; `None` while that is not so.
    pub settled_at: Option<Timestamp>,
}

impl App {
    /// What relies on it (M-DEV-3): to be looked at before it is revoked.
    pub async fn reliance(
        &self,
        partition: &Partition,
        subject: TrustSubject,
    ) -> Result<Reliance, Failure> {
        let mut concerned = self.concerned(partition, subject, None, DEVICES_SHOWN_MAX + 1).await?;
        let more = concerned.len() > DEVICES_SHOWN_MAX;
        concerned.truncate(DEVICES_SHOWN_MAX);
        let mut sessions = BTreeMap::new();
        for device in &concerned {
            let heads = self.relying(partition, device.device).await?;
            sessions.extend(heads.into_iter().map(|head| (head.session, head)));
        }
        Ok(Reliance {
            devices: concerned.iter().map(|record| record.device).collect(),
            more,
            sessions: sessions.into_values().collect(),
            revocation: self.peek(partition, subject.to_string()).await?,
        })
    }

    /// Every revocation, in order of subject.
    pub async fn list_revocations(
        &self,
        partition: &Partition,
        after: Option<String>,
        limit: usize,
    ) -> Result<Vec<RevocationRecord>, Failure> {
        self.list(partition, None, after, limit).await
    }

    /// The two moments of a stop's revocation as its own history tells them; `None` for a stop that was not revoked.
    pub(crate) async fn moments_of(
        &self,
        partition: &Partition,
        id: SessionId,
    ) -> Result<Option<Moments>, Failure> {
        let (mut session, mut moments) = (None::<Session>, None::<Moments>);
        let mut given_up = BTreeSet::new();
        for recorded in self.history_of(partition, id).await? {
            let Body::Session(event) = &recorded.body else { continue };
            let after = match session.take() {
                Some(session) => evolve(session, event),
                None => open(event).ok_or(Failure::Internal("a session without a start"))?,
            };
            if let Event::SessionRevoked { .. } = **event {
                moments = Some(Moments { revoked_at: recorded.at, settled_at: None });
            }
            if let Event::ExceptionRaised { exception: Exception::OutcomeUnknown, leg, .. } =
                **event
            {
                given_up.extend(leg);
            }
            let stop = |leg| {
                if given_up.contains(&leg) { StopOrder::Unanswered } else { StopOrder::Given }
            };
            let is_settled = !after.legs().any(|(index, leg)| is_open_still(leg, stop(index)));
            if let Some(moments) = moments.as_mut().filter(|it| it.settled_at.is_none()) {
                moments.settled_at = is_settled.then_some(recorded.at);
            }
            session = Some(after);
        }
        Ok(moments)
    }

    /// Takes a revocation one step further.
    pub(crate) async fn settle(&self, timer: &Timer, subject: TrustSubject) -> Result<(), Failure> {
        retry!({
            let mut reads = Reads::new(self, &timer.partition);
            let record = reads.load::<RevocationRecord>(subject.to_string()).await?;
            match record.swept {
                Swept::All => self.follow(reads, timer, record).await,
                Swept::None | Swept::Through(_) => self.sweep(reads, timer, record).await,
            }
        })
    }

    /// Looks at the next devices: holds what relies on them, orders what had left to be stopped, and notes it. One that
    /// cannot be dealt with keeps none behind it running: it fails the sweep only after the last.
    async fn sweep(
        &self,
        mut reads: Reads<'_>,
        timer: &Timer,
        mut record: RevocationRecord,
    ) -> Result<(), Failure> {
        let after = match record.swept {
            Swept::Through(device) => Some(device),
            Swept::None | Swept::All => {
                (record.devices, record.sessions, record.missed) = (0, 0, false);
                None
            }
        };
        let partition = &timer.partition;
        let found = self.concerned(partition, record.subject, after, DEVICES_PER_STEP).await?;
        let (mut disowned, mut outcome) = (Vec::new(), Ok(()));
        for device in &found {
            let withdrawn = self.withdraw(partition, device.device, &mut record).await;
            if let (Ok(()), TrustSubject::Firmware(_)) = (&withdrawn, record.subject) {
                // What it said of itself counts no more; it may come back with something better on it, and is then no longer
                // found by this firmware.
                let device = reads.load::<DeviceRecord>(device.device.to_string()).await?;
                disowned.push(DeviceRecord { attested: None, ..device });
            }
            outcome = withdrawn.and(outcome);
        }
        record.devices += found.len() as u64;
        record.missed |= outcome.is_err();
        let mut batch = reads.batch();
        let next = |tries| Timer { due_at: reads.now, tries, ..timer.clone() };
        record.swept = match found.last() {
            Some(last) if found.len() == DEVICES_PER_STEP => {
                batch.timers.push(next(timer.tries));
                Swept::Through(last.device)
            }
            Some(_) | None if record.missed => Swept::None,
            Some(_) | None => {
                batch.timers.push(next(0));
                Swept::All
            }
        };
        for device in &disowned {
            batch.store(device)?;
        }
        batch.store(&record)?;
        self.append(batch, None).await?;
        match record.swept {
            Swept::None => outcome.and(Err(Failure::Internal(MISSED))),
            Swept::Through(_) | Swept::All => Ok(()),
        }
    }

    /// Takes a device that lost its trust out of every stop that relies on it, and notes which commands are to be waited
    /// for. The last failure, after all were tried.
    async fn withdraw(
        &self,
        partition: &Partition,
        device: DeviceId,
        record: &mut RevocationRecord,
    ) -> Result<(), Failure> {
        let mut outcome = Ok(());
        for head in self.relying(partition, device).await? {
            record.sessions += 1;
            match self.withdraw_from(partition, head.session, device).await {
                Ok(awaited) => {
                    let known = record.awaited.clone();
                    record.awaited.extend(awaited.into_iter().filter(|it| !known.contains(it)));
                }
                Err(failure) => outcome = Err(failure),
            }
        }
        outcome
    }

    /// Settles it once every command that had left was answered, or its time and the stated skew have passed and its leg
    /// says that nobody knows. A pump is answered for when its end was heard, or when it was told to stop, has not said
    /// that it did, and has stopped by itself at the latest: then a person has been called.
    async fn follow(
        &self,
        mut reads: Reads<'_>,
        timer: &Timer,
        record: RevocationRecord,
    ) -> Result<(), Failure> {
        let mut is_open = false;
        for awaited in &record.awaited {
            let session = reads.session(awaited.session).await?;
            let made = reads.load::<CommandRecord>(awaited.command.to_string()).await?;
            let leg = session.leg_of_command(awaited.command).and_then(|leg| session.leg(leg));
            is_open |= leg.is_some_and(|leg| is_open_still(leg, made.stop));
        }
        let mut batch = reads.batch();
        if is_open {
            let due_at = reads.now.plus_ms(FOLLOW_INTERVAL_MS);
            batch.timers.push(Timer { due_at, tries: 0, ..timer.clone() });
        } else {
            let event = OperatorEvent::RevocationSettled { subject: record.subject.to_string() };
            batch.record(self, Stream::Operator, &Meta::system(), Body::Operator(event));
            batch.store(&RevocationRecord { settled_at: Some(reads.now), ..record })?;
            batch.finished_timers.push(timer.subject);
        }
        self.append(batch, None).await?;
        Ok(())
    }

    /// Takes a device that lost its trust out of a stop: what moves metal first. The commands that are to be waited for.
    async fn withdraw_from(
        &self,
        partition: &Partition,
        session: SessionId,
        device: DeviceId,
    ) -> Result<Vec<AwaitedCommand>, Failure> {
        let stopped = self.stop_relying(partition, session, device).await;
        self.hold_relying(partition, session).await?;
        stopped?;
        self.awaited_of(partition, session, device).await
    }

    /// Freezes a stop that relies on a device which lost its trust. It follows from what people have
    /// decided, so that no policy is asked and none can stand in its way.
    async fn hold_relying(&self, partition: &Partition, id: SessionId) -> Result<(), Failure> {
        let cause = HoldCause::DeviceRevoked;
        retry!({
            let mut reads = Reads::new(self, partition);
            let session = reads.session(id).await?;
            let is_held = session.holds.contains_key(&cause);
            if is_held || !session.is_active() {
                return Ok(());
            }
            let mut batch = reads.batch();
            let held = Event::SessionHeld { cause, at: reads.now };
            batch.advance(self, &session, &Meta::system(), &[held])?;
            self.append(batch, Some(id)).await?;
            Ok(())
        })
    }

    /// Orders whatever may still act in a stop by a device, or by its handset's driver, to be stopped.
    async fn stop_relying(
        &self,
        partition: &Partition,
        id: SessionId,
        device: DeviceId,
    ) -> Result<(), Failure> {
        retry!({
            let mut reads = Reads::new(self, partition);
            let session = reads.session(id).await?;
            let may_act = |leg: &Leg| leg.state.kind().may_act() && relies(&session, leg, device);
            if !session.legs.iter().any(may_act) {
                return Ok(());
            }
            let cancel = self.cancel_of(&mut reads, &session).await?;
            let Some(cancel) = cancel.filter(|cancel| !cancel.is_repeated()) else { return Ok(()) };
            let mut batch = reads.batch();
            cancel.give(&mut batch, self)?;
            self.append(batch, Some(id)).await?;
            Ok(())
        })
    }

    /// The commands of a stop whose outcome the revocation of a device has to wait for.
    async fn awaited_of(
        &self,
        partition: &Partition,
        id: SessionId,
        device: DeviceId,
    ) -> Result<Vec<AwaitedCommand>, Failure> {
        let session = Reads::new(self, partition).session(id).await?;
        let open =
            |leg: &&Leg| relies(&session, leg, device) && is_open_still(leg, StopOrder::None);
        let releases = session.legs.iter().filter(open).filter_map(|leg| leg.state.release());
        let commands = releases.map(|release| release.command);
        Ok(commands.map(|command| AwaitedCommand { session: id, command }).collect())
    }

    /// The next devices that a revocation of the subject concerns, in order of id.
    async fn concerned(
        &self,
        partition: &Partition,
        subject: TrustSubject,
        after: Option<DeviceId>,
        limit: usize,
    ) -> Result<Vec<DeviceRecord>, Failure> {
        let index = match subject {
            TrustSubject::Device(device) => {
                let one = self.peek::<DeviceRecord>(partition, device.to_string()).await?;
                return Ok(one.filter(|_| after.is_none()).into_iter().collect());
            }
            TrustSubject::Class(class) => ("class", class.name().to_owned()),
            TrustSubject::Firmware(firmware) => ("firmware", firmware.to_string()),
        };
        let after = after.map(|device| device.to_string());
        self.list(partition, Some(index), after, limit).await
    }

    /// Every stop that relies on a device, and every one that waits for what it says of a command.
    async fn relying(
        &self,
        partition: &Partition,
        device: DeviceId,
    ) -> Result<Vec<SessionHead>, Failure> {
        let mut heads = BTreeMap::new();
        for index in ["device", "handset", "awaited"] {
            let mut after = None;
            loop {
                let index = Some((index, device.to_string()));
                let page =
                    self.list::<SessionHead>(partition, index, after, SESSIONS_PER_PAGE).await?;
                after = page.last().map(|head| head.session.to_string());
                let is_last = page.len() < SESSIONS_PER_PAGE;
                heads.extend(page.into_iter().map(|head| (head.session, head)));
                if is_last {
                    break;
                }
            }
        }
        Ok(heads.into_values().collect())
    }
}

/// Whether a leg is served by the device, or by a driver with it, who may have released it before the stop ended.
fn relies(session: &Session, leg: &Leg, device: DeviceId) -> bool {
    leg.terms.device == device
        || session.last_assignment().is_some_and(|assigned| assigned.device == device)
}

/// Whether something may yet happen under a leg's release and nobody has been told so. What has not left is called back
/// in its turn; a lock whose outcome is unknown refuses by now, but a pump may have been armed in time and run on.
pub(crate) fn is_open_still(leg: &Leg, stop: StopOrder) -> bool {
    match leg.state.kind() {
        LegStateKind::Released | LegStateKind::Authorised | LegStateKind::Commanded => true,
        LegStateKind::Dispensing => stop != StopOrder::Unanswered,
        LegStateKind::Indeterminate => leg.kind() == LegKind::Fuel && stop != StopOrder::Unanswered,
        LegStateKind::Pending
        | LegStateKind::Open
        | LegStateKind::Transferred
        | LegStateKind::Secured
        | LegStateKind::Dispensed
        | LegStateKind::Settled
        | LegStateKind::TakenOver
        | LegStateKind::Failed => false,
    }
}

/// Devices that are looked at before a revocation.
pub const DEVICES_SHOWN_MAX: usize = 1_000;
/// Devices that one step of a revocation looks at.
const DEVICES_PER_STEP: usize = 32;
/// Sessions that are listed at once.
const SESSIONS_PER_PAGE: usize = 100;
/// How often a revocation looks whether what had left was answered.
const FOLLOW_INTERVAL_MS: u64 = 1_000;
const MISSED: &str = "a stop that relies on revoked devices could not be dealt with";
