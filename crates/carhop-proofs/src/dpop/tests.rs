//! A proof counts for one key, one request, one token, one nonce and two minutes.

use proptest::prelude::*;

use super::*;
use crate::fixture::{NOW, ed25519, es256};
use crate::suite::{AwsLc, RustCrypto};

const SUITE: &dyn Suite = &RustCrypto;
const TOKEN: &str = "chs_0123456789";

const CLAIM: Claim<'_> = Claim {
    method: "POST",
    url: "https://carhop.example/v1/releases?page=2#top",
    access_token: Some(TOKEN),
    nonce: Some("n-1"),
    issued_at: NOW,
    jti: "0123456789abcdef",
};

const EXPECTED: Expected<'_> = Expected {
    method: "POST",
    url: "https://carhop.example/v1/releases",
    access_token: Some(TOKEN),
    nonce: Some("n-1"),
    now: NOW,
};

fn proof(claim: &Claim<'_>) -> String {
    make(SUITE, &es256("phone"), claim).unwrap()
}

fn verified(claim: &Claim<'_>) -> Result<(), DpopError> {
    verify(SUITE, &proof(claim), &EXPECTED).map(|_| ())
}

/// A proof of exactly these two texts, properly signed.
fn raw(header: &str, claims: &str) -> String {
    let part = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let signed = [part(header), part(claims)].join(".");
    let signature = SUITE.sign(&es256("phone"), signed.as_bytes()).unwrap();
    [signed, Base64UrlUnpadded::encode_string(&signature)].join(".")
}

fn parts() -> (Value, Value) {
    let proof = proof(&CLAIM);
    let mut parts = proof.split('.').map(|part| {
        serde_json::from_slice(&Base64UrlUnpadded::decode_vec(part).unwrap()).unwrap_or_default()
    });
    (parts.next().unwrap(), parts.next().unwrap())
}

fn with_header(name: &str, value: Value) -> Result<(), DpopError> {
    let (mut header, claims) = parts();
    header[name] = value;
    verify(SUITE, &raw(&header.to_string(), &claims.to_string()), &EXPECTED).map(|_| ())
}

fn with_claim(name: &str, value: Value) -> Result<(), DpopError> {
    let (header, mut claims) = parts();
    claims[name] = value;
    verify(SUITE, &raw(&header.to_string(), &claims.to_string()), &EXPECTED).map(|_| ())
}

fn without(member: &str) -> Result<(), DpopError> {
    let (mut header, mut claims) = parts();
    header.as_object_mut().unwrap().remove(member);
    claims.as_object_mut().unwrap().remove(member);
    verify(SUITE, &raw(&header.to_string(), &claims.to_string()), &EXPECTED).map(|_| ())
}

#[test]
fn a_proof_names_its_key_and_its_identifier() {
    let key = es256("phone");
    for (maker, judge) in [(SUITE, &AwsLc as &dyn Suite), (&AwsLc, SUITE)] {
        let proof = verify(judge, &make(maker, &key, &CLAIM).unwrap(), &EXPECTED).unwrap();
        assert_eq!(proof.key, SUITE.public_key(&key).unwrap());
        assert_eq!(proof.thumbprint, jwk::thumbprint(SUITE, &proof.key));
        assert_eq!(proof.jti, SUITE.sha256(&[CLAIM.jti.as_bytes()]));
        assert_eq!(proof.issued_at, NOW);
    }
    assert_eq!(make(SUITE, &ed25519("phone"), &CLAIM), Err(KeyError::Malformed));
}

