//! What happened, by position: as a list, and as a stream that resumes where it was cut (M-INT-2).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use carhop_app::Call;
use carhop_app::batch::{LogEntry, Stream};
use carhop_app::records::ApiScope;
use carhop_app::sequence::event_name;
use carhop_kernel::id::{DecisionId, EventId, SessionId};
use futures_util::stream::{self, Stream as Items};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{Answer, Page, Part, position, position_of};
use crate::bell::told;
use crate::http::auth::Caller;
use crate::http::body::Asked;
use crate::http::problem::Problem;
use crate::http::streams::Reading;
use crate::http::time::Time;
use crate::server::Server;
use crate::timers::within;

/// Something that happened. Times inside `data` are Unix milliseconds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventView {
    #[schema(value_type = String)]
    id: EventId,
    /// Such as `carhop.lock.opened.v1`.
    #[serde(rename = "type")]
    kind: String,
    /// Its place in the log, from zero, without gaps.
    pub(crate) position: u64,
    time: Time,
    /// The session it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    session: Option<SessionId>,
    /// Who caused it: its `kind`, and the id of who it was.
    actor: Value,
    /// The decision that permitted or refused it, where one was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    decision: Option<DecisionId>,
    data: Value,
}

/// One server-sent event. Its `data` is an `Event` as JSON; its `id` goes back in `Last-Event-ID`.
#[derive(ToSchema)]
#[schema(as = StreamedEvent)]
#[expect(dead_code, reason = "it only describes what the stream writes")]
pub(crate) struct StreamedView {
    /// The event's position.
    id: String,
    /// The event's type.
    event: String,
    /// The event.
    data: String,
}

#[derive(Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Only what comes after this position.
    #[serde(default, deserialize_with = "position")]
    after: Option<u64>,
    /// At most so many, up to 100.
    limit: Option<usize>,
    /// Only what is about this session.
    #[param(value_type = Option<String>)]
    session: Option<SessionId>,
}

/// Lists events in the order of the log.
#[utoipa::path(get, path = "/v1/events", tag = "events", params(Which),
    responses((status = 200, body = Page<EventView>)))]
pub(crate) async fn list(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Asked(which): Asked<Which>,
) -> Answer<Page<EventView>> {
    let call = caller.any_key(&[ApiScope::Staff, ApiScope::Audit])?;
    let limit = Part { limit: which.limit, after: None }.limit();
    let from = which.after.map_or(0, |after| after.saturating_add(1));
    let read = server.app.feed(&call.partition, which.session, from, limit + 1).await?;
    let found = read.iter().map(EventView::from).collect();
    Ok(Json(Page::of(found, limit, |one: &EventView| one.position.to_string())))
}

/// Streams events as they get their positions; `Last-Event-ID` resumes.
///
/// A key or member of staff has up to 64 streams at once, those of sessions among them; of more, the oldest ends.
#[utoipa::path(get, path = "/v1/events/stream", tag = "events", params(Which),
    responses((status = 200, content_type = "text/event-stream", body = StreamedView)))]
pub(crate) async fn stream(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Asked(which): Asked<Which>,
    headers: HeaderMap,
) -> Result<Sse<impl Items<Item = Result<Event, Infallible>>>, Problem> {
    let call = caller.any_key(&[ApiScope::Staff, ApiScope::Audit])?;
    let last = match headers.get("last-event-id") {
        Some(said) => {
            let position = said.to_str().ok().and_then(position_of);
            Some(position.ok_or_else(|| Problem::invalid("Last-Event-ID", "not a position"))?)
        }
        None => which.after,
    };
    let from = last.map_or(0, |last: u64| last.saturating_add(1));
    let reading = server.streams.open(caller.identity()?);
    let feed = Feed { server, call, reading, which, from, waiting: Vec::new() };
    Ok(Sse::new(stream::unfold(feed, Feed::next)).keep_alive(KeepAlive::default()))
}

/// A reader of the log that waits for more.
struct Feed {
    server: Arc<Server>,
    call: Call,
    reading: Reading,
    which: Which,
    from: u64,
    waiting: Vec<EventView>,
}

impl Feed {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        let (mut grown, mut stop) = (self.server.bell.sequenced(), self.server.stopping.clone());
        loop {
            if let Some(next) = self.waiting.pop() {
                let event = Event::default().id(next.position.to_string()).event(&next.kind);
                return Some((Ok(event.json_data(&next).ok()?), self));
            }
            if !self.server.app.stands(&self.call).await.unwrap_or(false) {
                return None;
            }
            // A journal that cannot be read ends the stream; the reader comes back with its last position.
            let (app, session) = (&self.server.app, self.which.session);
            let read = app.feed(&self.call.partition, session, self.from, BATCH).await.ok()?;
            if let Some(last) = read.last() {
                self.from = last.position + 1;
                self.waiting = read.iter().map(EventView::from).collect();
                self.waiting.reverse();
                continue;
            }
            tokio::select! {
                _ = within(LOOK_AGAIN, grown.changed()) => {}
                () = self.reading.displaced() => return None,
                () = told(&mut stop) => return None,
            }
        }
    }
}

impl From<&LogEntry> for EventView {
    fn from(entry: &LogEntry) -> Self {
        let recorded = &entry.recorded;
        let body = serde_json::to_value(&recorded.body).unwrap_or_default();
        Self {
            id: recorded.id,
            kind: format!("carhop.{}.v1", event_name(&recorded.body)),
            position: entry.position,
            time: recorded.at.into(),
            session: session_of(entry),
            actor: serde_json::to_value(recorded.meta.actor).unwrap_or_default(),
            decision: recorded.meta.decision.map(|decision| decision.id),
            data: body.get("data").cloned().unwrap_or(body),
        }
    }
}

fn session_of(entry: &LogEntry) -> Option<SessionId> {
    match entry.recorded.stream {
        Stream::Session(session) | Stream::Side(session) => Some(session),
        Stream::Device(_) | Stream::Operator => None,
    }
}

/// Entries read at a time.
const BATCH: usize = 200;
/// How long to wait for a ring before looking anyway.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
