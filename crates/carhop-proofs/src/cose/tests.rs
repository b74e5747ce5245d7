//! Our own vectors, then everybody else's through the same parsing and the same signature base.

use std::collections::BTreeMap;
use std::string::{String, ToString};
use std::vec::Vec;

use base64ct::{Base64, Base64Url, Base64UrlUnpadded, Encoding};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::suite::{AwsLc, RustCrypto};
use crate::vectors;

const AAD: &str = "carhop.test.v1";

fn key(algorithm: Algorithm, byte: u8) -> (SigningKey, PublicKey, KeyId) {
    let key = SigningKey::from_bytes(algorithm, [byte; 32]).unwrap();
    let public = RustCrypto.public_key(&key).unwrap();
    (key, public, key_id(&RustCrypto, &public))
}

fn open<'a>(
    bytes: &'a [u8],
    aad: &str,
    known: (PublicKey, KeyId),
) -> Result<Opened<'a>, CoseError> {
    open1(&RustCrypto, bytes, aad, |kid| (*kid == known.1).then_some(known.0))
}

#[test]
fn a_message_opens_under_its_key_and_kind_only() {
    for algorithm in [Algorithm::Ed25519, Algorithm::Es256] {
        let (signing, public, kid) = key(algorithm, 7);
        let (_, stranger, _) = key(algorithm, 8);
        let message = sign1(&AwsLc, &signing, kid, AAD, b"payload").unwrap();
        let opened = open(&message, AAD, (public, kid)).unwrap();
        assert_eq!(opened, Opened { kid, payload: b"payload" });
        assert_eq!(open(&message, "carhop.other.v1", (public, kid)), Err(CoseError::Signature));
        assert_eq!(open(&message, AAD, (stranger, kid)), Err(CoseError::Signature));
        assert_eq!(open(&message, AAD, (public, [0; 8])), Err(CoseError::UnknownKey));
    }
}

#[test]
fn the_algorithm_of_the_header_must_be_the_one_the_key_is_registered_for() {
    let (signing, _, kid) = key(Algorithm::Ed25519, 7);
    let (_, other, _) = key(Algorithm::Es256, 7);
    let message = sign1(&AwsLc, &signing, kid, AAD, b"payload").unwrap();
    assert_eq!(open(&message, AAD, (other, kid)), Err(CoseError::AlgorithmMismatch));
}

#[test]
fn every_header_but_the_exact_one_is_refused() {
    let (signing, public, kid) = key(Algorithm::Ed25519, 7);
    let header = |fill: &dyn Fn(&mut Writer) -> &mut Writer| {
        let mut header = Writer::new();
        fill(&mut header);
        header.finish()
    };
    let algorithm = |number| header(&|w| w.map(2).int(1).int(number).int(4).bytes(&kid));
    let cases: [(&str, Vec<u8>, CoseError); 15] = [
        ("nothing", header(&|w| w.map(0)), CoseError::Header),
        ("no key", header(&|w| w.map(1).int(1).int(-19)), CoseError::Header),
        (
            "crit",
            header(&|w| w.map(3).int(1).int(-19).int(2).array(1).int(99).int(4).bytes(&kid)),
            CoseError::Header,
        ),
        (
            "content type",
            header(&|w| w.map(3).int(1).int(-19).int(3).int(0).int(4).bytes(&kid)),
            CoseError::Header,
        ),
        (
            "short key id",
            header(&|w| w.map(2).int(1).int(-19).int(4).bytes(&kid[..7])),
            CoseError::Header,
        ),
        (
            "certificate in place of a key id",
            header(&|w| w.map(2).int(1).int(-19).int(33).bytes(&kid)),
            CoseError::Header,
        ),
        (
            "algorithm twice",
            header(&|w| w.map(3).int(1).int(-19).int(1).int(-19).int(4).bytes(&kid)),
            CoseError::Malformed(CborError::NotDeterministic),
        ),
        ("EdDSA of old", algorithm(-8), CoseError::Algorithm),
        ("ES256K", algorithm(-47), CoseError::Algorithm),
        ("RS256", algorithm(-257), CoseError::Algorithm),
        ("HMAC 256/256", algorithm(5), CoseError::Algorithm),
        ("no algorithm", algorithm(0), CoseError::Algorithm),
        ("ESP256, for a key of Ed25519", algorithm(-9), CoseError::AlgorithmMismatch),
        (
            "algorithm by name",
            header(&|w| w.map(2).int(1).text("Ed25519").int(4).bytes(&kid)),
            CoseError::Algorithm,
        ),
        ("no header at all", Vec::new(), CoseError::Malformed(CborError::Malformed)),
    ];
    for (name, protected, expected) in cases {
        let message = seal(&AwsLc, &signing, &protected, AAD, b"payload").unwrap();
        assert_eq!(open(&message, AAD, (public, kid)), Err(expected), "{name}");
    }
    let protected = header(&|w| w.map(2).int(1).int(-19).int(4).bytes(&kid));
    let mut unprotected = Writer::new();
    unprotected.tag(18).array(4).bytes(&protected).map(1).int(4).bytes(&kid);
    unprotected.bytes(b"payload").bytes(&[0; 64]);
    let message = unprotected.finish();
    assert_eq!(open(&message, AAD, (public, kid)), Err(CoseError::Unprotected));
}

