//! The reference model: what must always hold, in sets and counters, told of everything that truly happens and asking the
//! product nothing. It knows what is durable, what left and what metal did; of the kernel it uses the words and not the
//! rules.
//!
//! It finds bugs and explains none: which invariant broke, and what shows it, is all that it says.

mod counters;
mod durable;
mod fuel;
mod invariant;
mod ledger;
mod log;
mod metal;
mod releases;
mod replay;
mod stops;
mod tenants;
mod trust;

#[cfg(test)]
mod tests;

pub use invariant::Invariant;

use carhop_agent::Action;
use carhop_app::batch::Batch;
use carhop_kernel::time::Timestamp;

use crate::happening::{Broken, Happening, Witness};

/// Everything that is known of a world.
#[derive(Debug, Default)]
pub struct Model {
    ledger: ledger::Ledger,
    durable: durable::Durable,
    releases: releases::Releases,
    metal: metal::Metal,
    fuel: fuel::Fuel,
    trust: trust::Trust,
    counters: counters::Counters,
    logs: log::Logs,
    tenants: tenants::Tenants,
    replay: replay::Replay,
}

impl Witness for Model {
    fn see(&mut self, at: Timestamp, happening: &Happening) -> Result<(), Broken> {
        if let Happening::Appended { append, batch, .. } = happening {
            self.append(*append, &batch.0)?;
        }
        if let Happening::ClockSet { clock, ahead_ms } = happening {
            self.trust.set_clock(*clock, *ahead_ms);
        }
        self.durable.see(&self.ledger, happening)?;
        self.metal.see(&self.ledger, at, happening)?;
        if let Happening::Actuated { device, action } = happening
            && *action != Action::Disarm
        {
            self.trust.obey(*device, self.metal.acted_on(*device))?;
        }
        self.fuel.see(happening);
        if let Happening::LogKeyTold { partition, key, crypto } = happening {
            self.logs.learn(partition, key, *crypto);
        }
        if let Happening::Viewed { viewer, session, .. } = happening {
            self.tenants.view(viewer, session)?;
            self.replay.view(session)?;
        }
        if let Happening::Reached { by, given } = happening {
            given.iter().try_for_each(|given| self.tenants.reach(by, *given))?;
        }
        if matches!(happening, Happening::Ended) {
            self.end(at)?;
        }
        Ok(())
    }
}

impl Model {
    fn append(&mut self, append: u64, batch: &Batch) -> Result<(), Broken> {
        self.tenants.append(batch)?;
        self.durable.append(append, batch)?;
        for entry in &batch.entries {
            stops::check(&self.ledger, &self.metal, batch, entry)?;
            self.releases.check(&self.ledger, batch, entry)?;
            self.metal.hear(entry)?;
            self.fuel.check(&self.ledger, &self.metal, batch, entry)?;
            self.trust.check(&self.ledger, entry);
            self.ledger.enter(batch, entry);
        }
        self.releases.store(&self.ledger, batch)?;
        self.ledger.store(batch);
        self.counters.append(batch)?;
        counters::Counters::cancels(batch)?;
        self.logs.append(batch)?;
        self.replay.append(batch);
        Ok(())
    }

    /// Once everything was healed and had its time.
    fn end(&self, at: Timestamp) -> Result<(), Broken> {
        stops::unended(&self.ledger, at)?;
        self.metal.unheard(&self.ledger)?;
        self.fuel.unsettled(&self.ledger, &self.metal)
    }
}
