//! Finds out who a request comes from: by its certificate, its proof of possession or its API key (`design.md` §5).
//!
//! What the caller may do is not asked here. Whoever fails learns nothing.

use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, header};
use carhop_app::ports::Clock;
use carhop_app::record::Partition;
use carhop_app::records::DeviceRecord;
use carhop_app::{Failure, ShownCertificate};
use carhop_kernel::digest::KeyThumbprint;
use carhop_proofs::dpop::Proof;
use carhop_proofs::pki::verify_device;
use carhop_proofs::token::StaffToken;

use super::auth::Who;
use super::dpop::Shown;
use super::problem::Problem;
use crate::config::parse_account;
use crate::listener::Peer;
use crate::server::Server;

/// What a request has shown about its sender.
pub(crate) struct Identified {
    pub(crate) partition: Partition,
    pub(crate) who: Who,
    /// A vehicle or action token that came along.
    pub(crate) token: Option<String>,
    /// The proof of possession, if that is how the sender has shown who it is.
    pub(crate) proof: Option<Proof>,
}

/// Who sent the request.
pub(crate) async fn identify(
    server: &Server,
    parts: &Parts,
    peer: &Peer,
) -> Result<Identified, Problem> {
    let headers = &parts.headers;
    let partition = named_partition(server, headers)?;
    let (scheme, secret) = authorization(headers)?;
    let token = text(headers, "carhop-token")?.map(str::to_owned);
    match scheme {
        Scheme::Bearer => {
            let found = server.app.authenticate_api_key(&partition, secret).await;
            let who = Who::Key(Box::new(found.map_err(hidden)?));
            Ok(Identified { partition, who, token, proof: None })
        }
        Scheme::Dpop => by_token(server, parts, partition, secret, token).await,
        Scheme::None if !peer.certificates.is_empty() => {
            let (partition, device, key) = certified(server, headers, peer).await?;
            if device.is_revoked() {
                return Err(Problem::unauthenticated());
            }
            let who = Who::Device { device: Box::new(device), key, mutual_tls: true };
            Ok(Identified { partition, who, token, proof: None })
        }
        Scheme::None if headers.contains_key("dpop") => {
            let proof = proven(server, parts, None)?;
            let key = proof.thumbprint;
            let who = match server.app.authenticate_device(&partition, key).await {
                Ok(device) => Who::Device { device: Box::new(device), key, mutual_tls: false },
                Err(Failure::Unauthenticated) => Who::Prover { key },
                Err(failure) => return Err(failure.into()),
            };
            Ok(Identified { partition, who, token, proof: Some(proof) })
        }
        Scheme::None => Ok(Identified { partition, who: Who::Nobody, token, proof: None }),
    }
}

/// A customer by its session token, a member of staff by what a sign-in gave, or a device that shows a vehicle or action
/// token.
async fn by_token(
    server: &Server,
    parts: &Parts,
    partition: Partition,
    secret: &str,
    presented: Option<String>,
) -> Result<Identified, Problem> {
    let proof = proven(server, parts, Some(secret))?;
    let key = proof.thumbprint;
    if secret.starts_with("chs_") {
        let found = server.app.authenticate_customer(&partition, secret, key).await;
        let (customer, session) = found.map_err(hidden)?;
        let who = Who::Customer { customer, session, key };
        return Ok(Identified { partition, who, token: presented, proof: Some(proof) });
    }
    if secret.starts_with(StaffToken::PREFIX) {
        let found = server.app.authenticate_staff(&partition, secret, key).await;
        let member = Box::new(found.map_err(hidden)?);
        let who = Who::Member { member, key, secret: secret.to_owned() };
        return Ok(Identified { partition, who, token: presented, proof: Some(proof) });
    }
    let device = server.app.authenticate_device(&partition, key).await.map_err(hidden)?;
    let who = Who::Device { device: Box::new(device), key, mutual_tls: false };
    Ok(Identified { partition, who, token: Some(secret.to_owned()), proof: Some(proof) })
}

