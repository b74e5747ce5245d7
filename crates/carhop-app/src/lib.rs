//! What we do about it. Each use case loads everything, judges it in kernel and policy, and appends once; effects happen
//! only from the journal's outbox afterwards.
//!
//! Names no runtime, no transport and no database: the outside world is the ports, every deadline a durable timer, and
//! the futures run on any executor.

mod app;
pub mod batch;
pub mod call;
mod cancel;
mod chain;
pub mod checkpoint;
mod code;
mod customer;
mod dispute;
mod driver;
mod effects;
mod estimate;
mod failure;
mod fleet;
mod folded;
pub mod forwarding;
mod hearing;
mod judge;
mod keyring;
pub mod log;
mod meta;
mod meter;
mod operator;
mod order;
mod party;
mod passkey;
mod policies;
pub mod ports;
mod reads;
pub mod record;
pub mod records;
mod refusal;
mod release;
mod restore;
mod said;
pub mod sequence;
mod settlement;
mod staff;
mod standing;
mod statement;
mod steer;
pub mod timers;
mod token;
pub mod told;
mod trust;
mod vault;
mod vehicle;
mod venue;
mod view;

pub use app::{App, Parts, Settings};
pub use call::{Call, Idempotency, Reply, Standing};
pub use code::{IssuedCode, Presented};
pub use customer::{Proposal, Secret};
pub use dispute::{Complaint, DisputeView};
pub use estimate::Estimate;
pub use failure::{Decided, Failure};
pub use fleet::Attestation;
pub use hearing::{Hearing, LAST_WORDS_MAX};
pub use keyring::Keyring;
pub use operator::HeldKey;
pub use order::{NewLeg, NewOrder, is_plain};
pub use passkey::{PasskeyChallenge, SignIn, SignedIn};
pub use policies::{Candidate, PolicyView};
pub use refusal::{Asker, STRANGER_SHARE};
pub use restore::Restored;
pub use said::command_of;
pub use settlement::{Moments, Reliance};
pub use staff::{Member, MemberView};
pub use statement::{HighWaterMark, receipt_record, stated};
pub use token::{Introspection, Wanted};
pub use venue::{Tried, VenueAsk};
pub use view::{SessionView, Whereabouts};
