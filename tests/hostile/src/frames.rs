//! The frames between device and gateway, and the CBOR under every signed format.

use carhop_kernel::id::CommandId;
use carhop_proofs::cbor::{self, CborError, Reader};
use carhop_proofs::frame::{FRAME_LENGTH_MAX, FarewellCode, FromDevice, Position, ToDevice};

use crate::signed::statements;
use crate::{Cost, Target};

/// The targets of this module.
pub const TARGETS: &[&Target] = &[
    &Target { name: "cbor", seeds: items, law: item, cost: Cost::SMALL },
    &Target { name: "frame", seeds: frames, law: frame, cost: Cost::SMALL },
];

fn items() -> Vec<Vec<u8>> {
    let mut items = frames();
    items.extend(statements());
    items.push(vec![0xa2, 0x01, 0x83, 0xf4, 0xf6, 0x20, 0x20, 0xd2, 0x61, b'x']);
    items
}

/// One item and nothing more: no beginning of it and no continuation is one too, and a reader that passes
/// over it is at the end.
fn item(input: &[u8]) -> bool {
    let checked = cbor::check(input, FRAME_LENGTH_MAX);
    assert!(input.len() <= FRAME_LENGTH_MAX || checked == Err(CborError::TooLong));
    if checked.is_err() {
        assert!(Reader::new(input, FRAME_LENGTH_MAX).is_err());
        return false;
    }
    let mut reader = Reader::new(input, FRAME_LENGTH_MAX).unwrap();
    assert_eq!(reader.skip(), Ok(input));
    assert!(reader.finish().is_ok());
    assert!(cbor::check(&input[..input.len() - 1], FRAME_LENGTH_MAX).is_err());
    assert!(cbor::check(&[input, &[0]].concat(), FRAME_LENGTH_MAX).is_err());
    true
}

fn to_device() -> Vec<ToDevice> {
    let (command, through) =
        (CommandId::from_bytes([1; 16]), Position { boot_epoch: 3, sequence: 9 });
    vec![
        ToDevice::Welcome { challenge: [7; 32], acknowledged: None },
        ToDevice::Welcome { challenge: [7; 32], acknowledged: Some(through) },
        ToDevice::Time { cose: vec![1, 2] },
        ToDevice::Command { cose: vec![] },
        ToDevice::Query { command },
        ToDevice::Acknowledge { through },
        ToDevice::Challenge { challenge: [0; 32] },
        ToDevice::Ping,
        ToDevice::Farewell { code: FarewellCode::Revoked },
    ]
}

/// One frame of every kind that a device sends.
pub fn from_device() -> Vec<FromDevice> {
    vec![
        FromDevice::Hello { boot_epoch: 3, clock_nonce: [8; 16], next_sequence: 10 },
        FromDevice::AskTime { nonce: [9; 16] },
        FromDevice::Attestation { eat: vec![1, 2, 3] },
        FromDevice::Statement { cose: statements().swap_remove(0) },
        FromDevice::Unknown { command: CommandId::from_bytes([2; 16]) },
        FromDevice::Pong,
    ]
}

fn frames() -> Vec<Vec<u8>> {
    let down = to_device();
    let up = from_device();
    down.iter().map(ToDevice::encode).chain(up.iter().map(FromDevice::encode)).collect()
}

/// A frame is written back to the same bytes, and no bytes are one in both directions.
fn frame(input: &[u8]) -> bool {
    let (down, up) = (ToDevice::decode(input), FromDevice::decode(input));
    if let Ok(down) = &down {
        assert_eq!(down.encode(), input);
        assert!(up.is_err(), "a reflected frame is understood");
    }
    if let Ok(up) = &up {
        assert_eq!(up.encode(), input);
    }
    down.is_ok() || up.is_ok()
}

/// Writes frames so that [`heard`] takes them apart again.
pub fn said(frames: &[Vec<u8>]) -> Vec<u8> {
    let length = |frame: &[u8]| u16::try_from(frame.len()).unwrap().to_be_bytes();
    frames.iter().flat_map(|frame| [&length(frame)[..], frame].concat()).collect()
}

/// The frames in `input`; a length beyond the end is cut to it.
pub fn heard(mut input: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while let Some((length, rest)) = input.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length)).min(rest.len());
        let (frame, rest) = rest.split_at(length);
        frames.push(frame.to_vec());
        input = rest;
    }
    frames
}
