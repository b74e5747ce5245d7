//! TLS of the two listeners: one for everybody, one that demands a device's certificate.
//!
//! Only rustls decides here; which device a certificate stands for, and whether it may still speak, is asked on every
//! request. On the listener for devices nothing is resumed: a resumed session would not be verified again
//! (`design.md` §9.5).

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use carhop_app::ports::Clock;
use carhop_kernel::id::TenantId;
use carhop_proofs::pki::{self, IssueError};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{
    ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier,
};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};

use crate::clock::SystemClock;
use crate::keys::KeyStore;

/// Why TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate could not be issued.
    #[error("the server certificate could not be issued")]
    Issue(#[from] IssueError),
    /// rustls refused a certificate or key.
    #[error("a certificate or key was refused")]
    Refused(#[from] rustls::Error),
    /// The tenants' roots are not usable.
    #[error("a root certificate was refused")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}

/// The server's certificate, replaced while it runs.
pub struct ServerCertificate {
    current: RwLock<Arc<CertifiedKey>>,
}

impl ServerCertificate {
    /// A fresh certificate by the tenant's own authority.
    pub fn issue(
        keys: &KeyStore,
        tenant: &TenantId,
        names: &[&str],
        clock: &dyn Clock,
    ) -> Result<Self, TlsError> {
        Ok(Self { current: RwLock::new(certified(keys, tenant, names, clock)?) })
    }

    /// Replaces it by a fresh one; connections made from now on see that.
    pub fn renew(
        &self,
        keys: &KeyStore,
        tenant: &TenantId,
        names: &[&str],
        clock: &dyn Clock,
    ) -> Result<(), TlsError> {
        let fresh = certified(keys, tenant, names, clock)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }
}

impl fmt::Debug for ServerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerCertificate")
    }
}

impl ResolvesServerCert for ServerCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// TLS for people, stores and partners: no client certificate is asked for.
pub fn public(
    certificate: Arc<ServerCertificate>,
    clock: Arc<SystemClock>,
) -> Result<ServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_details(provider(), clock)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// TLS 1.3 for devices: a certificate under one of the tenants' roots is mandatory, and nothing is resumed.
pub fn devices(
    certificate: Arc<ServerCertificate>,
    keys: &KeyStore,
    clock: Arc<SystemClock>,
) -> Result<ServerConfig, TlsError> {
    let mut roots = RootCertStore::empty();
    for root in keys.roots() {
        roots.add(CertificateDer::from(root.to_vec()))?;
    }
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build()?;
    let mut config = ServerConfig::builder_with_details(provider(), clock)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(certificate);
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn certified(
    keys: &KeyStore,
    tenant: &TenantId,
    names: &[&str],
    clock: &dyn Clock,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let (chain, key) = keys.server_certificate(tenant, names, clock.now())?;
    let chain = chain.into_iter().map(CertificateDer::from).collect();
    let key = PrivateKeyDer::Pkcs8(pki::pkcs8(&key)?.to_vec().into());
    Ok(Arc::new(CertifiedKey::from_der(chain, key, &provider())?))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
