//! JSON objects, public keys as JSON, and proofs of possession made of both.

use base64ct::{Base64UrlUnpadded, Encoding};
use carhop_proofs::dpop::{self, Claim, Expected, ISSUED_AT_TOLERANCE_S};
use carhop_proofs::json::parse_object;
use carhop_proofs::jwk;
use carhop_proofs::suite::{AwsLc, RustCrypto, Suite};
use serde_json::{Value, json};

use crate::keys::{NOW, SUITES, authority, device, public};
use crate::{Cost, Target};

/// The targets of this module.
pub const TARGETS: &[&Target] = &[
    &Target { name: "json", seeds: objects, law: object, cost: Cost::TREE },
    &Target { name: "public-key", seeds: public_keys, law: public_key, cost: Cost::TREE },
    &Target { name: "key-proof", seeds: proofs, law: proof, cost: Cost::TREE },
    &Target { name: "key-proof-header", seeds: headers, law: header, cost: Cost::TREE },
    &Target { name: "key-proof-claims", seeds: claims, law: claim, cost: Cost::TREE },
];

fn objects() -> Vec<Vec<u8>> {
    let nested = json!({ "a": { "b": [null, true, -1, 0.5, "\u{1f512}"], "c": {} }, "d": 1e300 });
    [nested.to_string(), "{}".to_owned()].map(String::into_bytes).to_vec()
}

/// An object that is taken has one meaning: another parser reads the same, and so does this one when it is
/// written again.
fn object(input: &[u8]) -> bool {
    let Ok(members) = parse_object(input, LENGTH_MAX) else { return false };
    assert!(input.len() <= LENGTH_MAX);
    let value = Value::Object(members.clone());
    assert_eq!(serde_json::from_slice::<Value>(input).unwrap(), value);
    assert_eq!(parse_object(value.to_string().as_bytes(), usize::MAX).unwrap(), members);
    true
}

fn public_keys() -> Vec<Vec<u8>> {
    [authority(), device()].map(|key| jwk::to_jwk(&public(&key)).to_string().into_bytes()).to_vec()
}

/// Both libraries take the same keys, none of which is private.
fn public_key(input: &[u8]) -> bool {
    let Ok(members) = parse_object(input, LENGTH_MAX) else { return false };
    let [one, other] = SUITES.map(|suite| jwk::from_jwk(suite, &members));
    assert_eq!(one, other);
    let Ok(key) = one else { return false };
    assert!(["d", "k", "p", "q"].iter().all(|name| !members.contains_key(*name)));
    let written = jwk::to_jwk(&key);
    for (name, value) in written.as_object().unwrap() {
        assert_eq!(members.get(name), Some(value), "{name}");
    }
    true
}

fn proofs() -> Vec<Vec<u8>> {
    let claim = Claim {
        method: "POST",
        url: URL,
        access_token: Some(TOKEN),
        nonce: Some(NONCE),
        issued_at: NOW,
        jti: "Y2hhbmNlIG9mIHRoZSBjbGllbnQ",
    };
    vec![dpop::make(&RustCrypto, &device(), &claim).unwrap().into_bytes()]
}

fn proof(input: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(input) else { return false };
    let expected = Expected {
        method: "POST",
        url: URL,
        access_token: Some(TOKEN),
        nonce: Some(NONCE),
        now: NOW,
    };
    let [one, other] = SUITES.map(|suite| dpop::verify(suite, text, &expected));
    assert_eq!(one, other);
    let Ok(read) = one else { return false };
    assert!(text.len() <= dpop::PROOF_LENGTH_MAX);
    assert!(read.issued_at.unix_s().abs_diff(NOW.unix_s()) <= ISSUED_AT_TOLERANCE_S);
    assert_eq!(read.thumbprint, jwk::thumbprint(&AwsLc, &read.key));
    let header = text.split('.').next().unwrap();
    let header = Base64UrlUnpadded::decode_vec(header).unwrap();
    let header = parse_object(&header, LENGTH_MAX).unwrap();
    assert_eq!((&header["typ"], &header["alg"]), (&json!("dpop+jwt"), &json!("ES256")));
    assert!(!header.contains_key("crit"));
    true
}

fn parts(at: usize) -> Vec<Vec<u8>> {
    let proof = String::from_utf8(proofs().swap_remove(0)).unwrap();
    vec![Base64UrlUnpadded::decode_vec(proof.split('.').nth(at).unwrap()).unwrap()]
}

fn headers() -> Vec<Vec<u8>> {
    parts(0)
}

fn header(input: &[u8]) -> bool {
    proof(signed(input, &claims()[0]).as_bytes())
}

fn claims() -> Vec<Vec<u8>> {
    parts(1)
}

fn claim(input: &[u8]) -> bool {
    proof(signed(&headers()[0], input).as_bytes())
}

/// A compact JWS with a good signature over anything.
fn signed(header: &[u8], claims: &[u8]) -> String {
    let [header, claims] = [header, claims].map(Base64UrlUnpadded::encode_string);
    let text = format!("{header}.{claims}");
    let signature = RustCrypto.sign(&device(), text.as_bytes()).unwrap();
    format!("{text}.{}", Base64UrlUnpadded::encode_string(&signature))
}

const LENGTH_MAX: usize = 4096;
const URL: &str = "https://carhop.example/v1/links/redemptions";
const TOKEN: &str = "chs_0";
const NONCE: &str = "bm9uY2U";
