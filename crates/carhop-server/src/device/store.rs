//! What a device keeps: its key, its certificate, its records and the state of its simulated metal.
//!
//! A record is durable when [`Store::append`] returns. A torn last record, as a power cut leaves it, is
//! cut off at the next start; any other damage stops the device.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64ct::{Base64UrlUnpadded, Encoding};
use carhop_kernel::id::DeviceId;
use carhop_proofs::suite::{Algorithm, PublicKey, RustCrypto, SigningKey, Suite};
use carhop_proofs::{jwk, pki};
use serde::{Deserialize, Serialize};

use crate::entropy;

/// Who the authority says the device is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    /// Which device.
    pub(crate) device: DeviceId,
    /// Its certificate and its issuer's, leaf first, DER in base64url.
    pub(crate) certificate_chain: Vec<String>,
    /// The keys that sign commands, a JWK set (RFC 7517 §5).
    pub(crate) command_keys: serde_json::Value,
}

impl Identity {
    /// The certificate chain, DER, leaf first.
    pub(crate) fn chain(&self) -> Result<Vec<Vec<u8>>> {
        let decode = |text: &String| Base64UrlUnpadded::decode_vec(text);
        self.certificate_chain
            .iter()
            .map(decode)
            .collect::<Result<_, _>>()
            .map_err(|_| anyhow::anyhow!("the certificate chain is no base64url"))
    }

    /// The keys that sign commands.
    pub(crate) fn issuers(&self, suite: &dyn Suite) -> Result<Vec<PublicKey>> {
        let keys = self.command_keys["keys"].as_array().context("the command keys are no set")?;
        keys.iter()
            .map(|key| Ok(jwk::from_jwk(suite, key.as_object().context("a key that is none")?)?))
            .collect()
    }
}

/// What simulated metal remembers without power.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Actuator {
    /// How often a lock has opened.
    pub(crate) openings: u64,
    /// The lifetime total of a pump's meter, in millilitres.
    pub(crate) totaliser_ml: u64,
}

/// The folder of one device.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    key: SigningKey,
    identity: Option<Identity>,
    log: File,
    records: Vec<Vec<u8>>,
}

impl Store {
    /// Opens the folder, and makes it with a fresh key if it is new.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        let key = load_or_draw_key(&folder.join(KEY_FILE))?;
        let identity = read_json(&folder.join(IDENTITY_FILE))?;
        let path = folder.join(LOG_FILE);
        let mut log = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("opening {}", path.display()))?;
        File::open(folder)?.sync_all()?;
        let mut bytes = Vec::new();
        log.read_to_end(&mut bytes)?;
        let (records, sound) = read_records(&bytes)?;
        log.set_len(sound)?;
        Ok(Self { folder: folder.to_owned(), key, identity, log, records })
    }

    /// The device's own key.
    pub(crate) const fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Who the device is, once it is enrolled.
    pub(crate) const fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// The records as they were found at the start, oldest first.
    pub(crate) fn take_records(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.records)
    }

    /// Appends a record. When this returns, power may fail.
    pub(crate) fn append(&mut self, record: &[u8]) -> Result<()> {
        self.log.write_all(&framed(record)?)?;
        self.log.sync_data()?;
        Ok(())
    }

    /// Replaces all records at once.
    pub(crate) fn replace_records(&mut self, records: &[Vec<u8>]) -> Result<()> {
        let mut bytes = Vec::new();
        for record in records {
            bytes.extend(framed(record)?);
        }
        let path = self.folder.join(LOG_FILE);
        write_private(&path, &bytes)?;
        self.log = OpenOptions::new().read(true).append(true).open(&path)?;
        Ok(())
    }

    /// Keeps who the device is.
    pub(crate) fn keep_identity(&mut self, identity: Identity) -> Result<()> {
        write_private(&self.folder.join(IDENTITY_FILE), &serde_json::to_vec_pretty(&identity)?)?;
        self.identity = Some(identity);
        Ok(())
    }

    /// What the metal remembered.
    pub(crate) fn actuator(&self) -> Result<Actuator> {
        Ok(read_json(&self.folder.join(ACTUATOR_FILE))?.unwrap_or_default())
    }

    /// Keeps what the metal remembers. Real metal needs no file for it, so this one is not synced.
    pub(crate) fn keep_actuator(&self, actuator: Actuator) -> Result<()> {
        let (path, next) = (self.folder.join(ACTUATOR_FILE), self.folder.join("actuator.next"));
        fs::write(&next, serde_json::to_vec(&actuator)?)?;
        Ok(fs::rename(next, path)?)
    }
}

/// Writes a file that only its owner may read, whole or not at all, and durably.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let next = path.with_extension("next");
    let write = || -> std::io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&next)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&next, path)?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    write().with_context(|| format!("writing {}", path.display()))
}

fn load_or_draw_key(path: &Path) -> Result<SigningKey> {
    if path.exists() {
        return Ok(pki::from_pkcs8(&fs::read(path)?)?);
    }
    let key = draw_key()?;
    write_private(path, &pki::pkcs8(&key)?)?;
    Ok(key)
}

/// A fresh P-256 key. A draw fails about once in 2^32.
pub(crate) fn draw_key() -> Result<SigningKey> {
    let drawn = (0..KEY_DRAWS_MAX)
        .find_map(|_| SigningKey::from_bytes(Algorithm::Es256, entropy::random()).ok());
    drawn.context("chance that yields no key")
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    if !path.exists() {
        return Ok(None);
    }
    let read = || -> Result<T> { Ok(serde_json::from_slice(&fs::read(path)?)?) };
    read().map(Some).with_context(|| format!("reading {}", path.display()))
}

