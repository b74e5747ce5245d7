//! Plain bookkeeping of what became durable: which stops there are, what was released for them, who holds and has ended
//! them. All checks read it as it was before the entry that they judge.
//!
//! It knows nothing of the kernel's state machine: a release is under way until something ends it, and that is all.

use std::collections::{BTreeMap, BTreeSet};

use carhop_app::batch::{Batch, Body, Clearance, DeviceEvent, Entry, OperatorEvent, Stream};
use carhop_app::record::{Kind, Partition};
use carhop_app::records::{TokenRow, TrustSubject};
use carhop_kernel::device::{DeviceClass, TrustTier};
use carhop_kernel::digest::{
    FirmwareDigest, KeyThumbprint, OrderDigest, PolicyVersion, SecretHash,
};
use carhop_kernel::id::{CommandId, DeviceId, SessionId};
use carhop_kernel::order::{LegTerms, OrderVersion};
use carhop_kernel::session::{Event, Exception, HoldCause, LegIndex, Release};
use carhop_kernel::time::{Timestamp, Window};

/// What became durable so far.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) stops: BTreeMap<SessionId, Stop>,
    pub(super) devices: BTreeMap<DeviceId, Device>,
    pub(super) commands: BTreeMap<CommandId, Commanded>,
    pub(super) tokens: BTreeMap<SecretHash, TokenRow>,
    pub(super) held_tenants: BTreeSet<Partition>,
    /// The policies that took the place of others, by whose they are.
    pub(super) policies: BTreeMap<Partition, PolicyVersion>,
    /// The epoch of trust after each restore.
    epochs: BTreeMap<Partition, u64>,
    revoked_classes: BTreeMap<(Partition, DeviceClass), Timestamp>,
    revoked_firmware: BTreeSet<(Partition, FirmwareDigest)>,
}

/// One stop.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    pub(super) partition: Partition,
    pub(super) order: OrderDigest,
    pub(super) window: Window,
    pub(super) legs: Vec<Leg>,
    /// What holds it, each until it is lifted.
    pub(super) holds: BTreeSet<HoldCause>,
    pub(super) is_ended: bool,
    /// The binding that waits for approval.
    proposed: Option<u32>,
    pub(super) binding: Option<u32>,
    pub(super) assigned: Option<Assigned>,
    pub(super) verified_at: Option<Timestamp>,
    pub(super) shown_at: Option<Timestamp>,
    /// Whether somebody was asked to look at what nobody knows.
    pub(super) asks_for_person: bool,
}

/// One leg of a stop.
#[derive(Clone, Debug)]
pub(super) struct Leg {
    pub(super) terms: LegTerms,
    /// The command whose end is not known.
    pub(super) under_way: Option<CommandId>,
    /// The command of its last release, whatever came of it.
    pub(super) last: Option<CommandId>,
    /// Whether its door has opened under that command.
    pub(super) is_open: bool,
    pub(super) is_ended: bool,
}

/// Who has a stop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Assigned {
    pub(super) number: u32,
    pub(super) handset: DeviceId,
    pub(super) key: KeyThumbprint,
}

/// A release that was journaled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Commanded {
    pub(super) session: SessionId,
    pub(super) leg: LegIndex,
    pub(super) device: DeviceId,
    pub(super) release: Release,
    /// The epoch of trust in which it was made.
    pub(super) epoch: u64,
    /// Whether its leaving is durable.
    pub(super) is_sent: bool,
}

/// A device of the inventory.
#[derive(Clone, Debug)]
pub(super) struct Device {
    pub(super) partition: Partition,
    pub(super) class: DeviceClass,
    enrolled_at: Timestamp,
    pub(super) attested: Option<Attested>,
    /// What speaks against it.
    against: BTreeSet<&'static str>,
}

/// What a device last proved of itself.
#[derive(Clone, Debug)]
pub(super) struct Attested {
    pub(super) at: Timestamp,
    runs: Vec<FirmwareDigest>,
}

