//! The texts of secrets that point at server-side records: tokens, API keys and one-time tickets
//! (M-TOK-1, M-TOK-2, standards §2).
//!
//! Each is a prefix that tells what it is, 32 random bytes in base62 and a CRC-32 by which a typing
//! error or a leaked secret is recognised without asking anybody. The checksum protects nothing; a
//! secret is worth what the record under its keyed hash says, and this module knows no records.

use alloc::string::String;
use core::fmt;

use carhop_kernel::digest::SecretHash;
use carhop_kernel::token::TokenLayer;
use zeroize::Zeroizing;

use crate::suite::Suite;

/// Why a text is not a secret of the wanted kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Another prefix: a secret of another kind, or none at all.
    #[error("the text is not a secret of this kind")]
    Prefix,
    /// Wrong length, a character outside base62, or a number above 32 bytes.
    #[error("the secret is malformed")]
    Malformed,
    /// The checksum does not fit: mistyped or truncated.
    #[error("the checksum of the secret does not fit")]
    Checksum,
}

/// A session, vehicle or action token: `chs_`, `chv_` or `cha_` and 49 base62 digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    layer: TokenLayer,
    text: SecretText,
}

impl Token {
    /// A token from 32 bytes of chance.
    pub fn mint(layer: TokenLayer, random: &[u8; 32]) -> Self {
        Self { layer, text: SecretText::mint(token_prefix(layer), random) }
    }

    /// Reads a token back; nothing but the exact text of a minted one passes.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let layers = [TokenLayer::Session, TokenLayer::Vehicle, TokenLayer::Action];
        let layer = layers.into_iter().find(|&layer| text.starts_with(token_prefix(layer)));
        let layer = layer.ok_or(SecretError::Prefix)?;
        Ok(Self { layer, text: SecretText::parse(token_prefix(layer), text)? })
    }

    /// Which of the three layers.
    pub const fn layer(&self) -> TokenLayer {
        self.layer
    }

    /// The text, to hand to its holder and to nobody else.
    pub fn expose(&self) -> &str {
        self.text.as_str()
    }

    /// What is stored instead of the text: HMAC-SHA-256 under `pepper`.
    pub fn hash(&self, suite: &dyn Suite, pepper: &[u8]) -> SecretHash {
        self.text.hash(suite, pepper)
    }
}

/// Whether an API key reaches real orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ApiKeyRealm {
    /// `ch_live_`
    Live,
    /// `ch_test_`
    Test,
}

/// A partner's API key: `ch_live_` or `ch_test_` and 49 base62 digits (M-INT-1).
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    realm: ApiKeyRealm,
    text: SecretText,
}

impl ApiKey {
    /// A key from 32 bytes of chance.
    pub fn mint(realm: ApiKeyRealm, random: &[u8; 32]) -> Self {
        Self { realm, text: SecretText::mint(key_prefix(realm), random) }
    }

    /// Reads a key back; nothing but the exact text of a minted one passes.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let realms = [ApiKeyRealm::Live, ApiKeyRealm::Test];
        let realm = realms.into_iter().find(|&realm| text.starts_with(key_prefix(realm)));
        let realm = realm.ok_or(SecretError::Prefix)?;
        Ok(Self { realm, text: SecretText::parse(key_prefix(realm), text)? })
    }

    /// Whether it reaches real orders.
    pub const fn realm(&self) -> ApiKeyRealm {
        self.realm
    }

    /// The text, to hand to its holder and to nobody else.
    pub fn expose(&self) -> &str {
        self.text.as_str()
    }

    /// What is stored instead of the text: HMAC-SHA-256 under `pepper`.
    pub fn hash(&self, suite: &dyn Suite, pepper: &[u8]) -> SecretHash {
        self.text.hash(suite, pepper)
    }
}

/// The secret of a link, an enrolment or a stream that can be used once: `cht_` and 49 digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket {
    text: SecretText,
}

impl Ticket {
    /// A ticket from 32 bytes of chance.
    pub fn mint(random: &[u8; 32]) -> Self {
        Self { text: SecretText::mint(TICKET_PREFIX, random) }
    }

    /// Reads a ticket back; nothing but the exact text of a minted one passes.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        Ok(Self { text: SecretText::parse(TICKET_PREFIX, text)? })
    }

    /// The text, to hand to its holder and to nobody else.
    pub fn expose(&self) -> &str {
        self.text.as_str()
    }

    /// What is stored instead of the text: HMAC-SHA-256 under `pepper`.
    pub fn hash(&self, suite: &dyn Suite, pepper: &[u8]) -> SecretHash {
        self.text.hash(suite, pepper)
    }
}

/// What a member of staff is given at a sign-in: `chm_` and 49 digits.
#[derive(Clone, PartialEq, Eq)]
pub struct StaffToken {
    text: SecretText,
}

impl StaffToken {
    /// What its text starts with.
    pub const PREFIX: &str = "chm_";

    /// A token from 32 bytes of chance.
    pub fn mint(random: &[u8; 32]) -> Self {
        Self { text: SecretText::mint(Self::PREFIX, random) }
    }

