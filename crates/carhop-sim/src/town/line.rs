//! The server's shell of one device's connection: what `carhop-server` does around `carhop_devices::gateway`, without a
//! socket.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use carhop_app::ports::Clock;
use carhop_app::{Failure, Hearing, HighWaterMark};
use carhop_devices::gateway::{Connection, Inbound, Output, Peer};
use carhop_devices::presence::{Aliveness, Arrival, Notice, Registry, Seat};
use carhop_kernel::id::DeviceId;
use carhop_proofs::frame::{FarewellCode, Position};

use crate::happening::CrashPoint;
use crate::town::Town;
use crate::town::device::Device;
use crate::town::dice::Fault;
use crate::town::heart::{Nudge, never};
use crate::town::server::Process;
use crate::town::wire::{End, Heard};

/// Whoever serves a device's connections, to be nudged when its registry has something to say.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<BTreeMap<DeviceId, Vec<Nudge>>>>);

impl Lines {
    /// Nudges every line of a device.
    pub(crate) fn nudge(&self, device: DeviceId) {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.get(&device).into_iter().flatten().for_each(Nudge::nudge);
    }

    fn add(&self, device: DeviceId, nudge: &Nudge) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = lines.entry(device).or_default();
        // More than two at once are turned away.
        if lines.len() > LINES_MAX {
            lines.remove(0);
        }
        lines.push(nudge.clone());
    }
}

/// One connection.
struct Line {
    town: Rc<Town>,
    process: Rc<Process>,
    device: Rc<Device>,
    end: End,
    nudge: Nudge,
}

/// A place among the connections, given back however the connection ends.
struct Place {
    registry: Arc<Registry>,
    lines: Lines,
    device: DeviceId,
    seat: Seat,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.registry.leave(self.device, self.seat.connection);
        self.lines.nudge(self.device);
    }
}

/// Serves a device until its connection ends.
pub(crate) async fn serve(
    town: Rc<Town>,
    process: Rc<Process>,
    device: Rc<Device>,
    end: End,
    nudge: Nudge,
) {
    process.lines.add(device.id, &nudge);
    let line = Line { town, process, device, end, nudge };
    let outcome = line.run().await;
    line.town.judge(&line.process, outcome.as_ref().err());
}

impl Line {
    async fn run(&self) -> Result<(), Failure> {
        let (app, partition) = (&self.process.app, self.town.partition(self.device.tenant));
        let record = app.view_device(partition, self.device.id).await?;
        if let Hearing::NotAtAll(_) = app.hearing(partition, self.device.id).await? {
            return Ok(());
        }
        let Some(key) = record.verifying_key() else { return Ok(()) };
        let peer = Peer { device: self.device.id, class: record.class, key };
        let Some(mut place) = self.place().await else { return Ok(()) };
        let mark = app.high_water_mark(partition, self.device.id).await?;
        let challenge = self.town.heart.bytes();
        let now = self.process.clock.now();
        let mut connection = Connection::open(peer, mark.as_ref().map(position), challenge, now);
        while self.drain(&mut connection, &place).await {
            let now = self.process.clock.now();
            match next_notice(&mut place.seat) {
                Told::Notice(notice) => {
                    connection.notice(notice, now);
                    continue;
                }
                Told::End => return Ok(()),
                Told::Nothing => {}
            }
            match self.end.hear() {
                Heard::Frame(bytes) => self.hear(&mut connection, &bytes).await,
                Heard::End => return Ok(()),
                Heard::Nothing(_) if connection.due_at().is_some_and(|due| due <= now) => {
                    connection.tick(self.town.heart.bytes(), now);
                }
                Heard::Nothing(frame) => {
                    let due = connection.due_at().map(|due| self.process.clock.world_time(due));
                    let until = [due, frame].into_iter().flatten().min();
                    self.town.heart.wait(&self.nudge, until).await;
                }
            }
        }
        Ok(())
    }

    /// A place among the connections, once whoever holds it has been probed.
    async fn place(&self) -> Option<Place> {
        let (registry, device) = (Arc::clone(&self.process.registry), self.device.id);
        let lines = self.process.lines.clone();
        let arrival = registry.arrive(device, self.process.clock.now());
        self.process.lines.nudge(device);
        let (seat, until) = match arrival {
            Arrival::Admitted(seat) => return Some(Place { registry, lines, device, seat }),
            Arrival::Waiting { seat, until } => (seat, until),
            Arrival::Crowded => return None,
        };
        let mut place = Place { registry, lines, device, seat };
        loop {
            match next_notice(&mut place.seat) {
                Told::Notice(Notice::Admitted) => return Some(place),
                Told::Notice(Notice::Close(_)) | Told::End => return None,
                Told::Notice(Notice::Frame(_) | Notice::Probe) => {}
                Told::Nothing if self.process.clock.now() >= until => {
                    self.process.registry.resolve(device, self.process.clock.now());
                    self.process.lines.nudge(device);
                    self.town.heart.sleep(1).await;
                }
                Told::Nothing => {
                    let until = self.process.clock.world_time(until);
                    self.town.heart.wait(&self.nudge, Some(until)).await;
                }
            }
        }
    }

