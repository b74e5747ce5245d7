//! Tokens, keys, tickets and typed codes: texts with one form.

use carhop_kernel::token::TokenLayer;
use carhop_proofs::otp::Code;
use carhop_proofs::token::{ApiKey, ApiKeyRealm, StaffToken, Ticket, Token};
use carhop_proofs::vault;

use crate::{Cost, Target};

/// The targets of this module.
pub const TARGETS: &[&Target] = &[
    &Target { name: "secret", seeds: secrets, law: secret, cost: Cost::SMALL },
    &Target { name: "typed-code", seeds: typed_codes, law: typed_code, cost: Cost::SMALL },
    &Target { name: "sealed-value", seeds: sealed_values, law: sealed_value, cost: Cost::SMALL },
];

fn secrets() -> Vec<Vec<u8>> {
    let layers = [TokenLayer::Session, TokenLayer::Vehicle, TokenLayer::Action];
    let tokens = layers.map(|layer| Token::mint(layer, &[5; 32]).expose().to_owned());
    let realms = [ApiKeyRealm::Live, ApiKeyRealm::Test];
    let keys = realms.map(|realm| ApiKey::mint(realm, &[0xff; 32]).expose().to_owned());
    let ticket = Ticket::mint(&[0; 32]).expose().to_owned();
    let staff = StaffToken::mint(&[9; 32]).expose().to_owned();
    tokens.into_iter().chain(keys).chain([ticket, staff]).map(String::into_bytes).collect()
}

/// Nothing but the exact text of a minted secret passes, and under one kind alone.
fn secret(input: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(input) else { return false };
    let token = Token::parse(text).map(|token| token.expose().to_owned());
    let key = ApiKey::parse(text).map(|key| key.expose().to_owned());
    let ticket = Ticket::parse(text).map(|ticket| ticket.expose().to_owned());
    let staff = StaffToken::parse(text).map(|staff| staff.expose().to_owned());
    let read: Vec<String> = [token, key, ticket, staff].into_iter().flatten().collect();
    assert!(read.len() <= 1);
    assert!(read.iter().all(|exposed| exposed == text));
    !read.is_empty()
}

fn typed_codes() -> Vec<Vec<u8>> {
    ["123456", "000000", "12 34 56", " 999 999\t"].map(|text| text.as_bytes().to_vec()).to_vec()
}

/// White space aside, a code is its six digits and nothing else.
fn typed_code(input: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(input) else { return false };
    let Some(code) = Code::parse(text) else { return false };
    let digits: String = text.chars().filter(|symbol| !symbol.is_whitespace()).collect();
    assert_eq!(code.expose(), digits);
    assert_eq!(digits.len(), 6);
    true
}

fn sealed_values() -> Vec<Vec<u8>> {
    vec![vault::seal(&[1; 32], &[2; 12], "plate", b"7KD 201").unwrap()]
}

/// Of all texts under one nonce and key, only the sealed one opens.
fn sealed_value(input: &[u8]) -> bool {
    let Ok(plain) = vault::open(&[1; 32], "plate", input) else { return false };
    let nonce = input[..vault::NONCE_LENGTH].try_into().unwrap();
    assert_eq!(vault::seal(&[1; 32], nonce, "plate", &plain).unwrap(), input);
    true
}
