//! A driver with an attested handset: enrolled with a ticket, identified by mutual TLS, seen by its positions.

use std::sync::Arc;

use anyhow::{Context, Result};
use base64ct::{Base64UrlUnpadded, Encoding};
use carhop_kernel::time::Timestamp;
use carhop_proofs::pki;
use carhop_proofs::suite::{AwsLc, SigningKey};
use serde_json::{Value, json};

use super::client::{Client, Credential};
use super::parties::text;
use crate::clock::SystemClock;
use crate::device::attester::SoftwareAttester;
use crate::device::{store::draw_key, tls};
use crate::http::time;

/// Where the authority is, and whom to trust.
#[derive(Clone)]
pub(crate) struct Place {
    /// Origin of the public listener.
    pub(crate) public: String,
    /// Origin of the mutual-TLS listener.
    pub(crate) devices: String,
    /// The authority's roots, DER.
    pub(crate) roots: Vec<Vec<u8>>,
    /// A client of the public listener.
    pub(crate) http: reqwest::Client,
    /// The demo's clock.
    pub(crate) clock: Arc<SystemClock>,
}

/// A driver.
pub(crate) struct Driver {
    /// The driver's id.
    pub(crate) id: String,
    /// The handset's id.
    pub(crate) handset: String,
    phone: Client,
    attester: SoftwareAttester,
    leaf: Vec<u8>,
}

/// A handset that is enrolled and has nobody signed in yet.
pub(crate) struct Handset {
    client: Client,
    attester: SoftwareAttester,
    leaf: Vec<u8>,
}

/// One position as a phone reports it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reported {
    /// Degrees north.
    pub(crate) latitude: f64,
    /// Degrees east.
    pub(crate) longitude: f64,
    /// Radius of the accuracy circle.
    pub(crate) accuracy_m: f64,
    /// Probability of the circle, where the maker states one.
    pub(crate) accuracy_confidence: Option<f64>,
    /// When it was taken.
    pub(crate) fixed_at: Timestamp,
    /// Speed, where known.
    pub(crate) speed_mps: Option<f64>,
    /// Where it comes from, by the interface's names.
    pub(crate) source: &'static str,
    /// Whether the platform says it is simulated.
    pub(crate) mock: bool,
}

/// What the authority made of positions.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    /// `inside`, `outside` or `uncertain`.
    pub(crate) answer: String,
    /// How long the stay has lasted, in milliseconds.
    pub(crate) dwell_ms: u64,
}

impl Handset {
    /// Enrols a handset with its ticket.
    pub(crate) async fn enrol(
        place: &Place,
        ticket: &str,
        attester: SoftwareAttester,
    ) -> Result<Self> {
        let key: SigningKey = draw_key()?;
        let csr = Base64UrlUnpadded::encode_string(&pki::csr(&AwsLc, &key)?);
        let clock = Arc::clone(&place.clock);
        let public =
            Client::new(place.http.clone(), &place.public, Credential::Nothing, clock.clone());
        let enrolled =
            public.post("/v1/devices/enrolments", json!({ "ticket": ticket, "csr": csr })).await?;
        let chain = enrolled["certificate_chain"].as_array().context("no certificate chain")?;
        let chain: Vec<Vec<u8>> = chain
            .iter()
            .map(|der| Base64UrlUnpadded::decode_vec(der.as_str().unwrap_or_default()))
            .collect::<Result<_, _>>()
            .map_err(|_| anyhow::anyhow!("a certificate that is no base64url"))?;
        let leaf = chain.first().context("an empty certificate chain")?.clone();
        let http = tls::https(tls::client(&place.roots, Some((&chain, &key)))?)?;
        let client = Client::new(http, &place.devices, Credential::Certificate, clock);
        Ok(Self { client, attester, leaf })
    }

    /// The driver signs in.
    pub(crate) fn sign_in(self, driver: String, handset: String) -> Driver {
        let Self { client, attester, leaf } = self;
        Driver { id: driver, handset, phone: client, attester, leaf }
    }
}

