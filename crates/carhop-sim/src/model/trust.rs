//! Revocations of devices, classes and firmware: between `revoked` and `settled` only what was on its way is obeyed, and
//! after it nothing (`design.md` §9.2). That is said of servers whose clocks are right within the stated skew: one that is
//! minutes off cannot know when the time of a command is over, and nothing else tells it.

use std::collections::BTreeMap;

use carhop_app::batch::{Body, Entry, OperatorEvent};
use carhop_app::records::TrustSubject;
use carhop_kernel::id::{CommandId, DeviceId};

use super::invariant::Invariant;
use super::ledger::Ledger;
use crate::happening::{Broken, Clocked};

/// What was revoked and settled.
#[derive(Debug, Default)]
pub(super) struct Trust {
    /// Commands that nobody may obey any more, and because of which settled revocation.
    over: BTreeMap<CommandId, String>,
    /// Whether a server's clock was ever further off than is allowed for.
    is_astray: bool,
}

impl Trust {
    /// Judges an entry.
    pub(super) fn check(&mut self, ledger: &Ledger, entry: &Entry) {
        let Body::Operator(OperatorEvent::RevocationSettled { subject }) = &entry.body else {
            return;
        };
        let Ok(parsed) = subject.parse::<TrustSubject>() else { return };
        for stop in ledger.stops.values() {
            let handset = stop.assigned.map(|it| it.handset);
            for leg in &stop.legs {
                let relies = ledger.concerns(parsed, leg.terms.device)
                    || handset.is_some_and(|handset| ledger.concerns(parsed, handset));
                let command = leg.under_way.filter(|_| relies && !leg.is_open);
                self.over.extend(command.map(|command| (command, subject.clone())));
            }
        }
    }

    /// A clock shows another time.
    pub(super) fn set_clock(&mut self, clock: Clocked, ahead_ms: i64) {
        self.is_astray |= matches!(clock, Clocked::Server(_)) && ahead_ms.abs() > SKEW_MS_MAX;
    }

    /// A device accepts a command.
    pub(super) fn accept(&self, device: DeviceId, command: CommandId) -> Result<(), Broken> {
        match self.over.get(&command).filter(|_| !self.is_astray) {
            Some(subject) => {
                let why = format!(
                    "{device} accepts {command} after the revocation of {subject} was settled"
                );
                Err(Invariant::SettledIsSettled.broken(why))
            }
            None => Ok(()),
        }
    }
}

/// How far clocks of servers may be off for a settled revocation to be one.
const SKEW_MS_MAX: i64 = 8_000;
