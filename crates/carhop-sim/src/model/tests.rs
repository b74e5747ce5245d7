//! Each invariant is shown a history that breaks it: one that holds everywhere, with one thing spoiled.

mod tale;

use std::collections::BTreeSet;

use carhop_agent::Action;
use carhop_app::batch::{Batch, Body, DeviceEvent, OperatorEvent, Refused, Stream};
use carhop_app::record::Kind;
use carhop_app::records::{CheckpointRecord, DeviceRecord, TenantRecord, TokenRow};
use carhop_kernel::digest::{OrderDigest, PolicyVersion};
use carhop_kernel::id::{DeviceId, EventId};
use carhop_kernel::reason::Reason;
use carhop_kernel::session::{Event, HoldCause, NotExecuted, RevocationCause};
use carhop_proofs::audit::{Checkpoint, VerifierKey};
use carhop_proofs::statement::{Body as Said, Outcome, RefusalCode};
use carhop_proofs::suite::{Algorithm, RustCrypto, SigningKey, Suite};

use super::*;
use crate::happening::{Answer, Ask, Belonging, Mischief};
use crate::quick::Crypto;
use tale::*;

/// What is done to a good history.
type Spoil = fn(&mut Tale);

#[test]
fn a_good_history_breaks_nothing() {
    for service in [Kinds::Goods, Kinds::Fuel] {
        assert_eq!(Tale::good(service).judged(), Ok(()), "{service:?}");
    }
}

#[test]
fn every_invariant_is_broken_by_the_history_that_breaks_it() {
    let mut seen = BTreeSet::new();
    for (service, invariant, what, spoil) in table() {
        let mut tale = Tale::good(service);
        spoil(&mut tale);
        let broken = tale.judged().expect_err(what);
        assert_eq!(broken.invariant, invariant.name(), "{what}: {broken}");
        seen.insert(invariant);
    }
    let all: BTreeSet<Invariant> = Invariant::ALL.iter().copied().collect();
    assert_eq!(all.difference(&seen).collect::<Vec<_>>(), Vec::<&Invariant>::new());
}

fn table() -> Vec<(Kinds, Invariant, &'static str, Spoil)> {
    [durable(), stops(), evidence(), secrets(), revocations(), devices(), fuel(), whole()].concat()
}

fn durable() -> Vec<(Kinds, Invariant, &'static str, Spoil)> {
    use Invariant::{
        AcknowledgedIsRemembered, AskedOnceIsDoneOnce, DurableBeforeSent, RefusalsAreBounded,
        RefusalsAreJournaled,
    };
    vec![
        (Kinds::Goods, DurableBeforeSent, "a command leaves before that is durable", |tale| {
            tale.swap(is_sent, is_left);
        }),
        (Kinds::Goods, DurableBeforeSent, "a command leaves that no batch has", |tale| {
            tale.change(is_left, |it| {
                if let Happening::CommandLeft { bytes, .. } = it {
                    bytes[0] ^= 1;
                }
            });
        }),
        (Kinds::Goods, DurableBeforeSent, "a command leaves twice", |tale| tale.repeat(is_left)),
        (Kinds::Goods, AcknowledgedIsRemembered, "an append that is nowhere", |tale| {
            tale.say(Happening::Acknowledged { server: SERVER, append: 77 });
        }),
        (Kinds::Goods, AcknowledgedIsRemembered, "a recovery without an event", |tale| {
            let events = tale.events().into_iter().skip(1).collect();
            tale.say(Happening::Recovered { server: SERVER, events });
        }),
        (Kinds::Goods, AcknowledgedIsRemembered, "an answer about a stop that is not", |tale| {
            tale.leave_out(is_requested);
        }),
        (Kinds::Goods, RefusalsAreJournaled, "a refusal that is nowhere", |tale| {
            tale.say(Happening::Answered {
                person: PERSON,
                question: 9,
                ask: Ask::Release { session: SESSION, leg: LEG },
                answer: Answer::Refused(vec![Reason::ManualHold]),
            });
        }),
        (Kinds::Goods, RefusalsAreBounded, "a thousand refusals", |tale| {
            let reasons = vec![Reason::ManualHold];
            let refused = Refused { request: "release_compartment".to_owned(), reasons };
            let bodies = vec![Body::Refused(refused); 1_000];
            tale.append(Stream::Side(SESSION), bodies, |_| {});
        }),
        (Kinds::Goods, AskedOnceIsDoneOnce, "two stops for one order", |tale| {
            tale.again(is_requested, |batch| {
                for entry in &mut batch.entries {
                    entry.stream = Stream::Session(OTHER_SESSION);
                }
            });
        }),
    ]
}

