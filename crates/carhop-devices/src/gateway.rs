//! One device's connection, `carhop.device.v1`, from its hello to its farewell (design §6, §9.5).
//!
//! Who speaks is known from the certificate alone; nothing a frame says changes it. What a statement
//! or an attestation is worth is not judged here: it is handed on once it has the right size and
//! shape, and a statement is acknowledged only when somebody says that it is durable.
//!
//! # The shell
//!
//! 1. Authenticate the certificate, [`crate::presence::Registry::arrive`], wait to be admitted.
//! 2. [`Connection::open`] with the device's high-water mark and 32 bytes of chance.
//! 3. Do what [`Connection::poll_output`] says until it says [`Output::Close`]; hand over each message
//!    of the socket with [`Connection::receive`], each [`crate::presence::Notice`] with
//!    [`Connection::notice`], and call [`Connection::tick`] at [`Connection::due_at`].
//!
//! ```
//! use carhop_devices::gateway::{Connection, Inbound, Output};
//! use carhop_kernel::time::Timestamp;
//!
//! fn turn(connection: &mut Connection, now: Timestamp) {
//!     while let Some(output) = connection.poll_output() {
//!         match output {
//!             Output::Send(frame) => drop(frame), // socket.send(frame).await
//!             Output::Inbound(Inbound::Greeted { .. }) => {} // app.device_connected(..).await
//!             Output::Inbound(Inbound::TimeAsked { nonce }) => {
//!                 // Sign with the time of the answer, not of the question:
//!                 // connection.tell_time(nonce, suite, key, trust_epoch, clock.now())
//!             }
//!             Output::Inbound(Inbound::Attestation { challenge, eat }) => {
//!                 // app.attest_device(.., &challenge, &eat).await
//!             }
//!             Output::Inbound(Inbound::Statement { position, bytes }) => {
//!                 // let mark = app.hear_statement(.., &bytes).await
//!                 connection.acknowledge(position);
//!             }
//!             Output::Inbound(Inbound::Unknown { command }) => drop(command),
//!             Output::Inbound(Inbound::Alive) => {} // registry.is_alive(..)
//!             Output::Close { .. } => return, // after what was to be sent: close the socket, registry.leave(..)
//!         }
//!     }
//! }
//! ```

use std::collections::VecDeque;

use carhop_app::ports::DeviceFrame;
use carhop_kernel::device::DeviceClass;
use carhop_kernel::id::{CommandId, DeviceId};
use carhop_kernel::time::Timestamp;
use carhop_proofs::frame::{FarewellCode, FrameError, FromDevice, Position, ToDevice};
use carhop_proofs::statement::{self, StatementError};
use carhop_proofs::suite::{PublicKey, SigningKey, Suite};
use carhop_proofs::time_reply::{self, TimeReply, TimeReplyError};

use crate::presence::Notice;

/// Who speaks, as its certificate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Which device.
    pub device: DeviceId,
    /// Of which class.
    pub class: DeviceClass,
    /// Its certified key, which signs its statements.
    pub key: PublicKey,
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this message.
    Send(Vec<u8>),
    /// Take what the device said.
    Inbound(Inbound),
    /// Close the connection. Nothing follows.
    Close {
        /// What the device was told.
        code: FarewellCode,
        /// What it did wrong, if it did.
        fault: Option<Fault>,
    },
}

/// What a device said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inbound {
    /// It is there.
    Greeted {
        /// The statement that it makes next.
        next: Position,
    },
    /// It asks for the time; answer with [`Connection::tell_time`].
    TimeAsked {
        /// To be signed with the answer.
        nonce: [u8; 16],
    },
    /// It answers the last challenge.
    Attestation {
        /// The challenge.
        challenge: [u8; 32],
        /// The token.
        eat: Vec<u8>,
    },
    /// A statement that it signed; say [`Connection::acknowledge`] when it is durable.
    Statement {
        /// Its place in the chain.
        position: Position,
        /// The signed bytes.
        bytes: Vec<u8>,
    },
    /// It has no receipt for a command. This proves nothing.
    Unknown {
        /// Which command.
        command: CommandId,
    },
    /// It answered a probe.
    Alive,
}

