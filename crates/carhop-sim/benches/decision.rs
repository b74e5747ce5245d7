//! What a decision costs beside Cedar alone on the same input: the same request, policies and entities.
//!
//! Ours also makes the request of the facts and says what each policy had in the answer.

#![expect(clippy::unwrap_used, reason = "a measurement stops at what should not happen")]

mod measure;

use std::hint::black_box;

use carhop_kernel::verdict::PolicyAction;
use carhop_policy::{Bundle, Question, evaluate, explain, sample};
use cedar_policy::Authorizer;

fn main() {
    let bundle = Bundle::embedded().unwrap();
    let authorizer = Authorizer::new();
    println!(
        "action                  cedar us   verdict/cedar   explained/cedar   p99 explained/cedar"
    );
    for action in [PolicyAction::ReleaseCompartment, PolicyAction::DispenseFuel] {
        for (name, facts) in [
            ("permitted", sample::well(action)),
            ("refused", {
                let meant = sample::well(action);
                sample::bare(action, meant.actor, meant.phase)
            }),
        ] {
            let question = Question::of(&bundle, &facts).unwrap();
            let Question { request, policies, entities } = &question;
            let (mut cedar, mut verdict, mut explained) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                cedar.extend(measure::times_us(RUNS, |_| {
                    black_box(authorizer.is_authorized(black_box(request), policies, entities));
                }));
                verdict.extend(measure::times_us(RUNS, |_| {
                    black_box(evaluate(&bundle, black_box(&facts)));
                }));
                explained.extend(measure::times_us(RUNS, |_| {
                    black_box(explain(&bundle, black_box(&facts)));
                }));
            }
            let raw = measure::median(&cedar);
            println!(
                "{:<23} {raw:>8.1}   {:>13.2}   {:>15.2}   {:>19.2}",
                format!("{} {name}", action.name()),
                measure::median(&verdict) / raw,
                measure::median(&explained) / raw,
                measure::quantile(&explained, 0.99) / measure::quantile(&cedar, 0.99),
            );
        }
    }
}

/// Runs of one competitor before the next one's turn.
const RUNS: usize = 200;
const ROUNDS: usize = 50;