    /// Reads a token back; nothing but the exact text of a minted one passes.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        Ok(Self { text: SecretText::parse(Self::PREFIX, text)? })
    }

    /// The text, to hand to its holder and to nobody else.
    pub fn expose(&self) -> &str {
        self.text.as_str()
    }

    /// What is stored instead of the text: HMAC-SHA-256 under `pepper`.
    pub fn hash(&self, suite: &dyn Suite, pepper: &[u8]) -> SecretHash {
        self.text.hash(suite, pepper)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({:?}, hidden)", self.layer)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({:?}, hidden)", self.realm)
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(hidden)")
    }
}

impl fmt::Debug for StaffToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StaffToken(hidden)")
    }
}

/// Prefix, body and checksum, wiped when dropped. Equality is for tests and is not constant time;
/// secrets are looked up by their hash.
#[derive(Clone, PartialEq, Eq)]
struct SecretText(Zeroizing<String>);

impl SecretText {
    fn mint(prefix: &str, random: &[u8; 32]) -> Self {
        // Sized once, so that no half of it is left behind in a buffer that was outgrown.
        let length = prefix.len() + BODY_DIGITS + CHECKSUM_DIGITS;
        let mut text = Zeroizing::new(String::with_capacity(length));
        text.push_str(prefix);
        push_body(&mut text, random);
        let checksum = crc32fast::hash(text.as_bytes());
        push_checksum(&mut text, checksum);
        Self(text)
    }

    fn parse(prefix: &str, text: &str) -> Result<Self, SecretError> {
        let digits = text.strip_prefix(prefix).ok_or(SecretError::Prefix)?;
        if digits.len() != BODY_DIGITS + CHECKSUM_DIGITS {
            return Err(SecretError::Malformed);
        }
        let random = read_body(&digits.as_bytes()[..BODY_DIGITS]).ok_or(SecretError::Malformed)?;
        if !digits.bytes().all(|byte| ALPHABET.contains(&byte)) {
            return Err(SecretError::Malformed);
        }
        let minted = Self::mint(prefix, &random);
        if minted.as_str() == text { Ok(minted) } else { Err(SecretError::Checksum) }
    }

    fn as_str(&self) -> &str {
        &self.0
    }

    fn hash(&self, suite: &dyn Suite, pepper: &[u8]) -> SecretHash {
        SecretHash(suite.hmac_sha256(pepper, &[self.as_str().as_bytes()]))
    }
}

const fn token_prefix(layer: TokenLayer) -> &'static str {
    match layer {
        TokenLayer::Session => "chs_",
        TokenLayer::Vehicle => "chv_",
        TokenLayer::Action => "cha_",
    }
}

const fn key_prefix(realm: ApiKeyRealm) -> &'static str {
    match realm {
        ApiKeyRealm::Live => "ch_live_",
        ApiKeyRealm::Test => "ch_test_",
    }
}

/// Appends a 256-bit number as 43 base62 digits, the most significant first.
fn push_body(text: &mut String, random: &[u8; 32]) {
    let mut number = Zeroizing::new(*random);
    let mut digits = Zeroizing::new([0; BODY_DIGITS]);
    for digit in digits.iter_mut().rev() {
        let mut remainder = 0;
        for byte in number.iter_mut() {
            let value = remainder << 8 | usize::from(*byte);
            // The quotient fits a byte because the remainder is below 62.
            *byte = (value / BASE).to_le_bytes()[0];
            remainder = value % BASE;
        }
        *digit = ALPHABET[remainder];
    }
    text.extend(digits.iter().map(|&digit| char::from(digit)));
}

/// The 256-bit number of 43 base62 digits, unless a character or the number is out of range.
fn read_body(digits: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let mut number = Zeroizing::new([0; 32]);
    for digit in digits {
        let mut carry = ALPHABET.iter().position(|symbol| symbol == digit)?;
        for byte in number.iter_mut().rev() {
            let value = usize::from(*byte) * BASE + carry;
            *byte = value.to_le_bytes()[0];
            carry = value >> 8;
        }
        if carry != 0 {
            return None;
        }
    }
    Some(number)
}

fn push_checksum(text: &mut String, checksum: u32) {
    let base = 62_u32;
    for power in (0..CHECKSUM_DIGITS).rev() {
        let place = (0..power).fold(1, |place: u32, _| place * base);
        let digit = checksum / place % base;
        text.push(char::from(ALPHABET[usize::from(digit.to_le_bytes()[0])]));
    }
}

const TICKET_PREFIX: &str = "cht_";
const ALPHABET: &[u8; BASE] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE: usize = 62;
/// 62^43 is just above 2^256.
const BODY_DIGITS: usize = 43;
/// 62^6 is above 2^32.
const CHECKSUM_DIGITS: usize = 6;

#[cfg(test)]
#[cfg(all(feature = "std", feature = "rustcrypto"))]
mod tests {
    use std::format;
    use std::string::ToString;

    use carhop_kernel::digest::write_hex;
    use proptest::prelude::*;

    use super::*;
    use crate::suite::RustCrypto;
    use crate::vectors;

    const LAYERS: [TokenLayer; 3] = [TokenLayer::Session, TokenLayer::Vehicle, TokenLayer::Action];

