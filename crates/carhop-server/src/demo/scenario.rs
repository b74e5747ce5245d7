//! What a scenario is: what goes wrong, what people do, and what the audit must contain at the end.
//!
//! The scenarios themselves stand in `scenarios`, as one table; who plays them is `stop`.

use std::collections::BTreeMap;
use std::fmt::Write;

use carhop_kernel::device::DeviceClass;
use carhop_kernel::reason::Reason;
use carhop_kernel::session::{Exception, LegStateKind, Outcome, Phase, PhaseKind, RevocationCause};

use super::plan::{PlaceShown, Plan};
use super::view::litres;
use crate::device::fault::Fault;

/// One way in which a stop can go.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// Its name.
    pub(crate) name: &'static str,
    /// What happens, in one plain sentence.
    pub(crate) story: &'static str,
    /// What is to be delivered.
    pub(crate) legs: Legs,
    /// What is wrong with the lock or the pump: `carhop device run --fault …`.
    pub(crate) fault: Option<(DeviceClass, Fault)>,
    /// How the driver's place is shown.
    pub(crate) place: Place,
    /// How long the order may be served, in milliseconds.
    pub(crate) window_ms: u64,
    /// What people do until the driver has arrived at the car.
    pub(crate) way: &'static [Step],
    /// What people do from then on.
    pub(crate) at_the_car: &'static [&'static [Step]],
    /// How it must end.
    pub(crate) end: End,
}

/// What a stop delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Legs {
    /// Groceries into the trunk, then fuel.
    Both,
    /// Groceries alone.
    Goods,
    /// Fuel alone.
    Fuel,
}

/// How the driver's place may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// As the dice say: by the fence, or by the tag at the venue.
    Either,
    /// By the tag.
    Tag,
}

/// Something that somebody does, always through the public interface, or with bare hands at a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The customer is verified, names the car and approves the intent.
    Approve,
    /// Dispatch gives the stop to the driver, whose handset is vouched for first.
    Assign,
    /// The driver drives in and stands, until the fence says *inside*, or for a moment where a tag will show the place.
    Come,
    /// The driver's phone knows no better than a hundred metres where it is.
    ComeBlurred,
    /// The driver scans the tag at the venue.
    ScanTag,
    /// The driver reads the plate.
    ReadPlate,
    /// The driver reports arrival.
    Arrive,
    /// The customer's phone shows a fresh code.
    ShowCode,
    /// The driver presents it.
    Present,
    /// The driver types other digits.
    Mistype,
    /// The driver presents it so often at the same moment, and one of them counts.
    RacePresent(usize),
    /// The driver releases the trunk, which opens.
    Open,
    /// The driver puts the goods in and closes the trunk.
    Load,
    /// The driver confirms that the goods are inside.
    Confirm,
    /// The driver releases the pump, and the tank is filled until the pump ends.
    Fuel,
    /// The driver presents a picture of another stop's code.
    PresentForwarded,
    /// Dispatch gives the stop to another driver, with another handset; the former one stays around.
    ChangeDriver,
    /// Both drivers present the code at the same moment, and only the one who has the stop gets in.
    RaceDrivers,
    /// The fleet takes the driver's handset out of service.
    RevokeHandset,
    /// The customer drives off: the phone in the car reports it elsewhere.
    DriveOff,
    /// The driver releases the trunk, and before its lock has answered the customer drives off.
    OpenAndDriveOff,
    /// The customer states the car anew and approves the new intent.
    Rebind,
    /// Nobody closes the trunk for so long, in milliseconds.
    LeaveOpen(u64),
    /// Somebody of the staff ends the stop.
    Revoke,
    /// The store puts something else into the order.
    Amend,
    /// The customer stops it all.
    CustomerStops,
    /// Somebody opens the trunk with a key of his own.
    UseKey,
    /// Somebody of the staff has looked at what froze the stop, and lifts the hold.
    StaffLooks,
    /// Head office puts policies in force that release nothing more of what this stop is worth.
    TightenPolicies,
    /// Head office takes that back.
    RelaxPolicies,
    /// Everybody waits until the window is over.
    OutlastWindow,
    /// Everybody waits until the stop has ended.
    AwaitEnd,
    /// This, and the authority refuses it.
    Refused(&'static Step),
}

