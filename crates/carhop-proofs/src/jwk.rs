//! Public keys as JSON: JWK (RFC 7517, RFC 8037), their thumbprints (RFC 7638) and the set in which
//! the authority publishes its keys.
//!
//! Private keys are never written, and a JWK that holds one is refused.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use base64ct::{Base64UrlUnpadded, Encoding};
use carhop_kernel::digest::KeyThumbprint;
use serde_json::{Map, Value, json};

use crate::suite::{Algorithm, PublicKey, Suite};

/// Why an object is no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwkError {
    /// It holds a private or symmetric key: whoever sent it has given the key away.
    #[error("the JWK holds a private key")]
    Private,
    /// Neither P-256 nor Ed25519.
    #[error("the JWK is of an unknown type or curve")]
    Kind,
    /// A coordinate is missing, not base64url of 32 bytes, or the point is not on the curve.
    #[error("the JWK does not hold a point of its curve")]
    BadPoint,
}

/// The RFC 7638 thumbprint, as tokens are bound to it (RFC 9449 §6.1).
pub fn thumbprint(suite: &dyn Suite, key: &PublicKey) -> KeyThumbprint {
    // The required members in lexicographic order, without white space (RFC 7638 §3.2).
    let canonical = match key {
        PublicKey::Ed25519(point) => {
            format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, base64url(point.as_bytes()))
        }
        PublicKey::P256(point) => {
            let (x, y) = (base64url(point.x()), base64url(point.y()));
            format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)
        }
    };
    KeyThumbprint(suite.sha256(&[canonical.as_bytes()]))
}

/// A thumbprint as `cnf.jkt` and `kid` write it.
pub fn thumbprint_text(thumbprint: &KeyThumbprint) -> String {
    base64url(&thumbprint.0)
}

/// The key with its required members alone.
pub fn to_jwk(key: &PublicKey) -> Value {
    match key {
        PublicKey::Ed25519(point) => {
            json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url(point.as_bytes()) })
        }
        PublicKey::P256(point) => {
            let (x, y) = (base64url(point.x()), base64url(point.y()));
            json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })
        }
    }
}

/// The public key in a JWK. Members that do not belong to the key are ignored (RFC 7517 §4).
pub fn from_jwk(suite: &dyn Suite, members: &Map<String, Value>) -> Result<PublicKey, JwkError> {
    if PRIVATE_MEMBERS.iter().any(|&name| members.contains_key(name)) {
        return Err(JwkError::Private);
    }
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    let coordinate = |name: &str| {
        let mut bytes = [0; 32];
        let decoded = Base64UrlUnpadded::decode(text(name)?, &mut bytes).ok()?;
        (decoded.len() == 32).then_some(bytes)
    };
    match (text("kty"), text("crv")) {
        (Some("EC"), Some("P-256")) => {
            let (x, y) = coordinate("x").zip(coordinate("y")).ok_or(JwkError::BadPoint)?;
            let key = PublicKey::p256_coordinates(&x, &y);
            suite.p256_public_key(key.as_bytes()).map_err(|_| JwkError::BadPoint)
        }
        (Some("OKP"), Some("Ed25519")) => {
            let x = coordinate("x").ok_or(JwkError::BadPoint)?;
            PublicKey::ed25519(x).map_err(|_| JwkError::BadPoint)
        }
        (_, _) => Err(JwkError::Kind),
    }
}

/// The JWK set of these signing keys (RFC 7517 §5), each named by its thumbprint. The algorithms
/// are the fully specified ones (RFC 9864).
pub fn jwks(suite: &dyn Suite, keys: &[PublicKey]) -> Value {
    let published = |key: &PublicKey| {
        let mut jwk = to_jwk(key);
        jwk["kid"] = thumbprint_text(&thumbprint(suite, key)).into();
        jwk["use"] = "sig".into();
        jwk["alg"] = algorithm_name(key.algorithm()).into();
        jwk
    };
    json!({ "keys": keys.iter().map(published).collect::<Vec<_>>() })
}

/// What JOSE calls the algorithm.
pub const fn algorithm_name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Ed25519 => "Ed25519",
        Algorithm::Es256 => "ES256",
    }
}

