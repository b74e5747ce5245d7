//! Steps through a run: the last thing that happened, the sessions as they stand, and what differs in them since.
//!
//! It only shows; where to stop is the reader's to say.

use std::collections::BTreeMap;
use std::fmt::Write;

use carhop_app::batch::{Body, Stream};
use carhop_kernel::id::SessionId;
use carhop_kernel::session::{Session, evolve, open};

use crate::happening::Happening;

/// The sessions as a reader of the run knows them.
#[derive(Debug, Default)]
pub struct Steps {
    sessions: BTreeMap<SessionId, Session>,
    number: u64,
}

impl Steps {
    /// Takes one more happening, and writes what it is and what it changes.
    pub fn step(&mut self, happening: &Happening, line: &str) -> String {
        self.number += 1;
        let mut shown = format!("#{} {line}\n", self.number);
        let Happening::Appended { batch, .. } = happening else { return shown };
        for entry in &batch.0.entries {
            let (Stream::Session(id), Body::Session(event)) = (entry.stream, &entry.body) else {
                continue;
            };
            let before = self.sessions.remove(&id);
            let after = match before.clone() {
                Some(session) => Some(evolve(session, event)),
                None => open(event),
            };
            differences(&mut shown, id, before.as_ref(), after.as_ref());
            self.sessions.extend(after.map(|session| (id, session)));
        }
        shown
    }

    /// Every session as it stands, one line each.
    pub fn state(&self) -> String {
        let mut shown = String::new();
        for (id, session) in &self.sessions {
            let legs: Vec<_> = session.legs.iter().map(|leg| leg.state.kind().name()).collect();
            let hold = session.hold().map(|hold| hold.cause);
            let phase = session.phase.kind().name();
            let _ = writeln!(shown, "  {id}: {phase} {legs:?} hold {hold:?}");
        }
        shown
    }
}

/// The lines that are not the same before and after.
fn differences(
    shown: &mut String,
    id: SessionId,
    before: Option<&Session>,
    after: Option<&Session>,
) {
    let lines = |session: Option<&Session>| {
        let text = session.map(|session| format!("{session:#?}")).unwrap_or_default();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let (before, after) = (lines(before), lines(after));
    let _ = writeln!(shown, "  {id}");
    for line in before.iter().filter(|line| !after.contains(line)) {
        let _ = writeln!(shown, "  - {}", line.trim());
    }
    for line in after.iter().filter(|line| !before.contains(line)) {
        let _ = writeln!(shown, "  + {}", line.trim());
    }
}
