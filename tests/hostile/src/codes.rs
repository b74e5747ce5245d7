//! Scannable codes: `CH1:` and `CH2:` in base45 around a signed message.

use carhop_kernel::id::ProofId;
use carhop_proofs::qr::{self, Handoff, rotating};
use carhop_proofs::suite::{AwsLc, RustCrypto, Suite};
use carhop_proofs::{cbor, cose};

use crate::keys::{NOW, SUITES, authority, kid, knows};
use crate::{Cost, Target};

/// The targets of this module.
pub const TARGETS: &[&Target] = &[
    &Target { name: "scanned-code", seeds: texts, law: text, cost: Cost::SMALL },
    &Target { name: "scanned-claims", seeds: claims, law: claim, cost: Cost::SMALL },
];

fn handoff() -> Handoff {
    Handoff::issue("carhop.example".to_owned(), NOW, ProofId::from_bytes([3; 16]), [4; 16])
}

fn texts() -> Vec<Vec<u8>> {
    let key = authority();
    let fixed = qr::make(&AwsLc, &key, kid(&key), &handoff()).unwrap();
    let message = rotating::issue(&AwsLc, &key, kid(&key), &handoff()).unwrap();
    let turning = rotating::show(&AwsLc, &message, handoff().proof, &SECRET, NOW);
    vec![fixed.into_bytes(), turning.into_bytes()]
}

/// A code that verifies is exactly the text that its issuer makes of what it says.
fn text(input: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(input) else { return false };
    let key = authority();
    let [one, other] = SUITES.map(|suite| qr::verify(suite, text, NOW, knows(&key)));
    assert_eq!(one, other);
    if let Ok((signer, handoff)) = &one {
        assert_eq!(qr::make(&RustCrypto, &key, *signer, handoff).unwrap(), text);
    }
    let [turning, other] = SUITES.map(|suite| rotating::read(suite, text, NOW, knows(&key)));
    assert_eq!(turning, other);
    let Ok(presented) = turning else { return one.is_ok() };
    if presented.check(&AwsLc, &SECRET, None, NOW).is_ok() {
        let message = rotating::issue(&AwsLc, &key, presented.kid, &presented.handoff).unwrap();
        let shown = rotating::show(&AwsLc, &message, presented.handoff.proof, &SECRET, NOW);
        // One step to either side is taken too; its text differs in step and proof alone.
        assert_eq!(shown.len(), text.len());
        assert!(shown == text || presented.step != NOW.unix_s() / 15);
    }
    true
}

fn claims() -> Vec<Vec<u8>> {
    let key = authority();
    let message = rotating::issue(&AwsLc, &key, kid(&key), &handoff()).unwrap();
    let opened = cose::open1(&AwsLc, &message, AAD, knows(&key)).unwrap();
    vec![opened.payload.to_vec()]
}

/// Whatever the authority could be made to sign, only sound claims are read.
fn claim(input: &[u8]) -> bool {
    let key = authority();
    let Ok(message) = cose::sign1(&AwsLc, &key, kid(&key), AAD, input) else { return false };
    let accepted = text(format!("CH1:{}", base45::encode(&message)).as_bytes());
    let mut envelope = cbor::Writer::new();
    let label: &[&[u8]] = &[b"carhop.rot.v1", &[3; 16], &(NOW.unix_s() / 15).to_be_bytes()];
    let proof = AwsLc.hmac_sha256(&SECRET, label);
    envelope.array(3).bytes(&message).uint(NOW.unix_s() / 15).bytes(&proof[..8]);
    text(format!("CH2:{}", base45::encode(envelope.finish())).as_bytes());
    accepted
}

const SECRET: [u8; 32] = [6; 32];
const AAD: &str = "carhop.handoff.qr.v1";
