//! What holds for all facts: taking evidence away, or adding something that speaks against a release, never turns a
//! refusal into a permit, and no facts can make the policies fail.

use carhop_kernel::actor::ActorKind;
use carhop_kernel::device::TrustTier;
use carhop_kernel::evidence::{Assurance, PlaceAnswer, PlaceMethod, PresenceMethod, VehicleMatch};
use carhop_kernel::order::{
    Compartment, Currency, HandoffType, PlaceKind, Scope, Sensitivity, Value,
};
use carhop_kernel::reason::Reason;
use carhop_kernel::session::{HoldCause, PhaseKind};
use carhop_kernel::verdict::{PolicyAction, Rung};
use proptest::prelude::*;
use proptest::sample::select;

use super::shipped;
use crate::{
    Bundle, Facts, LegFacts, OrderFacts, PlaceFact, Risk, Services, TokenFacts, WindowState,
    evaluate, sample,
};

type Loss = fn(&mut Facts);

/// Everything that only makes things worse. A place that is known to be outside, or a code that failed, is not
/// evidence for a release: taking it away is no loss.
const LOSSES: &[Loss] = &[
    |f| f.recipient = None,
    |f| f.recipient = f.recipient.map(|_| Assurance::BoundDevice),
    |f| f.intent_approved = false,
    |f| f.vehicle.matched_by = None,
    |f| f.vehicle.matched_by = f.vehicle.matched_by.map(|_| VehicleMatch::Statement),
    |f| f.vehicle.matched_by = f.vehicle.matched_by.map(|by| by.min(VehicleMatch::PlateRead)),
    |f| f.vehicle.mismatch = true,
    |f| f.vehicle.moving = true,
    |f| f.place.driver = f.place.driver.filter(|place| place.answer == PlaceAnswer::Outside),
    |f| f.place.vehicle = f.place.vehicle.filter(|place| place.answer == PlaceAnswer::Outside),
    |f| set_answer(&mut f.place.driver, PlaceAnswer::Outside),
    |f| set_answer(&mut f.place.vehicle, PlaceAnswer::Outside),
    |f| f.place.disagrees = true,
    |f| f.place.service_permitted = false,
    |f| f.window = WindowState::Before,
    |f| f.window = WindowState::Closed,
    |f| f.token = None,
    |f| f.token = f.token.map(|token| TokenFacts { flaw: Some(Reason::TokenSpent), ..token }),
    |f| f.token = f.token.map(|token| TokenFacts { age_ms: u64::MAX, ..token }),
    |f| f.presence = None,
    |f| f.presence = f.presence.map(|_| PresenceMethod::Code),
    |f| f.proof_refused = Some(Reason::CodeWrong),
    |f| f.handset.assigned = false,
    |f| f.handset.trusted = false,
    |f| f.handset.tier = TrustTier::None,
    |f| f.handset.tier = f.handset.tier.min(TrustTier::Certified),
    |f| f.actuator.trusted = false,
    |f| f.actuator.frozen = true,
    |f| f.actuator.tier = TrustTier::None,
    |f| f.actuator.tier = f.actuator.tier.min(TrustTier::SelfReported),
    |f| f.actuator.reachable = false,
    |f| f.tenant_hold = true,
    |f| f.hold = f.hold.or(Some(HoldCause::Tamper)),
    |f| f.age_proof = false,
    |f| f.risk = Risk::High,
    |f| f.order.sensitivity = Sensitivity::High,
    |f| f.order.value.amount_minor = u64::MAX,
    |f| f.phase = PhaseKind::Expired,
];

fn set_answer(place: &mut Option<PlaceFact>, answer: PlaceAnswer) {
    if let Some(place) = place {
        place.answer = answer;
    }
}

/// Facts in which much is well: an action, an order, and some losses.
fn facts_with_losses() -> impl Strategy<Value = Facts> {
    let losses = prop::collection::vec(select(LOSSES), 0..3);
    (select(PolicyAction::ALL), order(), any::<bool>(), losses).prop_map(
        |(action, order, same_order, losses)| {
            let mut facts = sample::well(action);
            if !same_order {
                facts.order = order;
            }
            for loss in losses {
                loss(&mut facts);
            }
            facts
        },
    )
}

fn order() -> impl Strategy<Value = OrderFacts> {
    use HandoffType as H;
    use PlaceKind as P;
    use Sensitivity as S;
    (
        select(&[Services::Goods, Services::Fuel, Services::Hybrid][..]),
        select(&[H::Unattended, H::Attended, H::CustomerPickup, H::FrontDoor][..]),
        select(&[P::Lot, P::Garage, P::Driveway, P::Kerb, P::Depot][..]),
        select(&[S::Low, S::Moderate, S::High][..]),
        prop_oneof![0..50_000_u64, any::<u64>()],
        select(&["EUR", "JPY", "HUF"][..]),
        any::<(bool, bool)>(),
    )
        .prop_map(
            |(services, handoff, place_kind, sensitivity, amount_minor, currency, flags)| {
                let currency = Currency::new(currency).unwrap();
                OrderFacts {
                    services,
                    handoff,
                    place_kind,
                    sensitivity,
                    value: Value { amount_minor, currency },
                    age_gated: flags.0,
                    cold_chain: flags.1,
                }
            },
        )
}

fn place() -> impl Strategy<Value = Option<PlaceFact>> {
    use PlaceAnswer as A;
    use PlaceMethod as M;
    let methods = select(&[M::Statement, M::Fence, M::VenueTag, M::Telematics][..]);
    let answers = select(&[A::Inside, A::Uncertain, A::Outside][..]);
    prop::option::of((methods, answers).prop_map(|(method, answer)| PlaceFact { method, answer }))
}

