//! What is written into each kind of certificate, and how it is found there again.
//!
//! It signs nothing and trusts nothing.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use carhop_kernel::device::DeviceClass;
use carhop_kernel::id::{DeviceId, TenantId};
use carhop_kernel::time::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyUsagePurpose, NameConstraints, SanType,
};
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension, X509Extension};

use super::{IssueError, Serial};

/// Life of a root: ten years.
pub const ROOT_LIFETIME_MS: u64 = 3650 * DAY_MS;

/// Life of an issuing authority: two years.
pub const AUTHORITY_LIFETIME_MS: u64 = 730 * DAY_MS;

/// Life of a TLS server certificate: thirty days.
pub const SERVER_LIFETIME_MS: u64 = 30 * DAY_MS;

/// How far back a certificate's life begins, so that a device whose clock lags can use it at once.
pub const CLOCK_SKEW_MS: u64 = 60_000;

/// Life of a device certificate of this class, renewed at half of it (standards §4.5).
pub const fn device_lifetime_ms(class: DeviceClass) -> u64 {
    match class {
        DeviceClass::Handset => 12 * HOUR_MS,
        DeviceClass::Console | DeviceClass::Relay | DeviceClass::Till => DAY_MS,
        // Fixed equipment may be without a link for days.
        DeviceClass::VehicleModule | DeviceClass::Lock | DeviceClass::Pump => 7 * DAY_MS,
    }
}

/// What an authority may do; each has its own policy identifier, so that one can never be loaded or
/// trusted as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Root,
    Devices(DeviceClass),
    Servers,
    Attestation,
}

impl Role {
    /// The last arc of the role's policy identifier. These numbers are in certificates and never
    /// change.
    const fn number(self) -> u8 {
        match self {
            Self::Devices(DeviceClass::Handset) => 1,
            Self::Devices(DeviceClass::Console) => 2,
            Self::Devices(DeviceClass::VehicleModule) => 3,
            Self::Devices(DeviceClass::Lock) => 4,
            Self::Devices(DeviceClass::Pump) => 5,
            Self::Devices(DeviceClass::Relay) => 6,
            Self::Devices(DeviceClass::Till) => 7,
            Self::Root => 32,
            Self::Servers => 33,
            Self::Attestation => 34,
        }
    }

    /// The role that the one policy of a certificate names.
    pub(super) fn of(certificate: &X509Certificate<'_>) -> Option<Self> {
        let extensions = certificate.extensions().iter().map(X509Extension::parsed_extension);
        let mut policies = extensions.filter_map(|extension| {
            let ParsedExtension::CertificatePolicies(policies) = extension else { return None };
            Some(policies)
        });
        let (Some([policy]), None) = (policies.next().map(Vec::as_slice), policies.next()) else {
            return None;
        };
        let roles = [Self::Root, Self::Servers, Self::Attestation];
        let roles = DeviceClass::ALL.into_iter().map(Self::Devices).chain(roles);
        roles.into_iter().find(|role| policy.policy_id.as_bytes() == oid(POLICIES, role.number()))
    }
}

/// The usage of a key that signs attestation tokens, as the content of an object identifier.
pub(super) const ATTESTATION_USAGE: &[u8] = &oid(USAGES, 1);

/// A certificate of an authority with this role.
pub(super) fn authority(
    role: Role,
    name: &str,
    tenant: Option<&TenantId>,
    serial: Serial,
    life: (Timestamp, Timestamp),
) -> Result<CertificateParams, IssueError> {
    let mut params = params(name, serial, life)?;
    params.key_usages = [KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign].into();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(match role {
        Role::Root => 1,
        Role::Devices(_) | Role::Servers | Role::Attestation => 0,
    }));
    params.subject_alt_names = tenant.map(tenant_name).transpose()?.into_iter().collect();
    params.custom_extensions.push(policy(role));
    match role {
        Role::Root => {}
        Role::Devices(_) => {
            params.extended_key_usages = [ExtendedKeyUsagePurpose::ClientAuth].into();
            params.name_constraints = Some(no_host_names());
        }
        Role::Servers => params.extended_key_usages = [ExtendedKeyUsagePurpose::ServerAuth].into(),
        Role::Attestation => params.custom_extensions.push(attestation_usage()),
    }
    Ok(params)
}

/// A device's leaf.
pub(super) fn device(
    class: DeviceClass,
    device: DeviceId,
    tenant: &TenantId,
    serial: Serial,
    life: (Timestamp, Timestamp),
) -> Result<CertificateParams, IssueError> {
    let mut params = leaf(&format!("{device}"), serial, life)?;
    params.subject_alt_names = [uri(format!("{DEVICE_URI}{device}"))?, tenant_name(tenant)?].into();
    params.extended_key_usages = [ExtendedKeyUsagePurpose::ClientAuth].into();
    params.custom_extensions = [policy(Role::Devices(class)), no_revocation()].into();
    Ok(params)
}

/// A TLS server's leaf.
pub(super) fn server(
    names: Vec<SanType>,
    serial: Serial,
    life: (Timestamp, Timestamp),
) -> Result<CertificateParams, IssueError> {
    let mut params = leaf("carhop server", serial, life)?;
    params.subject_alt_names = names;
    params.extended_key_usages = [ExtendedKeyUsagePurpose::ServerAuth].into();
    params.custom_extensions = [policy(Role::Servers)].into();
    Ok(params)
}

/// The leaf of a key that signs attestation tokens.
pub(super) fn attestation(
    name: &str,
    serial: Serial,
    life: (Timestamp, Timestamp),
) -> Result<CertificateParams, IssueError> {
    let mut params = leaf(name, serial, life)?;
    params.custom_extensions = [policy(Role::Attestation), attestation_usage()].into();
    Ok(params)
}

