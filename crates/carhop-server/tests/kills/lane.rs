//! A driver with a handset, a lock and a pump, and the stops they make one after the other. Whatever a kill does to a
//! stop, it is carried on from what the server says of it; one that cannot be is revoked.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use carhop_app::ports::Clock;
use carhop_kernel::digest::{FirmwareDigest, hex_decode};
use carhop_proofs::eat::{Attester, Component, LIFECYCLE_SECURED, bind_nonce, instance_of};
use carhop_proofs::pki;
use carhop_proofs::suite::{AwsLc, Suite};
use carhop_server::clock::SystemClock;
use carhop_server::keys::fresh_key;
use carhop_server::timers::sleep;
use serde_json::{Value, json};
use tokio::sync::Mutex;

#[cfg(target_os = "linux")]
use crate::client::Answer;
use crate::client::{By, Caller};
use crate::device::Device;
use crate::host::{FIRMWARE, Host};

/// What serves one stop at a time.
pub struct Lane {
    driver: String,
    handset: Caller,
    leaf: Vec<u8>,
    attester: PathBuf,
    /// The lock at the car.
    pub lock: Mutex<Device>,
    /// The pump at the car.
    pub pump: Mutex<Device>,
}

/// A stop that can be released.
pub struct Begun {
    /// Which.
    pub session: String,
    /// The customer, with the session token.
    pub customer: Caller,
    /// The vehicle token.
    pub token: String,
}

/// What was acknowledged, and must be accounted for.
#[derive(Default)]
pub struct Done {
    /// Sessions that were opened.
    pub sessions: Vec<String>,
    /// Releases that were answered with *202*.
    pub releases: Vec<String>,
    /// Sessions that completed.
    pub completed: usize,
    /// Sessions that were given up.
    pub revoked: usize,
}

impl Done {
    /// All of it.
    pub fn join(all: Vec<Self>) -> Self {
        all.into_iter().fold(Self::default(), |mut whole, one| {
            whole.sessions.extend(one.sessions);
            whole.releases.extend(one.releases);
            whole.completed += one.completed;
            whole.revoked += one.revoked;
            whole
        })
    }
}

impl Lane {
    /// Enrols a handset, a lock and a pump, while nobody is killed yet.
    pub async fn enrol(host: &Arc<Host>, number: u64) -> Self {
        if number == 0 {
            host.staff("PUT", "/v1/venues/library", Some(&venue())).await;
        }
        let (handset, ticket) = ticket(host, "handset").await;
        let key = fresh_key();
        let csr = Base64UrlUnpadded::encode_string(&pki::csr(&AwsLc, &key).unwrap());
        let ask = json!({ "ticket": ticket, "csr": csr });
        let enrolling = host.caller(By::Nobody);
        let enrolled = enrolling.ask("POST", "/v1/devices/enrolments", Some(&ask)).await;
        let chain: Vec<Vec<u8>> = enrolled.body["certificate_chain"]
            .as_array()
            .unwrap()
            .iter()
            .map(|der| Base64UrlUnpadded::decode_vec(der.as_str().unwrap()).unwrap())
            .collect();
        let progress = Arc::clone(&host.progress);
        let certified = (&key, chain.as_slice());
        let handset_caller = Caller::certified(&host.roots(), &host.devices(), certified, progress);
        let ask = json!({ "name": format!("driver {number}"), "device": handset });
        let driver = host.staff("POST", "/v1/drivers", Some(&ask)).await["driver"].clone();
        let lane = Self {
            driver: driver.as_str().unwrap().to_owned(),
            handset: handset_caller,
            leaf: chain[0].clone(),
            attester: host.beside("attester"),
            lock: Mutex::new(actuator(host, "lock").await),
            pump: Mutex::new(actuator(host, "pump").await),
        };
        for device in [&lane.lock, &lane.pump] {
            let path = format!("/v1/devices/{}", device.lock().await.id);
            while host.staff("GET", &path, None).await["tier"] != "attested" {
                sleep(LOOK_PAUSE).await;
            }
        }
        lane
    }

