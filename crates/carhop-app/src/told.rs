//! What the log tells of records that nothing else vouches for: what holds in the whole account, which policies decide,
//! whose trust was withdrawn, which API keys there are. Each of them follows from events, so one that says otherwise was not made by Carhop
//! (M-AUD-1).
//!
//! It compares, and mends nothing; whether the events are the log's is checked elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use carhop_kernel::device::DeviceClass;
use carhop_kernel::digest::KeyThumbprint;
use carhop_kernel::id::{DeviceId, StaffId};
use carhop_kernel::time::Timestamp;

use crate::batch::{Body, Clearance, DeviceEvent, OperatorEvent, Recorded};
use crate::failure::Failure;
use crate::log::Log;
use crate::record::{Kind, Record};
use crate::records::{
    ApiKeyRecord, DeviceRecord, Distrust, PolicyInForceRecord, RevocationRecord, StaffEnding,
    StaffRecord, StaffRole, TenantHold, TenantRecord, TrustSubject,
};
use crate::said::TAMPERED;

/// What events have told so far.
#[derive(Debug, Default)]
pub struct Told {
    tenant: TenantRecord,
    policies: Option<PolicyInForceRecord>,
    revocations: BTreeMap<String, Withdrawn>,
    devices: BTreeMap<DeviceId, Standing>,
    /// Whether each API key is in force.
    api_keys: BTreeMap<String, bool>,
    staff: BTreeMap<StaffId, Employed>,
}

/// A record that says something else than the events do, or that there is only in one of the two.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stray {
    /// Of which kind.
    pub kind: Kind,
    /// Its key.
    pub key: String,
}

/// A revocation as its events tell it.
#[derive(Debug, PartialEq, Eq)]
struct Withdrawn {
    cause: String,
    revoked_at: Timestamp,
    settled_at: Option<Timestamp>,
}

/// What a member of staff may do, and how they show who they are, as the events tell it.
#[derive(Debug, PartialEq, Eq)]
struct Employed {
    role: StaffRole,
    passkey: Option<KeyThumbprint>,
    ended: Option<StaffEnding>,
}

/// How a device stands as its events tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Standing {
    revoked: Option<String>,
    frozen: bool,
    tampered: bool,
    distrusted: Option<Distrust>,
    /// What a revocation of its class is judged by.
    class: Option<DeviceClass>,
    enrolled_at: Option<Timestamp>,
}

impl Told {
    /// Takes the next event of the account.
    pub fn follow(&mut self, recorded: &Recorded) {
        match &recorded.body {
            Body::Operator(event) => self.operator(event, recorded.at),
            Body::Device(event) => self.device(event, recorded.at),
            Body::Session(_)
            | Body::Refused(_)
            | Body::RefusalsCapped { .. }
            | Body::CodeIssued { .. }
            | Body::ProofFailed { .. }
            | Body::TokenIssued { .. }
            | Body::TokenRevoked { .. }
            | Body::CustomerBound { .. }
            | Body::LinkIssued { .. }
            | Body::PlaceJudged(_)
            | Body::TagScanned { .. }
            | Body::VehicleCompared { .. }
            | Body::Dispute(_) => {}
        }
    }

    /// Every record of the account that says otherwise.
    pub async fn strays(&self, log: &Log<'_>) -> Result<BTreeSet<Stray>, Failure> {
        let mut strays = BTreeSet::new();
        let mut stray = |kind, key: String| strays.insert(Stray { kind, key });
        let tenant: Option<TenantRecord> = log.record(TenantRecord::KEY.to_owned()).await?;
        if tenant.unwrap_or_default() != self.tenant {
            stray(TenantRecord::KIND, TenantRecord::KEY.to_owned());
        }
        if log.record(PolicyInForceRecord::KEY.to_owned()).await? != self.policies {
            stray(PolicyInForceRecord::KIND, PolicyInForceRecord::KEY.to_owned());
        }
        let found = log.records::<RevocationRecord>().await?.into_iter();
        let found: BTreeMap<_, _> = found.map(|record| (record.key(), record.into())).collect();
        for key in differing(&found, &self.revocations) {
            stray(RevocationRecord::KIND, key);
        }
        let found = log.records::<ApiKeyRecord>().await?.into_iter();
        let found = found.map(|record| (record.id.to_string(), record.is_in_force())).collect();
        for key in differing(&found, &self.api_keys) {
            stray(ApiKeyRecord::KIND, key);
        }
        let found = log.records::<DeviceRecord>().await?.into_iter();
        let mut found: BTreeMap<_, _> =
            found.map(|record| (record.device, Standing::from(record))).collect();
        // A device that nothing was ever said against may be forgotten.
        for (device, Standing { class, enrolled_at, .. }) in &self.devices {
            let (class, enrolled_at) = (*class, *enrolled_at);
            let forgotten = || Standing { class, enrolled_at, ..Standing::default() };
            found.entry(*device).or_insert_with(forgotten);
        }
        let told = found.keys().map(|device| (*device, self.standing(*device))).collect();
        for key in differing(&found, &told) {
            stray(DeviceRecord::KIND, key.to_string());
        }
        let found = log.records::<StaffRecord>().await?.into_iter();
        let found = found.map(|record| (record.member, record.into())).collect();
        for key in differing(&found, &self.staff) {
            stray(StaffRecord::KIND, key.to_string());
        }
        Ok(strays)
    }

