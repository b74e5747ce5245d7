//! Every way in which somebody is turned away, through the use cases, by who it is: nothing is released, and each refusal
//! of somebody known is in the log (M-THR, `design.md` §2).

#![expect(clippy::unwrap_used, reason = "a test stops at what fails")]

mod code;
mod hands;
mod party;
mod release;
mod stranger;

use carhop_app::Failure;
use carhop_kernel::reason::Reason;
use carhop_kernel::session::LegIndex;

const GOODS: LegIndex = LegIndex(0);
const FUEL: LegIndex = LegIndex(1);

fn reasons<T: std::fmt::Debug>(outcome: Result<T, Failure>) -> Vec<Reason> {
    match outcome {
        Err(Failure::Refused(refusal, _)) => refusal.reasons().to_vec(),
        other => panic!("not refused: {other:?}"),
    }
}