#[test]
fn a_proof_counts_for_one_request() {
    let other = "https://carhop.example/v1/releases/1";
    let later = |seconds: u64| Claim { issued_at: NOW.plus_ms(seconds * 1000), ..CLAIM };
    let earlier = |seconds: u64| Claim { issued_at: NOW.minus_ms(seconds * 1000), ..CLAIM };
    let long = "j".repeat(JTI_LENGTH_MAX + 1);
    for (name, claim, expected) in [
        ("good", CLAIM, Ok(())),
        ("another method", Claim { method: "GET", ..CLAIM }, Err(DpopError::Method)),
        ("method in lower case", Claim { method: "post", ..CLAIM }, Err(DpopError::Method)),
        ("another URL", Claim { url: other, ..CLAIM }, Err(DpopError::Url)),
        ("no token", Claim { access_token: None, ..CLAIM }, Err(DpopError::AccessToken)),
        (
            "another token",
            Claim { access_token: Some("chs_"), ..CLAIM },
            Err(DpopError::AccessToken),
        ),
        ("no nonce", Claim { nonce: None, ..CLAIM }, Err(DpopError::Nonce)),
        ("another nonce", Claim { nonce: Some("n-2"), ..CLAIM }, Err(DpopError::Nonce)),
        ("a minute old", earlier(60), Ok(())),
        ("older", earlier(61), Err(DpopError::IssuedAt)),
        ("a minute ahead", later(60), Ok(())),
        ("further ahead", later(61), Err(DpopError::IssuedAt)),
        (
            "of the epoch",
            Claim { issued_at: Timestamp::from_unix_ms(0), ..CLAIM },
            Err(DpopError::IssuedAt),
        ),
        ("no identifier", Claim { jti: "", ..CLAIM }, Err(DpopError::Malformed)),
        ("endless identifier", Claim { jti: &long, ..CLAIM }, Err(DpopError::Malformed)),
    ] {
        assert_eq!(verified(&claim), expected, "{name}");
    }
    let undemanding = Expected { access_token: None, nonce: None, ..EXPECTED };
    for claim in [CLAIM, Claim { access_token: None, nonce: None, ..CLAIM }] {
        assert!(verify(SUITE, &proof(&claim), &undemanding).is_ok());
    }
}

#[test]
fn urls_are_the_same_when_only_their_spelling_differs() {
    let expected = |url| Expected { url, ..EXPECTED };
    for (claimed, wanted, same) in [
        ("https://a.example/x", "https://a.example/x", true),
        ("HTTPS://A.Example/x", "https://a.example/x", true),
        ("https://a.example:443/x", "https://a.example/x", true),
        ("http://localhost:80/", "http://localhost", true),
        ("https://a.example/x?q", "https://a.example/x?other", true),
        ("https://a.example:80/x", "https://a.example/x", false),
        ("http://a.example/x", "https://a.example/x", false),
        ("https://a.example/X", "https://a.example/x", false),
        ("https://a.example/x/", "https://a.example/x", false),
        ("https://a.example.evil/x", "https://a.example/x", false),
        ("https://a.example@evil.example/x", "https://a.example@evil.example/x", false),
        ("https:///x", "https:///x", false),
        ("ftp://a.example/x", "ftp://a.example/x", false),
        ("/x", "/x", false),
        ("", "", false),
        ("https://a.example/x y", "https://a.example/x y", false),
    ] {
        let claim = Claim { url: claimed, ..CLAIM };
        let verified = verify(SUITE, &proof(&claim), &expected(wanted)).map(|_| ());
        assert_eq!(verified, if same { Ok(()) } else { Err(DpopError::Url) }, "{claimed} {wanted}");
    }
}

#[test]
fn no_other_algorithm_type_or_key_is_taken() {
    for algorithm in [
        "none", "None", "", "HS256", "RS256", "PS256", "ES256K", "ES384", "EdDSA", "Ed25519",
        "es256",
    ] {
        let refused = with_header("alg", algorithm.into());
        assert_eq!(refused, Err(DpopError::Algorithm), "{algorithm}");
    }
    for name in ["", "JWT", "jwt", "DPOP+JWT", "application/dpop+jwt"] {
        assert_eq!(with_header("typ", name.into()), Err(DpopError::Type), "{name}");
    }
    assert_eq!(with_header("crit", json!([])), Err(DpopError::Malformed));
    assert_eq!(with_header("kid", "ignored".into()), Ok(()));
    assert_eq!(with_header("jwk", "text".into()), Err(DpopError::Key));
    assert_eq!(with_header("jwk", json!({})), Err(DpopError::Key));
    let ed25519 = jwk::to_jwk(&SUITE.public_key(&ed25519("phone")).unwrap());
    assert_eq!(with_header("jwk", ed25519), Err(DpopError::Key));
    let mut private = jwk::to_jwk(&SUITE.public_key(&es256("phone")).unwrap());
    private["d"] = "AA".into();
    assert_eq!(with_header("jwk", private), Err(DpopError::PrivateKey));
    let other = jwk::to_jwk(&SUITE.public_key(&es256("other")).unwrap());
    assert_eq!(with_header("jwk", other), Err(DpopError::Signature));
}

