//! What is recorded is what was judged: a fact that was passed over leaves no trace (M-POL-1, M-AUD-1).

use alloc::vec;

use super::world::*;
use crate::actor::Actor;
use crate::device::TrustTier;
use crate::evidence::{Assurance, Evidence, Fact, FactKind, Party, PlaceAnswer, PlaceMethod};
use crate::reason::Reason;
use crate::session::{Event, Phase, RequestKind};

#[test]
fn a_stale_attestation_does_not_lend_its_tier_to_a_fresh_one() {
    let session = bound();
    let mut request = good(&session, action(&session, RequestKind::AssignDriver));
    let fresh = &mut request.evidence[0];
    let stale = Evidence { at: START.minus_ms(60 * 60 * 1000), ..fresh.clone() };
    let Fact::Handset { tier, .. } = &mut fresh.fact else { panic!("a handset") };
    *tier = TrustTier::Certified;
    request.evidence.insert(0, stale);
    let assigned = after(&session, &answer(&session, &request).unwrap());
    assert_eq!(assigned.assignment().unwrap().tier, TrustTier::Certified);
}

#[test]
fn another_devices_attestation_does_not_lend_its_tier_either() {
    let session = bound();
    let mut request = good(&session, action(&session, RequestKind::AssignDriver));
    let own = &mut request.evidence[0];
    let Fact::Handset { tier, firmware, .. } = &mut own.fact else { panic!("a handset") };
    *tier = TrustTier::SelfReported;
    let firmware = *firmware;
    let strange = Evidence {
        fact: Fact::Handset { device: STRANGE_DEVICE, tier: TrustTier::Attested, firmware },
        ..own.clone()
    };
    request.evidence.insert(0, strange);
    let assigned = after(&session, &answer(&session, &request).unwrap());
    assert_eq!(assigned.assignment().unwrap().tier, TrustTier::SelfReported);
}

#[test]
fn the_intent_that_is_recorded_is_the_one_that_was_proposed() {
    let session = proposed();
    let mut request = good(&session, action(&session, RequestKind::ApproveIntent));
    let other = Fact::Intent { intent: crate::digest::IntentDigest([66; 32]), key: KEY };
    request.evidence.insert(0, Evidence { fact: other, ..request.evidence[0].clone() });
    assert!(matches!(
        answer(&session, &request).unwrap()[..],
        [Event::IntentApproved { intent: INTENT, .. }]
    ));
}

#[test]
fn a_stale_position_does_not_name_the_way_of_arrival() {
    let session = ask(&bound(), RequestKind::AssignDriver);
    let mut request = good(&session, action(&session, RequestKind::Arrive));
    let stale = Evidence {
        fact: Fact::Place {
            party: Party::Driver,
            method: PlaceMethod::VenueTag,
            answer: PlaceAnswer::Inside,
        },
        at: START,
        ..request.evidence[0].clone()
    };
    request.evidence.insert(0, stale);
    assert!(matches!(
        answer(&session, &request).unwrap()[..],
        [Event::DriverArrived { driver_by: PlaceMethod::Fence, .. }]
    ));
}

#[test]
fn a_customer_is_verified_by_evidence_about_that_customer_only() {
    let session = requested();
    let mut request = good(&session, action(&session, RequestKind::VerifyRecipient));
    request.actor = Actor::Customer { customer: STRANGER };
    assert_eq!(refusal(&session, &request), [Reason::RecipientNotVerified]);

    let own = Fact::Recipient { customer: STRANGER, key: KEY, assurance: Assurance::BoundDevice };
    request.evidence.push(Evidence { fact: own, ..request.evidence[0].clone() });
    let verified = after(&session, &answer(&session, &request).unwrap());
    let recipient = verified.recipient().unwrap();
    assert_eq!((recipient.customer, recipient.assurance), (STRANGER, Assurance::BoundDevice));
}

#[test]
fn one_fitting_fact_among_unfitting_ones_is_enough_wherever_it_stands() {
    let session = ready();
    let action = action(&session, RequestKind::ReleaseCompartment);
    let request = good(&session, action.clone());
    for kind in [FactKind::Handset, FactKind::Actuator, FactKind::ActionToken] {
        let mut strange = proof(&session, &action, kind);
        match &mut strange.fact {
            Fact::Handset { device, .. }
            | Fact::Actuator { device, .. }
            | Fact::ActionToken { device, .. } => *device = STRANGE_DEVICE,
            fact => panic!("{fact:?}"),
        }
        for at in [0, request.evidence.len()] {
            let mut mixed = request.clone();
            mixed.evidence.insert(at, strange.clone());
            assert_eq!(refusal(&session, &mixed), vec![], "{} at {at}", kind.name());
        }
    }
}

fn proposed() -> crate::session::Session {
    ask(&ask(&requested(), RequestKind::VerifyRecipient), RequestKind::ProposeBinding)
}

fn bound() -> crate::session::Session {
    let bound = ask(&proposed(), RequestKind::ApproveIntent);
    assert!(matches!(bound.phase, Phase::VehicleBound(_)));
    bound
}
