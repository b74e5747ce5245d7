//! What a pump's meter says from reading to reading, and when it cannot be believed (M-ACT-3; standards §8.9, §8.10).
//!
//! It settles nothing: what is settled is what the meter showed at the end, in doubt as well, and somebody looks.

use carhop_kernel::id::CommandId;
use carhop_kernel::session::MeterDoubt;
use carhop_proofs::statement::{EndReason, Reading, ReadingKind};

use crate::records::Metering;

/// Everything that speaks against a reading, given the last one of the same pump.
pub(crate) fn doubts(
    command: CommandId,
    reading: &Reading,
    last: Option<&Metering>,
) -> Vec<MeterDoubt> {
    let same = last.filter(|last| last.command == command);
    let other = last.filter(|last| last.command != command);
    let missing = reading.number != same.map_or(0, |last| last.next_number)
        || other.is_some_and(|last| !last.is_ended);
    let begin_ml = reading.totaliser_ml.checked_sub(reading.metered_ml.into());
    let backwards = last.is_some_and(|last| reading.totaliser_ml < last.totaliser_ml)
        || same.is_some_and(|last| reading.metered_ml < last.metered_ml)
        || other.is_some_and(|last| begin_ml.is_some_and(|begin| begin < last.totaliser_ml));
    let adds_up = begin_ml.is_some() && same.is_none_or(|last| begin_ml == Some(last.begin_ml));
    let gave_up = reading.kind == ReadingKind::End(EndReason::Fault);
    let goes_on = same.is_some_and(|last| last.is_ended);
    let moved = other.is_some_and(|last| begin_ml.is_some_and(|begin| begin > last.totaliser_ml));
    let found = [
        (missing, MeterDoubt::Gap),
        (backwards, MeterDoubt::Backwards),
        (gave_up || goes_on || (!adds_up && !backwards), MeterDoubt::Faulty),
        (moved, MeterDoubt::Unaccounted),
    ];
    found.into_iter().filter_map(|(applies, doubt)| applies.then_some(doubt)).collect()
}

/// What is remembered of a pump's meter after a reading.
pub(crate) fn metering(command: CommandId, reading: &Reading) -> Metering {
    Metering {
        command,
        next_number: reading.number.saturating_add(1),
        begin_ml: reading.totaliser_ml.saturating_sub(reading.metered_ml.into()),
        totaliser_ml: reading.totaliser_ml,
        metered_ml: reading.metered_ml,
        is_ended: matches!(reading.kind, ReadingKind::End(_)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ReadingKind::{Begin, Charge, End};

    const RAN: CommandId = CommandId::from_bytes([1; 16]);
    const NEXT: CommandId = CommandId::from_bytes([2; 16]);

    fn reading(number: u32, kind: ReadingKind, totaliser_ml: u64, metered_ml: u32) -> Reading {
        Reading { number, kind, totaliser_ml, metered_ml }
    }

    #[test]
    fn each_way_in_which_a_meter_cannot_be_believed_has_its_name() {
        let running = metering(RAN, &reading(3, Charge, 1_500, 500));
        let ended = metering(RAN, &reading(4, End(EndReason::Finished), 1_600, 600));
        for (what, last, command, reading, expected) in [
            ("the next reading", running, RAN, reading(4, Charge, 1_600, 600), &[][..]),
            ("the end", running, RAN, reading(4, End(EndReason::NoFlow), 1_500, 500), &[]),
            ("the next dispensing", ended, NEXT, reading(0, Begin, 1_600, 0), &[]),
            ("a missing reading", running, RAN, reading(5, Charge, 1_700, 700), &[MeterDoubt::Gap]),
            ("a repeated number", running, RAN, reading(3, Charge, 1_700, 700), &[MeterDoubt::Gap]),
            ("a missing end", running, NEXT, reading(0, Begin, 1_500, 0), &[MeterDoubt::Gap]),
            (
                "less than before",
                running,
                RAN,
                reading(4, Charge, 1_400, 400),
                &[MeterDoubt::Backwards],
            ),
            (
                "an earlier beginning",
                ended,
                NEXT,
                reading(0, Begin, 1_599, 0),
                &[MeterDoubt::Backwards],
            ),
            (
                "flow in between",
                ended,
                NEXT,
                reading(0, Begin, 1_601, 0),
                &[MeterDoubt::Unaccounted],
            ),
            ("another sum", running, RAN, reading(4, Charge, 1_600, 590), &[MeterDoubt::Faulty]),
            (
                "more than it ever counted",
                running,
                RAN,
                reading(4, Charge, 1_600, 1_601),
                &[MeterDoubt::Faulty],
            ),
            (
                "a fault",
                running,
                RAN,
                reading(4, End(EndReason::Fault), 1_600, 600),
                &[MeterDoubt::Faulty],
            ),
            (
                "more after the end",
                ended,
                RAN,
                reading(5, Charge, 1_700, 700),
                &[MeterDoubt::Faulty],
            ),
        ] {
            assert_eq!(doubts(command, &reading, Some(&last)), expected, "{what}");
        }
        assert_eq!(doubts(RAN, &reading(0, Begin, 77, 0), None), []);
        assert_eq!(doubts(RAN, &reading(1, Charge, 77, 7), None), [MeterDoubt::Gap]);
    }
}
