//! Records of withdrawn trust: what was revoked, and how far that has come.

use std::fmt;
use std::str::FromStr;

use carhop_kernel::device::DeviceClass;
use carhop_kernel::digest::FirmwareDigest;
use carhop_kernel::id::{BadId, CommandId, DeviceId, SessionId};
use carhop_kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::record::{Kind, Record};

/// What loses its trust in one action (M-DEV-3). Its text is `device:…`, `class:lock` or `firmware:…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum TrustSubject {
    /// One device.
    Device(DeviceId),
    /// Every device of a class that was enrolled by then; what enrols later is trusted anew.
    Class(DeviceClass),
    /// Every device on which this runs, and whatever attests it later.
    Firmware(FirmwareDigest),
}

/// A revocation with its two moments (`design.md` §9.2). Whatever relies on a device reads those of its class and its
/// firmware, so that none of them can be missed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevocationRecord {
    /// What was revoked.
    pub subject: TrustSubject,
    /// Why.
    pub cause: String,
    /// From here on nothing new is released and nothing unsent leaves.
    pub revoked_at: Timestamp,
    /// The last device that was looked at, and whether that was all of them.
    pub swept: Swept,
    /// Whether one of them could not be dealt with, so that all are gone through once more after the last.
    pub missed: bool,
    /// Devices concerned, as far as they were looked at.
    pub devices: u64,
    /// Stops that rely on them.
    pub sessions: u64,
    /// Commands that had left and were not answered yet.
    pub awaited: Vec<AwaitedCommand>,
    /// From here on nothing that was commanded before can happen any more.
    pub settled_at: Option<Timestamp>,
}

/// How far the devices concerned were looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Swept {
    /// Not at all.
    None,
    /// Up to and including this one.
    Through(DeviceId),
    /// All of them.
    All,
}

/// A command that may have left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitedCommand {
    /// The session it serves.
    pub session: SessionId,
    /// Which command.
    pub command: CommandId,
}

impl Record for RevocationRecord {
    const KIND: Kind = Kind::Revocation;

    fn key(&self) -> String {
        self.subject.to_string()
    }
}

impl fmt::Display for TrustSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(device) => write!(f, "device:{device}"),
            Self::Class(class) => write!(f, "class:{class}"),
            Self::Firmware(firmware) => write!(f, "firmware:{firmware}"),
        }
    }
}

impl FromStr for TrustSubject {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        match text.split_once(':') {
            Some(("device", id)) => id.parse().map(Self::Device),
            Some(("class", name)) => name.parse().map(Self::Class),
            Some(("firmware", digest)) => digest.parse().map(Self::Firmware),
            Some(_) | None => Err(BadId),
        }
    }
}

impl TryFrom<String> for TrustSubject {
    type Error = BadId;

    fn try_from(text: String) -> Result<Self, BadId> {
        text.parse()
    }
}

impl From<TrustSubject> for String {
    fn from(subject: TrustSubject) -> Self {
        subject.to_string()
    }
}
