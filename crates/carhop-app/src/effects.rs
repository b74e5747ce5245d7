//! Runs the outbox. Effects happen only from here, so that a restart and a first run are the same code (`design.md` §2.5).

use carhop_kernel::actor::Actor;
use carhop_kernel::id::{CommandId, EventId, SessionId};
use carhop_kernel::reason::{Reason, Refusal};
use carhop_kernel::session::{
    Action, Event, NotExecuted, Report, Request, RequestKind, Session, decide, observe,
};

use crate::app::App;
use crate::batch::{
    Batch, Body, DeviceEvent, Effect, LeasedEffect, Meta, PutOff, Refused, Stream, TimerSubject,
};
use crate::failure::Failure;
use crate::ports::{DeviceFrame, JournalError};
use crate::reads::{Reads, retry};
use crate::record::Partition;
use crate::records::{CommandRecord, TokenRow};
use crate::release::silence_timer;
use crate::timers::wait_ms;

impl App {
    /// Runs every effect that is due. Returns how many there were; call again until it returns zero.
    pub async fn run_effects(&self) -> Result<usize, Failure> {
        let now = self.now();
        let until = now.plus_ms(EFFECT_LEASE_MS);
        let leased = self.parts.journal.lease_effects(now, until, EFFECTS_PER_RUN).await?;
        let count = leased.len();
        let mut outcome = Ok(count);
        for leased in leased {
            let run = self.run_effect(&leased).await;
            let Err(failure) = run else { continue };
            // It must not hold up the others, nor may what cannot be put off: that comes back when its lease runs out.
            outcome = match self.try_later(&leased).await {
                Ok(()) => Err(failure),
                Err(graver) => Err(graver),
            };
        }
        outcome
    }

    async fn run_effect(&self, leased: &LeasedEffect) -> Result<(), Failure> {
        let LeasedEffect { id, partition, effect, .. } = leased;
        let is_connected = self.parts.carrier.is_connected(effect.device());
        if !is_connected && self.now() < effect.expires_at() {
            // The lease runs out and the effect comes back: nothing was promised to anybody yet.
            return Ok(());
        }
        match effect {
            Effect::SendCommand { device, session, command, bytes, .. } => {
                if self.may_send(partition, *id, *session, *command).await? {
                    self.parts.carrier.send(*device, DeviceFrame::Command(bytes.clone())).await;
                }
            }
            Effect::SendCancel { device, bytes, .. } => {
                // Heard twice it stops nothing twice, so it is sent before it is crossed off.
                if is_connected {
                    self.parts.carrier.send(*device, DeviceFrame::Command(bytes.clone())).await;
                }
                let mut batch = Batch::new(partition.clone(), self.now());
                batch.finished_effects.push(*id);
                self.append(batch, None).await?;
            }
        }
        Ok(())
    }

    /// Has an effect that failed come back later, each time twice as late. What has failed [`TRIES_MAX`] times is given up.
    async fn try_later(&self, leased: &LeasedEffect) -> Result<(), Failure> {
        let tries = leased.tries.saturating_add(1);
        if tries >= TRIES_MAX {
            return self.abandon(leased).await;
        }
        let mut batch = Batch::new(leased.partition.clone(), self.now());
        let due_at = batch.at.plus_ms(wait_ms(FAILURE_DELAY_MS, leased.tries).min(PUT_OFF_MS_MAX));
        batch.put_off.push(PutOff { effect: leased.id, due_at, tries });
        self.append(batch, None).await?;
        Ok(())
    }

    /// Gives up what cannot be worked off, so that it stands in nobody's way, and calls a person. A command that was given
    /// up never left: that it leaves is journaled before it does.
    async fn abandon(&self, leased: &LeasedEffect) -> Result<(), Failure> {
        let LeasedEffect { id, partition, effect, .. } = leased;
        let command = match effect {
            Effect::SendCommand { session, command, .. } => Some((*session, *command)),
            Effect::SendCancel { .. } => None,
        };
        retry!({
            let mut reads = Reads::new(self, partition);
            let session = match command {
                Some((session, _)) => match reads.session(session).await {
                    Ok(session) => Some(session),
                    Err(failure @ Failure::Journal(JournalError::Unavailable(_))) => {
                        return Err(failure);
                    }
                    // It cannot be told of what cannot be read; the device's own history tells of it.
                    Err(_) => None,
                },
                None => None,
            };
            let mut batch = reads.batch();
            batch.finished_effects.push(*id);
            let device = effect.device();
            let command = command.map(|(_, command)| command);
            let abandoned = Body::Device(DeviceEvent::EffectAbandoned { device, command });
            batch.record(self, Stream::Device(device), &Meta::system(), abandoned);
            if let (Some(session), Some(command)) = (&session, command) {
                let events = observe(session, &Report::Abandoned { command }, reads.now);
                if !events.is_empty() {
                    batch.advance(self, session, &Meta::system(), &events)?;
                }
            }
            self.append(batch, session.map(|session| session.id)).await?;
            Ok(())
        })
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
                Ok(events) => {
                    // The one that was set with the release may have come and gone while this was slow to become durable.
                    let leg = session.leg_of_command(command).and_then(|leg| session.leg(leg));
                    let release = leg.and_then(|leg| leg.state.release());
                    batch.timers.extend(release.map(|it| silence_timer(partition, id, it)));
                    events
                }
                Err(refusal) => {
                    let report = Report::NotExecuted { command, why: NotExecuted::Unsent };
                    let events = observe(&session, &report, reads.now);
                    // What stays in doubt is asked about until somebody knows.
                    if !events.is_empty() {
                        batch.finished_timers.push(TimerSubject::Silence { session: id, command });
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
        let tenant = reads.tenant().await?;
        // So old that it was forgotten, as its command has long expired.
        let token = reads.find::<TokenRow>(record.token.to_string()).await?;
        let token_is_lost = match &token {
            Some(token) => self.is_revoked(reads, token).await?,
            None => true,
        };
        let actuator = reads.device(record.device).await?.ok_or(Failure::NotFound)?;
        let handset = match session.assignment() {
            Some(assignment) => reads.device(assignment.device).await?,
            None => None,
        };
        let lost = [
            (tenant.hold.is_some(), Reason::ManualHold),
            (token_is_lost, Reason::TokenRevoked),
            (handset.is_some_and(|handset| handset.is_withdrawn()), Reason::DeviceUntrusted),
            (actuator.is_withdrawn(), Reason::ActuatorUntrusted),
            (actuator.frozen, Reason::ActuatorFrozen),
        ];
        Ok(lost.into_iter().filter_map(|(is_lost, why)| is_lost.then_some(why)).collect())
    }
}

/// Why a command was kept back.
fn kept_back(refusal: &Refusal) -> Body {
    let request = RequestKind::SendCommand.name().to_owned();
    Body::Refused(Refused { request, reasons: refusal.reasons().to_vec() })
}

/// How long an effect is hidden from other runs.
const EFFECT_LEASE_MS: u64 = 500;
/// When an effect that failed comes back for the first time.
const FAILURE_DELAY_MS: u64 = 1_000;
/// Longest wait of an effect that fails again and again.
pub(crate) const PUT_OFF_MS_MAX: u64 = 60_000;
/// How often an effect is tried, over about a minute; a command is dead long before.
const TRIES_MAX: u32 = 7;
/// Effects of one run.
const EFFECTS_PER_RUN: usize = 64;
