//! A checkpoint: what the log commits to at one moment (c2sp.org/tlog-checkpoint), without extension
//! lines.

use alloc::string::String;

use base64ct::{Base64, Encoding};

use super::note::{NoteError, VerifierKey, sign_note};
use crate::merkle::Hash;
use crate::suite::{SigningKey, Suite};

/// Why a checkpoint was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The signed note around it.
    #[error("the checkpoint is not a valid signed note")]
    Note(#[from] NoteError),
    /// Not exactly the lines origin, size and root.
    #[error("the checkpoint is malformed")]
    Malformed,
    /// Another log's checkpoint under this log's key.
    #[error("the checkpoint is of another log")]
    Origin,
}

/// The size and root of a log at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The name of the log, which is also the name of its key.
    pub origin: String,
    /// How many leaves.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        let root = Base64::encode_string(&self.root);
        alloc::format!("{}\n{}\n{root}\n", self.origin, self.size)
    }

    /// The signed note to publish, under the key of the log.
    pub fn sign(&self, suite: &dyn Suite, key: &SigningKey) -> Result<String, NoteError> {
        sign_note(suite, &self.origin, key, &self.text())
    }

    /// Verifies a published note with the log's verifier key.
    pub fn open(suite: &dyn Suite, note: &str, key: &VerifierKey) -> Result<Self, CheckpointError> {
        let checkpoint = Self::parse(key.open(suite, note)?)?;
        if checkpoint.origin == key.name() { Ok(checkpoint) } else { Err(CheckpointError::Origin) }
    }

    fn parse(text: &str) -> Result<Self, CheckpointError> {
        let read = || {
            let (origin, rest) = text.split_once('\n')?;
            let (size, rest) = rest.split_once('\n')?;
            let root = Base64::decode_vec(rest.strip_suffix('\n')?).ok()?;
            let read = Self {
                origin: origin.into(),
                size: size.parse().ok()?,
                root: root.try_into().ok()?,
            };
            // Signs, leading zeros and the like have no place in the one exact form.
            (!origin.is_empty() && read.text() == text).then_some(read)
        };
        read().ok_or(CheckpointError::Malformed)
    }
}

#[cfg(test)]
#[cfg(feature = "rustcrypto")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture;
    use crate::suite::RustCrypto;

    const ORIGIN: &str = "carhop.example/acme/austin";

    fn key() -> (SigningKey, VerifierKey) {
        let key = fixture::ed25519("audit log");
        let public = RustCrypto.public_key(&key).unwrap();
        (key, VerifierKey::new(&RustCrypto, ORIGIN, public).unwrap())
    }

    #[test]
    fn a_checkpoint_is_three_lines() {
        let checkpoint = Checkpoint { origin: ORIGIN.into(), size: 42, root: [0; 32] };
        let text = "carhop.example/acme/austin\n42\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
        assert_eq!(checkpoint.text(), text);
    }

    #[test]
    fn a_well_signed_text_that_is_no_checkpoint_of_this_log_is_refused() {
        let (signing, verifier) = key();
        let root = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        for (text, expected) in [
            (alloc::format!("other.example\n1\n{root}\n"), CheckpointError::Origin),
            (alloc::format!("{ORIGIN}\n1\n{root}\nextension\n"), CheckpointError::Malformed),
            (alloc::format!("{ORIGIN}\n01\n{root}\n"), CheckpointError::Malformed),
            (alloc::format!("{ORIGIN}\n+1\n{root}\n"), CheckpointError::Malformed),
            (alloc::format!("{ORIGIN}\n-1\n{root}\n"), CheckpointError::Malformed),
            (
                alloc::format!("{ORIGIN}\n18446744073709551616\n{root}\n"),
                CheckpointError::Malformed,
            ),
            (alloc::format!("{ORIGIN}\n1\nAAAA\n"), CheckpointError::Malformed),
            (alloc::format!("{ORIGIN}\n1\n"), CheckpointError::Malformed),
            (alloc::format!("\n1\n{root}\n"), CheckpointError::Malformed),
        ] {
            let note = sign_note(&RustCrypto, ORIGIN, &signing, &text).unwrap();
            assert_eq!(Checkpoint::open(&RustCrypto, &note, &verifier), Err(expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn checkpoints_read_back_under_their_own_key_only(size: u64, root: Hash) {
            let (signing, verifier) = key();
            let checkpoint = Checkpoint { origin: ORIGIN.into(), size, root };
            let note = checkpoint.sign(&RustCrypto, &signing).unwrap();
            prop_assert_eq!(Checkpoint::open(&RustCrypto, &note, &verifier), Ok(checkpoint));
            let stranger = RustCrypto.public_key(&fixture::ed25519("stranger")).unwrap();
            let stranger = VerifierKey::new(&RustCrypto, ORIGIN, stranger).unwrap();
            let refused = Checkpoint::open(&RustCrypto, &note, &stranger);
            prop_assert_eq!(refused, Err(CheckpointError::Note(NoteError::Unsigned)));
        }

        #[test]
        fn arbitrary_text_never_panics(text in "(\\PC|\n){0,80}") {
            let _ = Checkpoint::parse(&text);
        }
    }
}
