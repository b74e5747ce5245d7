//! One-time and scannable codes: issued to the customer's bound device, tried by the driver, burned at first use
//! (M-OTP-1, M-QRC-1). Every try is durable before its answer.

use carhop_kernel::evidence::{Fact, PresenceMethod};
use carhop_kernel::id::{ProofId, SessionId};
use carhop_kernel::limits;
use carhop_kernel::reason::Reason;
use carhop_kernel::session::{Action, PhaseKind};
use carhop_kernel::time::Timestamp;
use carhop_proofs::cose::key_id;
use carhop_proofs::otp::Code;
use carhop_proofs::qr::{self, Handoff, QrError};

use crate::app::{App, fresh};
use crate::batch::{Batch, Body, Meta, Stream};
use crate::call::{Call, Reply};
use crate::customer::evidence;
use crate::driver::assigned;
use crate::failure::Failure;
use crate::judge::{Ask, Stop};
use crate::reads::{Reads, retry};
use crate::records::{CodesRecord, LiveCode};

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
        let stop = self.read_stop(&mut reads, id).await?;
        self.own_customer(&mut reads, call, &stop).await?;
        let phase = stop.session.phase.kind();
        if phase != PhaseKind::EnRoute && phase != PhaseKind::Arrived {
            return Err(self.turn_away(call, id, ISSUE_CODE, Reason::NotPossibleNow).await);
        }
        let codes = codes(&mut reads, id).await?;
        if codes.issues >= limits::CODE_ISSUES_PER_STOP_MAX {
            return Err(self.turn_away(call, id, ISSUE_CODE, Reason::CodeIssuesExhausted).await);
        }
        let proof = fresh!(self, ProofId);
        let code = self.draw_code()?;
        let expires_at = reads.now.plus_ms(limits::CODE_MS_MAX);
        let live = LiveCode {
            proof,
            hash: code.hash(self.suite(), &self.pepper(&call.partition), id, proof),
            order_version: stop.session.order.version,
            expires_at,
            tries: 0,
        };
        let issues = codes.issues + 1;
        let mut batch = reads.batch();
        batch.store(&CodesRecord { live: Some(live), issues, ..codes })?;
        let body = Body::CodeIssued { proof, expires_at };
        batch.record(self, Stream::Side(id), &Meta::by(call), body);
        self.append(batch, Some(id)).await?;
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
        let mut reads = Reads::new(self, &call.partition);
        let stop = self.read_stop(&mut reads, session).await?;
        self.own_customer(&mut reads, call, &stop).await?;
        let live = codes(&mut reads, session).await?.live;
        let Some(live) = live.filter(|live| reads.now < live.expires_at) else {
            return Err(self.turn_away(call, session, "refresh_scan", Reason::CodeExpired).await);
        };
        self.scan_text(call, session, live.proof, reads.now)
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
        let stop = self.read_stop(&mut reads, session).await?;
        assigned(call, &stop)?;
        let codes = codes(&mut reads, session).await?;
        match self.check_proof(call, &stop, &codes, presented, reads.now) {
            Ok((proof, method)) => {
                let fact = Fact::Presence { method, proof };
                let ask = Ask {
                    evidence: vec![evidence(fact, &stop.session, reads.now)],
                    presence: Some(method),
                    ..Ask::default()
                };
                let burned = CodesRecord { live: None, tries: codes.tries + 1, ..codes };
                self.apply(call, &reads, &stop, Action::ProvePresence, ask, |batch| {
                    Ok(batch.store(&burned)?)
                })
                .await
            }
            Err(reason) => {
                let batch = self.failed_try(call, reads.batch(), codes, reason)?;
                self.append(batch, Some(session)).await?;
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
            let stop = self.read_stop(&mut reads, session).await?;
            self.own_customer(&mut reads, call, &stop).await?;
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

    fn check_proof(
        &self,
        call: &Call,
        stop: &Stop,
        codes: &CodesRecord,
        presented: Presented<'_>,
        now: Timestamp,
    ) -> Result<(ProofId, PresenceMethod), Reason> {
        if codes.tries >= limits::CODE_TRIES_PER_STOP_MAX {
            return Err(Reason::CodeAttemptsExhausted);
        }
        let live = codes.live.as_ref().ok_or(Reason::CodeWrong)?;
        if live.tries >= limits::CODE_TRIES_MAX {
            return Err(Reason::CodeAttemptsExhausted);
        }
        let method = match presented {
            Presented::Digits(digits) => {
                let code = Code::parse(digits).ok_or(Reason::CodeWrong)?;
                let pepper = self.pepper(&call.partition);
                if !code.matches(&live.hash, self.suite(), &pepper, stop.session.id, live.proof) {
                    return Err(Reason::CodeWrong);
                }
                PresenceMethod::Code
            }
            Presented::Scan(text) => {
                self.check_scan(call, stop.session.id, live.proof, text, now)?;
                PresenceMethod::Scan
            }
        };
        if live.order_version != stop.session.order.version {
            return Err(Reason::OrderChanged);
        }
        if now >= live.expires_at {
            return Err(Reason::CodeExpired);
        }
        Ok((live.proof, method))
    }

    fn check_scan(
        &self,
        call: &Call,
        session: SessionId,
        live: ProofId,
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
        let mine = handoff.order == *session.as_bytes()
            && handoff.proof == live
            && handoff.issuer == self.parts.settings.issuer;
        if mine { Ok(()) } else { Err(Reason::CodeWrong) }
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

async fn codes(reads: &mut Reads<'_>, session: SessionId) -> Result<CodesRecord, Failure> {
    let none = CodesRecord { session, live: None, issues: 0, tries: 0 };
    Ok(reads.find::<CodesRecord>(session.to_string()).await?.unwrap_or(none))
}

/// The stable name of the request for a code.
const ISSUE_CODE: &str = "issue_code";
/// A draw of 32 bytes fails about once in 10^20; a few more make it never.
const CODE_DRAWS_MAX: usize = 4;