#[test]
fn a_message_may_carry_its_certificate_instead() {
    let (signing, public, kid) = key(Algorithm::Es256, 7);
    let message = sign1_x5chain(&AwsLc, &signing, b"certificate", AAD, b"payload").unwrap();
    let opened =
        open1_x5chain(&RustCrypto, &message, AAD, |der| (der == b"certificate").then_some(public));
    assert_eq!(
        opened,
        Ok(OpenedWithCertificate { certificate: b"certificate", payload: b"payload" })
    );
    let untrusted = open1_x5chain(&RustCrypto, &message, AAD, |_| None);
    assert_eq!(untrusted, Err(CoseError::UnknownKey));
    assert_eq!(open(&message, AAD, (public, kid)), Err(CoseError::Header));
    let named = sign1(&AwsLc, &signing, kid, AAD, b"payload").unwrap();
    assert_eq!(open1_x5chain(&RustCrypto, &named, AAD, |_| Some(public)), Err(CoseError::Header));
}

#[test]
fn a_message_over_the_bound_is_neither_made_nor_read() {
    let (signing, public, kid) = key(Algorithm::Ed25519, 7);
    let made = sign1(&AwsLc, &signing, kid, AAD, &std::vec![0; MESSAGE_LENGTH_MAX]);
    assert_eq!(made, Err(CoseError::Malformed(CborError::TooLong)));
    let long = std::vec![0; MESSAGE_LENGTH_MAX + 1];
    assert_eq!(open(&long, AAD, (public, kid)), Err(CoseError::Malformed(CborError::TooLong)));
}

#[test]
fn key_ids_signature_base_and_proof_of_possession_match_the_projects_vectors() {
    let Some(vectors) = vectors::json("carhop-vectors.json") else { return };
    let seed = vectors::hex(&vectors["issuer_seed"]).try_into().unwrap();
    let signing = SigningKey::from_bytes(Algorithm::Ed25519, seed).unwrap();
    let public = RustCrypto.public_key(&signing).unwrap();
    assert_eq!(public.as_bytes(), vectors::hex(&vectors["issuer_pub"]));
    let print = vectors::hex(&vectors["cose_key_thumbprint_sha256"]);
    assert_eq!(thumbprint(&RustCrypto, &public), *print);
    let kid = key_id(&RustCrypto, &public);
    assert_eq!(kid, *vectors::hex(&vectors["kid"]));

    let (qr, aad) = (&vectors["qr"], vectors["qr"]["external_aad"].as_str().unwrap());
    let message = sign1(&RustCrypto, &signing, kid, aad, &vectors::hex(&qr["payload_hex"]));
    assert_eq!(message, Ok(vectors::hex(&qr["cose_hex"])));
    let message = vectors::hex(&qr["cose_hex"]);
    let parsed = Message::parse(&message).unwrap();
    let base = to_be_signed(parsed.protected, aad.as_bytes(), parsed.payload);
    assert_eq!(base, vectors::hex(&qr["tbs_hex"]));
    assert!(open(&message, aad, (public, kid)).is_ok());

    let lock = &vectors["lock"];
    let x = vectors::hex(&lock["device_pub_x"]).try_into().unwrap();
    let y = vectors::hex(&lock["device_pub_y"]).try_into().unwrap();
    let device = PublicKey::p256_coordinates(&x, &y);
    let base = vectors::hex(&lock["pop_tbs_hex"]);
    let possession = base.last_chunk::<65>().unwrap();
    let aad = "carhop.lock.pop.v1";
    assert_eq!(to_be_signed(&bare_header(Algorithm::Es256), aad.as_bytes(), possession), base);
    let signature = vectors::hex(&lock["pop_sig_hex"]);
    for suite in [&AwsLc as &dyn Suite, &RustCrypto] {
        assert!(verify_detached(suite, &device, aad, possession, &signature));
        assert!(!verify_detached(suite, &device, "carhop.presence.v1", possession, &signature));
    }
}

