//! The reckoning: the log verifies, and accounts for everything that was acknowledged and everything that moved.

use std::collections::BTreeMap;
use std::process::Command;

use carhop_app::batch::{Body, DeviceEvent, Recorded};
use carhop_app::ports::Journal;
use carhop_app::record::Partition;
use carhop_journal::SqliteJournal;
use carhop_kernel::id::CommandId;
use carhop_kernel::session::Event;

use crate::host::{CARHOP, Host};
use crate::lane::Done;

/// What the metal of all devices remembers.
#[derive(Clone, Copy, Default)]
pub struct Moved {
    /// How often locks have opened.
    pub openings: u64,
    /// What pumps have given.
    pub totaliser_ml: u64,
}

/// What the log says, by command.
#[derive(Default)]
struct Told {
    authorised: BTreeMap<String, CommandId>,
    opened: BTreeMap<CommandId, u64>,
    ended: BTreeMap<CommandId, u64>,
    metered_ml: u64,
    settled_ml: u64,
    unconfirmed: u64,
    not_executed: u64,
    events: usize,
}

/// Verifies, compares, and says what there was.
pub async fn settle(host: &Host, done: &Done, moved: Moved) -> String {
    let verified =
        Command::new(CARHOP).args(["audit", "verify", "--data"]).arg(host.data()).output();
    let verified = verified.unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    let told = Told::read(host).await;
    for release in &done.releases {
        assert!(told.authorised.contains_key(release), "{release} was acknowledged and is lost");
    }
    for (what, counts) in [("opened", &told.opened), ("dispensed", &told.ended)] {
        for (command, count) in counts {
            assert_eq!(*count, 1, "{command} {what} more than once");
            assert!(told.authorised.values().any(|one| one == command), "{command} unexplained");
        }
    }
    let opened: u64 = told.opened.values().sum();
    assert_eq!(opened, moved.openings, "what the locks say, and what they did");
    assert_eq!(told.metered_ml, moved.totaliser_ml, "what the pumps say, and what they gave");
    assert_eq!(told.settled_ml, told.metered_ml, "settled, and metered");
    assert!(done.completed > 0, "no stop was completed");
    format!(
        "{} stops completed, {} revoked; {} releases, {opened} openings, {} dispensings, {} ml metered \
         and settled; {} unconfirmed, {} proven not executed; {} events verified",
        done.completed,
        done.revoked,
        told.authorised.len(),
        told.ended.len(),
        told.settled_ml,
        told.unconfirmed,
        told.not_executed,
        told.events
    )
}

impl Told {
    /// From the log, and from what has no place in it yet.
    async fn read(host: &Host) -> Self {
        let journal = SqliteJournal::open(host.data().join("journal.sqlite")).unwrap();
        let account =
            || Partition { tenant: "local".parse().unwrap(), market: "local".parse().unwrap() };
        let mut told = Self::default();
        let log = journal.log(account(), 0, usize::MAX).await.unwrap();
        let waiting = journal.unsequenced(usize::MAX).await.unwrap();
        for recorded in log.iter().map(|entry| &entry.recorded).chain(&waiting) {
            told.take(recorded);
        }
        told
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most events move nothing")]
    fn take(&mut self, recorded: &Recorded) {
        self.events += 1;
        match &recorded.body {
            Body::Session(event) => match &**event {
                Event::ReleaseAuthorised { release, .. } => {
                    self.authorised.insert(release.release.to_string(), release.command);
                }
                Event::FuelSettled { metered_ml, .. } => self.settled_ml += u64::from(*metered_ml),
                Event::ReleaseUnconfirmed { .. } => self.unconfirmed += 1,
                Event::ReleaseNotExecuted { .. } => self.not_executed += 1,
                _ => {}
            },
            Body::Device(DeviceEvent::Stated {
                what, command: Some(command), metered_ml, ..
            }) => match what.as_str() {
                "receipt.opened" => *self.opened.entry(*command).or_default() += 1,
                "meter.end" => {
                    *self.ended.entry(*command).or_default() += 1;
                    self.metered_ml += u64::from(metered_ml.unwrap_or(0));
                }
                _ => {}
            },
            _ => {}
        }
    }
}
