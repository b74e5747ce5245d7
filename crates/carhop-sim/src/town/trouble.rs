//! What goes wrong around the stops, hour after hour: servers that die and stand still, clocks that go astray, disks that
//! are full and wires that are cut. What befalls one stop is [`super::gremlin`]'s.

use std::rc::Rc;

use crate::happening::{Clocked, CrashPoint, Happening, Link, LinkState, ServerNumber};
use crate::town::Town;
use crate::town::device::Device;
use crate::town::dice::Fault;
use crate::town::heart::Owner;
use crate::town::server::Server;
use crate::town::visit::Visit;

/// What befalls servers and wires, hour after hour.
pub(crate) async fn trouble(town: Rc<Town>) {
    let drifts_ppm: Vec<_> = town.servers.iter().map(|_| drift_ppm(&town)).collect();
    while !town.is_healed() {
        let span_ms = town.heart.draw(10_000, 120_000);
        town.heart.sleep(span_ms).await;
        for (server, drift_ppm) in town.servers.iter().zip(&drifts_ppm) {
            let number = server.number;
            if town.heart.strikes(Fault::CrashAnyTime) {
                town.heart.die(number, CrashPoint::AnyTime);
            }
            if town.heart.strikes(Fault::ServerPauses) {
                let for_ms = town.heart.span(Fault::ServerPauses, 1_000, 90_000);
                town.pause(number, for_ms);
            }
            if *drift_ppm != 0 && !town.is_healed() {
                let drifted_ms = i64::try_from(span_ms).unwrap_or_default() * drift_ppm / 1_000_000;
                set_clock(&town, server, server.clock.ahead_ms() + drifted_ms);
            }
            if town.heart.strikes(Fault::ClockJumps) {
                set_clock(&town, server, off_by(&town, Fault::ClockJumps, JUMP_MS_MAX));
            }
            if town.heart.strikes(Fault::ClockStrays) {
                stray(&town, number);
            }
        }
        if town.heart.strikes(Fault::DiskFull) {
            let for_ms = town.heart.span(Fault::DiskFull, 1_000, 180_000);
            town.disk.fill_until(town.heart.now().plus_ms(for_ms));
        }
        let devices = town.devices.borrow().clone();
        for device in devices {
            if town.heart.strikes(Fault::LinkSilent) {
                cut_device(&town, &device);
            }
        }
        let visits = town.visits.borrow().clone();
        for visit in visits {
            if town.heart.strikes(Fault::PersonSilent) {
                cut_person(&town, &visit);
            }
        }
    }
}

/// A server's clock is minutes off, and jumps back after a while.
fn stray(town: &Rc<Town>, number: ServerNumber) {
    let ahead_ms = off_by(town, Fault::ClockStrays, STRAY_MS_MAX);
    let for_ms = town.heart.span(Fault::ClockStrays, 1_000, ASTRAY_MS_MAX);
    let town_of = Rc::clone(town);
    town.spawner.spawn(Owner::World, async move {
        for ahead_ms in [ahead_ms, 0] {
            let server = town_of.servers.iter().find(|server| server.number == number);
            if let Some(server) = server.filter(|_| !town_of.is_healed()) {
                set_clock(&town_of, server, ahead_ms);
            }
            town_of.heart.sleep(for_ms).await;
        }
    });
}

fn set_clock(town: &Town, server: &Server, ahead_ms: i64) {
    server.clock.set_ahead(ahead_ms);
    let clock = Clocked::Server(server.number);
    town.heart.tell(Happening::ClockSet { clock, ahead_ms });
}

/// How much too fast a server's clock is, in parts per million.
fn drift_ppm(town: &Town) -> i64 {
    if town.heart.strikes(Fault::ClockDrifts) {
        off_by(town, Fault::ClockDrifts, DRIFT_PPM_MAX)
    } else {
        0
    }
}

/// So much at most, either way.
fn off_by(town: &Town, fault: Fault, most: u32) -> i64 {
    let drawn = town.heart.span(fault, 0, 2 * u64::from(most) + 1);
    i64::try_from(drawn).unwrap_or_default() - i64::from(most)
}

/// The wire of somebody at a stop is cut.
fn cut_person(town: &Rc<Town>, visit: &Visit) {
    let customer = visit.customer.borrow().as_ref().map(|customer| customer.person);
    let others = [&visit.driver.caller, &visit.rival.caller, &visit.store, &visit.staff];
    let people: Vec<_> = others.iter().map(|caller| caller.person).chain(customer).collect();
    let person = people[drawn(town, Fault::PersonSilent, people.len())];
    cut(town, Fault::PersonSilent, move |town, state| town.set_wire(person, state));
}

/// The wire of a device is cut.
fn cut_device(town: &Rc<Town>, device: &Rc<Device>) {
    let (link, device) = (Link::Device(device.id), Rc::clone(device));
    cut(town, Fault::LinkSilent, move |town, state| {
        device.set_link(state);
        town.heart.tell(Happening::Partitioned { link, state });
    });
}

/// Cuts a wire for a while: whoever is at its end does not hear, is not heard, or neither.
fn cut(town: &Rc<Town>, fault: Fault, set: impl Fn(&Town, LinkState) + 'static) {
    let way = WAYS[drawn(town, fault, WAYS.len())];
    let for_ms = town.heart.span(fault, 1_000, SILENT_MS_MAX);
    set(town, way);
    let town_of = Rc::clone(town);
    town.spawner.spawn(Owner::World, async move {
        town_of.heart.sleep(for_ms).await;
        set(&town_of, LinkState::Up);
    });
}

/// One of so many.
fn drawn(town: &Town, fault: Fault, count: usize) -> usize {
    usize::try_from(town.heart.span(fault, 0, count as u64)).unwrap_or_default()
}

/// How far a server's clock is off at most that has strayed.
const STRAY_MS_MAX: u32 = 10 * 60_000;
/// How long it is.
const ASTRAY_MS_MAX: u64 = 300_000;
/// How far one is off at most that has jumped.
const JUMP_MS_MAX: u32 = 4_000;
/// How much too fast or slow a server's clock goes: some seconds in half an hour.
const DRIFT_PPM_MAX: u32 = 2_000;
/// The ways in which a wire is cut.
const WAYS: [LinkState; 3] = [LinkState::Deaf, LinkState::Mute, LinkState::Cut];
/// Longest that a wire is.
const SILENT_MS_MAX: u64 = 240_000;
