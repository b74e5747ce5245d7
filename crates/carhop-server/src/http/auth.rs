//! Who calls: an API key, a customer's bound key, a driver's or a device's certified key (`design.md` §5).
//!
//! What a caller may do is decided by the use cases and policies; here it is only proven who it is. Whoever fails
//! learns nothing.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, header};
use carhop_app::ports::Clock;
use carhop_app::record::Partition;
use carhop_app::records::{ApiKeyRecord, ApiScope, DeviceRecord};
use carhop_app::{Call, Failure, Idempotency};
use carhop_kernel::actor::Actor;
use carhop_kernel::digest::KeyThumbprint;
use carhop_kernel::id::{CustomerId, DeviceId, RequestId, SessionId};
use carhop_proofs::pki::verify_device;
use uuid::Uuid;

use super::body::Ask;
use super::dpop::Shown;
use super::problem::Problem;
use crate::config::parse_account;
use crate::listener::Peer;
use crate::server::Server;

/// Whoever sent a request, as far as it has proven who it is.
pub(crate) struct Caller {
    pub(crate) partition: Partition,
    pub(crate) request: RequestId,
    who: Who,
    idempotency: Option<Result<Uuid, ()>>,
    route: String,
    /// A vehicle or action token that came along.
    pub(crate) token: Option<String>,
}

enum Who {
    Nobody,
    Prover { key: KeyThumbprint },
    Key(ApiKeyRecord),
    Customer { customer: CustomerId, session: SessionId, key: KeyThumbprint },
    Device { device: Box<DeviceRecord>, key: KeyThumbprint, mutual_tls: bool },
}

/// Whoever sent a request, also if it has proven nothing at all.
pub(crate) struct Anyone(pub(crate) Caller);

impl FromRequestParts<Arc<Server>> for Caller {
    type Rejection = Problem;

    /// Turns the unauthenticated away before anything else of the request is looked at.
    async fn from_request_parts(parts: &mut Parts, server: &Arc<Server>) -> Result<Self, Problem> {
        let Anyone(caller) = Anyone::from_request_parts(parts, server).await?;
        match caller.who {
            Who::Nobody | Who::Prover { .. } => Err(Problem::unauthenticated()),
            Who::Key(_) | Who::Customer { .. } | Who::Device { .. } => Ok(caller),
        }
    }
}

impl FromRequestParts<Arc<Server>> for Anyone {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, server: &Arc<Server>) -> Result<Self, Problem> {
        let peer = parts.extensions.get::<Peer>().cloned().ok_or_else(Problem::internal)?;
        let request = parts.extensions.get::<RequestId>().copied();
        let request = request.ok_or_else(Problem::internal)?;
        let (partition, who, token) = identify(server, parts, &peer).await?;
        Ok(Self(Caller {
            partition,
            request,
            who,
            token,
            idempotency: idempotency_key(&parts.headers),
            route: format!("{} {}", parts.method, parts.uri.path()),
        }))
    }
}

impl Caller {
    /// A call with this scope, by the store for orders and by the staff for everything else.
    pub(crate) fn key(&self, scope: ApiScope) -> Result<Call, Problem> {
        match &self.who {
            Who::Key(record) if record.allows(scope) => {
                Ok(self.call(key_actor(record, scope), None))
            }
            Who::Nobody | Who::Prover { .. } => Err(Problem::unauthenticated()),
            Who::Key(_) | Who::Customer { .. } | Who::Device { .. } => Err(Problem::forbidden()),
        }
    }

    /// A call by a key that has one of these scopes; the first that it has counts.
    pub(crate) fn any_key(&self, scopes: &[ApiScope]) -> Result<Call, Problem> {
        let first = scopes.iter().map(|scope| self.key(*scope)).find(Result::is_ok);
        first.unwrap_or_else(|| self.key(scopes.first().copied().unwrap_or(ApiScope::Admin)))
    }

    /// A call by the customer of this session.
    pub(crate) fn customer(&self, of: SessionId) -> Result<Call, Problem> {
        match &self.who {
            Who::Customer { customer, session, key } if *session == of => {
                Ok(self.call(Actor::Customer { customer: *customer }, Some((*key, false))))
            }
            Who::Customer { .. } => Err(Problem::not_found()),
            Who::Nobody | Who::Prover { .. } => Err(Problem::unauthenticated()),
            Who::Key(_) | Who::Device { .. } => Err(Problem::forbidden()),
        }
    }