fn stops() -> Vec<(Kinds, Invariant, &'static str, Spoil)> {
    use Invariant::{
        AlarmsAreRaised, EndsAreFinal, HoldsFreeze, NotExecutedIsProven, OneReleaseUnderWay,
        OneStopPerDevice, SentInTime,
    };
    vec![
        (Kinds::Goods, OneReleaseUnderWay, "two releases at once", |tale| {
            tale.again(is_released, |_| {});
        }),
        (Kinds::Goods, OneStopPerDevice, "a lock for two", |tale| {
            tale.before(is_released, Tale::other_stop_is_released);
        }),
        (Kinds::Goods, NotExecutedIsProven, "what was sent is called unsent", |tale| {
            let why = NotExecuted::Unsent;
            let event = Event::ReleaseNotExecuted { leg: LEG, command: COMMAND, why };
            tale.after(is_left, |tale| tale.event(event));
        }),
        (Kinds::Goods, EndsAreFinal, "a release after the end", |tale| {
            tale.before(is_released, |tale| tale.event(Event::SessionExpired));
        }),
        (Kinds::Goods, HoldsFreeze, "a release while held", |tale| {
            let (cause, at) = (HoldCause::Customer, NOW);
            tale.before(is_released, |tale| tale.event(Event::SessionHeld { cause, at }));
        }),
        (Kinds::Goods, HoldsFreeze, "a release while one of two holds is left", |tale| {
            tale.before(is_released, |tale| {
                for cause in [HoldCause::Customer, HoldCause::Staff] {
                    tale.event(Event::SessionHeld { cause, at: NOW });
                }
                tale.event(Event::HoldEased { cause: HoldCause::Staff });
            });
        }),
        (Kinds::Goods, HoldsFreeze, "two holds lifted as one", |tale| {
            for cause in [HoldCause::Customer, HoldCause::Staff] {
                tale.event(Event::SessionHeld { cause, at: NOW });
            }
            tale.event(Event::HoldLifted);
        }),
        (Kinds::Goods, HoldsFreeze, "a command leaves while the tenant is held", |tale| {
            let held = Body::Operator(OperatorEvent::TenantHeld { cause: String::new() });
            tale.before(is_sent, |tale| tale.append(Stream::Operator, vec![held], |_| {}));
        }),
        (Kinds::Goods, SentInTime, "a command leaves after its expiry", |tale| {
            tale.batch(is_sent, |batch| batch.at = batch.at.plus_ms(40_000));
        }),
        (
            Kinds::Goods,
            AlarmsAreRaised,
            "an opening after the end that nobody is told of",
            |tale| {
                tale.before(is_opened, |tale| {
                    tale.revoke();
                });
            },
        ),
    ]
}

fn evidence() -> Vec<(Kinds, Invariant, &'static str, Spoil)> {
    use Invariant::{AcceptanceIsExplained, EvidenceIsFresh};
    vec![
        (Kinds::Goods, AcceptanceIsExplained, "an acceptance of nothing", |tale| {
            tale.change(is_accepted, |it| {
                if let Happening::Accepted { command, .. } = it {
                    *command = OTHER_COMMAND;
                }
            });
        }),
        (Kinds::Goods, AcceptanceIsExplained, "a release without its decision", |tale| {
            tale.batch(is_released, |batch| {
                batch.writes.retain(|write| write.key.kind != Kind::Decision);
            });
        }),
        (Kinds::Goods, AcceptanceIsExplained, "a release under another key", |tale| {
            tale.batch(is_released, |batch| batch.entries[0].meta.key = None);
        }),
        (Kinds::Goods, AcceptanceIsExplained, "a release under policies of before", |tale| {
            let [from, to] = [1, 2].map(|byte| PolicyVersion([byte; 32]));
            let activated = OperatorEvent::PolicyActivated { from, to, departures: Vec::new() };
            tale.before(is_released, |tale| {
                tale.append(Stream::Operator, vec![Body::Operator(activated)], |_| {});
            });
        }),
        (Kinds::Goods, EvidenceIsFresh, "a car that was never looked at", |tale| {
            tale.leave_out(is_compared);
        }),
        (Kinds::Goods, EvidenceIsFresh, "integrity of long ago", |tale| {
            tale.batch(is_enrolled, |batch| batch.at = batch.at.minus_ms(10 * 60_000));
        }),
    ]
}

