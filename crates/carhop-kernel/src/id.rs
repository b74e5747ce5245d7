//! Identifiers: one type per noun, so that a lock can never be passed where an order is meant.
//!
//! Generated ids are 16 bytes in the layout of a version 7 UUID (RFC 9562 §5.7) and are written as a prefix
//! and 32 lower-case hexadecimal digits (`hs_0190…`). Chosen names (tenants, markets, venues) are short text.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digest::{hex_decode, write_hex};
use crate::time::Timestamp;

/// A text that is not an identifier of the wanted kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadId;

impl fmt::Display for BadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an identifier of this kind")
    }
}

impl core::error::Error for BadId {}

/// Sixteen bytes in the layout of a version 7 UUID: 48 bits of `now`, the rest from `random`.
pub fn uuid_v7(now: Timestamp, random: [u8; 10]) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&now.unix_ms().to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&random);
    bytes[6] = (bytes[6] & 0x0f) | 0x70;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    bytes
}

macro_rules! generated_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// What its text starts with.
            pub const PREFIX: &'static str = $prefix;

            /// A new id from the time and ten bytes of chance.
            pub fn generate(now: Timestamp, random: [u8; 10]) -> Self {
                Self(uuid_v7(now, random))
            }

            /// The id with exactly these bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The sixteen bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                write_hex(f, &self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                let digits = text.strip_prefix($prefix).ok_or(BadId)?;
                hex_decode(digits).map(Self).ok_or(BadId)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

generated_ids! {
    /// The authority record of one stop.
    SessionId = "hs_";
    /// A canonical order.
    OrderId = "ord_";
    /// An entry of a customer's vehicle registry.
    VehicleId = "veh_";
    /// A lock, pump, handset, relay, console or till.
    DeviceId = "dev_";
    /// A person who places orders and owns the car.
    CustomerId = "cus_";
    /// A person or robot who brings them.
    DriverId = "drv_";
    /// One judged request with its inputs and reasons.
    DecisionId = "dec_";
    /// One entry of a stream.
    EventId = "evt_";
    /// One release: permission for one action on one actuator.
    ReleaseId = "act_";
    /// One signed command to a device.
    CommandId = "cmd_";
    /// One token; never the token itself.
    TokenId = "tok_";
    /// One one-time code or scannable code.
    ProofId = "prf_";
    /// One API key; never the key itself.
    ApiKeyId = "key_";
    /// One link, ticket or challenge that can be used once.
    TicketId = "tkt_";
    /// One HTTP request, for support.
    RequestId = "req_";
    /// A person of the operator's staff.
    StaffId = "stf_";
}

/// Longest chosen name, in bytes.
pub const NAME_LENGTH_MAX: usize = 64;

macro_rules! chosen_names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                is_name(text).then(|| Self(text.into())).ok_or(BadId)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

chosen_names! {
    /// An operator, with its own authorities, policies, venues and keys (M-INT-3).
    TenantId;
    /// A city: the partition key of everything (M-INT-3).
    MarketId;
    /// A place with fences, such as `mobilitynet:los-altos-library`.
    VenueId;
}

/// Names start with a letter or digit and go on with those, `-`, `_`, `.` and `:`.
fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.len() <= NAME_LENGTH_MAX
        && bytes.first().is_some_and(|&first| plain(first))
        && bytes.iter().all(|&byte| plain(byte) || b"-_.:".contains(&byte))
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn generated_ids_read_back_only_in_their_own_exact_form() {
        let id = SessionId::generate(Timestamp::from_unix_ms(0x0190_0000_0001), [0xff; 10]);
        let text = id.to_string();
        assert_eq!(text, "hs_0190000000017fffbfffffffffffffff");
        assert_eq!(text.parse(), Ok(id));
        let long = alloc::format!("{text}0");
        for wrong in
            ["", "hs_", "ord_0190000000017fffbfffffffffffffff", &text.to_uppercase(), &long]
        {
            assert_eq!(wrong.parse::<SessionId>(), Err(BadId), "{wrong}");
        }
    }

    #[test]
    fn names_are_short_lower_case_and_start_plainly() {
        for (text, good) in [
            ("acme", true),
            ("mobilitynet:los-altos-library", true),
            ("9th.street", true),
            ("", false),
            ("-acme", false),
            ("Acme", false),
            ("a/b", false),
            ("a b", false),
            ("a\u{e9}", false),
        ] {
            assert_eq!(text.parse::<TenantId>().is_ok(), good, "{text}");
        }
        assert!("a".repeat(NAME_LENGTH_MAX).parse::<VenueId>().is_ok());
        assert!("a".repeat(NAME_LENGTH_MAX + 1).parse::<VenueId>().is_err());
    }
}
