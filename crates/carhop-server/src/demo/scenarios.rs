//! Every scenario of the demo, as one table: what goes wrong, what people do, and what the audit must contain in the end.
//! It is reviewed like code. `carhop demo --list` prints it.
//!
//! A stop that ends otherwise fails the demo; then the product is mended, not this table.

use std::fmt::Write;

use carhop_kernel::device::DeviceClass;
use carhop_kernel::reason::Reason as R;
use carhop_kernel::session::{Exception as X, LegStateKind as L, RevocationCause};

use super::scenario::{End, Ending, FuelGiven, Legs, Place, Scenario, Step, told};
use crate::device::fault::Fault;

/// All goes well.
pub(crate) static HAPPY: [Scenario; 3] = [ALL_WELL, GROCERIES, FUEL_ONLY];

const ALL_WELL: Scenario = Scenario {
    name: "all well",
    story: "Groceries into the trunk, then fuel.",
    legs: Legs::Both,
    fault: None,
    place: Place::Either,
    window_ms: 60 * 60 * 1000,
    way: TO_THE_CAR,
    at_the_car: &[SHOW, LOAD, FUEL],
    end: DONE,
};
const GROCERIES: Scenario = Scenario {
    name: "groceries only",
    story: "Groceries into the trunk.",
    legs: Legs::Goods,
    at_the_car: &[SHOW, LOAD, &[Step::AwaitEnd]],
    end: End { legs: &[L::Secured], fuel: FuelGiven::None, ..DONE },
    ..ALL_WELL
};
const FUEL_ONLY: Scenario = Scenario {
    name: "fuel only",
    story: "Fuel into the tank.",
    legs: Legs::Fuel,
    at_the_car: &[SHOW, FUEL],
    end: End { legs: &[L::Settled], openings: 0, ..DONE },
    ..ALL_WELL
};

/// Where positions alone do not show the place; recorded trips have it as well.
pub(crate) static FENCE_UNCERTAIN: Scenario = UNCERTAIN;

const UNCERTAIN: Scenario = Scenario {
    name: "fence uncertain",
    story: "The phone knows no better than a hundred metres where it is, until the tag at the bay is scanned.",
    place: Place::Tag,
    way: &[
        Step::Approve,
        Step::Assign,
        Step::ComeBlurred,
        Step::ReadPlate,
        Step::Refused(&Step::Arrive),
        Step::ScanTag,
        Step::Arrive,
    ],
    end: End { refused: &[(R::PlaceUncertain, 1)], ..GROCERIES.end },
    ..GROCERIES
};