fn secrets() -> Vec<(Kinds, Invariant, &'static str, Spoil)> {
    use Invariant::{SecretsWorkOnce, TokensAreObeyed};
    vec![
        (Kinds::Goods, TokensAreObeyed, "a token for another door", |tale| {
            tale.token(|row| row.token.audience = Some(HANDSET));
        }),
        (Kinds::Goods, TokensAreObeyed, "a token of another order", |tale| {
            tale.token(|row| row.token.order = OrderDigest([9; 32]));
        }),
        (Kinds::Goods, TokensAreObeyed, "a token in the instant of its death", |tale| {
            tale.token(|row| row.token.expires_at = NOW);
        }),
        (Kinds::Goods, TokensAreObeyed, "a token whose grandparent was revoked", |tale| {
            tale.grandparent_is_revoked();
        }),
        (Kinds::Goods, SecretsWorkOnce, "a token that releases twice", |tale| {
            tale.after(is_left, |tale| {
                tale.not_executed();
            });
            tale.after(is_not_executed, Tale::release_again);
        }),
        (Kinds::Goods, SecretsWorkOnce, "a code that was shown before", |tale| {
            tale.again(is_shown, |_| {});
        }),
    ]
}

fn revocations() -> Vec<(Kinds, Invariant, &'static str, Spoil)> {
    use Invariant::{NothingForTheRevoked, RevocationIsFollowed, SettledIsSettled};
    vec![
        (Kinds::Goods, NothingForTheRevoked, "a release to a revoked lock", |tale| {
            tale.before(is_released, |tale| tale.device_is_revoked(LOCK));
        }),
        (Kinds::Goods, NothingForTheRevoked, "a command leaves with a revoked handset", |tale| {
            tale.before(is_sent, |tale| tale.device_is_revoked(HANDSET));
        }),
        (Kinds::Goods, SettledIsSettled, "a command obeyed after all was settled", |tale| {
            tale.before(is_accepted, |tale| {
                tale.device_is_revoked(LOCK);
                let subject = format!("device:{LOCK}");
                let settled = Body::Operator(OperatorEvent::RevocationSettled { subject });
                tale.append(Stream::Operator, vec![settled], |_| {});
            });
        }),
        (Kinds::Goods, RevocationIsFollowed, "a revocation without a cancel", |tale| {
            let why = RevocationCause::CustomerStopped;
            tale.after(is_left, |tale| tale.event(Event::SessionRevoked { why }));
        }),
        (Kinds::Goods, RevocationIsFollowed, "a revocation that leaves a release", |tale| {
            let why = RevocationCause::CustomerStopped;
            tale.before(is_sent, |tale| tale.event(Event::SessionRevoked { why }));
        }),
    ]
}

fn devices() -> Vec<(Kinds, Invariant, &'static str, Spoil)> {
    use Invariant::{
        EpochsAndCountersNeverFall, HeardOnce, HeardWasTold, ObeyedInTime, OneAcceptancePerRelease,
        PersistedBeforeActed, ReceiptsAgree, ToldIsHeard,
    };
    vec![
        (Kinds::Goods, OneAcceptancePerRelease, "a command is accepted twice", |tale| {
            tale.repeat(is_accepted);
        }),
        (Kinds::Goods, PersistedBeforeActed, "metal moves before its record", |tale| {
            tale.swap(is_accepted, is_acted);
        }),
        (Kinds::Goods, ObeyedInTime, "metal moves in the instant of the expiry", |tale| {
            tale.delay(is_acted, 30_000);
        }),
        (Kinds::Goods, ReceiptsAgree, "never executed, and it opened", |tale| {
            tale.change(is_receipt, |it| {
                if let Happening::Told { statement, .. } = it {
                    let outcome = Outcome::NeverExecuted;
                    statement.body = Said::Receipt { command: COMMAND, counter: 1, outcome };
                }
            });
        }),
        (Kinds::Goods, ReceiptsAgree, "refused after it opened", |tale| {
            tale.after(is_receipt, |tale| {
                let outcome = Outcome::Refused(RefusalCode::Counter);
                let said = Said::Receipt { command: COMMAND, counter: 1, outcome };
                tale.tell(LOCK, 5, said);
            });
        }),
        (Kinds::Goods, HeardWasTold, "a statement that nobody made", |tale| {
            tale.leave_out(is_receipt);
        }),
        (Kinds::Goods, HeardOnce, "a statement that is heard twice", |tale| {
            tale.again(is_stated, |_| {});
        }),
        (Kinds::Goods, ToldIsHeard, "a statement that is never heard", |tale| {
            tale.tell(LOCK, 9, Said::Lock { command: None, event: LOCKED });
        }),
        (Kinds::Goods, EpochsAndCountersNeverFall, "a counter that stands still", |tale| {
            tale.device_record(|record| record.counter = 0);
        }),
        (Kinds::Goods, EpochsAndCountersNeverFall, "a command of an epoch that is over", |tale| {
            tale.before(is_accepted, |tale| {
                tale.say(Happening::EpochLearned { device: LOCK, epoch: 7 });
            });
        }),
        (Kinds::Goods, EpochsAndCountersNeverFall, "an epoch that falls", |tale| {
            for trust_epoch in [3, 2] {
                tale.store(&TenantRecord { hold: None, trust_epoch });
            }
        }),
    ]
}

