//! The specification's own vectors, a software authenticator, and everything that a sign-in must not be.

use std::format;
use std::string::ToString;
use std::vec;
use std::vec::Vec;

use base64ct::{Base64UrlUnpadded, Encoding};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::suite::{Algorithm, AwsLc, RustCrypto, SigningKey};
use crate::vectors;

const CHALLENGE: &[u8] = b"a challenge of some length";
const PRESENT_AND_VERIFIED: u8 = 0x05;

fn here() -> RelyingParty {
    let origins = vec!["https://localhost:8443".to_string(), "https://localhost:8444".to_string()];
    RelyingParty { id: "localhost".to_string(), origins }
}

/// An authenticator with one credential.
struct Soft {
    key: SigningKey,
    counter: u32,
    flags: u8,
}

impl Soft {
    fn new() -> Self {
        let key = SigningKey::from_bytes(Algorithm::Es256, [9; 32]).unwrap();
        Self { key, counter: 0, flags: PRESENT_AND_VERIFIED }
    }

    fn key(&self) -> CredentialKey {
        CredentialKey::Usual(RustCrypto.public_key(&self.key).unwrap())
    }

    fn data(&self, relying_party: &str, made: bool) -> Vec<u8> {
        let mut data = AwsLc.sha256(&[relying_party.as_bytes()]).to_vec();
        data.push(self.flags | if made { 0x40 } else { 0 });
        data.extend_from_slice(&self.counter.to_be_bytes());
        if made {
            data.extend_from_slice(&[0; 16]);
            data.extend_from_slice(&[0, 4, 1, 2, 3, 4]);
            data.extend_from_slice(&self.key().to_cose());
        }
        data
    }

    fn sign(&self, data: &[u8], client_data: &[u8]) -> Vec<u8> {
        let signed = [data, &AwsLc.sha256(&[client_data])].concat();
        der(&RustCrypto.sign(&self.key, &signed).unwrap())
    }
}

/// `r ‖ s` in the form of X.509.
fn der(signature: &[u8; 64]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let start = bytes.iter().position(|&byte| byte != 0).unwrap();
        let sign: &[u8] = if bytes[start] >= 0x80 { &[0] } else { &[] };
        let body = [sign, &bytes[start..]].concat();
        [&[2, u8::try_from(body.len()).unwrap()], &body[..]].concat()
    };
    let both = [integer(&signature[..32]), integer(&signature[32..])].concat();
    [&[0x30, u8::try_from(both.len()).unwrap()], &both[..]].concat()
}

fn words(kind: &str, challenge: &[u8], origin: &str) -> Value {
    let challenge = Base64UrlUnpadded::encode_string(challenge);
    json!({ "type": kind, "challenge": challenge, "origin": origin, "crossOrigin": false })
}

fn registration(data: &[u8], client_data: &Value) -> Result<Registered, WebauthnError> {
    let client_data = client_data.to_string();
    let shown = Shown { authenticator_data: data, client_data: client_data.as_bytes() };
    verify_registration(&AwsLc, shown, &here(), CHALLENGE)
}

fn create() -> Value {
    words("webauthn.create", CHALLENGE, "https://localhost:8443")
}

fn get() -> Value {
    words("webauthn.get", CHALLENGE, "https://localhost:8444")
}

fn sign_in(soft: &Soft, data: &[u8], client_data: &Value) -> Result<Asserted, WebauthnError> {
    let text = client_data.to_string();
    let shown = Shown { authenticator_data: data, client_data: text.as_bytes() };
    let signature = soft.sign(data, text.as_bytes());
    verify_assertion(&AwsLc, shown, &signature, (&soft.key(), false), &here(), CHALLENGE)
}

#[test]
fn the_specifications_own_credentials_register_and_sign_in() {
    let Some(vectors) = vectors::json("webauthn-l3.json") else { return };
    let place = RelyingParty {
        id: "example.org".to_string(),
        origins: vec!["https://example.org".to_string()],
    };
    // Some of them are shown without verification of the user, and one from inside of another page; that is refused here, so
    // those stand for what is refused.
    let mut taken = 0;
    for (name, vector) in vectors.as_object().unwrap() {
        let Some(challenges) = vector.get("challenge") else { continue };
        let bytes = |member: &str, at: usize| vectors::hex(&vector[member][at]);
        let challenge = |at: usize| vectors::hex(&challenges[at]);
        // What the browser of the vector hands out beside it: the authenticator data inside the object.
        let object = bytes("attestationObject", 0);
        let data = embedded(&object);
        let client_data = bytes("clientDataJSON", 0);
        let verified = data[32] & 0x04 != 0;
        let shown = Shown { authenticator_data: data, client_data: &client_data };
        let made = verify_registration(&AwsLc, shown, &place, &challenge(0));
        if !verified {
            assert_eq!(made, Err(WebauthnError::UserVerification), "{name}");
        }
        let key = key_of(data);
        let data = bytes("authenticatorData", 0);
        let client_data = bytes("clientDataJSON", 1);
        let shown = Shown { authenticator_data: &data, client_data: &client_data };
        let copied = data[32] & 0x08 != 0;
        let signature = bytes("signature", 0);
        let credential = (&key, copied);
        let signed = verify_assertion(&AwsLc, shown, &signature, credential, &place, &challenge(1));
        let expected = if data[32] & 0x04 == 0 {
            Err(WebauthnError::UserVerification)
        } else {
            Ok(Asserted { counter: 0 })
        };
        assert_eq!(signed, expected, "{name}");
        let message = [&data[..], &AwsLc.sha256(&[&client_data])].concat();
        assert!(key.verifies(&AwsLc, &message, &signature), "{name}");
        taken += 1;
    }
    assert!(taken >= 6, "{taken}");
}