/// Length, check and bytes.
fn framed(record: &[u8]) -> Result<Vec<u8>> {
    let length = u32::try_from(record.len()).context("a record beyond all bounds")?;
    Ok([&length.to_be_bytes()[..], &check(record), record].concat())
}

/// The records, and how many bytes of them are sound. Only the last one may be torn.
fn read_records(bytes: &[u8]) -> Result<(Vec<Vec<u8>>, u64)> {
    let mut records = Vec::new();
    let mut rest = bytes;
    while let Some((record, after)) = next_record(rest) {
        records.push(record.to_vec());
        rest = after;
    }
    let sound = bytes.len() - rest.len();
    anyhow::ensure!(is_torn(rest), "the records are damaged at byte {sound}");
    Ok((records, sound as u64))
}

fn next_record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = record_length(bytes)?;
    let (checked, rest) = rest.split_first_chunk::<4>()?;
    let (record, rest) = rest.split_at_checked(length)?;
    (check(record) == *checked).then_some((record, rest))
}

/// Whether bytes that are no record are what a power cut leaves of one: nothing stands behind it. A length that was
/// damaged may reach over the records that do.
fn is_torn(rest: &[u8]) -> bool {
    let Some((length, _)) = record_length(rest) else { return rest.len() < HEADER_LENGTH };
    let is_cut = length <= RECORD_LENGTH_MAX && rest.len() <= HEADER_LENGTH + length;
    is_cut && (1..rest.len()).all(|place| next_record(&rest[place..]).is_none())
}

fn record_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_be_bytes(*length)).ok()?, rest))
}

/// The first bytes of the record's hash: enough to tell a torn record from a whole one.
fn check(record: &[u8]) -> [u8; 4] {
    let hash = RustCrypto.sha256(&[record]);
    [hash[0], hash[1], hash[2], hash[3]]
}

const KEY_FILE: &str = "device.key";
const IDENTITY_FILE: &str = "identity.json";
const LOG_FILE: &str = "records.log";
const ACTUATOR_FILE: &str = "actuator.json";
/// Length and check before each record.
const HEADER_LENGTH: usize = 8;
/// Longest record that is read back.
const RECORD_LENGTH_MAX: usize = 16 * 1024;
const KEY_DRAWS_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    impl Store {
        /// From here on nothing can be written.
        pub(crate) fn break_log(&mut self, folder: &Path) {
            self.log = File::open(folder.join(LOG_FILE)).unwrap();
        }
    }

    #[test]
    fn records_read_back_in_order_and_a_torn_last_one_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        for record in [&b"one"[..], b"", b"three"] {
            store.append(record).unwrap();
        }
        let path = folder.path().join(LOG_FILE);
        let whole = fs::read(&path).unwrap();
        for torn in 1..(8 + 5) {
            fs::write(&path, &whole[..whole.len() - torn]).unwrap();
            let mut store = Store::open(folder.path()).unwrap();
            assert_eq!(store.take_records(), [b"one".to_vec(), b"".to_vec()], "{torn}");
            store.append(b"four").unwrap();
            let mut again = Store::open(folder.path()).unwrap();
            assert_eq!(again.take_records().last().unwrap(), b"four");
        }
    }

    #[test]
    fn damage_in_the_middle_stops_the_device() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        for _ in 0..3 {
            store.append(b"a record").unwrap();
        }
        let path = folder.path().join(LOG_FILE);
        let whole = fs::read(&path).unwrap();
        // Anywhere in the first record: its length, its check, its bytes.
        for (place, bit) in
            (0..HEADER_LENGTH + b"a record".len()).flat_map(|place| [(place, 1), (place, 0x20)])
        {
            let mut bytes = whole.clone();
            bytes[place] ^= bit;
            fs::write(&path, bytes).unwrap();
            assert!(Store::open(folder.path()).is_err(), "byte {place}, bit {bit:#x}");
            assert_eq!(fs::metadata(&path).unwrap().len(), whole.len() as u64, "it is left alone");
        }
    }

    #[test]
    fn key_and_identity_survive_and_are_nobody_elses_to_read() {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity {
            device: DeviceId::from_bytes([1; 16]),
            certificate_chain: vec!["AAE".to_owned()],
            command_keys: serde_json::json!({ "keys": [] }),
        };
        let mut store = Store::open(folder.path()).unwrap();
        store.keep_identity(identity.clone()).unwrap();
        let key = *store.key().as_bytes();
        let again = Store::open(folder.path()).unwrap();
        assert_eq!((again.key().as_bytes(), again.identity()), (&key, Some(&identity)));
        for name in [KEY_FILE, IDENTITY_FILE, LOG_FILE] {
            let mode = fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn metal_and_compacted_records_survive() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        let actuator = Actuator { openings: 3, totaliser_ml: 9_000 };
        store.keep_actuator(actuator).unwrap();
        store.append(b"long history").unwrap();
        store.replace_records(&[b"base".to_vec()]).unwrap();
        store.append(b"next").unwrap();
        let mut again = Store::open(folder.path()).unwrap();
        assert_eq!(again.take_records(), [b"base".to_vec(), b"next".to_vec()]);
        assert_eq!(again.actuator().unwrap(), actuator);
    }
}
