//! What really happened, read back from the audit log as an outsider would: every leaf is recomputed from its stored
//! event, the tree's root is compared with the claimed one, and outcomes come from the events alone (M-AUD-1).
//!
//! The runner's own variables count for nothing here.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use base64ct::{Base64UrlUnpadded, Encoding};
use carhop_app::batch::{Body, DeviceEvent, Recorded, Stream};
use carhop_kernel::actor::Actor;
use carhop_kernel::digest::hex_decode;
use carhop_kernel::evidence::PlaceMethod;
use carhop_kernel::id::{CommandId, DeviceId, SessionId};
use carhop_kernel::reason::Reason;
use carhop_kernel::session::{Event, Session, evolve, open};
use carhop_kernel::time::Timestamp;
use carhop_proofs::suite::AwsLc;
use serde_json::Value;

use super::client::Client;
use crate::verify::{Entry, Fault, Verified, Verifier};

/// A log that verified, and what it says of each session.
#[derive(Debug)]
pub(crate) struct Audit {
    /// Its size and root.
    pub(crate) verified: Verified,
    /// The sessions.
    pub(crate) stories: BTreeMap<SessionId, Story>,
}

/// What the log says of one session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Story {
    /// The session that its events fold to, by the same rules as everywhere; none before the first.
    pub(crate) session: Option<Session>,
    /// How the driver's place was shown, and when, at last.
    pub(crate) arrival: Option<(PlaceMethod, Timestamp)>,
    /// When each release was permitted, and when its receipt was in.
    pub(crate) releases: Vec<Permitted>,
    /// How often a lock opened, by its own signed statements.
    pub(crate) openings: u32,
    /// What pumps metered, by their own signed statements, in millilitres.
    pub(crate) metered_ml: u32,
    /// What was settled, in millilitres.
    pub(crate) settled_ml: u32,
    /// Things that somebody must look at.
    pub(crate) exceptions: BTreeMap<&'static str, u32>,
    /// Refused requests and failed proofs, by their gravest reason.
    pub(crate) refused: BTreeMap<&'static str, u32>,
    /// The session's own events by name.
    pub(crate) events: BTreeMap<&'static str, u32>,
    /// Releases that were given to somebody who did not have the stop.
    pub(crate) to_strangers: u32,
    /// How reported positions were judged.
    pub(crate) places: Places,
}

/// A release in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Permitted {
    /// The command it allowed.
    command: CommandId,
    /// When it was permitted.
    pub(crate) at: Timestamp,
    /// When the device's receipt was in.
    pub(crate) received_at: Option<Timestamp>,
}

/// Judged reports of positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places {
    /// Inside.
    pub(crate) inside: u32,
    /// Outside.
    pub(crate) outside: u32,
    /// Neither, with a position that counts.
    pub(crate) uncertain: u32,
    /// No position that counts.
    pub(crate) stale: u32,
}

impl Audit {
    /// Reads and verifies the whole log.
    pub(crate) async fn read(auditor: &Client) -> Result<Self> {
        let claimed = auditor.get("/v1/audit/root").await?;
        let root = claimed["root"].as_str().and_then(hex_decode).context("no root")?;
        let claimed = Verified { size: claimed["size"].as_u64().context("no size")?, root };
        let mut entries = Vec::new();
        while (entries.len() as u64) < claimed.size {
            let from = entries.len() as u64;
            let limit = PAGE.min(claimed.size - from);
            let page = auditor.get(&format!("/v1/audit/log?from={from}&limit={limit}")).await?;
            let page = page["entries"].as_array().context("no entries")?;
            anyhow::ensure!(!page.is_empty(), "the log ends at {from}, before its claimed end");
            entries.extend(page.iter().map(entry).collect::<Result<Vec<_>>>()?);
        }
        Ok(Self::check(&entries, claimed)?)
    }

    /// Verifies entries against what is claimed of them, and reads the stories only then.
    fn check(entries: &[Entry], claimed: Verified) -> Result<Self, Fault> {
        let mut checked = Verifier::default();
        let events: Result<Vec<Recorded>, Fault> =
            entries.iter().map(|entry| checked.accept(&AwsLc, entry)).collect();
        let (events, verified) = (events?, checked.finish(&AwsLc, claimed)?);
        Ok(Self { verified, stories: tell(&events) })
    }
}

