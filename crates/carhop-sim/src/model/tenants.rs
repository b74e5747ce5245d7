//! Tenants: what one writes lies with it, its sessions, devices and events stay its own, nobody else is given them, and no two
//! share the key that their devices obey.

use std::collections::{BTreeMap, BTreeSet};

use carhop_app::batch::{Batch, Body, Effect, Stream};
use carhop_app::record::Partition;
use carhop_kernel::id::{DeviceId, EventId, SessionId};
use carhop_kernel::session::{Event, Session};
use carhop_proofs::command;
use carhop_proofs::cose::KeyId;
use carhop_proofs::suite::RustCrypto;

use super::invariant::Invariant;
use crate::happening::{Belonging, Broken};

/// Whose everything is.
#[derive(Debug, Default)]
pub(super) struct Tenants {
    sessions: BTreeMap<SessionId, Partition>,
    devices: BTreeMap<DeviceId, Partition>,
    events: BTreeMap<Partition, BTreeSet<EventId>>,
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
        if !self.events.contains_key(own) {
            self.events.insert(own.clone(), BTreeSet::new());
        }
        if let Some(events) = self.events.get_mut(own) {
            events.extend(batch.entries.iter().map(|entry| entry.id));
        }
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

    /// What a server shows somebody of a session.
    pub(super) fn view(&self, viewer: &Partition, session: &Session) -> Result<(), Broken> {
        apart(session.tenant == viewer.tenant, || {
            format!("{} is shown a session of {}", viewer.tenant, session.tenant)
        })?;
        self.reach(viewer, Belonging::Session(session.id))
    }

    /// What somebody is given, or has done something to.
    pub(super) fn reach(&self, by: &Partition, given: Belonging) -> Result<(), Broken> {
        let whose = match given {
            Belonging::Session(id) => self.sessions.get(&id),
            Belonging::Device(id) => self.devices.get(&id),
            Belonging::Event(id) => {
                let mut all = self.events.iter();
                all.find_map(|(whose, events)| events.contains(&id).then_some(whose))
            }
        };
        apart(whose == Some(by), || format!("{} has reached {given:?} of {whose:?}", by.tenant))
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
