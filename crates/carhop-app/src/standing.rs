//! Whether somebody who was let in would still be: what is answered for long, and what is done late, asks again.

use crate::app::App;
use crate::call::Call;
use crate::failure::Failure;

impl App {
    /// Whether a caller would be let in anew: no API key or sign-in that it called with has ended since. Whoever is answered
    /// for long asks again and again.
    pub async fn stands(&self, call: &Call) -> Result<bool, Failure> {
        let Some(standing) = &call.standing else { return Ok(true) };
        for (place, version) in &standing.records {
            let found = self.parts.journal.record(place.clone()).await?;
            if found.map_or(0, |found| found.version) != *version {
                return Ok(false);
            }
        }
        Ok(standing.until.is_none_or(|until| self.now() < until))
    }
}