impl Ledger {
    /// Why nothing may be released or sent to a device, if there is such a reason.
    pub(super) fn ruled_out(&self, device: DeviceId) -> Option<&'static str> {
        let known = self.devices.get(&device)?;
        let class = (known.partition.clone(), known.class);
        let of_class = self.revoked_classes.get(&class).is_some_and(|at| known.enrolled_at <= *at);
        let mut runs = known.attested.iter().flat_map(|attested| &attested.runs);
        let of_firmware = runs
            .any(|firmware| self.revoked_firmware.contains(&(known.partition.clone(), *firmware)));
        let wider = [(of_class, "of a revoked class"), (of_firmware, "running a revoked firmware")];
        let wider = wider.into_iter().find_map(|(is_so, why)| is_so.then_some(why));
        known.against.first().copied().or(wider)
    }

    /// Whether a revocation of the subject concerns a device.
    pub(super) fn concerns(&self, subject: TrustSubject, device: DeviceId) -> bool {
        let known = self.devices.get(&device);
        match subject {
            TrustSubject::Device(one) => one == device,
            TrustSubject::Class(class) => known.is_some_and(|known| {
                let revoked = self.revoked_classes.get(&(known.partition.clone(), class));
                known.class == class && revoked.is_some_and(|at| known.enrolled_at <= *at)
            }),
            TrustSubject::Firmware(firmware) => known
                .and_then(|known| known.attested.as_ref())
                .is_some_and(|attested| attested.runs.contains(&firmware)),
        }
    }

    /// Adds an entry.
    pub(super) fn enter(&mut self, batch: &Batch, entry: &Entry) {
        match (entry.stream, &entry.body) {
            (Stream::Session(id), Body::Session(event)) => self.session(batch, id, event),
            (_, Body::Device(event)) => self.device(batch, event),
            (_, Body::Operator(event)) => self.operator(batch, event),
            (_, _) => {}
        }
    }

    /// Adds what the batch stored, once all of its entries are in.
    pub(super) fn store(&mut self, batch: &Batch) {
        for write in batch.writes.iter().filter(|write| write.key.kind == Kind::Token) {
            let body = write.body.as_deref().unwrap_or_default();
            if let Ok(row) = serde_json::from_slice::<TokenRow>(body) {
                self.tokens.insert(row.hash, row);
            }
        }
    }

    fn device(&mut self, batch: &Batch, event: &DeviceEvent) {
        if let DeviceEvent::Enrolled { device, class, .. } = event {
            let fresh = Device {
                partition: batch.partition.clone(),
                class: *class,
                enrolled_at: batch.at,
                attested: None,
                against: BTreeSet::new(),
            };
            self.devices.insert(*device, fresh);
            return;
        }
        let mut change = |device: &DeviceId, change: &dyn Fn(&mut Device)| {
            if let Some(known) = self.devices.get_mut(device) {
                change(known);
            }
        };
        match (batch.at, event) {
            (at, DeviceEvent::Attested { device, tier, firmware, .. }) => change(device, &|it| {
                let attested = Attested { at, runs: firmware.clone() };
                it.attested = (*tier != TrustTier::None).then_some(attested);
            }),
            (_, DeviceEvent::Stated { device, what, .. }) if what == "lock.tampered" => {
                change(device, &|it| it.speak(TAMPERED));
            }
            (_, DeviceEvent::Frozen { device }) => {
                change(device, &|it| it.speak(FROZEN));
            }
            (_, DeviceEvent::Forked { device, .. }) => {
                change(device, &|it| it.speak(FORKED));
            }
            (_, DeviceEvent::Revoked { device, .. }) => {
                change(device, &|it| it.speak(REVOKED));
            }
            (_, DeviceEvent::Cleared { device, of, .. }) => {
                let cleared: &[&str] = match of {
                    Clearance::Freeze => &[FROZEN, FORKED],
                    Clearance::Tamper => &[TAMPERED],
                };
                change(device, &|it| it.against.retain(|why| !cleared.contains(why)));
            }
            (_, _) => {}
        }
    }

    fn operator(&mut self, batch: &Batch, event: &OperatorEvent) {
        if let OperatorEvent::TenantHeld { .. } = event {
            self.held_tenants.insert(batch.partition.clone());
        }
        if let OperatorEvent::PolicyActivated { to, .. } = event {
            self.policies.insert(batch.partition.clone(), *to);
        }
        if let OperatorEvent::Restored { trust_epoch, .. } = event {
            self.epochs.insert(batch.partition.clone(), *trust_epoch);
        }
        if let OperatorEvent::TenantResumed { .. } = event {
            self.held_tenants.remove(&batch.partition);
        }
        if let OperatorEvent::TrustRevoked { subject, .. } = event {
            match subject.parse() {
                Ok(TrustSubject::Class(class)) => {
                    self.revoked_classes.insert((batch.partition.clone(), class), batch.at);
                }
                Ok(TrustSubject::Firmware(firmware)) => {
                    self.revoked_firmware.insert((batch.partition.clone(), firmware));
                }
                Ok(TrustSubject::Device(_)) | Err(_) => {}
            }
        }
    }

    fn session(&mut self, batch: &Batch, id: SessionId, event: &Event) {
        if let Event::SessionRequested { order, .. } = event {
            self.stops.insert(id, Stop::new(&batch.partition, order));
            return;
        }
        let Some(stop) = self.stops.get_mut(&id) else { return };
        stop.follow(event);
        if let Event::ReleaseAuthorised { leg, device, release } = event {
            let (leg, device, release) = (*leg, *device, *release);
            let epoch = self.epochs.get(&batch.partition).copied().unwrap_or_default();
            let made = Commanded { session: id, leg, device, release, epoch, is_sent: false };
            self.commands.insert(release.command, made);
        }
        if let Event::CommandSent { command, .. } = event
            && let Some(made) = self.commands.get_mut(command)
        {
            made.is_sent = true;
        }
    }
}

