//! Who is connected, and the way to them: one connection per device (design §9.5).
//!
//! A newcomer waits while the old connection is probed. If the old one is dead, it is replaced; if
//! both are alive, somebody has the device's key who should not, and neither is believed: whoever is
//! told so freezes the device durably and dismisses both. Whether a device may connect at all, frozen
//! or not, is decided before it arrives here.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};

use carhop_app::ports::{Carrier, DeviceFrame, Pending};
use carhop_kernel::id::DeviceId;
use carhop_kernel::time::Timestamp;
use carhop_proofs::frame::FarewellCode;
use futures_channel::mpsc;

/// Names one connection of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(u64);

/// What a connection is told. When its channel ends, it has no place any more and closes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Send this.
    Frame(DeviceFrame),
    /// A newcomer claims to be the device: find out whether it is still there.
    Probe,
    /// The waiting is over: this is the device's connection now.
    Admitted,
    /// Say farewell and close.
    Close(FarewellCode),
}

/// What became of a newcomer.
#[derive(Debug)]
pub enum Arrival {
    /// It is the device's connection.
    Admitted(Seat),
    /// Another connection is being probed. Wait for [`Notice::Admitted`] or [`Notice::Close`], and
    /// call [`Registry::resolve`] at `until`.
    Waiting {
        /// Its place in the queue.
        seat: Seat,
        /// When the old connection counts as dead.
        until: Timestamp,
    },
    /// A newcomer waits already, or two that are alive have not been dismissed yet.
    Crowded,
}

/// A connection's place.
#[derive(Debug)]
pub struct Seat {
    /// Which connection.
    pub connection: ConnectionId,
    /// What it is told.
    pub notices: mpsc::Receiver<Notice>,
}

/// Whether an answer shows two live connections of one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "two of one device are an alert"]
pub enum Aliveness {
    /// Nobody else claims to be the device.
    Alone,
    /// Two live connections claim to be the device. Neither is told anything any more: freeze the device and
    /// [`Registry::dismiss`] both, whether the freeze could be made durable or not.
    Disputed,
}

/// All connections of this process.
#[derive(Debug, Default)]
pub struct Registry {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    devices: BTreeMap<DeviceId, Presence>,
    last_connection: u64,
}

#[derive(Debug)]
enum Presence {
    Live(Line),
    Contested {
        old: Line,
        newcomer: Line,
        until: Timestamp,
    },
    /// Both are alive. Neither has the place, and neither gets it when the other leaves.
    Disputed {
        lines: Vec<Line>,
    },
}

/// The sending end of a seat.
#[derive(Debug)]
struct Line {
    connection: ConnectionId,
    notices: mpsc::Sender<Notice>,
}

impl Registry {
    /// Gives an authenticated connection of `device` its place.
    pub fn arrive(&self, device: DeviceId, now: Timestamp) -> Arrival {
        let mut state = self.state();
        state.last_connection += 1;
        let connection = ConnectionId(state.last_connection);
        let (notices, receiver) = mpsc::channel(NOTICES_WAITING_MAX);
        let (line, seat) = (Line { connection, notices }, Seat { connection, notices: receiver });
        match state.devices.remove(&device) {
            None => {
                state.devices.insert(device, Presence::Live(line));
                Arrival::Admitted(seat)
            }
            Some(Presence::Live(mut old)) => {
                let until = now.plus_ms(PROBE_MS);
                // A line that takes no notice is as dead as one that does not answer.
                old.tell(Notice::Probe);
                let contested = Presence::Contested { old, newcomer: line, until };
                state.devices.insert(device, contested);
                Arrival::Waiting { seat, until }
            }
            Some(crowded @ (Presence::Contested { .. } | Presence::Disputed { .. })) => {
                state.devices.insert(device, crowded);
                Arrival::Crowded
            }
        }
    }

    /// Notes that a connection has answered its probe.
    pub fn is_alive(&self, device: DeviceId, connection: ConnectionId) -> Aliveness {
        let mut state = self.state();
        match state.devices.remove(&device) {
            Some(Presence::Contested { old, newcomer, .. }) if old.connection == connection => {
                let lines = vec![old, newcomer];
                state.devices.insert(device, Presence::Disputed { lines });
                tracing::error!(%device, "two live connections of one device");
                Aliveness::Disputed
            }
            Some(presence) => {
                state.devices.insert(device, presence);
                Aliveness::Alone
            }
            None => Aliveness::Alone,
        }
    }

