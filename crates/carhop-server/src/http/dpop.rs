//! The server's part of DPoP (RFC 9449): nonces that need no storage, and a memory of the proofs that were seen.
//!
//! Whether a proof is sound is judged in `carhop_proofs::dpop`; whose key it is, in `auth`.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use base64ct::{Base64UrlUnpadded, Encoding};
use carhop_kernel::digest::KeyThumbprint;
use carhop_kernel::time::Timestamp;
use carhop_proofs::dpop::{self, DpopError, Expected, Proof};
use carhop_proofs::suite::{AwsLc, Suite};

use super::limit::Exhausted;
use super::problem::Problem;
use crate::places::network;

/// What is needed to judge proofs.
pub(crate) struct Proofs {
    nonce_key: [u8; 32],
    seen: Mutex<Seen>,
}

/// The request a proof must be for.
#[derive(Clone, Copy)]
pub(crate) struct Shown<'a> {
    pub(crate) proof: &'a str,
    pub(crate) method: &'a str,
    pub(crate) url: &'a str,
    pub(crate) access_token: Option<&'a str>,
    pub(crate) now: Timestamp,
}

/// What was seen, and how much of it from whom: the memory is bounded, and nobody fills it for others.
#[derive(Default)]
struct Seen {
    known: HashSet<(KeyThumbprint, [u8; 32])>,
    order: VecDeque<(Timestamp, IpAddr, (KeyThumbprint, [u8; 32]))>,
    by_key: HashMap<KeyThumbprint, usize>,
    by_network: HashMap<IpAddr, usize>,
}

impl Proofs {
    pub(crate) fn new(nonce_key: [u8; 32]) -> Self {
        Self { nonce_key, seen: Mutex::default() }
    }

    /// The nonce that proofs should carry now.
    pub(crate) fn nonce(&self, now: Timestamp) -> String {
        self.nonce_of(now.unix_ms() / NONCE_STEP_MS)
    }

    /// Judges a proof: sound, for this request, with a nonce of ours.
    pub(crate) fn judge(&self, shown: Shown<'_>) -> Result<Proof, Problem> {
        let step = shown.now.unix_ms() / NONCE_STEP_MS;
        let judged = [step, step.saturating_sub(1)].map(|step| self.nonce_of(step));
        let judge = |nonce: &str| {
            dpop::verify(
                &AwsLc,
                shown.proof,
                &Expected {
                    method: shown.method,
                    url: shown.url,
                    access_token: shown.access_token,
                    nonce: Some(nonce),
                    now: shown.now,
                },
            )
        };
        let proof = match judge(&judged[0]) {
            Err(DpopError::Nonce) => judge(&judged[1]),
            other => other,
        };
        proof.map_err(|error| match error {
            DpopError::Nonce => self.challenge(shown.now),
            DpopError::TooLong
            | DpopError::Malformed
            | DpopError::Type
            | DpopError::Algorithm
            | DpopError::Key
            | DpopError::PrivateKey
            | DpopError::Signature
            | DpopError::Method
            | DpopError::Url
            | DpopError::IssuedAt
            | DpopError::AccessToken => Problem::unauthenticated(),
        })
    }

    /// Takes a sound proof that came from this address, unless it was taken before.
    pub(crate) fn once(
        &self,
        proof: &Proof,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.remember(proof, network(address), now)
    }

    /// Asks for a proof with the server's nonce (RFC 9449 §8).
    fn challenge(&self, now: Timestamp) -> Problem {
        let problem = Problem::new(StatusCode::UNAUTHORIZED, "use_dpop_nonce");
        let asked = HeaderValue::from_static("DPoP error=\"use_dpop_nonce\"");
        let problem = problem.with_header(header::WWW_AUTHENTICATE, asked);
        match HeaderValue::from_str(&self.nonce(now)) {
            Ok(nonce) => problem.with_header(NONCE, nonce),
            Err(_) => problem,
        }
    }

    fn nonce_of(&self, step: u64) -> String {
        let tag =
            AwsLc.hmac_sha256(&self.nonce_key, &[b"carhop.dpop.nonce.v1", &step.to_be_bytes()]);
        Base64UrlUnpadded::encode_string(&tag[..NONCE_LENGTH])
    }
}

impl Seen {
    fn remember(&mut self, proof: &Proof, network: IpAddr, now: Timestamp) -> Result<(), Problem> {
        self.forget(now);
        let this = (proof.thumbprint, proof.jti);
        if self.known.contains(&this) {
            return Err(Problem::unauthenticated());
        }
        // Forgetting early would let a replay pass: whoever has used up a share is turned away, and, when all is full,
        // whoever comes.
        let of_key = self.by_key.get(&this.0).copied().unwrap_or_default();
        let of_network = self.by_network.get(&network).copied().unwrap_or_default();
        for (name, seen, most) in
            [("key", of_key, SEEN_OF_KEY_MAX), ("network", of_network, SEEN_OF_NETWORK_MAX)]
        {
            if seen >= most {
                return Err(self.exhausted(name, most, now));
            }
        }
        if self.order.len() >= SEEN_MAX {
            return Err(Problem::overloaded());
        }
        self.known.insert(this);
        self.by_key.insert(this.0, of_key + 1);
        self.by_network.insert(network, of_network + 1);
        self.order.push_back((now.plus_ms(SEEN_MS), network, this));
        Ok(())
    }

    fn forget(&mut self, now: Timestamp) {
        while self.order.front().is_some_and(|(until, ..)| *until <= now) {
            let Some((_, network, this)) = self.order.pop_front() else { return };
            self.known.remove(&this);
            take_one(&mut self.by_key, this.0);
            take_one(&mut self.by_network, network);
        }
    }