/// Something goes wrong.
pub(crate) static MISHAPS: [Scenario; 24] = [
    UNCERTAIN,
    Scenario {
        name: "code mistyped",
        story: "The driver types a wrong code, then the right one.",
        at_the_car: &[&[Step::ShowCode, Step::Refused(&Step::Mistype), Step::Present], LOAD, FUEL],
        end: End { refused: &[(R::CodeWrong, 1)], ..DONE },
        ..ALL_WELL
    },
    Scenario {
        name: "code guessed",
        story: "Six wrong codes, then the right one, which five wrong ones have killed; a fresh code works.",
        at_the_car: &[
            &[
                Step::ShowCode,
                Step::Refused(&Step::Mistype),
                Step::Refused(&Step::Mistype),
                Step::Refused(&Step::Mistype),
                Step::Refused(&Step::Mistype),
                Step::Refused(&Step::Mistype),
                Step::Refused(&Step::Mistype),
                Step::Refused(&Step::Present),
            ],
            SHOW,
            LOAD,
            FUEL,
        ],
        end: End { refused: &[(R::CodeWrong, 5), (R::CodeAttemptsExhausted, 2)], ..DONE },
        ..ALL_WELL
    },
    Scenario {
        name: "code replayed",
        story: "The driver presents the code a second time after it was used.",
        at_the_car: &[SHOW, &[Step::Refused(&Step::Present)], LOAD, FUEL],
        end: End { refused: &[(R::CodeSpent, 1)], ..DONE },
        ..ALL_WELL
    },
    Scenario {
        name: "code raced",
        story: "The right code is presented 64 times at the same moment; it counts once.",
        at_the_car: &[&[Step::ShowCode, Step::RacePresent(64)], LOAD, FUEL],
        end: End { refused: &[(R::CodeSpent, 9), (R::CodeAttemptsExhausted, 54)], ..DONE },
        ..ALL_WELL
    },
    Scenario {
        name: "code forwarded",
        story: "Somebody forwards a picture of another stop's code; it opens nothing here.",
        at_the_car: &[SHOW_FORWARDED, SHOW, LOAD, FUEL],
        end: End { refused: &[(R::CodeWrong, 1)], ..DONE },
        ..ALL_WELL
    },
    Scenario {
        name: "two drivers",
        story: "Dispatch gives the stop to another driver at the car; both race, and the first one has lost it.",
        at_the_car: &[
            &[Step::ChangeDriver, Step::Come, Step::ReadPlate, Step::Arrive],
            &[Step::ShowCode, Step::RaceDrivers],
            LOAD,
            FUEL,
        ],
        end: End { events: &[("driver.reassigned", 1)], ..DONE },
        ..ALL_WELL
    },
    Scenario {
        name: "handset revoked",
        story: "The driver's handset is revoked at the car; another driver comes, and somebody of the staff has looked.",
        at_the_car: &[
            &[Step::ShowCode, Step::RevokeHandset, Step::Refused(&Step::Present)],
            &[Step::ChangeDriver, Step::StaffLooks, Step::Come, Step::ReadPlate, Step::Arrive],
            SHOW,
            LOAD,
            FUEL,
        ],
        end: End {
            events: &[("driver.reassigned", 1), ("session.held", 1), ("session.resumed", 1)],
            ..DONE
        },
        ..ALL_WELL
    },
    Scenario {
        name: "car moved before",
        story: "The car drives off before anything is released; what was approved is void and done anew.",
        at_the_car: &[
            SHOW,
            &[Step::DriveOff, Step::Refused(&Step::Open), Step::Rebind, Step::Assign],
            &[Step::Come, Step::ReadPlate, Step::Arrive],
            SHOW,
            LOAD,
            FUEL,
        ],
        end: End { events: &[("binding.voided", 1)], ..DONE },
        ..ALL_WELL
    },
    Scenario {
        name: "car moved between",
        story: "The car drives off between the decision and the unlock; nothing opens, and the staff ends it.",
        fault: Some((DeviceClass::Lock, Fault::Deaf)),
        at_the_car: &[
            SHOW,
            &[Step::Refused(&Step::OpenAndDriveOff), Step::Refused(&Step::Open), Step::StaffLooks],
            &[Step::Refused(&Step::Open), Step::Revoke],
        ],
        end: End {
            phase: Ending::Revoked(RevocationCause::StaffEnded),
            legs: &[L::Pending, L::Pending],
            openings: 0,
            fuel: FuelGiven::None,
            refused: &[(R::ManualHold, 1)],
            exceptions: &[(X::VehicleMoved, 1)],
            events: &[
                ("release.unconfirmed", 1),
                ("release.not_executed", 1),
                ("session.held", 1),
                ("session.resumed", 1),
                ("binding.voided", 1),
            ],
        },
        ..ALL_WELL
    },
    Scenario {
        name: "amended on the way",
        story: "The store changes the order while the driver is on the way; the customer approves anew.",
        way: &[
            Step::Approve,
            Step::Assign,
            Step::Amend,
            Step::Approve,
            Step::Assign,
            Step::Come,
            Step::ReadPlate,
            Step::Arrive,
        ],
        end: End { events: &[("order.amended", 1)], ..DONE },
        ..ALL_WELL
    },
    Scenario {
        name: "amended at the car",
        story: "The store changes the order while the code is shown; that code opens nothing any more.",
        at_the_car: &[
            &[Step::ShowCode, Step::Amend, Step::Approve, Step::Assign],
            &[Step::Come, Step::ReadPlate, Step::Arrive, Step::Refused(&Step::Present)],
            SHOW,
            LOAD,
            FUEL,
        ],
        end: End { refused: &[(R::OrderChanged, 1)], events: &[("order.amended", 1)], ..DONE },
        ..ALL_WELL
    },
    Scenario {
        name: "customer stops it",
        story: "The customer stops it all when the trunk is loaded; the pump stays shut.",
        at_the_car: &[SHOW, LOAD, &[Step::CustomerStops, Step::Refused(&Step::Fuel)]],
        end: End {
            phase: Ending::Revoked(RevocationCause::CustomerStopped),
            legs: &[L::Secured, L::Pending],
            fuel: FuelGiven::None,
            refused: &[(R::SessionClosed, 1)],
            ..DONE
        },
        ..ALL_WELL
    },
    Scenario {
        name: "window closes",
        story: "The driver is too late: the window closes before anything is released.",
        window_ms: 15_000,
        way: &[Step::Approve, Step::Assign, Step::OutlastWindow, Step::AwaitEnd],
        at_the_car: &[],
        end: End {
            phase: Ending::Expired,
            legs: &[L::Pending, L::Pending],
            openings: 0,
            fuel: FuelGiven::None,
            ..DONE
        },
        ..ALL_WELL
    },
    Scenario {
        name: "lock jammed",
        story: "The bolt does not move; the groceries are not delivered, the fuel is.",
        fault: Some((DeviceClass::Lock, Fault::Jammed)),
        at_the_car: &[SHOW, &[Step::Refused(&Step::Open)], FUEL],
        end: End {
            phase: Ending::CompletedInPart,
            legs: &[L::Failed, L::Settled],
            openings: 0,
            exceptions: &[(X::LockJammed, 1)],
            ..DONE
        },
        ..ALL_WELL
    },
    Scenario {
        name: "lock silent",
        story: "The lock opens and nobody hears of it, until it is asked: opened once, never told to open again.",
        fault: Some((DeviceClass::Lock, Fault::Mute)),
        end: End { events: &[("release.unconfirmed", 1)], ..DONE },
        ..ALL_WELL
    },
    Scenario {
        name: "command lost",
        story: "The command to open gets lost; only the lock's signed word that it never opened allows another.",
        fault: Some((DeviceClass::Lock, Fault::Deaf)),
        at_the_car: &[SHOW, &[Step::Refused(&Step::Open)], LOAD, FUEL],
        end: End { events: &[("release.unconfirmed", 1), ("release.not_executed", 1)], ..DONE },
        ..ALL_WELL
    },
    Scenario {
        name: "lock left open",
        story: "Nobody closes the trunk for a minute and a half; somebody is told, and then it is closed.",
        place: Place::Tag,
        at_the_car: &[
            SHOW,
            &[Step::Open, Step::LeaveOpen(95_000), Step::Load, Step::Confirm],
            FUEL,
        ],
        end: End { exceptions: &[(X::LeftOpen, 1)], ..DONE },
        ..ALL_WELL
    },
    Scenario {
        name: "meter runs back",
        story: "The meter counts backwards; the pump stops, the highest signed reading is settled, somebody looks.",
        fault: Some((DeviceClass::Pump, Fault::MeterBackwards)),
        end: End {
            fuel: FuelGiven::Some,
            exceptions: &[(X::MeterFaulty, 1)],
            events: &[("session.held", 1)],
            ..DONE
        },
        ..ALL_WELL
    },
    Scenario {
        name: "stop lost",
        story: "The pump's valve closes and does not say so; what was metered is settled, somebody looks.",
        fault: Some((DeviceClass::Pump, Fault::StopLost)),
        end: End { exceptions: &[(X::MeterFaulty, 1)], events: &[("session.held", 1)], ..DONE },
        ..ALL_WELL
    },
    Scenario {
        name: "pump spills",
        story: "Spilt fuel trips an interlock; what was metered until then is settled.",
        fault: Some((DeviceClass::Pump, Fault::Spill)),
        end: End { fuel: FuelGiven::Some, exceptions: &[(X::InterlockTripped, 1)], ..DONE },
        ..ALL_WELL
    },
    Scenario {
        name: "reports repeated",
        story: "Everything the pump says arrives a hundred times; it is settled once.",
        fault: Some((DeviceClass::Pump, Fault::Echo)),
        ..ALL_WELL
    },
    Scenario {
        name: "policies replaced",
        story: "With the trunk loaded, stricter policies come into force: the pump stays shut until they are gone again.",
        at_the_car: &[
            SHOW,
            LOAD,
            &[Step::TightenPolicies, Step::Refused(&Step::Fuel), Step::RelaxPolicies],
            FUEL,
        ],
        end: End { refused: &[(R::RungTooLow, 1)], ..DONE },
        ..ALL_WELL
    },
    Scenario {
        name: "opened by nobody",
        story: "Somebody opens the trunk with a key of his own; nothing allowed that, and nothing goes on unseen.",
        at_the_car: &[
            SHOW,
            LOAD,
            &[Step::UseKey, Step::Refused(&Step::Fuel), Step::StaffLooks],
            FUEL,
        ],
        end: End {
            openings: 2,
            refused: &[(R::ManualHold, 1)],
            exceptions: &[(X::OpenedWithoutLeave, 1)],
            events: &[("session.held", 1), ("session.resumed", 1)],
            ..DONE
        },
        ..ALL_WELL
    },
];