    /// Takes a message as far as the device is heard by now (`design.md` §9.5).
    async fn hear(&self, connection: &mut Connection, bytes: &[u8]) {
        let partition = self.town.partition(self.device.tenant);
        match self.process.app.hearing(partition, self.device.id).await {
            Ok(hearing @ (Hearing::Wholly | Hearing::LastWords)) => {
                connection.confine(hearing == Hearing::LastWords);
                let suite = self.town.crypto.of_servers();
                connection.receive(&suite, bytes, self.process.clock.now());
            }
            Ok(Hearing::NotAtAll(code)) => connection.close(code, None),
            Err(_) => connection.close(FarewellCode::Shutdown, None),
        }
    }

    /// Does everything the connection asks for; `false` once it is closed.
    async fn drain(&self, connection: &mut Connection, place: &Place) -> bool {
        while let Some(output) = connection.poll_output() {
            match output {
                Output::Send(frame) => {
                    // Whoever carries frames may keep one and send it again much later.
                    if self.town.heart.strikes(Fault::FrameKept) {
                        let later_ms = self.town.heart.span(Fault::FrameKept, 0, 3 * 60 * 60_000);
                        let at = self.town.heart.now().plus_ms(later_ms);
                        self.device.stray(at, frame.clone());
                    }
                    if self.device.is_kept(&frame) {
                        continue;
                    }
                    if !self.end.send(frame, self.device.link(), true) {
                        return false;
                    }
                }
                Output::Inbound(inbound) => {
                    let taken = self.take(connection, inbound, place).await;
                    if let Err(failure) = taken {
                        self.town.judge(&self.process, Some(&failure));
                        connection.close(FarewellCode::Protocol, None);
                    }
                }
                Output::Close { .. } => return false,
            }
        }
        true
    }

    /// Hands on what the device said.
    async fn take(
        &self,
        connection: &mut Connection,
        inbound: Inbound,
        place: &Place,
    ) -> Result<(), Failure> {
        let (town, app, device) = (&self.town, &self.process.app, self.device.id);
        let partition = town.partition(self.device.tenant);
        match inbound {
            Inbound::Greeted { next } => app.device_connected(partition, device, next).await?,
            Inbound::TimeAsked { nonce } => {
                let epoch = app.view_tenant(partition).await?.trust_epoch;
                let (key, now) = (town.command_key(self.device.tenant), self.process.clock.now());
                connection
                    .tell_time(nonce, &town.crypto.of_servers(), key, epoch, now)
                    .map_err(|_| Failure::Internal("a time that cannot be signed"))?;
            }
            Inbound::Attestation { challenge, eat } => {
                // A refused attestation is recorded and leaves the device untrusted; it may still talk.
                let judged = app.attest_device(partition, device, &challenge, &eat).await;
                town.judge(&self.process, judged.as_ref().err());
            }
            Inbound::Statement { bytes, .. } => {
                if town.heart.strikes(Fault::CrashAtStatement) {
                    town.heart.die(self.process.number, CrashPoint::Statement);
                    never::<()>().await;
                }
                let mark = app.hear_statement(partition, device, &bytes).await?;
                connection.acknowledge(position(&mark));
                // What it was still heard for may have been said with this.
                if let Hearing::NotAtAll(code) = app.hearing(partition, device).await? {
                    connection.close(code, None);
                }
            }
            Inbound::Unknown { .. } => {}
            Inbound::Alive => {
                let aliveness = place.registry.is_alive(device, place.seat.connection);
                self.process.lines.nudge(device);
                match aliveness {
                    Aliveness::Alone => {}
                    Aliveness::Disputed => {
                        let frozen = app.freeze_device(partition, device).await;
                        place.registry.dismiss(device, FarewellCode::Frozen);
                        self.process.lines.nudge(device);
                        frozen?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// What a registry tells a connection.
enum Told {
    Notice(Notice),
    Nothing,
    /// Nothing any more.
    End,
}

fn next_notice(seat: &mut Seat) -> Told {
    match seat.notices.try_recv() {
        Ok(notice) => Told::Notice(notice),
        Err(error) if error.is_closed() => Told::End,
        Err(_) => Told::Nothing,
    }
}

fn position(mark: &HighWaterMark) -> Position {
    Position { boot_epoch: mark.boot_epoch, sequence: mark.sequence }
}

const LINES_MAX: usize = 4;
