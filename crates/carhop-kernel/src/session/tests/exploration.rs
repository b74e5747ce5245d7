//! Every state that the stop can come to, met by every request from every actor with every flaw: accepted exactly where
//! the transition table says so, and leading exactly where it says (M-FLO-1, M-POL-1).

use alloc::collections::btree_map::Entry;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::{precedence, world::*};
use crate::actor::{Actor, ActorKind};
use crate::device::TrustTier;
use crate::digest::{IntentDigest, OrderDigest};
use crate::evidence::{Evidence, Fact, FactKind, PlaceAnswer};
use crate::id::DriverId;
use crate::order::Scope;
use crate::reason::Reason;
use crate::session::table::{Next, TRANSITIONS, Transition};
use crate::session::{
    Action, Event, HoldCause, LegIndex, LegState, LegStateKind, NotExecuted, Phase, PhaseKind,
    Report, Request, RequestKind, Session, decide, observe,
};
use crate::time::Timestamp;
use crate::verdict::{PolicyAction, Verdict};

#[test]
fn a_good_request_is_granted_exactly_where_the_table_says_and_leads_where_it_says() {
    let mut granted = BTreeMap::new();
    for session in reachable() {
        for row in TRANSITIONS {
            let request = good(&session, action(&session, row.request));
            for kind in row.actors {
                let request = Request { actor: actor(*kind), ..request.clone() };
                let told = format!("{} by {}: {}", row.request.name(), kind.name(), key(&session));
                let Some(request) = of_verified_party(&session, row, request) else { continue };
                match answer(&session, &request) {
                    Ok(events) if events.is_empty() => {
                        assert!(changes_nothing(&session, &request.action), "{told}");
                    }
                    Ok(events) => {
                        assert!(tabled(&session, row, &request.action), "granted: {told}");
                        assert_leads_as_tabled(&session, row, &request.action, &events, &told);
                        *granted.entry(row.request).or_insert(0) += 1;
                    }
                    Err(refusal) => {
                        assert!(!tabled(&session, row, &request.action), "{refusal}: {told}");
                    }
                }
            }
        }
    }
    assert_eq!(granted.len(), TRANSITIONS.len(), "{granted:?}");
}

#[test]
fn every_flaw_is_refused_for_its_own_reason() {
    for session in reachable() {
        for row in TRANSITIONS {
            let action = action(&session, row.request);
            let request = good(&session, action);
            let grants = answer(&session, &request).is_ok_and(|events| !events.is_empty());
            for (flaw, flawed, now, reason) in flaws(&session, row, &request) {
                let told = format!("{} with {flaw}: {}", row.request.name(), key(&session));
                match decide(&session, &flawed, now) {
                    Ok(events) => assert!(
                        events.is_empty() && changes_nothing(&session, &request.action),
                        "{told}: {events:?}"
                    ),
                    Err(refusal) if grants => assert_eq!(refusal.reasons(), [reason], "{told}"),
                    Err(_) => {}
                }
            }
        }
    }
}

#[test]
fn no_actor_but_the_tabled_ones_is_granted_anything() {
    for session in reachable() {
        for row in TRANSITIONS {
            for kind in ActorKind::ALL.iter().filter(|kind| !row.actors.contains(kind)) {
                let request = good(&session, action(&session, row.request));
                let request = Request { actor: actor(*kind), ..request };
                let reasons = refusal(&session, &request);
                let told = format!("{} by {}", row.request.name(), kind.name());
                assert!(!reasons.is_empty(), "{told}: {}", key(&session));
                if tabled(&session, row, &request.action) {
                    assert_eq!(reasons, [Reason::ActorNotAllowed], "{told}: {}", key(&session));
                }
            }
        }
    }
}