    /// A call by the driver signed in on the calling device.
    pub(crate) fn driver(&self) -> Result<Call, Problem> {
        match &self.who {
            Who::Device { device, key, mutual_tls } => {
                let driver = device.driver.ok_or_else(Problem::forbidden)?;
                let actor = Actor::Driver { driver, device: device.device };
                Ok(self.call(actor, Some((*key, *mutual_tls))))
            }
            Who::Nobody | Who::Prover { .. } => Err(Problem::unauthenticated()),
            Who::Key(_) | Who::Customer { .. } => Err(Problem::forbidden()),
        }
    }

    /// A call by the device itself, whoever is signed in on it.
    pub(crate) fn device(&self) -> Result<(Call, DeviceId), Problem> {
        match &self.who {
            Who::Device { device, key, mutual_tls } => {
                let call =
                    self.call(Actor::Device { device: device.device }, Some((*key, *mutual_tls)));
                Ok((call, device.device))
            }
            Who::Nobody | Who::Prover { .. } => Err(Problem::unauthenticated()),
            Who::Key(_) | Who::Customer { .. } => Err(Problem::forbidden()),
        }
    }

    /// A call by whoever holds a bound key: a customer, a driver or a device.
    pub(crate) fn bound(&self) -> Result<Call, Problem> {
        match &self.who {
            Who::Customer { session, .. } => self.customer(*session),
            Who::Device { device, .. } if device.driver.is_some() => self.driver(),
            Who::Device { .. } => self.device().map(|(call, _)| call),
            Who::Nobody | Who::Prover { .. } => Err(Problem::unauthenticated()),
            Who::Key(_) => Err(Problem::forbidden()),
        }
    }

    /// A call by the device itself over mutual TLS.
    pub(crate) fn device_by_certificate(&self) -> Result<(Call, DeviceId), Problem> {
        let (call, device) = self.device()?;
        if call.mutual_tls { Ok((call, device)) } else { Err(Problem::forbidden()) }
    }

    /// A call by anybody who takes part in a session: staff, the store, its customer, a driver.
    pub(crate) fn party(&self, session: SessionId) -> Result<Call, Problem> {
        match &self.who {
            Who::Nobody | Who::Prover { .. } => Err(Problem::unauthenticated()),
            Who::Key(_) => self.any_key(&[ApiScope::Staff, ApiScope::Orders]),
            Who::Customer { .. } => self.customer(session),
            Who::Device { .. } => self.driver(),
        }
    }

    /// The key whose possession was proven without any credential.
    pub(crate) fn prover(&self) -> Result<KeyThumbprint, Problem> {
        match &self.who {
            Who::Prover { key } | Who::Device { key, mutual_tls: false, .. } => Ok(*key),
            Who::Nobody | Who::Key(_) | Who::Customer { .. } | Who::Device { .. } => {
                Err(Problem::unauthenticated())
            }
        }
    }

    /// Whether the request can be answered from the record.
    pub(crate) const fn has_idempotency_key(&self) -> bool {
        self.idempotency.is_some()
    }

    /// The call, to be answered from the record if it comes again (standards §9).
    pub(crate) fn once<T>(&self, call: Call, ask: &Ask<T>) -> Result<Call, Problem> {
        let key = match &self.idempotency {
            Some(Ok(key)) => key,
            Some(Err(())) => return Err(Problem::invalid("Idempotency-Key", "not a UUID")),
            None => return Err(Problem::invalid("Idempotency-Key", "the header is missing")),
        };
        let client = match call.actor {
            Actor::Customer { customer } => customer.to_string(),
            Actor::Driver { device, .. } | Actor::Device { device } => device.to_string(),
            Actor::Store { key } | Actor::Staff { key } => key.to_string(),
            Actor::System => "system".to_owned(),
        };
        let slot = format!("{client} {} {key}", self.route);
        Ok(Call { idempotency: Some(Idempotency { slot, fingerprint: ask.fingerprint }), ..call })
    }

