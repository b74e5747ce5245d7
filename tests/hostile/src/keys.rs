//! The keys, times and names that the seeds are made with.

use carhop_kernel::id::DeviceId;
use carhop_kernel::time::Timestamp;
use carhop_proofs::cose::{self, KeyId};
use carhop_proofs::suite::{Algorithm, AwsLc, PublicKey, RustCrypto, SigningKey, Suite};

/// The two libraries, which must agree about everything.
pub const SUITES: [&dyn Suite; 2] = [&AwsLc, &RustCrypto];
/// When everything happens.
pub const NOW: Timestamp = Timestamp::from_unix_ms(1_795_000_005_000);
/// Who everything is about.
pub const DEVICE: DeviceId = DeviceId::from_bytes([0xd1; 16]);

/// The authority's key.
pub fn authority() -> SigningKey {
    SigningKey::from_bytes(Algorithm::Ed25519, [7; 32]).unwrap()
}

/// A device's key, or a client's.
pub fn device() -> SigningKey {
    SigningKey::from_bytes(Algorithm::Es256, [9; 32]).unwrap()
}

/// The public half.
pub fn public(key: &SigningKey) -> PublicKey {
    AwsLc.public_key(key).unwrap()
}

/// The name of a key.
pub fn kid(key: &SigningKey) -> KeyId {
    cose::key_id(&AwsLc, &public(key))
}

/// A look-up that knows one key.
pub fn knows(key: &SigningKey) -> impl Fn(&KeyId) -> Option<PublicKey> + Copy + use<> {
    let (kid, public) = (kid(key), public(key));
    move |asked| (*asked == kid).then_some(public)
}
