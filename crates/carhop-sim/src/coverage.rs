//! What many worlds came past, told as `docs/simulator.md` has it: which states of sessions and legs were reached, in which of
//! them each fault struck, which pairs cannot be reached and why, and each single one that only never was.

use std::fmt::Write;

use carhop_kernel::session::{LegStateKind, PhaseKind};

use crate::plan::{Fault, Rate};
use crate::town::Coverage;

/// Why a fault cannot strike at a session in this phase, if it cannot.
fn why_never(fault: Fault, phase: PhaseKind) -> Option<&'static str> {
    let is_over = matches!(phase, PhaseKind::Completed | PhaseKind::Revoked | PhaseKind::Expired);
    // Whoever misuses a token, or comes at the last moment, asks for it after the end as well, or after an amendment.
    let is_asked = matches!(fault, Fault::TokenMisused | Fault::OnTheDot | Fault::Raced);
    if matches!(fault, Fault::DeviceDrifts | Fault::ClockDrifts) {
        Some(LASTS)
    } else if matches!(fault, Fault::CustomerAbsent) {
        Some(NOTHING_HAPPENS)
    } else if is_over && !is_asked && matches!(fault.rate(), Rate::Stop) {
        Some(OVER)
    } else if matches!(fault, Fault::CodeMistyped | Fault::CodeGuessed) {
        if matches!(phase, PhaseKind::Arrived) { None } else { Some(NO_CODE) }
    } else if matches!(fault, Fault::DoorLeftOpen) && !matches!(phase, PhaseKind::InService) {
        Some(SHUT)
    } else {
        None
    }
}

/// Everything that was reached and that was not, as text with a table of Markdown.
pub fn told(coverage: &Coverage) -> String {
    let mut text = String::new();
    let pairs = coverage.states.len() * Fault::ALL.len();
    let (argued, missed) = missing(coverage);
    let lines = [
        format!("states reached (session x leg): {}\n", coverage.states.len()),
        format!("states x faults: {pairs}, of which {} struck, ", coverage.struck.len()),
        format!("{argued} cannot, and {} only never did\n\n", missed.len()),
    ];
    for line in lines {
        text.push_str(&line);
    }
    for phase in PhaseKind::ALL {
        let legs = coverage.states.iter().filter(|(other, _)| other == phase);
        let legs: Vec<_> = legs.map(|(_, leg)| leg.name()).collect();
        let never = LegStateKind::ALL.iter().map(|leg| leg.name());
        let never: Vec<_> = never.filter(|leg| !legs.contains(leg)).collect();
        let [met, never] = [legs, never].map(|legs| legs.join(", "));
        let _ = writeln!(text, "* `{}` with {met}; never with {never}", phase.name());
    }
    text.push_str("\n| fault | struck in | never in, though it can |\n|---|---|---|\n");
    for fault in Fault::ALL {
        let struck = coverage.struck.iter().filter(|(_, _, other)| other == fault).count();
        let here: Vec<_> = missed.iter().filter(|(_, _, other)| other == fault).collect();
        let _ = writeln!(text, "| `{}` | {struck} | {} |", fault.name(), by_phase(&here));
    }
    for (phase, leg, fault) in &coverage.struck {
        if let Some(why) = why_never(*fault, *phase) {
            let place = format!("{}/{}", phase.name(), leg.name());
            let _ = writeln!(text, "ARGUED WRONGLY: {} in {place}: {why}", fault.name());
        }
    }
    text
}

type Pair = (PhaseKind, LegStateKind, Fault);

/// How many pairs cannot be reached, and those that can and were not.
fn missing(coverage: &Coverage) -> (usize, Vec<Pair>) {
    let all = Fault::ALL
        .iter()
        .flat_map(|fault| coverage.states.iter().map(|(phase, leg)| (*phase, *leg, *fault)));
    let (argued, missed): (Vec<_>, Vec<_>) = all
        .filter(|pair| !coverage.struck.contains(pair))
        .partition(|(phase, _, fault)| why_never(*fault, *phase).is_some());
    (argued.len(), missed)
}

/// Each single one, those of a phase together.
fn by_phase(pairs: &[&Pair]) -> String {
    let phases = PhaseKind::ALL.iter().filter_map(|phase| {
        let legs = pairs.iter().filter(|(other, _, _)| other == phase);
        let legs: Vec<_> = legs.map(|(_, leg, _)| leg.name()).collect();
        (!legs.is_empty()).then(|| format!("{}: {}", phase.name(), legs.join(" ")))
    });
    phases.collect::<Vec<_>>().join("; ")
}

const LASTS: &str = "it is so from the beginning and lasts";
const NOTHING_HAPPENS: &str = "it is drawn before there is an order, and then nothing happens";
const OVER: &str = "nothing befalls a stop that is over";
const NO_CODE: &str = "a code is shown on arrival and nowhere else";
const SHUT: &str = "a door that is shut is not left open";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pair_is_struck_argued_or_named_and_a_wrong_argument_is_told() {
        let mut coverage = Coverage::default();
        let [over, arrived] = [PhaseKind::Completed, PhaseKind::Arrived];
        let leg = LegStateKind::Pending;
        coverage.states.extend([(over, leg), (arrived, leg)]);
        coverage.struck.insert((arrived, leg, Fault::CodeMistyped));
        let text = told(&coverage);
        assert!(text.contains("| `code_mistyped` | 1 |  |"), "{text}");
        assert!(text.contains("| `customer_absent` | 0 |  |"), "{text}");
        assert!(text.contains("* `arrived` with pending; never with released"), "{text}");
        let both = "| `disk_full` | 0 | arrived: pending; completed: pending |";
        assert!(text.contains(both), "{text}");
        assert!(!text.contains("WRONGLY"), "{text}");
        coverage.struck.insert((over, leg, Fault::CodeMistyped));
        assert!(told(&coverage).contains("ARGUED WRONGLY: code_mistyped in completed/pending"));
    }
}
