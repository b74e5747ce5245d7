//! DPoP: proof that whoever presents a token holds its key (RFC 9449; standards §2; M-TOK-2).
//!
//! A proof that verifies here may still be a replay. The caller keeps the identifiers it has seen,
//! by key and `jti`, for as long as a proof lives, and decides which nonce it wants.

use alloc::format;
use alloc::string::String;

use base64ct::{Base64UrlUnpadded, Encoding};
use carhop_kernel::digest::KeyThumbprint;
use carhop_kernel::time::Timestamp;
use serde_json::{Map, Value, json};

use crate::json::{JsonError, parse_object};
use crate::jwk::{self, JwkError};
use crate::suite::{Algorithm, KeyError, PublicKey, SigningKey, Suite, same_secret};

/// What a client proves.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The URL of the request; query and fragment are left out of the proof.
    pub url: &'a str,
    /// The access token that goes with the request.
    pub access_token: Option<&'a str>,
    /// The nonce the server last gave.
    pub nonce: Option<&'a str>,
    /// The client's time.
    pub issued_at: Timestamp,
    /// At least 96 bits of chance, as text.
    pub jti: &'a str,
}

/// What the server expects of a proof.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// The URL of the request under a configured origin (design §9.5); query and fragment do not
    /// count.
    pub url: &'a str,
    /// The access token of the request; `None` where a token is yet to be issued.
    pub access_token: Option<&'a str>,
    /// The nonce the proof must carry; `None` where none is demanded.
    pub nonce: Option<&'a str>,
    /// The server's time.
    pub now: Timestamp,
}

/// What a verified proof says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The key that was proven.
    pub key: PublicKey,
    /// Its RFC 7638 thumbprint, to be compared with the token's.
    pub thumbprint: KeyThumbprint,
    /// SHA-256 of the proof's identifier, for the replay cache.
    pub jti: [u8; 32],
    /// When the client says it made the proof.
    pub issued_at: Timestamp,
}

/// Why a text proves nothing, in the order in which the faults are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DpopError {
    /// Longer than [`PROOF_LENGTH_MAX`].
    #[error("the proof is too long")]
    TooLong,
    /// Not a compact JWS of two JSON objects with every member named once, or a claim is missing.
    #[error("the proof is malformed")]
    Malformed,
    /// The type is not `dpop+jwt`.
    #[error("the proof is of another type")]
    Type,
    /// The algorithm is not ES256.
    #[error("the proof is not signed with ES256")]
    Algorithm,
    /// The key in the header is no public P-256 key.
    #[error("the key of the proof is unusable")]
    Key,
    /// The proof gives a private key away.
    #[error("the proof holds a private key")]
    PrivateKey,
    /// The signature does not verify.
    #[error("the signature of the proof does not verify")]
    Signature,
    /// Made for another method.
    #[error("the proof is for another method")]
    Method,
    /// Made for another URL.
    #[error("the proof is for another URL")]
    Url,
    /// Made too long ago, or too far ahead.
    #[error("the proof is too old or too new")]
    IssuedAt,
    /// Made for another access token, or for none.
    #[error("the proof is for another access token")]
    AccessToken,
    /// Carries another nonce than the demanded one, or none.
    #[error("the proof does not carry the demanded nonce")]
    Nonce,
}

/// A proof for one request, signed with the client's P-256 key.
pub fn make(suite: &dyn Suite, key: &SigningKey, claim: &Claim<'_>) -> Result<String, KeyError> {
    if key.algorithm() != Algorithm::Es256 {
        return Err(KeyError::Malformed);
    }
    let jwk = jwk::to_jwk(&suite.public_key(key)?);
    let header = json!({ "typ": TYPE, "alg": "ES256", "jwk": jwk });
    let url = claim.url.split(['?', '#']).next().unwrap_or_default();
    let mut claims = json!({
        "jti": claim.jti, "htm": claim.method, "htu": url, "iat": claim.issued_at.unix_s(),
    });
    if let Some(token) = claim.access_token {
        claims["ath"] = token_hash(suite, token).into();
    }
    if let Some(nonce) = claim.nonce {
        claims["nonce"] = nonce.into();
    }
    let part = |value: &Value| Base64UrlUnpadded::encode_string(format!("{value}").as_bytes());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let signature = suite.sign(key, signed.as_bytes())?;
    Ok(format!("{signed}.{}", Base64UrlUnpadded::encode_string(&signature)))
}

