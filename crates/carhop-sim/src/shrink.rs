//! Makes a failing world smaller while it breaks in the same way: kinds of faults, servers, stops, and in the end single
//! strikes of the dice are taken away.
//!
//! It does not understand the failure; a smaller world that breaks the same invariant may break it for another reason.

use crate::plan::{Fault, Plan, Roll};

/// The smallest plan that was found in so many runs for which `breaks` is true. `struck` is what struck under a plan.
pub fn shrink(
    plan: &Plan,
    runs_max: usize,
    mut breaks: impl FnMut(&Plan) -> Option<Vec<Roll>>,
) -> Plan {
    let mut smallest = plan.clone();
    let mut runs = 0;
    let mut try_out = |smallest: &mut Plan, candidate: Plan| {
        if runs >= runs_max || candidate == *smallest {
            return false;
        }
        runs += 1;
        let shrinks = breaks(&candidate).is_some();
        if shrinks {
            *smallest = candidate;
        }
        shrinks
    };
    loop {
        let before = smallest.clone();
        let faults: Vec<Fault> = smallest.odds.keys().copied().collect();
        for fault in faults {
            let without = smallest.without(fault);
            try_out(&mut smallest, without);
        }
        for servers in 1..smallest.servers {
            let fewer = Plan { servers, ..smallest.clone() };
            if try_out(&mut smallest, fewer) {
                break;
            }
        }
        for number in smallest.stops.iter().map(|stop| stop.number).collect::<Vec<_>>() {
            let mut fewer = smallest.clone();
            fewer.stops.retain(|stop| stop.number != number);
            if !fewer.stops.is_empty() {
                try_out(&mut smallest, fewer);
            }
        }
        if smallest == before {
            break;
        }
    }
    spare(&mut smallest, runs_max.saturating_sub(runs), &mut breaks);
    smallest
}

/// Spares strikes in ever smaller bunches.
fn spare(
    smallest: &mut Plan,
    runs_max: usize,
    breaks: &mut impl FnMut(&Plan) -> Option<Vec<Roll>>,
) {
    let Some(mut struck) = breaks(smallest) else { return };
    let (mut runs, mut bunch) = (1, struck.len().div_ceil(2));
    while bunch > 0 && runs < runs_max {
        let mut at = 0;
        while at < struck.len() && runs < runs_max {
            let mut candidate = smallest.clone();
            candidate.spared.extend(struck.iter().skip(at).take(bunch));
            runs += 1;
            if let Some(again) = breaks(&candidate) {
                (*smallest, struck) = (candidate, again);
            } else {
                at += bunch;
            }
        }
        bunch /= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_matter_goes_and_what_does_stays() {
        let plan = (0..1_000).map(Plan::from_seed).find(|plan| plan.odds.len() > 4);
        let plan = plan.unwrap();
        let needed = *plan.odds.keys().nth(2).unwrap();
        let rolls: Vec<Roll> = (0..20).map(|roll| (needed, roll)).collect();
        let culprit = rolls[13];
        let small = shrink(&plan, 500, |plan| {
            let left: Vec<Roll> =
                rolls.iter().copied().filter(|roll| !plan.spared.contains(roll)).collect();
            (plan.odds.contains_key(&needed) && left.contains(&culprit)).then_some(left)
        });
        assert_eq!(small.odds.keys().collect::<Vec<_>>(), [&needed]);
        assert_eq!((small.stops.len(), small.servers), (1, 1));
        assert_eq!(small.spared.len(), 19);
        assert!(!small.spared.contains(&culprit));
    }
}
