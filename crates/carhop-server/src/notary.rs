//! The key of each log and the last checkpoint that was signed with it, as files beside the other keys and outside of the
//! journal (M-AUD-1, standards §7).
//!
//! Whether something may be signed is the use case's to say; here it is only never forgotten what was.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64ct::{Base64, Encoding};
use carhop_app::checkpoint::{Notary, NotaryError};
use carhop_app::record::Partition;
use carhop_proofs::audit::{Checkpoint, VerifierKey};
use carhop_proofs::merkle::Hash;
use carhop_proofs::suite::{Algorithm, AwsLc, SigningKey, Suite};

use crate::entropy::random;
use crate::keys::{KeyStoreError, at};
use crate::private;

/// The notary of every log of this server.
pub(crate) struct FileNotary {
    desks: BTreeMap<Partition, Mutex<Desk>>,
}

/// One log's key and memory.
struct Desk {
    folder: PathBuf,
    key: SigningKey,
    verifier: VerifierKey,
    signed: Option<(Checkpoint, String)>,
}

impl FileNotary {
    /// Loads the keys under the data directory, making those that are missing. A log's origin is settled when its key is
    /// made: `authority/tenant/market`, and the number of the log from the second one on.
    pub(crate) fn open(
        data_dir: &Path,
        partitions: &[Partition],
        authority: &str,
    ) -> Result<Self, KeyStoreError> {
        let mut desks = BTreeMap::new();
        for partition in partitions {
            let desk = Desk::open(data_dir, partition, authority)?;
            desks.insert(partition.clone(), Mutex::new(desk));
        }
        Ok(Self { desks })
    }

    /// The key by which everybody verifies a log's checkpoints.
    pub(crate) fn verifier(&self, partition: &Partition) -> Option<String> {
        self.desk(partition).map(|desk| desk.verifier.to_string())
    }

    /// The last signed checkpoint. It is shown even when the journal cannot keep its promise any more: that is what
    /// others must be able to see.
    pub(crate) fn published(&self, partition: &Partition) -> Option<String> {
        let desk = self.desk(partition)?;
        desk.signed.as_ref().map(|(_, note)| note.clone())
    }

