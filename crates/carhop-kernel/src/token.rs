//! The rules of the three token layers: what may be derived from what, and when one is alive (M-TOK-1 to 4).
//!
//! A token here is its server-side record. The secret text and its hash belong to `carhop-proofs`.

use serde::{Deserialize, Serialize};

use crate::digest::{KeyThumbprint, OrderDigest};
use crate::id::{DeviceId, DriverId, SessionId, TokenId};
use crate::limits;
use crate::order::Scope;
use crate::reason::Reason;
use crate::time::Timestamp;

/// The three layers, each narrower than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenLayer {
    /// `chs_`: the customer's session.
    Session,
    /// `chv_`: the assigned driver's access to one bound vehicle.
    Vehicle,
    /// `cha_`: one action at one device, once.
    Action,
}

impl TokenLayer {
    /// Longest life in milliseconds (standards §11).
    pub const fn life_ms_max(self) -> u64 {
        match self {
            Self::Session => limits::SESSION_TOKEN_MS_MAX,
            Self::Vehicle => limits::VEHICLE_TOKEN_MS_MAX,
            Self::Action => limits::ACTION_TOKEN_MS_MAX,
        }
    }
}

/// What ended a token before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenEnd {
    /// Used for its action.
    Spent,
    /// Revoked by its holder, the operator or a newer issuance.
    Revoked,
}

/// The live decision that a token points to. Liveness is never copied: a token is alive only as long as the session
/// still has the order version, binding and assignment it names, so everything that voids those kills it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRecord {
    /// Its name in records and logs.
    pub id: TokenId,
    /// Which layer.
    pub layer: TokenLayer,
    /// What it was derived from; session tokens have none.
    pub parent: Option<TokenId>,
    /// The session it is good for.
    pub session: SessionId,
    /// The order version it is bound to.
    pub order: OrderDigest,
    /// The vehicle binding it is bound to, by number.
    pub binding: Option<u32>,
    /// The driver assignment it is bound to, by number.
    pub assignment: Option<u32>,
    /// The driver it was derived for.
    pub driver: Option<DriverId>,
    /// What it may do; only action tokens have one.
    pub scope: Option<Scope>,
    /// At which lock or pump; only action tokens have one.
    pub audience: Option<DeviceId>,
    /// The key that its user must prove to hold (RFC 9449 `jkt`, RFC 8705 `x5t#S256`).
    pub key: KeyThumbprint,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// First instant at which it is dead.
    pub expires_at: Timestamp,
    /// Set once it has ended early.
    pub ended: Option<TokenEnd>,
}

/// What the session looks like to a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionGround {
    /// Whether the session can still come to a release.
    pub active: bool,
    /// The order version in force.
    pub order: OrderDigest,
    /// The current vehicle binding, if there is one.
    pub binding: Option<u32>,
    /// The current driver assignment, if there is one.
    pub assignment: Option<u32>,
}

impl TokenRecord {
    /// Whether the token is alive in itself and in its session, and the caller holds its key.
    pub fn judge(
        &self,
        ground: &SessionGround,
        key: &KeyThumbprint,
        now: Timestamp,
    ) -> Result<(), Reason> {
        if !ground.active {
            return Err(Reason::SessionClosed);
        }
        if self.order != ground.order {
            return Err(Reason::OrderChanged);
        }
        match self.ended {
            Some(TokenEnd::Spent) => return Err(Reason::TokenSpent),
            Some(TokenEnd::Revoked) => return Err(Reason::TokenRevoked),
            None => {}
        }
        if now >= self.expires_at || now < self.issued_at {
            return Err(Reason::TokenExpired);
        }
        if self.binding.is_some() && self.binding != ground.binding
            || self.assignment.is_some() && self.assignment != ground.assignment
            || self.key != *key
        {
            return Err(Reason::TokenBinding);
        }
        Ok(())
    }

    /// Whether the token may be derived from `parent`: one layer down, same session and order, no longer life, and a
    /// key that changes only where a driver takes over (standards §2 *attenuation*).
    pub fn check_derivation(&self, parent: &Self) -> Result<(), Reason> {
        let one_down = matches!(
            (parent.layer, self.layer),
            (TokenLayer::Session, TokenLayer::Vehicle) | (TokenLayer::Vehicle, TokenLayer::Action)
        );
        let same_ground = self.session == parent.session && self.order == parent.order;
        let same_hands = match self.layer {
            TokenLayer::Session => false,
            TokenLayer::Vehicle => self.driver.is_some() && self.binding.is_some(),
            TokenLayer::Action => {
                self.key == parent.key
                    && self.driver == parent.driver
                    && self.binding == parent.binding
                    && self.assignment == parent.assignment
                    && self.scope.is_some()
                    && self.audience.is_some()
            }
        };
        let in_time = self.issued_at >= parent.issued_at
            && self.expires_at <= parent.expires_at
            && self.expires_at.since_ms(self.issued_at) <= self.layer.life_ms_max();
        let linked = self.parent == Some(parent.id);
        if one_down && same_ground && same_hands && in_time && linked {
            Ok(())
        } else {
            Err(Reason::TokenTooWide)
        }
    }
}