/// Folds the events into a story of each session.
fn tell(events: &[Recorded]) -> BTreeMap<SessionId, Story> {
    let mut stories: BTreeMap<SessionId, Story> = BTreeMap::new();
    let mut owners: BTreeMap<CommandId, SessionId> = BTreeMap::new();
    let mut serving: BTreeMap<DeviceId, SessionId> = BTreeMap::new();
    for recorded in events {
        match (&recorded.stream, &recorded.body) {
            (Stream::Session(session), Body::Session(event)) => {
                if let Event::ReleaseAuthorised { release, device, .. } = &**event {
                    owners.insert(release.command, *session);
                    serving.insert(*device, *session);
                }
                stories.entry(*session).or_default().follow(event, recorded);
            }
            (Stream::Side(session), Body::Refused(refused)) => {
                let reason = refused.reasons.first().map_or("no reason", |reason| reason.code());
                // Whether a driver who lost the stop asks about it once more is chance, and part of no story.
                if refused.reasons.first() != Some(&Reason::DriverNotAssigned) {
                    stories.entry(*session).or_default().refuse(reason);
                }
            }
            (Stream::Side(session), Body::ProofFailed { reason, .. }) => {
                stories.entry(*session).or_default().refuse(reason.code());
            }
            (Stream::Side(session), Body::PlaceJudged(judged)) => {
                let is_stale = judged.why.iter().any(|why| why == "stale" || why == "no_fix");
                stories.entry(*session).or_default().places.count(&judged.answer, is_stale);
            }
            (
                Stream::Device(device),
                Body::Device(DeviceEvent::Stated { what, command, metered_ml, .. }),
            ) => {
                let owner = match command {
                    Some(command) => owners.get(command),
                    None => serving.get(device),
                };
                if let Some(story) = owner.and_then(|session| stories.get_mut(session)) {
                    story.hear(what, metered_ml.unwrap_or(0));
                }
            }
            (_, _) => {}
        }
    }
    stories
}

impl Story {
    fn follow(&mut self, event: &Event, recorded: &Recorded) {
        let at = recorded.at;
        *self.events.entry(event.name()).or_default() += 1;
        if let Event::DriverAssigned { .. } = event
            && self.session.as_ref().is_some_and(|session| session.assignment().is_some())
        {
            *self.events.entry("driver.reassigned").or_default() += 1;
        }
        if let Event::ReleaseAuthorised { release, .. } = event {
            let command = release.command;
            self.releases.push(Permitted { command, at, received_at: None });
            self.to_strangers += u32::from(!self.has_the_stop(&recorded.meta.actor));
        }
        if let Event::DriverArrived { driver_by, .. } = event {
            self.arrival = Some((*driver_by, at));
        }
        if let Event::CompartmentOpened { command, .. } | Event::PumpArmed { command, .. } = event {
            let mut releases = self.releases.iter_mut();
            if let Some(release) = releases.find(|release| release.command == *command) {
                release.received_at.get_or_insert(at);
            }
        }
        if let Event::FuelSettled { metered_ml, .. } = event {
            self.settled_ml += metered_ml;
        }
        if let Event::ExceptionRaised { exception, .. } = event {
            *self.exceptions.entry(exception.name()).or_default() += 1;
        }
        self.session = match self.session.take() {
            Some(session) => Some(evolve(session, event)),
            None => open(event),
        };
    }

    /// What a device signed about this stop.
    fn hear(&mut self, what: &str, metered_ml: u32) {
        match what {
            "receipt.opened" | "lock.opened" => self.openings += 1,
            "meter.end" => self.metered_ml += metered_ml,
            _ => {}
        }
    }

    fn refuse(&mut self, reason: &'static str) {
        *self.refused.entry(reason).or_default() += 1;
    }

    fn has_the_stop(&self, actor: &Actor) -> bool {
        let Actor::Driver { driver, device } = actor else { return false };
        let assigned = self.session.as_ref().and_then(Session::assignment);
        assigned.is_some_and(|has| has.driver == *driver && has.device == *device)
    }
}

impl Places {
    fn count(&mut self, answer: &str, is_stale: bool) {
        match answer {
            "inside" => self.inside += 1,
            "outside" => self.outside += 1,
            _ if is_stale => self.stale += 1,
            _ => self.uncertain += 1,
        }
    }
}

fn entry(shown: &Value) -> Result<Entry> {
    let bytes = |name: &str| {
        let text = shown[name].as_str().with_context(|| format!("an entry without `{name}`"))?;
        Base64UrlUnpadded::decode_vec(text).map_err(|_| anyhow::anyhow!("no base64url"))
    };
    let position = shown["position"].as_u64().context("an entry without a position")?;
    Ok(Entry { position, leaf: bytes("leaf")?, stored: bytes("stored")? })
}

/// Entries read at a time.
const PAGE: u64 = 500;

#[cfg(test)]
pub(crate) mod tests {
    use carhop_app::batch::{Entry as NewEntry, Meta};
    use carhop_app::record::Partition;
    use carhop_app::sequence::leaf;
    use carhop_journal::codec;
    use carhop_kernel::digest::EvidenceHash;
    use carhop_kernel::id::{EventId, ReleaseId};
    use carhop_kernel::session::{LegIndex, Outcome, Phase, Release};
    use carhop_proofs::merkle::{self, leaf_hash};

    use super::*;

    const SESSION: SessionId = SessionId::from_bytes([1; 16]);
    const PUMP: DeviceId = DeviceId::from_bytes([2; 16]);
    const COMMAND: CommandId = CommandId::from_bytes([3; 16]);
    const LEG: LegIndex = LegIndex(0);
    const RECEIPT: EvidenceHash = EvidenceHash([4; 32]);

