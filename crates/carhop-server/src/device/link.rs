//! The connection to the gateway, kept up: connect, pass frames on, and come back after a while.
//!
//! It understands no frame. What is handed over while there is no connection is lost, as on any wire.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use super::authority::{Authority, Socket};
use super::store::Identity;
use crate::{entropy, timers};
use carhop_proofs::suite::SigningKey;

/// What the connection tells the shell.
#[derive(Debug)]
pub(crate) enum LinkEvent {
    /// A connection stands; frames go in here.
    Connected(mpsc::UnboundedSender<Vec<u8>>),
    /// A frame came.
    Frame(Vec<u8>),
    /// There is no connection, and why.
    Disconnected(String),
}

/// Keeps a connection up until nobody listens to it any more.
pub(crate) async fn keep(
    authority: Authority,
    key: SigningKey,
    identity: Identity,
    events: mpsc::Sender<LinkEvent>,
) {
    let mut failures = 0;
    loop {
        let connecting = Box::pin(authority.connect(&key, &identity));
        let why = match timers::within(CONNECT_PATIENCE, connecting).await {
            Some(Ok(socket)) => {
                let mut passing = Box::pin(pass_frames(socket, &events));
                // One that ends as soon as it stands is no better than none: whoever hung up would do it again.
                if let Some(why) = timers::within(STEADY, &mut passing).await {
                    why
                } else {
                    failures = 0;
                    passing.await
                }
            }
            Some(Err(error)) => format!("{error:#}"),
            None => "nobody answers".to_owned(),
        };
        if events.send(LinkEvent::Disconnected(why)).await.is_err() {
            return;
        }
        timers::sleep(pause(failures, entropy::random())).await;
        failures += 1;
    }
}

/// Passes frames both ways until the connection ends, and says why it did.
async fn pass_frames(socket: Socket, events: &mpsc::Sender<LinkEvent>) -> String {
    let (frames, mut waiting) = mpsc::unbounded_channel();
    if events.send(LinkEvent::Connected(frames)).await.is_err() {
        return "stopped".to_owned();
    }
    let (mut sink, mut stream) = socket.split();
    loop {
        tokio::select! {
            outgoing = waiting.recv() => {
                let Some(frame) = outgoing else { return "hung up".to_owned() };
                if let Err(error) = sink.send(Message::binary(frame)).await {
                    return error.to_string();
                }
            }
            incoming = timers::within(SILENCE_MAX, stream.next()) => match incoming {
                Some(Some(Ok(Message::Binary(frame)))) => {
                    if events.send(LinkEvent::Frame(frame.to_vec())).await.is_err() {
                        return "stopped".to_owned();
                    }
                }
                Some(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
                Some(Some(Ok(Message::Close(_))) | None) => return "closed".to_owned(),
                Some(Some(Ok(Message::Text(_) | Message::Frame(_)))) => {
                    return "not a frame of the protocol".to_owned();
                }
                Some(Some(Err(error))) => return error.to_string(),
                None => return "silent for too long".to_owned(),
            }
        }
    }
}

/// Doubles from a fifth of a second to half a minute; up to half of it is chance, so that a fleet does
/// not come back all at once.
fn pause(failures: u32, chance: [u8; 2]) -> Duration {
    let whole_ms = PAUSE_MS_MIN.saturating_mul(1 << failures.min(10)).min(PAUSE_MS_MAX);
    let chance = u64::from(u16::from_be_bytes(chance));
    Duration::from_millis(whole_ms / 2 + whole_ms / 2 * chance / u64::from(u16::MAX))
}

/// How long connecting may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// How long nothing may be heard; the agent asks for the time more than twice as often.
const SILENCE_MAX: Duration = Duration::from_secs(150);
/// How long a connection stands before the next pause begins with the shortest again.
const STEADY: Duration = Duration::from_secs(5);
const PAUSE_MS_MIN: u64 = 200;
const PAUSE_MS_MAX: u64 = 30_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_are_scattered() {
        let span = |failures| {
            let ends = [[0, 0], [255, 255]].map(|chance| pause(failures, chance).as_millis());
            (ends[0], ends[1])
        };
        assert_eq!(span(0), (100, 200));
        assert_eq!(span(3), (800, 1_600));
        assert_eq!(span(u32::MAX), (15_000, 30_000));
    }
}
