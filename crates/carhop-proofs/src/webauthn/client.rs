//! The browser's words (WebAuthn Level 3 §5.8.1): which ceremony, which challenge, on whose page.
//!
//! Browsers add members as they like; only those that count are read, and none may be there twice.

use alloc::string::String;
use alloc::vec::Vec;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::{Map, Value};

use crate::json::parse_object;
use crate::suite::same_secret;

use super::{RelyingParty, SHOWN_LENGTH_MAX, WebauthnError};

/// What is done with a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ceremony {
    /// It is made.
    Create,
    /// It signs in.
    Get,
}

/// The challenge that a browser says it answers. Nothing else of its words is believed by then.
pub fn challenge_of(client_data: &[u8]) -> Result<Vec<u8>, WebauthnError> {
    challenge(&parse(client_data)?)
}

/// Whether the words are about this ceremony, answer this challenge and come from a page of the relying party itself.
pub(super) fn check(
    client_data: &[u8],
    ceremony: Ceremony,
    relying_party: &RelyingParty,
    wanted: &[u8],
) -> Result<(), WebauthnError> {
    let said = parse(client_data)?;
    let kind = match ceremony {
        Ceremony::Create => "webauthn.create",
        Ceremony::Get => "webauthn.get",
    };
    if text(&said, "type")? != kind {
        return Err(WebauthnError::Ceremony);
    }
    if !same_secret(&challenge(&said)?, wanted) {
        return Err(WebauthnError::Challenge);
    }
    let origin = text(&said, "origin")?;
    let own = relying_party.origins.iter().any(|own| own == origin);
    let framed = match said.get("crossOrigin") {
        None | Some(Value::Bool(false)) => said.contains_key("topOrigin"),
        Some(_) => true,
    };
    if own && !framed { Ok(()) } else { Err(WebauthnError::Origin) }
}

fn parse(client_data: &[u8]) -> Result<Map<String, Value>, WebauthnError> {
    parse_object(client_data, SHOWN_LENGTH_MAX).map_err(|_| WebauthnError::ClientData)
}

fn challenge(said: &Map<String, Value>) -> Result<Vec<u8>, WebauthnError> {
    let encoded = text(said, "challenge")?;
    Base64UrlUnpadded::decode_vec(encoded).map_err(|_| WebauthnError::ClientData)
}

fn text<'a>(said: &'a Map<String, Value>, name: &str) -> Result<&'a str, WebauthnError> {
    said.get(name).and_then(Value::as_str).ok_or(WebauthnError::ClientData)
}
