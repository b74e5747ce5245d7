//! Signed notes as c2sp.org/signed-note defines them, with Ed25519 signatures (type 0x01).
//!
//! A note may carry signatures of others, such as witnesses; those are checked for form and passed
//! over. What the text says is for [`super::Checkpoint`].

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64ct::{Base64, Encoding};
use carhop_kernel::digest::{hex_decode, write_hex};

use crate::suite::{Algorithm, KeyError, PublicKey, SigningKey, Suite};

/// Why a text is not a verifier key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteKeyError {
    /// Not `name+id+key`, or a name that is empty, too long or holds a space or `+`.
    #[error("the verifier key is malformed")]
    Malformed,
    /// A signature type other than Ed25519.
    #[error("the verifier key is not one of Ed25519")]
    Type,
    /// The id does not follow from name and key.
    #[error("the id of the verifier key does not fit")]
    Id,
    /// The public key itself is refused.
    #[error("the public key in the verifier key is refused")]
    Key(#[from] KeyError),
}

/// Why a note could not be made or was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Longer than [`NOTE_LENGTH_MAX`], not UTF-8, or with control characters.
    #[error("the note is too long or not plain text")]
    Text,
    /// No blank line before the signatures, no final newline, or a signature line out of form.
    #[error("the note is malformed")]
    Malformed,
    /// No signature by the key.
    #[error("the note is not signed with the expected key")]
    Unsigned,
    /// A signature by the key that does not verify.
    #[error("the signature of the note does not verify")]
    Signature,
    /// The note could not be signed.
    #[error("the note could not be signed")]
    Key(#[from] KeyError),
}

/// The name and public key by which a note is verified: a `vkey`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    key: PublicKey,
}

impl VerifierKey {
    /// The verifier key of an Ed25519 `key` under `name`.
    pub fn new(suite: &dyn Suite, name: &str, key: PublicKey) -> Result<Self, NoteKeyError> {
        if !is_key_name(name) {
            return Err(NoteKeyError::Malformed);
        }
        if key.algorithm() != Algorithm::Ed25519 {
            return Err(NoteKeyError::Type);
        }
        Ok(Self { name: name.into(), id: key_id(suite, name, &key), key })
    }

    /// Reads `name+id+key`, where the id is the first four bytes of SHA-256 over name, newline,
    /// type and key.
    pub fn parse(suite: &dyn Suite, text: &str) -> Result<Self, NoteKeyError> {
        // The base64 part may hold a `+` as well.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteKeyError::Malformed);
        };
        let id: [u8; 4] = hex_decode(id).ok_or(NoteKeyError::Malformed)?;
        if key.len() > KEY_TEXT_LENGTH_MAX {
            return Err(NoteKeyError::Malformed);
        }
        let key = Base64::decode_vec(key).map_err(|_| NoteKeyError::Malformed)?;
        let (&kind, key) = key.split_first().ok_or(NoteKeyError::Malformed)?;
        if kind != TYPE_ED25519 {
            return Err(NoteKeyError::Type);
        }
        let read = Self::new(suite, name, PublicKey::from_bytes(Algorithm::Ed25519, key)?)?;
        if read.id == id { Ok(read) } else { Err(NoteKeyError::Id) }
    }

    /// The name under which the key signs.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Verifies that `note` is signed with this key and returns its text, final newline included.
    pub fn open<'a>(&self, suite: &dyn Suite, note: &'a str) -> Result<&'a str, NoteError> {
        if note.len() > NOTE_LENGTH_MAX || !is_plain(note) {
            return Err(NoteError::Text);
        }
        let blank = note.rfind("\n\n").ok_or(NoteError::Malformed)?;
        let (text, lines) = (&note[..=blank], &note[blank + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Malformed)?;
        let mut signed = Err(NoteError::Unsigned);
        for line in lines.split('\n') {
            let (name, id, signature) = parse_line(line).ok_or(NoteError::Malformed)?;
            if name == self.name && id == self.id {
                if !suite.verify(&self.key, text.as_bytes(), &signature) {
                    return Err(NoteError::Signature);
                }
                signed = Ok(text);
            }
        }
        signed
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+", self.name)?;
        write_hex(f, &self.id)?;
        let key = [&[TYPE_ED25519], self.key.as_bytes()].concat();
        write!(f, "+{}", Base64::encode_string(&key))
    }
}