/// What the audit must contain in the end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    /// Where the session is.
    pub(crate) phase: Ending,
    /// Where each leg is.
    pub(crate) legs: &'static [LegStateKind],
    /// How often the lock opened.
    pub(crate) openings: u32,
    /// What was metered and settled.
    pub(crate) fuel: FuelGiven,
    /// Refusals by their gravest reason.
    pub(crate) refused: &'static [(Reason, u32)],
    /// What somebody must look at.
    pub(crate) exceptions: &'static [(Exception, u32)],
    /// What else happened to the session, of [`NOTEWORTHY`].
    pub(crate) events: &'static [(&'static str, u32)],
}

/// Where a session is in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Every leg was done.
    Completed,
    /// Some legs were done.
    CompletedInPart,
    /// Ended before its time.
    Revoked(RevocationCause),
    /// The window closed before anything was done.
    Expired,
    /// It has not ended.
    Still(PhaseKind),
}

/// How much fuel is given in the end. Metered is settled, always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FuelGiven {
    /// None.
    None,
    /// What the tank took or the limit allowed.
    Wanted,
    /// Some, and less than was wanted.
    Some,
}

impl Legs {
    /// Whether something goes into the trunk.
    pub(crate) const fn has_goods(self) -> bool {
        matches!(self, Self::Both | Self::Goods)
    }

    /// Whether something goes into the tank.
    pub(crate) const fn has_fuel(self) -> bool {
        matches!(self, Self::Both | Self::Fuel)
    }

    const fn words(self) -> &'static [&'static str] {
        match self {
            Self::Both => &["goods", "fuel"],
            Self::Goods => &["goods"],
            Self::Fuel => &["fuel"],
        }
    }
}

impl Ending {
    /// Where a session is.
    pub(crate) const fn of(phase: &Phase) -> Self {
        match phase {
            Phase::Completed(Outcome::Full) => Self::Completed,
            Phase::Completed(Outcome::Partial) => Self::CompletedInPart,
            Phase::Revoked(why) => Self::Revoked(*why),
            Phase::Expired => Self::Expired,
            Phase::Requested
            | Phase::Verified { .. }
            | Phase::VehicleBound(_)
            | Phase::EnRoute(..)
            | Phase::Arrived(_)
            | Phase::HandoffReady(..)
            | Phase::InService(..) => Self::Still(phase.kind()),
        }
    }

    /// In plain words.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Completed => "completed".to_owned(),
            Self::CompletedInPart => "completed in part".to_owned(),
            Self::Revoked(why) => format!("revoked, {}", plain(why)),
            Self::Expired => "expired".to_owned(),
            Self::Still(phase) => format!("still {}", phase.name().replace('_', " ")),
        }
    }
}

impl FuelGiven {
    /// Whether so much was to be given, where so much was wanted.
    pub(crate) const fn holds(self, given_ml: u32, wanted_ml: u32) -> bool {
        match self {
            Self::None => given_ml == 0,
            Self::Wanted => given_ml == wanted_ml,
            Self::Some => 0 < given_ml && given_ml < wanted_ml,
        }
    }
}

/// One part of an end, in words that can be compared: its name and what is said of it.
pub(crate) type Aspects = BTreeMap<&'static str, String>;

impl Scenario {
    /// Whether most of it is waiting.
    pub(crate) fn takes_long(&self) -> bool {
        let waits = [Fault::Mute, Fault::Deaf, Fault::StopLost];
        let mut steps = self.at_the_car.iter().flat_map(|chapter| chapter.iter());
        self.fault.is_some_and(|(_, fault)| waits.contains(&fault))
            || steps.any(|step| matches!(step, Step::LeaveOpen(_)))
    }

