//! Records of devices: who they are, what they signed, which commands they were sent.

use std::collections::BTreeSet;

use carhop_kernel::device::{DeviceClass, TrustTier};
use carhop_kernel::digest::{EvidenceHash, FirmwareDigest, KeyThumbprint, SecretHash};
use carhop_kernel::freshness::Perishable;
use carhop_kernel::id::{CommandId, DeviceId, DriverId, ReleaseId, SessionId};
use carhop_kernel::session::LegIndex;
use carhop_kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::record::{Kind, Record};
use crate::records::TrustSubject;

/// A device of the inventory. Whatever changes its trust changes its version, and with it every decision that read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRecord {
    /// Which device.
    pub device: DeviceId,
    /// Its name for people.
    pub name: String,
    /// Its class.
    pub class: DeviceClass,
    /// SEC 1 uncompressed P-256 point of its certified key, in hexadecimal digits; empty until enrolled.
    pub public_key: String,
    /// RFC 7638 thumbprint of that key.
    pub key: Option<KeyThumbprint>,
    /// Fingerprint of the certificate in force.
    pub certificate: Option<KeyThumbprint>,
    /// First instant at which the certificate is dead.
    pub certified_until: Option<Timestamp>,
    /// The certificate that was made for it last, while it has not shown it (decision 0017).
    #[serde(default)]
    pub next: Option<NextCertificate>,
    /// Its last accepted attestation.
    pub attested: Option<Attested>,
    /// Everything that ran on it when it last attested itself, also while that counts no more: what it does now, it does
    /// with that.
    pub ran: Vec<FirmwareDigest>,
    /// Why it was revoked.
    pub revoked: Option<String>,
    /// Whether it has reported tampering since a person last looked. Attesting does not undo it: whoever tampered could
    /// attest.
    pub tampered: bool,
    /// Why it is no longer believed, until somebody of the staff has looked.
    pub distrusted: Option<Distrust>,
    /// Whether two live connections claimed to be it, and nobody has looked yet.
    pub frozen: bool,
    /// When it enrolled.
    pub enrolled_at: Option<Timestamp>,
    /// What else was revoked and it with it: its class or its firmware. Not part of the record: read beside it by
    /// [`crate::App`] wherever trust is judged.
    #[serde(skip)]
    pub ruled_out: Option<TrustSubject>,
    /// Counter of the last command made for it.
    pub counter: u64,
    /// The stop it was last released for, to which belongs what it says without naming a command. Nothing else has it
    /// until that stop's release has ended, which that session alone tells.
    pub serving: Option<SessionId>,
    /// The driver signed in on it; handsets only.
    pub driver: Option<DriverId>,
    /// How often it was heard since it lost its place: what it had done before is still taken, within bounds.
    pub last_words: u32,
    /// Whether it is a browser: its key is certified, and nothing can vouch for what runs on it.
    pub browser: bool,
}

/// A certificate that takes the place of the one in force when it is shown for the first time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextCertificate {
    /// Its fingerprint.
    pub fingerprint: KeyThumbprint,
    /// SEC 1 uncompressed P-256 point of its key, in hexadecimal digits.
    pub public_key: String,
    /// RFC 7638 thumbprint of that key.
    pub key: KeyThumbprint,
    /// First instant at which it is dead.
    pub until: Timestamp,
}

/// Why a device is no longer believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distrust {
    /// It has told two stories about the same moment: its memory or its key is in other hands (decision 0005).
    Forked,
}

/// An accepted attestation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attested {
    /// How far it makes the device trusted.
    pub tier: TrustTier,
    /// Everything measured that runs on it, in its own order; a revocation of any part counts.
    pub firmware: Vec<FirmwareDigest>,
    /// When it was judged.
    pub at: Timestamp,
    /// Thumbprint of the root that vouched for it.
    pub root: KeyThumbprint,
}

impl DeviceRecord {
    /// Everything that runs on it, as far as it attested itself.
    pub fn firmware(&self) -> &[FirmwareDigest] {
        self.attested.as_ref().map_or(&[], |attested| &attested.firmware)
    }

