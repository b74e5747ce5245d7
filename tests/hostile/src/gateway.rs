//! A gateway's connection to a device that says anything.

use carhop_devices::gateway::{Connection, Output, Peer};
use carhop_kernel::device::DeviceClass;
use carhop_proofs::frame::{FromDevice, ToDevice};
use carhop_proofs::suite::AwsLc;

use crate::frames::{from_device, heard, said};
use crate::keys::{DEVICE, NOW, device, public};
use crate::{Cost, Target};

/// The targets of this module.
pub const TARGETS: &[&Target] =
    &[&Target { name: "gateway", seeds: conversations, law: conversation, cost: Cost::TREE }];

/// Frames of a device one after the other, each after its length.
fn conversations() -> Vec<Vec<u8>> {
    let frames: Vec<_> = from_device().iter().map(FromDevice::encode).collect();
    vec![said(&frames), said(&frames[..2]), said(&[frames[0].clone(), frames[3].clone()])]
}

/// A connection says welcome once, hears nothing before hello, and nothing comes out after it was closed.
fn conversation(input: &[u8]) -> bool {
    let peer = Peer { device: DEVICE, class: DeviceClass::Lock, key: public(&device()) };
    let mut connection = Connection::open(peer, None, [7; 32], NOW);
    let mut closed = false;
    let mut inbound = 0;
    let frames = heard(input);
    for frame in &frames {
        connection.receive(&AwsLc, frame, NOW);
        while let Some(output) = connection.poll_output() {
            assert!(!closed, "a closed connection speaks: {output:?}");
            match output {
                Output::Send(frame) => drop(ToDevice::decode(&frame).unwrap()),
                Output::Close { .. } => closed = true,
                Output::Inbound(_) => inbound += 1,
            }
        }
    }
    assert!(inbound <= 2 * frames.len());
    inbound > 0 && !closed
}