#[test]
fn a_proof_without_a_signature_or_with_a_keyed_hash_is_refused() {
    let (mut header, claims) = parts();
    let part = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    header["alg"] = "none".into();
    let unsigned = [&part(&header.to_string()), &part(&claims.to_string()), ""].join(".");
    let judge = |proof: &str| verify(SUITE, proof, &EXPECTED).map(|_| ());
    assert_eq!(judge(&unsigned), Err(DpopError::Algorithm));
    // The public key as the secret of an HMAC.
    header["alg"] = "HS256".into();
    let signed = [part(&header.to_string()), part(&claims.to_string())].join(".");
    let secret = SUITE.public_key(&es256("phone")).unwrap();
    let hash = SUITE.hmac_sha256(secret.as_bytes(), &[signed.as_bytes()]);
    let keyed = [signed, Base64UrlUnpadded::encode_string(&hash)].join(".");
    assert_eq!(judge(&keyed), Err(DpopError::Algorithm));
    let good = proof(&CLAIM);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    assert_eq!(judge(&[signed, ""].join(".")), Err(DpopError::Signature));
    let zeros = Base64UrlUnpadded::encode_string(&[0; 64]);
    assert_eq!(judge(&[signed, &zeros].join(".")), Err(DpopError::Signature));
    // DER, as an X.509 library would sign, is not JOSE.
    let longer = [signed, signature, "AAAA"].concat();
    assert!(judge(&longer).is_err());
}

#[test]
fn members_named_twice_and_claims_of_another_type_are_refused() {
    let (header, claims) = parts();
    let (header, claims) = (header.to_string(), claims.to_string());
    let twice = |text: &str, member: &str| text.replacen('{', &["{", member, ","].concat(), 1);
    let judge =
        |header: &str, claims: &str| verify(SUITE, &raw(header, claims), &EXPECTED).map(|_| ());
    assert_eq!(judge(&header, &claims), Ok(()));
    for member in [r#""alg":"ES256""#, r#""typ":"dpop+jwt""#, r#""jwk":{}"#] {
        assert_eq!(judge(&twice(&header, member), &claims), Err(DpopError::Malformed), "{member}");
    }
    for member in [r#""htm":"POST""#, r#""iat":1"#, r#""\u0061th":"x""#] {
        assert_eq!(judge(&header, &twice(&claims, member)), Err(DpopError::Malformed), "{member}");
    }
    for member in ["typ", "alg", "jti", "htm", "htu", "iat"] {
        assert_eq!(without(member), Err(DpopError::Malformed), "{member}");
    }
    assert_eq!(without("jwk"), Err(DpopError::Key));
    for (name, value, error) in [
        ("iat", json!("1795000000"), DpopError::Malformed),
        ("iat", json!(1_795_000_000.5), DpopError::Malformed),
        ("iat", json!(-1), DpopError::Malformed),
        ("iat", json!(u64::MAX), DpopError::IssuedAt),
        ("htm", json!(["POST"]), DpopError::Malformed),
        ("jti", json!(7), DpopError::Malformed),
        ("ath", json!(null), DpopError::AccessToken),
        ("nonce", json!(1), DpopError::Nonce),
    ] {
        assert_eq!(with_claim(name, value.clone()), Err(error), "{name} {value}");
    }
}

#[test]
fn the_form_is_strict_and_bounded() {
    let good = proof(&CLAIM);
    let judge = |proof: &str| verify(SUITE, proof, &EXPECTED).map(|_| ());
    assert_eq!(judge(&good), Ok(()));
    for wrong in ["", ".", "..", &good.replace('.', ""), &[&good, "="].concat()] {
        assert_eq!(judge(wrong), Err(DpopError::Malformed), "{wrong}");
    }
    assert_eq!(judge(&[&good, ".x"].concat()), Err(DpopError::Malformed));
    assert_eq!(judge(&[" ", &good].concat()), Err(DpopError::Malformed));
    assert_eq!(judge(&"a".repeat(PROOF_LENGTH_MAX + 1)), Err(DpopError::TooLong));
    assert_eq!(judge(&"a".repeat(PROOF_LENGTH_MAX)), Err(DpopError::Malformed));
    let mut longest = CLAIM;
    let url = ["https://carhop.example/", &"x".repeat(PROOF_LENGTH_MAX)].concat();
    longest.url = &url;
    assert_eq!(judge(&proof(&longest)), Err(DpopError::TooLong));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_changed_character_never_verifies(position: prop::sample::Index, byte in 0x21u8..0x7f) {
        let good = proof(&CLAIM);
        let mut changed = good.clone().into_bytes();
        let position = position.index(changed.len());
        changed[position] = byte;
        let changed = String::from_utf8(changed).unwrap();
        prop_assert_eq!(verify(SUITE, &changed, &EXPECTED).is_ok(), changed == good);
    }

    #[test]
    fn arbitrary_text_never_panics(text: String, header: String, claims: String) {
        prop_assert!(verify(SUITE, &text, &EXPECTED).is_err());
        prop_assert!(verify(SUITE, &raw(&header, &claims), &EXPECTED).is_err());
        let _ = target(&text);
    }
}