fn tier() -> impl Strategy<Value = TrustTier> {
    use TrustTier as T;
    select(&[T::None, T::SelfReported, T::Certified, T::Attested][..])
}

fn leg() -> impl Strategy<Value = Option<LegFacts>> {
    use Compartment as C;
    use Scope as S;
    let scopes = [S::GroceryHandoff, S::LockerAccess, S::ColdRelease, S::FuelAuthorisation];
    let compartments = [C::Trunk, C::TruckBed, C::Locker, C::ColdBox];
    let leg = (select(scopes.to_vec()), prop::option::of(select(compartments.to_vec())));
    prop::option::of(leg.prop_map(|(scope, compartment)| LegFacts { scope, compartment }))
}

/// Any facts at all.
fn any_facts() -> impl Strategy<Value = Facts> {
    use HoldCause as H;
    let who = (select(PolicyAction::ALL), select(ActorKind::ALL), select(PhaseKind::ALL));
    let causes = [H::Customer, H::Staff, H::Safety, H::VehicleMoved, H::Tamper];
    let proofs = (
        prop::option::of(select(
            &[Assurance::BoundDevice, Assurance::Passkey, Assurance::IdentityProof][..],
        )),
        prop::option::of(select(
            &[PresenceMethod::Code, PresenceMethod::Scan, PresenceMethod::Approval][..],
        )),
        prop::option::of(select(Reason::ALL)),
        prop::option::of((prop::option::of(select(Reason::ALL)), any::<u64>())),
        prop::option::of(select(causes.to_vec())),
        select(&[WindowState::Before, WindowState::Open, WindowState::Closed][..]),
        select(&[Risk::Usual, Risk::Raised, Risk::High][..]),
    );
    let things = (order(), leg(), place(), place(), tier(), tier(), any::<[bool; 12]>());
    (who, proofs, things).prop_map(|((action, actor, phase), proofs, things)| {
        let (recipient, presence, proof_refused, token, hold, window, risk) = proofs;
        let (order, leg, driver, vehicle, handset, actuator, flags) = things;
        let mut facts = sample::bare(action, actor, phase);
        facts.order = order;
        facts.leg = leg;
        facts.recipient = recipient;
        facts.presence = presence;
        facts.proof_refused = proof_refused;
        facts.token = token.map(|(flaw, age_ms)| TokenFacts { flaw, age_ms });
        facts.hold = hold;
        facts.window = window;
        facts.risk = risk;
        facts.place.driver = driver;
        facts.place.vehicle = vehicle;
        facts.handset.tier = handset;
        facts.actuator.tier = actuator;
        [
            facts.intent_approved,
            facts.vehicle.mismatch,
            facts.vehicle.moving,
            facts.place.disagrees,
            facts.place.service_permitted,
            facts.handset.assigned,
            facts.handset.trusted,
            facts.actuator.trusted,
            facts.actuator.reachable,
            facts.tenant_hold,
            facts.age_proof,
        ] = [
            flags[0], flags[1], flags[2], flags[3], flags[4], flags[5], flags[6], flags[7],
            flags[8], flags[9], flags[10],
        ];
        facts.vehicle.matched_by = flags[11].then_some(VehicleMatch::Tag);
        facts
    })
}

fn permits(bundle: &Bundle, facts: &Facts) -> bool {
    evaluate(bundle, facts).permits()
}

proptest! {
    #[test]
    fn taking_evidence_away_never_turns_a_refusal_into_a_permit(facts in facts_with_losses()) {
        let bundle = shipped_once();
        if !permits(bundle, &facts) {
            for (index, loss) in LOSSES.iter().enumerate() {
                let mut worse = facts.clone();
                loss(&mut worse);
                prop_assert!(!permits(bundle, &worse), "loss {} of {:?}", index, facts);
            }
        }
    }

    #[test]
    fn no_facts_make_the_policies_fail_or_fall_silent(facts in any_facts()) {
        let bundle = shipped_once();
        let verdict = evaluate(bundle, &facts);
        prop_assert!(!verdict.reasons.contains(&Reason::PolicyError), "{:?}", facts);
        prop_assert!(!verdict.reasons.contains(&Reason::PolicyDefaultDeny), "{:?}", facts);
        prop_assert!(verdict.reasons.is_sorted_by(|one, other| one < other));
        prop_assert_eq!(verdict.policy, bundle.version());
    }

    #[test]
    fn fuel_is_never_dispensed_below_its_bar(facts in any_facts(), losses in prop::collection::vec(select(LOSSES), 0..2)) {
        let bundle = shipped_once();
        let mut fuel = Facts { order: facts.order, risk: facts.risk, ..sample::well(PolicyAction::DispenseFuel) };
        for loss in losses {
            loss(&mut fuel);
        }
        let verdict = evaluate(bundle, &fuel);
        if verdict.permits() {
            prop_assert!(verdict.rung >= Rung::OtpTokenFence);
            prop_assert_eq!(fuel.handset.tier, TrustTier::Attested);
            prop_assert_eq!(fuel.actuator.tier, TrustTier::Attested);
        }
    }
}

fn shipped_once() -> &'static Bundle {
    static BUNDLE: std::sync::OnceLock<Bundle> = std::sync::OnceLock::new();
    BUNDLE.get_or_init(shipped)
}
