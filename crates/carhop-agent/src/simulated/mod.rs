//! Actuators that exist only as numbers: what a demo and a test move instead of metal. The agent that
//! drives them is the one that runs on a device.
//!
//! They verify nothing and obey whatever they are told. What they sense comes back as the inputs of
//! the agent, by the same monotonic time.

mod fault;
mod lock;
mod pump;

pub use fault::Fault;
pub use lock::{LOCKING_MS, OPENING_MS, SimulatedLock};
pub use pump::{FLOW_STEP_MS, HANG_UP_MS, Person, SimulatedPump};