    /// Makes stops until nothing new is to be begun.
    pub async fn play(self: Arc<Self>, host: Arc<Host>) -> Done {
        let mut done = Done::default();
        while host.progress.goes_on() {
            let order = self.order().await;
            let Ok(placed) = host.try_staff("POST", "/v1/orders", Some(&order)).await else {
                continue;
            };
            let session = placed["session"].as_str().unwrap().to_owned();
            done.sessions.push(session.clone());
            if self.stop(&host, &session, &mut done.releases).await.is_some() {
                done.completed += 1;
            } else {
                done.revoked += 1;
                let path = format!("/v1/sessions/{session}/revocations");
                // Refused if it has ended meanwhile.
                let _ = host.try_staff("POST", &path, Some(&json!({}))).await;
            }
        }
        done
    }

    /// One stop; `None` if it cannot be carried on.
    pub async fn stop(&self, host: &Host, session: &str, releases: &mut Vec<String>) -> Option<()> {
        let begun = self.begin(host, session).await?;
        self.finish(&begun, releases).await
    }

    /// The rest of a stop that can be released.
    pub async fn finish(&self, begun: &Begun, releases: &mut Vec<String>) -> Option<()> {
        let Begun { session, token, .. } = begun;
        for _ in 0..STEPS_MAX {
            let seen = self.handset.ask("GET", &format!("/v1/sessions/{session}"), None).await;
            let seen = seen.good()?;
            match seen["state"].as_str()? {
                "completed" => return Some(()),
                "revoked" | "expired" => return None,
                _ => {}
            }
            self.carry_on(session, &seen["legs"], &json!(token), releases).await?;
            sleep(LOOK_PAUSE).await;
        }
        None
    }

    /// A stop up to where the first leg can be released.
    pub async fn begin(&self, host: &Host, session: &str) -> Option<Begun> {
        let path = |what: &str| format!("/v1/sessions/{session}/{what}");
        let link = host.try_staff("POST", &path("links"), Some(&json!({}))).await.ok()?;
        let mut customer = host.caller(By::Bound(Box::new(fresh_key()), None));
        let ask = json!({ "secret": link["secret"] });
        let redeemed = customer.ask("POST", "/v1/links/redemptions", Some(&ask)).await;
        customer.present(redeemed.text("token")?);
        let post = async |by: &Caller, what: &str, ask: Value| {
            by.ask("POST", &path(what), Some(&ask)).await.good()
        };
        post(&customer, "recipient", json!({})).await?;
        let intent = post(&customer, "bindings", json!({ "plate": PLATE })).await?;
        post(&customer, "approvals", json!({ "intent": intent["intent"] })).await?;
        self.attest().await?;
        let ask = json!({ "driver": self.driver });
        host.try_staff("POST", &path("assignments"), Some(&ask)).await.ok()?;
        self.stand_at_the_car(session).await?;
        post(&self.handset, "vehicle-matches", json!({ "plate": PLATE })).await?;
        post(&self.handset, "arrivals", json!({})).await?;
        let code = post(&customer, "codes", json!({})).await?;
        post(&self.handset, "proofs", json!({ "code": code["code"] })).await?;
        let token = post(&self.handset, "vehicle-tokens", json!({})).await?;
        let token = token["token"].as_str()?.to_owned();
        Some(Begun { session: session.to_owned(), customer, token })
    }

    /// Does whatever the first unfinished leg needs.
    async fn carry_on(
        &self,
        session: &str,
        legs: &Value,
        token: &Value,
        releases: &mut Vec<String>,
    ) -> Option<()> {
        let is_open = |leg: &&Value| {
            !["secured", "settled", "failed"].contains(&leg["state"].as_str().unwrap_or_default())
        };
        let leg = legs.as_array()?.iter().find(is_open)?;
        let (index, state) = (leg["index"].as_u64()?, leg["state"].as_str()?);
        match (leg["kind"].as_str()?, state) {
            (kind, "pending") => {
                let scope = if kind == "fuel" {
                    self.pump.lock().await.touch(PERSON).await;
                    "fuel_authorisation"
                } else {
                    "grocery_handoff"
                };
                self.stand_at_the_car(session).await?;
                let wanted = (index, scope, leg["device"].as_str()?);
                releases.extend(self.release(session, wanted, token).await);
            }
            (_, "open") => {
                let path = format!("/v1/sessions/{session}/legs/{index}/transfers");
                self.handset.ask("POST", &path, Some(&json!({}))).await;
                self.lock.lock().await.touch(CLOSE).await;
            }
            (_, "transferred") => self.lock.lock().await.touch(CLOSE).await,
            // What is under way needs patience.
            (_, _) => {}
        }
        Some(())
    }

