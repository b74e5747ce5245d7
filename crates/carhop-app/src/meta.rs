//! What is recorded about the cause of an event.

use carhop_kernel::actor::Actor;
use carhop_kernel::device::TrustTier;

use crate::batch::{DeviceTrust, Meta};
use crate::call::Call;
use crate::records::DeviceRecord;
use carhop_kernel::time::Timestamp;

impl Meta {
    /// Caused by Carhop itself.
    pub(crate) const fn system() -> Self {
        Self::of(Actor::System)
    }

    /// Caused by an actor.
    pub(crate) const fn of(actor: Actor) -> Self {
        Self { actor, decision: None, policy: None, key: None, token: None, device: None }
    }

    /// Caused by a caller.
    pub(crate) fn by(call: &Call) -> Self {
        Self { key: call.key, ..Self::of(call.actor) }
    }

    /// With the state of the device concerned (M-DEV-3).
    pub(crate) fn about(mut self, device: &DeviceRecord, now: Timestamp) -> Self {
        self.device = Some(DeviceTrust {
            device: device.device,
            firmware: device.firmware().to_vec(),
            tier: if device.is_shut_out() { TrustTier::None } else { device.tier(now) },
        });
        self
    }
}
