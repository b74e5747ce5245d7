//! `keys`: what clients and devices make, made by hand, so that every call of the interface can be tried with `curl`.
//! Keys are PKCS #8 in PEM, certificates PEM, so that other tools read them too.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use base64ct::{Base64UrlUnpadded, Encoding};
use carhop_app::ports::Clock;
use carhop_kernel::device::DeviceClass;
use carhop_kernel::digest::FirmwareDigest;
use carhop_kernel::id::{ApiKeyId, TenantId};
use carhop_proofs::dpop::{self, Claim};
use carhop_proofs::pki::{self, AttestationRoot, Serial};
use carhop_proofs::suite::{Algorithm, AwsLc, SigningKey, Suite};
use clap::{Args, Subcommand};
use serde_json::json;

use super::api_keys;
use super::remote::Remote;
use crate::clock::SystemClock;
use crate::device::attester::SoftwareAttester;
use crate::entropy::random;
use crate::keys::pem;

/// What to make.
#[derive(Subcommand)]
pub(super) enum KeysCommand {
    /// Make a P-256 key.
    New {
        /// The file to write; it must not exist.
        file: PathBuf,
    },
    /// Make a DPoP proof for one request (RFC 9449) and print it.
    Proof(Proof),
    /// Make a certificate signing request for a key and print it as base64url.
    Csr {
        /// The key.
        #[arg(long)]
        key: PathBuf,
    },
    /// Write a certificate chain, given as base64url DER, as PEM.
    Chain {
        /// The certificates, leaf first.
        certificates: Vec<String>,
    },
    /// Make a software attester and its root, for trying things out. Its root counts only where it is configured.
    Attester {
        /// The folder to write `root.der`, `attester.key` and `attester.crt` into, none of which must exist.
        folder: PathBuf,
    },
    /// Make a new issuing authority for a class of devices, under the same root; the server uses it from its next start on.
    Rotate {
        /// The server's data directory.
        #[arg(long, default_value = "carhop-data")]
        data: PathBuf,
        /// Whose.
        #[arg(long)]
        tenant: TenantId,
        /// `handset`, `console`, `vehicle_module`, `lock`, `pump`, `relay` or `till`.
        #[arg(long)]
        class: DeviceClass,
    },
    /// List the API keys of a running server, revoked ones too; none is shown itself.
    List {
        #[command(flatten)]
        remote: Remote,
    },
    /// Revoke an API key at once: whoever has it is nobody.
    Revoke {
        #[command(flatten)]
        remote: Remote,
        /// Which: `key_…`, as `list` shows it.
        key: ApiKeyId,
        /// Why, for the record.
        #[arg(long)]
        cause: String,
    },
    /// Let a software attester vouch for a device, and print the token as base64url.
    Attestation(Vouch),
}

/// One request that a key is proven for.
#[derive(Args)]
pub(super) struct Proof {
    /// The key.
    #[arg(long)]
    key: PathBuf,
    /// The HTTP method.
    method: String,
    /// The URL.
    url: String,
    /// The token that goes with the request.
    #[arg(long)]
    token: Option<String>,
    /// The nonce of the last `DPoP-Nonce` header.
    #[arg(long)]
    nonce: Option<String>,
}

/// What is vouched for.
#[derive(Args)]
pub(super) struct Vouch {
    /// The attester's folder.
    #[arg(long)]
    attester: PathBuf,
    /// The device's certificate chain, PEM.
    #[arg(long)]
    certificate: PathBuf,
    /// The challenge, base64url.
    #[arg(long, allow_hyphen_values = true)]
    challenge: String,
    /// SHA-256 of the firmware, hexadecimal.
    #[arg(long)]
    firmware: String,
}

