//! The pages that people see: the files of the folder `web`, embedded in the binary, under headers that let nothing foreign
//! in and nothing run that was not built (M-UXP-1; decision 0012).
//!
//! It knows no session and asks nobody who calls: a page is the same for everyone, and what it shows it asks of `/v1`.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::basemap::Basemap;
use crate::config::Window;
use crate::http::problem::Problem;
use crate::server::Server;

/// The pages and what they are made of.
pub(crate) fn routes() -> Router<Arc<Server>> {
    let fixed =
        |name: &'static str| get(async move |headers: HeaderMap| file(name, &headers, FRESH));
    let worker = |scope: &'static str| {
        get(async move |headers: HeaderMap| {
            file("worker.js", &headers, FRESH).map(|script| ([(WORKER_SCOPE, scope)], script))
        })
    };
    Router::new()
        .route("/s", get(customer))
        .route("/s/{session}", get(customer))
        .route("/s/worker.js", worker("/s"))
        .route("/d", get(driver))
        .route("/console", get(console))
        .route("/console/{*place}", get(console))
        .route("/d/worker.js", worker("/d"))
        .route("/d/driver.webmanifest", fixed("driver.webmanifest"))
        .route("/d/icon.svg", fixed("icon.svg"))
        .route("/assets/{name}", get(asset))
}

/// Whether there are pages.
pub(crate) fn are_built() -> bool {
    built("driver.html").is_some()
}

async fn customer() -> Result<Response, Problem> {
    Ok(document(page("customer.html")?, STRICT, NO_SENSORS))
}

/// The driver's page. In a demo it is told where it stands: the visitor is not at the demo's car.
async fn driver(State(server): State<Arc<Server>>) -> Result<Response, Problem> {
    let mut text = page("driver.html")?;
    if let Some(Window { stands_at: [north, east], .. }) = server.config.demo {
        let told = format!("<head><meta name=\"stands-at\" content=\"{north},{east}\">");
        text = text.replacen("<head>", &told, 1);
    }
    Ok(document(text, SCANNING, SENSORS))
}

/// The staff's page; where in it one is stands in the rest of the path. It alone has a map, and may show the operator's
/// tiles.
async fn console(State(server): State<Arc<Server>>) -> Result<Response, Problem> {
    let tiles = server.config.map.as_ref().and_then(Basemap::origin);
    let with_tiles = tiles.map(|origin| STRICT.replacen(IMAGES, &format!("{IMAGES} {origin}"), 1));
    Ok(document(page("console.html")?, with_tiles.as_deref().unwrap_or(STRICT), PASSKEYS))
}

fn page(name: &str) -> Result<String, Problem> {
    let missing = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "pages_not_built");
    let found = built(name).ok_or_else(missing)?;
    String::from_utf8(found.into_owned()).map_err(|_| Problem::internal())
}

/// A page under its headers. It is never kept: the next one may come from a newer server.
fn document(text: String, policy: &str, permissions: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, policy),
        (PERMISSIONS, permissions),
        (OPENER, "same-origin"),
    ];
    (headers, text).into_response()
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let plain = |symbol: u8| symbol.is_ascii_alphanumeric() || b"._-".contains(&symbol);
    if !name.bytes().all(plain) || name.starts_with('.') {
        return Err(Problem::not_found());
    }
    // The name holds a hash of the contents.
    file(&format!("assets/{name}"), &headers, FOR_EVER)
}

/// A file, as small as the caller can read it.
fn file(name: &str, headers: &HeaderMap, keep: &'static str) -> Result<Response, Problem> {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let takes_brotli = accepted.unwrap_or_default().split(',').any(|one| one.trim() == "br");
    let small = built(&format!("{name}.br")).filter(|_| takes_brotli);
    let is_small = small.is_some();
    let found = small.or_else(|| built(name)).ok_or_else(Problem::not_found)?;
    let head = [
        (header::CONTENT_TYPE, kind(name)),
        (header::CACHE_CONTROL, keep),
        (header::VARY, "accept-encoding"),
    ];
    let mut response = (head, Body::from(found.into_owned())).into_response();
    if kind(name).starts_with("text/javascript") {
        // A script that runs as a worker has the policy it comes with, not that of the page that starts it.
        let policy = HeaderValue::from_static(SCANNING);
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if is_small {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    Ok(response)
}

/// A file of those that `cargo xtask pages` has built. A server for development reads it where it lies, all others carry
/// it.
#[cfg(debug_assertions)]
fn built(name: &str) -> Option<Cow<'static, [u8]>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/dist");
    std::fs::read(std::path::Path::new(folder).join(name)).ok().map(Cow::Owned)
}

#[cfg(not(debug_assertions))]
fn built(name: &str) -> Option<Cow<'static, [u8]>> {
    static FOLDER: include_dir::Dir<'_> =
        include_dir::include_dir!("$CARGO_MANIFEST_DIR/../../web/dist");
    FOLDER.get_file(name).map(|file| Cow::Borrowed(file.contents()))
}

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "wasm" => "application/wasm",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

/// Only what this server built runs, is shown and is talked to.
const STRICT: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";
/// The part of it that says where pictures come from.
const IMAGES: &str = "img-src 'self' data:";
/// The same, and the decoder of what the camera sees.
const SCANNING: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; \
     media-src 'self' blob: mediastream:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const NO_SENSORS: &str = "camera=(), microphone=(), geolocation=(), payment=(), usb=()";
const PASSKEYS: &str = "publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), microphone=(), \
     geolocation=(), payment=(), usb=()";
const SENSORS: &str = "camera=(self), geolocation=(self), microphone=(), payment=(), usb=()";
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const FRESH: &str = "no-cache";
const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");
/// How far the service worker of a page may reach.
const WORKER_SCOPE: HeaderName = HeaderName::from_static("service-worker-allowed");
const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
