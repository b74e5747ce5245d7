//! Both kinds of code, byte for byte and second for second.

use std::vec::Vec;

use proptest::prelude::*;
use serde_json::Value;

use super::rotating::RotationError;
use super::*;
use crate::suite::{Algorithm, AwsLc, RustCrypto};
use crate::{fixture, vectors};

const NOW: Timestamp = Timestamp::from_unix_s(1_800_000_000);
const ROTATION_KEY: [u8; 32] = [5; 32];

fn handoff() -> Handoff {
    Handoff::issue("carhop.example".into(), NOW, ProofId::from_bytes([1; 16]), [2; 16])
}

fn signer() -> (SigningKey, PublicKey, KeyId) {
    let key = fixture::ed25519("qr issuer");
    let public = RustCrypto.public_key(&key).unwrap();
    (key, public, cose::key_id(&RustCrypto, &public))
}

fn code(handoff: &Handoff) -> String {
    let (key, _, kid) = signer();
    make(&RustCrypto, &key, kid, handoff).unwrap()
}

fn scan(text: &str, now: Timestamp) -> Result<Handoff, QrError> {
    let (_, public, kid) = signer();
    verify(&AwsLc, text, now, |asked| (*asked == kid).then_some(public)).map(|(_, said)| said)
}

/// A code over claims that no issuer of ours would sign.
fn code_over(claims: &[u8]) -> String {
    let (key, _, kid) = signer();
    let message = cose::sign1(&RustCrypto, &key, kid, EXTERNAL_AAD, claims).unwrap();
    to_text(PREFIX, &message)
}

fn rotating(now: Timestamp) -> String {
    let (key, _, kid) = signer();
    let message = rotating::issue(&RustCrypto, &key, kid, &handoff()).unwrap();
    rotating::show(&RustCrypto, &message, handoff().proof, &ROTATION_KEY, now)
}

fn read_rotating(text: &str, now: Timestamp) -> Result<rotating::Presented, QrError> {
    let (_, public, _) = signer();
    rotating::read(&AwsLc, text, now, |_| Some(public))
}

#[test]
fn codes_are_the_bytes_of_the_projects_vectors() {
    let Some(vectors) = vectors::json("carhop-vectors.json") else { return };
    let bytes = |value: &Value| vectors::hex(value);
    let seed = bytes(&vectors["issuer_seed"]).try_into().unwrap();
    let key = SigningKey::from_bytes(Algorithm::Ed25519, seed).unwrap();
    let public = AwsLc.public_key(&key).unwrap();
    let kid = cose::key_id(&AwsLc, &public);
    let claims = bytes(&vectors["qr"]["payload_hex"]);
    let handoff = Handoff::decode(&claims).unwrap();
    assert_eq!(handoff.issuer, "carhop.example");
    let issued = handoff.issued_at;
    assert_eq!(
        Handoff::issue(handoff.issuer.clone(), issued.plus_ms(999), handoff.proof, handoff.order),
        handoff
    );
    for suite in [&AwsLc as &dyn Suite, &RustCrypto] {
        let text = make(suite, &key, kid, &handoff).unwrap();
        assert_eq!(text, vectors["qr"]["text"]);
        assert_eq!(text.len(), vectors["qr"]["text_len"]);
        let verified = verify(suite, &text, issued, |_| Some(public));
        assert_eq!(verified, Ok((kid, handoff.clone())));

        let vector = &vectors["qr_rotating"];
        let secret = bytes(&vector["K"]).try_into().unwrap();
        let message = rotating::issue(suite, &key, kid, &handoff).unwrap();
        let text = rotating::show(suite, &message, handoff.proof, &secret, issued);
        assert_eq!(text, vector["text"]);
        assert_eq!(from_text("CH2:", &text), Ok(bytes(&vector["envelope_hex"])));
        let presented = rotating::read(suite, &text, issued, |_| Some(public)).unwrap();
        assert_eq!(presented.step, vector["step"]);
        assert_eq!(presented.check(suite, &secret, None, issued), Ok(presented.step));
    }
}

