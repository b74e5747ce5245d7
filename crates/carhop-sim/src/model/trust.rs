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
    /// How far clocks of servers were ever behind and ahead of the truth, in milliseconds.
    ahead_ms: (i64, i64),
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
        if let Clocked::Server(_) = clock {
            let (behind, ahead) = self.ahead_ms;
            self.ahead_ms = (behind.min(ahead_ms), ahead.max(ahead_ms));
        }
    }

    /// A device moves its metal. One that was slow to make a command durable, and refuses it then, obeys nothing.
    pub(super) fn obey(&self, device: DeviceId, command: Option<CommandId>) -> Result<(), Broken> {
        let is_astray = self.ahead_ms.1 - self.ahead_ms.0 > SKEW_MS_MAX;
        let Some(command) = command.filter(|_| !is_astray) else { return Ok(()) };
        let Some(subject) = self.over.get(&command) else { return Ok(()) };
        let why = format!("{device} obeys {command} after the revocation of {subject} was settled");
        Err(Invariant::SettledIsSettled.broken(why))
    }
}

/// How far clocks of servers may lie apart for a settled revocation to be one, in milliseconds: the grace of a receipt
/// (`carhop_app`), less what a device may lag.
const SKEW_MS_MAX: i64 = 3_000;
