//! How the command line asks a running server: over its public interface, with an API key, trusting its own root.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use reqwest::{Certificate, Client, RequestBuilder};
use serde_json::Value;

use super::accepted;
use crate::entropy::random;

/// Which server, and as whom.
#[derive(clap::Args)]
pub(super) struct Remote {
    /// The server's public origin.
    #[arg(long, default_value = "https://localhost:8443", value_parser = accepted::origin)]
    server: String,
    /// The root certificate to trust (PEM).
    #[arg(long, default_value = "carhop-data/ca.pem")]
    ca: PathBuf,
    /// A file with the API key.
    #[arg(long, default_value = "carhop-data/admin.key")]
    key_file: PathBuf,
    /// Tenant and market, where the server has several: `tenant/market`.
    #[arg(long)]
    account: Option<String>,
}

/// A connection to it.
pub(super) struct Connected {
    client: Client,
    server: String,
    key: String,
    account: Option<String>,
}

impl Remote {
    /// Reads what is needed to ask.
    pub(super) fn connect(self) -> anyhow::Result<Connected> {
        let roots = std::fs::read(&self.ca).with_context(|| unreadable("--ca", &self.ca))?;
        let roots = Certificate::from_pem_bundle(&roots)?;
        let key = std::fs::read_to_string(&self.key_file)
            .with_context(|| unreadable("--key-file", &self.key_file))?;
        let client = Client::builder().tls_certs_only(roots).build()?;
        let server = self.server.trim_end_matches('/').to_owned();
        Ok(Connected { client, server, key: key.trim().to_owned(), account: self.account })
    }
}

impl Connected {
    /// Looks at something.
    pub(super) async fn look(&self, path: &str) -> anyhow::Result<Value> {
        answer(self.dressed(self.client.get(self.url(path)))).await
    }

    /// Asks for something, once.
    pub(super) async fn ask(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.once(self.client.post(self.url(path)), body).await
    }

    /// Stores something, once.
    pub(super) async fn store(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.once(self.client.put(self.url(path)), body).await
    }

    async fn once(&self, request: RequestBuilder, body: &Value) -> anyhow::Result<Value> {
        let once = uuid::Uuid::from_bytes(random()).to_string();
        answer(self.dressed(request.header("idempotency-key", once)).json(body)).await
    }

    /// A request whose answer is a stream.
    pub(super) fn stream(&self, path: &str) -> RequestBuilder {
        self.dressed(self.client.get(self.url(path)))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server)
    }

    fn dressed(&self, request: RequestBuilder) -> RequestBuilder {
        let request = request.bearer_auth(&self.key);
        match &self.account {
            Some(account) => request.header("carhop-account", account),
            None => request,
        }
    }
}

/// The defaults fit a server that was started in this folder and has been ready once.
fn unreadable(option: &str, path: &Path) -> String {
    format!(
        "`{option} {}` cannot be read; `carhop serve` leaves it in its data folder",
        path.display()
    )
}

/// The answer, or the problem as an error.
async fn answer(request: RequestBuilder) -> anyhow::Result<Value> {
    let response = request.send().await.context("`--server` does not answer")?;
    let good = response.status().is_success();
    let body: Value = response.json().await.context("the answer is not JSON")?;
    if good {
        return Ok(body);
    }
    let text = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
    let about = match text("param") {
        param if param.is_empty() => param,
        param => format!(": {param}"),
    };
    bail!("{} ({}{about}) {}", text("title"), text("code"), text("detail"))
}