#[test]
fn a_code_lives_45_seconds_give_or_take_5() {
    let text = code(&handoff());
    for (offset_ms, expected) in [
        (-5_001, Err(QrError::NotYetValid)),
        (-5_000, Ok(())),
        (0, Ok(())),
        (49_999, Ok(())),
        (50_000, Err(QrError::Expired)),
        (1_000_000, Err(QrError::Expired)),
    ] {
        let now = NOW.unix_ms().checked_add_signed(offset_ms).unwrap();
        let scanned = scan(&text, Timestamp::from_unix_ms(now)).map(|_| ());
        assert_eq!(scanned, expected, "{offset_ms}");
    }
}

#[test]
fn a_code_for_any_other_length_of_time_is_refused_however_well_signed() {
    for life_ms in [0, 44_000, 46_000, 86_400_000] {
        let mut wrong = handoff();
        wrong.expires_at = wrong.issued_at.plus_ms(life_ms);
        assert_eq!(scan(&code(&wrong), NOW), Err(QrError::Lifetime), "{life_ms}");
    }
    let mut backwards = handoff();
    backwards.expires_at = NOW.minus_ms(45_000);
    assert_eq!(scan(&code(&backwards), NOW), Err(QrError::Lifetime));
}

#[test]
fn only_the_exact_claims_are_read() {
    let good = handoff().encode().unwrap();
    assert!(scan(&code_over(&good), NOW).is_ok());
    let mut extra = Writer::new();
    extra.map(1).int(1).text("carhop.example");
    let mut long = handoff();
    long.issuer = "a".repeat(ISSUER_LENGTH_MAX);
    let long = long.encode().unwrap();
    // One byte more of issuer: the text head 0x78 0x18 becomes 0x78 0x19.
    let longer = [&long[..2], &[0x78, 0x19, b'a'], &long[4..]].concat();
    let huge = |at: usize| [&good[..at], &[0x1b; 1], &[0xff; 8], &good[at + 5..]].concat();
    for (name, claims, expected) in [
        ("other claims", extra.finish(), QrError::Claims(CborError::Unexpected)),
        ("trailing byte", [&good[..], &[0]].concat(), QrError::Claims(CborError::Malformed)),
        ("nothing", Vec::new(), QrError::Claims(CborError::Malformed)),
        ("long issuer", longer, QrError::Issuer),
        ("expiry at the end of time", huge(18), QrError::Lifetime),
    ] {
        assert_eq!(scan(&code_over(&claims), NOW), Err(expected), "{name}");
    }
    for issuer in ["", "an-issuer-of-25-characters"] {
        let (key, _, kid) = signer();
        let wrong = Handoff { issuer: issuer.into(), ..handoff() };
        assert_eq!(make(&RustCrypto, &key, kid, &wrong), Err(QrError::Issuer), "{issuer}");
    }
}

#[test]
fn what_is_not_a_signed_handoff_of_a_known_key_is_refused() {
    let text = code(&handoff());
    let lower = text.to_lowercase();
    let message = from_text(PREFIX, &text).unwrap();
    let (key, _, kid) = signer();
    let receipt =
        cose::sign1(&RustCrypto, &key, kid, "carhop.receipt.v1", &handoff().encode().unwrap());
    let cases = [
        ("", QrError::Prefix),
        ("CH1:", QrError::Message(CoseError::Malformed(CborError::Malformed))),
        ("CH1:A", QrError::Encoding),
        (&lower, QrError::Prefix),
        ("CH1:::::::", QrError::Encoding),
        (&to_text("CH2:", &message), QrError::Prefix),
        (&"C".repeat(301), QrError::TooLong),
        (&to_text(PREFIX, &receipt.unwrap()), QrError::Message(CoseError::Signature)),
    ];
    for (text, expected) in cases {
        assert_eq!(scan(text, NOW), Err(expected), "{text}");
    }
    let revoked = verify(&AwsLc, &text, NOW, |_| None);
    assert_eq!(revoked, Err(QrError::Message(CoseError::UnknownKey)));
    // A final pair of characters may say more than a byte holds; that is not a second spelling.
    assert_eq!(from_text(PREFIX, "CH1:00").unwrap(), [0]);
    assert_eq!(base45::decode("V5").ok().map(|bytes| bytes[0]), Some(0));
    assert_eq!(from_text(PREFIX, "CH1:V5"), Err(QrError::Encoding));
}