pub(super) async fn run(command: KeysCommand, as_json: bool) -> anyhow::Result<ExitCode> {
    let (name, made) = match command {
        KeysCommand::New { file } => ("key", new(&file)?),
        KeysCommand::Proof(proof) => ("proof", prove(&proof)?),
        KeysCommand::Csr { key } => {
            ("csr", Base64UrlUnpadded::encode_string(&pki::csr(&AwsLc, &read_key(&key)?)?))
        }
        KeysCommand::Chain { certificates } => ("chain", chain(&certificates)?),
        KeysCommand::Attester { folder } => ("root", attester(&folder)?),
        KeysCommand::Rotate { data, tenant, class } => {
            let now = SystemClock::default().now();
            let made = crate::keys::KeyStore::rotate(&data, &tenant, class, now)?;
            ("certificate", made.display().to_string())
        }
        KeysCommand::Attestation(vouch) => {
            ("eat", Base64UrlUnpadded::encode_string(&attestation(&vouch)?))
        }
        KeysCommand::List { remote } => return api_keys::list(remote, as_json).await,
        KeysCommand::Revoke { remote, key, cause } => {
            return api_keys::revoke(remote, key, &cause, as_json).await;
        }
    };
    if as_json {
        println!("{}", json!({ name: made }));
    } else {
        println!("{}", made.trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

fn chain(certificates: &[String]) -> anyhow::Result<String> {
    let pems = certificates.iter().map(|one| Ok(pem("CERTIFICATE", &decode(one)?)));
    pems.collect()
}

fn new(file: &Path) -> anyhow::Result<String> {
    ensure!(!file.exists(), "{} exists already", file.display());
    let key = fresh_key()?;
    let text = pem("PRIVATE KEY", &pki::pkcs8(&key)?);
    crate::private::write(&std::path::absolute(file)?, text.as_bytes())
        .with_context(|| file.display().to_string())?;
    Ok(file.display().to_string())
}

fn prove(proof: &Proof) -> anyhow::Result<String> {
    let jti = Base64UrlUnpadded::encode_string(&random::<16>());
    let claim = Claim {
        method: &proof.method,
        url: &proof.url,
        access_token: proof.token.as_deref(),
        nonce: proof.nonce.as_deref(),
        issued_at: SystemClock::default().now(),
        jti: &jti,
    };
    Ok(dpop::make(&AwsLc, &read_key(&proof.key)?, &claim)?)
}

fn attester(folder: &Path) -> anyhow::Result<String> {
    for file in [ROOT_FILE, SoftwareAttester::KEY_FILE, SoftwareAttester::CERTIFICATE_FILE] {
        let path = folder.join(file);
        ensure!(!path.exists(), "{} exists already", path.display());
    }
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let now = SystemClock::default().now();
    let serial = || Serial::from_random(random());
    let root = AttestationRoot::create(&AwsLc, "software attester", fresh_key()?, serial(), now)?;
    let key = fresh_key()?;
    let public = AwsLc.public_key(&key)?;
    let certificate =
        root.issue(&AwsLc, &public, "software attester", serial(), now, ATTESTER_LIFETIME_MS)?;
    SoftwareAttester::new(key, certificate, FirmwareDigest([0; 32])).save(folder)?;
    std::fs::write(folder.join(ROOT_FILE), root.certificate())?;
    Ok(folder.join(ROOT_FILE).display().to_string())
}

fn attestation(vouch: &Vouch) -> anyhow::Result<Vec<u8>> {
    let attester = SoftwareAttester::load(&vouch.attester, &vouch.firmware)?;
    let challenge: [u8; 32] = decode(&vouch.challenge)?
        .try_into()
        .map_err(|_| anyhow::anyhow!("the challenge has 32 bytes"))?;
    let chain = pem_blocks(&read(&vouch.certificate)?)?;
    let leaf = chain.first().context("no certificate in the file")?;
    attester.attest(&AwsLc, &challenge, leaf)
}

fn read_key(path: &Path) -> anyhow::Result<SigningKey> {
    let blocks = pem_blocks(&read(path)?)?;
    let none = || format!("{}: no key in the file", path.display());
    let der = blocks.first().with_context(none)?;
    pki::from_pkcs8(der).with_context(|| path.display().to_string())
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
}

/// The contents of the PEM blocks of a text.
fn pem_blocks(text: &str) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut blocks = Vec::new();
    let mut base64: Option<String> = None;
    for line in text.lines() {
        if line.starts_with("-----BEGIN ") {
            base64 = Some(String::new());
        } else if line.starts_with("-----END ") {
            let text = base64.take().context("a PEM block that ends before it begins")?;
            blocks.push(base64ct::Base64::decode_vec(&text).map_err(|_| not_base64())?);
        } else if let Some(text) = &mut base64 {
            text.push_str(line.trim());
        }
    }
    Ok(blocks)
}

fn decode(text: &str) -> anyhow::Result<Vec<u8>> {
    Base64UrlUnpadded::decode_vec(text).map_err(|_| not_base64())
}

fn not_base64() -> anyhow::Error {
    anyhow::anyhow!("not base64")
}

fn fresh_key() -> anyhow::Result<SigningKey> {
    Ok(SigningKey::from_bytes(Algorithm::Es256, random())?)
}

/// The root's certificate beside the attester's files.
const ROOT_FILE: &str = "root.der";
/// How long a software attester vouches.
const ATTESTER_LIFETIME_MS: u64 = 30 * 24 * 60 * 60 * 1000;
