//! A software authenticator with one discoverable credential, and the browser around it. Its signatures are real.

use base64ct::{Base64UrlUnpadded, Encoding};
use carhop_proofs::suite::{AwsLc, SigningKey, Suite};
use carhop_proofs::webauthn::CredentialKey;
use carhop_server::entropy::random;
use carhop_server::keys::fresh_key;
use serde_json::{Value, json};

use crate::world::text;

/// An authenticator and its browser. What is public can be turned into what it should not be.
#[derive(Clone)]
pub struct Authenticator {
    pub key: SigningKey,
    pub credential: Vec<u8>,
    pub counter: u32,
    /// Present and verified, unless said otherwise.
    pub flags: u8,
    pub origin: String,
    pub relying_party: String,
    /// Whose credential it is; known once it is registered.
    pub user_handle: String,
}

impl Authenticator {
    pub fn new(origin: &str) -> Self {
        Self {
            key: fresh_key(),
            credential: random::<16>().to_vec(),
            counter: 0,
            flags: PRESENT | VERIFIED,
            origin: origin.to_owned(),
            relying_party: "localhost".to_owned(),
            user_handle: String::new(),
        }
    }

    /// Makes its credential from what the server asks for; the answer to post, without the invitation.
    pub fn make(&mut self, options: &Value) -> Value {
        if let Some(handle) = options["user"]["id"].as_str() {
            handle.clone_into(&mut self.user_handle);
        }
        let mut data = self.head(MADE);
        data.extend_from_slice(&[0; 16]);
        data.extend_from_slice(&u16::try_from(self.credential.len()).unwrap().to_be_bytes());
        data.extend_from_slice(&self.credential);
        let public = AwsLc.public_key(&self.key).unwrap();
        data.extend_from_slice(&CredentialKey::Usual(public).to_cose());
        let client = self.words("webauthn.create", options);
        json!({ "authenticator_data": text(&data), "client_data": text(&client) })
    }

    /// Signs in as the server asks; the answer to post.
    pub fn sign(&mut self, options: &Value) -> Value {
        let data = self.head(0);
        let client = self.words("webauthn.get", options);
        let signed = [&data[..], &AwsLc.sha256(&[&client])].concat();
        let signature = der(&AwsLc.sign(&self.key, &signed).unwrap());
        json!({
            "credential": text(&self.credential),
            "user_handle": self.user_handle,
            "authenticator_data": text(&data),
            "client_data": text(&client),
            "signature": text(&signature),
        })
    }

    fn head(&self, flags: u8) -> Vec<u8> {
        let mut data = AwsLc.sha256(&[self.relying_party.as_bytes()]).to_vec();
        data.push(self.flags | flags);
        data.extend_from_slice(&self.counter.to_be_bytes());
        data
    }

    fn words(&self, kind: &str, options: &Value) -> Vec<u8> {
        let words = json!({
            "type": kind, "challenge": options["challenge"], "origin": self.origin,
            "crossOrigin": false,
        });
        words.to_string().into_bytes()
    }
}

/// `r ‖ s` in the form of X.509, as authenticators sign.
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

/// The same bytes from base64url.
pub fn bytes(text: &Value) -> Vec<u8> {
    Base64UrlUnpadded::decode_vec(text.as_str().unwrap()).unwrap()
}

pub const PRESENT: u8 = 1;
pub const VERIFIED: u8 = 4;
const MADE: u8 = 0x40;
