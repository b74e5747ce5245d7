//! What a device asks of the authority: to be enrolled with a ticket, to be renewed, to be connected.
//!
//! It believes nothing that does not lead to the root it was given by hand.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use base64ct::{Base64UrlUnpadded, Encoding};
use carhop_app::ports::Clock;
use carhop_kernel::device::DeviceClass;
use carhop_proofs::frame::{FRAME_LENGTH_MAX, PROTOCOL};
use carhop_proofs::pki;
use carhop_proofs::suite::{RustCrypto, SigningKey};
use rustls::pki_types::ServerName;
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::store::Identity;
use super::tls;
use crate::clock::SystemClock;

/// A WebSocket over mutual TLS.
pub(crate) type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// The authority as a device knows it.
#[derive(Clone, Debug)]
pub(crate) struct Authority {
    public_origin: String,
    gateway: Gateway,
    roots: Vec<Vec<u8>>,
}

/// The mutual-TLS listener.
#[derive(Clone, Debug)]
struct Gateway {
    host: String,
    port: u16,
}

/// The answer to an enrolment or a renewal.
#[derive(Deserialize)]
struct Enrolled {
    device: carhop_kernel::id::DeviceId,
    certificate_chain: Vec<String>,
    command_keys: serde_json::Value,
}

impl Authority {
    /// The authority at these origins, vouched for by these roots.
    pub(crate) fn new(server: &str, gateway: &str, roots: Vec<Vec<u8>>) -> Result<Self> {
        let public_origin = server.trim_end_matches('/').to_owned();
        ensure!(public_origin.starts_with("https://"), "`--server` begins with https://");
        Ok(Self { public_origin, gateway: Gateway::parse(gateway)?, roots })
    }

    /// Turns a one-time ticket into a certificate for `key`.
    pub(crate) async fn enrol(
        &self,
        key: &SigningKey,
        ticket: &str,
        class: DeviceClass,
    ) -> Result<Identity> {
        let csr = pki::csr(&RustCrypto, key)?;
        let ask = json!({ "ticket": ticket, "csr": Base64UrlUnpadded::encode_string(&csr) });
        let client = tls::https(tls::client(&self.roots, None)?)?;
        let url = format!("{}/v1/devices/enrolments", self.public_origin);
        let identity =
            certified(client.post(url).json(&ask), TICKET_REFUSED).await.context("enrolling")?;
        let certificate = self.verified(&identity)?;
        ensure!(certificate.class == class, "the ticket is for a {}", certificate.class);
        ensure!(certificate.device == identity.device, "the certificate names another device");
        ensure!(
            Some(certificate.key) == public(key),
            "the certificate is for another key than the device's"
        );
        Ok(identity)
    }

    /// A fresh certificate for the same key, before the old one ends.
    pub(crate) async fn renew(&self, key: &SigningKey, identity: &Identity) -> Result<Identity> {
        let csr = pki::csr(&RustCrypto, key)?;
        let ask = json!({ "csr": Base64UrlUnpadded::encode_string(&csr) });
        let config = tls::client(&self.roots, Some((&identity.chain()?, key)))?;
        let url = format!("{}/v1/devices/renewals", self.gateway.https_origin());
        let request = tls::https(config)?.post(url).json(&ask);
        let renewed = certified(request, CERTIFICATE_REFUSED).await.context("renewing")?;
        let certificate = self.verified(&renewed)?;
        ensure!(certificate.device == identity.device, "the certificate names another device");
        Ok(renewed)
    }

    /// The device's certificate, which must be one of a device of this class.
    pub(crate) fn certificate(
        &self,
        identity: &Identity,
        class: DeviceClass,
    ) -> Result<pki::DeviceCertificate> {
        let certificate = self.verified(identity)?;
        ensure!(certificate.class == class, "the store is that of a {}", certificate.class);
        Ok(certificate)
    }