/// Every scenario.
pub(crate) fn all() -> impl Iterator<Item = &'static Scenario> {
    HAPPY.iter().chain(&MISHAPS)
}

/// The scenario of this name.
pub(crate) fn named(name: &str) -> Option<&'static Scenario> {
    all().find(|scenario| scenario.name == name)
}

/// The table for people at a terminal.
pub(crate) fn list() -> String {
    let mut text = String::new();
    for scenario in all() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", scenario.name);
        for line in wrapped(scenario.story) {
            let _ = writeln!(text, "    {line}");
        }
        if let Some(fault) = fault(scenario) {
            let _ = writeln!(text, "    the {fault}");
        }
        for (number, line) in wrapped(&told(&scenario.expected(None))).iter().enumerate() {
            let _ = writeln!(text, "    {} {line}", if number == 0 { "→" } else { " " });
        }
    }
    text
}

/// The same as Markdown.
pub(crate) fn markdown() -> String {
    let mut text = MARKDOWN_HEAD.to_owned();
    for scenario in all() {
        let (name, story, end) = (scenario.name, scenario.story, told(&scenario.expected(None)));
        let fault = fault(scenario).map_or_else(String::new, |fault| format!(" (the {fault})"));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {name} | {story}{fault} | {end} |");
    }
    text
}