    /// An order of fuel alone.
    pub(crate) fn requested() -> Event {
        let (name, digest) = ("01".repeat(16), "02".repeat(32));
        let leg = serde_json::json!({
            "service": { "kind": "fuel", "grade": "regular", "limit_ml": 40_000 },
            "device": format!("dev_{name}"),
        });
        let terms = serde_json::json!({
            "recipient": digest, "vehicle": digest, "venue": "somewhere", "place_kind": "lot",
            "window": { "start": 0, "end": 3_600_000 }, "handoff": "attended", "legs": [leg],
            "value": { "amount_minor": 1, "currency": "USD" }, "sensitivity": "moderate",
            "age_gated": false, "cold_chain": null, "payment": null,
        });
        let order = serde_json::json!({
            "order": format!("ord_{name}"), "version": 1, "digest": digest, "terms": terms,
        });
        serde_json::from_value(serde_json::json!({
            "event": "session_requested", "session": format!("hs_{name}"), "tenant": "local",
            "market": "local", "order": order,
        }))
        .unwrap()
    }

    /// A fuel stop as the log tells it.
    fn history() -> Vec<(Stream, Body)> {
        let release = Release {
            release: ReleaseId::from_bytes([5; 16]),
            command: COMMAND,
            counter: 1,
            expires_at: Timestamp::from_unix_ms(9_000),
        };
        let stated = |what: &str, metered_ml| {
            let (what, command) = (what.to_owned(), Some(COMMAND));
            let event =
                DeviceEvent::Stated { device: PUMP, what, command, metered_ml, statement: RECEIPT };
            (Stream::Device(PUMP), Body::Device(event))
        };
        let event = |event| (Stream::Session(SESSION), Body::Session(Box::new(event)));
        vec![
            event(requested()),
            event(Event::ReleaseAuthorised { leg: LEG, device: PUMP, release }),
            event(Event::PumpArmed { leg: LEG, command: COMMAND, receipt: RECEIPT }),
            stated("receipt.armed", None),
            stated("meter.charge", Some(5_000)),
            stated("meter.end", Some(20_510)),
            event(Event::FuelSettled { leg: LEG, metered_ml: 20_510 }),
            event(Event::SessionCompleted { outcome: Outcome::Full }),
        ]
    }

    fn log() -> Vec<Entry> {
        let partition =
            Partition { tenant: "local".parse().unwrap(), market: "local".parse().unwrap() };
        let (mut own, mut log) = (BTreeMap::new(), Vec::new());
        for (position, (stream, body)) in (0..).zip(history()) {
            let meta = Meta {
                actor: Actor::System,
                decision: None,
                policy: None,
                key: None,
                token: None,
                device: None,
            };
            let id = EventId::from_bytes([u8::try_from(position).unwrap(); 16]);
            let number = own.entry(stream).or_insert(0);
            *number += 1;
            let at = Timestamp::from_unix_ms(1_000 + 100 * position);
            let entry = NewEntry { id, stream, meta, body };
            let stored = codec::encode(&partition, *number, at, &entry).unwrap();
            let recorded = codec::decode(&stored).unwrap();
            let leaf = leaf(&AwsLc, &recorded, position).unwrap();
            log.push(Entry { position, leaf, stored });
        }
        log
    }

    fn claim(log: &[Entry]) -> Verified {
        let hashes: Vec<_> = log.iter().map(|entry| leaf_hash(&AwsLc, &entry.leaf)).collect();
        Verified { size: log.len() as u64, root: merkle::root(&AwsLc, &hashes) }
    }

    #[test]
    fn a_story_comes_from_events_and_from_what_devices_signed() {
        let log = log();
        let audit = Audit::check(&log, claim(&log)).unwrap();
        let story = &audit.stories[&SESSION];
        assert!(matches!(story.session.as_ref().unwrap().phase, Phase::Completed(Outcome::Full)));
        assert_eq!(story.to_strangers, 1, "nobody was assigned");
        assert_eq!((story.metered_ml, story.settled_ml), (20_510, 20_510));
        let release = story.releases[0];
        assert_eq!(release.received_at.unwrap().since_ms(release.at), 100);
    }

    #[test]
    fn a_tampered_entry_fails_before_any_story_is_told() {
        let (good, claimed) = (log(), claim(&log()));
        for (from, to) in [("20510", "30510"), ("meter.end", "meter.eNd"), ("full", "partial")] {
            let mut bent = good.clone();
            for entry in &mut bent {
                let text = String::from_utf8(entry.stored.clone()).unwrap();
                entry.stored = text.replace(from, to).into_bytes();
            }
            assert!(Audit::check(&bent, claimed).is_err(), "{from}");
        }
        assert_eq!(
            Audit::check(&good[..7], claimed).unwrap_err().to_string(),
            "7 entries, but 8 are claimed"
        );
    }
}
