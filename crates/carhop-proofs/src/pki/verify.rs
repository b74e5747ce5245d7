//! What a presented chain proves: which device of which class and tenant holds the key, or that a
//! key may sign attestation tokens.
//!
//! The path (RFC 5280 §6) is walked by rustls-webpki; only what the names and policies mean is
//! decided here. Whether the device is still wanted is the deny list's to say.

use alloc::vec::Vec;

use carhop_kernel::device::DeviceClass;
use carhop_kernel::digest::KeyThumbprint;
use carhop_kernel::id::{DeviceId, TenantId};
use carhop_kernel::time::Timestamp;
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::keys::{certificate_fingerprint, p256_key};
use super::profile::{self, ATTESTATION_USAGE, Role};
use super::{CERTIFICATE_LENGTH_MAX, PkiError};
use crate::suite::PublicKey;

/// Most certificates in a presented chain.
pub const CHAIN_LENGTH_MAX: usize = 4;

/// What a verified device certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceCertificate {
    /// Which device.
    pub device: DeviceId,
    /// What it is, by its authority's word and its own certificate's.
    pub class: DeviceClass,
    /// Whose it is, by its root's, its authority's and its own certificate's word.
    pub tenant: TenantId,
    /// Its key.
    pub key: PublicKey,
    /// SHA-256 of the certificate.
    pub fingerprint: KeyThumbprint,
    /// First second in which it is valid.
    pub not_before: Timestamp,
    /// Last second in which it is valid.
    pub not_after: Timestamp,
}

impl DeviceCertificate {
    /// When the device should renew: at half its life (standards §4.5).
    pub fn renewal_at(&self) -> Timestamp {
        self.not_before.plus_ms(self.not_after.since_ms(self.not_before) / 2)
    }
}

/// The device that a chain, leaf first, stands for, when it leads to one of `roots` (M-DEV-1).
pub fn verify_device(
    chain: &[&[u8]],
    roots: &[&[u8]],
    now: Timestamp,
) -> Result<DeviceCertificate, PkiError> {
    let usage = KeyUsage::required(CLIENT_AUTHENTICATION);
    let path = Path::walk(chain, roots, usage, now)?;
    // One authority stands between a device and its root: neither the root itself nor an authority
    // of an authority certifies devices.
    let [authority] = path.authorities.as_slice() else { return Err(PkiError::Class) };
    let root = parse(path.root).ok_or(PkiError::Malformed)?;
    let authority = parse(authority).ok_or(PkiError::Malformed)?;
    let leaf = parse(path.leaf).ok_or(PkiError::Malformed)?;

    let class = match (Role::of(&authority), Role::of(&leaf)) {
        (Some(Role::Devices(class)), Some(Role::Devices(same))) if class == same => class,
        (_, _) => return Err(PkiError::Class),
    };
    let tenant = profile::tenant_of(&leaf).ok_or(PkiError::Tenant)?;
    if [&root, &authority].into_iter().any(|one| profile::tenant_of(one).as_ref() != Some(&tenant))
    {
        return Err(PkiError::Tenant);
    }
    let device = profile::device_of(&leaf).ok_or(PkiError::Device)?;
    let key = signing_key(&leaf)?;
    let (not_before, not_after) = validity(&leaf).ok_or(PkiError::Malformed)?;
    let fingerprint = certificate_fingerprint(path.leaf);
    Ok(DeviceCertificate { device, class, tenant, key, fingerprint, not_before, not_after })
}

/// The key in `certificate` when one of `roots` itself certified it for signing attestation tokens,
/// with the fingerprint of that root.
pub fn verify_attestation_key(
    certificate: &[u8],
    roots: &[&[u8]],
    now: Timestamp,
) -> Result<(PublicKey, KeyThumbprint), PkiError> {
    let path = Path::walk(&[certificate], roots, KeyUsage::required(ATTESTATION_USAGE), now)?;
    let key = signing_key(&parse(certificate).ok_or(PkiError::Malformed)?)?;
    Ok((key, certificate_fingerprint(path.root)))
}

/// The key in a certificate, whoever vouches for it: for those who know the certificate by its fingerprint.
pub fn certified_key(certificate: &[u8]) -> Option<PublicKey> {
    let is_short = certificate.len() <= CERTIFICATE_LENGTH_MAX;
    p256_key(parse(certificate).filter(|_| is_short)?.public_key())
}

/// A certificate that is well-formed to its last byte.
pub(super) fn parse(certificate: &[u8]) -> Option<X509Certificate<'_>> {
    let (rest, parsed) = X509Certificate::from_der(certificate).ok()?;
    rest.is_empty().then_some(parsed)
}

