//! Who calls, as handlers see it: an API key, a member of staff, a customer's bound key, a driver's or a device's certified
//! key (`design.md` §5).
//!
//! What a caller may do is decided by the use cases and policies; how it proves who it is, in `identify`.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::extract::MatchedPath;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use carhop_app::ports::Clock;
use carhop_app::record::Partition;
use carhop_app::records::{ApiKeyRecord, ApiScope, DeviceRecord};
use carhop_app::{Call, HeldKey, Idempotency, Member};
use carhop_kernel::actor::{Actor, StaffBy};
use carhop_kernel::digest::KeyThumbprint;
use carhop_kernel::id::{CustomerId, DeviceId, RequestId, SessionId};
use carhop_proofs::dpop::Proof;
use uuid::Uuid;

use super::body::Ask;
use super::identify::{Identified, certified, identify};
use super::limit::Identity;
use super::problem::Problem;
use crate::listener::Peer;
use crate::server::Server;

/// Whoever sent a request, as far as it has proven who it is.
pub(crate) struct Caller {
    pub(crate) partition: Partition,
    pub(crate) request: RequestId,
    who: Who,
    idempotency: Option<Result<Uuid, ()>>,
    route: String,
    /// The proof of somebody unknown, and where it came from: not remembered yet.
    unspent: Option<(Proof, IpAddr)>,
    /// A vehicle or action token that came along.
    pub(crate) token: Option<String>,
}

/// Who somebody is.
pub(crate) enum Who {
    Nobody,
    Prover {
        key: KeyThumbprint,
    },
    Key(Box<HeldKey>),
    /// A person of the staff, who has signed in.
    Member {
        member: Box<Member>,
        key: KeyThumbprint,
        secret: String,
    },
    Customer {
        customer: CustomerId,
        session: SessionId,
        key: KeyThumbprint,
    },
    Device {
        device: Box<DeviceRecord>,
        key: KeyThumbprint,
        mutual_tls: bool,
    },
}

/// The device behind a client certificate, also if it was revoked: what it has signed is still heard.
pub(crate) struct Certified {
    pub(crate) partition: Partition,
    pub(crate) device: DeviceRecord,
}

impl FromRequestParts<Arc<Server>> for Certified {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, server: &Arc<Server>) -> Result<Self, Problem> {
        let peer = parts.extensions.get::<Peer>().cloned().ok_or_else(Problem::internal)?;
        let (partition, device, _) = certified(server, &parts.headers, &peer).await?;
        let identity = Identity::Device(device.device);
        server.budgets.spend_known(identity, parts.extensions.get::<MatchedPath>())?;
        Ok(Self { partition, device })
    }
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
            Who::Key(_) | Who::Member { .. } | Who::Customer { .. } | Who::Device { .. } => {
                Ok(caller)
            }
        }
    }
}

impl FromRequestParts<Arc<Server>> for Anyone {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, server: &Arc<Server>) -> Result<Self, Problem> {
        let peer = parts.extensions.get::<Peer>().cloned().ok_or_else(Problem::internal)?;
        let request = parts.extensions.get::<RequestId>().copied();
        let request = request.ok_or_else(Problem::internal)?;
        let Identified { partition, who, token, proof } = identify(server, parts, &peer).await?;
        if let Some(identity) = who.identity() {
            server.budgets.note_known(&peer, &parts.headers);
            server.budgets.spend_known(identity, parts.extensions.get::<MatchedPath>())?;
        }
        let mut unspent = proof.map(|proof| (proof, peer.address.ip()));
        // Proofs of somebody unknown must not fill the memory; what opens something by them spends them itself.
        if who.identity().is_some()
            && let Some((proof, address)) = unspent.take()
        {
            server.proofs.once(&proof, address, server.clock.now())?;
        }
        Ok(Self(Caller {
            partition,
            request,
            who,
            token,
            idempotency: idempotency_key(&parts.headers),
            unspent,
            route: format!("{} {}", parts.method, parts.uri.path()),
        }))
    }
}

impl Caller {
    /// A call with this scope, by a key or a member of staff: by the store for orders and by the staff for everything else.
    pub(crate) fn key(&self, scope: ApiScope) -> Result<Call, Problem> {
        match &self.who {
            Who::Key(held) if held.record.allows(scope) => {
                let standing = Some(held.standing.clone());
                Ok(Call { standing, ..self.call(key_actor(&held.record, scope), None) })
            }
            Who::Member { member, .. } if member.record.role.scopes().contains(&scope) => {
                self.member()
            }
            Who::Nobody | Who::Prover { .. } => Err(Problem::unauthenticated()),
            Who::Key(_) | Who::Member { .. } | Who::Customer { .. } | Who::Device { .. } => {
                Err(Problem::forbidden())
            }
        }
    }