fn base64url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// The private members of every registered key type (RFC 7518 §6, RFC 8037 §2).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

#[cfg(test)]
#[cfg(feature = "rustcrypto")]
mod tests {
    use super::*;
    use crate::fixture::{ed25519, es256};
    use crate::suite::{AwsLc, RustCrypto};

    fn object(text: &str) -> Map<String, Value> {
        serde_json::from_str(text).unwrap()
    }

    /// The key of RFC 9449 §4.1.
    const ES256: &str = r#"{"kty":"EC","crv":"P-256",
        "x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}"#;

    /// The key of RFC 8037 Appendix A.2.
    const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    #[test]
    fn thumbprints_are_those_of_the_standards() {
        for suite in [&AwsLc as &dyn Suite, &RustCrypto] {
            let key = from_jwk(suite, &object(ED25519)).unwrap();
            // RFC 8037 Appendix A.3.
            let published = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
            assert_eq!(thumbprint_text(&thumbprint(suite, &key)), published);
            let key = from_jwk(suite, &object(ES256)).unwrap();
            // RFC 9449 §6.1.
            let published = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
            assert_eq!(thumbprint_text(&thumbprint(suite, &key)), published);
        }
    }

    #[test]
    fn keys_read_back_and_are_published_without_anything_private() {
        let suite = &RustCrypto;
        let keys = [ed25519("jwk"), es256("jwk")].map(|key| suite.public_key(&key).unwrap());
        for key in &keys {
            let jwk = to_jwk(key);
            assert_eq!(from_jwk(suite, jwk.as_object().unwrap()), Ok(*key));
        }
        let set = jwks(suite, &keys);
        let published = set["keys"].as_array().unwrap();
        for ((jwk, key), name) in published.iter().zip(&keys).zip(["Ed25519", "ES256"]) {
            assert_eq!(from_jwk(suite, jwk.as_object().unwrap()), Ok(*key));
            assert_eq!(jwk["alg"], name);
            assert_eq!(jwk["use"], "sig");
            assert_eq!(jwk["kid"], thumbprint_text(&thumbprint(suite, key)));
        }
    }

    #[test]
    fn objects_that_are_no_public_key_are_refused() {
        let changed = |base: &str, name: &str, value: Value| {
            let mut jwk = object(base);
            jwk.insert(name.into(), value);
            from_jwk(&RustCrypto, &jwk).map(|_| ())
        };
        assert_eq!(changed(ES256, "ext", true.into()), Ok(()));
        for name in PRIVATE_MEMBERS {
            assert_eq!(changed(ES256, name, Value::Null), Err(JwkError::Private), "{name}");
        }
        for (name, value, error) in [
            ("kty", Value::from("oct"), JwkError::Kind),
            ("kty", "RSA".into(), JwkError::Kind),
            ("kty", "OKP".into(), JwkError::Kind),
            ("kty", Value::Null, JwkError::Kind),
            ("crv", "P-384".into(), JwkError::Kind),
            ("crv", "p-256".into(), JwkError::Kind),
            ("x", Value::Null, JwkError::BadPoint),
            ("x", 1.into(), JwkError::BadPoint),
            ("x", "".into(), JwkError::BadPoint),
            ("x", "A".repeat(42).into(), JwkError::BadPoint),
            ("x", "A".repeat(43).into(), JwkError::BadPoint),
            ("x", "A".repeat(44).into(), JwkError::BadPoint),
            ("x", "A".repeat(4000).into(), JwkError::BadPoint),
            ("y", "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDE".into(), JwkError::BadPoint),
            ("y", "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDB".into(), JwkError::BadPoint),
            ("y", "9VE4jf/Ok/o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA".into(), JwkError::BadPoint),
            ("y", "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA=".into(), JwkError::BadPoint),
        ] {
            assert_eq!(changed(ES256, name, value.clone()), Err(error), "{name} {value}");
        }
        assert_eq!(changed(ED25519, "x", "A".repeat(43).into()), Err(JwkError::BadPoint));
        assert_eq!(from_jwk(&RustCrypto, &Map::new()), Err(JwkError::Kind));
    }
}