    fn standing(&self, device: DeviceId) -> Standing {
        self.devices.get(&device).cloned().unwrap_or_default()
    }

    fn operator(&mut self, event: &OperatorEvent, at: Timestamp) {
        match event {
            OperatorEvent::TenantHeld { cause } => {
                self.tenant.hold = Some(TenantHold { cause: cause.clone(), since: at });
            }
            OperatorEvent::TenantResumed { .. } => self.tenant.hold = None,
            OperatorEvent::Restored { trust_epoch, .. } => self.tenant.trust_epoch = *trust_epoch,
            OperatorEvent::PolicyActivated { to, .. } => {
                self.policies = Some(PolicyInForceRecord { version: *to, activated_at: at });
            }
            OperatorEvent::TrustRevoked { subject, why } => {
                self.withdraw(subject.clone(), why, at);
            }
            OperatorEvent::RevocationSettled { subject } => {
                if let Some(withdrawn) = self.revocations.get_mut(subject) {
                    withdrawn.settled_at = Some(at);
                }
            }
            OperatorEvent::ApiKeyMade { key, .. } => {
                self.api_keys.insert(key.clone(), true);
            }
            OperatorEvent::ApiKeyRevoked { key, .. } => {
                self.api_keys.insert(key.clone(), false);
            }
            OperatorEvent::StaffInvited { member, role, .. } => {
                self.staff.insert(*member, Employed { role: *role, passkey: None, ended: None });
            }
            OperatorEvent::StaffRegistered { member, passkey } => {
                self.employ(*member, |employed| employed.passkey = Some(*passkey));
            }
            OperatorEvent::StaffSuspended { member } => {
                self.employ(*member, |employed| employed.ended = Some(StaffEnding::Suspended));
            }
            OperatorEvent::StaffRemoved { member, .. } => {
                self.employ(*member, |employed| employed.ended = Some(StaffEnding::Removed));
            }
            OperatorEvent::StaffSignedIn { .. }
            | OperatorEvent::StaffSignedOut { .. }
            | OperatorEvent::Started { .. }
            | OperatorEvent::VenueStored { .. }
            | OperatorEvent::DriverNamed { .. } => {}
        }
    }

    /// An event about somebody who was never invited tells of nobody.
    fn employ(&mut self, member: StaffId, change: impl FnOnce(&mut Employed)) {
        if let Some(employed) = self.staff.get_mut(&member) {
            change(employed);
        }
    }

    fn device(&mut self, event: &DeviceEvent, at: Timestamp) {
        match event {
            DeviceEvent::Revoked { device, why } => {
                self.withdraw(TrustSubject::Device(*device).to_string(), why, at);
                self.devices.entry(*device).or_default().revoked = Some(why.clone());
            }
            DeviceEvent::Frozen { device } => {
                self.devices.entry(*device).or_default().frozen = true;
            }
            DeviceEvent::Forked { device, .. } => {
                self.devices.entry(*device).or_default().distrusted = Some(Distrust::Forked);
            }
            DeviceEvent::Cleared { device, of: Clearance::Freeze, .. } => {
                let standing = self.devices.entry(*device).or_default();
                (standing.frozen, standing.distrusted) = (false, None);
            }
            DeviceEvent::Cleared { device, of: Clearance::Tamper, .. } => {
                self.devices.entry(*device).or_default().tampered = false;
            }
            DeviceEvent::Stated { device, what, .. } => {
                if what == TAMPERED {
                    self.devices.entry(*device).or_default().tampered = true;
                }
            }
            DeviceEvent::Ticketed { device, class, .. } => {
                self.devices.entry(*device).or_default().class = Some(*class);
            }
            DeviceEvent::Enrolled { device, .. } => {
                self.devices.entry(*device).or_default().enrolled_at = Some(at);
            }
            DeviceEvent::Renewed { .. }
            | DeviceEvent::Attested { .. }
            | DeviceEvent::Connected { .. }
            | DeviceEvent::CancelMade { .. }
            | DeviceEvent::EffectAbandoned { .. } => {}
        }
    }

    fn withdraw(&mut self, subject: String, cause: &str, revoked_at: Timestamp) {
        let cause = cause.to_owned();
        self.revocations.insert(subject, Withdrawn { cause, revoked_at, settled_at: None });
    }
}

impl From<RevocationRecord> for Withdrawn {
    fn from(record: RevocationRecord) -> Self {
        let RevocationRecord { cause, revoked_at, settled_at, .. } = record;
        Self { cause, revoked_at, settled_at }
    }
}

impl From<StaffRecord> for Employed {
    fn from(record: StaffRecord) -> Self {
        let StaffRecord { role, passkey, ended, .. } = record;
        Self { role, passkey, ended: ended.map(|ended| ended.how) }
    }
}

impl From<DeviceRecord> for Standing {
    fn from(record: DeviceRecord) -> Self {
        let DeviceRecord { revoked, frozen, tampered, distrusted, class, enrolled_at, .. } = record;
        Self { revoked, frozen, tampered, distrusted, class: Some(class), enrolled_at }
    }
}

/// The keys under which two maps hold different things, or only one holds something.
fn differing<K: Ord + Clone, V: PartialEq>(
    one: &BTreeMap<K, V>,
    other: &BTreeMap<K, V>,
) -> BTreeSet<K> {
    let keys = one.keys().chain(other.keys());
    keys.filter(|key| one.get(key) != other.get(key)).cloned().collect()
}