/// The message as others make them: same envelope and signature base, any header. Returns whether
/// it verifies under `key`; `Err` when the envelope or its algorithm is not one we know.
fn verify_foreign(bytes: &[u8], aad: &[u8], key: &PublicKey) -> Result<bool, CborError> {
    let message = Message::parse(bytes)?;
    let algorithm = [message.protected, message.unprotected].into_iter().find_map(foreign_alg);
    let expected = match key.algorithm() {
        Algorithm::Ed25519 => -8,
        Algorithm::Es256 => -7,
    };
    if algorithm != Some(expected) {
        return Err(CborError::Unexpected);
    }
    // RFC 9052 §4.4 takes an encoded empty map for no header; we have no message without one.
    let protected = if message.protected == EMPTY_MAP { &[] } else { message.protected };
    let base = to_be_signed(protected, aad, message.payload);
    let [a, b] = [&AwsLc as &dyn Suite, &RustCrypto]
        .map(|suite| suite.verify(key, &base, message.signature));
    assert_eq!(a, b);
    Ok(a)
}

/// Others do not sort their headers, so this reads them with the plain decoder.
fn foreign_alg(header: &[u8]) -> Option<i64> {
    let mut header = minicbor::Decoder::new(header);
    for _ in 0..header.map().ok()?? {
        if header.i64().is_ok_and(|label| label == 1) {
            return header.i64().ok();
        }
        header.skip().ok()?;
    }
    None
}

fn foreign_key(key: &Value) -> Option<PublicKey> {
    let part = |name: &str| -> Option<[u8; 32]> {
        let bytes = match (&key[name], &key[name.to_string() + "_hex"]) {
            (Value::String(text), _) => Base64UrlUnpadded::decode_vec(text.trim_end_matches('='))
                .or_else(|_| Base64Url::decode_vec(text))
                .unwrap(),
            (_, hex) => vectors::hex(hex),
        };
        bytes.try_into().ok()
    };
    match key["crv"].as_str()? {
        "P-256" => Some(PublicKey::p256_coordinates(&part("x")?, &part("y")?)),
        "Ed25519" => Some(PublicKey::ed25519(part("x")?).unwrap()),
        _ => None,
    }
}

#[test]
fn the_examples_of_the_cose_working_group_pass_and_fail_as_they_should() {
    let mut counts = BTreeMap::new();
    for (path, example) in vectors::json_below("cose") {
        let name = path.rsplit('/').next().unwrap();
        let bytes = vectors::hex(&example["output"]["cbor"]);
        let sign = &example["input"]["sign0"];
        let hash = sign["alg"].as_str().unwrap_or_default();
        let outcome = match foreign_key(&sign["key"]).filter(|_| hash != "ES512") {
            // Other kinds of message, and curves and hashes that we do not speak.
            None => {
                let (_, public, kid) = key(Algorithm::Es256, 7);
                assert!(open(&bytes, "", (public, kid)).is_err(), "{name}");
                if let Ok(message) = Message::parse(&bytes) {
                    let base = to_be_signed(message.protected, b"", message.payload);
                    assert_eq!(base, vectors::hex(&example["intermediates"]["ToBeSign_hex"]));
                }
                "not ours"
            }
            Some(public) => {
                let aad = sign.get("external").map(vectors::hex).unwrap_or_default();
                let verified = verify_foreign(&bytes, &aad, &public) == Ok(true);
                assert_eq!(verified, example["fail"] != true, "{name}");
                // And the strict door lets none of them through.
                assert!(open1(&AwsLc, &bytes, "", |_| Some(public)).is_err(), "{name}");
                if verified { "verifies" } else { "fails" }
            }
        };
        *counts.entry(outcome).or_insert(0) += 1;
    }
    if vectors::folder().is_some() {
        let expected = [("fails", 4), ("not ours", 14), ("verifies", 5)];
        assert_eq!(counts, BTreeMap::from(expected));
    }
}

