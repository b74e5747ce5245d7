//! Clients that do not give up: what was asked is asked again, under the same idempotency key, until it is answered.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use carhop_app::ports::Clock;
use carhop_proofs::dpop::{self, Claim};
use carhop_proofs::pki;
use carhop_proofs::suite::{AwsLc, SigningKey};
use carhop_server::clock::SystemClock;
use carhop_server::entropy::random;
use carhop_server::keys::pem;
use carhop_server::timers::sleep;
use reqwest::{Certificate, Client, Identity, Method};
use serde_json::Value;

use crate::progress::Progress;

/// A client with one credential.
pub struct Caller {
    client: Client,
    origin: String,
    by: By,
    nonce: Mutex<Option<String>>,
    progress: Arc<Progress>,
}

/// Who asks.
pub enum By {
    /// Nobody, or whoever holds the connection's certificate.
    Nobody,
    /// An API key.
    Key(String),
    /// A key of one's own, and the token bound to it.
    Bound(Box<SigningKey>, Option<String>),
}

/// What came back at last.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Value,
    /// After how many seconds to ask again.
    pub retry_after_s: Option<u64>,
}

impl Caller {
    /// A client of `origin`, which the roots vouch for.
    pub fn new(roots: &[u8], origin: &str, by: By, progress: Arc<Progress>) -> Self {
        Self::with(client(roots, None), origin, by, progress)
    }

    /// A client that shows this certificate.
    pub fn certified(
        roots: &[u8],
        origin: &str,
        (key, chain): (&SigningKey, &[Vec<u8>]),
        progress: Arc<Progress>,
    ) -> Self {
        let mut text: String = chain.iter().map(|der| pem("CERTIFICATE", der)).collect();
        text.push_str(&pem("PRIVATE KEY", &pki::pkcs8(key).unwrap()));
        let identity = Identity::from_pem(text.as_bytes()).unwrap();
        Self::with(client(roots, Some(identity)), origin, By::Nobody, progress)
    }

    fn with(client: Client, origin: &str, by: By, progress: Arc<Progress>) -> Self {
        Self { client, origin: origin.to_owned(), by, nonce: Mutex::default(), progress }
    }

    /// Presents this token from now on.
    pub fn present(&mut self, fresh: String) {
        if let By::Bound(_, token) = &mut self.by {
            *token = Some(fresh);
        }
    }

    /// Asks until it is answered.
    pub async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.ask_with(method, path, body, None).await
    }

    /// Asks with a one-use token.
    pub async fn ask_with(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        token: Option<&str>,
    ) -> Answer {
        let once = uuid::Uuid::from_bytes(random()).to_string();
        loop {
            self.progress.tick();
            let answer = self.ask_once(method, path, body, token, &once).await;
            self.progress.tick();
            if answer.as_ref().is_some_and(|answer| answer.body["code"] == "storage_full") {
                self.progress.refuse_for_room();
            }
            match answer {
                Some(answer) if !is_worth_another_try(&answer) => return answer,
                Some(_) | None => sleep(RETRY_PAUSE).await,
            }
        }
    }

    /// Asks until there is an answer, whatever it says.
    #[cfg(target_os = "linux")]
    pub async fn ask_at_once(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        token: Option<&str>,
    ) -> Answer {
        let once = uuid::Uuid::from_bytes(random()).to_string();
        loop {
            if let Some(answer) = self.ask_once(method, path, body, token, &once).await {
                return answer;
            }
            sleep(RETRY_PAUSE).await;
        }
    }

    async fn ask_once(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        token: Option<&str>,
        once: &str,
    ) -> Option<Answer> {
        let url = format!("{}{path}", self.origin);
        let mut request = self.client.request(Method::from_bytes(method.as_bytes()).unwrap(), &url);
        request = match &self.by {
            By::Nobody => request,
            By::Key(key) => request.bearer_auth(key),
            By::Bound(key, token) => {
                let nonce = self.nonce.lock().unwrap().clone();
                let claim = Claim {
                    method,
                    url: &url,
                    access_token: token.as_deref(),
                    nonce: nonce.as_deref(),
                    issued_at: SystemClock::default().now(),
                    jti: &Base64UrlUnpadded::encode_string(&random::<16>()),
                };
                let request = request.header("dpop", dpop::make(&AwsLc, key, &claim).unwrap());
                token.iter().fold(request, |request, token| {
                    request.header("authorization", format!("DPoP {token}"))
                })
            }
        };
        if let Some(body) = body {
            request = request.header("idempotency-key", once).json(body);
        }
        if let Some(token) = token {
            request = request.header("carhop-token", token);
        }
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        if let Some(nonce) = response.headers().get("dpop-nonce") {
            *self.nonce.lock().unwrap() = Some(nonce.to_str().unwrap().to_owned());
        }
        let retry_after_s =
            response.headers().get("retry-after").and_then(|wait| wait.to_str().ok()?.parse().ok());
        let body = response.bytes().await.ok()?;
        let body = serde_json::from_slice(&body).unwrap_or_default();
        Some(Answer { status, body, retry_after_s })
    }
}

impl Answer {
    /// A text member.
    pub fn text(&self, member: &str) -> Option<String> {
        self.body[member].as_str().map(str::to_owned)
    }

    /// The body of an answer that is no refusal.
    pub fn good(self) -> Option<Value> {
        (self.status < 400).then_some(self.body)
    }
}

fn is_worth_another_try(answer: &Answer) -> bool {
    let code = answer.body["code"].as_str().unwrap_or_default();
    answer.status == 503 || ["use_dpop_nonce", "contended", "too_many_requests"].contains(&code)
}

fn client(roots: &[u8], identity: Option<Identity>) -> Client {
    let roots = Certificate::from_pem_bundle(roots).unwrap();
    let builder = Client::builder().tls_certs_only(roots).timeout(ANSWER_MAX);
    identity.into_iter().fold(builder, reqwest::ClientBuilder::identity).build().unwrap()
}

const RETRY_PAUSE: Duration = Duration::from_millis(30);
const ANSWER_MAX: Duration = Duration::from_secs(15);
