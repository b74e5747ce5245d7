//! Tenants: what one writes lies with it, its sessions and devices stay its own, and no two share the key that their devices
//! obey.

use std::collections::BTreeMap;

use carhop_app::batch::{Batch, Body, Effect, Stream};
use carhop_app::record::Partition;
use carhop_kernel::id::{DeviceId, SessionId};
use carhop_kernel::session::{Event, Session};
use carhop_proofs::command;
use carhop_proofs::cose::KeyId;
use carhop_proofs::suite::RustCrypto;

use super::invariant::Invariant;
use crate::happening::Broken;

/// Whose everything is.
#[derive(Debug, Default)]
pub(super) struct Tenants {
    sessions: BTreeMap<SessionId, Partition>,
    devices: BTreeMap<DeviceId, Partition>,
    keys: BTreeMap<KeyId, Partition>,
}

impl Tenants {
    /// Judges a batch.
    pub(super) fn append(&mut self, batch: &Batch) -> Result<(), Broken> {
        let own = &batch.partition;
        let written = batch.writes.iter().map(|write| &write.key.partition);
        let judged = batch.preconditions.iter().map(|(key, _)| &key.partition);
        let foreign = written.chain(judged).find(|partition| *partition != own);
        Invariant::TenantsAreApart.require(foreign.is_none(), || {
            format!("{} reads or writes what is {foreign:?}'s", own.tenant)
        })?;
        for entry in &batch.entries {
            match entry.stream {
                Stream::Session(id) | Stream::Side(id) => {
                    let known = self.sessions.entry(id).or_insert_with(|| own.clone());
                    apart(known == own, || format!("{} writes to {id}", own.tenant))?;
                }
                Stream::Device(id) => {
                    let known = self.devices.entry(id).or_insert_with(|| own.clone());
                    apart(known == own, || format!("{} writes to {id}", own.tenant))?;
                }
                Stream::Operator => {}
            }
            if let Body::Session(event) = &entry.body
                && let Event::ReleaseAuthorised { device, .. } = &**event
            {
                let is_own = self.devices.get(device).is_none_or(|known| known == own);
                apart(is_own, || format!("{} releases {device}", own.tenant))?;
            }
        }
        batch.effects.iter().try_for_each(|(_, effect)| self.signed(own, effect))
    }

    /// What a server shows of a session.
    pub(super) fn view(&self, session: &Session) -> Result<(), Broken> {
        let known = self.sessions.get(&session.id);
        let is_own = known.is_none_or(|known| known.tenant == session.tenant);
        apart(is_own, || format!("{} is shown {}", session.tenant, session.id))
    }

    fn signed(&mut self, own: &Partition, effect: &Effect) -> Result<(), Broken> {
        let (Effect::SendCommand { bytes, .. } | Effect::SendCancel { bytes, .. }) = effect;
        let mut signer = None;
        // Only the name of the key is wanted; whether the signature is good the device finds out.
        let _ = command::open(&RustCrypto, bytes, |kid| {
            signer = Some(*kid);
            None
        });
        let Some(signer) = signer else { return Ok(()) };
        let known = self.keys.entry(signer).or_insert_with(|| own.clone());
        apart(known.tenant == own.tenant, || {
            format!("{} signs commands with the key of {}", own.tenant, known.tenant)
        })
    }
}

fn apart(holds: bool, why: impl FnOnce() -> String) -> Result<(), Broken> {
    Invariant::TenantsAreApart.require(holds, why)
}
