//! The conversation with the gateway: hello, the time, attestation, and the statements that are sent
//! until they are acknowledged.
//!
//! Nothing said here is believed for its own sake; what a command inside a frame is worth is judged
//! in `commands`.

use alloc::vec::Vec;

use carhop_kernel::id::CommandId;
use carhop_proofs::cose;
use carhop_proofs::frame::{FromDevice, Position, ToDevice};
use carhop_proofs::suite::{PublicKey, Suite};
use carhop_proofs::time_reply;

use super::{Agent, Alarm, Output, limits};
use crate::memory::Waiting;
use crate::record::Record;

/// The state of the connection, if there is one.
#[derive(Debug, Default)]
pub(super) struct Link {
    seed: Option<[u8; 32]>,
    /// Since when it stands.
    connected_at_ms: u64,
    /// How many nonces were drawn from the seed.
    drawn: u64,
    /// Whether the gateway has said what it has.
    is_welcomed: bool,
    /// How many statements of the outbox were sent on this connection.
    in_flight: usize,
}

impl<S: Suite> Agent<S> {
    pub(super) fn connected(&mut self, seed: [u8; 32]) {
        self.link = Link { seed: Some(seed), connected_at_ms: self.now_ms, ..Link::default() };
        let Some(clock_nonce) = self.draw_nonce() else { return };
        self.clock.ask(clock_nonce, self.now_ms);
        let base = &self.memory.base;
        let (boot_epoch, next_sequence) = (base.boot_epoch, base.next_sequence);
        self.send(&FromDevice::Hello { boot_epoch, clock_nonce, next_sequence });
    }

    pub(super) fn frame(&mut self, bytes: &[u8]) {
        let Ok(frame) = ToDevice::decode(bytes) else { return self.alarm(Alarm::MalformedFrame) };
        match frame {
            ToDevice::Welcome { challenge, acknowledged } => {
                self.link.is_welcomed = true;
                if let Some(through) = acknowledged {
                    self.acknowledged(through);
                }
                self.outputs.push_back(Output::Attest { challenge });
            }
            ToDevice::Time { cose } => self.time(&cose),
            ToDevice::Command { cose } => self.command(&cose),
            ToDevice::Query { command } => self.query(command),
            ToDevice::Acknowledge { through } => self.acknowledged(through),
            ToDevice::Challenge { challenge } => {
                self.outputs.push_back(Output::Attest { challenge });
            }
            ToDevice::Ping => self.send(&FromDevice::Pong),
            ToDevice::Farewell { code } => self.outputs.push_back(Output::Farewell(code)),
        }
    }

    pub(super) fn attested(&mut self, eat: Vec<u8>) {
        if self.link.is_welcomed {
            self.send(&FromDevice::Attestation { eat });
        }
    }

    /// By when the gateway has to have said what it has. Until then nothing of the outbox leaves, so that whoever waited
    /// longer for a welcome that is lost would be mute.
    pub(super) fn welcome_by(&self) -> Option<u64> {
        let waits = self.link.seed.is_some() && !self.link.is_welcomed;
        waits.then(|| self.link.connected_at_ms.saturating_add(limits::WELCOME_MS_MAX))
    }

    pub(super) fn hang_up(&mut self) {
        self.link = Link::default();
        self.outputs.push_back(Output::HangUp);
    }

    /// When to ask for the time; never without a connection.
    pub(super) fn ask_at(&self) -> Option<u64> {
        self.link.seed.map(|_| self.clock.ask_at_ms(self.now_ms))
    }

    pub(super) fn ask_time(&mut self) {
        if let Some(nonce) = self.draw_nonce() {
            self.clock.ask(nonce, self.now_ms);
            self.send(&FromDevice::AskTime { nonce });
        }
    }

    /// Sends what is durable and has not been sent on this connection.
    pub(super) fn send_outbox(&mut self) {
        while self.link.is_welcomed && self.link.in_flight < limits::IN_FLIGHT_MAX {
            let next = self.memory.outbox.get(self.link.in_flight);
            let Some(waiting) = next.filter(|waiting| waiting.ticket <= self.persisted) else {
                return;
            };
            let cose = waiting.bytes.clone();
            self.link.in_flight += 1;
            self.send(&FromDevice::Statement { cose });
        }
    }

    /// Sends the stored receipt of a command again. One whose turn in the outbox has not come will be
    /// sent when it comes: nothing overtakes the chain.
    pub(super) fn resend(&mut self, command: CommandId) {
        let receipt = self.memory.known(&command).and_then(|known| known.receipt.as_ref());
        let waits = |receipt: &&Waiting| {
            let unsent = self.memory.outbox.iter().skip(self.link.in_flight);
            unsent.map(|waiting| waiting.position).any(|position| position == receipt.position)
        };
        if let Some(cose) = receipt.filter(|one| !waits(one)).map(|one| one.bytes.clone()) {
            self.send(&FromDevice::Statement { cose });
        }
    }

    /// The authority's key with this id.
    pub(super) fn issuer(&self, kid: cose::KeyId) -> Option<PublicKey> {
        self.issuers.iter().find(|key| cose::key_id(&self.suite, key) == kid).copied()
    }

    fn time(&mut self, cose: &[u8]) {
        let nonce = self.clock.nonce();
        let reply = nonce.and_then(|nonce| {
            time_reply::open(&self.suite, cose, &nonce, |kid| self.issuer(*kid)).ok()
        });
        let Some(reply) = reply else { return self.alarm(Alarm::FalseTime) };
        self.clock.answer(reply.now, self.now_ms);
        if reply.trust_epoch > self.memory.base.trust_epoch {
            self.record(Record::TrustEpoch { floor: reply.trust_epoch });
        }
    }

    /// Notes what the gateway has. A mark beyond what was ever said is a mistake of the carrier.
    fn acknowledged(&mut self, through: Position) {
        let base = &self.memory.base;
        let next = Position { boot_epoch: base.boot_epoch, sequence: base.next_sequence };
        if through >= next || Some(through) <= base.acknowledged {
            return;
        }
        let before = self.memory.outbox.len();
        self.record(Record::Acknowledged { through });
        let settled = before - self.memory.outbox.len();
        self.link.in_flight = self.link.in_flight.saturating_sub(settled);
    }

    fn draw_nonce(&mut self) -> Option<[u8; 16]> {
        let seed = self.link.seed?;
        self.link.drawn += 1;
        let drawn = self.suite.hmac_sha256(&seed, &[&self.link.drawn.to_be_bytes()]);
        drawn.first_chunk().copied()
    }
}
