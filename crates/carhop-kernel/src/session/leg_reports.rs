//! What the physical world may do to a leg, as two data tables: the reports that move it, and those that raise an
//! exception. A report in any other state repeats what is known and changes nothing. `observe` is held to both by tests.

use super::event::Exception;
use super::leg::{LegKind, LegStateKind};

/// One row for a report that moves a leg.
#[derive(Clone, Copy, Debug)]
pub struct LegReport {
    /// What is reported.
    pub report: &'static str,
    /// About which kind of leg.
    pub legs: &'static [LegKind],
    /// States in which it is expected.
    pub from: &'static [LegStateKind],
    /// The state after it.
    pub to: LegStateKind,
}

/// One row for a report that somebody must look at, whether it moves a leg or not.
#[derive(Clone, Copy, Debug)]
pub struct Alarm {
    /// What is reported.
    pub report: &'static str,
    /// About which kind of leg.
    pub legs: &'static [LegKind],
    /// In which states.
    pub from: &'static [LegStateKind],
    /// What is raised.
    pub raises: Exception,
    /// Whether it also holds the session until somebody has looked.
    pub holds: bool,
}

use LegStateKind as L;

const GOODS: &[LegKind] = &[LegKind::Goods];
const FUEL: &[LegKind] = &[LegKind::Fuel];
const BOTH: &[LegKind] = LegKind::ALL;
/// Where a command may have left and nothing is known about it. What a device did under it resolves that, even if the
/// report of its beginning was lost.
const AWAITED: &[L] = &[L::Commanded, L::Indeterminate];
const RUNNING: &[L] = &[L::Commanded, L::Indeterminate, L::Dispensing];
/// Where the end of a dispensing is still news.
const UNSETTLED: &[L] = &[L::Commanded, L::Indeterminate, L::Dispensing, L::TakenOver];

/// Every report that moves a leg.
pub const LEG_REPORTS: &[LegReport] = &[
    LegReport { report: "lock_opened", legs: GOODS, from: AWAITED, to: L::Open },
    LegReport { report: "lock_locked", legs: GOODS, from: &[L::Open], to: L::Open },
    LegReport { report: "lock_locked", legs: GOODS, from: &[L::Transferred], to: L::Secured },
    LegReport { report: "lock_jammed", legs: GOODS, from: AWAITED, to: L::Failed },
    LegReport { report: "pump_armed", legs: FUEL, from: AWAITED, to: L::Dispensing },
    LegReport { report: "meter_advanced", legs: FUEL, from: RUNNING, to: L::Dispensing },
    LegReport { report: "dispensing_ended", legs: FUEL, from: UNSETTLED, to: L::Settled },
    LegReport { report: "nothing_dispensed", legs: FUEL, from: RUNNING, to: L::Failed },
    LegReport { report: "not_sent", legs: GOODS, from: &[L::Released], to: L::Pending },
    LegReport { report: "not_sent", legs: FUEL, from: &[L::Authorised], to: L::Pending },
    LegReport { report: "abandoned", legs: GOODS, from: &[L::Released], to: L::Pending },
    LegReport { report: "abandoned", legs: FUEL, from: &[L::Authorised], to: L::Pending },
    LegReport {
        report: "not_executed",
        legs: GOODS,
        from: &[L::Released, L::Commanded, L::Indeterminate],
        to: L::Pending,
    },
    LegReport {
        report: "not_executed",
        legs: FUEL,
        from: &[L::Authorised, L::Commanded, L::Indeterminate],
        to: L::Pending,
    },
    LegReport { report: "silence", legs: BOTH, from: &[L::Commanded], to: L::Indeterminate },
];

/// Every report about a leg that raises an exception while the session is active. After its end, what begins under a
/// command raises [`Exception::OpenedAfterEnd`] as well.
pub const ALARMS: &[Alarm] = &[
    Alarm {
        report: "lock_opened",
        legs: GOODS,
        from: &[L::Pending, L::Released, L::Failed],
        raises: Exception::OpenedWithoutLeave,
        holds: true,
    },
    Alarm {
        report: "lock_opened",
        legs: FUEL,
        from: LegKind::Fuel.states(),
        raises: Exception::OpenedWithoutLeave,
        holds: true,
    },
    Alarm {
        report: "lock_jammed",
        legs: GOODS,
        from: &[L::Commanded, L::Indeterminate, L::Open, L::Transferred],
        raises: Exception::LockJammed,
        holds: false,
    },
    Alarm {
        report: "abandoned",
        legs: GOODS,
        from: &[L::Released],
        raises: Exception::CommandAbandoned,
        holds: false,
    },
    Alarm {
        report: "abandoned",
        legs: FUEL,
        from: &[L::Authorised],
        raises: Exception::CommandAbandoned,
        holds: false,
    },
    Alarm {
        report: "overdue",
        legs: GOODS,
        from: &[L::Open, L::Transferred],
        raises: Exception::LeftOpen,
        holds: false,
    },
    Alarm {
        report: "unconfirmed",
        legs: GOODS,
        from: &[L::Open],
        raises: Exception::TransferUnconfirmed,
        holds: false,
    },
    Alarm {
        report: "overdue",
        legs: FUEL,
        from: &[L::Dispensing],
        raises: Exception::MeterSilent,
        holds: true,
    },
    Alarm {
        report: "given_up",
        legs: BOTH,
        from: &[L::Indeterminate],
        raises: Exception::OutcomeUnknown,
        holds: false,
    },
    Alarm {
        report: "dispensing_ended",
        legs: FUEL,
        from: &[L::TakenOver],
        raises: Exception::SettledAfterTakeover,
        holds: false,
    },
    Alarm {
        report: "given_up",
        legs: FUEL,
        from: &[L::Dispensing],
        raises: Exception::OutcomeUnknown,
        holds: false,
    },
    flow("meter_advanced", FUEL, &[L::Pending, L::Authorised, L::Failed]),
    flow("meter_advanced", GOODS, LegKind::Goods.states()),
    flow("dispensing_ended", FUEL, &[L::Pending, L::Authorised, L::Failed]),
    flow("dispensing_ended", GOODS, LegKind::Goods.states()),
];

const fn flow(report: &'static str, legs: &'static [LegKind], from: &'static [L]) -> Alarm {
    Alarm { report, legs, from, raises: Exception::FlowWithoutLeave, holds: true }
}
