//! The shipped policies, seen from outside: which reason each missing term gives, what a bundle is refused for, and
//! what holds for all facts.

mod bundles;
mod properties;
mod truth_table;

use crate::{Bundle, Facts, evaluate};
use carhop_kernel::reason::Reason;

fn shipped() -> Bundle {
    Bundle::embedded().unwrap_or_else(|error| panic!("{error}"))
}

fn reasons(bundle: &Bundle, facts: &Facts) -> Vec<Reason> {
    evaluate(bundle, facts).reasons
}