/// What a device did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Bytes that are no frame.
    #[error("a frame could not be read")]
    Frame(#[source] FrameError),
    /// It began with something else than a hello.
    #[error("the first frame is not a hello")]
    FirstFrame,
    /// It said hello twice.
    #[error("a second hello")]
    SecondHello,
    /// Its next statement would be one that is durable already: its memory is gone or older than
    /// ours, and what it says would be taken for repetitions.
    #[error("the device has lost its memory")]
    LostMemory,
    /// A statement that its certified key did not sign.
    #[error("a statement that the device did not sign")]
    Statement(#[source] StatementError),
    /// A statement in the name of another device.
    #[error("a statement in the name of another device")]
    ForeignStatement,
    /// It did not say hello in time.
    #[error("no hello in time")]
    Silent,
    /// It has not been heard for too long.
    #[error("the device fell silent")]
    Idle,
}

/// A connection of one device.
#[derive(Debug)]
pub struct Connection {
    peer: Peer,
    phase: Phase,
    acknowledged: Option<Position>,
    /// The challenge that was not answered yet.
    challenge: Option<[u8; 32]>,
    challenged_at: Timestamp,
    heard_at: Timestamp,
    pinged_at: Option<Timestamp>,
    /// A device answers pings in order, so that counting tells which one an answer belongs to.
    pings: u64,
    pongs: u64,
    /// The ping whose answer proves that the device is alive now, not when it last spoke.
    probe: Option<u64>,
    /// Whether the device has lost its place and is only heard out.
    is_confined: bool,
    outputs: VecDeque<Output>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    AwaitingHello { until: Timestamp },
    Open,
    Closed,
}

impl Connection {
    /// Welcomes `peer`. `acknowledged` is the last of its statements that is durable, `challenge` is
    /// chance.
    pub fn open(
        peer: Peer,
        acknowledged: Option<Position>,
        challenge: [u8; 32],
        now: Timestamp,
    ) -> Self {
        let mut connection = Self {
            peer,
            phase: Phase::AwaitingHello { until: now.plus_ms(HELLO_MS_MAX) },
            acknowledged,
            challenge: Some(challenge),
            challenged_at: now,
            heard_at: now,
            pinged_at: None,
            pings: 0,
            pongs: 0,
            probe: None,
            is_confined: false,
            outputs: VecDeque::new(),
        };
        connection.send(&ToDevice::Welcome { challenge, acknowledged });
        connection
    }

    /// Confines a device that has lost its place to what it has signed, or lets it have everything again: confined it is
    /// told no time and asked for no attestation, and what it offers of either is passed over.
    pub fn confine(&mut self, is_confined: bool) {
        self.is_confined = is_confined;
    }

    /// Takes one message of the socket. Any fault ends the connection.
    pub fn receive(&mut self, suite: &dyn Suite, bytes: &[u8], now: Timestamp) {
        if self.phase == Phase::Closed {
            return;
        }
        let heard = FromDevice::decode(bytes)
            .map_err(Fault::Frame)
            .and_then(|frame| self.take(suite, frame));
        match heard {
            Ok(()) => (self.heard_at, self.pinged_at) = (now, None),
            Err(fault) => self.close(FarewellCode::Protocol, Some(fault)),
        }
    }

    /// Takes what the registry says to this connection.
    pub fn notice(&mut self, notice: Notice, now: Timestamp) {
        match notice {
            Notice::Frame(DeviceFrame::Command(cose)) => self.tell(&ToDevice::Command { cose }),
            Notice::Frame(DeviceFrame::Query(command)) => self.tell(&ToDevice::Query { command }),
            Notice::Probe => {
                self.ping(now);
                self.probe = Some(self.pings);
            }
            Notice::Admitted => {}
            Notice::Close(code) => self.close(code, None),
        }
    }

    /// Answers [`Inbound::TimeAsked`]. `now` is read after the question came in: the device bounds
    /// its clock by it.
    pub fn tell_time(
        &mut self,
        nonce: [u8; 16],
        suite: &dyn Suite,
        key: &SigningKey,
        trust_epoch: u64,
        now: Timestamp,
    ) -> Result<(), TimeReplyError> {
        if !self.is_confined {
            let cose = time_reply::sign(suite, key, &TimeReply { nonce, now, trust_epoch })?;
            self.tell(&ToDevice::Time { cose });
        }
        Ok(())
    }

    /// Says that all statements up to `through` are durable.
    pub fn acknowledge(&mut self, through: Position) {
        // A mark that does not advance is repeated all the same: the device has repeated a statement
        // and waits for it.
        self.acknowledged = self.acknowledged.max(Some(through));
        self.tell(&ToDevice::Acknowledge { through });
    }

    /// Lets time pass. `chance` is used up if a fresh challenge is due.
    pub fn tick(&mut self, chance: [u8; 32], now: Timestamp) {
        match self.phase {
            Phase::Closed => {}
            Phase::AwaitingHello { until } => {
                if now >= until {
                    self.close(FarewellCode::Protocol, Some(Fault::Silent));
                }
            }
            Phase::Open if now >= self.idle_at() => {
                self.close(FarewellCode::Idle, Some(Fault::Idle));
            }
            Phase::Open => {
                if now >= self.ping_at() {
                    self.ping(now);
                }
                if now >= self.challenge_at() {
                    self.challenged_at = now;
                    if !self.is_confined {
                        self.challenge = Some(chance);
                        self.tell(&ToDevice::Challenge { challenge: chance });
                    }
                }
            }
        }
    }

    /// Ends the connection with a word to the device.
    pub fn close(&mut self, code: FarewellCode, fault: Option<Fault>) {
        if self.phase != Phase::Closed {
            self.phase = Phase::Closed;
            self.send(&ToDevice::Farewell { code });
            self.outputs.push_back(Output::Close { code, fault });
        }
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to [`Connection::tick`]; `None` once it is closed.
    pub fn due_at(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::AwaitingHello { until } => Some(until),
            Phase::Open => Some(self.idle_at().min(self.ping_at()).min(self.challenge_at())),
            Phase::Closed => None,
        }
    }

    /// Who speaks.
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    fn take(&mut self, suite: &dyn Suite, frame: FromDevice) -> Result<(), Fault> {
        match (frame, self.phase) {
            (
                FromDevice::Hello { boot_epoch, clock_nonce: nonce, next_sequence },
                Phase::AwaitingHello { .. },
            ) => {
                let next = Position { boot_epoch, sequence: next_sequence };
                if Some(next) <= self.acknowledged {
                    return Err(Fault::LostMemory);
                }
                self.phase = Phase::Open;
                self.inbound(Inbound::Greeted { next });
                self.ask_time(nonce);
            }
            (FromDevice::Hello { .. }, _) => return Err(Fault::SecondHello),
            (_, Phase::AwaitingHello { .. } | Phase::Closed) => return Err(Fault::FirstFrame),
            (FromDevice::AskTime { nonce }, Phase::Open) => self.ask_time(nonce),
            (FromDevice::Attestation { eat }, Phase::Open) => {
                // Without an open challenge there is nothing it could answer.
                if let Some(challenge) = self.challenge.take_if(|_| !self.is_confined) {
                    self.inbound(Inbound::Attestation { challenge, eat });
                }
            }
            (FromDevice::Statement { cose }, Phase::Open) => self.statement(suite, cose)?,
            (FromDevice::Unknown { command }, Phase::Open) => {
                self.inbound(Inbound::Unknown { command });
            }
            (FromDevice::Pong, Phase::Open) => self.pong(),
        }
        Ok(())
    }

    fn ask_time(&mut self, nonce: [u8; 16]) {
        if !self.is_confined {
            self.inbound(Inbound::TimeAsked { nonce });
        }
    }

    fn statement(&mut self, suite: &dyn Suite, bytes: Vec<u8>) -> Result<(), Fault> {
        let key = self.peer.key;
        let said = statement::open(suite, &bytes, |kid| {
            (*kid == carhop_proofs::cose::key_id(suite, &key)).then_some(key)
        });
        let said = said.map_err(Fault::Statement)?;
        if said.device != self.peer.device {
            return Err(Fault::ForeignStatement);
        }
        let position = Position { boot_epoch: said.boot_epoch, sequence: said.sequence };
        self.inbound(Inbound::Statement { position, bytes });
        Ok(())
    }

    fn pong(&mut self) {
        // Answers that nobody asked for answer nothing that is asked later.
        self.pongs = self.pings.min(self.pongs + 1);
        if self.probe.take_if(|ping| self.pongs >= *ping).is_some() {
            self.inbound(Inbound::Alive);
        }
    }

    fn ping(&mut self, now: Timestamp) {
        self.pinged_at = Some(now);
        self.pings += 1;
        self.tell(&ToDevice::Ping);
    }

    fn idle_at(&self) -> Timestamp {
        self.heard_at.plus_ms(IDLE_MS_MAX)
    }

    fn ping_at(&self) -> Timestamp {
        self.pinged_at.unwrap_or(self.heard_at).plus_ms(PING_INTERVAL_MS)
    }

    fn challenge_at(&self) -> Timestamp {
        self.challenged_at.plus_ms(CHALLENGE_INTERVAL_MS)
    }

    /// Sends a frame unless the farewell was said.
    fn tell(&mut self, frame: &ToDevice) {
        if self.phase != Phase::Closed {
            self.send(frame);
        }
    }

    fn send(&mut self, frame: &ToDevice) {
        self.outputs.push_back(Output::Send(frame.encode()));
    }

    fn inbound(&mut self, inbound: Inbound) {
        self.outputs.push_back(Output::Inbound(inbound));
    }
}

/// How long a new connection may take to say hello.
pub const HELLO_MS_MAX: u64 = 10_000;
/// How often a silent device is pinged.
pub const PING_INTERVAL_MS: u64 = 20_000;
/// After which silence a connection ends.
pub const IDLE_MS_MAX: u64 = 60_000;
/// How often a device attests itself: twice within the time that its integrity counts (standards §4).
pub const CHALLENGE_INTERVAL_MS: u64 = carhop_kernel::limits::INTEGRITY_FRESH_MS / 2;

#[cfg(test)]
mod tests;
