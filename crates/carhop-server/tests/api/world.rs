//! A server to ask, and clients that ask it.

use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding};
use carhop_app::ports::Clock;
use carhop_app::record::Partition;
use carhop_kernel::device::DeviceClass;
use carhop_kernel::digest::FirmwareDigest;
use carhop_proofs::dpop::{self, Claim};
use carhop_proofs::eat::{Attester, Component, LIFECYCLE_SECURED, bind_nonce, instance_of};
use carhop_proofs::pki::{self, AttestationRoot, Serial};
use carhop_proofs::suite::{AwsLc, SigningKey, Suite};
use carhop_server::clock::SystemClock;
use carhop_server::config::{Config, Firmware, Limits};
use carhop_server::entropy::random;
use carhop_server::keys::{fresh_key, pem};
use carhop_server::serve::Running;
use reqwest::{Certificate, Client, ClientBuilder, Identity, Method};
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// A running server with two accounts of different tenants.
pub struct World {
    pub running: Running,
    pub clock: Arc<SystemClock>,
    pub admin: String,
    pub foreign_admin: String,
    client: Client,
    nonce: Mutex<Option<String>>,
    attester: Attesting,
    config: Config,
    folder: tempfile::TempDir,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

/// Who asks.
#[derive(Clone, Copy)]
pub enum By<'a> {
    Nobody,
    Key(&'a str),
    ForeignKey(&'a str),
    ForeignNobody,
    Proof(&'a SigningKey),
    Token(&'a SigningKey, &'a str),
    ForeignProof(&'a SigningKey),
    ForeignToken(&'a SigningKey, &'a str),
    Certificate(&'a Client),
}

pub const ACCOUNT: &str = "acme/san-jose";
pub const FOREIGN: &str = "other/oslo";

impl World {
    pub async fn start() -> Self {
        Self::start_with(Self::wide()).await
    }

    /// Limits that no test reaches by accident.
    pub fn wide() -> Limits {
        Limits {
            network_requests_per_second: 10_000,
            requests_per_second: 10_000,
            ..Limits::default()
        }
    }

    pub async fn start_with(limits: Limits) -> Self {
        Self::start_as(Config { limits, ..Config::default() }).await
    }

    /// With settings of its own, besides those that every world has.
    pub async fn start_as(settings: Config) -> Self {
        // The first to install wins; every test of this process installs the same.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(SystemClock::default()));
        let (attester, root) = Attesting::create(&clock);
        let root_file = folder.path().join("attesters.crt");
        std::fs::write(&root_file, root).unwrap();
        let config = Config {
            data_dir: folder.path().to_owned(),
            accounts: vec![ACCOUNT.to_owned(), FOREIGN.to_owned()],
            public_address: ([127, 0, 0, 1], 0).into(),
            device_address: ([127, 0, 0, 1], 0).into(),
            attestation_roots: vec![root_file],
            firmware: vec![Firmware { class: DeviceClass::Handset, digest: FIRMWARE }],
            ..settings
        };
        let running = Running::start(config.clone(), Arc::clone(&clock)).await.unwrap();
        let admin = running.admin_key("test").await.unwrap();
        let foreign =
            Partition { tenant: "other".parse().unwrap(), market: "oslo".parse().unwrap() };
        let foreign_admin = running.admin_key_of(&foreign, "test").await.unwrap();
        let client = builder(&running).build().unwrap();
        Self {
            running,
            clock,
            admin,
            foreign_admin,
            client,
            nonce: Mutex::new(None),
            attester,
            config,
            folder,
        }
    }

    /// Stops the server and starts it again over what it left.
    pub async fn restart(self) -> Self {
        self.restart_after(|_| ()).await
    }

    /// The same, with something done to its folder in between.
    pub async fn restart_after(self, between: impl FnOnce(&std::path::Path)) -> Self {
        let Self { running, clock, config, .. } = self;
        running.stop().await;
        between(&config.data_dir);
        let running = Running::start(config.clone(), Arc::clone(&clock)).await.unwrap();
        let client = builder(&running).build().unwrap();
        Self { running, clock, client, config, ..self }
    }

    /// Stops the server and hands over what it leaves on the disk.
    pub async fn stop_and_keep(self) -> tempfile::TempDir {
        drop(self.client);
        self.running.stop().await;
        self.folder
    }

    pub async fn stop(self) {
        drop(self.client);
        self.running.stop().await;
        drop(self.folder);
    }

    /// Asks once; a demanded nonce is taken along in a second try.
    pub async fn ask(&self, by: By<'_>, method: &str, path: &str, body: Option<Value>) -> Answer {
        let text = body.map(|body| body.to_string());
        self.ask_as(by, method, path, text.as_deref(), &uuid()).await
    }

    /// Asks with this body and this idempotency key.
    pub async fn ask_as(
        &self,
        by: By<'_>,
        method: &str,
        path: &str,
        body: Option<&str>,
        idempotency_key: &str,
    ) -> Answer {
        let answer = self.ask_once(by, method, path, body, idempotency_key).await;
        if answer.body["code"] == "use_dpop_nonce" {
            return self.ask_once(by, method, path, body, idempotency_key).await;
        }
        answer
    }

    async fn ask_once(
        &self,
        by: By<'_>,
        method: &str,
        path: &str,
        body: Option<&str>,
        idempotency_key: &str,
    ) -> Answer {
        let (client, base) = match by {
            By::Certificate(client) => (client, self.devices_base()),
            By::Nobody
            | By::Key(_)
            | By::ForeignKey(_)
            | By::ForeignNobody
            | By::Proof(_)
            | By::ForeignProof(_)
            | By::ForeignToken(..)
            | By::Token(..) => (&self.client, self.base()),
        };
        let url = format!("{base}{path}");
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = client.request(method.clone(), &url);
        request = match by {
            By::Nobody | By::Certificate(_) => request,
            By::Key(key) => request.bearer_auth(key),
            By::ForeignKey(key) => request.bearer_auth(key).header("carhop-account", FOREIGN),
            By::ForeignNobody => request.header("carhop-account", FOREIGN),
            By::Proof(key) | By::ForeignProof(key) => {
                request.header("dpop", self.proof(key, method.as_str(), &url, None).await)
            }
            By::Token(key, token) | By::ForeignToken(key, token) => request
                .header("authorization", format!("DPoP {token}"))
                .header("dpop", self.proof(key, method.as_str(), &url, Some(token)).await),
        };
        if matches!(by, By::ForeignProof(_) | By::ForeignToken(..)) {
            request = request.header("carhop-account", FOREIGN);
        }
        if path.ends_with("/amendments") {
            request = request.header("if-match", "\"1\"");
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .header("idempotency-key", idempotency_key)
                .body(body.to_owned());
        }
        let answer = read(request.send().await.unwrap()).await;
        if let Some(nonce) = answer.headers.get("dpop-nonce") {
            *self.nonce.lock().await = Some(nonce.to_str().unwrap().to_owned());
        }
        answer
    }

    pub async fn proof(
        &self,
        key: &SigningKey,
        method: &str,
        url: &str,
        access_token: Option<&str>,
    ) -> String {
        let nonce = self.nonce.lock().await.clone();
        let claim = Claim {
            method,
            url,
            access_token,
            nonce: nonce.as_deref(),
            issued_at: self.clock.now(),
            jti: &text(&random::<16>()),
        };
        dpop::make(&AwsLc, key, &claim).unwrap()
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    pub fn base(&self) -> String {
        format!("https://localhost:{}", self.running.public_address().port())
    }

    pub fn devices_base(&self) -> String {
        format!("https://localhost:{}", self.running.device_address().port())
    }

    /// A client that shows this certificate.
    pub fn client_with(&self, key: &SigningKey, chain: &Value) -> Client {
        builder(&self.running).identity(identity(key, chain)).build().unwrap()
    }

    /// The same over HTTP/1.1, for what upgrades its connection.
    pub fn http1_client_with(&self, key: &SigningKey, chain: &Value) -> Client {
        builder(&self.running).identity(identity(key, chain)).http1_only().build().unwrap()
    }

    /// Lets a handset attest itself; the tier it gets.
    pub async fn attest(&self, handset: &Client, chain: &Value) -> String {
        let by = By::Certificate(handset);
        let path = "/v1/attestations/challenges";
        let given = self.ask(by, "POST", path, Some(json!({}))).await.expect(201);
        let challenge = Base64UrlUnpadded::decode_vec(&given.text("challenge")).unwrap();
        let leaf = Base64UrlUnpadded::decode_vec(chain[0].as_str().unwrap()).unwrap();
        let eat = self.attester.attest(&challenge.try_into().unwrap(), &leaf);
        let ask = json!({ "challenge": given.body["challenge"], "eat": text(&eat) });
        self.ask(by, "POST", "/v1/attestations", Some(ask)).await.expect(200).text("tier")
    }

    /// Tickets and enrols a device; its id, key and certificate chain.
    pub async fn enrol(&self, class: &str) -> (String, SigningKey, Value) {
        self.enrol_by(By::Key(&self.admin), By::Nobody, class).await
    }

    /// The same, ticketed and enrolled by these.
    pub async fn enrol_by(
        &self,
        admin: By<'_>,
        nobody: By<'_>,
        class: &str,
    ) -> (String, SigningKey, Value) {
        let ask = json!({ "class": class, "name": class });
        let ticket = self.ask(admin, "POST", "/v1/devices/tickets", Some(ask)).await;
        let key = fresh_key();
        let csr = text(&pki::csr(&AwsLc, &key).unwrap());
        let ask = json!({ "ticket": ticket.body["ticket"], "csr": csr });
        let made = self.ask(nobody, "POST", "/v1/devices/enrolments", Some(ask)).await;
        assert_eq!(made.status, 201, "{:?}", made.body);
        let device = made.body["device"].as_str().unwrap().to_owned();
        (device, key, made.body["certificate_chain"].clone())
    }
}

/// A software attester that the world's server believes.
struct Attesting {
    key: SigningKey,
    certificate: Vec<u8>,
}

impl Attesting {
    fn create(clock: &SystemClock) -> (Self, Vec<u8>) {
        let (now, serial) = (clock.now(), || Serial::from_random(random()));
        let root = AttestationRoot::create(&AwsLc, "test", fresh_key(), serial(), now).unwrap();
        let key = fresh_key();
        let public = AwsLc.public_key(&key).unwrap();
        let certificate =
            root.issue(&AwsLc, &public, "attester", serial(), now, 3_600_000).unwrap();
        (Self { key, certificate }, root.certificate().to_vec())
    }

    fn attest(&self, challenge: &[u8; 32], leaf: &[u8]) -> Vec<u8> {
        let public = AwsLc.public_key(&self.key).unwrap();
        let component = Component {
            kind: "ARoT".to_owned(),
            measurement: FIRMWARE,
            version: "1".to_owned(),
            signer: [2; 32],
        };
        let attester = Attester {
            key: &self.key,
            certificate: &self.certificate,
            instance: instance_of(&AwsLc, &public),
            implementation: [3; 32],
            lifecycle: LIFECYCLE_SECURED,
            components: &[component],
        };
        let nonce = bind_nonce(&AwsLc, challenge, &pki::certificate_fingerprint(leaf));
        attester.sign(&AwsLc, &nonce).unwrap()
    }
}

/// What every handset here runs.
const FIRMWARE: FirmwareDigest = FirmwareDigest([1; 32]);

impl Answer {
    pub fn text(&self, member: &str) -> String {
        self.body[member].as_str().unwrap_or_else(|| panic!("{self:?}")).to_owned()
    }

    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{:?}", self.body);
        self
    }
}

pub async fn read(response: reqwest::Response) -> Answer {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await.unwrap();
    Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or_default() }
}

pub fn uuid() -> String {
    uuid::Uuid::from_bytes(random()).to_string()
}

pub fn text(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

fn builder(running: &Running) -> ClientBuilder {
    let roots = std::fs::read(running.ca_file()).unwrap();
    let roots = Certificate::from_pem_bundle(&roots).unwrap();
    Client::builder().tls_certs_only(roots)
}

fn identity(key: &SigningKey, chain: &Value) -> Identity {
    let mut text = String::new();
    for one in chain.as_array().unwrap() {
        let der = Base64UrlUnpadded::decode_vec(one.as_str().unwrap()).unwrap();
        text.push_str(&pem("CERTIFICATE", &der));
    }
    text.push_str(&pem("PRIVATE KEY", &pki::pkcs8(key).unwrap()));
    Identity::from_pem(text.as_bytes()).unwrap()
}
