//! Runs the outbox and the timers. Effects happen only from here, so that a restart and a first run are the same code
//! (`design.md` §2.5).

use carhop_kernel::actor::Actor;
use carhop_kernel::id::{CommandId, DeviceId, EventId, SessionId};
use carhop_kernel::reason::{Reason, Refusal};
use carhop_kernel::session::{
    Action, Event, LegStateKind, NotExecuted, Report, Request, RequestKind, Session, decide,
    observe,
};
use carhop_kernel::time::Timestamp;

use crate::app::App;
use crate::batch::{Body, Effect, LeasedEffect, Meta, Refused, Stream, Timer, TimerSubject};
use crate::failure::Failure;
use crate::ports::DeviceFrame;
use crate::reads::{Reads, retry};
use crate::record::Partition;
use crate::records::{CommandRecord, DeviceRecord, TenantRecord, TokenRow};

impl App {
    /// Runs every effect that is due. Returns how many there were; call again until it returns zero.
    pub async fn run_effects(&self) -> Result<usize, Failure> {
        let now = self.now();
        let until = now.plus_ms(EFFECT_LEASE_MS);
        let leased = self.parts.journal.lease_effects(now, until, EFFECTS_PER_RUN).await?;
        let count = leased.len();
        let mut outcome = Ok(count);
        for effect in leased {
            // One that fails comes back when its lease runs out; it must not hold up the others.
            if let Err(failure) = self.run_effect(effect).await {
                outcome = Err(failure);
            }
        }
        outcome
    }

    /// Runs every timer that is due. Returns how many there were.
    pub async fn run_timers(&self) -> Result<usize, Failure> {
        let due = self.parts.journal.due_timers(self.now(), TIMERS_PER_RUN).await?;
        let mut outcome = Ok(due.len());
        for timer in &due {
            let run = match timer.subject {
                TimerSubject::Silence { session, command } => {
                    self.silence(&timer.partition, session, command).await
                }
                TimerSubject::WindowEnd { session } => {
                    self.window_end(&timer.partition, session).await
                }
            };
            if let Err(failure) = run {
                outcome = Err(failure);
            }
        }
        outcome
    }

    async fn run_effect(&self, (id, partition, effect): LeasedEffect) -> Result<(), Failure> {
        let Effect::SendCommand { device, session, command, expires_at, bytes } = effect;
        if !self.parts.carrier.is_connected(device) && self.now() < expires_at {
            // The lease runs out and the effect comes back: nothing was promised to anybody yet.
            return Ok(());
        }
        if self.may_send(&partition, id, session, command).await? {
            self.parts.carrier.send(device, DeviceFrame::Command(bytes)).await;
        }
        Ok(())
    }

    /// Journals that the command is about to leave, before it does, on condition of everything whose loss calls it back.
    /// A revocation or hold that was faster wins: the command is then proven unsent. At most one caller ever hears `true`
    /// for one command.
    async fn may_send(
        &self,
        partition: &Partition,
        effect: EventId,
        id: SessionId,
        command: CommandId,
    ) -> Result<bool, Failure> {
        retry!({
            let mut reads = Reads::new(self, partition);
            let session = reads.session(id).await?;
            let leaves = self.leaves(&mut reads, &session, command).await?;
            let mut batch = reads.batch();
            batch.finished_effects.push(effect);
            let send = leaves.is_ok();
            let events = match leaves {
                Ok(events) => events,
                Err(refusal) => {
                    batch.finished_timers.push(TimerSubject::Silence { session: id, command });
                    let report = Report::NotExecuted { command, why: NotExecuted::Unsent };
                    let events = observe(&session, &report, reads.now);
                    if !events.is_empty() {
                        batch.record(self, Stream::Side(id), &Meta::system(), kept_back(&refusal));
                    }
                    events
                }
            };
            if !events.is_empty() {
                batch.advance(self, &session, &Meta::system(), &events)?;
            }
            self.append(batch, Some(id)).await?;
            Ok(send)
        })
    }

    /// What follows from the command's leaving now, or why it may not.
    async fn leaves(
        &self,
        reads: &mut Reads<'_>,
        session: &Session,
        command: CommandId,
    ) -> Result<Result<Vec<Event>, Refusal>, Failure> {
        let taken_back = self.taken_back(reads, session, command).await?;
        if !taken_back.is_empty() {
            return Ok(Err(Refusal::new(taken_back)));
        }
        let request = Request {
            action: Action::SendCommand { command },
            actor: Actor::System,
            evidence: Vec::new(),
            verdict: None,
        };
        Ok(decide(session, &request, reads.now))
    }