#[test]
fn a_closed_session_grants_nothing() {
    let closed: Vec<_> = reachable().into_iter().filter(|session| !session.is_active()).collect();
    let ends: BTreeSet<_> = closed.iter().map(phase).collect();
    assert_eq!(ends.len(), 3, "every end is reached");
    for session in closed {
        for row in TRANSITIONS {
            let request = good(&session, action(&session, row.request));
            let resolves =
                row.request == RequestKind::ResolveOutcome && row.from.contains(&phase(&session));
            if changes_nothing(&session, &request.action) {
                assert_eq!(answer(&session, &request), Ok(vec![]));
            } else if resolves {
                let events = answer(&session, &request).unwrap_or_default();
                assert_eq!(phase(&after(&session, &events)), phase(&session));
            } else {
                assert_eq!(refusal(&session, &request), [Reason::SessionClosed]);
            }
        }
    }
}

#[test]
fn of_the_ends_only_a_revocation_leaves_something_under_way() {
    let mut left = BTreeSet::new();
    for session in reachable().iter().filter(|session| !session.is_active()) {
        left.extend(session.is_under_way().then(|| phase(session)));
    }
    assert_eq!(left, BTreeSet::from([PhaseKind::Revoked]));
}

#[test]
fn every_phase_and_every_leg_state_is_reached() {
    let sessions = reachable();
    let phases: BTreeSet<_> = sessions.iter().map(phase).collect();
    assert_eq!(phases.len(), PhaseKind::ALL.len());
    let legs: BTreeSet<_> =
        sessions.iter().flat_map(|session| &session.legs).map(|leg| leg.state.kind()).collect();
    // A pump's stop and its settlement are one batch of events.
    let lasting: Vec<_> =
        LegStateKind::ALL.iter().filter(|kind| **kind != LegStateKind::Dispensed).collect();
    assert_eq!(legs.iter().collect::<BTreeSet<_>>(), lasting.into_iter().collect());
}

#[test]
fn every_reason_is_given_here_or_comes_from_a_known_place() {
    let mut given: BTreeSet<Reason> = BTreeSet::new();
    for session in reachable() {
        for row in TRANSITIONS {
            let request = good(&session, action(&session, row.request));
            given.extend(refusal(&session, &request));
            let own =
                flaws(&session, row, &request).into_iter().filter(|(flaw, ..)| flaw != DENIAL);
            for (_, flawed, now, _) in own {
                given.extend(
                    decide(&session, &flawed, now)
                        .err()
                        .iter()
                        .flat_map(|refusal| refusal.reasons().to_vec()),
                );
            }
        }
    }
    given.extend(precedence::given());
    for (reason, place) in FROM_ELSEWHERE {
        assert!(!given.contains(reason), "{reason} is given here, not only by {place}");
    }
    given.extend(FROM_ELSEWHERE.iter().map(|(reason, _)| *reason));
    let missing: Vec<_> = Reason::ALL.iter().filter(|reason| !given.contains(reason)).collect();
    assert_eq!(missing, Vec::<&Reason>::new());
}

/// The flaw whose reason is the policies'.
const DENIAL: &str = "a denial";

/// Reasons that no request to the session machine gives, with the place that does.
const FROM_ELSEWHERE: &[(Reason, &str)] = &[
    (Reason::VehicleNotMatched, "policies"),
    (Reason::PlateAttemptsExhausted, "use cases"),
    (Reason::VehicleMoving, "policies"),
    (Reason::PlaceDisagrees, "policies"),
    (Reason::ServiceNotPermittedHere, "policies"),
    (Reason::TokenTooOld, "policies"),
    (Reason::TokenRevoked, "TokenRecord::judge"),
    (Reason::TokenSpent, "TokenRecord::judge"),
    (Reason::TokenBinding, "TokenRecord::judge"),
    (Reason::DeviceTierTooLow, "policies"),
    (Reason::ActuatorUnreachable, "use cases"),
    (Reason::ActuatorFrozen, "policies"),
    (Reason::CodeWrong, "proofs"),
    (Reason::CodeExpired, "proofs"),
    (Reason::CodeSpent, "proofs"),
    (Reason::CodeAttemptsExhausted, "use cases"),
    (Reason::CodeIssuesExhausted, "use cases"),
    (Reason::HandoffTypeNotAllowed, "policies"),
    (Reason::AgeProofMissing, "policies"),
    (Reason::RungTooLow, "policies"),
    (Reason::PolicyError, "policies"),
];

