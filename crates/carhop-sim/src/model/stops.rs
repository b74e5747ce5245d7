//! What may be released and sent at a stop, and how a release ends.

use carhop_app::batch::{Batch, Body, Effect, Entry, Stream, Write};
use carhop_app::record::Kind;
use carhop_kernel::id::{CommandId, SessionId};
use carhop_kernel::session::{Event, Exception, LegIndex, NotExecuted, Release};
use carhop_kernel::time::Timestamp;
use carhop_proofs::statement::Outcome;

use super::invariant::Invariant;
use super::ledger::{Ledger, Stop};
use super::metal::Metal;
use crate::happening::Broken;

/// Judges an entry by what stood in the ledger before it, and by what devices have said.
pub(super) fn check(
    ledger: &Ledger,
    metal: &Metal,
    batch: &Batch,
    entry: &Entry,
) -> Result<(), Broken> {
    let (Stream::Session(id), Body::Session(event)) = (entry.stream, &entry.body) else {
        return Ok(());
    };
    let Some(stop) = ledger.stops.get(&id) else { return Ok(()) };
    if let Event::ReleaseAuthorised { leg, release, .. } = &**event {
        released(ledger, batch, id, stop, (*leg, release))?;
    }
    if let Event::CommandSent { command, .. } = &**event
        && !is_doubted(batch, *command)
    {
        sent(ledger, batch, id, stop, *command)?;
    }
    if let Event::ReleaseNotExecuted { command, why, .. } = &**event {
        not_executed(ledger, metal, batch, *command, *why)?;
    }
    Invariant::HoldsFreeze
        .require(**event != Event::HoldLifted || stop.holds.len() <= 1, || {
            format!("{id} is let go at once, though {:?} hold it", stop.holds)
        })?;
    if let Event::CompartmentOpened { .. } | Event::PumpArmed { .. } = &**event {
        let raised = raises(batch, id, Exception::OpenedAfterEnd);
        Invariant::AlarmsAreRaised.require(!stop.is_ended || raised, || {
            format!("{id} had ended when {} came in, and nobody is told", event.name())
        })?;
    }
    ends(ledger, batch, id, stop, event)
}

/// Whether a batch says at once that a command may have left and that nobody knows of it: after a restore nothing leaves
/// by that.
pub(super) fn is_doubted(batch: &Batch, command: CommandId) -> bool {
    batch.entries.iter().any(|entry| {
        let Body::Session(event) = &entry.body else { return false };
        matches!(&**event, Event::ReleaseUnconfirmed { command: about, .. } if *about == command)
    })
}

/// Whether a batch raises this for somebody to look at, or counts it where so many were raised that more say nothing.
pub(super) fn raises(batch: &Batch, id: SessionId, wanted: Exception) -> bool {
    let counted = format!("{id}/{}", wanted.name());
    let counts = |write: &Write| write.key.kind == Kind::LeftOut && write.key.key == counted;
    batch.writes.iter().any(counts)
        || batch.entries.iter().any(|entry| {
            let Body::Session(event) = &entry.body else { return false };
            let Event::ExceptionRaised { exception, .. } = &**event else { return false };
            entry.stream == Stream::Session(id) && *exception == wanted
        })
}

fn released(
    ledger: &Ledger,
    batch: &Batch,
    id: SessionId,
    stop: &Stop,
    (index, release): (LegIndex, &Release),
) -> Result<(), Broken> {
    free(ledger, id, stop, "released")?;
    let command = release.command;
    let Some(leg) = stop.leg(index) else {
        return Err(Invariant::OneReleaseUnderWay.broken(format!("{id} has no such leg")));
    };
    for (number, other) in stop.legs.iter().enumerate() {
        if let Some(earlier) = other.under_way {
            let why = format!("{command} is released while {earlier} is under way at {id}");
            return Err(Invariant::OneReleaseUnderWay.broken(why));
        }
        let is_before = number < usize::from(index.0);
        Invariant::OneReleaseUnderWay.require(!is_before || other.is_ended, || {
            format!("leg {} of {id} is released before leg {number} has ended", index.0)
        })?;
    }
    Invariant::OneReleaseUnderWay
        .require(!leg.is_ended, || format!("leg {} of {id} is released after its end", index.0))?;
    let device = leg.terms.device;
    for (other, at) in ledger.stops.iter().filter(|(other, _)| **other != id) {
        let mut legs = at.legs.iter().filter(|leg| leg.terms.device == device);
        let holds = legs.find_map(|leg| {
            let made = ledger.commands.get(&leg.under_way?)?;
            (!at.is_ended || batch.at < made.release.expires_at).then_some(made.release.command)
        });
        if let Some(earlier) = holds {
            let why = format!("{command} for {id}, while {earlier} for {other} is under way");
            return Err(Invariant::OneStopPerDevice.broken(why));
        }
    }
    let in_time = batch.at < release.expires_at && stop.window.contains(batch.at);
    Invariant::SentInTime.require(in_time, || format!("{command} is released out of its time"))
}