    /// The share of a key or of a network is used up. The oldest of all is forgotten first.
    fn exhausted(&self, name: &'static str, most: usize, now: Timestamp) -> Problem {
        let next = self.order.front().map_or(now, |(until, ..)| *until);
        Problem::limited(Exhausted {
            name,
            count: u32::try_from(most).unwrap_or(u32::MAX),
            window_s: SEEN_MS / 1_000,
            retry_after_s: next.since_ms(now) / 1_000 + 1,
        })
    }
}

/// One less. Who has none left is forgotten, so that memory stays bounded.
fn take_one<K: Eq + Hash>(counts: &mut HashMap<K, usize>, of: K) {
    if let Entry::Occupied(mut count) = counts.entry(of) {
        if *count.get() > 1 {
            *count.get_mut() -= 1;
        } else {
            count.remove();
        }
    }
}

/// The header with the server's nonce.
pub(crate) const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// How long a nonce is the current one; it is taken for as long again.
const NONCE_STEP_MS: u64 = 5 * 60 * 1000;
const NONCE_LENGTH: usize = 16;
/// How long a proof is remembered (standards §2).
const SEEN_MS: u64 = 5 * 60 * 1000;
/// Proofs that are remembered at the same time.
const SEEN_MAX: usize = 500_000;
/// Those of one key: thirty a second, all the time. An honest phone makes a few hundred in a stop.
const SEEN_OF_KEY_MAX: usize = 10_000;
/// Those that came from one network.
const SEEN_OF_NETWORK_MAX: usize = 100_000;

#[cfg(test)]
mod tests {
    use carhop_proofs::dpop::Claim;
    use carhop_proofs::suite::{Algorithm, SigningKey};

    use super::*;

    const URL: &str = "https://localhost/v1/x";

    fn proof(nonce: Option<&str>, jti: &str, now: Timestamp) -> String {
        let key = SigningKey::from_bytes(Algorithm::Es256, [7; 32]).unwrap();
        let claim =
            Claim { method: "POST", url: URL, access_token: None, nonce, issued_at: now, jti };
        dpop::make(&AwsLc, &key, &claim).unwrap()
    }

    fn shown(proof: &str, now: Timestamp) -> Shown<'_> {
        Shown { proof, method: "POST", url: URL, access_token: None, now }
    }

    #[test]
    fn a_proof_needs_the_servers_nonce_and_works_once() {
        let (proofs, now) = (Proofs::new([1; 32]), Timestamp::from_unix_s(1_800_000_000));
        let bare = proof(None, "a", now);
        assert_eq!(proofs.judge(shown(&bare, now)).unwrap_err().code, "use_dpop_nonce");
        let good = proof(Some(&proofs.nonce(now)), "a", now);
        let judged = proofs.judge(shown(&good, now)).unwrap();
        let here = IpAddr::from([192, 0, 2, 1]);
        assert!(proofs.once(&judged, here, now).is_ok());
        let there = IpAddr::from([198, 51, 100, 1]);
        assert_eq!(proofs.once(&judged, there, now).unwrap_err().code, "unauthenticated");
    }

    #[test]
    fn whoever_fills_the_memory_is_turned_away_and_nobody_else() {
        let (mut seen, now) = (Seen::default(), Timestamp::from_unix_s(1_800_000_000));
        let network = |number: u8| IpAddr::from([192, 0, number, 0]);
        let proofs = Proofs::new([1; 32]);
        let one = proof(Some(&proofs.nonce(now)), "c", now);
        let one = proofs.judge(shown(&one, now)).unwrap();
        let proof = |key: u8, number: usize| {
            let mut jti = [0; 32];
            jti[..8].copy_from_slice(&number.to_be_bytes());
            Proof { thumbprint: KeyThumbprint([key; 32]), jti, ..one }
        };
        for number in 0..SEEN_OF_KEY_MAX {
            assert!(seen.remember(&proof(1, number), network(1), now).is_ok());
        }
        let full = seen.remember(&proof(1, SEEN_OF_KEY_MAX), network(2), now).unwrap_err();
        assert_eq!(full.code, "too_many_requests");
        assert!(seen.remember(&proof(2, 0), network(1), now).is_ok(), "a neighbour");
        for key in 3..3 + u8::try_from(SEEN_OF_NETWORK_MAX / SEEN_OF_KEY_MAX).unwrap() {
            for number in 0..SEEN_OF_KEY_MAX {
                let _ = seen.remember(&proof(key, number), network(1), now);
            }
        }
        assert!(seen.remember(&proof(2, 1), network(1), now).is_err(), "the network's share");
        assert!(seen.remember(&proof(2, 1), network(3), now).is_ok(), "from elsewhere");
        let later = now.plus_ms(SEEN_MS);
        assert!(seen.remember(&proof(1, 0), network(1), later).is_ok());
        assert_eq!((seen.by_key.len(), seen.by_network.len(), seen.known.len()), (1, 1, 1));
    }

    #[test]
    fn a_nonce_is_taken_in_the_next_step_and_not_in_the_one_after() {
        let (proofs, start) = (Proofs::new([1; 32]), Timestamp::from_unix_s(1_800_000_000));
        let nonce = proofs.nonce(start);
        for (steps, good) in [(1, true), (2, false)] {
            let now = start.plus_ms(steps * NONCE_STEP_MS);
            let shown_proof = proof(Some(&nonce), "b", now);
            assert_eq!(proofs.judge(shown(&shown_proof, now)).is_ok(), good, "{steps}");
        }
    }
}