    /// Whether the device, its class or its firmware was revoked.
    pub const fn is_revoked(&self) -> bool {
        self.revoked.is_some() || self.ruled_out.is_some()
    }

    /// Whether it lost its place: it is told and commanded nothing, and heard only about what it was commanded before.
    pub const fn is_shut_out(&self) -> bool {
        self.is_revoked() || self.frozen
    }

    /// Whether trust in the device was withdrawn, whatever it could show.
    pub const fn is_withdrawn(&self) -> bool {
        self.is_revoked() || self.tampered || self.distrusted.is_some()
    }

    /// Whether its key is certified at `now`, be it by a certificate that it has not shown yet.
    pub fn is_certified(&self, now: Timestamp) -> bool {
        let next = self.next.as_ref().filter(|next| Some(next.key) == self.key);
        let ends = [self.certified_until, next.map(|next| next.until)];
        ends.into_iter().flatten().any(|until| now < until)
    }

    /// Whether nothing speaks against the device.
    pub fn is_trusted(&self, now: Timestamp) -> bool {
        !self.is_withdrawn() && self.is_certified(now)
    }

    /// How far the device is trusted at `now`; stale evidence is none (M-DEV-2).
    pub fn tier(&self, now: Timestamp) -> TrustTier {
        if !self.is_trusted(now) {
            return TrustTier::None;
        }
        if self.browser {
            return TrustTier::Certified;
        }
        match &self.attested {
            Some(attested) if Perishable::integrity_of(self.class).is_fresh(attested.at, now) => {
                attested.tier
            }
            Some(_) | None => TrustTier::None,
        }
    }
}

impl Record for DeviceRecord {
    const KIND: Kind = Kind::Device;

    fn key(&self) -> String {
        self.device.to_string()
    }

    fn indexes(&self) -> Vec<(&'static str, String)> {
        let key = self.key.iter().map(|key| ("key", key.to_string()));
        // A part may run twice on it, and is indexed once.
        let parts: BTreeSet<_> = self.ran.iter().collect();
        let firmware = parts.into_iter().map(|part| ("firmware", part.to_string()));
        [("class", self.class.name().to_owned())].into_iter().chain(key).chain(firmware).collect()
    }
}

/// How far a device's chain of signed statements has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainRecord {
    /// Which device.
    pub device: DeviceId,
    /// The boot of the last statement.
    pub boot_epoch: u32,
    /// Its number within the boot.
    pub sequence: u64,
    /// SHA-256 of its bytes.
    pub hash: EvidenceHash,
    /// What its meter said last; pumps only.
    pub metering: Option<Metering>,
    /// What may be missing since a backup was brought back.
    pub lost: Option<Lost>,
    /// When its last statement came.
    pub heard: Option<LastHeard>,
}

/// Two clocks at one statement. Between them lie the skew of the device's clock and how long the statement was on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastHeard {
    /// When it came, by our clock.
    pub at: Timestamp,
    /// When it was made, by the device's clock.
    pub device_time: Timestamp,
}

/// A stretch of a device's chain of which a restored journal may know nothing: boots and numbers within them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// The last statement that the backup had; boots count from one, so that zero is none.
    pub after: (u32, u64),
    /// The next statement that the device was to make when it came back, with which the chain goes on; `None` while it
    /// has not come back.
    pub until: Option<(u32, u64)>,
}

/// The last reading of a pump's meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metering {
    /// Under which command.
    pub command: CommandId,
    /// The number that the next reading of this dispensing must have.
    pub next_number: u32,
    /// What the totaliser showed before the first drop, in millilitres.
    pub begin_ml: u64,
    /// What it shows, in millilitres.
    pub totaliser_ml: u64,
    /// What this dispensing has metered, in millilitres.
    pub metered_ml: u32,
    /// Whether the dispensing is over.
    pub is_ended: bool,
}

impl Record for ChainRecord {
    const KIND: Kind = Kind::Chain;

    fn key(&self) -> String {
        self.device.to_string()
    }
}

