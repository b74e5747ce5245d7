//! One connection per device, however they come and go.

use super::*;
use carhop_kernel::id::CommandId;

const LOCK: DeviceId = DeviceId::from_bytes([1; 16]);
const OTHER: DeviceId = DeviceId::from_bytes([2; 16]);
const NOW: Timestamp = Timestamp::from_unix_ms(1_795_000_000_000);
const UNTIL: Timestamp = NOW.plus_ms(PROBE_MS);

fn admitted(registry: &Registry, device: DeviceId) -> Seat {
    let Arrival::Admitted(seat) = registry.arrive(device, NOW) else { panic!("not admitted") };
    seat
}

fn waiting(registry: &Registry) -> Seat {
    let Arrival::Waiting { seat, until: UNTIL } = registry.arrive(LOCK, NOW) else {
        panic!("does not wait")
    };
    seat
}

/// What a connection was told; the end of its channel is `None`.
fn told(seat: &mut Seat) -> Vec<Option<Notice>> {
    let mut told = Vec::new();
    loop {
        match seat.notices.try_recv() {
            Ok(notice) => told.push(Some(notice)),
            Err(mpsc::TryRecvError::Empty) => return told,
            Err(mpsc::TryRecvError::Closed) => {
                told.push(None);
                return told;
            }
        }
    }
}

fn query(label: u8) -> DeviceFrame {
    DeviceFrame::Query(CommandId::from_bytes([label; 16]))
}

/// Sends through the port, as the use cases do.
fn send(registry: &Registry, device: DeviceId, label: u8) -> bool {
    use std::task::{Context, Poll, Waker};
    let mut sending = registry.send(device, query(label));
    match sending.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(sent) => sent,
        Poll::Pending => panic!("the registry never waits"),
    }
}

#[test]
fn frames_reach_the_one_connection_of_their_device() {
    let registry = Registry::default();
    assert!(!send(&registry, LOCK, 1));
    let (mut lock, mut other) = (admitted(&registry, LOCK), admitted(&registry, OTHER));
    assert!(registry.is_connected(LOCK));
    assert!(send(&registry, LOCK, 2));
    assert_eq!(told(&mut lock), [Some(Notice::Frame(query(2)))]);
    assert_eq!(told(&mut other), []);
    assert_eq!(registry.connected_count(), 2);
    registry.leave(LOCK, lock.connection);
    assert!(!registry.is_connected(LOCK));
    assert!(!send(&registry, LOCK, 3));
    assert_eq!(told(&mut lock), [None]);
    // Leaving twice, or as somebody else, moves nobody.
    registry.leave(OTHER, lock.connection);
    assert!(registry.is_connected(OTHER));
}

#[test]
fn a_connection_that_does_not_keep_up_loses_frames_and_costs_no_memory() {
    let registry = Registry::default();
    let mut lock = admitted(&registry, LOCK);
    let sent = (0..=u8::MAX).filter(|label| send(&registry, LOCK, *label)).count();
    assert!((NOTICES_WAITING_MAX..=NOTICES_WAITING_MAX + 1).contains(&sent), "{sent}");
    assert_eq!(told(&mut lock).len(), sent);
    assert!(send(&registry, LOCK, 0));
}

#[test]
fn a_newcomer_replaces_a_connection_that_does_not_answer() {
    let registry = Registry::default();
    let mut old = admitted(&registry, LOCK);
    let mut newcomer = waiting(&registry);
    assert_eq!(told(&mut old), [Some(Notice::Probe)]);
    // Until it is clear who it is, nobody is told anything.
    assert!(!registry.is_connected(LOCK));
    assert!(!send(&registry, LOCK, 1));
    registry.resolve(LOCK, UNTIL.minus_ms(1));
    assert_eq!(told(&mut newcomer), []);
    registry.resolve(LOCK, UNTIL);
    assert_eq!(told(&mut old), [Some(Notice::Close(FarewellCode::Replaced)), None]);
    assert_eq!(told(&mut newcomer), [Some(Notice::Admitted)]);
    // The late answer of the replaced one, and its leaving, change nothing.
    assert_eq!(registry.is_alive(LOCK, old.connection), Aliveness::Alone);
    registry.leave(LOCK, old.connection);
    assert!(send(&registry, LOCK, 2));
    assert_eq!(told(&mut newcomer), [Some(Notice::Frame(query(2)))]);
}

#[test]
fn a_newcomer_is_admitted_when_the_old_connection_leaves() {
    let registry = Registry::default();
    let old = admitted(&registry, LOCK);
    let mut newcomer = waiting(&registry);
    registry.leave(LOCK, old.connection);
    assert_eq!(told(&mut newcomer), [Some(Notice::Admitted)]);
    registry.resolve(LOCK, UNTIL);
    assert_eq!(told(&mut newcomer), []);
    assert!(registry.is_connected(LOCK));
}

#[test]
fn a_newcomer_that_gives_up_leaves_the_old_connection_in_place() {
    let registry = Registry::default();
    let mut old = admitted(&registry, LOCK);
    let newcomer = waiting(&registry);
    assert!(matches!(registry.arrive(LOCK, NOW), Arrival::Crowded));
    registry.leave(LOCK, newcomer.connection);
    registry.resolve(LOCK, UNTIL);
    assert_eq!(registry.is_alive(LOCK, old.connection), Aliveness::Alone);
    assert!(send(&registry, LOCK, 1));
    assert_eq!(told(&mut old), [Some(Notice::Probe), Some(Notice::Frame(query(1)))]);
}

#[test]
fn of_two_live_connections_neither_has_the_place_until_both_are_dismissed() {
    let registry = Registry::default();
    let mut old = admitted(&registry, LOCK);
    let mut newcomer = waiting(&registry);
    // The newcomer being alive is no news.
    assert_eq!(registry.is_alive(LOCK, newcomer.connection), Aliveness::Alone);
    assert_eq!(registry.is_alive(LOCK, old.connection), Aliveness::Disputed);
    // Whoever waits long enough, and whoever stays when the other leaves, has not won by that.
    registry.resolve(LOCK, UNTIL);
    assert!(!registry.is_connected(LOCK));
    assert!(!send(&registry, LOCK, 1));
    assert!(matches!(registry.arrive(LOCK, NOW), Arrival::Crowded));
    assert_eq!(told(&mut old), [Some(Notice::Probe)]);
    registry.leave(LOCK, old.connection);
    assert!(!registry.is_connected(LOCK));
    registry.dismiss(LOCK, FarewellCode::Frozen);
    assert_eq!(told(&mut newcomer), [Some(Notice::Close(FarewellCode::Frozen)), None]);
    // What a frozen device may do is not remembered here.
    registry.leave(LOCK, newcomer.connection);
    admitted(&registry, LOCK);
}

#[test]
fn a_dismissed_device_loses_every_connection() {
    let registry = Registry::default();
    let mut old = admitted(&registry, LOCK);
    let mut newcomer = waiting(&registry);
    let mut other = admitted(&registry, OTHER);
    registry.dismiss(LOCK, FarewellCode::Revoked);
    let close = |code| Some(Notice::Close(code));
    assert_eq!(told(&mut old)[1..], [close(FarewellCode::Revoked), None]);
    assert_eq!(told(&mut newcomer), [close(FarewellCode::Revoked), None]);
    assert_eq!(told(&mut other), []);
    registry.dismiss_all(FarewellCode::Shutdown);
    assert_eq!(told(&mut other), [close(FarewellCode::Shutdown), None]);
    assert_eq!(registry.connected_count(), 0);
}
