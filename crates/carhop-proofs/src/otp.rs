//! One-time codes of six digits (M-OTP-1, standards §9).
//!
//! This draws, reads and hashes a code. How long it lives, how often it may be tried and whether it
//! was used are rules of the kernel and records of the journal; the hash of one code can be searched
//! through, so it is the pepper and those limits that protect it.

use alloc::string::String;
use core::fmt;

use carhop_kernel::digest::SecretHash;
use carhop_kernel::id::{ProofId, SessionId};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::suite::{Suite, same_secret};

/// Six decimal digits. Never printed and wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Code([u8; DIGITS]);

impl Code {
    /// A code from bytes of chance, each of the million equally likely; four bytes suffice in all
    /// but 1 of 4,000 draws, and `None` says that those given did not.
    pub fn draw(random: &[u8]) -> Option<Self> {
        let (words, _) = random.as_chunks();
        let word =
            words.iter().map(|word| u32::from_be_bytes(*word)).find(|&word| word < FAIR_BELOW);
        let mut rest = word?;
        let mut digits = [0; DIGITS];
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10).to_le_bytes()[0];
            rest /= 10;
        }
        Some(Self(digits))
    }

    /// Reads what a person typed: six ASCII digits, with any white space between them.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > TYPED_LENGTH_MAX {
            return None;
        }
        let mut code = Self([0; DIGITS]);
        let mut typed = text.chars().filter(|symbol| !symbol.is_whitespace());
        for digit in &mut code.0 {
            *digit = typed
                .next()
                .filter(char::is_ascii_digit)
                .and_then(|symbol| symbol.try_into().ok())?;
        }
        typed.next().is_none().then_some(code)
    }

    /// The six digits, to hand to the recipient and to nobody else.
    pub fn expose(&self) -> String {
        self.0.iter().map(|&digit| char::from(digit)).collect()
    }

    /// What is stored instead: HMAC-SHA-256 under `pepper` over the session, the code's id and the
    /// digits, so that a hash is worthless for any other code.
    pub fn hash(
        &self,
        suite: &dyn Suite,
        pepper: &[u8],
        session: SessionId,
        proof: ProofId,
    ) -> SecretHash {
        let parts = [LABEL, session.as_bytes(), proof.as_bytes(), &self.0];
        SecretHash(suite.hmac_sha256(pepper, &parts))
    }

    /// Whether this is the code whose hash was stored, in time that does not depend on the answer.
    pub fn matches(
        &self,
        stored: &SecretHash,
        suite: &dyn Suite,
        pepper: &[u8],
        session: SessionId,
        proof: ProofId,
    ) -> bool {
        same_secret(&self.hash(suite, pepper, session, proof).0, &stored.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(hidden)")
    }
}

const DIGITS: usize = 6;
/// The largest multiple of a million that 32 bits hold; words above it would favour small codes.
const FAIR_BELOW: u32 = 4_294_000_000;
/// Room for six digits and generous spacing, in bytes.
const TYPED_LENGTH_MAX: usize = 32;
const LABEL: &[u8] = b"carhop.otp.v1";

#[cfg(test)]
#[cfg(feature = "rustcrypto")]
mod tests {
    use alloc::format;

    use proptest::prelude::*;

    use super::*;
    use crate::suite::RustCrypto;

    const SESSION: SessionId = SessionId::from_bytes([1; 16]);
    const PROOF: ProofId = ProofId::from_bytes([2; 16]);

    #[test]
    fn codes_are_drawn_without_bias_and_run_out_with_the_chance_given() {
        let cases: [(&[u8], Option<&str>); 8] = [
            (&[0, 0, 0, 0], Some("000000")),
            (&1_000_007_u32.to_be_bytes(), Some("000007")),
            (&(FAIR_BELOW - 1).to_be_bytes(), Some("999999")),
            (&FAIR_BELOW.to_be_bytes(), None),
            (&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 9], Some("000009")),
            (&[0xff, 0xff, 0xff, 0xff, 0, 0, 0], None),
            (&[0, 0, 0], None),
            (&[], None),
        ];
        for (random, expected) in cases {
            assert_eq!(Code::draw(random).map(|code| code.expose()).as_deref(), expected);
        }
        assert_eq!(u64::from(FAIR_BELOW) % 1_000_000, 0);
    }

    #[test]
    fn typed_codes_may_be_spaced_but_nothing_else() {
        for good in ["481920", "481 920", " 48 19 20 ", "481\u{a0}920", "4\t8 1 9 2 0"] {
            assert_eq!(Code::parse(good).unwrap().expose(), "481920", "{good:?}");
        }
        let wrong =
            ["", "48192", "4819200", "481-920", "48192a", "+81920", "\u{664}81920", "481 92 "];
        for wrong in wrong {
            assert!(Code::parse(wrong).is_none(), "{wrong:?}");
        }
        assert!(Code::parse(&format!("481920{}", " ".repeat(27))).is_none());
    }

    #[test]
    fn a_code_matches_only_its_own_session_proof_and_pepper() {
        let code = Code::parse("481920").unwrap();
        let stored = code.hash(&RustCrypto, b"pepper", SESSION, PROOF);
        assert!(code.matches(&stored, &RustCrypto, b"pepper", SESSION, PROOF));
        let other = Code::parse("481921").unwrap();
        assert!(!other.matches(&stored, &RustCrypto, b"pepper", SESSION, PROOF));
        assert!(!code.matches(&stored, &RustCrypto, b"other", SESSION, PROOF));
        let (session, proof) = (SessionId::from_bytes([2; 16]), ProofId::from_bytes([1; 16]));
        assert!(!code.matches(&stored, &RustCrypto, b"pepper", session, PROOF));
        assert!(!code.matches(&stored, &RustCrypto, b"pepper", SESSION, proof));
        assert_eq!(format!("{code:?}"), "Code(hidden)");
    }

    proptest! {
        #[test]
        fn what_is_drawn_reads_back(random: [u8; 16]) {
            let code = Code::draw(&random).unwrap();
            let text = code.expose();
            let spaced = format!("{} {}", &text[..3], &text[3..]);
            prop_assert_eq!(Code::parse(&spaced).unwrap().expose(), text);
        }

        #[test]
        fn arbitrary_text_never_panics(text in ".{0,40}") {
            let _ = Code::parse(&text);
        }
    }
}
