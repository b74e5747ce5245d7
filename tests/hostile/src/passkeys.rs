//! Passkeys: what browsers and authenticators say, each alone beside good words of the other.

use carhop_kernel::digest::KeyThumbprint;
use carhop_proofs::suite::{Algorithm, AwsLc, SigningKey, Suite};
use carhop_proofs::webauthn::{
    CREDENTIAL_LENGTH_MAX, CredentialKey, Purpose, RelyingParty, Shown, challenge_of,
    make_challenge, verify_assertion, verify_challenge, verify_registration,
};

use crate::keys::{NOW, device, public};
use crate::{Cost, Target};

/// The targets of this module.
pub const TARGETS: &[&Target] = &[
    &Target { name: "passkey-made", seeds: made, law: is_made, cost: Cost::SMALL },
    &Target { name: "passkey-words", seeds: words, law: is_said, cost: Cost::TREE },
    &Target { name: "passkey-signature", seeds: signatures, law: is_signed, cost: Cost::TREE },
    &Target { name: "passkey-key", seeds: keys, law: is_key, cost: Cost::SMALL },
    &Target { name: "passkey-challenge", seeds: challenges, law: is_given, cost: Cost::SMALL },
];

const CHALLENGE: &[u8] = b"challenge";
const CREATE: &str =
    r#"{"type":"webauthn.create","challenge":"Y2hhbGxlbmdl","origin":"https://localhost"}"#;
const GET: &str =
    r#"{"type":"webauthn.get","challenge":"Y2hhbGxlbmdl","origin":"https://localhost"}"#;

fn here() -> RelyingParty {
    let origins = vec!["https://localhost".to_owned()];
    RelyingParty { id: "localhost".to_owned(), origins }
}

fn key() -> CredentialKey {
    CredentialKey::Usual(public(&device()))
}

fn head(flags: u8) -> Vec<u8> {
    [&AwsLc.sha256(&[b"localhost"])[..], &[flags, 0, 0, 0, 1]].concat()
}

fn made() -> Vec<Vec<u8>> {
    let plain = [&head(0x45)[..], &[0; 16], &[0, 2, 7, 7], &key().to_cose()].concat();
    let extended = [&head(0xdd)[..], &plain[37..], &[0xa1, 0x61, b'a', 0xf5]].concat();
    vec![plain, extended]
}

/// What is taken was in the words, in the same bytes.
fn is_made(input: &[u8]) -> bool {
    let shown = Shown { authenticator_data: input, client_data: CREATE.as_bytes() };
    let Ok(made) = verify_registration(&AwsLc, shown, &here(), CHALLENGE) else { return false };
    assert!((1..=CREDENTIAL_LENGTH_MAX).contains(&made.credential.len()));
    let cose = made.key.to_cose();
    let held = |part: &[u8]| input.windows(part.len()).any(|window| window == part);
    assert!(held(&made.credential) && held(&cose));
    assert_eq!(CredentialKey::parse(&AwsLc, &cose), Ok(made.key));
    true
}

fn words() -> Vec<Vec<u8>> {
    let more = CREATE.replace('}', r#","crossOrigin":false,"more":[{"a":null}]}"#);
    vec![CREATE.as_bytes().to_vec(), more.into_bytes()]
}

/// Words that count say the origin, and are about this challenge alone.
fn is_said(input: &[u8]) -> bool {
    let data = &made()[0];
    let shown = Shown { authenticator_data: data, client_data: input };
    let said = verify_registration(&AwsLc, shown, &here(), CHALLENGE).is_ok();
    if said {
        assert_eq!(challenge_of(input).as_deref(), Ok(CHALLENGE));
        assert!(verify_registration(&AwsLc, shown, &here(), b"another").is_err());
    }
    said
}

fn signatures() -> Vec<Vec<u8>> {
    let signed = [&head(5)[..], &AwsLc.sha256(&[GET.as_bytes()])].concat();
    let fixed = AwsLc.sign(&device(), &signed).unwrap();
    let integer = |bytes: &[u8]| {
        let start = bytes.iter().position(|&byte| byte != 0).unwrap();
        let sign: &[u8] = if bytes[start] >= 0x80 { &[0] } else { &[] };
        let body = [sign, &bytes[start..]].concat();
        [&[2, u8::try_from(body.len()).unwrap()], &body[..]].concat()
    };
    let both = [integer(&fixed[..32]), integer(&fixed[32..])].concat();
    vec![[&[0x30, u8::try_from(both.len()).unwrap()], &both[..]].concat()]
}

/// A signature counts under its own key alone, and no longer than it can be.
fn is_signed(input: &[u8]) -> bool {
    let data = head(5);
    let shown = Shown { authenticator_data: &data, client_data: GET.as_bytes() };
    let verify = |key: &CredentialKey| {
        verify_assertion(&AwsLc, shown, input, (key, false), &here(), CHALLENGE).is_ok()
    };
    let signed = verify(&key());
    let other = SigningKey::from_bytes(Algorithm::Es256, [8; 32]).unwrap();
    assert!(!signed || !verify(&CredentialKey::Usual(public(&other))));
    assert!(!signed || input.len() <= 72);
    signed
}

fn keys() -> Vec<Vec<u8>> {
    let other = SigningKey::from_bytes(Algorithm::Ed25519, [8; 32]).unwrap();
    let (modulus, exponent) = (vec![0xb5; 256], vec![1, 0, 1]);
    let all =
        [key(), CredentialKey::Usual(public(&other)), CredentialKey::Rsa { modulus, exponent }];
    all.map(|key| key.to_cose()).to_vec()
}

/// A key has one form.
fn is_key(input: &[u8]) -> bool {
    let Ok(key) = CredentialKey::parse(&AwsLc, input) else { return false };
    assert_eq!(key.to_cose(), input);
    true
}

fn challenges() -> Vec<Vec<u8>> {
    let holder = KeyThumbprint([2; 32]);
    let until = NOW.plus_ms(1);
    vec![make_challenge(&AwsLc, &[1; 32], Purpose::SignIn, &holder, until, [3; 16]).to_vec()]
}

/// Nobody else makes a challenge.
fn is_given(input: &[u8]) -> bool {
    let holder = KeyThumbprint([2; 32]);
    let given = verify_challenge(&AwsLc, &[1; 32], Purpose::SignIn, &holder, input, NOW).is_ok();
    assert!(!given || input == challenges()[0]);
    given
}