fn fuel() -> Vec<(Kinds, Invariant, &'static str, Spoil)> {
    use Invariant::{DispensedIsSettled, DoubtsAreRaised};
    vec![
        (Kinds::Fuel, DispensedIsSettled, "a millilitre less", |tale| {
            tale.batch(is_settled, |batch| {
                settle(batch, |metered_ml| metered_ml - 1);
            });
        }),
        (Kinds::Fuel, DispensedIsSettled, "fuel that nobody settles", |tale| {
            tale.batch(is_settled, |batch| {
                replace(batch, |event| matches!(event, Event::FuelSettled { .. }));
            });
        }),
        (Kinds::Fuel, DispensedIsSettled, "what a meter that leapt has counted", |tale| {
            tale.before(is_metered, |tale| {
                tale.say(Happening::Mischief(Mischief::Leap { device: LOCK }));
            });
        }),
        (Kinds::Fuel, DoubtsAreRaised, "a meter that leapt, of which nobody is told", |tale| {
            tale.before(is_metered, |tale| {
                tale.say(Happening::Mischief(Mischief::Leap { device: LOCK }));
            });
            tale.batch(is_settled, |batch| settle(batch, |_| 0));
        }),
        (Kinds::Fuel, DoubtsAreRaised, "a reading that is missing", |tale| {
            tale.change(is_end_reading, |it| {
                if let Happening::Told { statement, .. } = it
                    && let Said::Meter { reading, .. } = &mut statement.body
                {
                    reading.number += 1;
                }
            });
        }),
    ]
}

fn whole() -> Vec<(Kinds, Invariant, &'static str, Spoil)> {
    use Invariant::{EveryStopEnds, LogIsConsistent, ReplayGivesTheLiveState, TenantsAreApart};
    vec![
        (Kinds::Goods, ReplayGivesTheLiveState, "a session that is shown held", |tale| {
            let mut session = tale.session();
            session.bindings += 1;
            let (viewer, session) = (partition("acme"), Box::new(session));
            tale.say(Happening::Viewed { server: SERVER, viewer, session });
        }),
        (Kinds::Goods, TenantsAreApart, "a stop of another tenant", |tale| {
            tale.batch(is_shown, |batch| batch.partition = partition("umbra"));
        }),
        (Kinds::Goods, TenantsAreApart, "another tenant is shown a stop", |tale| {
            let (viewer, session) = (partition("umbra"), Box::new(tale.session()));
            tale.say(Happening::Viewed { server: SERVER, viewer, session });
        }),
        (Kinds::Goods, TenantsAreApart, "another tenant finds a device", |tale| {
            let (by, given) = (partition("umbra"), vec![Belonging::Device(LOCK)]);
            tale.say(Happening::Reached { by, given });
        }),
        (Kinds::Goods, TenantsAreApart, "another tenant reads an event", |tale| {
            let (by, given) = (partition("umbra"), vec![Belonging::Event(tale.events()[0])]);
            tale.say(Happening::Reached { by, given });
        }),
        (Kinds::Goods, LogIsConsistent, "a leaf that is another", |tale| {
            tale.batch(is_sequenced, |batch| batch.sequenced[3].leaf.push(0));
        }),
        (Kinds::Goods, LogIsConsistent, "a checkpoint over other leaves", |tale| {
            let signer = SigningKey::from_bytes(Algorithm::Ed25519, [7; 32]).unwrap();
            let public = RustCrypto.public_key(&signer).unwrap();
            let key = VerifierKey::new(&RustCrypto, "sim/acme", public).unwrap();
            tale.say(Happening::LogKeyTold {
                partition: partition("acme"),
                key,
                crypto: Crypto::Real,
            });
            let checkpoint = Checkpoint { origin: "sim/acme".to_owned(), size: 1, root: [0; 32] };
            let note = checkpoint.sign(&RustCrypto, &signer).unwrap();
            tale.store(&CheckpointRecord { size: 1, note });
        }),
        (Kinds::Goods, LogIsConsistent, "a position that is skipped", |tale| {
            tale.batch(is_sequenced, |batch| {
                batch.sequenced.remove(2);
            });
        }),
        (Kinds::Goods, EveryStopEnds, "a stop that hangs", |tale| {
            tale.batch(is_completed, |batch| {
                replace(batch, |event| matches!(event, Event::SessionCompleted { .. }));
            });
        }),
    ]
}
