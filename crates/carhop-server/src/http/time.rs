//! Points in time as the interface writes them: RFC 3339 in UTC with milliseconds.

use carhop_kernel::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

/// A point in time, such as `2026-11-21T04:00:00.000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub(crate) struct Time(pub(crate) Timestamp);

impl From<Timestamp> for Time {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&text(self.0))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom("not an RFC 3339 time in UTC ending in `Z`");
        if !text.ends_with('Z') {
            return Err(wrong());
        }
        let at: jiff::Timestamp = text.parse().map_err(|_| wrong())?;
        let unix_ms = u64::try_from(at.as_millisecond()).map_err(|_| wrong())?;
        Ok(Self(Timestamp::from_unix_ms(unix_ms)))
    }
}

/// A point in time as text.
pub(crate) fn text(at: Timestamp) -> String {
    let unix_ms = i64::try_from(at.unix_ms()).unwrap_or(i64::MAX);
    let at = jiff::Timestamp::from_millisecond(unix_ms).unwrap_or(jiff::Timestamp::MAX);
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_with_milliseconds_and_nothing_else() {
        let time = Time(Timestamp::from_unix_ms(1_795_233_600_007));
        let written = serde_json::to_string(&time).unwrap();
        assert_eq!(written, "\"2026-11-21T04:00:00.007Z\"");
        assert_eq!(serde_json::from_str::<Time>(&written).unwrap(), time);
        for wrong in [
            "\"2026-11-21T04:00:00+01:00\"",
            "\"2026-11-21\"",
            "\"Z\"",
            "1",
            "\"1960-01-01T00:00:00Z\"",
        ] {
            assert!(serde_json::from_str::<Time>(wrong).is_err(), "{wrong}");
        }
    }
}
