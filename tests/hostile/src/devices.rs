//! The device side: an agent that is told anything, and the log it starts from.

use std::collections::BTreeSet;

use carhop_agent::{Agent, Capability, Config, Input, Observed, Output, accepted, compact};
use carhop_kernel::id::CommandId;
use carhop_proofs::command::CommandAction;
use carhop_proofs::frame::{FromDevice, ToDevice};
use carhop_proofs::suite::RustCrypto;
use carhop_proofs::time_reply::{self, TimeReply};

use crate::frames::{heard, said};
use crate::keys::{DEVICE, NOW, authority, device, public};
use crate::signed::{COMMAND, command};
use crate::{Cost, Target};

/// The targets of this module.
pub const TARGETS: &[&Target] = &[
    &Target { name: "agent", seeds: conversations, law: conversation, cost: Cost::LARGE },
    &Target { name: "device-log", seeds: logs, law: log, cost: Cost::LARGE },
];

fn agent(records: &[Vec<u8>]) -> Option<Agent<RustCrypto>> {
    let config = Config {
        device: DEVICE,
        key: device(),
        issuers: vec![public(&authority())],
        capability: Capability::Lock { compartments: vec![1] },
    };
    let seen = Observed::Lock { is_locked: true, openings: Some(0) };
    Agent::restore(RustCrypto, config, seen, records).ok()
}

/// What the authority says to an agent that knows the time and gets one command.
fn conversations() -> Vec<Vec<u8>> {
    let welcome = ToDevice::Welcome { challenge: [7; 32], acknowledged: None };
    let nonce = asked_nonce();
    let reply = TimeReply { nonce, now: NOW, trust_epoch: 7 };
    let cose = time_reply::sign(&RustCrypto, &authority(), &reply).unwrap();
    let open = ToDevice::Command { cose: command(CommandAction::Open { compartment: 1 }, 42) };
    let cancelled = CommandId::from_bytes([2; 16]);
    let cancel = CommandAction::Cancel { command: cancelled };
    let cancel = ToDevice::Command { cose: command(cancel, 42) };
    let time = ToDevice::Time { cose };
    [Some(open), Some(cancel), None]
        .map(|last| [&welcome, &time].into_iter().chain(&last).map(ToDevice::encode).collect())
        .map(|frames: Vec<_>| said(&frames))
        .to_vec()
}

/// The question for the time that the agent sends with its hello.
fn asked_nonce() -> [u8; 16] {
    let mut agent = agent(&[]).unwrap();
    let (_, sent, _) = run(&mut agent, &[]);
    let hello = sent.iter().find_map(|frame| match FromDevice::decode(frame) {
        Ok(FromDevice::Hello { clock_nonce, .. }) => Some(clock_nonce),
        Ok(_) | Err(_) => None,
    });
    hello.unwrap()
}

/// Whatever it is told, an agent moves metal once at most for the one command that its authority signed, and
/// says nothing that is not a frame. What it has written down until then is enough to start again.
fn conversation(input: &[u8]) -> bool {
    let frames = heard(input);
    let mut one = agent(&[]).unwrap();
    let (actions, sent, records) = run(&mut one, &frames);
    let open = command(CommandAction::Open { compartment: 1 }, 42);
    let genuine = frames.iter().any(|frame| frame.windows(open.len()).any(|part| part == open));
    assert!(actions <= usize::from(genuine));
    // It wrote down that it accepted what it then did, and nothing else: an order to cancel lets nothing out.
    let told: Vec<_> = records.iter().filter_map(|record| accepted(record)).collect();
    assert_eq!(told, vec![COMMAND; actions]);
    assert!(sent.iter().all(|frame| FromDevice::decode(frame).is_ok()));
    assert!(agent(&records).is_some());
    !frames.is_empty()
}

/// Plays frames to an agent with a perfect store and a dead bolt: how often it acted, what it sent, what it
/// wrote down.
fn run(agent: &mut Agent<RustCrypto>, frames: &[Vec<u8>]) -> (usize, Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let (mut actions, mut sent, mut records) = (0, Vec::new(), Vec::new());
    let told = frames.iter().map(|frame| Input::Frame(frame.clone()));
    for input in [Input::Connected { seed: [1; 32] }].into_iter().chain(told) {
        agent.handle(input, 10);
        while let Some(output) = agent.poll_output() {
            match output {
                Output::Persist { ticket, record } => {
                    records.push(record);
                    agent.handle(Input::Persisted(ticket), 10);
                }
                Output::Send(frame) => sent.push(frame),
                Output::Actuate(_) => actions += 1,
                Output::Attest { .. } => agent.handle(Input::Attested(vec![1]), 10),
                Output::Alarm(_) | Output::Farewell(_) | Output::HangUp => {}
            }
        }
    }
    (actions, sent, records)
}

fn logs() -> Vec<Vec<u8>> {
    let frames = heard(&conversations()[0]);
    let (_, _, records) = run(&mut agent(&[]).unwrap(), &frames);
    assert!(records.len() > 2, "the agent wrote nothing down");
    vec![said(&records), said(&records[..1])]
}

/// A log that is read folds to the same when it is compacted, and compacting it again changes nothing.
fn log(input: &[u8]) -> bool {
    let records = heard(input);
    let Ok(compacted) = compact(&RustCrypto, records.clone()) else {
        assert!(agent(&records).is_none(), "one reader takes what the other refuses");
        return false;
    };
    assert!(agent(&records).is_some());
    assert!(agent(&compacted).is_some());
    assert_eq!(compact(&RustCrypto, compacted.clone()).unwrap(), compacted);
    // What is forgotten may be an acceptance, and none is made up.
    let told =
        |log: &[Vec<u8>]| log.iter().filter_map(|one| accepted(one)).collect::<BTreeSet<_>>();
    assert!(told(&compacted).is_subset(&told(&records)));
    true
}
