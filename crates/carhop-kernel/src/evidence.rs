//! Facts that were proven elsewhere, as values with the moment they were seen and the order version they are bound to.
//! Bytes become evidence in `carhop-proofs`; how long it counts is the business of `freshness`.

use serde::{Deserialize, Serialize};

use crate::device::TrustTier;
use crate::digest::{Commitment, FirmwareDigest, IntentDigest, KeyThumbprint, OrderDigest};
use crate::freshness::Perishable;
use crate::id::{CustomerId, DeviceId, ProofId, TokenId};
use crate::order::Scope;
use crate::reason::Reason;
use crate::time::Timestamp;

/// One proven fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// What was proven.
    pub fact: Fact,
    /// When it was seen by the authority.
    pub at: Timestamp,
    /// The order version under which it was obtained (M-ORD-2).
    pub order: OrderDigest,
}

/// How well a recipient has been verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assurance {
    /// Holds the key that the one-time link was bound to.
    BoundDevice,
    /// Signed in with a passkey.
    Passkey,
    /// Identity document checked.
    IdentityProof,
}

/// How a vehicle was matched, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VehicleMatch {
    /// The customer said which car it is.
    Statement,
    /// The driver read the plate at the car.
    PlateRead,
    /// A beacon or tag on the car was read.
    Tag,
    /// The car's own telematics said so.
    Telematics,
}

/// Whose position it is; both count before a release (M-GEO-0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The driver's device.
    Driver,
    /// The car.
    Vehicle,
}

/// How a place was shown (`design.md` §9.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceMethod {
    /// The customer said where the car stands.
    Statement,
    /// Positions judged against the fence.
    Fence,
    /// A tag of the venue was scanned.
    VenueTag,
    /// The car's own telematics.
    Telematics,
}

/// Three-valued answer to "is it there?".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceAnswer {
    /// Inside, with the confidence that the fence asks for.
    Inside,
    /// Cannot be told; never treated as inside.
    Uncertain,
    /// Outside.
    Outside,
}

/// How the customer showed presence or consent at the car.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PresenceMethod {
    /// A one-time code.
    Code,
    /// A scanned code.
    Scan,
    /// An approval on the trusted device.
    Approval,
}

/// The facts that evidence can prove.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fact {
    /// The recipient is this customer.
    Recipient {
        /// Who.
        customer: CustomerId,
        /// On which device key.
        key: KeyThumbprint,
        /// How sure.
        assurance: Assurance,
    },
    /// The customer approved exactly this intent.
    Intent {
        /// Which intent.
        intent: IntentDigest,
        /// With which key.
        key: KeyThumbprint,
    },
    /// This vehicle is the one at hand.
    Vehicle {
        /// Commitment of the vehicle that was seen.
        vehicle: Commitment,
        /// How it was matched.
        method: VehicleMatch,
    },
    /// A party is, or is not, at the place.
    Place {
        /// Whose place.
        party: Party,
        /// How it was shown.
        method: PlaceMethod,
        /// The answer.
        answer: PlaceAnswer,
    },
    /// The customer showed presence or consent.
    Presence {
        /// How.
        method: PresenceMethod,
        /// Which code or approval.
        proof: ProofId,
    },
    /// The driver's device was attested.
    Handset {
        /// Which device.
        device: DeviceId,
        /// How far it is trusted.
        tier: TrustTier,
        /// What runs on it.
        firmware: FirmwareDigest,
    },
    /// The lock or pump proved its integrity.
    Actuator {
        /// Which device.
        device: DeviceId,
        /// How far it is trusted.
        tier: TrustTier,
        /// What runs on it.
        firmware: FirmwareDigest,
        /// Whether another stop's release of it has not ended.
        busy: bool,
    },
    /// A live action token for this scope and device was presented by its holder.
    ActionToken {
        /// Which token.
        token: TokenId,
        /// For what.
        scope: Scope,
        /// At which device.
        device: DeviceId,
    },
}

/// The kinds of facts, as the transition table names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FactKind {
    /// [`Fact::Recipient`].
    Recipient,
    /// [`Fact::Intent`].
    Intent,
    /// [`Fact::Vehicle`].
    Vehicle,
    /// [`Fact::Place`] of the driver.
    DriverPlace,
    /// [`Fact::Place`] of the vehicle.
    VehiclePlace,
    /// [`Fact::Presence`].
    Presence,
    /// [`Fact::Handset`].
    Handset,
    /// [`Fact::Actuator`].
    Actuator,
    /// [`Fact::ActionToken`].
    ActionToken,
}

impl FactKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::Recipient,
        Self::Intent,
        Self::Vehicle,
        Self::DriverPlace,
        Self::VehiclePlace,
        Self::Presence,
        Self::Handset,
        Self::Actuator,
        Self::ActionToken,
    ];

    /// The reason to give when no such fact, or only a stale one, is at hand.
    pub const fn missing(self) -> Reason {
        match self {
            Self::Recipient => Reason::RecipientNotVerified,
            Self::Intent => Reason::IntentNotApproved,
            Self::Vehicle => Reason::VehicleNotMatched,
            Self::DriverPlace | Self::VehiclePlace => Reason::PlaceNotProven,
            Self::Presence => Reason::PresenceNotProven,
            Self::Handset => Reason::DeviceNotAttested,
            Self::Actuator => Reason::ActuatorIntegrityUnknown,
            Self::ActionToken => Reason::TokenMissing,
        }
    }

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recipient => "recipient",
            Self::Intent => "intent",
            Self::Vehicle => "vehicle",
            Self::DriverPlace => "driver_place",
            Self::VehiclePlace => "vehicle_place",
            Self::Presence => "presence",
            Self::Handset => "handset",
            Self::Actuator => "actuator",
            Self::ActionToken => "action_token",
        }
    }
}

