//! The line between a device and its gateway, with what can be wrong with it.
//!
//! It judges nothing that it carries; frames get lost or repeated, as on any wire.

use carhop_proofs::frame::{FromDevice, ToDevice};

use super::fault::Fault;

/// A line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    fault: Option<Fault>,
    /// Whether nothing that the device states gets through.
    is_mute: bool,
}

impl Line {
    /// A line with a fault, or with none.
    pub(crate) const fn new(fault: Option<Fault>) -> Self {
        Self { fault, is_mute: false }
    }

    /// Whether a frame gets through to the device.
    pub(crate) fn lets_in(&mut self, frame: &[u8]) -> bool {
        match (self.fault, ToDevice::decode(frame)) {
            (Some(Fault::Mute), Ok(ToDevice::Command { .. })) => self.is_mute = true,
            (Some(Fault::Mute), Ok(ToDevice::Query { .. })) => *self = Self::new(None),
            (Some(Fault::Deaf), Ok(ToDevice::Command { .. })) => {
                *self = Self::new(None);
                return false;
            }
            (_, _) => {}
        }
        true
    }

    /// How often a frame of the device arrives.
    pub(crate) fn copies(self, frame: &[u8]) -> usize {
        let is_statement = matches!(FromDevice::decode(frame), Ok(FromDevice::Statement { .. }));
        match self.fault {
            Some(_) if !is_statement => 1,
            Some(Fault::Mute) if self.is_mute => 0,
            Some(Fault::Echo) => COPIES,
            Some(
                Fault::Mute
                | Fault::Deaf
                | Fault::Jammed
                | Fault::Ajar
                | Fault::Spill
                | Fault::MeterBackwards
                | Fault::MeterLeaps
                | Fault::StopLost,
            )
            | None => 1,
        }
    }
}

/// How often a repeated report arrives.
const COPIES: usize = 100;

#[cfg(test)]
mod tests {
    use carhop_kernel::id::CommandId;

    use super::*;

    fn command() -> Vec<u8> {
        ToDevice::Command { cose: vec![1] }.encode()
    }

    fn query() -> Vec<u8> {
        ToDevice::Query { command: CommandId::from_bytes([1; 16]) }.encode()
    }

    fn statement() -> Vec<u8> {
        FromDevice::Statement { cose: vec![1] }.encode()
    }

    #[test]
    fn a_mute_line_loses_statements_from_the_first_command_until_a_query() {
        let mut line = Line::new(Some(Fault::Mute));
        assert_eq!(line.copies(&statement()), 1);
        assert!(line.lets_in(&command()));
        assert_eq!((line.copies(&statement()), line.copies(&FromDevice::Pong.encode())), (0, 1));
        assert!(line.lets_in(&query()));
        assert!(line.lets_in(&command()));
        assert_eq!(line.copies(&statement()), 1);
    }

    #[test]
    fn a_deaf_line_loses_one_command() {
        let mut line = Line::new(Some(Fault::Deaf));
        assert_eq!([line.lets_in(&command()), line.lets_in(&command())], [false, true]);
    }

    #[test]
    fn an_echoing_line_repeats_statements_alone() {
        let line = Line::new(Some(Fault::Echo));
        assert_eq!(line.copies(&statement()), COPIES);
        assert_eq!(line.copies(&FromDevice::Pong.encode()), 1);
        assert_eq!(Line::new(None).copies(&statement()), 1);
    }
}
