//! Runs the timers: what falls due is looked at again, silent devices are asked, and a failure comes back later each time.
//! Every deadline is a durable row (`design.md` §9.3); nothing here waits.

use std::collections::BTreeSet;

use carhop_kernel::actor::Actor;
use carhop_kernel::id::{CommandId, DeviceId, SessionId};
use carhop_kernel::session::{
    Action, Leg, LegKind, LegState, Release, Report, Request, Session, decide, observe,
};
use carhop_kernel::time::Timestamp;

use crate::app::App;
use crate::batch::{Batch, Meta, Timer, TimerSubject};
use crate::cancel::quiet_at;
use crate::failure::Failure;
use crate::ports::DeviceFrame;
use crate::reads::{Reads, retry};
use crate::record::Partition;
use crate::records::{CommandRecord, SessionHead, StopOrder};

impl App {
    /// Runs every timer that is due. Returns how many there were.
    pub async fn run_timers(&self) -> Result<usize, Failure> {
        let (mut stuck, mut count, mut outcome) = (BTreeSet::new(), 0, Ok(()));
        loop {
            let limit = TIMERS_PER_RUN + stuck.len();
            let due = self.parts.journal.due_timers(self.now(), limit).await?;
            let stuck_before = stuck.len();
            for timer in &due {
                if stuck.contains(&key_of(timer)) {
                    continue;
                }
                count += 1;
                let Err(failure) = self.run_timer(timer).await else { continue };
                // It must not hold up the others, nor may what cannot be put off: that stays due before them.
                outcome = match self.put_off(timer).await {
                    Ok(()) => Err(failure),
                    Err(graver) => {
                        stuck.insert(key_of(timer));
                        Err(graver)
                    }
                };
            }
            if stuck.len() == stuck_before {
                return outcome.map(|()| count);
            }
        }
    }

    async fn run_timer(&self, timer: &Timer) -> Result<(), Failure> {
        match timer.subject {
            TimerSubject::Silence { session, command } => {
                self.silence(timer, session, command).await
            }
            TimerSubject::WindowEnd { session } => self.window_end(timer, session).await,
            TimerSubject::Settlement { subject } => self.settle(timer, subject).await,
            TimerSubject::Overdue { session, command } => {
                self.overdue(&timer.partition, session, command).await
            }
        }
    }

    /// Has a timer that failed come back later, each time twice as late, so that it takes nobody else's turn.
    async fn put_off(&self, timer: &Timer) -> Result<(), Failure> {
        let now = self.now();
        let mut batch = Batch::new(timer.partition.clone(), now);
        let due_at = now.plus_ms(wait_ms(FAILURE_DELAY_MS, timer.tries).min(FAILURE_DELAY_MS_MAX));
        batch.timers.push(Timer { due_at, tries: timer.tries.saturating_add(1), ..timer.clone() });
        self.append(batch, None).await?;
        Ok(())
    }

    /// A command's time is over: what was not answered is indeterminate. The device is asked for the receipt, and from the
    /// second time on told to cancel, which is the only proof that nothing happened (`design.md` §9.1); after
    /// [`ASKED_MAX`] times a person has to find out (§2.4).
    async fn silence(
        &self,
        timer: &Timer,
        id: SessionId,
        command: CommandId,
    ) -> Result<(), Failure> {
        if let Some(device) = self.mark_silent(timer, id, command).await? {
            self.parts.carrier.send(device, DeviceFrame::Query(command)).await;
        }
        Ok(())
    }

    /// The device that is to be asked, if one is.
    async fn mark_silent(
        &self,
        timer: &Timer,
        id: SessionId,
        command: CommandId,
    ) -> Result<Option<DeviceId>, Failure> {
        retry!({
            let mut reads = Reads::new(self, &timer.partition);
            let session = reads.session(id).await?;
            let made = reads.load::<CommandRecord>(command.to_string()).await?;
            let Some(leg) = unanswered(&session, &made) else {
                let mut batch = reads.batch();
                batch.finished_timers.push(timer.subject);
                self.append(batch, None).await?;
                return Ok(None);
            };
            let device = leg.terms.device;
            let is_reachable = self.parts.carrier.is_connected(device);
            let is_stopped = made.stop != StopOrder::None;
            let cancel = if is_reachable && (made.asked > 0 || is_stopped) {
                self.cancel_of(&mut reads, &session).await?
            } else {
                None
            };
            let mut batch = reads.batch();
            let mut events = observe(&session, &Report::Silence { command }, reads.now);
            let next_at = next_question_at(&made, leg, reads.now);
            if let Some(due_at) = next_at {
                batch.set_timer(timer.subject, due_at);
            } else {
                batch.finished_timers.push(timer.subject);
                if made.stop != StopOrder::Unanswered {
                    events.extend(observe(&session, &Report::GivenUp { command }, reads.now));
                }
            }
            let is_given_up = next_at.is_none() || made.stop == StopOrder::Unanswered;
            let is_told = cancel.is_some();
            let stop = if is_given_up { StopOrder::Unanswered } else { StopOrder::Given };
            let made = CommandRecord {
                asked: made.asked.saturating_add(1),
                asked_at: if is_reachable { Some(reads.now) } else { made.asked_at },
                stop: if is_told || is_given_up { stop } else { made.stop },
                ..made
            };
            let is_asked = is_reachable && cancel.is_none();
            if let Some(cancel) = cancel {
                cancel.add_to(&mut batch, self, stop)?;
            }
            batch.store(&made)?;
            if !events.is_empty() {
                batch.advance(self, &session, &Meta::system(), &events)?;
            }
            self.append(batch, Some(id)).await?;
            Ok(is_asked.then_some(device))
        })
    }