/// The device behind a client certificate: of this tenant, and in force or shown for the first time (`design.md` §9.5,
/// decision 0017). Whether it was revoked is for whoever asks to look at.
pub(super) async fn certified(
    server: &Server,
    headers: &HeaderMap,
    peer: &Peer,
) -> Result<(Partition, DeviceRecord, KeyThumbprint), Problem> {
    let named = named_partition(server, headers)?;
    let chain: Vec<&[u8]> = peer.certificates.iter().map(Vec::as_slice).collect();
    let roots: Vec<&[u8]> = server.keys.roots().collect();
    let certificate = verify_device(&chain, &roots, server.clock.now())
        .map_err(|_| Problem::unauthenticated())?;
    let partition = if headers.contains_key(ACCOUNT) {
        Some(named).filter(|named| named.tenant == certificate.tenant)
    } else {
        server.partitions.iter().find(|one| one.tenant == certificate.tenant).cloned()
    };
    let partition = partition.ok_or_else(Problem::unauthenticated)?;
    let shown = ShownCertificate {
        device: certificate.device,
        class: certificate.class,
        key: &certificate.key,
        fingerprint: certificate.fingerprint,
        not_after: certificate.not_after,
        chain: &peer.certificates,
    };
    let device = server.app.device_showing(&partition, &shown).await.map_err(hidden)?;
    let key = device.key.ok_or_else(Problem::unauthenticated)?;
    Ok((partition, device, key))
}

fn proven(server: &Server, parts: &Parts, access_token: Option<&str>) -> Result<Proof, Problem> {
    let mut proofs = parts.headers.get_all("dpop").iter();
    let (Some(proof), None) = (proofs.next(), proofs.next()) else {
        return Err(Problem::unauthenticated());
    };
    let proof = proof.to_str().map_err(|_| Problem::unauthenticated())?;
    let url = format!("{}{}", origin(server, parts), parts.uri.path());
    let shown = Shown {
        proof,
        method: parts.method.as_str(),
        url: &url,
        access_token,
        now: server.clock.now(),
    };
    server.proofs.judge(shown)
}

/// The configured origin that the client says it uses; the first one if it says none of them.
fn origin<'a>(server: &'a Server, parts: &Parts) -> &'a str {
    let said = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let said = said.or_else(|| parts.uri.authority().map(Authority::as_str));
    let same =
        |origin: &&String| origin.split_once("://").is_some_and(|(_, own)| Some(own) == said);
    server.origins.iter().find(same).or(server.origins.first()).map_or("", String::as_str)
}

fn named_partition(server: &Server, headers: &HeaderMap) -> Result<Partition, Problem> {
    let named = match text(headers, ACCOUNT)? {
        Some(account) => parse_account(account).filter(|one| server.partitions.contains(one)),
        None => server.partitions.first().cloned(),
    };
    named.ok_or_else(Problem::unauthenticated)
}

enum Scheme {
    None,
    Bearer,
    Dpop,
}

fn authorization(headers: &HeaderMap) -> Result<(Scheme, &str), Problem> {
    let Some(value) = text(headers, header::AUTHORIZATION.as_str())? else {
        return Ok((Scheme::None, ""));
    };
    match value.split_once(' ') {
        Some((scheme, secret)) if scheme.eq_ignore_ascii_case("bearer") => {
            Ok((Scheme::Bearer, secret.trim()))
        }
        Some((scheme, secret)) if scheme.eq_ignore_ascii_case("dpop") => {
            Ok((Scheme::Dpop, secret.trim()))
        }
        Some(_) | None => Err(Problem::unauthenticated()),
    }
}

/// The one value of a header; several of them mean nothing.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Problem::unauthenticated()),
        (Some(_), Some(_)) => Err(Problem::unauthenticated()),
    }
}

/// What an unauthenticated caller is told: nothing, unless the server itself is at fault.
fn hidden(failure: Failure) -> Problem {
    match failure {
        failure @ (Failure::Journal(_) | Failure::Internal(_)) => failure.into(),
        Failure::Refused(..)
        | Failure::NotFound
        | Failure::Unauthenticated
        | Failure::Invalid { .. }
        | Failure::ConflictingReplay
        | Failure::Outdated
        | Failure::Contended => Problem::unauthenticated(),
    }
}

/// The header that names tenant and market, where a server has several.
const ACCOUNT: &str = "carhop-account";
