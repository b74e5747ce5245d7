//! The WebSocket endpoint of devices: on the mutual-TLS listener only, identity from the certificate alone.
//!
//! What a device may say and when is the connection's business (`carhop_devices::gateway`), what it means the use
//! cases'; here bytes are carried between them (`design.md` §6, §9.5).

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use carhop_app::ports::Clock;
use carhop_app::record::Partition;
use carhop_app::{Failure, Hearing};
use carhop_devices::gateway::{Connection, Inbound, Output, Peer};
use carhop_devices::presence::{Aliveness, Arrival, ConnectionId, Notice, Seat};
use carhop_kernel::device::DeviceClass;
use carhop_kernel::id::DeviceId;
use carhop_kernel::time::Timestamp;
use carhop_proofs::frame::{FRAME_LENGTH_MAX, FarewellCode, PROTOCOL, Position};
use carhop_proofs::suite::AwsLc;
use futures_util::StreamExt;

use crate::bell::told;
use crate::entropy::random;
use crate::http::auth::Certified;
use crate::http::problem::Problem;
use crate::server::Server;
use crate::timers::{sleep, within};
use crate::{listener, places};

/// The endpoint.
pub(crate) fn router() -> Router<Arc<Server>> {
    Router::new().route("/v1/devices/connect", get(connect))
}

async fn connect(
    State(server): State<Arc<Server>>,
    Extension(listener::Peer { place, .. }): Extension<listener::Peer>,
    Certified { partition, device: record }: Certified,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    if !obeys_commands(record.class) {
        return Err(Problem::forbidden());
    }
    let device = record.device;
    match server.app.hearing(&partition, device).await? {
        Hearing::Wholly | Hearing::LastWords => {}
        Hearing::NotAtAll(_) if record.is_revoked() => return Err(Problem::unauthenticated()),
        Hearing::NotAtAll(_) => return Err(Problem::forbidden()),
    }
    let key = record.verifying_key().ok_or_else(Problem::unauthenticated)?;
    let peer = Peer { device, class: record.class, key };
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .max_message_size(FRAME_LENGTH_MAX)
        .max_frame_size(FRAME_LENGTH_MAX);
    if upgrade.selected_protocol().is_none() {
        let why = format!("this endpoint speaks `{PROTOCOL}` and nothing else");
        return Err(Problem::invalid("Sec-WebSocket-Protocol", why));
    }
    let line = Line { server, partition, peer, _place: place };
    Ok(upgrade.on_upgrade(move |socket| line.run(socket)))
}

/// Whether devices of this class are sent commands. The others ask over the interface and have no business here.
const fn obeys_commands(class: DeviceClass) -> bool {
    match class {
        DeviceClass::Lock | DeviceClass::Pump | DeviceClass::Relay => true,
        DeviceClass::Handset
        | DeviceClass::Console
        | DeviceClass::VehicleModule
        | DeviceClass::Till => false,
    }
}

/// Ends the connections of a device that is heard no more. One that a leg waits for ends by itself when it has spoken.
pub(crate) async fn dismiss(
    server: &Server,
    partition: &Partition,
    device: DeviceId,
) -> Result<(), Problem> {
    if let Hearing::NotAtAll(code) = server.app.hearing(partition, device).await? {
        server.registry.dismiss(device, code);
    }
    Ok(())
}

/// One device's connection with everything it reaches.
struct Line {
    server: Arc<Server>,
    partition: Partition,
    peer: Peer,
    _place: Arc<places::Place>,
}

/// A place among the connections, given back however the connection ends.
struct Place {
    server: Arc<Server>,
    device: DeviceId,
    seat: Seat,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.server.registry.leave(self.device, self.seat.connection);
    }
}