impl Stop {
    fn new(partition: &Partition, order: &OrderVersion) -> Self {
        Self {
            partition: partition.clone(),
            order: order.digest,
            window: order.terms.window,
            legs: order.terms.legs.iter().map(Leg::new).collect(),
            holds: BTreeSet::new(),
            is_ended: false,
            proposed: None,
            binding: None,
            assigned: None,
            verified_at: None,
            shown_at: None,
            asks_for_person: false,
        }
    }

    /// The leg at this place.
    pub(super) fn leg(&self, leg: LegIndex) -> Option<&Leg> {
        self.legs.get(usize::from(leg.0))
    }

    fn follow(&mut self, event: &Event) {
        let over = |leg: &mut Leg| (leg.under_way, leg.is_ended) = (None, true);
        match (self.proposed, event) {
            (_, Event::RecipientVerified { at, .. }) => self.verified_at = Some(*at),
            (_, Event::BindingProposed { binding, .. }) => self.proposed = Some(*binding),
            (proposed, Event::IntentApproved { .. }) => self.binding = proposed,
            (_, Event::DriverAssigned { assignment: number, device, key, .. }) => {
                self.assigned = Some(Assigned { number: *number, handset: *device, key: *key });
                self.shown_at = None;
            }
            (_, Event::PresenceProven { at, .. }) => self.shown_at = Some(*at),
            (_, Event::OrderAmended { order }) => self.amend(order),
            (_, Event::BindingVoided { .. }) => self.unbind(),
            (_, Event::SessionHeld { cause, .. }) => self.holds.extend([*cause]),
            (_, Event::HoldEased { cause }) => self.holds.retain(|other| other != cause),
            (_, Event::HoldLifted) => self.holds.clear(),
            (
                _,
                Event::SessionRevoked { .. }
                | Event::SessionExpired
                | Event::SessionCompleted { .. },
            ) => self.is_ended = true,
            (_, Event::ExceptionRaised { exception, .. }) => {
                self.asks_for_person |= matches!(
                    exception,
                    Exception::OutcomeUnknown
                        | Exception::LeftOpen
                        | Exception::TransferUnconfirmed
                        | Exception::MeterSilent
                );
            }
            (_, Event::ReleaseAuthorised { leg, release, .. }) => self.change(*leg, |leg| {
                (leg.under_way, leg.is_open) = (Some(release.command), false);
                leg.last = leg.under_way;
            }),
            (_, Event::CompartmentOpened { leg, .. }) => {
                self.change(*leg, |leg| leg.is_open = true);
            }
            (_, Event::ReleaseNotExecuted { leg, .. }) => {
                self.change(*leg, |leg| leg.under_way = None);
            }
            (
                _,
                Event::CompartmentSecured { leg }
                | Event::FuelSettled { leg, .. }
                | Event::LegFailed { leg, .. }
                | Event::LegTakenOver { leg },
            ) => self.change(*leg, over),
            (_, _) => {}
        }
    }

    fn change(&mut self, leg: LegIndex, change: impl FnOnce(&mut Leg)) {
        if let Some(leg) = self.legs.get_mut(usize::from(leg.0)) {
            change(leg);
        }
    }

    fn amend(&mut self, order: &OrderVersion) {
        let before = std::mem::take(&mut self.legs);
        self.legs = order.terms.legs.iter().map(Leg::new).collect();
        for (leg, before) in self.legs.iter_mut().zip(before) {
            if before.is_ended {
                *leg = before;
            }
        }
        (self.order, self.window, self.verified_at) = (order.digest, order.terms.window, None);
        self.unbind();
    }

    fn unbind(&mut self) {
        (self.proposed, self.binding, self.assigned, self.shown_at) = (None, None, None, None);
    }
}

impl Device {
    fn speak(&mut self, against: &'static str) {
        self.against.insert(against);
    }
}

impl Leg {
    fn new(terms: &LegTerms) -> Self {
        Self { terms: terms.clone(), under_way: None, last: None, is_open: false, is_ended: false }
    }
}

const REVOKED: &str = "revoked";
const TAMPERED: &str = "tampered with";
const FROZEN: &str = "frozen";
const FORKED: &str = "telling two stories";