/// The texts after `prefix` of the certificate's URI names.
pub(super) fn uri_names<'a>(
    certificate: &'a X509Certificate<'_>,
    prefix: &'static str,
) -> impl Iterator<Item = &'a str> {
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.into_iter().flat_map(|extension| &extension.value.general_names);
    names.filter_map(move |name| {
        let GeneralName::URI(uri) = name else { return None };
        uri.strip_prefix(prefix)
    })
}

/// The one tenant a certificate names.
pub(super) fn tenant_of(certificate: &X509Certificate<'_>) -> Option<TenantId> {
    only(uri_names(certificate, TENANT_URI))?.parse().ok()
}

/// The one device a certificate names.
pub(super) fn device_of(certificate: &X509Certificate<'_>) -> Option<DeviceId> {
    only(uri_names(certificate, DEVICE_URI))?.parse().ok()
}

fn only<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    items.next().filter(|_| items.next().is_none())
}

fn leaf(
    name: &str,
    serial: Serial,
    life: (Timestamp, Timestamp),
) -> Result<CertificateParams, IssueError> {
    let mut params = params(name, serial, life)?;
    params.key_usages = [KeyUsagePurpose::DigitalSignature].into();
    params.is_ca = IsCa::ExplicitNoCa;
    Ok(params)
}

fn params(
    name: &str,
    serial: Serial,
    (not_before, not_after): (Timestamp, Timestamp),
) -> Result<CertificateParams, IssueError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(serial.bytes().into());
    params.not_before = date(not_before)?;
    params.not_after = date(not_after)?;
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn date(at: Timestamp) -> Result<OffsetDateTime, IssueError> {
    let unix_s = i64::try_from(at.unix_s()).map_err(|_| IssueError::Time)?;
    OffsetDateTime::from_unix_timestamp(unix_s).map_err(|_| IssueError::Time)
}

fn tenant_name(tenant: &TenantId) -> Result<SanType, IssueError> {
    uri(format!("{TENANT_URI}{tenant}"))
}

fn uri(text: String) -> Result<SanType, IssueError> {
    text.try_into().map(SanType::URI).map_err(|_| IssueError::Encoding)
}

/// An authority for devices can never name a host, so that its theft gives nobody a TLS server.
fn no_host_names() -> NameConstraints {
    NameConstraints {
        permitted_subtrees: Vec::new(),
        excluded_subtrees: [
            GeneralSubtree::DnsName(String::new()),
            GeneralSubtree::IpAddress(CidrSubnet::V4([0; 4], [0; 4])),
            GeneralSubtree::IpAddress(CidrSubnet::V6([0; 16], [0; 16])),
        ]
        .into(),
    }
}

/// `certificatePolicies` with one policy: SEQUENCE { SEQUENCE { OID } } (RFC 5280 §4.2.1.4).
fn policy(role: Role) -> CustomExtension {
    let content = sequence(&sequence(&object_identifier(&oid(POLICIES, role.number()))));
    CustomExtension::from_oid_content(CERTIFICATE_POLICIES, content)
}

/// `extKeyUsage` with our own usage: SEQUENCE { OID } (RFC 5280 §4.2.1.12). Written here because
/// rcgen holds each arc in 64 bits.
fn attestation_usage() -> CustomExtension {
    let content = sequence(&object_identifier(ATTESTATION_USAGE));
    CustomExtension::from_oid_content(EXTENDED_KEY_USAGE, content)
}

/// `noRevAvail`: NULL (RFC 9608 §3).
fn no_revocation() -> CustomExtension {
    CustomExtension::from_oid_content(NO_REVOCATION_AVAILABLE, [0x05, 0x00].into())
}

fn object_identifier(content: &[u8]) -> Vec<u8> {
    [&[0x06, DER_LENGTH_OF_OID], content].concat()
}

/// A SEQUENCE around less than 128 bytes, whose length is one byte (X.690 §8.1.3.4).
fn sequence(content: &[u8]) -> Vec<u8> {
    let mut bytes = [0x30, 0].to_vec();
    bytes[1] = content.len().to_le_bytes()[0];
    bytes.extend_from_slice(content);
    bytes
}

/// The content of the identifier with our arc and these two last arcs.
const fn oid(branch: u8, number: u8) -> [u8; 22] {
    let mut bytes = [0; 22];
    let mut index = 0;
    while index < ARC.len() {
        bytes[index] = ARC[index];
        index += 1;
    }
    bytes[20] = branch;
    bytes[21] = number;
    bytes
}

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// The start of the URI that names a device.
const DEVICE_URI: &str = "urn:carhop:dev:";
/// The start of the URI that names a tenant.
const TENANT_URI: &str = "urn:carhop:tenant:";

/// 2.25.185579578172228267448103993078281601747: the arc of UUID
/// 8b9d53a0-708c-4325-8b46-1e8d3df302d3, which needs no registration (X.667).
const ARC: [u8; 20] = [
    0x69, 0x82, 0x97, 0x9d, 0xa9, 0xe8, 0x8e, 0x88, 0xe2, 0x8c, 0xcb, 0x8b, 0xa3, 0x87, 0xd1, 0xd3,
    0xef, 0xcc, 0x85, 0x53,
];
const POLICIES: u8 = 1;
const USAGES: u8 = 2;
const DER_LENGTH_OF_OID: u8 = 22;

const CERTIFICATE_POLICIES: &[u64] = &[2, 5, 29, 32];
const EXTENDED_KEY_USAGE: &[u64] = &[2, 5, 29, 37];
const NO_REVOCATION_AVAILABLE: &[u64] = &[2, 5, 29, 56];