/// Signs `text`, which must end with a newline, with the Ed25519 `key` named `name`.
pub fn sign_note(
    suite: &dyn Suite,
    name: &str,
    key: &SigningKey,
    text: &str,
) -> Result<String, NoteError> {
    if !text.ends_with('\n') || !is_plain(text) {
        return Err(NoteError::Text);
    }
    let verifier = VerifierKey::new(suite, name, suite.public_key(key)?);
    let verifier = verifier.map_err(|_| NoteError::Malformed)?;
    let signature = suite.sign(key, text.as_bytes())?;
    let signature = Base64::encode_string(&[&verifier.id[..], &signature].concat());
    let note = alloc::format!("{text}\n{LINE_START}{name} {signature}\n");
    if note.len() > NOTE_LENGTH_MAX {
        return Err(NoteError::Text);
    }
    Ok(note)
}

/// Name, key id and signature bytes of one signature line.
fn parse_line(line: &str) -> Option<(&str, [u8; 4], Vec<u8>)> {
    let (name, signature) = line.strip_prefix(LINE_START)?.split_once(' ')?;
    let bytes = Base64::decode_vec(signature).ok()?;
    let (id, signature) = bytes.split_first_chunk()?;
    (is_key_name(name) && !signature.is_empty()).then(|| (name, *id, signature.to_vec()))
}

fn key_id(suite: &dyn Suite, name: &str, key: &PublicKey) -> [u8; 4] {
    let hash = suite.sha256(&[name.as_bytes(), b"\n", &[TYPE_ED25519], key.as_bytes()]);
    let mut id = [0; 4];
    id.copy_from_slice(&hash[..4]);
    id
}

fn is_key_name(name: &str) -> bool {
    (1..=NAME_LENGTH_MAX).contains(&name.len())
        && !name.chars().any(|symbol| symbol.is_whitespace() || symbol == '+')
        && is_plain(name)
}

fn is_plain(text: &str) -> bool {
    !text.chars().any(|symbol| symbol.is_ascii_control() && symbol != '\n')
}

/// Longest note in bytes, signatures included.
const NOTE_LENGTH_MAX: usize = 16 * 1024;
/// Longest name of a key, in bytes.
const NAME_LENGTH_MAX: usize = 256;
/// Longest base64 of a key that is worth decoding, in bytes.
const KEY_TEXT_LENGTH_MAX: usize = 128;
const TYPE_ED25519: u8 = 1;
/// An em dash and a space.
const LINE_START: &str = "\u{2014} ";