/// The authenticator data in an attestation object: its last member.
fn embedded(object: &[u8]) -> &[u8] {
    let label = b"hauthData";
    let at = object.windows(label.len()).position(|window| window == label).unwrap();
    minicbor::Decoder::new(&object[at + label.len()..]).bytes().unwrap()
}

fn key_of(data: &[u8]) -> CredentialKey {
    let made = AuthenticatorData::parse(data).unwrap().made.unwrap();
    CredentialKey::parse(&AwsLc, made.key).unwrap()
}

#[test]
fn a_credential_registers_and_signs_in_and_counts() {
    let mut soft = Soft::new();
    let made = registration(&soft.data("localhost", true), &create()).unwrap();
    assert_eq!(made.credential, [1, 2, 3, 4]);
    assert_eq!((&made.key, made.counter, made.can_be_copied), (&soft.key(), 0, false));
    soft.counter = 7;
    let signed = sign_in(&soft, &soft.data("localhost", false), &get());
    assert_eq!(signed, Ok(Asserted { counter: 7 }));
}

#[test]
fn what_a_browser_says_must_fit_in_every_member() {
    let soft = Soft::new();
    let (made, data) = (soft.data("localhost", true), soft.data("localhost", false));
    let with = |mut words: Value, member: &str, value: Value| {
        words[member] = value;
        words
    };
    for (member, value, error) in [
        ("type", json!("payment.get"), WebauthnError::Ceremony),
        ("type", json!(1), WebauthnError::ClientData),
        ("challenge", json!("b3RoZXI"), WebauthnError::Challenge),
        ("challenge", json!("not base64url!"), WebauthnError::ClientData),
        ("origin", json!("https://localhost:8445"), WebauthnError::Origin),
        ("origin", json!("http://localhost:8443"), WebauthnError::Origin),
        ("origin", json!("https://localhost:8443.evil.example"), WebauthnError::Origin),
        ("crossOrigin", json!(true), WebauthnError::Origin),
        ("crossOrigin", json!("false"), WebauthnError::Origin),
        ("topOrigin", json!("https://localhost:8443"), WebauthnError::Origin),
    ] {
        let wrong = with(get(), member, value.clone());
        assert_eq!(sign_in(&soft, &data, &wrong), Err(error), "{wrong}");
        let wrong = with(create(), member, value);
        assert_eq!(registration(&made, &wrong), Err(error), "{wrong}");
    }
    assert_eq!(sign_in(&soft, &data, &create()), Err(WebauthnError::Ceremony));
    assert_eq!(registration(&made, &get()), Err(WebauthnError::Ceremony));
    let more = with(get(), "other_keys_can_be_added_here", json!("do not compare"));
    assert!(sign_in(&soft, &data, &more).is_ok());
    let twice = format!("{{\"type\":\"x\",{}", &get().to_string()[1..]);
    let shown = Shown { authenticator_data: &data, client_data: twice.as_bytes() };
    let signature = soft.sign(&data, twice.as_bytes());
    let signed =
        verify_assertion(&AwsLc, shown, &signature, (&soft.key(), false), &here(), CHALLENGE);
    assert_eq!(signed, Err(WebauthnError::ClientData));
}

#[test]
fn what_an_authenticator_says_must_fit_in_every_byte() {
    let soft = Soft::new();
    let said = |flags: u8| Soft { flags, ..Soft::new() }.data("localhost", false);
    for (data, error) in [
        (soft.data("elsewhere", false), WebauthnError::RelyingParty),
        (said(0x01), WebauthnError::UserVerification),
        (said(0x04), WebauthnError::UserVerification),
        (said(0x05 | 0x08), WebauthnError::Backup),
        (said(0x05 | 0x10), WebauthnError::AuthenticatorData),
        (said(0x05 | 0x80), WebauthnError::AuthenticatorData),
        (soft.data("localhost", true), WebauthnError::AuthenticatorData),
        (soft.data("localhost", false)[..36].to_vec(), WebauthnError::AuthenticatorData),
        ([soft.data("localhost", false), vec![0]].concat(), WebauthnError::AuthenticatorData),
        (vec![0; SHOWN_LENGTH_MAX + 1], WebauthnError::AuthenticatorData),
        (Vec::new(), WebauthnError::AuthenticatorData),
    ] {
        assert_eq!(sign_in(&soft, &data, &get()), Err(error), "{data:02x?}");
    }
    let extended = [said(0x05 | 0x80), vec![0xa1, 0x61, b'a', 0xf5]].concat();
    assert!(sign_in(&soft, &extended, &get()).is_ok(), "an extension nobody asked for");
    let data = soft.data("localhost", false);
    assert_eq!(registration(&data, &create()), Err(WebauthnError::AuthenticatorData));
    let made = soft.data("localhost", true);
    for end in 0..made.len() {
        assert!(registration(&made[..end], &create()).is_err(), "{end}");
    }
}

