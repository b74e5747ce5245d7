//! `events tail`: follows what happens on a running server, and comes back where it was cut.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use futures_util::StreamExt;
use serde_json::Value;

use super::remote::{Connected, Remote};
use crate::timers::sleep;

/// What to do with events.
#[derive(clap::Subcommand)]
pub(super) enum EventsCommand {
    /// Print events as they happen, until interrupted.
    Tail {
        #[command(flatten)]
        remote: Remote,
        /// Only what is about this session.
        #[arg(long)]
        session: Option<String>,
        /// Only what comes after this position; everything if absent.
        #[arg(long)]
        after: Option<u64>,
    },
}

/// Does it.
pub(super) async fn run(command: EventsCommand, as_json: bool) -> anyhow::Result<ExitCode> {
    let EventsCommand::Tail { remote, session, after } = command;
    let server = remote.connect()?;
    let path = session.map_or_else(
        || "/v1/events/stream".to_owned(),
        |session| format!("/v1/events/stream?session={session}"),
    );
    let mut last = after;
    loop {
        follow(&server, &path, &mut last, as_json).await?;
        sleep(COME_BACK_AFTER).await;
    }
}

/// Prints until the stream is cut. A refusal is an error, a cut is not.
async fn follow(
    server: &Connected,
    path: &str,
    last: &mut Option<u64>,
    as_json: bool,
) -> anyhow::Result<()> {
    let mut request = server.stream(path);
    if let Some(last) = last {
        request = request.header("last-event-id", last.to_string());
    }
    let Ok(response) = request.send().await else { return Ok(()) };
    if response.status().is_client_error() {
        bail!("the server refuses: {}", response.text().await.unwrap_or_default());
    }
    let (mut stream, mut waiting) = (response.bytes_stream(), Vec::new());
    while let Some(Ok(bytes)) = stream.next().await {
        waiting.extend_from_slice(&bytes);
        while let Some(end) = waiting.windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<u8> = waiting.drain(..end + 2).collect();
            if let Some(event) = data(&event) {
                *last = event["position"].as_u64().or(*last);
                show(&event, as_json);
            }
        }
    }
    Ok(())
}

fn data(event: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(event).ok()?;
    let data = text.lines().find_map(|line| line.strip_prefix("data: "))?;
    serde_json::from_str(data).ok()
}

fn show(event: &Value, as_json: bool) {
    if as_json {
        println!("{event}");
        return;
    }
    let text = |member: &str| event[member].as_str().unwrap_or_default();
    println!(
        "{:>6}  {}  {:<36} {}",
        event["position"].as_u64().unwrap_or_default(),
        text("time"),
        text("type"),
        text("session"),
    );
}

const COME_BACK_AFTER: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_events_with_data_are_events() {
        assert_eq!(data(b"id: 1\nevent: x\ndata: {\"position\":1}\n\n").unwrap()["position"], 1);
        assert_eq!(data(b": keep-alive\n\n"), None);
        assert_eq!(data(b"data: {\n\n"), None);
        assert_eq!(data(&[0xff, b'\n', b'\n']), None);
    }
}