fn fault(scenario: &Scenario) -> Option<String> {
    let (class, fault) = scenario.fault?;
    Some(format!("{} runs with `--fault {}`", class.name(), fault.name()))
}

/// Lines that fit a narrow terminal.
pub(crate) fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= LINE_LENGTH => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

const TO_THE_CAR: &[Step] =
    &[Step::Approve, Step::Assign, Step::Come, Step::ReadPlate, Step::Arrive];
const SHOW: &[Step] = &[Step::ShowCode, Step::Present];
const SHOW_FORWARDED: &[Step] = &[Step::ShowCode, Step::Refused(&Step::PresentForwarded)];
const LOAD: &[Step] = &[Step::Open, Step::Load, Step::Confirm];
const FUEL: &[Step] = &[Step::Fuel, Step::AwaitEnd];

/// All of it, and nothing else.
const DONE: End = End {
    phase: Ending::Completed,
    legs: &[L::Secured, L::Settled],
    openings: 1,
    fuel: FuelGiven::Wanted,
    refused: &[],
    exceptions: &[],
    events: &[],
};

const LINE_LENGTH: usize = 72;
const MARKDOWN_HEAD: &str = "# Scenarios of the demo\n\n\
    Made by `carhop docs` from the table in `crates/carhop-server/src/demo/scenarios.rs`. What stands in the last\n\
    column is read back from the audit log of every run.\n\n\
    | scenario | what happens | what the audit must contain |\n| --- | --- | --- |\n";
