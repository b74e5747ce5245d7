//! The API keys of a running server: which there are, and revoking one. They are made over the interface.

use std::process::ExitCode;

use carhop_kernel::id::ApiKeyId;
use serde_json::{Value, json};

use super::remote::Remote;

pub(super) async fn list(remote: Remote, as_json: bool) -> anyhow::Result<ExitCode> {
    let server = remote.connect()?;
    let mut path = "/v1/api-keys?limit=100".to_owned();
    loop {
        let page = server.look(&path).await?;
        for key in page["data"].as_array().into_iter().flatten() {
            tell(key, as_json);
        }
        let Some(cursor) = page["next_cursor"].as_str() else { return Ok(ExitCode::SUCCESS) };
        path = format!("/v1/api-keys?limit=100&after={cursor}");
    }
}

pub(super) async fn revoke(
    remote: Remote,
    key: ApiKeyId,
    cause: &str,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let path = format!("/v1/api-keys/{key}/revocations");
    let revoked = remote.connect()?.ask(&path, &json!({ "cause": cause })).await?;
    tell(&revoked, as_json);
    Ok(ExitCode::SUCCESS)
}

fn tell(key: &Value, as_json: bool) {
    if as_json {
        println!("{key}");
        return;
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let scopes: Vec<_> = key["scopes"].as_array().into_iter().flatten().map(text).collect();
    let state = match key["revoked_at"].as_str() {
        Some(at) => format!("revoked {at}"),
        None => "in force".to_owned(),
    };
    println!("{}  {}  {}  {}", text(&key["id"]), scopes.join(","), state, text(&key["name"]));
}
