//! A token attests something only when everything about it is right; each fault has its own error.

use proptest::prelude::*;

use super::*;
use crate::eat::{Attester, bind_nonce, instance_of};
use crate::fixture::{NOW, ed25519, es256};
use crate::pki::{AttestationRoot, Root, Serial};
use crate::suite::RustCrypto;

const SUITE: &dyn Suite = &RustCrypto;
const SERIAL: Serial = Serial::from_random([1; 16]);
const NONCE_VALUE: [u8; 32] = [7; 32];
const DAY_MS: u64 = 86_400_000;

fn root(label: &str) -> AttestationRoot {
    AttestationRoot::create(SUITE, label, es256(label), SERIAL, NOW).unwrap()
}

fn certificate(root: &AttestationRoot) -> Vec<u8> {
    let key = SUITE.public_key(&es256("attester")).unwrap();
    root.issue(SUITE, &key, "attester", SERIAL, NOW, DAY_MS).unwrap()
}

fn components() -> Vec<Component> {
    ["BL", "PRoT"]
        .map(|kind| Component {
            kind: kind.into(),
            measurement: FirmwareDigest([3; 32]),
            version: "1.4.2".into(),
            signer: [4; 32],
        })
        .into()
}

/// A token after `change`, verified under the right root.
fn changed(change: impl FnOnce(&mut Attester<'_>)) -> Result<Attestation, EatError> {
    let root = root("root");
    let (key, certificate, components) = (es256("attester"), certificate(&root), components());
    let mut attester = Attester {
        key: &key,
        certificate: &certificate,
        instance: instance_of(SUITE, &SUITE.public_key(&key).unwrap()),
        implementation: [6; 32],
        lifecycle: LIFECYCLE_SECURED,
        components: &components,
    };
    change(&mut attester);
    let token = attester.sign(SUITE, &NONCE_VALUE)?;
    verify(SUITE, &token, &[root.certificate()], &NONCE_VALUE, NOW)
}

fn token() -> Vec<u8> {
    let root = root("root");
    let key = es256("attester");
    let attester = Attester {
        key: &key,
        certificate: &certificate(&root),
        instance: [1; 33],
        implementation: [6; 32],
        lifecycle: LIFECYCLE_SECURED,
        components: &components(),
    };
    attester.sign(SUITE, &NONCE_VALUE).unwrap()
}

#[test]
fn a_token_tells_what_runs_on_which_device_under_which_root() {
    let attestation = changed(|_| {}).unwrap();
    let key = SUITE.public_key(&es256("attester")).unwrap();
    assert_eq!(attestation.key, key);
    assert_eq!(attestation.instance, instance_of(SUITE, &key));
    assert_eq!(attestation.implementation, [6; 32]);
    assert_eq!(attestation.lifecycle, LIFECYCLE_SECURED);
    assert_eq!(attestation.components, components());
    let fingerprint = pki::certificate_fingerprint(root("root").certificate());
    assert_eq!(attestation.root, fingerprint);
}

#[test]
fn only_the_secured_lifecycle_attests_anything() {
    for (lifecycle, secured) in [
        (0x0000, false),
        (0x1000, false),
        (0x2fff, false),
        (0x3000, true),
        (0x30ff, true),
        (0x3100, false),
        (0x4000, false),
        (0x6000, false),
        (0xffff, false),
    ] {
        let expected = if secured { Ok(lifecycle) } else { Err(EatError::NotSecured) };
        let attested = changed(|attester| attester.lifecycle = lifecycle);
        assert_eq!(attested.map(|one| one.lifecycle), expected, "{lifecycle:04x}");
    }
}

#[test]
fn a_token_counts_for_one_challenge_and_one_certificate() {
    let check = |nonce| {
        let root = root("root");
        verify(SUITE, &token(), &[root.certificate()], &nonce, NOW).map(|_| ())
    };
    assert_eq!(check(NONCE_VALUE), Ok(()));
    assert_eq!(check([8; 32]), Err(EatError::Nonce));
    let bound = bind_nonce(SUITE, &[1; 32], &KeyThumbprint([2; 32]));
    assert_ne!(bound, bind_nonce(SUITE, &[2; 32], &KeyThumbprint([2; 32])));
    assert_ne!(bound, bind_nonce(SUITE, &[1; 32], &KeyThumbprint([1; 32])));
    let mut spelled = b"carhop.eat.v1".to_vec();
    spelled.extend([[1; 32], [2; 32]].concat());
    assert_eq!(bound, SUITE.sha256(&[&spelled]));
}

#[test]
fn the_key_must_be_certified_for_attestation_by_a_configured_root_and_now() {
    let check =
        |roots: &[&[u8]], now| verify(SUITE, &token(), roots, &NONCE_VALUE, now).map(|_| ());
    let (own, foreign) = (root("root"), root("foreign"));
    let unknown = Err(EatError::Certificate(PkiError::UnknownRoot));
    assert_eq!(check(&[own.certificate()], NOW), Ok(()));
    assert_eq!(check(&[foreign.certificate(), own.certificate()], NOW), Ok(()));
    assert_eq!(check(&[foreign.certificate()], NOW), unknown);
    assert_eq!(check(&[], NOW), unknown);
    let expired = Err(EatError::Certificate(PkiError::Expired));
    assert_eq!(check(&[own.certificate()], NOW.plus_ms(DAY_MS + 1000)), expired);
    let early = Err(EatError::Certificate(PkiError::NotYetValid));
    assert_eq!(check(&[own.certificate()], NOW.minus_ms(DAY_MS)), early);
    // A certificate of a server under a root that is trusted for attestation.
    let tenant = "acme".parse().unwrap();
    let other = Root::create(SUITE, &tenant, es256("acme"), SERIAL, NOW).unwrap();
    let servers = other.server_authority(SUITE, es256("servers"), SERIAL, NOW).unwrap();
    let server = servers.issue(SUITE, &es256("attester"), &["localhost"], SERIAL, NOW).unwrap();
    let key = es256("attester");
    let components = components();
    let attester = Attester {
        key: &key,
        certificate: &server,
        instance: [1; 33],
        implementation: [6; 32],
        lifecycle: LIFECYCLE_SECURED,
        components: &components,
    };
    let token = attester.sign(SUITE, &NONCE_VALUE).unwrap();
    let judged = verify(SUITE, &token, &[servers.certificate()], &NONCE_VALUE, NOW);
    assert_eq!(judged, Err(EatError::Certificate(PkiError::WrongUsage)));
}

#[test]
fn only_the_certified_key_signs_a_token() {
    let stranger = es256("stranger");
    let token = changed(|attester| attester.key = Box::leak(Box::new(stranger)));
    assert_eq!(token, Err(EatError::Cose(CoseError::Signature)));
    let wrong = ed25519("attester");
    let token = changed(|attester| attester.key = Box::leak(Box::new(wrong)));
    assert_eq!(token, Err(EatError::Cose(CoseError::Algorithm)));
    let token = changed(|attester| attester.certificate = b"not a certificate");
    assert_eq!(token, Err(EatError::Certificate(PkiError::Malformed)));
}

#[test]
fn claims_of_any_other_form_are_refused() {
    let unexpected = || Err(EatError::Malformed(CborError::Unexpected));
    assert_eq!(changed(|attester| attester.instance[0] = 2), unexpected());
    assert_eq!(changed(|attester| attester.components = &[]), unexpected());
    let many = alloc::vec![components().remove(0); 17];
    assert_eq!(changed(|attester| attester.components = many.leak()), unexpected());
    let mut long = components();
    long[0].version = "1".repeat(TEXT_LENGTH_MAX + 1);
    let long = changed(|attester| attester.components = long.leak());
    assert_eq!(long, Err(EatError::Malformed(CborError::TooLong)));
    let root = root("root");
    let key = es256("attester");
    let sign = |claims: &[u8]| {
        let token = cose::sign1_x5chain(SUITE, &key, &certificate(&root), AAD, claims);
        verify(SUITE, &token.unwrap(), &[root.certificate()], &NONCE_VALUE, NOW)
    };
    let components = components();
    let good = Attester {
        key: &key,
        certificate: &[],
        instance: [1; 33],
        implementation: [6; 32],
        lifecycle: LIFECYCLE_SECURED,
        components: &components,
    };
    let mut good = good.claims(&NONCE_VALUE);
    assert!(sign(&good).is_ok());
    let at = good.windows(3).position(|window| window == b"tfm").unwrap();
    good[at] = b'T';
    assert_eq!(sign(&good), Err(EatError::Profile));
    assert_eq!(sign(&[0xa0]), unexpected());
    assert_eq!(sign(&good[1..]), Err(EatError::Malformed(CborError::Malformed)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_flipped_bit_survives(position: prop::sample::Index, bit in 0u8..8) {
        let root = root("root");
        let mut token = token();
        let position = position.index(token.len());
        token[position] ^= 1 << bit;
        let attested = verify(SUITE, &token, &[root.certificate()], &NONCE_VALUE, NOW);
        prop_assert!(attested.is_err(), "byte {}", position);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        prop_assert!(verify(SUITE, &bytes, &[], &NONCE_VALUE, NOW).is_err());
        let _ = Claims::read(&bytes);
    }
}
