//! The server's own secrets in the data directory: the master secret and the certificate authorities of every tenant,
//! made at the first start and loaded afterwards.
//!
//! Losing these files loses every device's trust; a backup of the data directory includes them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use carhop_app::ports::{CertificateAsk, Certified, Certifier, CertifyError};
use carhop_kernel::device::DeviceClass;
use carhop_kernel::id::TenantId;
use carhop_kernel::time::Timestamp;
use carhop_proofs::pki::{
    self, IssueError, IssuingAuthority, Root, Serial, ServerAuthority, verify_device,
};
use carhop_proofs::suite::{Algorithm, AwsLc, SigningKey};

use crate::entropy::random;
use crate::private;

/// The secrets of the server.
pub struct KeyStore {
    master: [u8; 32],
    tenants: BTreeMap<TenantId, Authorities>,
}

struct Authorities {
    root: Root,
    devices: Vec<IssuingAuthority>,
    servers: ServerAuthority,
}

/// Why the secrets could not be made or loaded.
#[derive(Debug, thiserror::Error)]
pub enum KeyStoreError {
    /// A file could not be read or written.
    #[error("`{0}` cannot be read or written")]
    File(PathBuf, #[source] io::Error),
    /// A file does not hold what it should.
    #[error("`{0}` does not hold what it should")]
    Content(PathBuf),
    /// An authority could not be made or loaded.
    #[error("`{0}`")]
    Authority(PathBuf, #[source] IssueError),
}

impl KeyStore {
    /// Loads the secrets under the data directory, making those that are missing.
    pub fn open<'a>(
        data_dir: &Path,
        tenants: impl IntoIterator<Item = &'a TenantId>,
        now: Timestamp,
    ) -> Result<Self, KeyStoreError> {
        let folder = data_dir.join("keys");
        at(&folder, private::folder(&folder))?;
        let master_file = folder.join("master.key");
        let master = if master_file.exists() {
            read(&master_file)?.try_into().map_err(|_| KeyStoreError::Content(master_file))?
        } else {
            let master = random();
            at(&master_file, private::write(&master_file, &master))?;
            master
        };
        let mut authorities = BTreeMap::new();
        for tenant in tenants {
            let folder = folder.join(tenant.as_str());
            at(&folder, private::folder(&folder))?;
            authorities.insert(tenant.clone(), Authorities::open(&folder, tenant, now)?);
        }
        Ok(Self { master, tenants: authorities })
    }

    /// Makes a new issuing authority for a class of devices under the same root and destroys the former one's key. What
    /// the former one certified verifies until it ends; a server that runs uses the new one from its next start on.
    pub fn rotate(
        data_dir: &Path,
        tenant: &TenantId,
        class: DeviceClass,
        now: Timestamp,
    ) -> Result<PathBuf, KeyStoreError> {
        let folder = data_dir.join("keys").join(tenant.as_str());
        let serial = || Serial::from_random(random());
        let missing = || KeyStoreError::Content(folder.clone());
        let root = Stored::at(&folder, "root");
        if !root.certificate.exists() {
            return Err(missing());
        }
        let root = root.open(
            |certificate, key| Root::load(&AwsLc, certificate, key),
            |_| Err(IssueError::NotThisAuthority),
            |root| (root.certificate().to_vec(), root.key().clone()),
        )?;
        let former = Stored::latest(&folder, class.name());
        let next = Stored::after(&folder, class.name());
        let made = next.certificate.clone();
        next.open(
            |certificate, key| IssuingAuthority::load(&AwsLc, certificate, key),
            |key| root.issuing_authority(&AwsLc, class, key, serial(), now),
            |made| (made.certificate().to_vec(), made.key().clone()),
        )?;
        if former.key.exists() {
            fs::remove_file(&former.key)
                .map_err(|error| KeyStoreError::File(former.key.clone(), error))?;
        }
        Ok(made)
    }

    /// The master secret that every tenant's keys are derived from.
    pub fn master(&self) -> [u8; 32] {
        self.master
    }

    /// Every tenant's root certificate (DER).
    pub fn roots(&self) -> impl Iterator<Item = &[u8]> {
        self.tenants.values().map(|authorities| authorities.root.certificate())
    }

    /// A TLS server's fresh key and chain (DER, leaf first), by the tenant's authority for servers.
    pub fn server_certificate(
        &self,
        tenant: &TenantId,
        names: &[&str],
        now: Timestamp,
    ) -> Result<(Vec<Vec<u8>>, SigningKey), IssueError> {
        let authorities = self.tenants.get(tenant).ok_or(IssueError::NotThisAuthority)?;
        let key = fresh_key();
        let serial = Serial::from_random(random());
        let leaf = authorities.servers.issue(&AwsLc, &key, names, serial, now)?;
        Ok((vec![leaf, authorities.servers.certificate().to_vec()], key))
    }
}

impl Certifier for KeyStore {
    fn certify(&self, ask: &CertificateAsk<'_>) -> Result<Certified, CertifyError> {
        let said = |error: &dyn std::fmt::Display| CertifyError(error.to_string());
        let unknown = || CertifyError("no authority for this tenant and class".to_owned());
        let authorities = self.tenants.get(ask.tenant).ok_or_else(unknown)?;
        let authority = authorities.devices.iter().find(|one| one.class() == ask.class);
        let authority = authority.ok_or_else(unknown)?;
        let serial = Serial::from_random(ask.serial);
        let leaf = authority
            .issue(&AwsLc, ask.csr, ask.device, serial, ask.now)
            .map_err(|error| said(&error))?;
        let chain = vec![leaf, authority.certificate().to_vec()];
        let root = authorities.root.certificate().to_vec();
        let parts: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
        // What is handed out is what a listener will accept.
        let read = verify_device(&parts, &[&root], ask.now).map_err(|error| said(&error))?;
        Ok(Certified {
            chain,
            roots: vec![root],
            fingerprint: read.fingerprint,
            key: read.key,
            not_after: read.not_after,
        })
    }