/// One session for each state that requests and reports lead to, by breadth first.
fn reachable() -> Vec<Session> {
    let mut found = BTreeMap::from([(key(&requested()), requested())]);
    let mut queue = VecDeque::from([requested()]);
    while let Some(session) = queue.pop_front() {
        for next in successors(&session) {
            if let Entry::Vacant(new) = found.entry(key(&next)) {
                new.insert(next.clone());
                queue.push_back(next);
            }
        }
    }
    assert!(found.len() > 200, "only {} states", found.len());
    found.into_values().collect()
}

fn successors(session: &Session) -> Vec<Session> {
    let rows = TRANSITIONS.iter().map(|row| action(session, row.request));
    let graver = Action::Hold { cause: HoldCause::Tamper };
    let mut found = action(session, RequestKind::ResolveOutcome);
    if let Action::ResolveOutcome { finding, .. } = &mut found {
        finding.executed = true;
    }
    let asked = rows
        .chain([graver, found])
        .filter_map(|action| answer(session, &good(session, action)).ok())
        .map(|events| after(session, &events));
    let command = command(session);
    let told = [
        opened(session),
        Report::LockLocked { device: LOCK },
        Report::LockJammed { command },
        armed(session),
        metered(session, 0, 100),
        ended(session, 100),
        ended(session, 0),
        Report::NotExecuted { command, why: NotExecuted::Cancelled },
        Report::Silence { command },
        Report::VehicleMoved,
    ]
    .map(|report| after(session, &observe(session, &report, NOW)));
    asked.chain(told).collect()
}

/// What tells states apart: phase, hold, proposal and legs, but no numbers or times.
fn key(session: &Session) -> String {
    let legs: Vec<_> = session
        .legs
        .iter()
        .map(|leg| match leg.state {
            LegState::Open { locked: true, .. } => "open, locked",
            state => state.kind().name(),
        })
        .collect();
    let proposed = matches!(session.phase, Phase::Verified { proposal: Some(_), .. });
    let holds: Vec<_> = session.holds.keys().collect();
    format!("{} {proposed} {holds:?} {legs:?}", phase(session).name())
}

/// The request, if its actor is one whom the session knows by now; otherwise another rule than the table's stands in
/// the way, and other tests meet it.
fn of_verified_party(session: &Session, row: &Transition, request: Request) -> Option<Request> {
    let unassigned = session.assignment().is_none() && session.is_active();
    let unknown = request.actor.kind() == ActorKind::Driver && unassigned;
    if unknown && row.from.contains(&phase(session)) {
        assert_eq!(refusal(session, &request).len(), 1);
        return None;
    }
    Some(request)
}

/// Whether the table, and the rules about legs that are named here, let this happen.
fn tabled(session: &Session, row: &Transition, action: &Action) -> bool {
    let ended = |leg: &crate::session::Leg| leg.state.kind().is_end();
    let idle = !session.legs.iter().any(|leg| leg.state.kind().is_under_way());
    let moved = session.hold().is_some_and(|hold| hold.cause == HoldCause::VehicleMoved);
    let on_legs = match action {
        Action::ReleaseCompartment(order) | Action::DispenseFuel(order) => {
            idle && session.legs.iter().take(order.leg.0.into()).all(ended)
        }
        Action::AssignDriver { .. }
        | Action::AmendOrder { .. }
        | Action::Relocate
        | Action::Expire => idle,
        Action::Resume => idle || !moved,
        Action::ApproveIntent => matches!(session.phase, Phase::Verified { proposal: Some(_), .. }),
        _ => true,
    };
    row.from.contains(&phase(session))
        && !(row.frozen_by_hold && session.hold().is_some())
        && (row.leg.is_empty() || {
            let moved = moved_leg(session, action).and_then(|leg| session.leg(leg));
            moved.map(|leg| leg.state.kind()).is_some_and(|from| match action {
                Action::ResolveOutcome { finding, .. } => row.moves_leg(from, finding.leads_to()),
                _ => row.moves_leg_from(from),
            })
        })
        && on_legs
}