    /// What the release relied on and has been revoked or held since. That evidence grows old in the seconds between is
    /// no reason: it was fresh when it was judged.
    async fn taken_back(
        &self,
        reads: &mut Reads<'_>,
        session: &Session,
        command: CommandId,
    ) -> Result<Vec<Reason>, Failure> {
        let record = reads.load::<CommandRecord>(command.to_string()).await?;
        let tenant = reads.find::<TenantRecord>("tenant".to_owned()).await?.unwrap_or_default();
        let token = reads.load::<TokenRow>(record.token.to_string()).await?;
        let actuator = reads.load::<DeviceRecord>(record.device.to_string()).await?;
        let handset = match session.assignment() {
            Some(has) => Some(reads.load::<DeviceRecord>(has.device.to_string()).await?),
            None => None,
        };
        let lost = [
            (tenant.held, Reason::ManualHold),
            (self.is_revoked(reads, &token).await?, Reason::TokenRevoked),
            (handset.is_some_and(|handset| handset.is_withdrawn()), Reason::DeviceUntrusted),
            (actuator.is_withdrawn(), Reason::ActuatorUntrusted),
        ];
        Ok(lost.into_iter().filter_map(|(is_lost, why)| is_lost.then_some(why)).collect())
    }

    /// A command's time is over: what was not answered is indeterminate, and the device is asked until it answers.
    async fn silence(
        &self,
        partition: &Partition,
        id: SessionId,
        command: CommandId,
    ) -> Result<(), Failure> {
        let asked = self.mark_silent(partition, id, command).await?;
        if let Some(device) = asked {
            self.parts.carrier.send(device, DeviceFrame::Query(command)).await;
        }
        Ok(())
    }

    async fn mark_silent(
        &self,
        partition: &Partition,
        id: SessionId,
        command: CommandId,
    ) -> Result<Option<DeviceId>, Failure> {
        retry!({
            let mut reads = Reads::new(self, partition);
            let session = reads.session(id).await?;
            let subject = TimerSubject::Silence { session: id, command };
            let mut batch = reads.batch();
            let awaited = awaited(&session, command);
            if awaited.is_some() {
                let due_at = reads.now.plus_ms(QUERY_INTERVAL_MS);
                batch.timers.push(Timer { partition: partition.clone(), subject, due_at });
            } else {
                batch.finished_timers.push(subject);
            }
            let events = observe(&session, &Report::Silence { command }, reads.now);
            if !events.is_empty() {
                batch.advance(self, &session, &Meta::system(), &events)?;
            }
            self.append(batch, Some(id)).await?;
            Ok(awaited)
        })
    }

    /// The window is over: an untouched stop expires, a half-done one ends with what was done; one in which something
    /// is under way is looked at again soon.
    async fn window_end(&self, partition: &Partition, id: SessionId) -> Result<(), Failure> {
        retry!({
            let mut reads = Reads::new(self, partition);
            let session = reads.session(id).await?;
            let subject = TimerSubject::WindowEnd { session: id };
            let mut batch = reads.batch();
            let request = Request {
                action: Action::Expire,
                actor: Actor::System,
                evidence: Vec::new(),
                verdict: None,
            };
            match decide(&session, &request, reads.now) {
                Ok(events) => {
                    batch.finished_timers.push(subject);
                    if !events.is_empty() {
                        batch.advance(self, &session, &Meta::system(), &events)?;
                    }
                }
                Err(_) if session.is_active() => {
                    batch.timers.push(later(partition, subject, reads.now));
                }
                Err(_) => batch.finished_timers.push(subject),
            }
            self.append(batch, Some(id)).await?;
            Ok(())
        })
    }
}

/// Why a command was kept back.
fn kept_back(refusal: &Refusal) -> Body {
    let request = RequestKind::SendCommand.name().to_owned();
    Body::Refused(Refused { request, reasons: refusal.reasons().to_vec() })
}

/// The device whose answer about a command is still awaited.
fn awaited(session: &Session, command: CommandId) -> Option<DeviceId> {
    let leg = session.leg(session.leg_of_command(command)?)?;
    let kind = leg.state.kind();
    let open = kind == LegStateKind::Commanded || kind == LegStateKind::Indeterminate;
    open.then_some(leg.terms.device)
}

fn later(partition: &Partition, subject: TimerSubject, now: Timestamp) -> Timer {
    Timer { partition: partition.clone(), subject, due_at: now.plus_ms(WINDOW_RECHECK_MS) }
}

/// How long an effect is hidden from other runs.
const EFFECT_LEASE_MS: u64 = 500;
/// Effects of one run.
const EFFECTS_PER_RUN: usize = 64;
/// Timers of one run.
const TIMERS_PER_RUN: usize = 64;
/// How often a silent device is asked.
const QUERY_INTERVAL_MS: u64 = 10_000;
/// When a window that cannot end yet is looked at again.
const WINDOW_RECHECK_MS: u64 = 60_000;