impl Driver {
    /// Has the handset vouched for.
    pub(crate) async fn attest(&self) -> Result<()> {
        let given = self.phone.post("/v1/attestations/challenges", json!({})).await?;
        let challenge = text(&given, "challenge")?;
        let decoded = Base64UrlUnpadded::decode_vec(&challenge).ok();
        let bytes: [u8; 32] =
            decoded.and_then(|bytes| bytes.try_into().ok()).context("no challenge of 32 bytes")?;
        let eat = self.attester.attest(&AwsLc, &bytes, &self.leaf)?;
        let eat = Base64UrlUnpadded::encode_string(&eat);
        let judged =
            self.phone.post("/v1/attestations", json!({ "challenge": challenge, "eat": eat }));
        let tier = text(&judged.await?, "tier")?;
        anyhow::ensure!(tier == "attested", "the handset is only {tier}");
        Ok(())
    }

    /// Reports positions.
    pub(crate) async fn report(&self, session: &str, fixes: &[Reported]) -> Result<Judged> {
        let fixes: Vec<Value> = fixes.iter().map(Reported::json).collect();
        let path = format!("/v1/sessions/{session}/positions");
        let judged = self.phone.post(&path, json!({ "fixes": fixes })).await?;
        Ok(Judged {
            answer: text(&judged, "answer")?,
            dwell_ms: judged["dwell_ms"].as_u64().unwrap_or(0),
        })
    }

    /// Scans the tag at the venue.
    pub(crate) async fn scan_tag(&self, session: &str, code: &str) -> Result<()> {
        self.ask(session, "tags", json!({ "code": code })).await.map(drop)
    }

    /// Reads the plate of the car; says whether it is the right one.
    pub(crate) async fn read_plate(&self, session: &str, plate: &str) -> Result<bool> {
        let found = self.ask(session, "vehicle-matches", json!({ "plate": plate })).await?;
        Ok(found["matches"].as_bool().unwrap_or(false))
    }

    /// Reports arrival.
    pub(crate) async fn arrive(&self, session: &str) -> Result<()> {
        self.ask(session, "arrivals", json!({})).await.map(drop)
    }

    /// Presents what the customer showed.
    pub(crate) async fn prove(&self, session: &str, presented: Value) -> Result<()> {
        self.ask(session, "proofs", presented).await.map(drop)
    }

    /// Fetches the vehicle token.
    pub(crate) async fn vehicle_token(&self, session: &str) -> Result<String> {
        text(&self.ask(session, "vehicle-tokens", json!({})).await?, "token")
    }

    /// Exchanges the vehicle token for one action at one device, and releases the leg with it: the release's id.
    pub(crate) async fn release(
        &self,
        session: &str,
        leg: usize,
        scope: &str,
        device: &str,
        vehicle_token: &str,
    ) -> Result<String> {
        let ask = json!({
            "subject_token": vehicle_token,
            "audience": device,
            "authorization_details": [{ "type": "urn:carhop:handoff:v1", "actions": [scope] }],
        });
        let exchanged = self.phone.post("/v1/tokens/exchange", ask).await?;
        let token = text(&exchanged, "access_token")?;
        let path = format!("/v1/sessions/{session}/releases");
        let released = self.phone.post_with(&path, json!({ "leg": leg }), &token).await?;
        text(&released["action"], "id")
    }

    /// What a release came to, after waiting for it a little.
    pub(crate) async fn outcome(&self, session: &str, release: &str) -> Result<String> {
        let path = format!("/v1/sessions/{session}/releases/{release}");
        text(&self.phone.get(&path).await?, "status")
    }

    /// Confirms that the goods are inside.
    pub(crate) async fn transferred(&self, session: &str, leg: usize) -> Result<()> {
        self.ask(session, &format!("legs/{leg}/transfers"), json!({})).await.map(drop)
    }

    async fn ask(&self, session: &str, what: &str, body: Value) -> Result<Value> {
        self.phone.post(&format!("/v1/sessions/{session}/{what}"), body).await
    }
}

impl Reported {
    /// As the interface wants it.
    pub(crate) fn json(&self) -> Value {
        let mut fix = json!({
            "latitude": self.latitude,
            "longitude": self.longitude,
            "accuracy_m": self.accuracy_m,
            "fixed_at": time::text(self.fixed_at),
            "source": self.source,
            "mock": self.mock,
        });
        for (name, value) in
            [("accuracy_confidence", self.accuracy_confidence), ("speed_mps", self.speed_mps)]
        {
            if let Some(value) = value {
                fix[name] = value.into();
            }
        }
        fix
    }
}