/// The empty successes: what is so already.
fn changes_nothing(session: &Session, action: &Action) -> bool {
    match action {
        Action::Revoke { .. } => phase(session) == PhaseKind::Revoked,
        Action::Expire => phase(session) == PhaseKind::Expired,
        Action::Resume => session.is_active() && session.hold().is_none(),
        Action::Hold { cause } => session.is_active() && session.holds.contains_key(cause),
        _ => false,
    }
}

fn moved_leg(session: &Session, action: &Action) -> Option<LegIndex> {
    match action {
        Action::ReleaseCompartment(order) | Action::DispenseFuel(order) => Some(order.leg),
        Action::SendCommand { command } => session.leg_of_command(*command),
        Action::ConfirmTransfer { leg } | Action::ResolveOutcome { leg, .. } => Some(*leg),
        _ => None,
    }
}

fn assert_leads_as_tabled(
    before: &Session,
    row: &Transition,
    action: &Action,
    events: &[Event],
    told: &str,
) {
    let reached = after(before, events);
    let all_ended = reached.legs.iter().all(|leg| leg.state.kind().is_end());
    let unbinds = *action == Action::Resume
        && events.iter().any(|event| matches!(event, Event::BindingVoided { .. }));
    let expected = match row.next {
        _ if before.is_active() && all_ended && row.next != Next::To(PhaseKind::Revoked) => {
            let none_done = !reached.legs.iter().any(|leg| leg.state.kind().is_done());
            if none_done { PhaseKind::Revoked } else { PhaseKind::Completed }
        }
        Next::Stay if unbinds => PhaseKind::Verified,
        Next::Stay => phase(before),
        Next::To(phase) => phase,
        Next::Reach(reached) => reached.max(phase(before)),
    };
    assert_eq!(phase(&reached), expected, "{told}");
    let moved = moved_leg(before, action);
    for (index, leg) in before.legs() {
        let (from, to) = (leg.state.kind(), leg_kind(&reached, index));
        let of_all = row.every_leg.filter(|step| step.from.contains(&from));
        let is_tabled = match of_all {
            _ if !row.leg.is_empty() && moved == Some(index) => row.moves_leg(from, to),
            Some(step) => step.to.contains(&to),
            None => from == to,
        };
        assert!(is_tabled, "{told}: {} to {}", from.name(), to.name());
    }
}

/// The request with one thing wrong: what, the request, the time of asking, and the one reason to give.
type Flaw = (String, Request, Timestamp, Reason);

fn flaws(session: &Session, row: &Transition, good: &Request) -> Vec<Flaw> {
    let mut flaws: Vec<Flaw> =
        (0..row.evidence.len()).flat_map(|index| flawed_evidence(row, good, index)).collect();
    flaws.extend(flawed_verdicts(row, good));
    flaws.extend(wrong_times(row, good));
    flaws.extend(strangers(session, row, good));
    flaws
}

fn flawed_evidence(row: &Transition, good: &Request, index: usize) -> Vec<Flaw> {
    let now = moment(row.request);
    let evidence = &good.evidence[index];
    let (name, missing) = (evidence.kind().name(), evidence.kind().missing());
    let old =
        Evidence { at: now.minus_ms(evidence.perishable().fresh_for_ms()), ..evidence.clone() };
    let future = Evidence { at: now.plus_ms(1), ..evidence.clone() };
    let other_order = Evidence { order: OrderDigest([99; 32]), ..evidence.clone() };
    let mut flaws = vec![
        ("no", None, missing),
        ("stale", Some(old), missing),
        ("future", Some(future), missing),
        ("another order's", Some(other_order), Reason::OrderChanged),
    ];
    for (fact, reason) in misfits(evidence) {
        flaws.push(("misfitting", Some(Evidence { fact, ..evidence.clone() }), reason));
    }
    let spoil = |(flaw, evidence, reason)| {
        let mut request = good.clone();
        request.evidence.splice(index..=index, evidence);
        (format!("{flaw} {name}"), request, now, reason)
    };
    flaws.into_iter().map(spoil).collect()
}

