//! What only ever grows: the counter of each device's commands, the epoch of trust, how far each device's statements were
//! read.

use std::collections::BTreeMap;

use carhop_app::batch::{Batch, Body, DeviceEvent, Effect};
use carhop_app::record::{Kind, Partition};
use carhop_app::records::{ChainRecord, DeviceRecord, TenantRecord};
use carhop_kernel::id::DeviceId;
use carhop_kernel::session::Event;

use super::invariant::Invariant;
use crate::happening::Broken;

/// How far everything has come.
#[derive(Debug, Default)]
pub(super) struct Counters {
    commands: BTreeMap<DeviceId, u64>,
    epochs: BTreeMap<Partition, u64>,
    chains: BTreeMap<DeviceId, (u32, u64)>,
}

/// Whether something that the device said is heard with a batch.
fn states(batch: &Batch, device: DeviceId) -> bool {
    batch.entries.iter().any(|entry| {
        matches!(&entry.body, Body::Device(DeviceEvent::Stated { device: by, .. }) if *by == device)
    })
}

impl Counters {
    /// Judges a batch.
    pub(super) fn append(&mut self, batch: &Batch) -> Result<(), Broken> {
        for write in &batch.writes {
            let body = write.body.as_deref().unwrap_or_default();
            if write.key.kind == Kind::Device
                && let Ok(record) = serde_json::from_slice::<DeviceRecord>(body)
            {
                self.device(batch, &record)?;
            }
            if write.key.kind == Kind::Chain
                && let Ok(chain) = serde_json::from_slice::<ChainRecord>(body)
            {
                let position = (chain.boot_epoch, chain.sequence);
                let before = self.chains.insert(chain.device, position);
                // A restore marks the place from which a device is to be heard again.
                let is_mark = before == Some(position) && !states(batch, chain.device);
                let grows = is_mark || before.is_none_or(|before| before < position);
                Invariant::EpochsAndCountersNeverFall.require(grows, || {
                    format!("{} was read to {before:?} and now to {position:?}", chain.device)
                })?;
            }
            if write.key.kind == Kind::Tenant
                && let Ok(tenant) = serde_json::from_slice::<TenantRecord>(body)
            {
                let epoch = tenant.trust_epoch;
                let before = self.epochs.insert(batch.partition.clone(), epoch);
                let grows = before.is_none_or(|before| before <= epoch);
                Invariant::EpochsAndCountersNeverFall
                    .require(grows, || format!("the trust epoch {before:?} becomes {epoch}"))?;
            }
        }
        Ok(())
    }

    /// The counter grows by at least the commands and cancels that the batch makes, and a release carries it.
    fn device(&mut self, batch: &Batch, record: &DeviceRecord) -> Result<(), Broken> {
        let device = record.device;
        let before = self.commands.insert(device, record.counter).unwrap_or(0);
        let made = batch.effects.iter().filter(|(_, effect)| match effect {
            Effect::SendCommand { device: audience, .. }
            | Effect::SendCancel { device: audience, .. } => *audience == device,
        });
        let least = before + made.count() as u64;
        Invariant::EpochsAndCountersNeverFall.require(record.counter >= least, || {
            format!("the counter of {device} goes from {before} to {}", record.counter)
        })?;
        for entry in &batch.entries {
            if let Body::Session(event) = &entry.body
                && let Event::ReleaseAuthorised { device: audience, release, .. } = &**event
                && *audience == device
            {
                let is_new = before < release.counter && release.counter <= record.counter;
                Invariant::EpochsAndCountersNeverFall.require(is_new, || {
                    format!("{} counts {} after {before}", release.command, release.counter)
                })?;
            }
        }
        Ok(())
    }

    /// Cancels are counted like commands: a batch that makes one says so of its device.
    pub(super) fn cancels(batch: &Batch) -> Result<(), Broken> {
        let made = batch
            .entries
            .iter()
            .filter(|entry| matches!(entry.body, Body::Device(DeviceEvent::CancelMade { .. })));
        let left = batch.effects.iter().filter(|(_, effect)| match effect {
            Effect::SendCancel { .. } => true,
            Effect::SendCommand { .. } => false,
        });
        let (made, left) = (made.count(), left.count());
        Invariant::RevocationIsFollowed
            .require(made == left, || format!("{left} cancels are to leave and {made} are told"))
    }
}
