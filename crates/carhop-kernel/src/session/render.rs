//! The transition table and the leg reports as documents: Markdown tables and a Mermaid state diagram. The text depends
//! on the tables alone. Where it is written, and whether the written files are current, is not known here.

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};

use super::leg::{LegKind, LegStateKind};
use super::state::PhaseKind;
use super::table::{ALARMS, LEG_REPORTS, LegStep, Next, TRANSITIONS, Transition};

/// All tables of the session machine, for `docs/generated/transitions.md` (M-FLO-1).
pub fn markdown() -> String {
    [
        "# Sessions and legs: what leads where\n\nMade by `carhop docs` from the transition table.\n",
        "## Requests\n\nA request may be refused. It needs every fact and the policies' permit named in its row.\n",
        &requests(),
        "Whatever ends the last leg ends the session with it: `completed`, or `revoked` if no leg was done. `expire` ends \
         an untouched stop as `expired` and fails what is left of a stop half done. A car that moves leads \
         back to `verified` and voids the binding: at once, or if something is under way when the hold that it causes is \
         lifted.\n",
        "## Reports that move a leg\n\nA report may not be refused. In a state that is not named here it repeats what is \
         known and changes nothing.\n",
        &reports(),
        "## Reports that raise an exception\n\nThey are raised whether the report moves the leg or not, and always if no \
         release explains it. What begins under a command after the session has ended raises `opened_after_end` too.\n",
        &alarms(),
    ]
    .join("\n")
}

/// The phases and both kinds of legs as one Mermaid state diagram, for `docs/generated/states.md`.
pub fn mermaid() -> String {
    let legs: String =
        LegKind::ALL.iter().map(|kind| composite(kind.name(), &leg_edges(*kind))).collect();
    String::from("stateDiagram-v2\n") + &composite("session", &phase_edges()) + &legs
}

fn phase_edges() -> Vec<Edge> {
    let mut edges = vec![Edge::new("[*]", PhaseKind::Requested.name(), "request")];
    for row in TRANSITIONS {
        let (Next::To(next) | Next::Reach(next)) = row.next else { continue };
        let is_past = |from: &PhaseKind| matches!(row.next, Next::Reach(_)) && *from >= next;
        for from in row.from.iter().filter(|from| !is_past(from)) {
            merge(&mut edges, Edge::new(from.name(), next.name(), row.request.name()));
        }
    }
    edges.push(Edge::new(PhaseKind::InService.name(), PhaseKind::Completed.name(), "last leg"));
    edges
}

fn leg_edges(kind: LegKind) -> Vec<Edge> {
    let mut edges = vec![Edge::new("[*]", LegStateKind::Pending.name(), "order")];
    for (step, cause) in leg_steps(kind) {
        for (from, to) in pairs(&step, kind) {
            merge(&mut edges, Edge::new(from.name(), to.name(), cause));
        }
    }
    edges
}

fn requests() -> String {
    let columns = [
        "request",
        "from",
        "actors",
        "evidence",
        "policy action",
        "next",
        "the leg",
        "every leg",
        "hold",
        "window",
    ];
    table(&columns, TRANSITIONS.iter().map(request_cells))
}

fn request_cells(row: &Transition) -> Vec<String> {
    let next = match row.next {
        Next::Stay => "stays".to_string(),
        Next::To(phase) => code(phase.name()),
        Next::Reach(phase) => format!("{} at least", code(phase.name())),
    };
    vec![
        code(row.request.name()),
        codes(row.from.iter().map(|phase| phase.name())),
        codes(row.actors.iter().map(|actor| actor.name())),
        codes(row.evidence.iter().map(|fact| fact.name())),
        codes(row.policy.iter().map(|action| action.name())),
        next,
        steps(row.leg),
        steps(row.every_leg.as_slice()),
        if row.frozen_by_hold { "freezes it" } else { "–" }.to_string(),
        if row.in_window { "must be open" } else { "–" }.to_string(),
    ]
}

fn reports() -> String {
    let rows = LEG_REPORTS.iter().map(|row| {
        vec![
            code(row.report),
            codes(row.legs.iter().map(|kind| kind.name())),
            codes(row.from.iter().map(|state| state.name())),
            code(row.to.name()),
        ]
    });
    table(&["report", "legs", "from", "to"], rows)
}

fn alarms() -> String {
    let rows = ALARMS.iter().map(|row| {
        vec![
            code(row.report),
            codes(row.legs.iter().map(|kind| kind.name())),
            codes(row.from.iter().map(|state| state.name())),
            if row.holds {
                format!("{} and a hold", code(row.raises.name()))
            } else {
                code(row.raises.name())
            },
        ]
    });
    table(&["report", "legs", "in", "raises"], rows)
}

fn steps(steps: &[LegStep]) -> String {
    let side = |states: &[LegStateKind]| codes(states.iter().map(|state| state.name()));
    let told = steps.iter().map(|step| format!("{} → {}", side(step.from), side(step.to)));
    let told: Vec<_> = told.collect();
    if told.is_empty() { nothing() } else { told.join("; ") }
}

/// Every step of a leg of this kind, with what causes it.
fn leg_steps(kind: LegKind) -> Vec<(LegStep, &'static str)> {
    let requested = TRANSITIONS.iter().flat_map(|row| {
        row.leg.iter().copied().chain(row.every_leg).map(|step| (step, row.request.name()))
    });
    let reported = LEG_REPORTS
        .iter()
        .filter(|row| row.legs.contains(&kind))
        .map(|row| (LegStep { from: row.from, to: core::slice::from_ref(&row.to) }, row.report));
    requested.chain(reported).collect()
}