    /// Asks for a release; one that was refused for now is asked for again later.
    async fn release(
        &self,
        session: &str,
        (leg, scope, device): (u64, &str, &str),
        token: &Value,
    ) -> Option<String> {
        let token = self.exchange(token, scope, device).await?;
        let (path, ask) = (format!("/v1/sessions/{session}/releases"), json!({ "leg": leg }));
        let released = self.handset.ask_with("POST", &path, Some(&ask), Some(&token)).await;
        released.body["action"]["id"].as_str().map(str::to_owned)
    }

    /// A token for one action.
    async fn exchange(&self, token: &Value, scope: &str, device: &str) -> Option<String> {
        let ask = json!({
            "subject_token": token, "audience": device,
            "authorization_details": [{ "type": "urn:carhop:handoff:v1", "actions": [scope] }],
        });
        self.handset.ask("POST", "/v1/tokens/exchange", Some(&ask)).await.text("access_token")
    }

    /// Everything that the release of the trunk needs; it may be asked for within the minute.
    #[cfg(target_os = "linux")]
    pub async fn poise(&self, begun: &Begun) -> String {
        let lock = self.lock.lock().await.id.clone();
        self.stand_at_the_car(&begun.session).await.unwrap();
        self.exchange(&json!(begun.token), "grocery_handoff", &lock).await.unwrap()
    }

    /// Asks for the release of the trunk once, whatever comes back.
    #[cfg(target_os = "linux")]
    pub async fn release_once(&self, session: &str, token: &str) -> Answer {
        let (path, ask) = (format!("/v1/sessions/{session}/releases"), json!({ "leg": 0 }));
        self.handset.ask_at_once("POST", &path, Some(&ask), Some(token)).await
    }

    async fn stand_at_the_car(&self, session: &str) -> Option<()> {
        let fix = json!({ "fixes": [{
            "latitude": 37.391, "longitude": -122.083, "accuracy_m": 8, "fixed_at": at(0),
            "source": "fused",
        }] });
        let path = format!("/v1/sessions/{session}/positions");
        self.handset.ask("POST", &path, Some(&fix)).await.good()?;
        let path = format!("/v1/sessions/{session}/tags");
        self.handset.ask("POST", &path, Some(&json!({ "code": TAG }))).await.good().map(drop)
    }

    async fn attest(&self) -> Option<()> {
        let path = "/v1/attestations/challenges";
        let given = self.handset.ask("POST", path, Some(&json!({}))).await;
        let challenge = given.text("challenge")?;
        let bytes = Base64UrlUnpadded::decode_vec(&challenge).unwrap().try_into().unwrap();
        let eat = Base64UrlUnpadded::encode_string(&vouch(&self.attester, &bytes, &self.leaf));
        let ask = json!({ "challenge": challenge, "eat": eat });
        self.handset.ask("POST", "/v1/attestations", Some(&ask)).await.good().map(drop)
    }

    /// What is ordered.
    pub async fn order(&self) -> Value {
        let [lock, pump] = [&self.lock, &self.pump];
        let (lock, pump) = (lock.lock().await.id.clone(), pump.lock().await.id.clone());
        json!({
            "recipient": { "reference": "customer-4711", "name": "Kim" },
            "vehicle": { "plate": PLATE, "description": "blue Golf" },
            "place": { "venue": "library", "kind": "lot", "bay": "7" },
            "window": { "start": at(0), "end": at(3_600_000) },
            "handoff": "unattended",
            "legs": [
                { "kind": "goods", "compartment": "trunk", "basket": ["apples"], "device": lock },
                { "kind": "fuel", "grade": "regular", "limit_ml": 5000, "device": pump },
            ],
            "value": { "amount_minor": 4200, "currency": "EUR" },
            "sensitivity": "low",
            "payment_reference": "pre-auth-1",
        })
    }
}

