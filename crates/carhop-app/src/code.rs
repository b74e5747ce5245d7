//! One-time and scannable codes: issued to the customer's bound device, tried by the driver, burned at first use
//! (M-OTP-1, M-QRC-1). Every try is durable before its answer.

use carhop_kernel::digest::SecretHash;
use carhop_kernel::evidence::{Fact, PresenceMethod};
use carhop_kernel::id::{ProofId, SessionId};
use carhop_kernel::limits;
use carhop_kernel::reason::Reason;
use carhop_kernel::session::{Action, PhaseKind, RequestKind, Session};
use carhop_kernel::time::Timestamp;
use carhop_kernel::token::TokenLayer;
use carhop_proofs::cose::key_id;
use carhop_proofs::otp::Code;
use carhop_proofs::qr::{self, Handoff, QrError};
use carhop_proofs::suite::Suite;

use crate::app::{App, fresh};
use crate::batch::{Batch, Body, Meta, Stream};
use crate::call::{Call, Reply};
use crate::customer::evidence;
use crate::failure::Failure;
use crate::judge::{Ask, Stop};
use crate::reads::{Reads, retry};
use crate::records::{CodesRecord, LiveCode, UsedCode};

/// A code as the customer's device shows it, once.
#[derive(Debug)]
pub struct IssuedCode {
    /// Its name.
    pub proof: ProofId,
    /// Six digits.
    pub digits: String,
    /// The same as a scannable text (`CH1:…`).
    pub scan: String,
    /// First instant at which the digits are dead.
    pub expires_at: Timestamp,
    /// How many more codes this stop may have.
    pub issues_left: u8,
}