    fn call(&self, actor: Actor, key: Option<(KeyThumbprint, bool)>) -> Call {
        Call {
            partition: self.partition.clone(),
            actor,
            key: key.map(|(key, _)| key),
            mutual_tls: key.is_some_and(|(_, mutual_tls)| mutual_tls),
            request: self.request,
            idempotency: None,
        }
    }
}

fn key_actor(record: &ApiKeyRecord, scope: ApiScope) -> Actor {
    match scope {
        ApiScope::Orders => Actor::Store { key: record.id },
        ApiScope::Staff
        | ApiScope::Fleet
        | ApiScope::Venues
        | ApiScope::Audit
        | ApiScope::Admin => Actor::Staff { key: record.id },
    }
}

async fn identify(
    server: &Server,
    parts: &Parts,
    peer: &Peer,
) -> Result<(Partition, Who, Option<String>), Problem> {
    let headers = &parts.headers;
    let named = named_partition(server, headers)?;
    let (scheme, secret) = authorization(headers)?;
    let presented = text(headers, "carhop-token")?.map(str::to_owned);
    match scheme {
        Scheme::Bearer => {
            let record = server.app.authenticate_api_key(&named, secret).await.map_err(hidden)?;
            Ok((named, Who::Key(record), presented))
        }
        Scheme::Dpop => {
            let key = proven_key(server, parts, Some(secret))?;
            if secret.starts_with("chs_") {
                let found = server.app.authenticate_customer(&named, secret, key).await;
                let (customer, session) = found.map_err(hidden)?;
                return Ok((named, Who::Customer { customer, session, key }, presented));
            }
            let device = server.app.authenticate_device(&named, key).await.map_err(hidden)?;
            let who = Who::Device { device: Box::new(device), key, mutual_tls: false };
            Ok((named, who, Some(secret.to_owned())))
        }
        Scheme::None if !peer.certificates.is_empty() => {
            let (partition, device, key) = certified(server, headers, peer, named).await?;
            let who = Who::Device { device: Box::new(device), key, mutual_tls: true };
            Ok((partition, who, presented))
        }
        Scheme::None if headers.contains_key("dpop") => {
            let key = proven_key(server, parts, None)?;
            let who = match server.app.authenticate_device(&named, key).await {
                Ok(device) => Who::Device { device: Box::new(device), key, mutual_tls: false },
                Err(Failure::Unauthenticated) => Who::Prover { key },
                Err(failure) => return Err(failure.into()),
            };
            Ok((named, who, presented))
        }
        Scheme::None => Ok((named, Who::Nobody, presented)),
    }
}

/// The device behind a client certificate: in force, of this tenant, and still in the inventory (`design.md` §9.5).
async fn certified(
    server: &Server,
    headers: &HeaderMap,
    peer: &Peer,
    named: Partition,
) -> Result<(Partition, DeviceRecord, KeyThumbprint), Problem> {
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
    let device = server.app.view_device(&partition, certificate.device).await.map_err(hidden)?;
    let key = device.key.ok_or_else(Problem::unauthenticated)?;
    let in_force = device.certificate == Some(certificate.fingerprint)
        && device.revoked.is_none()
        && device.class == certificate.class;
    if in_force { Ok((partition, device, key)) } else { Err(Problem::unauthenticated()) }
}

fn proven_key(
    server: &Server,
    parts: &Parts,
    access_token: Option<&str>,
) -> Result<KeyThumbprint, Problem> {
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
    Ok(server.proofs.judge(shown)?.thumbprint)
}

/// The configured origin that the client says it uses; the first one if it says none of them.
fn origin<'a>(server: &'a Server, parts: &Parts) -> &'a str {
    let said = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let said = said.or_else(|| parts.uri.authority().map(Authority::as_str));
    let same =
        |origin: &&String| origin.strip_prefix("https://").is_some_and(|own| Some(own) == said);
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

fn idempotency_key(headers: &HeaderMap) -> Option<Result<Uuid, ()>> {
    let value = headers.get("idempotency-key")?;
    let text = value.to_str().unwrap_or_default();
    let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    Some(Uuid::try_parse(bare).map_err(|_| ()))
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
        | Failure::Contended => Problem::unauthenticated(),
    }
}

/// The header that names tenant and market, where a server has several.
const ACCOUNT: &str = "carhop-account";