    /// A call by a member of staff, whatever their role.
    pub(crate) fn member(&self) -> Result<Call, Problem> {
        match &self.who {
            Who::Member { member, key, .. } => {
                let actor = Actor::Staff { by: StaffBy::Member(member.record.member) };
                let standing = Some(member.standing.clone());
                Ok(Call { standing, ..self.call(actor, Some((*key, false))) })
            }
            Who::Nobody | Who::Prover { .. } => Err(Problem::unauthenticated()),
            Who::Key(_) | Who::Customer { .. } | Who::Device { .. } => Err(Problem::forbidden()),
        }
    }

    /// A call with one of these scopes; the first that the caller has counts.
    pub(crate) fn any_key(&self, scopes: &[ApiScope]) -> Result<Call, Problem> {
        let first = scopes.iter().map(|scope| self.key(*scope)).find(Result::is_ok);
        first.unwrap_or_else(|| self.key(scopes.first().copied().unwrap_or(ApiScope::Admin)))
    }

    /// A call by the customer, about the one session that its token is for.
    pub(crate) fn customer(&self) -> Result<Call, Problem> {
        match &self.who {
            Who::Customer { customer, session, key } => {
                let actor = Actor::Customer { customer: *customer };
                Ok(Call { stop: Some(*session), ..self.call(actor, Some((*key, false))) })
            }
            Who::Nobody | Who::Prover { .. } => Err(Problem::unauthenticated()),
            Who::Key(_) | Who::Member { .. } | Who::Device { .. } => Err(Problem::forbidden()),
        }
    }

    /// A call that speaks for the car: by its customer, or by a key for telematics.
    pub(crate) fn vehicle(&self) -> Result<Call, Problem> {
        match &self.who {
            Who::Key(_) => self.key(ApiScope::Telematics),
            Who::Nobody
            | Who::Prover { .. }
            | Who::Member { .. }
            | Who::Customer { .. }
            | Who::Device { .. } => self.customer(),
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
            Who::Key(_) | Who::Member { .. } | Who::Customer { .. } => Err(Problem::forbidden()),
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
            Who::Key(_) | Who::Member { .. } | Who::Customer { .. } => Err(Problem::forbidden()),
        }
    }

    /// A call by whoever holds a bound key: a customer, a driver or a device.
    pub(crate) fn bound(&self) -> Result<Call, Problem> {
        match &self.who {
            Who::Customer { .. } => self.customer(),
            Who::Device { device, .. } if device.driver.is_some() => self.driver(),
            Who::Device { .. } => self.device().map(|(call, _)| call),
            Who::Nobody | Who::Prover { .. } => Err(Problem::unauthenticated()),
            Who::Key(_) | Who::Member { .. } => Err(Problem::forbidden()),
        }
    }

    /// A call by the device itself over mutual TLS.
    pub(crate) fn device_by_certificate(&self) -> Result<(Call, DeviceId), Problem> {
        let (call, device) = self.device()?;
        if call.mutual_tls { Ok((call, device)) } else { Err(Problem::forbidden()) }
    }

    /// A call by the device itself as it renews its certificate: over mutual TLS or, by a browser, which cannot show a
    /// certificate, by a proof of its certified key.
    pub(crate) fn renewing(&self) -> Result<(Call, DeviceId), Problem> {
        match &self.who {
            Who::Device { device, .. } if device.browser => self.device(),
            Who::Nobody
            | Who::Prover { .. }
            | Who::Key(_)
            | Who::Member { .. }
            | Who::Customer { .. }
            | Who::Device { .. } => self.device_by_certificate(),
        }
    }

    /// A call by anybody who takes part in a session: staff, the store, its customer, a driver.
    pub(crate) fn party(&self) -> Result<Call, Problem> {
        match &self.who {
            Who::Nobody | Who::Prover { .. } => Err(Problem::unauthenticated()),
            Who::Key(_) | Who::Member { .. } => self.any_key(&[ApiScope::Staff, ApiScope::Orders]),
            Who::Customer { .. } => self.customer(),
            Who::Device { .. } => self.driver(),
        }
    }

