//! The canonical order: everything a stop is to do, as critical terms with a version and a digest (M-ORD-1).
//!
//! Personal values appear only as salted commitments. The digest itself is computed in `carhop-proofs`.

mod service;

use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

pub use service::{Compartment, FuelGrade, LegTerms, Scope, Service};

use crate::digest::{Commitment, OrderDigest};
use crate::id::{OrderId, VenueId};
use crate::limits;
use crate::time::Window;

/// How the goods change hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandoffType {
    /// Nobody meets the driver.
    Unattended,
    /// The recipient waits in or at the car.
    Attended,
    /// The recipient fetches the goods.
    CustomerPickup,
    /// The goods are left at a door.
    FrontDoor,
}

/// What kind of place the car stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceKind {
    /// An open parking lot.
    Lot,
    /// A garage, where satellites are not seen.
    Garage,
    /// A private driveway.
    Driveway,
    /// The edge of a street.
    Kerb,
    /// A depot of the operator.
    Depot,
}

/// How delicate the goods are; the rung of the ladder depends on it (M-POL-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sensitivity {
    /// Everyday goods.
    Low,
    /// Goods worth a second look.
    Moderate,
    /// Goods that attract theft or harm.
    High,
}

/// What the order is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Value {
    /// Amount in minor units of the currency.
    pub amount_minor: u64,
    /// ISO 4217 code.
    pub currency: Currency,
}

/// An ISO 4217 currency code: three capital letters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The euro.
    pub const EUR: Self = Self(*b"EUR");

    /// A code from its three letters; `None` if it is not three capital letters.
    pub fn new(code: &str) -> Option<Self> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_uppercase).then_some(Self(bytes))
    }

    /// The three letters.
    pub fn code(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = alloc::string::String::deserialize(deserializer)?;
        Self::new(&code).ok_or_else(|| serde::de::Error::custom("not an ISO 4217 code"))
    }
}

/// The temperatures that refrigerated goods stand (M-ORD-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColdChain {
    /// Lowest temperature, in tenths of a degree Celsius.
    pub min_c10: i32,
    /// Highest temperature, in tenths of a degree Celsius.
    pub max_c10: i32,
    /// How long they may be out of range, in milliseconds.
    pub out_of_range_ms_max: u64,
}

/// The critical fields of an order. Changing any of them makes a new version and voids what hung on the old one
/// (M-ORD-2). Personal and confidential values are commitments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Who receives.
    pub recipient: Commitment,
    /// Which car, by plate and VIN.
    pub vehicle: Commitment,
    /// Where it stands.
    pub venue: VenueId,
    /// What kind of place that is.
    pub place_kind: PlaceKind,
    /// When.
    pub window: Window,
    /// How.
    pub handoff: HandoffType,
    /// The services, in the order in which they run.
    pub legs: Vec<LegTerms>,
    /// What it is worth.
    pub value: Value,
    /// How delicate it is.
    pub sensitivity: Sensitivity,
    /// Whether an age proof is needed.
    pub age_gated: bool,
    /// Temperature limits of refrigerated goods.
    pub cold_chain: Option<ColdChain>,
    /// The payment pre-authorisation, needed for fuel (M-ORD-5).
    pub payment: Option<Commitment>,
}

impl Terms {
    /// Refuses terms that no stop could honour.
    pub fn check(&self) -> Result<(), TermsError> {
        if self.legs.is_empty() || self.legs.len() > limits::LEGS_MAX {
            return Err(TermsError::Legs);
        }
        if self.window.end <= self.window.start || self.window.length_ms() > limits::WINDOW_MS_MAX {
            return Err(TermsError::Window);
        }
        if self.age_gated && self.handoff == HandoffType::Unattended {
            return Err(TermsError::AgeGatedUnattended);
        }
        if self.cold_chain.is_some_and(|cold| cold.min_c10 > cold.max_c10) {
            return Err(TermsError::ColdChain);
        }
        self.legs.iter().try_for_each(|leg| self.check_leg(leg))
    }