/// A command that was made, so that what a device says about it finds its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRecord {
    /// Which command.
    pub command: CommandId,
    /// For which device.
    pub device: DeviceId,
    /// For which session.
    pub session: SessionId,
    /// For which leg.
    pub leg: LegIndex,
    /// For which release.
    pub release: ReleaseId,
    /// The action token that was used up for it; revoking what it came from calls the command back.
    pub token: SecretHash,
    /// Whether the device was told to stop it.
    pub stop: StopOrder,
    /// How often its silent device was to be asked about it.
    pub asked: u32,
    /// When the device was last asked, if it was within reach then.
    pub asked_at: Option<Timestamp>,
}

/// Whether a device was told never to carry out a command, and to stop what has begun under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopOrder {
    /// It was not.
    None,
    /// It was, and is told again until it answers.
    Given,
    /// It was, and did not answer in the time in which it could have acted: a person has to find out.
    Unanswered,
}

impl Record for CommandRecord {
    const KIND: Kind = Kind::Command;

    fn key(&self) -> String {
        self.command.to_string()
    }
}

/// A command or cancel as it was signed: what the device was told, for whoever checks it afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedCommandRecord {
    /// Which command.
    pub command: CommandId,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Record for SignedCommandRecord {
    const KIND: Kind = Kind::SignedCommand;

    fn key(&self) -> String {
        self.command.to_string()
    }
}

/// A signed statement, kept as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptRecord {
    /// Which device.
    pub device: DeviceId,
    /// The session it is about, if it is about one.
    pub session: Option<SessionId>,
    /// The boot it was made in.
    pub boot_epoch: u32,
    /// Its number within the boot.
    pub sequence: u64,
    /// What about, by stable name.
    pub what: String,
    /// The device's clock; data only.
    pub device_time: Timestamp,
    /// When it came.
    pub received_at: Timestamp,
    /// Meter value in millilitres, where there is one.
    pub metered_ml: Option<u32>,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl ReceiptRecord {
    /// The key of a device's statement.
    pub fn key_of(device: DeviceId, boot_epoch: u32, sequence: u64) -> String {
        format!("{device}/{boot_epoch:010}/{sequence:020}")
    }
}

impl Record for ReceiptRecord {
    const KIND: Kind = Kind::Receipt;

    fn key(&self) -> String {
        Self::key_of(self.device, self.boot_epoch, self.sequence)
    }

    fn indexes(&self) -> Vec<(&'static str, String)> {
        self.session.iter().map(|session| ("session", session.to_string())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it was stored before a renewed certificate was kept beside the one in force.
    const FORMER: &str = r#"{"device":"dev_01010101010101010101010101010101","name":"left","class":"lock",
        "public_key":"","key":null,"certificate":null,"certified_until":1800000000000,"attested":null,"ran":[],
        "revoked":null,"tampered":false,"distrusted":null,"frozen":false,"enrolled_at":null,"counter":3,
        "serving":null,"driver":null,"last_words":0,"browser":false}"#;

    #[test]
    fn a_device_that_was_stored_without_a_next_certificate_is_read() {
        let read: DeviceRecord = serde_json::from_str(FORMER).unwrap();
        assert_eq!((read.next, read.counter), (None, 3));
    }

    #[test]
    fn a_next_certificate_of_the_same_key_certifies_it_as_well_and_one_of_another_does_not() {
        let [own, other] = [KeyThumbprint([1; 32]), KeyThumbprint([2; 32])];
        let (first, second) = (Timestamp::from_unix_s(10), Timestamp::from_unix_s(20));
        for (key, ends) in [(own, second), (other, first)] {
            let public_key = String::new();
            let next = NextCertificate { fingerprint: other, public_key, key, until: second };
            let read: DeviceRecord = serde_json::from_str(FORMER).unwrap();
            let device = DeviceRecord {
                key: Some(own),
                certified_until: Some(first),
                next: Some(next),
                ..read
            };
            let last = Timestamp::from_unix_ms(ends.unix_ms() - 1);
            assert_eq!([last, ends].map(|now| device.is_certified(now)), [true, false]);
        }
    }
}