#[test]
fn a_rotating_code_is_good_for_its_own_step_and_its_neighbours_once() {
    let text = rotating(NOW);
    let presented = read_rotating(&text, NOW).unwrap();
    let step = presented.step;
    let check = |key, last_step, now| presented.check(&AwsLc, key, last_step, now);
    assert_eq!(check(&ROTATION_KEY, None, NOW), Ok(step));
    assert_eq!(check(&ROTATION_KEY, Some(step - 1), NOW.plus_ms(29_999)), Ok(step));
    assert_eq!(check(&ROTATION_KEY, None, NOW.minus_ms(15_000)), Ok(step));
    assert_eq!(check(&ROTATION_KEY, None, NOW.plus_ms(30_000)), Err(RotationError::Step));
    assert_eq!(check(&ROTATION_KEY, None, NOW.minus_ms(15_001)), Err(RotationError::Step));
    assert_eq!(check(&ROTATION_KEY, Some(step), NOW), Err(RotationError::Replayed));
    assert_eq!(check(&ROTATION_KEY, Some(step + 1), NOW), Err(RotationError::Replayed));
    assert_eq!(check(&[6; 32], None, NOW), Err(RotationError::Proof));
}

#[test]
fn a_screenshot_cannot_be_moved_to_a_later_step() {
    let (old, new) = (rotating(NOW), rotating(NOW.plus_ms(15_000)));
    assert_ne!(old, new);
    let envelope = from_text("CH2:", &old).unwrap();
    let step = (NOW.unix_s() / 15).to_be_bytes();
    let at = envelope.windows(4).position(|window| window == &step[4..]).unwrap();
    let mut moved = envelope;
    moved[at + 3] += 1;
    let presented = read_rotating(&to_text("CH2:", &moved), NOW).unwrap();
    assert_eq!(presented.check(&AwsLc, &ROTATION_KEY, None, NOW), Err(RotationError::Proof));
}

#[test]
fn a_rotating_code_may_be_signed_a_quarter_of_an_hour_ahead_and_no_longer() {
    let (key, _, kid) = signer();
    let mut long = handoff();
    long.expires_at = NOW.plus_ms(rotating::LIFE_MS_MAX);
    let message = rotating::issue(&RustCrypto, &key, kid, &long).unwrap();
    let later = NOW.plus_ms(14 * 60 * 1000);
    let text = rotating::show(&RustCrypto, &message, long.proof, &ROTATION_KEY, later);
    assert_eq!(read_rotating(&text, later).map(|presented| presented.handoff), Ok(long.clone()));
    assert_eq!(read_rotating(&text, long.expires_at.plus_ms(SKEW_MS)), Err(QrError::Expired));
    long.expires_at = long.expires_at.plus_ms(1000);
    assert_eq!(rotating::issue(&RustCrypto, &key, kid, &long), Err(QrError::Lifetime));
    let message = sign(&RustCrypto, &key, kid, &long).unwrap();
    let text = rotating::show(&RustCrypto, &message, long.proof, &ROTATION_KEY, NOW);
    assert_eq!(read_rotating(&text, NOW), Err(QrError::Lifetime));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_handoff_reads_back_and_no_changed_code_does(
        issuer in "[a-z.]{1,24}", now_s in 1_000_000_000u64..4_294_967_000,
        proof: [u8; 16], order: [u8; 16],
        choice: prop::sample::Index, symbol in "[0-9A-Z $%*+./:-]",
    ) {
        let now = Timestamp::from_unix_s(now_s);
        let handoff = Handoff::issue(issuer, now, ProofId::from_bytes(proof), order);
        let mut text = code(&handoff);
        prop_assert!(text.len() <= 262, "one version more on the screen");
        prop_assert_eq!(scan(&text, now), Ok(handoff));
        let at = choice.index(text.len());
        if text[at..=at] != symbol {
            text.replace_range(at..=at, &symbol);
            prop_assert!(scan(&text, now).is_err());
        }
    }

    #[test]
    fn arbitrary_text_and_bytes_never_panic(
        text in "(CH[12]:)?[ -Z]{0,300}", bytes in proptest::collection::vec(any::<u8>(), 0..200)
    ) {
        prop_assert!(scan(&text, NOW).is_err());
        prop_assert!(read_rotating(&text, NOW).is_err());
        prop_assert!(scan(&to_text(PREFIX, &bytes), NOW).is_err());
        prop_assert!(read_rotating(&to_text("CH2:", &bytes), NOW).is_err());
        let _ = Handoff::decode(&bytes);
    }
}