    /// A call by whoever may look at a session: its parties, and auditors.
    pub(crate) fn onlooker(&self) -> Result<Call, Problem> {
        match &self.who {
            Who::Key(_) | Who::Member { .. } => {
                self.any_key(&[ApiScope::Staff, ApiScope::Orders, ApiScope::Audit])
            }
            Who::Nobody | Who::Prover { .. } | Who::Customer { .. } | Who::Device { .. } => {
                self.party()
            }
        }
    }

    /// The member of staff who calls, with the key and the text of the token.
    pub(crate) fn signed_in(&self) -> Result<(&Member, KeyThumbprint, &str), Problem> {
        match &self.who {
            Who::Member { member, key, secret } => Ok((member, *key, secret)),
            Who::Nobody | Who::Prover { .. } => Err(Problem::unauthenticated()),
            Who::Key(_) | Who::Customer { .. } | Who::Device { .. } => Err(Problem::forbidden()),
        }
    }

    /// The key whose possession was proven without any credential, be it that of a handset or of nobody known.
    pub(crate) fn proven_key(&self) -> Result<KeyThumbprint, Problem> {
        match &self.who {
            Who::Prover { key } | Who::Device { key, mutual_tls: false, .. } => Ok(*key),
            Who::Nobody
            | Who::Key(_)
            | Who::Member { .. }
            | Who::Customer { .. }
            | Who::Device { .. } => Err(Problem::unauthenticated()),
        }
    }

    /// Takes the proof of somebody who was unknown until the key was found to open something.
    pub(crate) fn spend_proof(&self, server: &Server) -> Result<(), Problem> {
        match &self.unspent {
            Some((proof, address)) => server.proofs.once(proof, *address, server.clock.now()),
            None => Ok(()),
        }
    }

    /// The key whose possession was proven and which is nobody's device: one that drives is no customer's.
    pub(crate) fn unknown_key(&self) -> Result<KeyThumbprint, Problem> {
        match &self.who {
            Who::Prover { key } => Ok(*key),
            Who::Nobody
            | Who::Key(_)
            | Who::Member { .. }
            | Who::Customer { .. }
            | Who::Device { .. } => Err(Problem::unauthenticated()),
        }
    }

    /// The key of somebody who is a customer, or was one: with a token, or once that has ended.
    pub(crate) fn holder(&self) -> Result<KeyThumbprint, Problem> {
        match &self.who {
            Who::Prover { key } | Who::Customer { key, .. } => Ok(*key),
            Who::Nobody => Err(Problem::unauthenticated()),
            Who::Key(_) | Who::Member { .. } | Who::Device { .. } => Err(Problem::forbidden()),
        }
    }

    /// Who this is to whatever is counted for each caller.
    pub(crate) fn identity(&self) -> Result<Identity, Problem> {
        self.who.identity().ok_or_else(Problem::unauthenticated)
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
            Actor::Store { key } => key.to_string(),
            Actor::Staff { by } => by.to_string(),
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
            stop: None,
            mutual_tls: key.is_some_and(|(_, mutual_tls)| mutual_tls),
            request: self.request,
            idempotency: None,
            standing: None,
        }
    }
}

impl Who {
    /// Whose budget a request comes out of, if it is somebody's.
    fn identity(&self) -> Option<Identity> {
        match self {
            Self::Nobody | Self::Prover { .. } => None,
            Self::Key(held) => Some(Identity::Key(held.record.id)),
            Self::Member { member, .. } => Some(Identity::Member(member.record.member)),
            Self::Customer { session, .. } => Some(Identity::Customer(*session)),
            Self::Device { device, .. } => Some(Identity::Device(device.device)),
        }
    }
}

fn key_actor(record: &ApiKeyRecord, scope: ApiScope) -> Actor {
    match scope {
        ApiScope::Orders | ApiScope::Telematics => Actor::Store { key: record.id },
        ApiScope::Staff
        | ApiScope::Fleet
        | ApiScope::Venues
        | ApiScope::Audit
        | ApiScope::Admin => Actor::Staff { by: StaffBy::Key(record.id) },
    }
}

fn idempotency_key(headers: &HeaderMap) -> Option<Result<Uuid, ()>> {
    let value = headers.get("idempotency-key")?;
    let text = value.to_str().unwrap_or_default();
    let bare = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    Some(Uuid::try_parse(bare).map_err(|_| ()))
}