/// What the driver presents.
#[derive(Clone, Copy, Debug)]
pub enum Presented<'a> {
    /// Typed digits.
    Digits(&'a str),
    /// A scanned text.
    Scan(&'a str),
}

impl App {
    /// Makes a code for the customer to show at the car; an earlier one is burned.
    pub async fn issue_code(&self, call: &Call, session: SessionId) -> Result<IssuedCode, Failure> {
        retry!(self.try_issue_code(call, session).await)
    }

    async fn try_issue_code(&self, call: &Call, id: SessionId) -> Result<IssuedCode, Failure> {
        let mut reads = Reads::new(self, &call.partition);
        let (stop, _, key) = self.stop_of_customer(call, &mut reads, id, ISSUE_CODE).await?;
        if !may_show(stop.session.phase.kind()) {
            return Err(self.turn_away(call, &reads, id, ISSUE_CODE, Reason::NotPossibleNow).await);
        }
        let codes = codes(&mut reads, id).await?;
        if codes.issues >= limits::CODE_ISSUES_PER_STOP_MAX {
            return Err(self
                .turn_away(call, &reads, id, ISSUE_CODE, Reason::CodeIssuesExhausted)
                .await);
        }
        let proof = fresh!(self, ProofId);
        let code = self.draw_code()?;
        let expires_at = reads.now.plus_ms(limits::CODE_MS_MAX);
        let live = LiveCode {
            proof,
            hash: code.hash(self.suite(), &self.pepper(&call.partition), id, proof),
            order_version: stop.session.order.version,
            key,
            expires_at,
            tries: 0,
        };
        let issues = codes.issues + 1;
        let mut batch = reads.batch();
        batch.store(&CodesRecord { live: Some(live), issues, ..codes })?;
        let body = Body::CodeIssued { proof, expires_at };
        batch.record(self, Stream::Side(id), &Meta::by(call), body);
        self.append_for(call, batch, Some(id)).await?;
        Ok(IssuedCode {
            proof,
            digits: code.expose(),
            scan: self.scan_text(call, id, proof, reads.now)?,
            expires_at,
            issues_left: limits::CODE_ISSUES_PER_STOP_MAX - issues,
        })
    }

    /// Signs the live code's scannable text anew, for a device that keeps showing it; the digits stay as they are.
    pub async fn refresh_scan(&self, call: &Call, session: SessionId) -> Result<String, Failure> {
        retry!({
            let mut reads = Reads::new(self, &call.partition);
            self.stop_of_customer(call, &mut reads, session, REFRESH_SCAN).await?;
            let live = codes(&mut reads, session).await?.live;
            let Some(live) = live.filter(|live| reads.now < live.expires_at) else {
                let reason = Reason::CodeExpired;
                return Err(self.turn_away(call, &reads, session, REFRESH_SCAN, reason).await);
            };
            self.scan_text(call, session, live.proof, reads.now)
        })
    }

    /// Judges a presented code. A wrong one costs a try, durably, before the caller hears of it.
    pub async fn present_proof(
        &self,
        call: &Call,
        session: SessionId,
        presented: Presented<'_>,
    ) -> Result<Reply, Failure> {
        retry!(self.try_present_proof(call, session, presented).await)
    }

    async fn try_present_proof(
        &self,
        call: &Call,
        session: SessionId,
        presented: Presented<'_>,
    ) -> Result<Reply, Failure> {
        let mut reads = Reads::new(self, &call.partition);
        if let Some(reply) = self.earlier_reply(&mut reads, call).await? {
            return Ok(reply);
        }
        let asked = RequestKind::ProvePresence.name();
        let stop = self.stop_of_driver(call, &mut reads, session, asked).await?;
        let codes = self.codes_of_the_bound(&mut reads, &stop.session).await?;
        match self.check_proof(call, &stop, &codes, presented, reads.now) {
            Ok((live, method)) => {
                let (proof, hash) = (live.proof, live.hash);
                let fact = Fact::Presence { method, proof };
                let ask = Ask {
                    evidence: vec![evidence(fact, &stop.session, reads.now)],
                    presence: Some(method),
                    ..Ask::default()
                };
                let used = Some(UsedCode { proof, hash });
                let burned = CodesRecord { live: None, used, tries: codes.tries + 1, ..codes };
                self.apply(call, &reads, &stop, Action::ProvePresence, ask, |batch| {
                    Ok(batch.store(&burned)?)
                })
                .await
            }
            // Nothing was compared, so that it is no try of any code.
            Err(reason @ Reason::CodeAttemptsExhausted) => {
                Err(self.turn_away(call, &reads, session, asked, reason).await)
            }
            Err(reason) => {
                let batch = self.failed_try(call, reads.batch(), codes, reason)?;
                self.append_for(call, batch, Some(session)).await?;
                Err(Failure::refused(reason))
            }
        }
    }

    /// Takes the customer's approval, on the bound device, as proof of presence.
    pub async fn approve_presence(
        &self,
        call: &Call,
        session: SessionId,
    ) -> Result<Reply, Failure> {
        retry!({
            let mut reads = Reads::new(self, &call.partition);
            if let Some(reply) = self.earlier_reply(&mut reads, call).await? {
                return Ok(reply);
            }
            let asked = RequestKind::ProvePresence.name();
            let (stop, ..) = self.stop_of_customer(call, &mut reads, session, asked).await?;
            let method = PresenceMethod::Approval;
            let fact = Fact::Presence { method, proof: fresh!(self, ProofId) };
            let ask = Ask {
                evidence: vec![evidence(fact, &stop.session, reads.now)],
                presence: Some(method),
                ..Ask::default()
            };
            self.apply(call, &reads, &stop, Action::ProvePresence, ask, |_| Ok(())).await
        })
    }

    /// The codes of a stop. One that was shown by a device which is bound no more is none; one of an earlier version of the
    /// order is told as that.
    async fn codes_of_the_bound(
        &self,
        reads: &mut Reads<'_>,
        session: &Session,
    ) -> Result<CodesRecord, Failure> {
        let mut codes = codes(reads, session.id).await?;
        let bound = self.tokens_of(reads, session.id, TokenLayer::Session).await?;
        codes.live = codes.live.filter(|live| {
            live.order_version != session.order.version
                || bound.iter().any(|row| row.token.key == live.key)
        });
        Ok(codes)
    }

    fn check_proof<'a>(
        &self,
        call: &Call,
        stop: &Stop,
        codes: &'a CodesRecord,
        presented: Presented<'_>,
        now: Timestamp,
    ) -> Result<(&'a LiveCode, PresenceMethod), Reason> {
        if codes.tries >= limits::CODE_TRIES_PER_STOP_MAX {
            return Err(Reason::CodeAttemptsExhausted);
        }
        if codes.live.as_ref().is_some_and(|live| live.tries >= limits::CODE_TRIES_MAX) {
            return Err(Reason::CodeAttemptsExhausted);
        }
        let method = match presented {
            Presented::Digits(digits) => {
                let code = Code::parse(digits).ok_or(Reason::CodeWrong)?;
                check_digits(self.suite(), &self.pepper(&call.partition), codes, &code)?;
                PresenceMethod::Code
            }
            Presented::Scan(text) => {
                self.check_scan(call, codes, text, now)?;
                PresenceMethod::Scan
            }
        };
        let live = codes.live.as_ref().ok_or(Reason::CodeWrong)?;
        if live.order_version != stop.session.order.version {
            return Err(Reason::OrderChanged);
        }
        if now >= live.expires_at {
            return Err(Reason::CodeExpired);
        }
        Ok((live, method))
    }

    fn check_scan(
        &self,
        call: &Call,
        codes: &CodesRecord,
        text: &str,
        now: Timestamp,
    ) -> Result<(), Reason> {
        let suite = self.suite();
        let key = self
            .parts
            .keyring
            .scan_key(suite, &call.partition.tenant)
            .and_then(|key| suite.public_key(&key))
            .map_err(|_| Reason::CodeWrong)?;
        let kid = key_id(suite, &key);
        let known = |claimed: &[u8; 8]| (*claimed == kid).then_some(key);
        let (_, handoff) = qr::verify(suite, text, now, known).map_err(|error| {
            if error == QrError::Expired { Reason::CodeExpired } else { Reason::CodeWrong }
        })?;
        let CodesRecord { session, live, used, .. } = codes;
        let mine =
            handoff.order == *session.as_bytes() && handoff.issuer == self.parts.settings.issuer;
        let is_live = live.as_ref().is_some_and(|live| live.proof == handoff.proof);
        let is_used = used.as_ref().is_some_and(|used| used.proof == handoff.proof);
        match (mine, is_live, is_used) {
            (true, true, _) => Ok(()),
            (true, false, true) => Err(Reason::CodeSpent),
            (true, false, false) | (false, ..) => Err(Reason::CodeWrong),
        }
    }

    fn scan_text(
        &self,
        call: &Call,
        session: SessionId,
        proof: ProofId,
        now: Timestamp,
    ) -> Result<String, Failure> {
        let suite = self.suite();
        let key = self
            .parts
            .keyring
            .scan_key(suite, &call.partition.tenant)
            .map_err(|_| Failure::Internal("a scan key that is none"))?;
        let public =
            suite.public_key(&key).map_err(|_| Failure::Internal("a scan key that is none"))?;
        let issuer = self.parts.settings.issuer.clone();
        let handoff = Handoff::issue(issuer, now, proof, *session.as_bytes());
        qr::make(suite, &key, key_id(suite, &public), &handoff)
            .map_err(|_| Failure::Internal("a code that cannot be signed"))
    }

    fn draw_code(&self) -> Result<Code, Failure> {
        for _ in 0..CODE_DRAWS_MAX {
            if let Some(code) = Code::draw(&self.random::<32>()) {
                return Ok(code);
            }
        }
        Err(Failure::Internal("chance that yields no code"))
    }

    fn failed_try(
        &self,
        call: &Call,
        mut batch: Batch,
        codes: CodesRecord,
        reason: Reason,
    ) -> Result<Batch, Failure> {
        let mut live = codes.live;
        let proof = live.as_ref().map(|live| live.proof);
        let mut tries = 0;
        if let Some(live) = &mut live {
            live.tries = live.tries.saturating_add(1);
            tries = live.tries;
        }
        let body = Body::ProofFailed { proof, reason, tries };
        batch.record(self, Stream::Side(codes.session), &Meta::by(call), body);
        batch.store(&CodesRecord { live, tries: codes.tries.saturating_add(1), ..codes })?;
        Ok(batch)
    }
}