impl Evidence {
    /// Which kind of fact this is.
    pub const fn kind(&self) -> FactKind {
        match self.fact {
            Fact::Recipient { .. } => FactKind::Recipient,
            Fact::Intent { .. } => FactKind::Intent,
            Fact::Vehicle { .. } => FactKind::Vehicle,
            Fact::Place { party: Party::Driver, .. } => FactKind::DriverPlace,
            Fact::Place { party: Party::Vehicle, .. } => FactKind::VehiclePlace,
            Fact::Presence { .. } => FactKind::Presence,
            Fact::Handset { .. } => FactKind::Handset,
            Fact::Actuator { .. } => FactKind::Actuator,
            Fact::ActionToken { .. } => FactKind::ActionToken,
        }
    }

    /// How long it counts.
    pub const fn perishable(&self) -> Perishable {
        match self.fact {
            Fact::Recipient { .. } => Perishable::Recipient,
            Fact::Intent { .. } => Perishable::Intent,
            Fact::Vehicle { method, .. } => Perishable::Vehicle(method),
            Fact::Place { method, .. } => Perishable::Place(method),
            Fact::Presence { .. } => Perishable::Presence,
            Fact::Handset { .. } => Perishable::Handset,
            Fact::Actuator { .. } => Perishable::Actuator,
            Fact::ActionToken { .. } => Perishable::ActionToken,
        }
    }

    /// Whether it counts at `now`.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.perishable().is_fresh(self.at, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: Timestamp = Timestamp::from_unix_s(1_800_000_000);

    #[test]
    fn each_fact_counts_for_as_long_as_what_was_seen() {
        for (fact, kind, perishable) in facts() {
            let evidence = Evidence { fact, at: SEEN, order: OrderDigest([1; 32]) };
            assert_eq!((evidence.kind(), evidence.perishable()), (kind, perishable));
            let dead = perishable.fresh_until(SEEN);
            assert!(evidence.is_fresh(SEEN) && !evidence.is_fresh(dead), "{}", kind.name());
        }
    }

    #[test]
    fn every_kind_of_fact_has_a_limit_here_and_a_reason_for_its_absence() {
        let kinds: alloc::collections::BTreeSet<_> =
            facts().into_iter().map(|(_, kind, _)| kind).collect();
        assert!(kinds.iter().eq(FactKind::ALL));
        let absent: alloc::collections::BTreeSet<_> =
            FactKind::ALL.iter().map(|kind| kind.missing()).collect();
        assert_eq!(absent.len(), FactKind::ALL.len() - 1, "only the two places share one");
    }

    #[test]
    fn evidence_with_an_unknown_field_is_refused() {
        for (fact, _, _) in facts() {
            let evidence = Evidence { fact, at: SEEN, order: OrderDigest([1; 32]) };
            let mut json = serde_json::to_value(&evidence).unwrap();
            assert_eq!(serde_json::from_value::<Evidence>(json.clone()).unwrap(), evidence);
            json["fact"]["more"] = 1.into();
            assert!(serde_json::from_value::<Evidence>(json.clone()).is_err(), "{json}");
        }
    }

    fn facts() -> [(Fact, FactKind, Perishable); 12] {
        let device = DeviceId::from_bytes([2; 16]);
        let (tier, firmware, busy) = (TrustTier::Attested, FirmwareDigest([3; 32]), false);
        let key = KeyThumbprint([4; 32]);
        let place = |party, kind, method| {
            let fact = Fact::Place { party, method, answer: PlaceAnswer::Inside };
            (fact, kind, Perishable::Place(method))
        };
        let recipient = Fact::Recipient {
            customer: CustomerId::from_bytes([5; 16]),
            key,
            assurance: Assurance::Passkey,
        };
        let method = VehicleMatch::PlateRead;
        let vehicle = Fact::Vehicle { vehicle: Commitment([6; 32]), method };
        let presence =
            Fact::Presence { method: PresenceMethod::Code, proof: ProofId::from_bytes([7; 16]) };
        let token = Fact::ActionToken {
            token: TokenId::from_bytes([8; 16]),
            scope: Scope::ColdRelease,
            device,
        };
        let intent = Fact::Intent { intent: IntentDigest([9; 32]), key };
        let handset = Fact::Handset { device, tier, firmware };
        let actuator = Fact::Actuator { device, tier, firmware, busy };
        let (of_driver, of_vehicle) = (FactKind::DriverPlace, FactKind::VehiclePlace);
        [
            (recipient, FactKind::Recipient, Perishable::Recipient),
            (intent, FactKind::Intent, Perishable::Intent),
            (vehicle, FactKind::Vehicle, Perishable::Vehicle(method)),
            place(Party::Driver, of_driver, PlaceMethod::Fence),
            place(Party::Driver, of_driver, PlaceMethod::VenueTag),
            place(Party::Vehicle, of_vehicle, PlaceMethod::Fence),
            place(Party::Vehicle, of_vehicle, PlaceMethod::Telematics),
            place(Party::Vehicle, of_vehicle, PlaceMethod::Statement),
            (presence, FactKind::Presence, Perishable::Presence),
            (handset, FactKind::Handset, Perishable::Handset),
            (actuator, FactKind::Actuator, Perishable::Actuator),
            (token, FactKind::ActionToken, Perishable::ActionToken),
        ]
    }
}