/// First and last second of a certificate's life.
pub(super) fn validity(certificate: &X509Certificate<'_>) -> Option<(Timestamp, Timestamp)> {
    let validity = certificate.validity();
    let not_before = u64::try_from(validity.not_before.timestamp()).ok()?;
    let not_after = u64::try_from(validity.not_after.timestamp()).ok()?;
    Some((Timestamp::from_unix_s(not_before), Timestamp::from_unix_s(not_after)))
}

/// A verified path.
struct Path<'a> {
    leaf: &'a [u8],
    authorities: Vec<Vec<u8>>,
    root: &'a [u8],
}

impl<'a> Path<'a> {
    fn walk(
        chain: &[&'a [u8]],
        given: &[&'a [u8]],
        usage: KeyUsage,
        now: Timestamp,
    ) -> Result<Self, PkiError> {
        let too_long = |certificate: &&[u8]| certificate.len() > CERTIFICATE_LENGTH_MAX;
        let Some((&leaf, rest)) = chain.split_first() else { return Err(PkiError::Bounds) };
        if chain.len() > CHAIN_LENGTH_MAX || chain.iter().any(too_long) {
            return Err(PkiError::Bounds);
        }
        let end_entity = CertificateDer::from(leaf);
        let end_entity = EndEntityCert::try_from(&end_entity).map_err(|error| refusal(&error))?;
        let rest: Vec<_> = rest.iter().map(|&der| CertificateDer::from(der)).collect();
        let roots: Vec<_> = given.iter().map(|&der| CertificateDer::from(der)).collect();
        let anchors = roots.iter().map(anchor_from_trusted_cert).collect::<Result<Vec<_>, _>>();
        let anchors = anchors.map_err(|error| refusal(&error))?;
        let time = UnixTime::since_unix_epoch(core::time::Duration::from_secs(now.unix_s()));
        let algorithms = [webpki::aws_lc_rs::ECDSA_P256_SHA256];
        let path = end_entity
            .verify_for_usage(&algorithms, &anchors, &rest, time, usage, None, None)
            .map_err(|error| refusal(&error))?;
        let authorities = path.intermediate_certificates().map(|one| one.der().to_vec()).collect();
        let root = anchors.iter().position(|anchor| anchor == path.anchor());
        let root = *root.and_then(|index| given.get(index)).ok_or(PkiError::UnknownRoot)?;
        // RFC 5280 leaves the life of a trust anchor to its user: ours end too.
        let parsed = parse(root).ok_or(PkiError::Malformed)?;
        let (not_before, not_after) = validity(&parsed).ok_or(PkiError::Malformed)?;
        if now < not_before {
            return Err(PkiError::NotYetValid);
        }
        if now.unix_s() > not_after.unix_s() {
            return Err(PkiError::Expired);
        }
        Ok(Self { leaf, authorities, root })
    }
}

/// The P-256 key of a leaf that may sign.
fn signing_key(leaf: &X509Certificate<'_>) -> Result<PublicKey, PkiError> {
    let usage = leaf.key_usage().map_err(|_| PkiError::Malformed)?;
    if !usage.is_some_and(|usage| usage.value.digital_signature()) {
        return Err(PkiError::WrongUsage);
    }
    p256_key(&leaf.subject_pki).ok_or(PkiError::KeyKind)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the library's errors are open and all refuse")]
fn refusal(error: &webpki::Error) -> PkiError {
    use webpki::Error;
    match error {
        Error::UnknownIssuer => PkiError::UnknownRoot,
        Error::InvalidSignatureForPublicKey
        | Error::SignatureAlgorithmMismatch
        | Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => PkiError::BadSignature,
        Error::CertExpired { .. } => PkiError::Expired,
        Error::CertNotValidYet { .. } => PkiError::NotYetValid,
        Error::CaUsedAsEndEntity => PkiError::AuthorityAsLeaf,
        Error::EndEntityUsedAsCa | Error::PathLenConstraintViolated => PkiError::NotAnIssuer,
        Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => PkiError::WrongUsage,
        Error::NameConstraintViolation => PkiError::NameNotPermitted,
        Error::BadDer
        | Error::BadDerTime
        | Error::TrailingData(_)
        | Error::ExtensionValueInvalid
        | Error::MalformedExtensions
        | Error::UnsupportedCertVersion => PkiError::Malformed,
        _ => PkiError::Refused,
    }
}

/// id-kp-clientAuth, 1.3.6.1.5.5.7.3.2.
const CLIENT_AUTHENTICATION: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];
