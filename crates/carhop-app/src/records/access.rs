//! Records of who may come in: tokens, API keys, links, tickets, and replies to repeated requests.

use carhop_kernel::device::DeviceClass;
use carhop_kernel::digest::SecretHash;
use carhop_kernel::id::{ApiKeyId, CustomerId, DeviceId, SessionId, StaffId, TicketId};
use carhop_kernel::time::Timestamp;
use carhop_kernel::token::{TokenLayer, TokenRecord};
use serde::{Deserialize, Serialize};

use crate::call::Reply;
use crate::record::{Kind, Record};

/// A token as it is looked up: by the keyed hash of its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRow {
    /// Keyed hash of the token's text.
    pub hash: SecretHash,
    /// Where its parent is looked up.
    pub parent: Option<SecretHash>,
    /// The customer it serves; only session tokens have one.
    pub customer: Option<CustomerId>,
    /// The decision it points to.
    pub token: TokenRecord,
}

impl Record for TokenRow {
    const KIND: Kind = Kind::Token;

    fn key(&self) -> String {
        self.hash.to_string()
    }

    fn indexes(&self) -> Vec<(&'static str, String)> {
        // What has ended is found by its text alone.
        let alive = self.token.ended.is_none();
        let index = Self::index_of(self.token.layer);
        alive.then(|| (index, self.token.session.to_string())).into_iter().collect()
    }

    /// A day in which whoever shows it is told that it has expired.
    fn until(&self) -> Option<Timestamp> {
        Some(self.token.expires_at.plus_ms(KEPT_MS))
    }
}

impl TokenRow {
    /// The index that finds a session's tokens of a layer.
    pub(crate) const fn index_of(layer: TokenLayer) -> &'static str {
        match layer {
            TokenLayer::Session => "session",
            TokenLayer::Vehicle => "vehicle",
            TokenLayer::Action => "action",
        }
    }
}

/// What an API key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiScope {
    /// Place and amend orders: a store's till.
    Orders,
    /// Look at and steer stops: the operator's staff.
    Staff,
    /// Tell where cars are: whoever runs their telematics.
    Telematics,
    /// Enrol and revoke devices, name drivers.
    Fleet,
    /// Store venues.
    Venues,
    /// Read the log.
    Audit,
    /// Everything, and make API keys.
    Admin,
}

/// An API key by the keyed hash of its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyRecord {
    /// Keyed hash of the key's text.
    pub hash: SecretHash,
    /// Its name in records.
    pub id: ApiKeyId,
    /// Its name for people.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<ApiScope>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKeyRecord {
    /// Whether the key is good for `scope`.
    pub fn allows(&self, scope: ApiScope) -> bool {
        self.is_in_force()
            && (self.scopes.contains(&scope) || self.scopes.contains(&ApiScope::Admin))
    }

    /// Whether it was not revoked.
    pub const fn is_in_force(&self) -> bool {
        self.revoked_at.is_none()
    }
}

impl Record for ApiKeyRecord {
    const KIND: Kind = Kind::ApiKey;

    fn key(&self) -> String {
        self.hash.to_string()
    }

    fn indexes(&self) -> Vec<(&'static str, String)> {
        vec![("id", self.id.to_string())]
    }
}

/// What a ticket can be used for, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "purpose", rename_all = "snake_case")]
pub enum Purpose {
    /// Binds a customer's device key to a stop.
    CustomerLink {
        /// Which stop.
        session: SessionId,
        /// Whose.
        customer: CustomerId,
    },
    /// Enrols a device.
    Enrolment {
        /// Which device.
        device: DeviceId,
        /// Of which class.
        class: DeviceClass,
    },
    /// Registers a passkey of a member of staff.
    StaffInvitation {
        /// Who.
        member: StaffId,
    },
    /// Makes an attestation fresh.
    AttestationChallenge {
        /// Which device.
        device: DeviceId,
    },
}

/// A one-time ticket by the hash of its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketRecord {
    /// Hash of the secret.
    pub hash: SecretHash,
    /// Its name in records.
    pub id: TicketId,
    /// What it is for.
    pub purpose: Purpose,
    /// First instant at which it is dead.
    pub expires_at: Timestamp,
    /// Whether it was used or burned.
    pub used: bool,
}

impl Record for TicketRecord {
    const KIND: Kind = Kind::Ticket;

    fn key(&self) -> String {
        self.hash.to_string()
    }

    fn indexes(&self) -> Vec<(&'static str, String)> {
        match &self.purpose {
            Purpose::CustomerLink { session, .. } if !self.used => {
                vec![("link", session.to_string())]
            }
            Purpose::CustomerLink { .. }
            | Purpose::Enrolment { .. }
            | Purpose::StaffInvitation { .. }
            | Purpose::AttestationChallenge { .. } => Vec::new(),
        }
    }

    /// What is no longer there is refused like what was used.
    fn until(&self) -> Option<Timestamp> {
        Some(self.expires_at.plus_ms(KEPT_MS))
    }
}

/// The reply to a request that carried an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyRecord {
    /// Caller, route and key.
    pub slot: String,
    /// SHA-256 of the request.
    pub fingerprint: [u8; 32],
    /// What it came to.
    pub reply: Reply,
    /// When it was given.
    pub at: Timestamp,
}

impl ReplyRecord {
    /// Whether a repetition of the request is still answered with it.
    pub(crate) fn is_kept(&self, now: Timestamp) -> bool {
        now < self.at.plus_ms(KEPT_MS)
    }
}

impl Record for ReplyRecord {
    const KIND: Kind = Kind::Reply;

    fn key(&self) -> String {
        self.slot.clone()
    }

    fn until(&self) -> Option<Timestamp> {
        Some(self.at.plus_ms(KEPT_MS))
    }
}

/// How long a reply is given again (standards §9), and tokens and tickets are known after their end: a day.
const KEPT_MS: u64 = 24 * 60 * 60 * 1000;