/// Whether a code can be of use: the driver is on the way to the car or at it, where presence counts for minutes only and
/// is shown anew.
const fn may_show(phase: PhaseKind) -> bool {
    match phase {
        PhaseKind::EnRoute
        | PhaseKind::Arrived
        | PhaseKind::HandoffReady
        | PhaseKind::InService => true,
        PhaseKind::Requested
        | PhaseKind::Verified
        | PhaseKind::VehicleBound
        | PhaseKind::Completed
        | PhaseKind::Revoked
        | PhaseKind::Expired => false,
    }
}

/// Whether the digits are those of the live code; those of the one that was used last are told apart, for it opens nothing
/// any more and whoever reads it out should know. Where there is no such code they are compared with what no code has, so
/// that every answer takes as long (M-OTP-1).
fn check_digits(
    suite: &dyn Suite,
    pepper: &[u8],
    codes: &CodesRecord,
    code: &Code,
) -> Result<(), Reason> {
    let CodesRecord { session, live, used, .. } = codes;
    let is = |known: Option<(ProofId, &SecretHash)>| {
        let (proof, hash) = known.unwrap_or((NO_PROOF, &NO_HASH));
        code.matches(hash, suite, pepper, *session, proof) && known.is_some()
    };
    let is_live = is(live.as_ref().map(|live| (live.proof, &live.hash)));
    let is_used = is(used.as_ref().map(|used| (used.proof, &used.hash)));
    match (is_live, is_used) {
        (true, _) => Ok(()),
        (false, true) => Err(Reason::CodeSpent),
        (false, false) => Err(Reason::CodeWrong),
    }
}