    fn root(&self, tenant: &TenantId) -> Option<Vec<u8>> {
        self.tenants.get(tenant).map(|authorities| authorities.root.certificate().to_vec())
    }
}

impl Authorities {
    fn open(folder: &Path, tenant: &TenantId, now: Timestamp) -> Result<Self, KeyStoreError> {
        let serial = || Serial::from_random(random());
        let root = Stored::at(folder, "root").open(
            |certificate, key| Root::load(&AwsLc, certificate, key),
            |key| Root::create(&AwsLc, tenant, key, serial(), now),
            |root| (root.certificate().to_vec(), root.key().clone()),
        )?;
        let mut devices = Vec::with_capacity(DeviceClass::ALL.len());
        for class in DeviceClass::ALL {
            devices.push(Stored::latest(folder, class.name()).open(
                |certificate, key| IssuingAuthority::load(&AwsLc, certificate, key),
                |key| root.issuing_authority(&AwsLc, class, key, serial(), now),
                |made| (made.certificate().to_vec(), made.key().clone()),
            )?);
        }
        let servers = Stored::at(folder, "servers").open(
            |certificate, key| ServerAuthority::load(&AwsLc, certificate, key),
            |key| root.server_authority(&AwsLc, key, serial(), now),
            |made| (made.certificate().to_vec(), made.key().clone()),
        )?;
        Ok(Self { root, devices, servers })
    }
}

/// An authority's two files.
struct Stored {
    certificate: PathBuf,
    key: PathBuf,
}

impl Stored {
    fn at(folder: &Path, name: &str) -> Self {
        Self {
            certificate: folder.join(format!("{name}.crt")),
            key: folder.join(format!("{name}.key")),
        }
    }

    /// The latest of an authority that may have been rotated: `lock`, then `lock-2`, and so on. The certificate is written
    /// last, so one that lies there is whole.
    fn latest(folder: &Path, name: &str) -> Self {
        let number = latest_number(folder, name);
        Self::at(folder, &numbered(name, number.max(1)))
    }

    /// The one that will follow it.
    fn after(folder: &Path, name: &str) -> Self {
        Self::at(folder, &numbered(name, latest_number(folder, name) + 1))
    }