#[cfg(test)]
#[cfg(feature = "rustcrypto")]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;
    use crate::fixture;
    use crate::suite::RustCrypto;

    // The example of c2sp.org/signed-note.
    const EXAMPLE_KEY: &str =
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    const EXAMPLE_NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo \
        Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

    fn own(text: &str) -> (VerifierKey, String) {
        let key = fixture::ed25519("audit log");
        let public = RustCrypto.public_key(&key).unwrap();
        let verifier = VerifierKey::new(&RustCrypto, "log.example/a", public).unwrap();
        (verifier, sign_note(&RustCrypto, "log.example/a", &key, text).unwrap())
    }

    #[test]
    fn the_published_example_verifies() {
        let key = VerifierKey::parse(&RustCrypto, EXAMPLE_KEY).unwrap();
        assert_eq!(key.open(&RustCrypto, EXAMPLE_NOTE), Ok("This is an example message.\n"));
        assert_eq!(key.name(), "example.com/foo");
        assert_eq!(key.to_string(), EXAMPLE_KEY);
        let forged = EXAMPLE_NOTE.replace("example message", "example massage");
        assert_eq!(key.open(&RustCrypto, &forged), Err(NoteError::Signature));
    }

    #[test]
    fn verifier_keys_out_of_form_are_refused() {
        let wrong = [
            ("", NoteKeyError::Malformed),
            ("example.com/foo", NoteKeyError::Malformed),
            ("example.com/foo+530d903a", NoteKeyError::Malformed),
            (&EXAMPLE_KEY.replace("/foo", "/f o"), NoteKeyError::Malformed),
            (&EXAMPLE_KEY["example.com/foo".len()..], NoteKeyError::Malformed),
            (&EXAMPLE_KEY.replace("530d903a", "530D903A"), NoteKeyError::Malformed),
            (&EXAMPLE_KEY.replace("530d903a", "530d903b"), NoteKeyError::Id),
            (&EXAMPLE_KEY.replace("/foo", "/fop"), NoteKeyError::Id),
            (&EXAMPLE_KEY.replace("+Aek", "+Bek"), NoteKeyError::Type),
            (&format!("{EXAMPLE_KEY}="), NoteKeyError::Malformed),
            (&EXAMPLE_KEY[..EXAMPLE_KEY.len() - 4], NoteKeyError::Key(KeyError::Malformed)),
        ];
        for (text, expected) in wrong {
            assert_eq!(VerifierKey::parse(&RustCrypto, text), Err(expected), "{text}");
        }
        let key = RustCrypto.public_key(&fixture::es256("audit log")).unwrap();
        assert_eq!(VerifierKey::new(&RustCrypto, "a", key), Err(NoteKeyError::Type));
    }

    #[test]
    fn signatures_of_others_are_passed_over_and_malformed_ones_are_not() {
        let (key, note) = own("text\n");
        let other = EXAMPLE_NOTE.rsplit_once("\n\n").unwrap().1;
        let example = VerifierKey::parse(&RustCrypto, EXAMPLE_KEY).unwrap();
        assert_eq!(key.open(&RustCrypto, &format!("{note}{other}")), Ok("text\n"));
        assert_eq!(example.open(&RustCrypto, &note), Err(NoteError::Unsigned));
        let second = format!(
            "{note}\u{2014} log.example/a {}\n",
            Base64::encode_string(&[&key.id[..], &[0; 64]].concat())
        );
        assert_eq!(key.open(&RustCrypto, &second), Err(NoteError::Signature));
        for junk in
            ["junk\n", "- a AAAAAAA=\n", "\u{2014} a \n", "\u{2014} a+b AAAAAAA=\n", "\n", "x"]
        {
            let longer = format!("{note}{junk}");
            assert_eq!(key.open(&RustCrypto, &longer), Err(NoteError::Malformed), "{junk:?}");
        }
        for wrong in ["", "text\n", "\n\n", "text\n\n"] {
            assert_eq!(key.open(&RustCrypto, wrong), Err(NoteError::Malformed), "{wrong:?}");
        }
        let long = "a".repeat(NOTE_LENGTH_MAX + 1);
        assert_eq!(key.open(&RustCrypto, &long), Err(NoteError::Text));
        assert_eq!(key.open(&RustCrypto, &note.replace('\n', "\r\n")), Err(NoteError::Text));
    }

    #[test]
    fn a_note_that_nobody_could_read_back_is_not_signed() {
        let key = fixture::ed25519("audit log");
        let sign = |name: &str, text: &str| sign_note(&RustCrypto, name, &key, text);
        assert_eq!(sign("a", "no newline"), Err(NoteError::Text));
        assert_eq!(sign("a", "bell\u{7}\n"), Err(NoteError::Text));
        assert_eq!(sign("a", &("a".repeat(NOTE_LENGTH_MAX) + "\n")), Err(NoteError::Text));
        assert_eq!(sign("a b", "text\n"), Err(NoteError::Malformed));
    }

    proptest! {
        #[test]
        fn what_is_signed_opens_and_no_changed_character_does(
            text in "([ -~]{0,20}\n){1,4}", choice: prop::sample::Index, symbol in "[ -~]"
        ) {
            let (key, mut note) = own(&text);
            prop_assert_eq!(key.open(&RustCrypto, &note), Ok(&text[..]));
            let plain: Vec<_> = note.char_indices().filter(|(_, found)| found.is_ascii_graphic()).collect();
            let (at, _) = plain[choice.index(plain.len())];
            if note[at..=at] != symbol {
                note.replace_range(at..=at, &symbol);
                prop_assert!(key.open(&RustCrypto, &note).is_err());
            }
        }

        #[test]
        fn arbitrary_text_never_panics(text in "(\\PC|\n|\u{2014}){0,80}") {
            let (key, note) = own("text\n");
            prop_assert!(key.open(&RustCrypto, &text).is_err());
            let _ = key.open(&RustCrypto, &format!("{note}{text}"));
            let _ = VerifierKey::parse(&RustCrypto, &text);
        }
    }
}