    fn check_leg(&self, leg: &LegTerms) -> Result<(), TermsError> {
        match leg.service {
            Service::Fuel { limit_ml, .. } if limit_ml == 0 || limit_ml > limits::FUEL_ML_MAX => {
                Err(TermsError::FuelLimit)
            }
            Service::Fuel { .. } if self.payment.is_none() => Err(TermsError::FuelWithoutPayment),
            Service::Goods { .. } | Service::Fuel { .. } => Ok(()),
        }
    }
}

/// Why terms were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TermsError {
    /// No leg, or more than `LEGS_MAX`.
    Legs,
    /// Reversed, empty or longer than `WINDOW_MS_MAX`.
    Window,
    /// Age-gated goods may not be dropped unattended (M-ORD-4).
    AgeGatedUnattended,
    /// Lowest temperature above the highest.
    ColdChain,
    /// Zero or more than `FUEL_ML_MAX`.
    FuelLimit,
    /// Fuel needs a payment pre-authorisation (M-ORD-5).
    FuelWithoutPayment,
}

impl fmt::Display for TermsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Legs => "an order has between one and eight legs",
            Self::Window => "the window must end after it starts and last at most twelve hours",
            Self::AgeGatedUnattended => "age-gated goods cannot be dropped unattended",
            Self::ColdChain => "the lowest temperature lies above the highest",
            Self::FuelLimit => {
                "the fuel limit must be between one millilitre and two hundred litres"
            }
            Self::FuelWithoutPayment => "fuel needs a payment pre-authorisation",
        })
    }
}

impl core::error::Error for TermsError {}