/// Verifies a proof for one request (RFC 9449 §4.3).
pub fn verify(suite: &dyn Suite, proof: &str, expected: &Expected<'_>) -> Result<Proof, DpopError> {
    if proof.len() > PROOF_LENGTH_MAX {
        return Err(DpopError::TooLong);
    }
    let (signed, signature) = proof.rsplit_once('.').ok_or(DpopError::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(DpopError::Malformed)?;
    let key = signer(suite, &part(header)?)?;
    let signature = Base64UrlUnpadded::decode_vec(signature).map_err(|_| DpopError::Malformed)?;
    if !suite.verify(&key, signed.as_bytes(), &signature) {
        return Err(DpopError::Signature);
    }
    let claims = part(claims)?;
    let jti = text(&claims, "jti")?;
    let issued_at = issued_at(&claims, expected.now)?;
    if jti.is_empty() || jti.len() > JTI_LENGTH_MAX {
        return Err(DpopError::Malformed);
    }
    check(suite, &claims, expected)?;
    let thumbprint = jwk::thumbprint(suite, &key);
    Ok(Proof { key, thumbprint, jti: suite.sha256(&[jti.as_bytes()]), issued_at })
}

/// The key that the header says signed the proof. `none`, HS256 and every other algorithm end here,
/// before anything is computed.
fn signer(suite: &dyn Suite, header: &Map<String, Value>) -> Result<PublicKey, DpopError> {
    if text(header, "typ")? != TYPE {
        return Err(DpopError::Type);
    }
    if text(header, "alg")? != "ES256" {
        return Err(DpopError::Algorithm);
    }
    // Nothing that would have to be understood is (RFC 7515 §4.1.11).
    if header.contains_key("crit") {
        return Err(DpopError::Malformed);
    }
    let jwk = header.get("jwk").and_then(Value::as_object).ok_or(DpopError::Key)?;
    match jwk::from_jwk(suite, jwk) {
        Ok(key @ PublicKey::P256(_)) => Ok(key),
        Ok(PublicKey::Ed25519(_)) | Err(JwkError::Kind | JwkError::BadPoint) => Err(DpopError::Key),
        Err(JwkError::Private) => Err(DpopError::PrivateKey),
    }
}

/// Whether the claims are those of the request.
fn check(
    suite: &dyn Suite,
    claims: &Map<String, Value>,
    expected: &Expected<'_>,
) -> Result<(), DpopError> {
    if text(claims, "htm")? != expected.method {
        return Err(DpopError::Method);
    }
    let (claimed, wanted) = (target(text(claims, "htu")?), target(expected.url));
    if claimed.is_none() || claimed != wanted {
        return Err(DpopError::Url);
    }
    let same = |name, wanted: &str| {
        let claimed = claims.get(name).and_then(Value::as_str);
        claimed.is_some_and(|claimed| same_secret(claimed.as_bytes(), wanted.as_bytes()))
    };
    if expected.access_token.is_some_and(|token| !same("ath", &token_hash(suite, token))) {
        return Err(DpopError::AccessToken);
    }
    if expected.nonce.is_some_and(|nonce| !same("nonce", nonce)) {
        return Err(DpopError::Nonce);
    }
    Ok(())
}

fn issued_at(claims: &Map<String, Value>, now: Timestamp) -> Result<Timestamp, DpopError> {
    let unix_s = claims.get("iat").and_then(Value::as_u64).ok_or(DpopError::Malformed)?;
    if unix_s.abs_diff(now.unix_s()) > ISSUED_AT_TOLERANCE_S {
        return Err(DpopError::IssuedAt);
    }
    Ok(Timestamp::from_unix_s(unix_s))
}

fn part(encoded: &str) -> Result<Map<String, Value>, DpopError> {
    let bytes = Base64UrlUnpadded::decode_vec(encoded).map_err(|_| DpopError::Malformed)?;
    parse_object(&bytes, PROOF_LENGTH_MAX).map_err(|error| match error {
        JsonError::TooLong => DpopError::TooLong,
        JsonError::Malformed => DpopError::Malformed,
    })
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Result<&'a str, DpopError> {
    members.get(name).and_then(Value::as_str).ok_or(DpopError::Malformed)
}

/// `ath` (RFC 9449 §4.2).
fn token_hash(suite: &dyn Suite, token: &str) -> String {
    Base64UrlUnpadded::encode_string(&suite.sha256(&[token.as_bytes()]))
}

/// The part of a URL that counts: scheme and authority in lower case, the scheme's own port left
/// out, the path as it is (RFC 3986 §6.2.2.1 and §6.2.3).
fn target(url: &str) -> Option<(String, String)> {
    let url = url.split(['?', '#']).next()?;
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"@\\\"<>".contains(&byte);
    if authority.is_empty() || !url.bytes().all(plain) {
        return None;
    }
    let authority = authority.to_ascii_lowercase();
    let (scheme, own_port) = match scheme.to_ascii_lowercase().as_str() {
        "https" => ("https", ":443"),
        "http" => ("http", ":80"),
        _ => return None,
    };
    let authority = authority.strip_suffix(own_port).unwrap_or(&authority);
    let path = if path.is_empty() { "/" } else { path };
    Some((format!("{scheme}://{authority}"), path.into()))
}

/// Longest proof, in bytes.
pub const PROOF_LENGTH_MAX: usize = 4096;

/// Longest identifier of a proof, in bytes.
pub const JTI_LENGTH_MAX: usize = 128;

/// How far a proof's time may lie from the server's, either way (standards §2). A replay cache that
/// holds identifiers for twice this long forgets none too early.
pub const ISSUED_AT_TOLERANCE_S: u64 = 60;

const TYPE: &str = "dpop+jwt";

#[cfg(test)]
#[cfg(feature = "rustcrypto")]
mod tests;
