//! The session: a stop's authority record and its state machine (M-FLO-1).
//!
//! [`decide`] judges a request and may refuse it; [`observe`] takes a report from the physical world and may not;
//! [`evolve`] folds what happened and cannot fail. What leads where is one data table, [`table`].
//! Nothing here knows how evidence was verified, how a verdict was reached or where events are kept.

mod bounded;
mod consequences;
mod deadline;
mod decide;
mod event;
mod evolve;
mod justified;
mod leg;
mod leg_reports;
mod observe;
mod possible;
pub mod render;
mod report;
mod request;
mod state;
pub mod table;
#[cfg(test)]
mod tests;
mod waiting;

pub use bounded::{Bounded, bounded};
pub use deadline::{Deadline, Watch};
pub use decide::decide;
pub use event::{
    Basis, BindingEnd, Event, Exception, HoldCause, InterlockKind, NotExecuted, Outcome,
    RevocationCause,
};
pub use evolve::{evolve, open};
pub use leg::{Leg, LegFailure, LegIndex, LegKind, LegState, LegStateKind, Release};
pub use observe::observe;
pub use report::{MeterDoubt, Report};
pub use request::{Action, Finding, ReleaseOrder, Request, RequestKind};
pub use state::{
    Arrival, Assignment, AtCar, Binding, Bound, Hold, Phase, PhaseKind, Presence, Proposal,
    Recipient, Session,
};
