//! Whether somebody who was let in would still be: what is answered for long, and what is done late, asks again.

use carhop_kernel::actor::Actor;
use carhop_kernel::id::{CustomerId, DeviceId};
use carhop_kernel::token::TokenLayer;

use crate::app::App;
use crate::call::Call;
use crate::failure::Failure;
use crate::reads::Reads;
use crate::records::{DeviceRecord, TokenRow};

impl App {
    /// Whether a caller would be let in anew: no API key, sign-in or token that it called with has ended since, no device
    /// was revoked or got another key. Whoever is answered for long asks again and again.
    pub async fn stands(&self, call: &Call) -> Result<bool, Failure> {
        let speaks = match call.actor {
            Actor::Driver { driver, device } => {
                let device = self.calling_device(call, device).await?;
                device.is_some_and(|device| device.driver == Some(driver))
            }
            Actor::Device { device } => self.calling_device(call, device).await?.is_some(),
            Actor::Customer { customer } => self.holds_token(call, customer).await?,
            Actor::Store { .. } | Actor::Staff { .. } | Actor::System => true,
        };
        Ok(speaks && self.standing_holds(call).await?)
    }

    /// Whether nothing that a caller's right to call rests on has changed or run out.
    async fn standing_holds(&self, call: &Call) -> Result<bool, Failure> {
        let Some(standing) = &call.standing else { return Ok(true) };
        for (place, version) in &standing.records {
            let found = self.parts.journal.record(place.clone()).await?;
            if found.map_or(0, |found| found.version) != *version {
                return Ok(false);
            }
        }
        Ok(standing.until.is_none_or(|until| self.now() < until))
    }

    /// The device that calls, while it may and its key is the one that it called with.
    async fn calling_device(
        &self,
        call: &Call,
        device: DeviceId,
    ) -> Result<Option<DeviceRecord>, Failure> {
        let mut reads = Reads::new(self, &call.partition);
        let now = reads.now;
        let found = reads.device(device).await?.filter(|device| !device.is_revoked());
        let found = found.filter(|device| device.is_certified(now));
        Ok(found.filter(|device| device.key.is_some() && device.key == call.key))
    }

    /// Whether a session token of the customer's one stop is alive under the key that they called with.
    async fn holds_token(&self, call: &Call, customer: CustomerId) -> Result<bool, Failure> {
        let (Some(session), Some(key)) = (call.stop, call.key) else { return Ok(false) };
        let mut reads = Reads::new(self, &call.partition);
        let tokens = self.tokens_of(&mut reads, session, TokenLayer::Session).await?;
        let holds = |row: &TokenRow| {
            let token = &row.token;
            row.customer == Some(customer) && token.key == key && reads.now < token.expires_at
        };
        Ok(tokens.iter().any(holds))
    }
}
