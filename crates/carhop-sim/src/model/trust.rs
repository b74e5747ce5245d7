//! Revocations of devices, classes and firmware: between `revoked` and `settled` only what was on its way is obeyed, and
//! after it nothing (`design.md` §9.2).

use std::collections::BTreeMap;

use carhop_app::batch::{Body, Entry, OperatorEvent};
use carhop_app::records::TrustSubject;
use carhop_kernel::id::{CommandId, DeviceId};

use super::invariant::Invariant;
use super::ledger::Ledger;
use crate::happening::Broken;

/// What was revoked and settled.
#[derive(Debug, Default)]
pub(super) struct Trust {
    /// Commands that nobody may obey any more, and because of which settled revocation.
    over: BTreeMap<CommandId, String>,
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

    /// A device accepts a command.
    pub(super) fn accept(&self, device: DeviceId, command: CommandId) -> Result<(), Broken> {
        match self.over.get(&command) {
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
