//! A session as it changes, for whoever takes part in it and looks at a screen (M-UXP-1): its state, and what led to it.
//!
//! It shows nothing that `GET /v1/sessions/{session}` does not show the same caller; the log for staff, partners and
//! auditors is in `events`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use carhop_app::batch::{Body, Recorded};
use carhop_app::ports::Clock;
use carhop_app::records::ApiScope;
use carhop_app::{Call, Estimate, Whereabouts};
use carhop_kernel::id::SessionId;
use carhop_kernel::time::Timestamp;
use futures_util::stream::{self, Stream as Items};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::broadcast;
use utoipa::ToSchema;

use super::session_view::Shown;
use super::{Answer, code_of};
use crate::bell::{rung, told};
use crate::http::auth::Caller;
use crate::http::body::Named;
use crate::http::problem::Problem;
use crate::http::streams::Reading;
use crate::http::time::Time;
use crate::server::Server;
use crate::timers::within;

/// A session now, and how it came to that.
#[derive(Serialize, ToSchema)]
pub(crate) struct Live {
    /// The server's time when this was written; countdowns count from it.
    now: Time,
    session: Shown,
    /// What happened to it so far, oldest first.
    history: Vec<Moment>,
}

/// Something that happened to a session.
#[derive(Serialize, ToSchema)]
pub(crate) struct Moment {
    /// Such as `lock.opened`; the event's type without prefix and version.
    what: &'static str,
    at: Time,
    /// Which leg, if it was about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    leg: Option<u8>,
    /// Millilitres in all, where fuel flowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    metered_ml: Option<u64>,
    /// What it was because of, or what it came to: the event's own `why`, `cause`, `exception` or `outcome`.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// One server-sent event named `session`. Its `data` is a `Live` as JSON.
#[derive(ToSchema)]
#[schema(as = StreamedSession)]
#[expect(dead_code, reason = "it only describes what the stream writes")]
pub(crate) struct StreamedView {
    /// Always `session`.
    event: String,
    /// The session's version.
    id: String,
    /// The session.
    data: String,
}

/// What happened to a session, oldest first.
#[utoipa::path(get, path = "/v1/sessions/{session}/history", tag = "sessions",
    params(("session" = String, Path)), responses((status = 200, body = Live)))]
pub(crate) async fn history(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(session): Named<SessionId>,
) -> Answer<Live> {
    let call = caller.onlooker()?;
    Ok(Json(look(&server, &call, session).await?.1))
}

/// Where somebody was last believed to be.
#[derive(Serialize, ToSchema)]
#[schema(as = Whereabouts)]
pub(crate) struct PlaceView {
    /// `driver` or `vehicle`.
    party: String,
    latitude: f64,
    longitude: f64,
    /// Radius in metres, as the device reported it.
    accuracy_m: f64,
    /// When, by the reporting device's clock.
    fixed_at: Time,
    /// What it comes to now: `inside`, `outside` or `uncertain`; none once it is too old to count.
    answer: Option<String>,
    /// How that is known: `fence`, `venue_tag`, `statement` or `telematics`.
    method: Option<String>,
}

/// Where driver and car were last believed to be, for staff and auditors. No trace is kept.
#[utoipa::path(get, path = "/v1/sessions/{session}/places", tag = "sessions",
    params(("session" = String, Path)), responses((status = 200, body = Vec<PlaceView>)))]
pub(crate) async fn places(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(session): Named<SessionId>,
) -> Answer<Vec<PlaceView>> {
    let call = caller.any_key(&[ApiScope::Staff, ApiScope::Audit])?;
    let known = server.app.places_of(&call, session).await?;
    Ok(Json(known.into_iter().map(PlaceView::from).collect()))
}

/// How long the driver still needs.
#[derive(Serialize, ToSchema)]
pub(crate) struct EstimateView {
    /// Whole minutes, by a straight line and the pace of a town; none where nobody is on the way or no recent place is known.
    minutes: Option<u32>,
    /// When the place that it rests on was reported.
    as_of: Option<Time>,
}

/// Estimates how long the driver on the way still needs, from the place that was reported last. It tells no place.
#[utoipa::path(get, path = "/v1/sessions/{session}/estimate", tag = "sessions",
    params(("session" = String, Path)), responses((status = 200, body = EstimateView)))]
pub(crate) async fn estimate(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(session): Named<SessionId>,
) -> Answer<EstimateView> {
    let call = caller.onlooker()?;
    let estimate = server.app.estimate_of(&call, session).await?;
    let (minutes, as_of) = estimate.map(|Estimate { minutes, as_of }| (minutes, as_of)).unzip();
    Ok(Json(EstimateView { minutes, as_of: as_of.map(Time::from) }))
}