    #[test]
    fn tokens_match_the_projects_vectors() {
        let Some(vectors) = vectors::json("carhop-vectors.json") else { return };
        for (vector, layer) in vectors["tokens"].as_array().unwrap().iter().zip(LAYERS) {
            let random = vectors::hex(&vector["random_hex"]).try_into().unwrap();
            let token = Token::mint(layer, &random);
            assert_eq!(token.expose(), vector["token"]);
            let unsummed = &token.expose()[..token.expose().len() - CHECKSUM_DIGITS];
            assert_eq!(crc32fast::hash(unsummed.as_bytes()), vector["crc32"]);
            let plain = RustCrypto.sha256(&[token.expose().as_bytes()]);
            assert_eq!(plain, *vectors::hex(&vector["sha256_at_rest"]));
            assert_eq!(Token::parse(token.expose()), Ok(token));
        }
    }

    #[test]
    fn the_smallest_and_largest_numbers_fit_and_the_next_one_does_not() {
        for random in [[0; 32], [0xff; 32]] {
            let token = Token::mint(TokenLayer::Action, &random);
            assert_eq!(token.expose().len(), 53);
            assert_eq!(*read_body(&token.expose().as_bytes()[4..47]).unwrap(), random);
        }
        let mut beyond = Token::mint(TokenLayer::Action, &[0xff; 32]).expose()[..47].to_string();
        assert!(beyond.ends_with('1'));
        beyond.replace_range(46.., "2");
        let checksum = crc32fast::hash(beyond.as_bytes());
        push_checksum(&mut beyond, checksum);
        assert_eq!(Token::parse(&beyond), Err(SecretError::Malformed));
    }

    #[test]
    fn a_secret_of_one_kind_is_never_read_as_another() {
        let random = [7; 32];
        let token = Token::mint(TokenLayer::Session, &random);
        let key = ApiKey::mint(ApiKeyRealm::Live, &random);
        let ticket = Ticket::mint(&random);
        assert_eq!(ApiKey::parse(key.expose()).as_ref(), Ok(&key));
        assert_eq!(Ticket::parse(ticket.expose()).as_ref(), Ok(&ticket));
        assert_eq!(Token::parse(key.expose()), Err(SecretError::Prefix));
        assert_eq!(Token::parse(ticket.expose()), Err(SecretError::Prefix));
        assert_eq!(ApiKey::parse(token.expose()), Err(SecretError::Prefix));
        assert_eq!(Ticket::parse(token.expose()), Err(SecretError::Prefix));
        let staff = StaffToken::mint(&random);
        assert_eq!(StaffToken::parse(staff.expose()).as_ref(), Ok(&staff));
        assert_eq!(StaffToken::parse(token.expose()), Err(SecretError::Prefix));
        assert_eq!(Token::parse(staff.expose()), Err(SecretError::Prefix));
        let relabelled = token.expose().replace("chs_", "cha_");
        assert_eq!(Token::parse(&relabelled), Err(SecretError::Checksum));
        let test = key.expose().replace("ch_live_", "ch_test_");
        assert_eq!(ApiKey::parse(&test), Err(SecretError::Checksum));
    }

    #[test]
    fn nothing_about_a_secret_can_be_printed() {
        let random = [7; 32];
        let token = Token::mint(TokenLayer::Session, &random);
        assert_eq!(format!("{token:?}"), "Token(Session, hidden)");
        assert_eq!(
            format!("{:?}", ApiKey::mint(ApiKeyRealm::Test, &random)),
            "ApiKey(Test, hidden)"
        );
        assert_eq!(format!("{:?}", Ticket::mint(&random)), "Ticket(hidden)");
        assert_eq!(format!("{:?}", StaffToken::mint(&random)), "StaffToken(hidden)");
    }

    #[test]
    fn the_stored_hash_depends_on_the_pepper() {
        let token = Token::mint(TokenLayer::Session, &[7; 32]);
        let hash = token.hash(&RustCrypto, b"pepper");
        assert_eq!(hash.0, RustCrypto.hmac_sha256(b"pepper", &[token.expose().as_bytes()]));
        assert_ne!(hash, token.hash(&RustCrypto, b"other"));
        let mut shown = String::new();
        write_hex(&mut shown, &hash.0).unwrap();
        assert_eq!(hash.to_string(), shown);
    }

    proptest! {
        #[test]
        fn what_is_minted_parses_and_no_changed_character_does(
            random: [u8; 32], at in 0usize..53, symbol in "[ -~]"
        ) {
            for layer in LAYERS {
                let token = Token::mint(layer, &random);
                let mut text = token.expose().to_string();
                prop_assert_eq!(Token::parse(&text), Ok(token));
                if text[at..=at] != symbol {
                    text.replace_range(at..=at, &symbol);
                    prop_assert!(Token::parse(&text).is_err());
                }
            }
        }

        #[test]
        fn arbitrary_text_never_panics(text in "(ch[sva]_)?.{0,60}") {
            let _ = (Token::parse(&text), ApiKey::parse(&text), Ticket::parse(&text));
            let _ = StaffToken::parse(&text);
        }
    }
}
