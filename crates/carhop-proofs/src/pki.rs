//! Certificates: one root for each tenant, under it one issuing authority for each class of device
//! and one for TLS servers, and short-lived leaves (M-DEV-1; RFC 5280; standards §4.5).
//!
//! There is no revocation here: device leaves say so themselves (RFC 9608) and die within days. The
//! deny list and the trust epoch are what stops a device at once, and they live with the authority.

mod authority;
mod keys;
mod profile;
mod verify;

pub use authority::{AttestationRoot, IssuingAuthority, Root, Serial, ServerAuthority};
pub use keys::{certificate_fingerprint, csr, from_pkcs8, pkcs8};
pub use profile::{
    AUTHORITY_LIFETIME_MS, CLOCK_SKEW_MS, ROOT_LIFETIME_MS, SERVER_LIFETIME_MS, device_lifetime_ms,
};
pub use verify::{
    CHAIN_LENGTH_MAX, DeviceCertificate, certified_key, verify_attestation_key, verify_device,
};

/// Longest certificate or request that is read, in bytes.
pub const CERTIFICATE_LENGTH_MAX: usize = 4096;

/// Most names one server certificate carries.
pub const SERVER_NAMES_MAX: usize = 16;

/// Why a certificate, an authority or a request was not made or not loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// The request is no PKCS#10 request, too long, or has bytes after its end.
    #[error("the request is malformed")]
    MalformedRequest,
    /// The request is not signed by the key it names (RFC 2986 §3).
    #[error("the request does not prove possession of its key")]
    NoPossession,
    /// Certificates are for P-256 keys alone.
    #[error("the key is not a P-256 key")]
    KeyKind,
    /// The private key is refused by the cryptographic library, or its encoding is malformed.
    #[error("the private key is unusable")]
    BadKey,
    /// The stored certificate cannot be read as one of the authority asked for.
    #[error("the certificate is not one of this authority")]
    NotThisAuthority,
    /// The private key does not belong to the stored certificate.
    #[error("the key does not belong to the certificate")]
    KeyMismatch,
    /// The authority is not valid now.
    #[error("the authority has expired or is not valid yet")]
    AuthorityNotValid,
    /// No server name, too many, or one that is neither a DNS name nor an IP address.
    #[error("a server name is missing, malformed or one too many")]
    ServerName,
    /// The time does not fit a certificate.
    #[error("the time does not fit a certificate")]
    Time,
    /// The certificate could not be encoded.
    #[error("the certificate could not be encoded")]
    Encoding,
}

/// Why a certificate chain proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PkiError {
    /// Empty, or more or longer certificates than are read.
    #[error("the chain is empty or exceeds the bounds")]
    Bounds,
    /// A certificate is not well-formed.
    #[error("a certificate is malformed")]
    Malformed,
    /// No configured root issued it.
    #[error("the chain does not lead to a configured root")]
    UnknownRoot,
    /// A signature in the chain does not verify.
    #[error("a signature in the chain does not verify")]
    BadSignature,
    /// A certificate of the chain has expired.
    #[error("a certificate of the chain has expired")]
    Expired,
    /// A certificate of the chain is not valid yet.
    #[error("a certificate of the chain is not valid yet")]
    NotYetValid,
    /// An authority's certificate was presented as a leaf.
    #[error("an authority's certificate was presented as a leaf")]
    AuthorityAsLeaf,
    /// A leaf, or an authority beyond its path length, issued a certificate.
    #[error("a certificate of the chain may not issue certificates")]
    NotAnIssuer,
    /// The key is certified for another usage.
    #[error("the key is certified for another usage")]
    WrongUsage,
    /// The leaf has names its authority may not give.
    #[error("the leaf has a name its authority may not give")]
    NameNotPermitted,
    /// The leaf and its authority name no class, or not the same one.
    #[error("the leaf and its authority do not agree on a class")]
    Class,
    /// The root, the authority and the leaf name no tenant, or not the same one.
    #[error("the root, the authority and the leaf do not agree on a tenant")]
    Tenant,
    /// The leaf does not name exactly one device.
    #[error("the leaf does not name exactly one device")]
    Device,
    /// The certified key is not a P-256 key.
    #[error("the certified key is not a P-256 key")]
    KeyKind,
    /// Refused by the path validation for another reason.
    #[error("the path validation refused the chain")]
    Refused,
}

#[cfg(test)]
#[cfg(feature = "rustcrypto")]
mod tests;