    /// Sets the timers of everything that a device has not answered: it is back and can be asked. How often it was asked
    /// is not forgotten, so that one which comes and goes is asked no sooner than one that stays (M-THR).
    pub(crate) async fn ask_again(
        &self,
        batch: &mut Batch,
        device: DeviceId,
    ) -> Result<(), Failure> {
        let index = Some(("awaited", device.to_string()));
        let partition = &batch.partition;
        let heads = self.list::<SessionHead>(partition, index, None, AWAITED_MAX).await?;
        for head in heads {
            let mut reads = Reads::new(self, &batch.partition);
            let session = reads.session(head.session).await?;
            for leg in session.legs.iter().filter(|leg| leg.terms.device == device) {
                // What was only just sent has a timer that is still to come; a pump that nobody told to stop is not asked.
                let (LegState::Indeterminate(Release { command, .. })
                | LegState::Dispensing { release: Release { command, .. }, .. }) = leg.state
                else {
                    continue;
                };
                let made = reads.load::<CommandRecord>(command.to_string()).await?;
                let subject = TimerSubject::Silence { session: session.id, command };
                batch.set_timer(subject, asked_again_at(&made).max(batch.at));
            }
        }
        Ok(())
    }

    /// The window is over: an untouched stop expires, a half-done one ends with what was done. What is under way sets the
    /// timer again when it ends, and a window that has been moved meanwhile ends at its own time.
    async fn window_end(&self, timer: &Timer, id: SessionId) -> Result<(), Failure> {
        retry!({
            let mut reads = Reads::new(self, &timer.partition);
            let session = reads.session(id).await?;
            let mut batch = reads.batch();
            let request = Request {
                action: Action::Expire,
                actor: Actor::System,
                evidence: Vec::new(),
                verdict: None,
            };
            match decide(&session, &request, reads.now) {
                Ok(events) => {
                    batch.finished_timers.push(timer.subject);
                    if !events.is_empty() {
                        batch.advance(self, &session, &Meta::system(), &events)?;
                    }
                }
                Err(_) if session.is_active() && reads.now < session.order.terms.window.end => {
                    batch.set_timer(timer.subject, session.order.terms.window.end);
                }
                Err(_) => batch.finished_timers.push(timer.subject),
            }
            self.append(batch, Some(id)).await?;
            Ok(())
        })
    }
}

fn key_of(timer: &Timer) -> (Partition, TimerSubject) {
    (timer.partition.clone(), timer.subject)
}

/// The leg about whose command its device is to be asked: nobody knows what came of it, or it was told to stop and has
/// not said that it did.
fn unanswered<'a>(session: &'a Session, made: &CommandRecord) -> Option<&'a Leg> {
    let leg = session.leg(session.leg_of_command(made.command)?)?;
    let state = leg.state.kind();
    let is_open = state.is_awaited() || state.may_act() && made.stop != StopOrder::None;
    is_open.then_some(leg)
}

/// When a silent device is asked once more; `None` once a person has to find out. Who was told to stop a pump is called
/// when the pump has stopped by itself at the latest: then there is nothing left to ask for.
fn next_question_at(made: &CommandRecord, leg: &Leg, now: Timestamp) -> Option<Timestamp> {
    let due_at = now.plus_ms(wait_ms(ASK_DELAY_MS, made.asked));
    let is_pump = leg.kind() == LegKind::Fuel && made.stop != StopOrder::None;
    match quiet_at(leg).filter(|_| is_pump) {
        Some(quiet_at) if now < quiet_at => Some(due_at.min(quiet_at)),
        Some(_) => None,
        None => (made.asked < ASKED_MAX).then_some(due_at),
    }
}

/// The earliest moment at which a device that is back is asked again.
fn asked_again_at(record: &CommandRecord) -> Timestamp {
    let wait_ms = wait_ms(ASK_DELAY_MS, record.asked.saturating_sub(1));
    record.asked_at.map_or(Timestamp::default(), |at| at.plus_ms(wait_ms.min(ASK_DELAY_MS_MAX)))
}

/// Twice as long after every try.
pub(crate) const fn wait_ms(first_ms: u64, tries: u32) -> u64 {
    first_ms.saturating_mul(2_u64.saturating_pow(tries))
}

/// Timers of one run.
const TIMERS_PER_RUN: usize = 64;
/// How long after its first question a silent device is asked again.
pub const ASK_DELAY_MS: u64 = 10_000;
/// How often a silent device is asked, over some forty minutes, before a person has to find out.
pub const ASKED_MAX: u32 = 8;
/// Longest wait of a device that is back and was asked before.
const ASK_DELAY_MS_MAX: u64 = 5 * 60 * 1000;
/// Stops that one device may owe an answer for; each has its own pump or lock, so that there is hardly ever more than one.
const AWAITED_MAX: usize = 32;
/// When a timer that failed comes back for the first time.
const FAILURE_DELAY_MS: u64 = 1_000;
/// Longest wait of a timer that fails again and again.
const FAILURE_DELAY_MS_MAX: u64 = 10 * 60 * 1000;