    /// Ends the waiting of a newcomer whose `until` has come: the old connection did not answer.
    pub fn resolve(&self, device: DeviceId, now: Timestamp) {
        let mut state = self.state();
        let presence = match state.devices.remove(&device) {
            Some(Presence::Contested { mut old, mut newcomer, until }) if now >= until => {
                old.tell(Notice::Close(FarewellCode::Replaced));
                newcomer.tell(Notice::Admitted);
                Some(Presence::Live(newcomer))
            }
            presence => presence,
        };
        if let Some(presence) = presence {
            state.devices.insert(device, presence);
        }
    }

    /// Notes that a connection has ended. A newcomer that waited for it is admitted.
    pub fn leave(&self, device: DeviceId, connection: ConnectionId) {
        let mut state = self.state();
        let presence = match state.devices.remove(&device) {
            Some(Presence::Live(line)) if line.connection == connection => None,
            Some(Presence::Contested { old, mut newcomer, .. }) if old.connection == connection => {
                newcomer.tell(Notice::Admitted);
                Some(Presence::Live(newcomer))
            }
            Some(Presence::Contested { old, newcomer, .. })
                if newcomer.connection == connection =>
            {
                Some(Presence::Live(old))
            }
            Some(Presence::Disputed { mut lines }) => {
                lines.retain(|line| line.connection != connection);
                (!lines.is_empty()).then_some(Presence::Disputed { lines })
            }
            presence => presence,
        };
        if let Some(presence) = presence {
            state.devices.insert(device, presence);
        }
    }

    /// Ends every connection of a device: it was revoked or frozen.
    pub fn dismiss(&self, device: DeviceId, code: FarewellCode) {
        let mut state = self.state();
        match state.devices.remove(&device) {
            Some(Presence::Live(mut line)) => {
                line.tell(Notice::Close(code));
            }
            Some(Presence::Contested { mut old, mut newcomer, .. }) => {
                old.tell(Notice::Close(code));
                newcomer.tell(Notice::Close(code));
            }
            Some(Presence::Disputed { mut lines }) => {
                for line in &mut lines {
                    line.tell(Notice::Close(code));
                }
            }
            None => {}
        }
    }

    /// Ends every connection: the server goes down.
    pub fn dismiss_all(&self, code: FarewellCode) {
        let devices: Vec<_> = self.state().devices.keys().copied().collect();
        for device in devices {
            self.dismiss(device, code);
        }
    }

    /// How many devices are connected.
    pub fn connected_count(&self) -> usize {
        let state = self.state();
        state.devices.values().filter(|presence| matches!(presence, Presence::Live(_))).count()
    }

    /// Hands a notice to the one connection of a device. While two claim to be it, nothing is sent.
    fn tell(&self, device: DeviceId, notice: Notice) -> bool {
        match self.state().devices.get_mut(&device) {
            Some(Presence::Live(line)) => line.tell(notice),
            Some(Presence::Contested { .. } | Presence::Disputed { .. }) | None => false,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change above is one assignment, so a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Carrier for Registry {
    fn send(&self, device: DeviceId, frame: DeviceFrame) -> Pending<'_, bool> {
        Box::pin(ready(self.tell(device, Notice::Frame(frame))))
    }

    fn is_connected(&self, device: DeviceId) -> bool {
        matches!(self.state().devices.get(&device), Some(Presence::Live(_)))
    }
}

impl Line {
    /// `false` if the connection has ended or does not keep up.
    fn tell(&mut self, notice: Notice) -> bool {
        self.notices.try_send(notice).is_ok()
    }
}

/// How long an old connection has to answer before a newcomer replaces it (design §9.5).
pub const PROBE_MS: u64 = 2_000;
/// Notices that may wait for a connection.
pub const NOTICES_WAITING_MAX: usize = 32;

#[cfg(test)]
mod tests;