/// One version of an order as a session is bound to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderVersion {
    /// Which order.
    pub order: OrderId,
    /// Counts from one; every critical change adds one.
    pub version: u32,
    /// Salted digest over the terms.
    pub digest: OrderDigest,
    /// The critical fields.
    pub terms: Terms,
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;

    use super::*;
    use crate::digest::BasketHash;
    use crate::id::DeviceId;
    use crate::time::Timestamp;

    #[test]
    fn terms_that_no_stop_could_honour_are_refused() {
        type Spoil = fn(&mut Terms);
        let cold = |min_c10, max_c10| ColdChain { min_c10, max_c10, out_of_range_ms_max: 1 };
        assert_eq!(terms().check(), Ok(()));
        let rows: &[(&str, Spoil, Result<(), TermsError>)] = &[
            ("no leg", |it| it.legs.clear(), Err(TermsError::Legs)),
            ("eight legs", |it| it.legs = vec![goods(); 8], Ok(())),
            ("nine legs", |it| it.legs = vec![goods(); 9], Err(TermsError::Legs)),
            ("empty window", |it| it.window.end = it.window.start, Err(TermsError::Window)),
            (
                "reversed window",
                |it| it.window.start = it.window.end.plus_ms(1),
                Err(TermsError::Window),
            ),
            (
                "twelve hours",
                |it| it.window.end = it.window.start.plus_ms(limits::WINDOW_MS_MAX),
                Ok(()),
            ),
            (
                "a bit more",
                |it| it.window.end = it.window.start.plus_ms(limits::WINDOW_MS_MAX + 1),
                Err(TermsError::Window),
            ),
            (
                "age-gated, unattended",
                |it| it.age_gated = true,
                Err(TermsError::AgeGatedUnattended),
            ),
            (
                "age-gated, attended",
                |it| (it.age_gated, it.handoff) = (true, HandoffType::Attended),
                Ok(()),
            ),
            ("no fuel", |it| it.legs[1] = fuel(0), Err(TermsError::FuelLimit)),
            ("one millilitre", |it| it.legs[1] = fuel(1), Ok(())),
            ("the most fuel", |it| it.legs[1] = fuel(limits::FUEL_ML_MAX), Ok(())),
            (
                "more fuel",
                |it| it.legs[1] = fuel(limits::FUEL_ML_MAX + 1),
                Err(TermsError::FuelLimit),
            ),
            ("unpaid fuel", |it| it.payment = None, Err(TermsError::FuelWithoutPayment)),
            ("unpaid goods", |it| (it.payment, it.legs) = (None, vec![goods()]), Ok(())),
        ];
        for (name, spoil, answer) in rows {
            let mut terms = terms();
            spoil(&mut terms);
            assert_eq!(terms.check(), *answer, "{name}");
        }
        for (range, answer) in [(cold(20, 20), Ok(())), (cold(21, 20), Err(TermsError::ColdChain))]
        {
            let terms = Terms { cold_chain: Some(range), ..terms() };
            assert_eq!(terms.check(), answer, "{range:?}");
        }
    }

    #[test]
    fn a_currency_is_three_capital_letters() {
        for (code, good) in [
            ("USD", true),
            ("EUR", true),
            ("", false),
            ("US", false),
            ("USDX", false),
            ("usd", false),
            ("U$D", false),
            ("U D", false),
            ("\u{c9}U", false),
        ] {
            assert_eq!(Currency::new(code).is_some(), good, "{code}");
            let json = serde_json::Value::from(code);
            assert_eq!(serde_json::from_value::<Currency>(json).is_ok(), good, "{code}");
        }
        assert_eq!(Currency::new("USD").unwrap().code(), "USD");
    }

    #[test]
    fn an_order_reads_back_and_an_unknown_field_is_refused_at_every_depth() {
        let order = order();
        let json = serde_json::to_value(&order).unwrap();
        assert_eq!(serde_json::from_value::<OrderVersion>(json.clone()).unwrap(), order);
        for place in [
            "",
            "/terms",
            "/terms/window",
            "/terms/value",
            "/terms/cold_chain",
            "/terms/legs/0",
            "/terms/legs/0/service",
            "/terms/legs/1/service",
        ] {
            let mut json = json.clone();
            json.pointer_mut(place).unwrap()["more"] = 1.into();
            let answer = serde_json::from_value::<OrderVersion>(json);
            assert!(answer.unwrap_err().to_string().contains("unknown field"), "{place}");
        }
    }

    #[test]
    fn the_written_form_of_an_order_is_stable() {
        let json = serde_json::to_value(order()).unwrap();
        let service = serde_json::json!({ "kind": "fuel", "grade": "regular", "limit_ml": 1000 });
        assert_eq!(json["terms"]["legs"][1]["service"], service);
        assert_eq!(json["terms"]["value"]["currency"], "USD");
        assert_eq!(json["terms"]["window"]["start"], 1_800_000_000_000_u64);
        assert_eq!(json["terms"]["handoff"], "unattended");
    }

    fn order() -> OrderVersion {
        let cold_chain = ColdChain { min_c10: -50, max_c10: 40, out_of_range_ms_max: 60_000 };
        OrderVersion {
            order: OrderId::from_bytes([1; 16]),
            version: 1,
            digest: OrderDigest([2; 32]),
            terms: Terms { cold_chain: Some(cold_chain), ..terms() },
        }
    }

    fn terms() -> Terms {
        let start = Timestamp::from_unix_s(1_800_000_000);
        Terms {
            recipient: Commitment([3; 32]),
            vehicle: Commitment([4; 32]),
            venue: "mobilitynet:los-altos-library".parse().unwrap(),
            place_kind: PlaceKind::Lot,
            window: Window { start, end: start.plus_ms(60 * 60 * 1000) },
            handoff: HandoffType::Unattended,
            legs: vec![goods(), fuel(1_000)],
            value: Value { amount_minor: 1, currency: Currency::new("USD").unwrap() },
            sensitivity: Sensitivity::Low,
            age_gated: false,
            cold_chain: None,
            payment: Some(Commitment([5; 32])),
        }
    }

    fn goods() -> LegTerms {
        let (compartment, basket) = (Compartment::Trunk, BasketHash([6; 32]));
        LegTerms {
            service: Service::Goods { compartment, basket },
            device: DeviceId::from_bytes([7; 16]),
        }
    }

    fn fuel(limit_ml: u32) -> LegTerms {
        LegTerms {
            service: Service::Fuel { grade: FuelGrade::Regular, limit_ml },
            device: DeviceId::from_bytes([8; 16]),
        }
    }
}