impl From<Whereabouts> for PlaceView {
    fn from(known: Whereabouts) -> Self {
        let Whereabouts { party, fix, place } = known;
        Self {
            party: code_of(&party),
            latitude: fix.position.latitude_deg(),
            longitude: fix.position.longitude_deg(),
            accuracy_m: fix.accuracy.radius_m(),
            fixed_at: fix.fixed_at.into(),
            answer: place.map(|place| code_of(&place.answer)),
            method: place.map(|place| code_of(&place.method)),
        }
    }
}

/// Streams the session at once and after each of its changes, for a quarter of an hour; then the caller asks again.
///
/// A customer or device has up to 8 streams at once, a key or member of staff up to 64; of more, the oldest ends.
#[utoipa::path(get, path = "/v1/sessions/{session}/live", tag = "sessions",
    params(("session" = String, Path)),
    responses((status = 200, content_type = "text/event-stream", body = StreamedView)))]
pub(crate) async fn live(
    State(server): State<Arc<Server>>,
    caller: Caller,
    Named(session): Named<SessionId>,
) -> Result<Sse<impl Items<Item = Result<Event, Infallible>>>, Problem> {
    let call = caller.onlooker()?;
    // Who may not look is told so now, and not by a stream that ends.
    server.app.view_session(&call, session).await?;
    let touched = server.bell.touched();
    let ends_at = server.clock.now().plus_ms(STREAM_MS_MAX);
    let reading = server.streams.open(caller.identity()?);
    let watcher = Watcher { server, call, reading, session, touched, ends_at, shown: None };
    Ok(Sse::new(stream::unfold(watcher, Watcher::next)).keep_alive(KeepAlive::default()))
}

/// Somebody who looks at a session until it is over.
struct Watcher {
    server: Arc<Server>,
    call: Call,
    reading: Reading,
    session: SessionId,
    touched: broadcast::Receiver<SessionId>,
    ends_at: Timestamp,
    /// The version that was shown last.
    shown: Option<u64>,
}

impl Watcher {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        let mut stop = self.server.stopping.clone();
        loop {
            if self.server.clock.now() >= self.ends_at {
                return None;
            }
            if !self.server.app.stands(&self.call).await.unwrap_or(false) {
                return None;
            }
            // Much touches a stop and changes nothing that is shown, such as each place that is reported.
            let (app, partition) = (&self.server.app, &self.call.partition);
            let version = app.session_version(partition, self.session).await.ok()?;
            if self.shown != Some(version) {
                // Whom a change has taken away from the session, or a journal that cannot be read, ends the stream.
                let (version, live) = look(&self.server, &self.call, self.session).await.ok()?;
                self.shown = Some(version);
                let event = Event::default().event("session").id(version.to_string());
                return Some((Ok(event.json_data(&live).ok()?), self));
            }
            tokio::select! {
                _ = within(LOOK_AGAIN, rung(&mut self.touched, self.session)) => {}
                () = self.reading.displaced() => return None,
                () = told(&mut stop) => return None,
            }
        }
    }
}

async fn look(server: &Server, call: &Call, session: SessionId) -> Result<(u64, Live), Problem> {
    let view = server.app.view_session(call, session).await?;
    let recorded = server.app.history_of(&call.partition, session).await?;
    let history = recorded.iter().filter_map(moment).collect();
    let now = server.clock.now().into();
    Ok((view.version, Live { now, session: Shown::from(view), history }))
}

/// What a party may know of an event: when it was, which leg, how much, and why.
fn moment(recorded: &Recorded) -> Option<Moment> {
    let Body::Session(event) = &recorded.body else { return None };
    let said = serde_json::to_value(event).unwrap_or_default();
    let words = ["why", "cause", "exception", "outcome"];
    let number = |name: &str| said.get(name).and_then(Value::as_u64);
    Some(Moment {
        what: event.name(),
        at: recorded.at.into(),
        leg: number("leg").and_then(|leg| u8::try_from(leg).ok()),
        metered_ml: number("metered_ml"),
        why: words.iter().find_map(|word| Some(said.get(word)?.as_str()?.to_owned())),
    })
}

/// How long one stream may last: a screen that is looked at longer proves anew who looks.
const STREAM_MS_MAX: u64 = 15 * 60 * 1000;
/// How long to wait for a ring before looking anyway.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
