//! How long a leg may stand in a state before somebody is told, and what is told then. Whoever keeps timers sets one for
//! it and calls it off; when a time is over is not known here.

use super::event::Exception;
use super::leg::LegState;
use crate::limits;

/// How long a leg may stand in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// How long, in milliseconds.
    pub span_ms: u64,
    /// Whether every sign of life begins it anew.
    pub is_renewed: bool,
    /// What is raised once it is over.
    pub raises: Exception,
    /// Whether the session is also held then, until somebody has looked.
    pub holds: bool,
}

/// What becomes of a leg's deadline when the leg comes from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// It stays as it is, also if there is none.
    Stays,
    /// It begins now, anew if there was one.
    Begins {
        /// How long it is, in milliseconds.
        span_ms: u64,
    },
    /// It is called off.
    Ends,
}

impl LegState {
    /// How long a leg may stand in this state: a door is to be closed, what was locked in to be confirmed, a pump that
    /// runs is to say so again.
    pub const fn deadline(&self) -> Option<Deadline> {
        match self {
            Self::Open { locked: false, .. } | Self::Transferred { .. } => Some(Deadline {
                span_ms: limits::LEFT_OPEN_MS,
                is_renewed: false,
                raises: Exception::LeftOpen,
                holds: false,
            }),
            Self::Dispensing { .. } => Some(Deadline {
                span_ms: limits::METER_SILENCE_MS_MAX,
                is_renewed: true,
                raises: Exception::MeterSilent,
                holds: true,
            }),
            Self::Open { locked: true, .. } => Some(Deadline {
                span_ms: limits::UNCONFIRMED_MS,
                is_renewed: false,
                raises: Exception::TransferUnconfirmed,
                holds: false,
            }),
            Self::Pending
            | Self::Released(_)
            | Self::Authorised(_)
            | Self::Commanded(_)
            | Self::Indeterminate(_)
            | Self::Secured
            | Self::Dispensed { .. }
            | Self::Settled { .. }
            | Self::Failed(_)
            | Self::TakenOver => None,
        }
    }
}

impl Watch {
    /// What becomes of the deadline of a leg that comes from `before` to `after`.
    pub fn of(before: &LegState, after: &LegState) -> Self {
        match (before.deadline(), after.deadline()) {
            (None, Some(new)) => Self::Begins { span_ms: new.span_ms },
            (Some(old), Some(new))
                if old.raises != new.raises || new.is_renewed && before != after =>
            {
                Self::Begins { span_ms: new.span_ms }
            }
            (Some(_), None) => Self::Ends,
            (Some(_), Some(_)) | (None, None) => Self::Stays,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{CommandId, ReleaseId};
    use crate::session::Release;
    use crate::time::Timestamp;

    const RELEASE: Release = Release {
        release: ReleaseId::from_bytes([1; 16]),
        command: CommandId::from_bytes([2; 16]),
        counter: 1,
        expires_at: Timestamp::from_unix_s(1_800_000_000),
    };

    #[test]
    fn a_door_has_a_deadline_from_its_opening_and_from_its_locking_and_a_pump_from_each_sign_of_life()
     {
        let commanded = LegState::Commanded(RELEASE);
        let open = |locked| LegState::Open { release: RELEASE, locked };
        let transferred = LegState::Transferred { release: RELEASE };
        let running = |metered_ml| LegState::Dispensing { release: RELEASE, metered_ml };
        let door = Watch::Begins { span_ms: limits::LEFT_OPEN_MS };
        let word = Watch::Begins { span_ms: limits::UNCONFIRMED_MS };
        let pump = Watch::Begins { span_ms: limits::METER_SILENCE_MS_MAX };
        for (what, before, after, watch) in [
            ("nothing has begun", LegState::Pending, commanded, Watch::Stays),
            ("it opens", commanded, open(false), door),
            ("loading takes no longer for being confirmed", open(false), transferred, Watch::Stays),
            ("it locks", open(false), open(true), word),
            ("it locks after loading", transferred, LegState::Secured, Watch::Ends),
            ("it was locked already", open(true), LegState::Secured, Watch::Ends),
            ("the pump is armed", commanded, running(0), pump),
            ("the meter advances", running(0), running(1), pump),
            ("the meter stands still", running(1), running(1), Watch::Stays),
            ("it is settled", running(1), LegState::Settled { metered_ml: 1 }, Watch::Ends),
            ("a person takes it over", commanded, LegState::TakenOver, Watch::Stays),
            ("a person takes over what runs", running(1), LegState::TakenOver, Watch::Ends),
        ] {
            assert_eq!(Watch::of(&before, &after), watch, "{what}");
        }
    }
}