fn sent(
    ledger: &Ledger,
    batch: &Batch,
    id: SessionId,
    stop: &Stop,
    command: CommandId,
) -> Result<(), Broken> {
    let Some(made) = ledger.commands.get(&command) else {
        let why = format!("{command} was sent and never released");
        return Err(Invariant::DurableBeforeSent.broken(why));
    };
    Invariant::DurableBeforeSent
        .require(!made.is_sent, || format!("{command} is sent a second time"))?;
    free(ledger, id, stop, "sent")?;
    let in_time = batch.at < made.release.expires_at && stop.window.contains(batch.at);
    Invariant::SentInTime.require(in_time, || format!("{command} is sent out of its time"))
}

/// Nothing stands in the way of a release or of a command's leaving.
fn free(ledger: &Ledger, id: SessionId, stop: &Stop, what: &str) -> Result<(), Broken> {
    Invariant::EndsAreFinal
        .require(!stop.is_ended, || format!("something is {what} at {id} after its end"))?;
    let is_held = !stop.holds.is_empty() || ledger.held_tenants.contains(&stop.partition);
    Invariant::HoldsFreeze.require(!is_held, || format!("something is {what} at {id} while held"))
}

fn not_executed(
    ledger: &Ledger,
    metal: &Metal,
    batch: &Batch,
    command: CommandId,
    why: NotExecuted,
) -> Result<(), Broken> {
    let Some(made) = ledger.commands.get(&command) else { return Ok(()) };
    let said = |wanted: fn(&Outcome) -> bool| metal.has_said(made.device, command, wanted);
    let is_proven = match why {
        NotExecuted::Unsent => !made.is_sent,
        NotExecuted::RefusedByDevice => said(|outcome| matches!(outcome, Outcome::Refused(_))),
        NotExecuted::Cancelled => said(|outcome| *outcome == Outcome::NeverExecuted),
        NotExecuted::FoundByPerson => batch.entries.iter().any(|entry| {
            let Body::Session(event) = &entry.body else { return false };
            matches!(&**event, Event::OutcomeStated { command: about, executed: false, .. } if *about == command)
        }),
    };
    Invariant::NotExecutedIsProven
        .require(is_proven, || format!("{command} counts as not executed ({why:?}) without proof"))
}

fn ends(
    ledger: &Ledger,
    batch: &Batch,
    id: SessionId,
    stop: &Stop,
    event: &Event,
) -> Result<(), Broken> {
    let is_end = matches!(
        event,
        Event::SessionRevoked { .. } | Event::SessionExpired | Event::SessionCompleted { .. }
    );
    Invariant::EndsAreFinal
        .require(!is_end || !stop.is_ended, || format!("{id} ends a second time"))?;
    if !matches!(event, Event::SessionRevoked { .. }) {
        return Ok(());
    }
    for leg in &stop.legs {
        let Some(made) = leg.under_way.and_then(|it| ledger.commands.get(&it)) else { continue };
        let command = made.release.command;
        if made.is_sent {
            let cancelled = batch.effects.iter().any(|(_, effect)| {
                matches!(effect, Effect::SendCancel { device, .. } if *device == made.device)
            });
            // A door that stands open is not to be stopped any more.
            Invariant::RevocationIsFollowed.require(cancelled || leg.is_open, || {
                format!("{id} is revoked and {command} is not cancelled")
            })?;
        } else {
            let told = batch.entries.iter().any(|entry| {
                let Body::Session(event) = &entry.body else { return false };
                matches!(&**event, Event::ReleaseNotExecuted { command: about, .. } if *about == command)
            });
            Invariant::RevocationIsFollowed
                .require(told, || format!("{id} is revoked and {command} hangs in the air"))?;
        }
    }
    Ok(())
}

/// What has not come to its end some time after its window.
pub(super) fn unended(ledger: &Ledger, at: Timestamp) -> Result<(), Broken> {
    let is_late = |stop: &Stop| {
        let is_asked = stop.legs.iter().any(|leg| leg.under_way.is_some());
        let after_ms = if is_asked { ASKED_FOR_MS } else { ENDS_AFTER_MS };
        stop.window.end.plus_ms(after_ms) < at
    };
    let waits = |stop: &Stop| !stop.is_ended && stop.holds.is_empty() && !stop.asks_for_person;
    match ledger.stops.iter().find(|(_, stop)| waits(stop) && is_late(stop)) {
        Some((id, _)) => {
            let why = format!("{id} has neither ended nor does it ask for a person");
            Err(Invariant::EveryStopEnds.broken(why))
        }
        None => Ok(()),
    }
}

/// Longest that the end of a stop takes at which nothing is under way.
const ENDS_AFTER_MS: u64 = 5 * 60 * 1_000;
/// Longest that a device is asked before a person is.
const ASKED_FOR_MS: u64 = 50 * 60 * 1_000;
