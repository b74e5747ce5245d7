//! What those who run a town's servers do in the middle of everything: other policies decide for a while, and the journal
//! is brought back from a backup, on a new disk and into a new epoch of trust.

use std::rc::Rc;
use std::sync::Arc;

use carhop_app::Candidate;
use carhop_app::batch::{Appended, Batch};
use carhop_app::forwarding::Forwarding;
use carhop_app::ports::{AppendError, Journal, Pending};
use carhop_kernel::id::SessionId;
use carhop_kernel::session::LegStateKind;

use crate::happening::{CrashPoint, Happening, ServerNumber};
use crate::town::Town;
use crate::town::device::Device;
use crate::town::dice::Fault;
use crate::town::disk::Disk;
use crate::town::heart::Heart;
use crate::town::people::{named, step};
use crate::town::setup::policies;
use crate::town::visit::Visit;

/// Under other policies nothing is released for a while.
pub(crate) async fn replace_policies(town: &Rc<Town>, visit: &Rc<Visit>, session: SessionId) {
    let (Some(strict), Some(shipped)) = (strict(), shipped()) else { return };
    for (candidate, is_last) in [(strict, false), (shipped, true)] {
        loop {
            let candidate = candidate.clone();
            let activated = step!(town, &visit.staff, named(session, "activate_policies"), |app, call; candidate| {
                app.activate_policies(&call, &candidate).await
            });
            // Whoever took the strict ones puts the others back, however long it takes.
            if activated.is_ok() || !is_last || visit.is_over(town) {
                break;
            }
        }
        town.heart.sleep(town.heart.span(Fault::PolicyReplaced, 1_000, 90_000)).await;
    }
}

/// The policies that every town begins with; read once for all worlds.
pub(crate) fn shipped() -> Option<Candidate> {
    let files = policies().ok()?.files().to_vec();
    Some(Candidate { files, departures: Vec::new(), replaces: None })
}

/// Those under which nothing is released.
pub(crate) fn strict() -> Option<Candidate> {
    let mut candidate = shipped()?;
    candidate.files.push(("own.cedar".to_owned(), NO_RELEASE.to_owned()));
    Some(candidate)
}

/// A command is on its way, and whoever carries it keeps it; the journal goes into a new epoch; and once the device knows
/// of it, the command arrives.
pub(crate) async fn restore(town: &Rc<Town>, visit: &Rc<Visit>) {
    let Some(device) = next_device(town, visit) else { return };
    let epoch = device.epoch();
    let command = keep_command(town, visit, &device).await;
    if town.is_healed() || !bring_back(town).await {
        return;
    }
    let Some(command) = command else { return };
    for _ in 0..EPOCH_LOOKS_MAX {
        town.heart.sleep(LOOK_EVERY_MS).await;
        if device.epoch() > epoch {
            break;
        }
        device.hurry();
    }
    device.stray(town.heart.now(), command);
}

/// Keeps the next command of a device, once it comes.
pub(crate) async fn keep_command(
    town: &Rc<Town>,
    visit: &Rc<Visit>,
    device: &Rc<Device>,
) -> Option<Vec<u8>> {
    device.keep_command();
    for _ in 0..COMMAND_LOOKS_MAX {
        town.heart.sleep(LOOK_EVERY_MS).await;
        let command = device.kept();
        if command.is_some() || visit.is_over(town) || town.is_healed() {
            return command;
        }
    }
    None
}

/// The device of the leg that is next, if nothing of that leg is under way.
pub(crate) fn next_device(town: &Rc<Town>, visit: &Rc<Visit>) -> Option<Rc<Device>> {
    let leg = visit.next_leg(town).filter(|leg| leg.state == LegStateKind::Pending)?;
    visit.devices().find(|device| device.id == leg.device).cloned()
}

/// Stops all servers, brings the journal back on a new disk and into a new epoch, and starts them again. Whether it was done.
async fn bring_back(town: &Rc<Town>) -> bool {
    if town.is_closed.replace(true) {
        return false;
    }
    while town.servers.iter().any(|server| server.process().is_some()) {
        for server in &town.servers {
            town.heart.die(server.number, CrashPoint::AnyTime);
        }
        town.heart.sleep(1).await;
    }
    town.disk.replace();
    let partitions: Vec<_> = town.tenants.iter().map(|it| it.partition.clone()).collect();
    let quiet = Quiet { disk: Arc::clone(&town.disk), heart: town.heart.clone() };
    let app = town.restorer(Arc::new(quiet));
    let now = town.heart.now();
    let restored = crate::executor::run(app.restore(&partitions, now));
    if !matches!(restored, Ok(Ok(_))) {
        town.heart.fail("journals_can_be_restored", format!("{restored:?}"));
    }
    town.is_closed.set(false);
    town.servers.iter().for_each(|server| server.start(town));
    true
}

/// The disk as nothing goes wrong with it: who brings a journal back does it until it is done.
struct Quiet {
    disk: Arc<Disk>,
    heart: Heart,
}

impl Forwarding for Quiet {
    fn behind(&self) -> &dyn Journal {
        self.disk.journal()
    }

    fn pass_append(&self, batch: Batch) -> Pending<'_, Result<Appended, AppendError>> {
        Box::pin(async move {
            let (server, append) = (RESTORER, self.disk.number());
            let appended = self.disk.keep(server, append, &Arc::new(batch)).await?;
            self.heart.tell(Happening::Acknowledged { server, append });
            Ok(appended)
        })
    }
}

/// Who brings a journal back is none of the servers.
const RESTORER: ServerNumber = ServerNumber(u8::MAX);
const NO_RELEASE: &str = "@id(\"own.no_release\") @reason(\"rung_too_low\")\n\
    forbid (principal, action in Action::\"release\", resource);\n";
/// How often it is looked whether a command is on its way, or a device has learned of an epoch.
const LOOK_EVERY_MS: u64 = 50;
/// How often at most; a few minutes.
const COMMAND_LOOKS_MAX: usize = 3_600;
/// How often at most; until the command has expired.
const EPOCH_LOOKS_MAX: usize = 90;
