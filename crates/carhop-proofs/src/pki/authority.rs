//! The authorities that sign certificates: the root of a tenant, an issuing authority for each
//! class of device, one for TLS servers, and the root of a software attester.
//!
//! They keep no record of what they issued; the journal does.

use alloc::format;
use alloc::vec::Vec;

use carhop_kernel::device::DeviceClass;
use carhop_kernel::id::{DeviceId, TenantId};
use carhop_kernel::time::Timestamp;
use rcgen::{CertificateParams, Issuer, SanType};
use rustls_pki_types::{CertificateDer, ServerName};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;

use super::keys::{Signer, Subject, p256_key};
use super::profile::{self, Role};
use super::verify::{parse, validity};
use super::{CERTIFICATE_LENGTH_MAX, IssueError, SERVER_NAMES_MAX};
use crate::suite::{PublicKey, SigningKey, Suite};

/// The serial number of a certificate, from sixteen bytes of chance (RFC 5280 §4.1.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serial([u8; 16]);

impl Serial {
    /// The serial number with these bytes; its first two bits are fixed, so that it is positive and
    /// sixteen bytes long.
    pub const fn from_random(mut random: [u8; 16]) -> Self {
        random[0] = (random[0] & 0x3f) | 0x40;
        Self(random)
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        self.0.to_vec()
    }
}

/// A certificate with the private key that belongs to it.
#[derive(Clone, Debug)]
struct Certified {
    certificate: Vec<u8>,
    key: SigningKey,
    not_before: Timestamp,
    not_after: Timestamp,
}

macro_rules! certified {
    ($($name:ident)*) => {$(
        impl $name {
            /// The authority's certificate, DER.
            pub fn certificate(&self) -> &[u8] {
                &self.certified.certificate
            }

            /// The authority's private key, to be stored sealed; see [`super::pkcs8`].
            pub fn key(&self) -> &SigningKey {
                &self.certified.key
            }

            /// When the authority ends.
            pub fn not_after(&self) -> Timestamp {
                self.certified.not_after
            }
        }
    )*};
}

certified! { Root IssuingAuthority ServerAuthority AttestationRoot }

/// The root of a tenant. It signs issuing authorities and nothing else.
#[derive(Clone, Debug)]
pub struct Root {
    certified: Certified,
    tenant: TenantId,
}

impl Root {
    /// A new root for `tenant`.
    pub fn create(
        suite: &dyn Suite,
        tenant: &TenantId,
        key: SigningKey,
        serial: Serial,
        now: Timestamp,
    ) -> Result<Self, IssueError> {
        let life = life(now, profile::ROOT_LIFETIME_MS);
        let name = format!("carhop root of {tenant}");
        let params = profile::authority(Role::Root, &name, Some(tenant), serial, life)?;
        let certified = Certified::self_signed(suite, &params, key)?;
        Ok(Self { certified, tenant: tenant.clone() })
    }

    /// A stored root.
    pub fn load(
        suite: &dyn Suite,
        certificate: &[u8],
        key: SigningKey,
    ) -> Result<Self, IssueError> {
        let (certified, role, tenant) = Certified::load(suite, certificate, key)?;
        match (role, tenant) {
            (Role::Root, Some(tenant)) => Ok(Self { certified, tenant }),
            (Role::Root | Role::Devices(_) | Role::Servers | Role::Attestation, _) => {
                Err(IssueError::NotThisAuthority)
            }
        }
    }

    /// A new issuing authority for devices of `class`.
    pub fn issuing_authority(
        &self,
        suite: &dyn Suite,
        class: DeviceClass,
        key: SigningKey,
        serial: Serial,
        now: Timestamp,
    ) -> Result<IssuingAuthority, IssueError> {
        let certified = self.authority(suite, Role::Devices(class), key, serial, now)?;
        Ok(IssuingAuthority { certified, class, tenant: self.tenant.clone() })
    }

    /// A new authority for TLS servers.
    pub fn server_authority(
        &self,
        suite: &dyn Suite,
        key: SigningKey,
        serial: Serial,
        now: Timestamp,
    ) -> Result<ServerAuthority, IssueError> {
        let certified = self.authority(suite, Role::Servers, key, serial, now)?;
        Ok(ServerAuthority { certified })
    }