    fn desk(&self, partition: &Partition) -> Option<MutexGuard<'_, Desk>> {
        let desk = self.desks.get(partition)?;
        Some(desk.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Notary for FileNotary {
    fn last(&self, partition: &Partition) -> Result<Option<Checkpoint>, NotaryError> {
        let desk = self.desk(partition).ok_or_else(unknown)?;
        Ok(desk.signed.as_ref().map(|(checkpoint, _)| checkpoint.clone()))
    }

    fn sign(&self, partition: &Partition, size: u64, root: Hash) -> Result<String, NotaryError> {
        let mut desk = self.desk(partition).ok_or_else(unknown)?;
        let origin = desk.verifier.name().to_owned();
        let checkpoint = Checkpoint { origin, size, root };
        let note = checkpoint.sign(&AwsLc, &desk.key).map_err(|error| said(&error))?;
        // Remembered first: what is not on the disk was never signed as far as anybody else can tell.
        let file = desk.folder.join(SIGNED_FILE);
        private::write(&file, note.as_bytes()).map_err(|error| said(&error))?;
        desk.signed = Some((checkpoint, note.clone()));
        Ok(note)
    }
}

impl Desk {
    fn open(
        data_dir: &Path,
        partition: &Partition,
        authority: &str,
    ) -> Result<Self, KeyStoreError> {
        let folder = folder_of(data_dir, partition);
        at(&folder, private::folder(&folder))?;
        let file = folder.join(KEY_FILE);
        if !file.exists() {
            let number = retired(&folder).len() + 1;
            let mut origin = format!("{authority}/{}/{}", partition.tenant, partition.market);
            if number > 1 {
                origin = format!("{origin}/{number}");
            }
            let key = SigningKey::from_bytes(Algorithm::Ed25519, random());
            let key = key.map_err(|_| KeyStoreError::Content(file.clone()))?;
            let text = key_text(&origin, &key).ok_or(KeyStoreError::Content(file.clone()))?;
            at(&file, private::write(&file, text.as_bytes()))?;
        }
        let text = read_text(&file)?;
        let (key, verifier) = parse_key(&text).ok_or(KeyStoreError::Content(file))?;
        let signed = read_signed(&folder.join(SIGNED_FILE), &verifier)?;
        Ok(Self { folder, key, verifier, signed })
    }
}

/// Puts a log's key away, so that the next start makes a new one under a new origin. The way out when the journal was
/// restored and cannot keep what was signed; what was signed stays beside the key that signed it.
pub(crate) fn retire(data_dir: &Path, partition: &Partition) -> Result<PathBuf, KeyStoreError> {
    let folder = folder_of(data_dir, partition);
    let number = retired(&folder).len() + 1;
    let aside = folder.with_extension(format!("retired-{number}"));
    at(&folder, fs::rename(&folder, &aside))?;
    Ok(aside)
}

/// A log's verifier key, as the files say it.
pub(crate) fn stored_verifier(data_dir: &Path, partition: &Partition) -> Option<String> {
    let text = read_text(&folder_of(data_dir, partition).join(KEY_FILE)).ok()?;
    parse_key(&text).map(|(_, verifier)| verifier.to_string())
}

/// The last checkpoint of a log, as the files say it.
pub(crate) fn stored_checkpoint(data_dir: &Path, partition: &Partition) -> Option<String> {
    read_text(&folder_of(data_dir, partition).join(SIGNED_FILE)).ok()
}

fn folder_of(data_dir: &Path, partition: &Partition) -> PathBuf {
    let logs = data_dir.join("keys").join(partition.tenant.as_str()).join("logs");
    logs.join(partition.market.as_str())
}

/// The folders of this log's earlier keys.
fn retired(folder: &Path) -> Vec<PathBuf> {
    let numbered = (1..).map(|number| folder.with_extension(format!("retired-{number}")));
    numbered.take_while(|aside| aside.exists()).collect()
}

fn read_signed(
    file: &Path,
    verifier: &VerifierKey,
) -> Result<Option<(Checkpoint, String)>, KeyStoreError> {
    if !file.exists() {
        return Ok(None);
    }
    let note = read_text(file)?;
    let checkpoint = Checkpoint::open(&AwsLc, &note, verifier);
    let checkpoint = checkpoint.map_err(|_| KeyStoreError::Content(file.to_owned()))?;
    Ok(Some((checkpoint, note)))
}

/// A signing key in the form of Go's `note` package: `PRIVATE+KEY+name+id+key`.
fn key_text(origin: &str, key: &SigningKey) -> Option<String> {
    let public = AwsLc.public_key(key).ok()?;
    let verifier = VerifierKey::new(&AwsLc, origin, public).ok()?.to_string();
    let id = verifier.strip_prefix(origin)?.split('+').nth(1)?;
    let secret = Base64::encode_string(&[&[TYPE_ED25519], &key.as_bytes()[..]].concat());
    Some(format!("{KEY_PREFIX}{origin}+{id}+{secret}\n"))
}

pub(crate) fn parse_key(text: &str) -> Option<(SigningKey, VerifierKey)> {
    let (origin, rest) = text.strip_prefix(KEY_PREFIX)?.split_once('+')?;
    let (_, secret) = rest.trim_end().split_once('+')?;
    let secret = Base64::decode_vec(secret).ok()?;
    let (&kind, seed) = secret.split_first()?;
    let key = SigningKey::from_bytes(Algorithm::Ed25519, seed.try_into().ok()?).ok()?;
    // The id is checked with everything else: what is read is what would be written.
    let verifier = VerifierKey::new(&AwsLc, origin, AwsLc.public_key(&key).ok()?).ok()?;
    (kind == TYPE_ED25519 && key_text(origin, &key)? == text).then_some((key, verifier))
}

fn read_text(path: &Path) -> Result<String, KeyStoreError> {
    at(path, fs::read_to_string(path))
}

fn unknown() -> NotaryError {
    NotaryError("no such log".to_owned())
}

fn said(error: &dyn std::error::Error) -> NotaryError {
    NotaryError(error.to_string())
}

const KEY_FILE: &str = "key";
const SIGNED_FILE: &str = "signed";
const KEY_PREFIX: &str = "PRIVATE+KEY+";
const TYPE_ED25519: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn partition() -> Partition {
        Partition { tenant: "acme".parse().unwrap(), market: "austin".parse().unwrap() }
    }

    fn open(folder: &Path) -> FileNotary {
        FileNotary::open(folder, &[partition()], "carhop.example").unwrap()
    }

    #[test]
    fn what_was_signed_is_remembered_whatever_happens_to_the_journal() {
        let folder = tempfile::tempdir().unwrap();
        let notary = open(folder.path());
        assert_eq!(notary.last(&partition()), Ok(None));
        let note = notary.sign(&partition(), 7, [9; 32]).unwrap();
        let again = open(folder.path());
        let last = again.last(&partition()).unwrap().unwrap();
        assert_eq!((last.origin.as_str(), last.size), ("carhop.example/acme/austin", 7));
        assert_eq!(again.published(&partition()), Some(note.clone()));
        assert_eq!(again.verifier(&partition()), stored_verifier(folder.path(), &partition()));
        assert_eq!(again.sign(&partition(), 7, [9; 32]), Ok(note), "the same bytes again");
    }

    #[test]
    fn a_retired_key_makes_room_for_a_log_of_another_name() {
        let folder = tempfile::tempdir().unwrap();
        let first = open(folder.path());
        first.sign(&partition(), 7, [9; 32]).unwrap();
        let aside = retire(folder.path(), &partition()).unwrap();
        let second = open(folder.path());
        assert_eq!(second.last(&partition()), Ok(None));
        assert_ne!(first.verifier(&partition()), second.verifier(&partition()));
        let note = second.sign(&partition(), 1, [9; 32]).unwrap();
        assert!(note.starts_with("carhop.example/acme/austin/2\n"), "{note}");
        assert!(aside.join(SIGNED_FILE).exists());
        assert!(retire(folder.path(), &partition()).unwrap() != aside);
    }

    #[test]
    fn files_that_were_meddled_with_stop_the_start() {
        let folder = tempfile::tempdir().unwrap();
        open(folder.path()).sign(&partition(), 7, [9; 32]).unwrap();
        for file in [SIGNED_FILE, KEY_FILE] {
            let path = folder_of(folder.path(), &partition()).join(file);
            let good = read_text(&path).unwrap();
            fs::write(&path, good.replacen("austin", "boston", 1)).unwrap();
            let opened = FileNotary::open(folder.path(), &[partition()], "carhop.example");
            assert!(matches!(opened, Err(KeyStoreError::Content(_))), "{file}");
            fs::write(&path, good).unwrap();
        }
    }
}