async fn codes(reads: &mut Reads<'_>, session: SessionId) -> Result<CodesRecord, Failure> {
    let none = CodesRecord { session, live: None, used: None, issues: 0, tries: 0 };
    Ok(reads.find::<CodesRecord>(session.to_string()).await?.unwrap_or(none))
}

/// Stands for the name and the hash of a code where there is none.
const NO_PROOF: ProofId = ProofId::from_bytes([0; 16]);
const NO_HASH: SecretHash = SecretHash([0; 32]);
/// The stable names of the requests for a code and for its scannable text.
const ISSUE_CODE: &str = "issue_code";
const REFRESH_SCAN: &str = "refresh_scan";
/// A draw of 32 bytes fails about once in 10^20; a few more make it never.
const CODE_DRAWS_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use carhop_proofs::suite::{KeyError, PublicKey, RustCrypto, SigningKey};

    use carhop_kernel::digest::KeyThumbprint;

    use super::*;

    /// Counts what is hashed.
    #[derive(Default)]
    struct Counting(AtomicUsize);

    impl Suite for Counting {
        fn sha256(&self, parts: &[&[u8]]) -> [u8; 32] {
            self.0.fetch_add(1, Ordering::Relaxed);
            RustCrypto.sha256(parts)
        }

        fn hmac_sha256(&self, key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
            self.0.fetch_add(1, Ordering::Relaxed);
            RustCrypto.hmac_sha256(key, parts)
        }

        fn public_key(&self, key: &SigningKey) -> Result<PublicKey, KeyError> {
            RustCrypto.public_key(key)
        }

        fn p256_public_key(&self, sec1: &[u8]) -> Result<PublicKey, KeyError> {
            RustCrypto.p256_public_key(sec1)
        }

        fn sign(&self, key: &SigningKey, message: &[u8]) -> Result<[u8; 64], KeyError> {
            RustCrypto.sign(key, message)
        }

        fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
            RustCrypto.verify(key, message, signature)
        }
    }

    #[test]
    fn a_code_that_is_wrong_used_or_was_never_made_costs_the_same_work() {
        let session = SessionId::from_bytes([1; 16]);
        let none = CodesRecord { session, live: None, used: None, issues: 0, tries: 0 };
        let [right, old, wrong] =
            ["481920", "481921", "481922"].map(|digits| Code::parse(digits).unwrap());
        let [proof, former] = [[2; 16], [3; 16]].map(ProofId::from_bytes);
        let live = LiveCode {
            proof,
            hash: right.hash(&RustCrypto, b"pepper", session, proof),
            order_version: 1,
            key: KeyThumbprint([4; 32]),
            expires_at: Timestamp::from_unix_s(1_800_000_000),
            tries: 0,
        };
        let used =
            UsedCode { proof: former, hash: old.hash(&RustCrypto, b"pepper", session, former) };
        let first = CodesRecord { live: Some(live), ..none.clone() };
        let second = CodesRecord { used: Some(used.clone()), ..first.clone() };
        let burned = CodesRecord { used: Some(used), ..none.clone() };
        let (spent, other) = (Err(Reason::CodeSpent), Err(Reason::CodeWrong));
        for (codes, code, expected) in [
            (&first, &right, Ok(())),
            (&first, &old, other),
            (&first, &wrong, other),
            (&second, &right, Ok(())),
            (&second, &old, spent),
            (&second, &wrong, other),
            (&burned, &old, spent),
            (&burned, &right, other),
            (&none, &right, other),
        ] {
            let counting = Counting::default();
            assert_eq!(check_digits(&counting, b"pepper", codes, code), expected);
            assert_eq!(counting.0.into_inner(), 2);
        }
    }
}