#[test]
fn only_the_credentials_own_signature_counts() {
    let (soft, text) = (Soft::new(), get().to_string());
    let data = soft.data("localhost", false);
    let shown = Shown { authenticator_data: &data, client_data: text.as_bytes() };
    let good = soft.sign(&data, text.as_bytes());
    let verify = |signature: &[u8], key: &CredentialKey| {
        verify_assertion(&AwsLc, shown, signature, (key, false), &here(), CHALLENGE)
    };
    assert!(verify(&good, &soft.key()).is_ok());
    let other = SigningKey::from_bytes(Algorithm::Es256, [8; 32]).unwrap();
    let other = CredentialKey::Usual(RustCrypto.public_key(&other).unwrap());
    assert_eq!(verify(&good, &other), Err(WebauthnError::Signature));
    let mut wrong = good.clone();
    let last = wrong.len() - 1;
    wrong[last] ^= 1;
    for signature in [&wrong[..], &good[..last], &[], &[0; 64]] {
        assert_eq!(verify(signature, &soft.key()), Err(WebauthnError::Signature));
    }
}

#[test]
fn keys_of_three_algorithms_read_back_and_no_others() {
    let ed25519 = SigningKey::from_bytes(Algorithm::Ed25519, [3; 32]).unwrap();
    let mut modulus = vec![0xb5; 256];
    modulus[255] |= 1;
    for key in [
        Soft::new().key(),
        CredentialKey::Usual(RustCrypto.public_key(&ed25519).unwrap()),
        CredentialKey::Rsa { modulus: modulus.clone(), exponent: vec![1, 0, 1] },
    ] {
        let cose = key.to_cose();
        assert_eq!(CredentialKey::parse(&AwsLc, &cose), Ok(key));
        for at in 0..cose.len() {
            let parsed = CredentialKey::parse(&AwsLc, &cose[..at]);
            assert_eq!(parsed, Err(WebauthnError::Key), "{at}");
        }
    }
    for (modulus, exponent) in [
        (vec![0xb5; 255], vec![1, 0, 1]),
        (vec![0xb5; 513], vec![1, 0, 1]),
        ([vec![0], vec![0xb5; 255]].concat(), vec![1, 0, 1]),
        (modulus, vec![3]),
    ] {
        let weak = CredentialKey::Rsa { modulus, exponent }.to_cose();
        assert_eq!(CredentialKey::parse(&AwsLc, &weak), Err(WebauthnError::Key));
    }
    let mut off_curve = Soft::new().key().to_cose();
    let last = off_curve.len() - 1;
    off_curve[last] ^= 1;
    assert_eq!(CredentialKey::parse(&AwsLc, &off_curve), Err(WebauthnError::Key));
}

#[test]
fn a_challenge_is_for_one_purpose_and_one_holder_and_for_a_while() {
    use carhop_kernel::digest::KeyThumbprint;
    use carhop_kernel::time::Timestamp;

    let (key, holder) = ([1; 32], KeyThumbprint([2; 32]));
    let until = Timestamp::from_unix_s(1_800_000_000);
    let before = until.minus_ms(1);
    let invited = Purpose::Registration { invitation: "cht_a" };
    let made = make_challenge(&AwsLc, &key, invited, &holder, until, [3; 16]);
    let verify = |key: &[u8; 32], purpose, holder: &KeyThumbprint, challenge: &[u8], now| {
        verify_challenge(&AwsLc, key, purpose, holder, challenge, now)
    };
    assert_eq!(verify(&key, invited, &holder, &made, before), Ok(until));
    assert_eq!(verify(&key, invited, &holder, &made, until), Err(ChallengeError::Expired));
    let other = Purpose::Registration { invitation: "cht_b" };
    let somebody = KeyThumbprint([4; 32]);
    let mut later = made;
    later[23] ^= 1;
    for refused in [
        verify(&[5; 32], invited, &holder, &made, before),
        verify(&key, other, &holder, &made, before),
        verify(&key, Purpose::SignIn, &holder, &made, before),
        verify(&key, invited, &somebody, &made, before),
        verify(&key, invited, &holder, &later, before),
        verify(&key, invited, &holder, &made[..55], before),
        verify(&key, invited, &holder, &[], before),
    ] {
        assert_eq!(refused, Err(ChallengeError::Foreign));
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let shown = Shown { authenticator_data: &bytes, client_data: &bytes };
        let _ = verify_registration(&AwsLc, shown, &here(), CHALLENGE);
        let key = Soft::new().key();
        let _ = verify_assertion(&AwsLc, shown, &bytes, (&key, false), &here(), CHALLENGE);
        let _ = (CredentialKey::parse(&AwsLc, &bytes), challenge_of(&bytes));
    }
}