    /// Connects to the gateway.
    pub(crate) async fn connect(&self, key: &SigningKey, identity: &Identity) -> Result<Socket> {
        let Gateway { host, port } = &self.gateway;
        let config = tls::client(&self.roots, Some((&identity.chain()?, key)))?;
        let tcp = TcpStream::connect((host.as_str(), *port)).await?;
        // Frames are small, and somebody stands at the door.
        tcp.set_nodelay(true)?;
        let name = ServerName::try_from(host.clone())?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await?;
        let url = format!("wss://{}{CONNECT_PATH}", self.gateway.authority());
        let mut request = url.into_client_request()?;
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(PROTOCOL));
        let limits = WebSocketConfig::default()
            .max_message_size(Some(FRAME_LENGTH_MAX))
            .max_frame_size(Some(FRAME_LENGTH_MAX));
        let (socket, _) =
            tokio_tungstenite::client_async_with_config(request, stream, Some(limits)).await?;
        Ok(socket)
    }

    fn verified(&self, identity: &Identity) -> Result<pki::DeviceCertificate> {
        let chain = identity.chain()?;
        let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
        let roots: Vec<&[u8]> = self.roots.iter().map(Vec::as_slice).collect();
        pki::verify_device(&chain, &roots, SystemClock::default().now())
            .context("the certificate does not lead to the given root")
    }
}

impl Gateway {
    fn parse(url: &str) -> Result<Self> {
        let rest = url.strip_prefix("wss://").context("`--gateway` begins with wss://")?;
        let authority = rest.split('/').next().unwrap_or_default();
        let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "443"));
        let host = host.trim_start_matches('[').trim_end_matches(']');
        ensure!(!host.is_empty(), "`--gateway` names no host");
        let port = port.parse().context("`--gateway` has no usable port")?;
        Ok(Self { host: host.to_owned(), port })
    }

    fn authority(&self) -> String {
        let Self { host, port } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    fn https_origin(&self) -> String {
        format!("https://{}", self.authority())
    }
}

async fn certified(request: reqwest::RequestBuilder, unauthenticated: &str) -> Result<Identity> {
    let answer = request.send().await?;
    let status = answer.status();
    let body = answer.bytes().await?;
    ensure!(status != reqwest::StatusCode::UNAUTHORIZED, "{unauthenticated}");
    ensure!(
        status.is_success(),
        "the authority says {status}: {}",
        String::from_utf8_lossy(&body[..body.len().min(ANSWER_SHOWN_MAX)])
    );
    let Enrolled { device, certificate_chain, command_keys } = serde_json::from_slice(&body)?;
    Ok(Identity { device, certificate_chain, command_keys })
}

fn public(key: &SigningKey) -> Option<carhop_proofs::suite::PublicKey> {
    carhop_proofs::suite::Suite::public_key(&RustCrypto, key).ok()
}

const CONNECT_PATH: &str = "/v1/devices/connect";
const TICKET_REFUSED: &str = "the ticket does not count: each works once, within an hour, at the server that made it; \
     `carhop device ticket` makes another";
const CERTIFICATE_REFUSED: &str =
    "the certificate does not count any more: it has ended, or the device was revoked";
/// How much of a refusal is shown, in bytes.
const ANSWER_SHOWN_MAX: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_a_host_and_a_port() {
        let rows = [
            ("wss://localhost:8443", Some(("localhost", 8443, "localhost:8443"))),
            ("wss://[::1]:9/v1", Some(("::1", 9, "[::1]:9"))),
            ("wss://gate.example", Some(("gate.example", 443, "gate.example:443"))),
            ("https://localhost:1", None),
            ("wss://:1", None),
            ("wss://host:many", None),
        ];
        for (url, expected) in rows {
            let parsed = Gateway::parse(url).ok();
            let found = parsed.as_ref().map(|gateway| (gateway.host.as_str(), gateway.port));
            assert_eq!(found, expected.map(|(host, port, _)| (host, port)), "{url}");
            let authority = parsed.map(|gateway| gateway.authority());
            assert_eq!(authority.as_deref(), expected.map(|(_, _, text)| text), "{url}");
        }
    }
}