    /// What the audit must contain, part by part; `None` stands for any stop of this kind.
    pub(crate) fn expected(&self, plan: Option<&Plan>) -> Aspects {
        let End { phase, legs, openings, fuel, refused, exceptions, events } = &self.end;
        let refused = refused.iter().map(|(reason, count)| (reason.code(), *count));
        let exceptions = exceptions.iter().map(|(what, count)| (what.name(), *count));
        let mut aspects = Aspects::from([
            (END, phase.words()),
            (LEGS, leg_words(self.legs, legs)),
            (OPENINGS, openings.to_string()),
            (REFUSED, counted_words(refused)),
            (EXCEPTIONS, counted_words(exceptions)),
            (EVENTS, counted_words(events.iter().copied())),
        ]);
        if self.legs.has_fuel() {
            let given = match (fuel, plan) {
                (FuelGiven::None, _) => "none".to_owned(),
                (FuelGiven::Wanted, Some(plan)) => litre_words(plan.wanted_ml()),
                (FuelGiven::Wanted, None) => WANTED_FUEL.to_owned(),
                (FuelGiven::Some, _) => SOME_FUEL.to_owned(),
            };
            aspects.insert(FUEL, given);
        }
        if let Some(plan) = plan {
            let by = if plan.place == PlaceShown::Tag { "tag" } else { "fence" };
            let arrives = self.way.contains(&Step::Arrive);
            aspects.insert(PLACE, if arrives { by.to_owned() } else { NOTHING.to_owned() });
        }
        aspects
    }
}

/// States of legs in words.
pub(crate) fn leg_words(legs: Legs, states: &[LegStateKind]) -> String {
    let named = legs.words().iter().zip(states);
    let words: Vec<String> =
        named.map(|(leg, state)| format!("{leg} {}", state.name().replace('_', " "))).collect();
    words.join(", ")
}

/// So many of each, in words.
pub(crate) fn counted_words<'a>(counts: impl IntoIterator<Item = (&'a str, u32)>) -> String {
    let mut words = String::new();
    let sorted: BTreeMap<&str, u32> = counts.into_iter().collect();
    for (what, count) in sorted {
        let comma = if words.is_empty() { "" } else { ", " };
        let times = if count == 1 { String::new() } else { format!(" {count}x") };
        // Writing to a string cannot fail.
        let _ = write!(words, "{comma}{what}{times}");
    }
    if words.is_empty() { NOTHING.to_owned() } else { words }
}

/// Millilitres in words.
pub(crate) fn litre_words(ml: u32) -> String {
    format!("{:.3} l", litres(ml))
}

/// The whole of an end in one line; what is usual is left out.
pub(crate) fn told(aspects: &Aspects) -> String {
    let mut words = Vec::new();
    let get = |name| aspects.get(name).map_or("", String::as_str);
    words.push(get(END).to_owned());
    words.push(get(LEGS).to_owned());
    if get(OPENINGS) != "0" {
        let openings = get(OPENINGS);
        words.push(if openings == "1" {
            "1 opening".to_owned()
        } else {
            format!("{openings} openings")
        });
    }
    if !get(FUEL).is_empty() && get(FUEL) != "none" {
        words.push(get(FUEL).to_owned());
    }
    for name in [REFUSED, EXCEPTIONS, EVENTS] {
        if get(name) != NOTHING {
            words.push(format!("{name} {}", get(name)));
        }
    }
    words.join("; ")
}

fn plain(why: RevocationCause) -> &'static str {
    match why {
        RevocationCause::CustomerStopped => "the customer stopped it",
        RevocationCause::StoreCancelled => "the store cancelled it",
        RevocationCause::StaffEnded => "the staff ended it",
        RevocationCause::DeviceRevoked => "a device lost its trust",
        RevocationCause::NothingDelivered => "nothing was delivered",
    }
}

/// Events of a session that do not belong to a stop at which all goes well.
pub(crate) const NOTEWORTHY: [&str; 8] = [
    "order.amended",
    "binding.voided",
    "driver.reassigned",
    "release.unconfirmed",
    "release.not_executed",
    "session.held",
    "session.hold_eased",
    "session.resumed",
];

pub(crate) const END: &str = "end";
pub(crate) const LEGS: &str = "legs";
pub(crate) const OPENINGS: &str = "openings";
pub(crate) const FUEL: &str = "fuel";
pub(crate) const PLACE: &str = "place shown by";
pub(crate) const REFUSED: &str = "refused";
pub(crate) const EXCEPTIONS: &str = "raised";
pub(crate) const EVENTS: &str = "and";
pub(crate) const NOTHING: &str = "nothing";
/// As much fuel as was wanted.
const WANTED_FUEL: &str = "all the fuel";
/// Some fuel, and less than was wanted.
pub(crate) const SOME_FUEL: &str = "some of the fuel";