#[test]
fn vaccination_certificates_decode_and_verify_as_their_test_cases_say() {
    let mut counts = BTreeMap::new();
    for (path, case) in vectors::json_below("dcc") {
        let expected = &case["EXPECTEDRESULTS"];
        let text: Option<String> = case["PREFIX"].as_str().map(ToString::to_string);
        let decodes = expected["EXPECTEDB45DECODE"].as_bool();
        if let (Some(text), Some(decodes)) = (&text, decodes) {
            let body = text.strip_prefix("HC1:").and_then(|body| base45::decode(body).ok());
            assert!(body.is_some() || !decodes, "{path}");
            if let (Some(bytes), Some(packed)) = (body, case["COMPRESSED"].as_str()) {
                assert_eq!(bytes, vectors::hex(&packed.into()), "{path}");
            }
        }
        let (Some(verifies), Some(certificate), true) = (
            expected["EXPECTEDVERIFY"].as_bool(),
            case["TESTCTX"]["CERTIFICATE"].as_str(),
            case["COSE"].is_string(),
        ) else {
            continue;
        };
        let bytes = vectors::hex(&case["COSE"]);
        // One issuer put the optional CWT tag 61 (RFC 8392 §6) in front.
        let bytes = bytes.strip_prefix(&[0xd8, 0x3d]).unwrap_or(&bytes);
        let der = Base64::decode_vec(certificate).unwrap();
        let Some(public) = certified_p256_key(&der) else { continue };
        let outcome = verify_foreign(bytes, b"", &public) == Ok(true);
        assert_eq!(outcome, verifies, "{path}");
        *counts.entry(verifies).or_insert(0) += 1;
    }
    if vectors::folder().is_some() {
        assert_eq!(counts, BTreeMap::from([(false, 2), (true, 13)]));
    }
}

/// The first uncompressed P-256 key that a certificate holds as a bit string.
fn certified_p256_key(der: &[u8]) -> Option<PublicKey> {
    let at = der.windows(4).position(|window| window == [0x03, 0x42, 0x00, 0x04])?;
    PublicKey::p256(der.get(at + 3..at + 68)?.try_into().ok()?).ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_signed_opens_and_no_flipped_bit_does(
        payload in proptest::collection::vec(any::<u8>(), 0..100), choice: prop::sample::Index
    ) {
        for algorithm in [Algorithm::Ed25519, Algorithm::Es256] {
            let (signing, public, kid) = key(algorithm, 7);
            let mut message = sign1(&RustCrypto, &signing, kid, AAD, &payload).unwrap();
            prop_assert_eq!(open(&message, AAD, (public, kid)).unwrap().payload, &payload);
            let bit = choice.index(message.len() * 8);
            message[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(open(&message, AAD, (public, kid)).is_err());
            message[bit / 8] ^= 1 << (bit % 8);
            message.push(0);
            prop_assert!(open(&message, AAD, (public, kid)).is_err());
            message.truncate(bit / 8);
            prop_assert!(open(&message, AAD, (public, kid)).is_err());
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_never_open(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..200), framed: bool
    ) {
        let (_, public, _) = key(Algorithm::Ed25519, 7);
        if framed {
            bytes.splice(0..0, [0xd2, 0x84]);
        }
        prop_assert!(open1(&RustCrypto, &bytes, AAD, |_| Some(public)).is_err());
        prop_assert!(open1_x5chain(&RustCrypto, &bytes, AAD, |_| Some(public)).is_err());
    }
}
