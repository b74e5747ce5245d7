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
        if now >= self.expires_at || now < self.issued_at {
            return Err(Reason::TokenExpired);
        }
        match self.ended {
            Some(TokenEnd::Revoked) => return Err(Reason::TokenRevoked),
            Some(TokenEnd::Spent) => return Err(Reason::TokenSpent),
            None => {}
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
            TokenLayer::Vehicle => {
                self.driver.is_some()
                    && self.binding.is_some()
                    && self.assignment.is_some()
                    && self.scope.is_none()
                    && self.audience.is_none()
            }
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
            && self.issued_at < self.expires_at
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reason::Reason;

    const NOW: Timestamp = Timestamp::from_unix_s(1_800_000_000);
    const KEY: KeyThumbprint = KeyThumbprint([1; 32]);
    const DRIVERS_KEY: KeyThumbprint = KeyThumbprint([2; 32]);
    const OTHER_KEY: KeyThumbprint = KeyThumbprint([9; 32]);

    #[test]
    fn a_token_is_judged_in_order_of_precedence() {
        // Each row breaks one more rule, a graver one (M-POL-1).
        let (mut token, mut ground, mut key, mut now) = (vehicle(), ground(), DRIVERS_KEY, NOW);
        assert_eq!(token.judge(&ground, &key, now), Ok(()));
        key = OTHER_KEY;
        assert_eq!(token.judge(&ground, &key, now), Err(Reason::TokenBinding));
        token.ended = Some(TokenEnd::Spent);
        assert_eq!(token.judge(&ground, &key, now), Err(Reason::TokenSpent));
        token.ended = Some(TokenEnd::Revoked);
        assert_eq!(token.judge(&ground, &key, now), Err(Reason::TokenRevoked));
        now = token.expires_at;
        assert_eq!(token.judge(&ground, &key, now), Err(Reason::TokenExpired));
        ground.order = OrderDigest([9; 32]);
        assert_eq!(token.judge(&ground, &key, now), Err(Reason::OrderChanged));
        ground.active = false;
        assert_eq!(token.judge(&ground, &key, now), Err(Reason::SessionClosed));
    }

    #[test]
    fn a_token_is_alive_from_its_issue_to_just_before_its_expiry() {
        for (now, answer) in [
            (NOW.minus_ms(1), Err(Reason::TokenExpired)),
            (NOW, Ok(())),
            (vehicle().expires_at.minus_ms(1), Ok(())),
            (vehicle().expires_at, Err(Reason::TokenExpired)),
        ] {
            assert_eq!(vehicle().judge(&ground(), &DRIVERS_KEY, now), answer, "{now}");
        }
    }

    #[test]
    fn a_token_dies_with_the_binding_and_the_assignment_it_names_and_with_no_other() {
        // M-TOK-3, M-VEH-2, M-IDN-7.
        let bound = Err(Reason::TokenBinding);
        for (binding, assignment, of_vehicle, of_session) in [
            (Some(3), Some(5), Ok(()), Ok(())),
            (Some(4), Some(5), bound, Ok(())),
            (None, Some(5), bound, Ok(())),
            (Some(3), Some(6), bound, Ok(())),
            (Some(3), None, bound, Ok(())),
        ] {
            let ground = SessionGround { binding, assignment, ..ground() };
            let told = (binding, assignment);
            assert_eq!(vehicle().judge(&ground, &DRIVERS_KEY, NOW), of_vehicle, "{told:?}");
            assert_eq!(session().judge(&ground, &KEY, NOW), of_session, "{told:?}");
        }
    }

    #[test]
    fn tokens_are_derived_one_layer_down_and_never_wider() {
        // M-TOK-1, M-TOK-4, standards section 2.
        type Spoil = fn(&mut TokenRecord);
        let of_vehicle: &[(&str, Spoil)] = &[
            ("no driver", |token| token.driver = None),
            ("no binding", |token| token.binding = None),
            ("no assignment", |token| token.assignment = None),
            ("a scope", |token| token.scope = Some(Scope::GroceryHandoff)),
            ("an audience", |token| token.audience = Some(DeviceId::from_bytes([1; 16]))),
            ("half an hour and a bit", |token| token.expires_at = token.expires_at.plus_ms(1)),
        ];
        let of_action: &[(&str, Spoil)] = &[
            ("another key", |token| token.key = OTHER_KEY),
            ("another driver", |token| token.driver = None),
            ("another binding", |token| token.binding = Some(4)),
            ("no binding", |token| token.binding = None),
            ("another assignment", |token| token.assignment = Some(6)),
            ("no assignment", |token| token.assignment = None),
            ("no scope", |token| token.scope = None),
            ("no audience", |token| token.audience = None),
            ("a minute and a bit", |token| token.expires_at = token.expires_at.plus_ms(1)),
        ];
        let of_both: &[(&str, Spoil)] = &[
            ("another parent", |token| token.parent = Some(token.id)),
            ("no parent", |token| token.parent = None),
            ("another session", |token| token.session = SessionId::from_bytes([9; 16])),
            ("another order", |token| token.order = OrderDigest([9; 32])),
            ("older than its parent", |token| token.issued_at = NOW.minus_ms(1)),
            ("dead at birth", |token| token.expires_at = token.issued_at),
            ("a session token", |token| token.layer = TokenLayer::Session),
        ];
        for (name, parent, child, flaws) in [
            ("vehicle", session(), vehicle(), of_vehicle),
            ("action", vehicle(), action(), of_action),
        ] {
            assert_eq!(child.check_derivation(&parent), Ok(()), "{name}");
            for (flaw, spoil) in flaws.iter().chain(of_both) {
                let mut child = child.clone();
                spoil(&mut child);
                let answer = child.check_derivation(&parent);
                assert_eq!(answer, Err(Reason::TokenTooWide), "{name} token with {flaw}");
            }
        }
    }

    #[test]
    fn no_layer_is_skipped_climbed_or_repeated() {
        for (parent, child) in [
            (session(), TokenRecord { parent: Some(session().id), ..action() }),
            (session(), TokenRecord { parent: Some(session().id), ..session() }),
            (vehicle(), TokenRecord { parent: Some(vehicle().id), ..vehicle() }),
            (action(), TokenRecord { parent: Some(action().id), ..vehicle() }),
            (action(), TokenRecord { parent: Some(action().id), ..action() }),
        ] {
            assert_eq!(child.check_derivation(&parent), Err(Reason::TokenTooWide));
        }
    }

    #[test]
    fn a_child_dies_no_later_than_its_parent() {
        let child = action();
        for (parent_end, answer) in
            [(child.expires_at, Ok(())), (child.expires_at.minus_ms(1), Err(Reason::TokenTooWide))]
        {
            let parent = TokenRecord { expires_at: parent_end, ..vehicle() };
            assert_eq!(child.check_derivation(&parent), answer);
        }
    }

    fn session() -> TokenRecord {
        TokenRecord {
            id: TokenId::from_bytes([1; 16]),
            layer: TokenLayer::Session,
            parent: None,
            session: SessionId::from_bytes([3; 16]),
            order: OrderDigest([4; 32]),
            binding: None,
            assignment: None,
            driver: None,
            scope: None,
            audience: None,
            key: KEY,
            issued_at: NOW,
            expires_at: NOW.plus_ms(TokenLayer::Session.life_ms_max()),
            ended: None,
        }
    }

    fn vehicle() -> TokenRecord {
        TokenRecord {
            id: TokenId::from_bytes([2; 16]),
            layer: TokenLayer::Vehicle,
            parent: Some(session().id),
            binding: Some(3),
            assignment: Some(5),
            driver: Some(DriverId::from_bytes([6; 16])),
            key: DRIVERS_KEY,
            expires_at: NOW.plus_ms(TokenLayer::Vehicle.life_ms_max()),
            ..session()
        }
    }

    fn action() -> TokenRecord {
        TokenRecord {
            id: TokenId::from_bytes([5; 16]),
            layer: TokenLayer::Action,
            parent: Some(vehicle().id),
            scope: Some(Scope::GroceryHandoff),
            audience: Some(DeviceId::from_bytes([7; 16])),
            expires_at: NOW.plus_ms(TokenLayer::Action.life_ms_max()),
            ..vehicle()
        }
    }

    fn ground() -> SessionGround {
        SessionGround {
            active: true,
            order: OrderDigest([4; 32]),
            binding: Some(3),
            assignment: Some(5),
        }
    }
}
