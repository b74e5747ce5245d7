//! Records of the operator's staff: who they are, the passkey of each, and what a sign-in gave (M-IDN-1, `design.md` §5).

use carhop_kernel::digest::{KeyThumbprint, SecretHash};
use carhop_kernel::id::StaffId;
use carhop_kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::ApiScope;
use crate::record::{Kind, Record};

/// What somebody of the staff is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StaffRole {
    /// Runs the day: stops, drivers, devices, venues.
    Dispatcher,
    /// Helps customers and drivers: looks at stops and steers them.
    Support,
    /// Reads everything that happened, and changes nothing.
    Auditor,
    /// May do whatever staff may do, and says who is staff.
    Administrator,
}

impl StaffRole {
    /// Every role.
    pub const ALL: &'static [Self] =
        &[Self::Dispatcher, Self::Support, Self::Auditor, Self::Administrator];

    /// What comes with it. Placing orders and speaking for cars come with none: those are machines, with keys.
    pub const fn scopes(self) -> &'static [ApiScope] {
        match self {
            Self::Dispatcher => &[ApiScope::Staff, ApiScope::Fleet, ApiScope::Venues],
            Self::Support => &[ApiScope::Staff],
            Self::Auditor => &[ApiScope::Audit],
            Self::Administrator => &[
                ApiScope::Staff,
                ApiScope::Fleet,
                ApiScope::Venues,
                ApiScope::Audit,
                ApiScope::Admin,
            ],
        }
    }
}

/// A person of the staff. It changes only where it changes what the person may do, so that whatever they ask is appended
/// on the condition that it has not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffRecord {
    /// Who.
    pub member: StaffId,
    /// Their name for people.
    pub name: String,
    /// What they are there for.
    pub role: StaffRole,
    /// Since when they may register.
    pub invited_at: Timestamp,
    /// Since when they can sign in.
    pub registered_at: Option<Timestamp>,
    /// SHA-256 of their passkey's public key, which the log names.
    pub passkey: Option<KeyThumbprint>,
    /// How they ceased to be staff.
    pub ended: Option<StaffEnd>,
}

/// How somebody ceased to be staff. There is no way back but another invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffEnd {
    /// How.
    pub how: StaffEnding,
    /// Since when.
    pub at: Timestamp,
}

/// Ways of ceasing to be staff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StaffEnding {
    /// An administrator has removed them.
    Removed,
    /// Their passkey has counted backwards, so that there are two of it.
    Suspended,
}

impl Record for StaffRecord {
    const KIND: Kind = Kind::Staff;

    fn key(&self) -> String {
        self.member.to_string()
    }
}

/// A passkey, found by the hash of the name that its authenticator gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasskeyRecord {
    /// SHA-256 of that name.
    pub credential: KeyThumbprint,
    /// Whose it is.
    pub member: StaffId,
    /// Its public key as a COSE_Key.
    pub key: Vec<u8>,
    /// How often it has signed; zero where it does not count.
    pub counter: u32,
    /// Whether its owner's other devices may have it too.
    pub can_be_copied: bool,
    /// When it was last used.
    pub used_at: Timestamp,
}

impl Record for PasskeyRecord {
    const KIND: Kind = Kind::Passkey;

    fn key(&self) -> String {
        self.credential.to_string()
    }

    fn indexes(&self) -> Vec<(&'static str, String)> {
        vec![("member", self.member.to_string())]
    }
}

/// What a sign-in gave, by the keyed hash of its text: a pointer to a person, bound to a key of their browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffTokenRecord {
    /// Keyed hash of the token's text.
    pub hash: SecretHash,
    /// Whose.
    pub member: StaffId,
    /// The key that must come with it.
    pub key: KeyThumbprint,
    /// First instant at which it is dead.
    pub expires_at: Timestamp,
    /// Whether it was ended before that.
    pub ended: bool,
}

impl Record for StaffTokenRecord {
    const KIND: Kind = Kind::StaffToken;

    fn key(&self) -> String {
        self.hash.to_string()
    }

    /// What is no longer there is refused like what has expired.
    fn until(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}