impl Line {
    async fn run(self, mut socket: WebSocket) {
        let mut stop = self.server.stopping.clone();
        let device = self.peer.device;
        let Some(mut place) = self.place().await else {
            tracing::info!(%device, "a device was not let in");
            return;
        };
        let id = place.seat.connection;
        let mark = match self.server.app.high_water_mark(&self.partition, device).await {
            Ok(mark) => mark,
            Err(failure) => {
                tracing::warn!(%device, %failure, "a device was not let in");
                return;
            }
        };
        let mark =
            mark.map(|mark| Position { boot_epoch: mark.boot_epoch, sequence: mark.sequence });
        let mut connection = Connection::open(self.peer, mark, random(), self.now());
        while self.drain(&mut connection, &mut socket, id).await {
            let due_ms = connection.due_at().map_or(0, |due| due.since_ms(self.now()));
            tokio::select! {
                message = socket.recv() => match message {
                    Some(Ok(Message::Binary(bytes))) => {
                        self.pace().await;
                        self.hear(&mut connection, &bytes).await;
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Text(_) | Message::Close(_)) | Err(_)) | None => return,
                },
                notice = place.seat.notices.next() => match notice {
                    Some(notice) => connection.notice(notice, self.now()),
                    None => return,
                },
                () = sleep(Duration::from_millis(due_ms.max(1))) => {
                    connection.tick(random(), self.now());
                }
                () = told(&mut stop) => connection.close(FarewellCode::Shutdown, None),
            }
        }
        // The device has been told; whether it still reads the end is its business.
        let _ = socket.send(Message::Close(None)).await;
    }

    /// A place among the connections, once whoever holds it has been probed.
    async fn place(&self) -> Option<Place> {
        let (server, device) = (Arc::clone(&self.server), self.peer.device);
        match self.server.registry.arrive(device, self.now()) {
            Arrival::Admitted(seat) => Some(Place { server, device, seat }),
            Arrival::Waiting { seat, until } => {
                self.wait(Place { server, device, seat }, until).await
            }
            Arrival::Crowded => None,
        }
    }

    async fn wait(&self, mut place: Place, until: Timestamp) -> Option<Place> {
        loop {
            let left = Duration::from_millis(until.since_ms(self.now()).max(1));
            match within(left, place.seat.notices.next()).await {
                Some(Some(Notice::Admitted)) => return Some(place),
                Some(Some(Notice::Close(_)) | None) => return None,
                Some(Some(Notice::Frame(_) | Notice::Probe)) => {}
                None => self.server.registry.resolve(self.peer.device, self.now()),
            }
        }
    }

    /// Waits until the device may say something more. Meanwhile nothing of it is read, so that it waits as well.
    async fn pace(&self) {
        while let Err(wait) = self.server.budgets.spend_statement(self.peer.device) {
            sleep(wait).await;
        }
    }

    /// Takes a message as far as the device is heard by now: one that was revoked or frozen meanwhile ends here, unless a
    /// leg waits for what it has to say (`design.md` §9.5).
    async fn hear(&self, connection: &mut Connection, bytes: &[u8]) {
        match self.server.app.hearing(&self.partition, self.peer.device).await {
            Ok(hearing @ (Hearing::Wholly | Hearing::LastWords)) => {
                connection.confine(hearing == Hearing::LastWords);
                connection.receive(&AwsLc, bytes, self.now());
            }
            Ok(Hearing::NotAtAll(code)) => connection.close(code, None),
            Err(_) => connection.close(FarewellCode::Shutdown, None),
        }
    }

    /// Does everything the connection asks for; `false` once it is closed.
    async fn drain(
        &self,
        connection: &mut Connection,
        socket: &mut WebSocket,
        id: ConnectionId,
    ) -> bool {
        while let Some(output) = connection.poll_output() {
            match output {
                Output::Send(frame) => {
                    if socket.send(Message::Binary(Bytes::from(frame))).await.is_err() {
                        return false;
                    }
                }
                Output::Inbound(inbound) => {
                    if let Err(failure) = self.take(connection, inbound, id).await {
                        let device = self.peer.device;
                        tracing::warn!(%device, %failure, "what a device said was not taken");
                        connection.close(FarewellCode::Protocol, None);
                    }
                }
                Output::Close { code, fault } => {
                    let device = self.peer.device;
                    tracing::info!(%device, ?code, ?fault, "a device's connection ends");
                    return false;
                }
            }
        }
        true
    }

    /// Hands on what the device said.
    async fn take(
        &self,
        connection: &mut Connection,
        inbound: Inbound,
        id: ConnectionId,
    ) -> Result<(), Failure> {
        let (app, device) = (&self.server.app, self.peer.device);
        match inbound {
            Inbound::Greeted { next } => {
                app.device_connected(&self.partition, device, next).await?;
                self.server.bell.ring_appended();
            }
            Inbound::TimeAsked { nonce } => self.tell_time(connection, nonce).await?,
            Inbound::Attestation { challenge, eat } => {
                // A refused attestation is recorded and leaves the device untrusted; it may still talk.
                if let Err(failure) =
                    app.attest_device(&self.partition, device, &challenge, &eat).await
                {
                    tracing::info!(%device, %failure, "an attestation was refused");
                }
            }
            Inbound::Statement { bytes, .. } => {
                let mark = app.hear_statement(&self.partition, device, &bytes).await?;
                let (boot_epoch, sequence) = (mark.boot_epoch, mark.sequence);
                connection.acknowledge(Position { boot_epoch, sequence });
                // What it was still heard for may have been said with this.
                if let Hearing::NotAtAll(code) = app.hearing(&self.partition, device).await? {
                    connection.close(code, None);
                }
            }
            Inbound::Unknown { command } => {
                tracing::info!(%device, %command, "a device has no receipt for a command");
            }
            Inbound::Alive => match self.server.registry.is_alive(device, id) {
                Aliveness::Alone => {}
                Aliveness::Disputed => {
                    let frozen = app.freeze_device(&self.partition, device).await;
                    self.server.registry.dismiss(device, FarewellCode::Frozen);
                    frozen?;
                }
            },
        }
        Ok(())
    }

    async fn tell_time(&self, connection: &mut Connection, nonce: [u8; 16]) -> Result<(), Failure> {
        let epoch = self.server.trust_epoch(&self.partition).await?;
        let key = self.server.command_key(&self.partition.tenant)?;
        connection
            .tell_time(nonce, &AwsLc, &key, epoch, self.now())
            .map_err(|_| Failure::Internal("a time that cannot be signed"))
    }

    fn now(&self) -> Timestamp {
        self.server.clock.now()
    }
}
