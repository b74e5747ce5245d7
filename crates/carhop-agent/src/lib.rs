//! What runs on a lock or a pump: verify, persist, actuate, sign (M-ACT-1 to M-ACT-3; design §6).
//!
//! It does no I/O, owns no clock, no chance and no thread, and needs no std. A shell owns the socket,
//! the flash, the bolt and the valve; it hands over what happened with its monotonic time and does
//! what it is told, in order. The same code runs on a device, in a demo and in the simulator.
//!
//! # The shell
//!
//! ```
//! use carhop_agent::{Agent, Input, Output};
//! use carhop_proofs::suite::Suite;
//!
//! /// What a shell owns.
//! trait Shell {
//!     /// Appends a record and returns once power may fail.
//!     fn append_and_sync(&mut self, record: &[u8]);
//!     /// Gives a frame to the connection, or drops it if there is none.
//!     fn send(&mut self, frame: Vec<u8>);
//!     /// Ends the connection, which comes back as an input, and makes another.
//!     fn reconnect(&mut self);
//!     /// Moves metal; what it did comes back as inputs.
//!     fn actuate(&mut self, action: carhop_agent::Action);
//!     /// Makes an attestation token for the challenge (`carhop_proofs::eat`).
//!     fn attest(&mut self, challenge: [u8; 32]) -> Vec<u8>;
//! }
//!
//! /// One turn of the loop: call it for every frame, sensor event, connection and disconnection,
//! /// and with [`Input::Tick`] at [`Agent::due_at`].
//! fn turn<S: Suite>(agent: &mut Agent<S>, shell: &mut impl Shell, input: Input, now_ms: u64) {
//!     agent.handle(input, now_ms);
//!     while let Some(output) = agent.poll_output() {
//!         match output {
//!             Output::Persist { ticket, record } => {
//!                 shell.append_and_sync(&record);
//!                 agent.handle(Input::Persisted(ticket), now_ms);
//!             }
//!             Output::Send(frame) => shell.send(frame),
//!             Output::Actuate(action) => shell.actuate(action),
//!             Output::Attest { challenge } => {
//!                 let token = shell.attest(challenge);
//!                 agent.handle(Input::Attested(token), now_ms);
//!             }
//!             Output::HangUp => shell.reconnect(),
//!             // To be logged, and shown on the device if it can.
//!             Output::Alarm(_) | Output::Farewell(_) => {}
//!         }
//!     }
//! }
//! ```
//!
//! A restart is the same as a first start: [`Agent::restore`] folds the records that were appended,
//! in order, and looks at the actuator. The store must drop a torn last record by itself. At a
//! start, the shell may replace the records by [`compact`] of them.

#![no_std]

extern crate alloc;

mod agent;
mod clock;
mod memory;
mod record;
pub mod simulated;

pub use agent::limits;
pub use agent::{
    Action, Actuated, Agent, Alarm, Capability, Config, Input, Observed, Output, RestoreError,
    SensorEvent, Ticket,
};
pub use memory::compact;
pub use record::{RecordError, accepted, trust_floor};