    /// Loads the authority, or makes and stores it. The key is written first: a certificate never lies there without it.
    fn open<T>(
        self,
        load: impl FnOnce(&[u8], SigningKey) -> Result<T, IssueError>,
        make: impl FnOnce(SigningKey) -> Result<T, IssueError>,
        parts: impl FnOnce(&T) -> (Vec<u8>, SigningKey),
    ) -> Result<T, KeyStoreError> {
        let broken = |error| KeyStoreError::Authority(self.certificate.clone(), error);
        if self.certificate.exists() {
            let key = pki::from_pkcs8(&read(&self.key)?).map_err(broken)?;
            return load(&read(&self.certificate)?, key).map_err(broken);
        }
        let fresh = make(fresh_key()).map_err(broken)?;
        let (certificate, key) = parts(&fresh);
        let secret = pki::pkcs8(&key).map_err(broken)?;
        at(&self.key, private::write(&self.key, &secret))?;
        at(&self.certificate, private::write(&self.certificate, &certificate))?;
        Ok(fresh)
    }
}

/// How often an authority was made; zero if never.
fn latest_number(folder: &Path, name: &str) -> u32 {
    (1..=ROTATIONS_MAX)
        .take_while(|number| folder.join(format!("{}.crt", numbered(name, *number))).exists())
        .last()
        .unwrap_or(0)
}

fn numbered(name: &str, number: u32) -> String {
    if number == 1 { name.to_owned() } else { format!("{name}-{number}") }
}

/// Rotations of one authority that are looked for.
const ROTATIONS_MAX: u32 = 10_000;

/// A fresh P-256 key.
pub fn fresh_key() -> SigningKey {
    loop {
        // A draw fails once in 2^32 for P-256; the next one will do.
        if let Ok(key) = SigningKey::from_bytes(Algorithm::Es256, random()) {
            return key;
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, KeyStoreError> {
    at(path, fs::read(path))
}

pub(crate) fn at<T>(path: &Path, done: io::Result<T>) -> Result<T, KeyStoreError> {
    done.map_err(|error| KeyStoreError::File(path.to_owned(), error))
}

/// A key or certificate as PEM (RFC 7468).
pub fn pem(kind: &str, der: &[u8]) -> String {
    use base64ct::{Base64, Encoding};
    let encoded = Base64::encode_string(der);
    let lines: Vec<_> =
        encoded.as_bytes().chunks(PEM_COLUMNS).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", lines.join("\n"))
}

const PEM_COLUMNS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_made_once_and_loaded_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let tenant: TenantId = "acme".parse().unwrap();
        let now = Timestamp::from_unix_s(1_800_000_000);
        let first = KeyStore::open(folder.path(), [&tenant], now).unwrap();
        let second = KeyStore::open(folder.path(), [&tenant], now).unwrap();
        assert_eq!(first.master(), second.master());
        assert_eq!(Certifier::root(&first, &tenant), Certifier::root(&second, &tenant));
        assert!(first.server_certificate(&tenant, &["localhost"], now).is_ok());
    }

    #[test]
    fn a_rotated_authority_certifies_while_what_the_former_one_certified_still_verifies() {
        let folder = tempfile::tempdir().unwrap();
        let tenant: TenantId = "acme".parse().unwrap();
        let now = Timestamp::from_unix_s(1_800_000_000);
        let certify = |store: &KeyStore, device: u8| {
            let csr = pki::csr(&AwsLc, &fresh_key()).unwrap();
            let device = carhop_kernel::id::DeviceId::from_bytes([device; 16]);
            let (class, serial) = (DeviceClass::Lock, random());
            let ask = CertificateAsk { tenant: &tenant, class, device, csr: &csr, serial, now };
            store.certify(&ask).unwrap()
        };
        let before = KeyStore::open(folder.path(), [&tenant], now).unwrap();
        let old = certify(&before, 1);
        KeyStore::rotate(folder.path(), &tenant, DeviceClass::Lock, now).unwrap();
        let after = KeyStore::open(folder.path(), [&tenant], now).unwrap();
        let new = certify(&after, 2);
        assert_ne!(old.chain[1], new.chain[1], "another authority");
        assert_eq!(old.roots, new.roots, "the same root");
        for certified in [&old, &new] {
            let chain: Vec<&[u8]> = certified.chain.iter().map(Vec::as_slice).collect();
            let roots: Vec<&[u8]> = after.roots().collect();
            assert!(verify_device(&chain, &roots, now).is_ok());
        }
        assert!(!folder.path().join("keys/acme/lock.key").exists(), "the former key is gone");
        let stranger: TenantId = "other".parse().unwrap();
        assert!(KeyStore::rotate(folder.path(), &stranger, DeviceClass::Lock, now).is_err());
    }
}
