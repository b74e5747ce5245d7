//! The one stop of a demo that is the visitor's to play: as the customer in one window of a browser, as the driver in
//! another; a third looks on from the console. Everything around them is played here: the store, dispatch, and the lid of
//! the trunk.
//!
//! It plays none of them, and knows of them what the store and the staff are told.

use std::time::Duration;

use anyhow::{Context, Result};
use carhop_kernel::device::DeviceClass;
use console::style;
use serde_json::json;

use super::client::problem_of;
use super::fleet::Actuator;
use super::host::Host;
use super::venue;
use super::view::View;
use crate::config::Window;
use crate::device::hands::Hand;
use crate::timers;

/// Where the visitor's pages are: at a free port of this machine, beside the demo's car.
pub(crate) fn window() -> Window {
    Window { address: ([127, 0, 0, 1], 0).into(), stands_at: venue::STANDS_AT }
}

/// Keeps a stop ready for the visitor for as long as the demo runs: where one has ended, the next begins.
pub(crate) async fn keep_one_ready(host: &Host, view: &View) -> Result<()> {
    let lock = host.actuator(DeviceClass::Lock, NUMBER, None).await?;
    host.wait_for_trust(&[&lock]).await?;
    let (handset, page) = host.store.browser_link("the visitor's browser").await?;
    let mut visit = Visit { host, lock, handset, driver: None };
    let console = host.store.staff_invitation(MEMBER).await?;
    let mut title =
        "one stop is yours to play, in two windows or three; each link works once".to_owned();
    loop {
        let session = visit.order().await?;
        let customer = host.store.link_address(&session).await?;
        let mut rows = vec![("customer", customer)];
        // The driver's window stays as it is once it is set up.
        if visit.driver.is_none() {
            rows.push(("driver", page.clone()));
        }
        rows.push(("car", format!("{VEHICLE}, plate {PLATE}")));
        rows.push(("bay sign", venue::TAG.to_owned()));
        rows.push(("console", console.clone()));
        view.pin(&told(&title, &rows));
        let end = visit.serve(&session).await?;
        title = format!("your stop is {end}; the next one is there");
    }
}

struct Visit<'a> {
    host: &'a Host,
    lock: Actuator,
    handset: String,
    /// Who drives, once the visitor's browser is enrolled.
    driver: Option<String>,
}

impl Visit<'_> {
    /// Places an order that may be served from a browser: groceries of little worth.
    async fn order(&self) -> Result<String> {
        let order = json!({
            "recipient": { "reference": "visitor", "name": "You" },
            "vehicle": { "plate": PLATE, "description": VEHICLE },
            "place": { "venue": venue::NAME, "kind": "lot", "bay": "7" },
            "handoff": "unattended",
            "legs": [{
                "kind": "goods", "compartment": "trunk", "basket": ["2 x apples", "1 x oat milk"],
                "device": self.lock.device,
            }],
            "value": { "amount_minor": AMOUNT_MINOR, "currency": "USD" },
            "sensitivity": "low",
            "payment_reference": "pre-visitor",
        });
        Ok(self.host.store.place(order, WINDOW_MS).await?.session)
    }

    /// Does what others do at a stop until it is over: what has become of it.
    async fn serve(&mut self, session: &str) -> Result<String> {
        loop {
            let seen = self.host.store.session(session).await?;
            let state = seen["state"].as_str().context("a session without a state")?;
            let is_over = ["completed", "revoked", "expired"].contains(&state);
            // Whoever has put the goods in shuts the trunk, and so does whoever finds it open in the end.
            let leg = seen["legs"][0]["state"].as_str().unwrap_or_default();
            if leg == "transferred" || is_over && leg == "open" {
                timers::sleep(SHUTTING).await;
                self.lock.touch(Hand::Close).await?;
            }
            if is_over {
                return Ok(state.to_owned());
            }
            self.greet().await?;
            if state == "vehicle_bound" {
                self.assign(session).await?;
            }
            timers::sleep(LOOK_PAUSE).await;
        }
    }

    /// Signs the visitor in as the driver as soon as the browser is enrolled: its page then waits for a stop.
    async fn greet(&mut self) -> Result<()> {
        let store = &self.host.store;
        if self.driver.is_none() && store.device(&self.handset).await?["tier"] == "certified" {
            self.driver = Some(store.name_driver(DRIVER, &self.handset).await?);
        }
        Ok(())
    }

    /// Gives the stop to the visitor, once the browser is a driver's.
    async fn assign(&self, session: &str) -> Result<()> {
        let Some(driver) = &self.driver else { return Ok(()) };
        match self.host.store.assign(session, driver).await {
            // The customer was faster, and has paused or stopped it.
            Err(error) if problem_of(&error).is_some() => Ok(()),
            settled => settled,
        }
    }
}

/// Where the visitor goes and what is asked there, under a title.
fn told(title: &str, rows: &[(&str, String)]) -> Vec<String> {
    let title = [String::new(), format!("  {}", style(title).bold())];
    let rows = rows.iter().map(|(what, text)| format!("    {what:<10} {}", style(text).cyan()));
    title.into_iter().chain(rows).chain([String::new()]).collect()
}

/// Beside the lanes of the others.
const NUMBER: usize = 99;
const DRIVER: &str = "Robin Vale";
/// Who sits at the console.
const MEMBER: &str = "Ada Brandt";
const VEHICLE: &str = "blue Golf estate";
const PLATE: &str = "7KD 201";
/// Less than any stop of the others is worth.
const AMOUNT_MINOR: u64 = 1_799;
/// Somebody may come back to it after lunch.
const WINDOW_MS: u64 = 8 * 60 * 60 * 1000;
const SHUTTING: Duration = Duration::from_secs(2);
const LOOK_PAUSE: Duration = Duration::from_millis(400);
