//! What goes wrong on purpose: mistakes of people, attacks, and bad luck. Everybody keeps to the public interface and to
//! what hands can do at a device.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use carhop_app::ports::Clock;
use futures_util::future::join_all;

use super::client::problem_of;
use super::plan::{CodeShown, Plan};
use super::scenario::Step;
use super::stop::{Positions, Scene, customer};
use super::venue;
use super::view::Stage;
use crate::device::hands::{Hand, Seen};
use crate::timers;

impl<P: Positions + Send> Scene<'_, P> {
    /// One such step; any other is a mistake of the table.
    pub(super) async fn go_wrong(&mut self, step: Step) -> Result<()> {
        match step {
            Step::Mistype => self.mistype().await,
            Step::RacePresent(racers) => self.race(racers).await,
            Step::PresentForwarded => self.present_forwarded().await,
            Step::ChangeDriver => self.change_driver().await,
            Step::RaceDrivers => self.race_drivers().await,
            Step::RevokeHandset => {
                self.show(Stage::Trouble("the driver's handset is revoked"));
                self.host.store.revoke(&self.lane.driver.handset, "stolen").await
            }
            Step::DriveOff => self.drive_off().await,
            Step::OpenAndDriveOff => {
                let release = self.ask_open().await?;
                self.await_sent().await?;
                self.drive_off().await?;
                self.wait_for_outcome(&release).await
            }
            Step::LeaveOpen(span_ms) => {
                self.wait("nobody closes the trunk", span_ms).await;
                Ok(())
            }
            Step::Revoke => self.host.store.end(&self.placed.session).await,
            Step::Rebind => self.customer.bind(self.plan).await,
            Step::Amend => {
                self.show(Stage::Trouble("the store changes the order"));
                self.host.store.amend(&mut self.placed).await?;
                // What was given out for the former terms is dead, the customer's own token too: there is a new link.
                self.token = None;
                self.customer = customer(self.host, &self.placed.session).await?;
                Ok(())
            }
            Step::CustomerStops => {
                self.show(Stage::Trouble("the customer stops it all"));
                self.customer.stop().await
            }
            Step::UseKey => self.use_key().await,
            Step::StaffLooks => {
                self.show(Stage::Trouble("somebody of the staff looks"));
                self.token = None;
                self.host.store.resume(&self.placed.session).await
            }
            Step::TightenPolicies => self.tighten_policies(true).await,
            Step::RelaxPolicies => self.tighten_policies(false).await,
            Step::OutlastWindow => {
                let left_ms = self.placed.ends.since_ms(self.host.place.clock.now());
                self.wait("nobody comes; the window runs out", left_ms).await;
                Ok(())
            }
            Step::Approve
            | Step::Assign
            | Step::Come
            | Step::ComeBlurred
            | Step::ScanTag
            | Step::ReadPlate
            | Step::Arrive
            | Step::ShowCode
            | Step::Present
            | Step::Open
            | Step::Load
            | Step::Confirm
            | Step::Fuel
            | Step::AwaitEnd
            | Step::Refused(_) => bail!("nothing is wrong with {step:?}"),
        }
    }

    /// Lets so much time pass, and counts it down.
    async fn wait(&self, why: &'static str, span_ms: u64) {
        for (left_s, step_ms) in countdown(span_ms) {
            self.show(Stage::Waiting { why, left_s });
            timers::sleep(Duration::from_millis(step_ms)).await;
        }
    }

    async fn drive_off(&mut self) -> Result<()> {
        self.show(Stage::Trouble("the car drives off"));
        self.token = None;
        let fix = venue::down_the_road(self.host.place.clock.now());
        self.customer.report_car(&fix).await
    }

    /// Head office forbids what this stop still needs, or takes that back. The policy speaks of this stop alone: no other
    /// is worth the same.
    async fn tighten_policies(&self, tighten: bool) -> Result<()> {
        self.show(Stage::Trouble("other policies come into force"));
        let Plan { number, amount_minor, .. } = self.plan;
        let text = format!(
            "@id(\"demo.stop_{number}\")\n@reason(\"rung_too_low\")\n\
             forbid (principal, action in Action::\"release\", resource)\n\
             when {{ context.order.value_minor == {amount_minor} }};\n"
        );
        let (name, text) = (format!("demo_{number}.cedar"), tighten.then_some(text.as_str()));
        self.host.store.replace_policies(&name, text).await
    }

    async fn mistype(&mut self) -> Result<()> {
        self.show(Stage::Trouble("the driver types a wrong code"));
        let shown = self.shown.as_ref().context("no code is shown")?;
        self.lane.driver.prove(&self.placed.session, shown.misheard()).await
    }

    /// Presents the same code many times at once. All but one must be told no.
    async fn race(&mut self, racers: usize) -> Result<()> {
        self.show(Stage::Trouble("the code is presented many times at once"));
        let shown = self.shown.as_ref().context("no code is shown")?;
        let presented = shown.presented(self.plan.code);
        let (driver, session) = (&self.lane.driver, &self.placed.session);
        let race = (0..racers).map(|_| driver.prove(session, presented.clone()));
        let mut winners = 0;
        for outcome in join_all(race).await {
            match outcome {
                Ok(()) => winners += 1,
                Err(error) => ensure!(problem_of(&error).is_some(), error),
            }
        }
        ensure!(winners == 1, "{winners} of {racers} racers won");
        Ok(())
    }

    /// Another stop's customer shows a code, a picture of which is presented here.
    async fn present_forwarded(&mut self) -> Result<()> {
        self.show(Stage::Trouble("a picture of another code is presented"));
        let (host, plan, driver) = (self.host, self.plan, &self.lane.driver);
        let (window_ms, devices) = (plan.scenario.window_ms, self.lane.devices());
        let other = host.store.place_order(plan, venue::NAME, &devices, window_ms).await?;
        let victim = customer(host, &other.session).await?;
        victim.approve(plan).await?;
        host.store.assign(&other.session, &driver.id).await?;
        let picture = victim.code().await?;
        victim.stop().await?;
        driver.prove(&self.placed.session, picture.presented(CodeShown::Scanned)).await
    }

    async fn change_driver(&mut self) -> Result<()> {
        self.show(Stage::Trouble("dispatch sends another driver"));
        let fresh = self.host.driver(self.lane.number).await?;
        self.former = Some(std::mem::replace(&mut self.lane.driver, fresh));
        self.token = None;
        self.host.store.assign(&self.placed.session, &self.lane.driver.id).await
    }

    async fn race_drivers(&mut self) -> Result<()> {
        self.show(Stage::Trouble("two drivers race for the trunk"));
        let shown = self.shown.as_ref().context("no code is shown")?;
        let presented = shown.presented(self.plan.code);
        let former = self.former.as_ref().context("nobody had it before")?;
        let session = &self.placed.session;
        let (has, had) = tokio::join!(
            self.lane.driver.prove(session, presented.clone()),
            former.prove(session, presented.clone()),
        );
        let refused = had.err().context("the former driver got in")?;
        ensure!(problem_of(&refused).is_some(), refused);
        has
    }

    /// Somebody opens the trunk with a key, and closes it again.
    async fn use_key(&mut self) -> Result<()> {
        self.show(Stage::Trouble("somebody opens the trunk with a key"));
        let lock = &mut self.lane.lock;
        lock.touch(Hand::Key).await?;
        lock.touch(Hand::Close).await?;
        lock.wait_for(|seen| *seen == Seen::Locked).await
    }
}

/// What is shown while so much time passes: the seconds that are left, each for as long as it lasts, in milliseconds.
fn countdown(span_ms: u64) -> impl Iterator<Item = (u64, u64)> {
    let left_ms = (0..span_ms.div_ceil(1_000)).map(move |passed_s| span_ms - passed_s * 1_000);
    left_ms.map(|left_ms| (left_ms.div_ceil(1_000), left_ms.min(1_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_waited_for_is_counted_down_to_its_end() {
        for (span_ms, shown) in [
            (0, &[][..]),
            (400, &[(1, 400)]),
            (2_000, &[(2, 1_000), (1, 1_000)]),
            (2_500, &[(3, 1_000), (2, 1_000), (1, 500)]),
        ] {
            assert_eq!(countdown(span_ms).collect::<Vec<_>>(), shown, "{span_ms} ms");
        }
    }
}