async fn ticket(host: &Host, class: &str) -> (String, String) {
    let ask = json!({ "class": class, "name": format!("a {class}") });
    let made = host.staff("POST", "/v1/devices/tickets", Some(&ask)).await;
    let text = |member: &str| made[member].as_str().unwrap().to_owned();
    (text("device"), text("ticket"))
}

async fn actuator(host: &Host, class: &str) -> Device {
    let (id, ticket) = ticket(host, class).await;
    let gateway = host.devices().replacen("https://", "wss://", 1);
    let path = |name: &str| host.beside(name).to_str().unwrap().to_owned();
    let (public, ca, attester) = (host.public(), path("data/ca.pem"), path("attester"));
    let arguments = [
        ["--class", class],
        ["--server", &public],
        ["--gateway", &gateway],
        ["--ca", &ca],
        ["--ticket", &ticket],
        ["--attester", &attester],
        ["--firmware", FIRMWARE],
    ];
    let arguments = arguments.concat().into_iter().map(str::to_owned).collect();
    let store = host.beside(&format!("{class}-{id}"));
    Device::start(id, arguments, &store, Arc::clone(&host.progress))
}

/// A token of the software attester for a handset.
fn vouch(attester: &Path, challenge: &[u8; 32], leaf: &[u8]) -> Vec<u8> {
    let read = |name: &str| std::fs::read(attester.join(name)).unwrap();
    let key = pki::from_pkcs8(&read("attester.key")).unwrap();
    let certificate = read("attester.crt");
    let public = AwsLc.public_key(&key).unwrap();
    let component = Component {
        kind: "ARoT".to_owned(),
        measurement: FirmwareDigest(hex_decode(FIRMWARE).unwrap()),
        version: "1".to_owned(),
        signer: [2; 32],
    };
    let attester = Attester {
        key: &key,
        certificate: &certificate,
        instance: instance_of(&AwsLc, &public),
        implementation: [3; 32],
        lifecycle: LIFECYCLE_SECURED,
        components: &[component],
    };
    let nonce = bind_nonce(&AwsLc, challenge, &pki::certificate_fingerprint(leaf));
    attester.sign(&AwsLc, &nonce).unwrap()
}

fn venue() -> Value {
    let ring = json!([[
        [-122.084, 37.390],
        [-122.082, 37.390],
        [-122.082, 37.392],
        [-122.084, 37.392],
        [-122.084, 37.390],
    ]]);
    let area = |kind: &str, service: &str, tags: &[&str]| {
        json!({
            "type": "Feature", "geometry": { "type": "Polygon", "coordinates": ring },
            "properties": { "kind": kind, "services": [service], "tags": tags },
        })
    };
    json!({ "type": "FeatureCollection", "features": [
        area("parking", "grocery_handoff", &[TAG]), area("fuelling", "fuel_authorisation", &[]),
    ] })
}

/// A moment so many milliseconds from now, as text.
fn at(span_ms: u64) -> String {
    let unix_ms = SystemClock::default().now().plus_ms(span_ms).unix_ms();
    let moment = jiff::Timestamp::from_millisecond(i64::try_from(unix_ms).unwrap()).unwrap();
    format!("{moment:.3}")
}

const PLATE: &str = "7KD 201";
const TAG: &str = "bay-7-by-hand";
const CLOSE: &str = r#"{"do":"close"}"#;
const PERSON: &str = r#"{"do":"person","lift_after_ms":50,"flow_ml_per_s":20000,"wanted_ml":3210}"#;
/// How long to wait before looking again.
pub const LOOK_PAUSE: Duration = Duration::from_millis(40);
/// How often a stop is looked at before it is given up: longer than silence takes to be resolved.
const STEPS_MAX: usize = 750;
