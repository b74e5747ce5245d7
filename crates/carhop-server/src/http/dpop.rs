//! The server's part of DPoP (RFC 9449): nonces that need no storage, and a memory of the proofs that were seen.
//!
//! Whether a proof is sound is judged in `carhop_proofs::dpop`; whose key it is, in `auth`.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use base64ct::{Base64UrlUnpadded, Encoding};
use carhop_kernel::digest::KeyThumbprint;
use carhop_kernel::time::Timestamp;
use carhop_proofs::dpop::{self, DpopError, Expected, Proof};
use carhop_proofs::suite::{AwsLc, Suite};

use super::problem::Problem;

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

#[derive(Default)]
struct Seen {
    known: HashSet<(KeyThumbprint, [u8; 32])>,
    order: VecDeque<(Timestamp, (KeyThumbprint, [u8; 32]))>,
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

    /// Takes a sound proof, unless it was taken before.
    pub(crate) fn once(&self, proof: &Proof, now: Timestamp) -> Result<(), Problem> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).remember(proof, now)
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
    fn remember(&mut self, proof: &Proof, now: Timestamp) -> Result<(), Problem> {
        while self.order.front().is_some_and(|(until, _)| *until <= now) {
            if let Some((_, forgotten)) = self.order.pop_front() {
                self.known.remove(&forgotten);
            }
        }
        let this = (proof.thumbprint, proof.jti);
        if self.known.contains(&this) {
            return Err(Problem::unauthenticated());
        }
        // Forgetting early would let a replay pass, so a full memory turns newcomers away.
        if self.order.len() >= SEEN_MAX {
            return Err(Problem::overloaded());
        }
        self.known.insert(this);
        self.order.push_back((now.plus_ms(SEEN_MS), this));
        Ok(())
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
        assert!(proofs.once(&judged, now).is_ok());
        assert_eq!(proofs.once(&judged, now).unwrap_err().code, "unauthenticated");
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
