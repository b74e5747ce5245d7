//! The log of each tenant and market as c2sp.org/tlog-tiles asks for it: checkpoint, key and hash tiles for everybody,
//! entries for whoever may audit (M-AUD-1, standards §7).
//!
//! A log's prefix is `/audit/logs/<tenant>/<market>`; under `/audit` alone stands the log that the caller's account header
//! names, or the first one, as everywhere.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use carhop_app::record::Partition;
use carhop_app::records::ApiScope;
use carhop_proofs::audit::{Part, Tile};

use crate::config::parse_account;
use crate::http::auth::{Anyone, Caller};
use crate::http::problem::Problem;
use crate::server::Server;

/// Both prefixes.
pub(crate) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/audit/checkpoint", get(serve))
        .route("/audit/vkey", get(serve))
        .route("/audit/tile/{*tile}", get(serve))
        .route("/audit/logs/{tenant}/{market}/{*file}", get(serve))
}

async fn serve(State(server): State<Arc<Server>>, request: Request) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    let path = parts.uri.path().strip_prefix("/audit/").unwrap_or_default().to_owned();
    let (named, file) = match path.strip_prefix("logs/") {
        Some(rest) => {
            let (partition, file) = of_log(&server, rest).ok_or_else(Problem::not_found)?;
            (Some(partition), file.to_owned())
        }
        None => (None, path),
    };
    let partition = match named {
        Some(partition) => partition,
        None => Anyone::from_request_parts(&mut parts, &server).await?.0.partition,
    };
    let tile = match file.as_str() {
        "checkpoint" => return text(server.notary.published(&partition), SOON_STALE),
        "vkey" => return text(server.notary.verifier(&partition), SOON_STALE),
        path => Tile::parse(path).ok_or_else(Problem::not_found)?,
    };
    let cache = match tile.part {
        Part::Hashes(_) => IMMUTABLE,
        Part::Entries => {
            let caller = Caller::from_request_parts(&mut parts, &server).await?;
            caller.any_key(&[ApiScope::Audit, ApiScope::Staff])?;
            if caller.partition != partition {
                return Err(Problem::not_found());
            }
            IMMUTABLE_FOR_ONE
        }
    };
    let bytes = server.app.log(&partition).tile(tile).await?.ok_or_else(Problem::not_found)?;
    Ok(([(header::CONTENT_TYPE, BINARY), cache], bytes).into_response())
}

/// The log and the file that `tenant/market/file` names.
fn of_log<'a>(server: &Server, rest: &'a str) -> Option<(Partition, &'a str)> {
    let (tenant, rest) = rest.split_once('/')?;
    let (market, file) = rest.split_once('/')?;
    let partition = parse_account(&format!("{tenant}/{market}"))?;
    server.partitions.contains(&partition).then_some((partition, file))
}

fn text(text: Option<String>, cache: (HeaderName, &'static str)) -> Result<Response, Problem> {
    let mut text = text.ok_or_else(Problem::not_found)?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(([(header::CONTENT_TYPE, TEXT), cache], text).into_response())
}

const BINARY: &str = "application/octet-stream";
const TEXT: &str = "text/plain; charset=utf-8";
/// A tile never changes, a partial one neither: a wider one has another path.
const IMMUTABLE: (HeaderName, &str) =
    (header::CACHE_CONTROL, "public, max-age=31536000, immutable");
const IMMUTABLE_FOR_ONE: (HeaderName, &str) =
    (header::CACHE_CONTROL, "private, max-age=31536000, immutable");
const SOON_STALE: (HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=1");