fn flawed_verdicts(row: &Transition, good: &Request) -> Vec<Flaw> {
    let Some(policy) = row.policy else { return vec![] };
    let holds = policy == PolicyAction::Hold;
    let other = if holds { PolicyAction::Revoke } else { PolicyAction::Hold };
    let denial = Verdict { reasons: vec![Reason::RungTooLow], ..permit(policy) };
    [
        ("no verdict", None, Reason::PolicyDefaultDeny),
        ("another verdict", Some(permit(other)), Reason::PolicyDefaultDeny),
        (DENIAL, Some(denial), Reason::RungTooLow),
    ]
    .map(|(flaw, verdict, reason)| {
        (flaw.into(), Request { verdict, ..good.clone() }, moment(row.request), reason)
    })
    .into()
}

fn wrong_times(row: &Transition, good: &Request) -> Vec<Flaw> {
    let times = if row.in_window {
        vec![(START.minus_ms(1), Reason::WindowNotOpen), (END, Reason::WindowClosed)]
    } else if row.request == RequestKind::Expire {
        vec![(END.minus_ms(1), Reason::NotPossibleNow)]
    } else {
        vec![]
    };
    times
        .into_iter()
        .map(|(now, reason)| (format!("time {now}"), good.clone(), now, reason))
        .collect()
}

/// Before a recipient is verified the session knows no customer; the evidence and the policies do.
fn strangers(session: &Session, row: &Transition, good: &Request) -> Vec<Flaw> {
    let strangers = match good.actor {
        Actor::Driver { driver, device } => vec![
            (Actor::Driver { driver, device: STRANGE_DEVICE }, Reason::DriverNotAssigned),
            (
                Actor::Driver { driver: DriverId::from_bytes([9; 16]), device },
                Reason::DriverNotAssigned,
            ),
        ],
        Actor::Customer { .. } if session.recipient().is_some() || !row.evidence.is_empty() => {
            vec![(Actor::Customer { customer: STRANGER }, Reason::RecipientNotVerified)]
        }
        _ => vec![],
    };
    let stranger = |(actor, reason)| {
        ("a stranger".into(), Request { actor, ..good.clone() }, moment(row.request), reason)
    };
    strangers.into_iter().map(stranger).collect()
}

/// Facts of the same kind that speak of somebody or something else, or badly.
fn misfits(evidence: &Evidence) -> Vec<(Fact, Reason)> {
    match evidence.fact.clone() {
        Fact::Recipient { key, assurance, .. } => vec![(
            Fact::Recipient { customer: STRANGER, key, assurance },
            Reason::RecipientNotVerified,
        )],
        Fact::Intent { key, .. } => {
            vec![(Fact::Intent { intent: IntentDigest([66; 32]), key }, Reason::IntentNotProposed)]
        }
        Fact::Place { party, method, .. } => vec![
            (Fact::Place { party, method, answer: PlaceAnswer::Uncertain }, Reason::PlaceUncertain),
            (Fact::Place { party, method, answer: PlaceAnswer::Outside }, Reason::PlaceOutside),
        ],
        Fact::Handset { device, tier, firmware } => {
            [(STRANGE_DEVICE, tier), (device, TrustTier::None)]
                .map(|(device, tier)| {
                    (Fact::Handset { device, tier, firmware }, Reason::DeviceUntrusted)
                })
                .to_vec()
        }
        Fact::Actuator { device, tier, firmware, .. } => {
            let untrusted = Reason::ActuatorUntrusted;
            [
                (STRANGE_DEVICE, tier, false, untrusted),
                (device, TrustTier::None, false, untrusted),
                (device, TrustTier::None, true, untrusted),
                (device, tier, true, Reason::ActuatorBusy),
            ]
            .map(|(device, tier, busy, reason)| {
                (Fact::Actuator { device, tier, firmware, busy }, reason)
            })
            .to_vec()
        }
        Fact::ActionToken { token, scope, device } => {
            [(Scope::ColdRelease, device), (scope, STRANGE_DEVICE)]
                .map(|(scope, device)| {
                    (Fact::ActionToken { token, scope, device }, Reason::TokenScope)
                })
                .to_vec()
        }
        // Whether a presence or a vehicle fits is for the policies; no row asks for a vehicle.
        Fact::Presence { .. } | Fact::Vehicle { .. } => {
            assert_ne!(evidence.kind(), FactKind::Vehicle);
            vec![]
        }
    }
}