    fn authority(
        &self,
        suite: &dyn Suite,
        role: Role,
        key: SigningKey,
        serial: Serial,
        now: Timestamp,
    ) -> Result<Certified, IssueError> {
        let kind = match role {
            Role::Devices(class) => class.name(),
            Role::Servers => "server",
            Role::Root => "root",
            Role::Attestation => "attestation",
        };
        let life = self.certified.life(now, profile::AUTHORITY_LIFETIME_MS)?;
        let name = format!("carhop {kind} authority of {}", self.tenant);
        let params = profile::authority(role, &name, Some(&self.tenant), serial, life)?;
        let certificate = self.certified.sign(suite, &params, &Signer::new(suite, &key)?)?;
        Certified::new(certificate, key)
    }
}

/// The authority that certifies the devices of one class of one tenant.
#[derive(Clone, Debug)]
pub struct IssuingAuthority {
    certified: Certified,
    class: DeviceClass,
    tenant: TenantId,
}

impl IssuingAuthority {
    /// A stored authority.
    pub fn load(
        suite: &dyn Suite,
        certificate: &[u8],
        key: SigningKey,
    ) -> Result<Self, IssueError> {
        let (certified, role, tenant) = Certified::load(suite, certificate, key)?;
        match (role, tenant) {
            (Role::Devices(class), Some(tenant)) => Ok(Self { certified, class, tenant }),
            (Role::Root | Role::Devices(_) | Role::Servers | Role::Attestation, _) => {
                Err(IssueError::NotThisAuthority)
            }
        }
    }

    /// The class it certifies.
    pub fn class(&self) -> DeviceClass {
        self.class
    }

    /// The tenant it belongs to.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// A certificate for `device`, whose key signed `csr`. Of the request only the key is used: the
    /// names, the usages and the life are decided here.
    pub fn issue(
        &self,
        suite: &dyn Suite,
        csr: &[u8],
        device: DeviceId,
        serial: Serial,
        now: Timestamp,
    ) -> Result<Vec<u8>, IssueError> {
        let key = requested_key(csr)?;
        let life = self.certified.life(now, profile::device_lifetime_ms(self.class))?;
        let params = profile::device(self.class, device, &self.tenant, serial, life)?;
        self.certified.sign(suite, &params, &Subject(&key))
    }
}

/// The authority that certifies a tenant's own TLS servers.
#[derive(Clone, Debug)]
pub struct ServerAuthority {
    certified: Certified,
}

impl ServerAuthority {
    /// A stored authority.
    pub fn load(
        suite: &dyn Suite,
        certificate: &[u8],
        key: SigningKey,
    ) -> Result<Self, IssueError> {
        match Certified::load(suite, certificate, key)? {
            (certified, Role::Servers, _) => Ok(Self { certified }),
            (_, Role::Root | Role::Devices(_) | Role::Attestation, _) => {
                Err(IssueError::NotThisAuthority)
            }
        }
    }

    /// A certificate for the server with `key`, good for these DNS names and IP addresses.
    pub fn issue(
        &self,
        suite: &dyn Suite,
        key: &SigningKey,
        names: &[&str],
        serial: Serial,
        now: Timestamp,
    ) -> Result<Vec<u8>, IssueError> {
        let life = self.certified.life(now, profile::SERVER_LIFETIME_MS)?;
        let params = profile::server(server_names(names)?, serial, life)?;
        self.certified.sign(suite, &params, &Signer::new(suite, key)?)
    }
}

/// The root of a software attester. It belongs to no tenant and vouches for nobody's identity; a
/// verifier trusts it only where it is configured (design §9.7).
#[derive(Clone, Debug)]
pub struct AttestationRoot {
    certified: Certified,
}

impl AttestationRoot {
    /// A new root called `name`.
    pub fn create(
        suite: &dyn Suite,
        name: &str,
        key: SigningKey,
        serial: Serial,
        now: Timestamp,
    ) -> Result<Self, IssueError> {
        let life = life(now, profile::ROOT_LIFETIME_MS);
        let params = profile::authority(Role::Attestation, name, None, serial, life)?;
        Ok(Self { certified: Certified::self_signed(suite, &params, key)? })
    }

    /// A stored root.
    pub fn load(
        suite: &dyn Suite,
        certificate: &[u8],
        key: SigningKey,
    ) -> Result<Self, IssueError> {
        match Certified::load(suite, certificate, key)? {
            (certified, Role::Attestation, _) => Ok(Self { certified }),
            (_, Role::Root | Role::Devices(_) | Role::Servers, _) => {
                Err(IssueError::NotThisAuthority)
            }
        }
    }

    /// A certificate, `lifetime_ms` long, for a key that signs attestation tokens (RFC 9783).
    pub fn issue(
        &self,
        suite: &dyn Suite,
        key: &PublicKey,
        name: &str,
        serial: Serial,
        now: Timestamp,
        lifetime_ms: u64,
    ) -> Result<Vec<u8>, IssueError> {
        let PublicKey::P256(_) = key else { return Err(IssueError::KeyKind) };
        let params = profile::attestation(name, serial, self.certified.life(now, lifetime_ms)?)?;
        self.certified.sign(suite, &params, &Subject(key))
    }
}

