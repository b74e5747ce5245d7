//! TLS as a client: one pinned root, and a certificate of one's own where there is one.
//!
//! It knows no public authorities: whoever is not vouched for by the given root is a stranger.

use std::sync::Arc;

use anyhow::{Context, Result};
use carhop_proofs::pki;
use carhop_proofs::suite::SigningKey;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore};

/// The certificates in a PEM file.
pub(crate) fn roots_from_pem(pem: &[u8]) -> Result<Vec<Vec<u8>>> {
    let roots: Vec<Vec<u8>> = CertificateDer::pem_slice_iter(pem)
        .map(|found| found.map(|certificate| certificate.to_vec()))
        .collect::<Result<_, _>>()
        .context("the root certificate is no PEM")?;
    anyhow::ensure!(!roots.is_empty(), "there is no certificate in the PEM file");
    Ok(roots)
}

/// A client that trusts `roots` alone, and shows `identity` (certificate chain and key) if asked.
pub(crate) fn client(
    roots: &[Vec<u8>],
    identity: Option<(&[Vec<u8>], &SigningKey)>,
) -> Result<ClientConfig> {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(CertificateDer::from(root.clone())).context("an unusable root certificate")?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(store);
    let Some((chain, key)) = identity else { return Ok(builder.with_no_client_auth()) };
    let chain = chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
    let pkcs8 = pki::pkcs8(key)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pkcs8.to_vec()));
    builder.with_client_auth_cert(chain, key).context("an unusable certificate or key")
}

/// An HTTPS client over such a configuration.
pub(crate) fn https(config: ClientConfig) -> Result<reqwest::Client> {
    Ok(reqwest::Client::builder().tls_backend_preconfigured(config).no_proxy().build()?)
}
