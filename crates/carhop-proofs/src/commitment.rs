//! Salted hashes that stand for values which must not appear themselves (M-PRV-2, standards §7), and
//! digests over the canonical JSON of a whole structure (M-ORD-1, M-ORD-3).
//!
//! Once the salt is deleted nobody can tell what was committed to, not even by trying every plate
//! number. Where salts live and when they die is the vault's business.

use carhop_kernel::digest::Commitment;

use crate::suite::Suite;

/// Commits to `value`: SHA-256 over a label, the salt of 32 random bytes and the value.
pub fn commit(suite: &dyn Suite, salt: &[u8; 32], value: &[u8]) -> Commitment {
    Commitment(suite.sha256(&[LABEL, salt, value]))
}

/// The digest of a structure: SHA-256 over `label`, a zero byte, the salt and the structure's
/// canonical JSON (RFC 8785). Two spellings of one structure have one digest. Integers beyond
/// ±(2^53 − 1) are refused, as canonical JSON would round them and give two values one digest.
#[cfg(feature = "std")]
pub fn canonical(
    suite: &dyn Suite,
    label: &str,
    salt: &[u8; 32],
    structure: &impl serde::Serialize,
) -> Result<[u8; 32], CanonicalError> {
    let value = serde_json::to_value(structure).map_err(|_| CanonicalError::NotJson)?;
    if !is_exact(&value) {
        return Err(CanonicalError::Inexact);
    }
    let json = serde_json_canonicalizer::to_vec(&value).map_err(|_| CanonicalError::NotJson)?;
    Ok(suite.sha256(&[label.as_bytes(), &[0], salt, &json]))
}

/// Why a structure has no canonical digest.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// It does not serialise to JSON (a map with keys that are not text, say).
    #[error("the structure has no JSON form")]
    NotJson,
    /// It holds an integer that JSON numbers do not represent exactly.
    #[error("the structure holds an integer beyond the exact range of JSON")]
    Inexact,
}

#[cfg(feature = "std")]
fn is_exact(value: &serde_json::Value) -> bool {
    use serde_json::Value;
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => true,
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(value), _) => value <= EXACT_INTEGER_MAX,
            (None, Some(value)) => value.unsigned_abs() <= EXACT_INTEGER_MAX,
            (None, None) => true,
        },
        Value::Array(values) => values.iter().all(is_exact),
        Value::Object(entries) => entries.values().all(is_exact),
    }
}

const LABEL: &[u8] = b"carhop.commitment.v1\0";
/// 2^53 − 1 (RFC 8785 §3.2.2.3, RFC 7493 §2.2).
#[cfg(feature = "std")]
const EXACT_INTEGER_MAX: u64 = (1 << 53) - 1;

#[cfg(test)]
#[cfg(all(feature = "std", feature = "rustcrypto"))]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::suite::RustCrypto;

    fn digest(text: &str) -> Result<[u8; 32], CanonicalError> {
        let value: Value = serde_json::from_str(text).unwrap();
        canonical(&RustCrypto, "carhop.test.v1", &[9; 32], &value)
    }

    #[test]
    fn a_commitment_changes_with_salt_and_value() {
        let made = commit(&RustCrypto, &[1; 32], b"7ABC123");
        assert_eq!(made, commit(&RustCrypto, &[1; 32], b"7ABC123"));
        assert_ne!(made, commit(&RustCrypto, &[2; 32], b"7ABC123"));
        assert_ne!(made, commit(&RustCrypto, &[1; 32], b"7ABC124"));
    }

    #[test]
    fn one_structure_has_one_digest_however_it_is_spelt() {
        // The members of RFC 8785 §3.2.3, which sort by UTF-16 code units.
        let plain = r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","1":"One","a":[1.0,4.50,1E3]}"#;
        let sorted = r#"{"\r":"Carriage Return","1":"One","a":[1,4.5,1000],"€":"Euro Sign"}"#;
        assert_eq!(digest(plain), digest(sorted));
        let canonical_json = sorted;
        let expected =
            RustCrypto.sha256(&[b"carhop.test.v1\0", &[9; 32], canonical_json.as_bytes()]);
        assert_eq!(digest(plain), Ok(expected));
    }

    #[test]
    fn label_salt_and_every_member_count() {
        let order = json!({"lines": [{"sku": "milk", "count": 2}], "window": [1, 2]});
        let base = canonical(&RustCrypto, "carhop.order.v1", &[9; 32], &order);
        assert_ne!(base, canonical(&RustCrypto, "carhop.intent.v1", &[9; 32], &order));
        assert_ne!(base, canonical(&RustCrypto, "carhop.order.v1", &[8; 32], &order));
        let more = json!({"lines": [{"sku": "milk", "count": 3}], "window": [1, 2]});
        assert_ne!(base, canonical(&RustCrypto, "carhop.order.v1", &[9; 32], &more));
    }

    #[test]
    fn integers_that_json_would_round_are_refused() {
        assert!(digest("[9007199254740991, -9007199254740991]").is_ok());
        for wrong in
            ["[9007199254740992]", r#"{"a":{"b":-9007199254740992}}"#, "18446744073709551615"]
        {
            assert_eq!(digest(wrong), Err(CanonicalError::Inexact), "{wrong}");
        }
    }
}