/// The moves of a step that a leg of this kind can make; staying is none.
fn pairs(step: &LegStep, kind: LegKind) -> Vec<(LegStateKind, LegStateKind)> {
    let of_kind = |state: &&LegStateKind| kind.states().contains(state);
    let from = step.from.iter().filter(of_kind);
    from.flat_map(|from| step.to.iter().filter(of_kind).map(|to| (*from, *to)))
        .filter(|(from, to)| from != to)
        .collect()
}

struct Edge {
    from: &'static str,
    to: &'static str,
    causes: Vec<&'static str>,
}

impl Edge {
    fn new(from: &'static str, to: &'static str, cause: &'static str) -> Self {
        Self { from, to, causes: vec![cause] }
    }
}

fn merge(edges: &mut Vec<Edge>, edge: Edge) {
    match edges.iter_mut().find(|known| (known.from, known.to) == (edge.from, edge.to)) {
        Some(known) => known.causes.extend(edge.causes),
        None => edges.push(edge),
    }
}

/// One composite state; its inner names carry its own as prefix, since names are global in a diagram.
fn composite(name: &str, edges: &[Edge]) -> String {
    let inner =
        |state: &str| if state == "[*]" { state.to_string() } else { format!("{name}_{state}") };
    let mut states: Vec<_> = edges.iter().flat_map(|edge| [edge.from, edge.to]).collect();
    let mut seen = BTreeSet::from(["[*]"]);
    states.retain(|state| seen.insert(state));
    let declared =
        states.iter().map(|state| format!("        state \"{state}\" as {}\n", inner(state)));
    let moves = edges.iter().map(|edge| {
        let (from, to) = (inner(edge.from), inner(edge.to));
        format!("        {from} --> {to} : {}\n", edge.causes.join(", "))
    });
    let body: String = declared.chain(moves).collect();
    format!("    state {name} {{\n{body}    }}\n")
}

fn table(columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<_> = columns.iter().map(ToString::to_string).collect();
    let rule: Vec<_> = columns.iter().map(|_| "---".to_string()).collect();
    let body: String = rows.map(|cells| line(&cells)).collect();
    line(&head) + &line(&rule) + &body
}

fn codes(names: impl Iterator<Item = &'static str>) -> String {
    let list: Vec<_> = names.map(code).collect();
    if list.is_empty() { nothing() } else { list.join(", ") }
}

fn code(name: &str) -> String {
    format!("`{name}`")
}

fn nothing() -> String {
    "–".to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_every_table_is_one_line() {
        let text = markdown();
        let lines = text.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(lines, TRANSITIONS.len() + LEG_REPORTS.len() + ALARMS.len());
        let widths: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with('|'))
            .map(|line| line.matches('|').count())
            .collect();
        assert!(
            widths
                .chunk_by(|a, b| a == b)
                .map(<[_]>::len)
                .eq([TRANSITIONS.len() + 2, LEG_REPORTS.len() + ALARMS.len() + 4])
        );
    }

    #[test]
    fn a_release_is_told_in_full() {
        let told = "| `dispense_fuel` | `handoff_ready`, `in_service` | `driver` | `handset`, `actuator`, \
                    `action_token` | `dispense_fuel` | `in_service` | `pending` → `authorised` | – | freezes it | must \
                    be open |\n";
        assert!(markdown().contains(told), "{}", markdown());
    }

    #[test]
    fn the_diagram_declares_each_state_once_and_uses_no_other() {
        let text = mermaid();
        assert!(text.starts_with("stateDiagram-v2\n"));
        let declared: Vec<_> = text
            .lines()
            .filter_map(|line| line.split_once("\" as ").map(|(_, name)| name))
            .collect();
        let phases = PhaseKind::ALL.len();
        // A pump's stop and its settlement are one step, so `dispensed` is not seen.
        let legs = LegKind::Goods.states().len() + LegKind::Fuel.states().len() - 1;
        assert_eq!(declared.len(), phases + legs, "{text}");
        for line in text.lines().filter(|line| line.contains(" --> ")) {
            let (edge, _) = line.trim().split_once(" : ").unwrap();
            let (from, to) = edge.split_once(" --> ").unwrap();
            assert!(from == "[*]" || declared.contains(&from), "{line}");
            assert!(declared.contains(&to), "{line}");
        }
    }

    #[test]
    fn the_diagram_shows_the_way_of_goods_and_of_fuel() {
        for edge in [
            "[*] --> session_requested : request",
            "session_handoff_ready --> session_in_service : release_compartment, dispense_fuel",
            "goods_commanded --> goods_open : lock_opened",
            "goods_open --> goods_transferred : confirm_transfer",
            "goods_released --> goods_pending : revoke, not_sent, abandoned, not_executed",
            "fuel_pending --> fuel_authorised : dispense_fuel",
            "fuel_dispensing --> fuel_settled : dispensing_ended",
            "fuel_commanded --> fuel_indeterminate : silence",
        ] {
            assert!(mermaid().lines().any(|line| line.trim() == edge), "{edge}\n{}", mermaid());
        }
    }
}