impl Certified {
    fn self_signed(
        suite: &dyn Suite,
        params: &CertificateParams,
        key: SigningKey,
    ) -> Result<Self, IssueError> {
        let certificate = params.self_signed(&Signer::new(suite, &key)?);
        let certificate = certificate.map_err(|_| IssueError::Encoding)?.der().to_vec();
        Self::new(certificate, key)
    }

    fn new(certificate: Vec<u8>, key: SigningKey) -> Result<Self, IssueError> {
        let parsed = parse(&certificate).ok_or(IssueError::NotThisAuthority)?;
        let (not_before, not_after) = validity(&parsed).ok_or(IssueError::NotThisAuthority)?;
        Ok(Self { certificate, key, not_before, not_after })
    }

    /// A stored certificate with its key, the role it has and the tenant it names.
    fn load(
        suite: &dyn Suite,
        certificate: &[u8],
        key: SigningKey,
    ) -> Result<(Self, Role, Option<TenantId>), IssueError> {
        let parsed = parse(certificate).ok_or(IssueError::NotThisAuthority)?;
        let role = Role::of(&parsed).filter(|_| parsed.is_ca());
        let role = role.ok_or(IssueError::NotThisAuthority)?;
        let tenant = profile::tenant_of(&parsed);
        let public = suite.public_key(&key).map_err(|_| IssueError::BadKey)?;
        if p256_key(&parsed.subject_pki) != Some(public) {
            return Err(IssueError::KeyMismatch);
        }
        Ok((Self::new(certificate.to_vec(), key)?, role, tenant))
    }

    /// The life of a certificate issued now: never longer than the authority's own.
    fn life(&self, now: Timestamp, lifetime_ms: u64) -> Result<(Timestamp, Timestamp), IssueError> {
        if now < self.not_before || now >= self.not_after {
            return Err(IssueError::AuthorityNotValid);
        }
        let (not_before, not_after) = life(now, lifetime_ms);
        Ok((not_before.max(self.not_before), not_after.min(self.not_after)))
    }

    fn sign(
        &self,
        suite: &dyn Suite,
        params: &CertificateParams,
        subject: &impl rcgen::PublicKeyData,
    ) -> Result<Vec<u8>, IssueError> {
        let own = CertificateDer::from(self.certificate.as_slice());
        let issuer = Issuer::from_ca_cert_der(&own, Signer::new(suite, &self.key)?)
            .map_err(|_| IssueError::Encoding)?;
        let certificate = params.signed_by(subject, &issuer).map_err(|_| IssueError::Encoding)?;
        Ok(certificate.der().to_vec())
    }
}

fn life(now: Timestamp, lifetime_ms: u64) -> (Timestamp, Timestamp) {
    (now.minus_ms(profile::CLOCK_SKEW_MS), now.plus_ms(lifetime_ms))
}

/// The key of a certificate request that is signed by it.
fn requested_key(csr: &[u8]) -> Result<PublicKey, IssueError> {
    if csr.len() > CERTIFICATE_LENGTH_MAX {
        return Err(IssueError::MalformedRequest);
    }
    let (rest, request) =
        X509CertificationRequest::from_der(csr).map_err(|_| IssueError::MalformedRequest)?;
    if !rest.is_empty() {
        return Err(IssueError::MalformedRequest);
    }
    let key = p256_key(&request.certification_request_info.subject_pki);
    let key = key.ok_or(IssueError::KeyKind)?;
    request.verify_signature().map_err(|_| IssueError::NoPossession)?;
    Ok(key)
}

fn server_names(names: &[&str]) -> Result<Vec<SanType>, IssueError> {
    if names.is_empty() || names.len() > SERVER_NAMES_MAX {
        return Err(IssueError::ServerName);
    }
    names.iter().map(|name| server_name(name)).collect()
}

fn server_name(name: &str) -> Result<SanType, IssueError> {
    match ServerName::try_from(name) {
        Ok(ServerName::DnsName(name)) => {
            let name = name.as_ref().try_into().map_err(|_| IssueError::ServerName)?;
            Ok(SanType::DnsName(name))
        }
        Ok(ServerName::IpAddress(address)) => {
            Ok(SanType::IpAddress(core::net::IpAddr::from(address)))
        }
        Ok(_) | Err(_) => Err(IssueError::ServerName),
    }
}
