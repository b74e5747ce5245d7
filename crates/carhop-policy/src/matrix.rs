//! The authorisation matrix as text: action by actor by phase, made from the policies themselves, committed and reviewed
//! like them (M-FLO-1, M-POL-1).
//!
//! It shows what the policies say; what the kernel allows is the transition table's to say.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use carhop_kernel::actor::ActorKind;
use carhop_kernel::device::TrustTier;
use carhop_kernel::order::{PlaceKind, Sensitivity};
use carhop_kernel::reason::Reason;
use carhop_kernel::session::PhaseKind;
use carhop_kernel::verdict::{PolicyAction, Rung};

use crate::bundle::Bundle;
use crate::evaluate::evaluate;
use crate::facts::{Facts, Risk};
use crate::sample;

/// The whole matrix. The same bundle gives the same text.
pub fn render(bundle: &Bundle) -> String {
    let mut tables = String::new();
    let mut refusals = Vec::new();
    for action in PolicyAction::ALL {
        render_action(bundle, *action, &mut refusals, &mut tables);
    }
    let mut text = String::from(LEGEND);
    for (number, reason) in refusals.iter().enumerate() {
        let _ = writeln!(text, "  ✘{} {reason}", number + 1);
    }
    text.push_str(&tables);
    text.push_str(RUNGS_LEGEND);
    for (rung, facts) in ladder() {
        render_rung(bundle, rung, &facts, &mut text);
    }
    text
}

/// One table, with the reasons that evidence lifts below it.
fn render_action(
    bundle: &Bundle,
    action: PolicyAction,
    refusals: &mut Vec<Reason>,
    text: &mut String,
) {
    let mut needs = BTreeSet::new();
    let _ = write!(text, "\n{:20}", action.name());
    for actor in ActorKind::ALL {
        let _ = write!(text, " {:>8}", actor.name());
    }
    text.push('\n');
    for phase in PhaseKind::ALL {
        let _ = write!(text, "  {:18}", phase.name());
        for actor in ActorKind::ALL {
            let sign = match prospect(bundle, action, *actor, *phase) {
                Prospect::Permitted => "✔".to_owned(),
                Prospect::NeedsEvidence(reasons) => {
                    needs.extend(reasons);
                    "!".to_owned()
                }
                Prospect::Refused(reason) => format!("✘{}", number_of(refusals, reason)),
            };
            let _ = write!(text, " {sign:>8}");
        }
        text.push('\n');
    }
    if !needs.is_empty() {
        let _ = writeln!(text, "  ! evidence lifts: {}", codes(&needs));
    }
}

/// What somebody who asks can come to.
enum Prospect {
    /// Permitted with nothing proven.
    Permitted,
    /// Permitted once evidence lifts these reasons.
    NeedsEvidence(Vec<Reason>),
    /// Refused with everything proven, first of all for this reason.
    Refused(Reason),
}

fn prospect(bundle: &Bundle, action: PolicyAction, actor: ActorKind, phase: PhaseKind) -> Prospect {
    let proven = evaluate(bundle, &Facts { actor, phase, ..sample::well(action) });
    if let Some(reason) = proven.reasons.first() {
        return Prospect::Refused(*reason);
    }
    let unproven = evaluate(bundle, &sample::bare(action, actor, phase));
    if unproven.permits() { Prospect::Permitted } else { Prospect::NeedsEvidence(unproven.reasons) }
}

/// The place of the reason in the list, from one; it is added if it is new.
fn number_of(reasons: &mut Vec<Reason>, reason: Reason) -> usize {
    let known = reasons.iter().position(|known| *known == reason);
    known.unwrap_or_else(|| {
        reasons.push(reason);
        reasons.len() - 1
    }) + 1
}

/// What a release on this rung needs, and from which trust on.
fn render_rung(bundle: &Bundle, rung: Rung, well: &Facts, text: &mut String) {
    let bare = Facts {
        order: well.order,
        risk: well.risk,
        ..sample::bare(well.action, well.actor, well.phase)
    };
    let missing = evaluate(bundle, &bare).reasons;
    let least = |set: fn(&mut Facts, TrustTier)| {
        TIERS.into_iter().find(|tier| {
            let mut facts = well.clone();
            set(&mut facts, *tier);
            evaluate(bundle, &facts).permits()
        })
    };
    let handset = least(|facts, tier| facts.handset.tier = tier).map_or("-", tier_name);
    let actuator = least(|facts, tier| facts.actuator.tier = tier).map_or("-", tier_name);
    let _ = writeln!(text, "\n{} of {}", well.action.name(), rung.name());
    let _ = writeln!(text, "  ! evidence lifts: {}", codes(&missing));
    let _ = writeln!(text, "  handset at least {handset}, lock or pump at least {actuator}");
}

/// Facts in which all is well, for each rung that goods and fuel can have.
fn ladder() -> Vec<(Rung, Facts)> {
    let goods = |change: fn(&mut Facts)| {
        let mut facts = sample::well(PolicyAction::ReleaseCompartment);
        change(&mut facts);
        facts
    };
    vec![
        (Rung::OtpOnly, goods(|facts| facts.order.place_kind = PlaceKind::Driveway)),
        (Rung::OtpFence, goods(|_| ())),
        (
            Rung::VehicleToken,
            goods(|facts| {
                facts.order.place_kind = PlaceKind::Driveway;
                facts.order.value.amount_minor = u64::MAX;
            }),
        ),
        (Rung::OtpTokenFence, goods(|facts| facts.order.sensitivity = Sensitivity::High)),
        (Rung::HardwareLock, goods(|facts| facts.risk = Risk::High)),
        (Rung::OtpTokenFence, sample::well(PolicyAction::DispenseFuel)),
    ]
}

fn tier_name(tier: TrustTier) -> &'static str {
    match tier {
        TrustTier::None => "none",
        TrustTier::SelfReported => "self_reported",
        TrustTier::Certified => "certified",
        TrustTier::Attested => "attested",
    }
}

fn codes<'a>(reasons: impl IntoIterator<Item = &'a Reason>) -> String {
    reasons.into_iter().map(|reason| reason.code()).collect::<Vec<_>>().join(", ")
}

const TIERS: [TrustTier; 4] =
    [TrustTier::None, TrustTier::SelfReported, TrustTier::Certified, TrustTier::Attested];

const LEGEND: &str = "\
Who may do what, and when, according to the policies beside this file. Generated; do not edit:
  cargo run -p carhop-policy --example matrix > policies/expected/matrix.txt

The order is one of everyday goods in a parking lot, except that dispense_fuel is about an order of fuel.

  ✔  permitted with nothing proven
  !  permitted once evidence lifts the reasons named below the table
  ✘  refused whatever is proven, first of all for this reason:
";

const RUNGS_LEGEND: &str = "
What a release needs on each rung of the ladder that rungs.txt chooses.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_matrix_is_what_the_policies_say() {
        let committed = include_str!("../../../policies/expected/matrix.txt");
        let rendered = render(&Bundle::embedded().unwrap());
        assert!(
            rendered == committed,
            "the policies say something else than policies/expected/matrix.txt; after review, run\n\
             cargo run -p carhop-policy --example matrix > policies/expected/matrix.txt"
        );
    }

    #[test]
    fn each_sample_of_the_ladder_is_permitted_on_its_rung() {
        let bundle = Bundle::embedded().unwrap();
        for (rung, facts) in ladder() {
            let verdict = evaluate(&bundle, &facts);
            assert_eq!((verdict.rung, verdict.reasons.as_slice()), (rung, [].as_slice()));
        }
    }
}
