//! The virtual people of the demo: the store's back office and a customer with a phone. Each has keys of its own and
//! knows what the public interface tells it, nothing else.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use carhop_app::ports::Clock;
use carhop_kernel::time::Timestamp;
use serde_json::{Value, json};

use super::client::{Client, Credential, problem_of};
use super::driver::Reported;
use super::plan::{CodeShown, Plan};
use crate::clock::SystemClock;
use crate::device::store::draw_key;
use crate::http::time;

/// The store's back office: takes orders, sends links, assigns drivers, keeps the fleet.
pub(crate) struct Store {
    orders: Client,
    staff: Client,
    head_office: Client,
    clock: Arc<SystemClock>,
}

impl Store {
    /// A back office with three API keys: one that can place orders, one for everything of every day, and head office's.
    pub(crate) const fn new(
        orders: Client,
        staff: Client,
        head_office: Client,
        clock: Arc<SystemClock>,
    ) -> Self {
        Self { orders, staff, head_office, clock }
    }

    /// Places the order of a plan.
    pub(crate) async fn place_order(
        &self,
        plan: &Plan,
        venue: &str,
        devices: &Devices,
        window_ms: u64,
    ) -> Result<Placed> {
        let mut legs = Vec::new();
        if plan.scenario.legs.has_goods() {
            legs.push(json!({
                "kind": "goods", "compartment": "trunk", "basket": plan.basket, "device": devices.lock,
            }));
        }
        if plan.scenario.legs.has_fuel() {
            legs.push(json!({
                "kind": "fuel", "grade": plan.grade, "limit_ml": plan.limit_ml,
                "device": devices.pump,
            }));
        }
        let order = json!({
            "recipient": { "reference": format!("customer-{}", plan.plate), "name": plan.customer },
            "vehicle": { "plate": plan.plate, "description": plan.vehicle },
            "place": { "venue": venue, "kind": "lot" },
            "handoff": "attended",
            "legs": legs,
            "value": { "amount_minor": plan.amount_minor, "currency": "USD" },
            "sensitivity": "moderate",
            "payment_reference": format!("pre-{}", plan.plate),
        });
        self.place(order, window_ms).await
    }

    /// Places an order that may be served from now on, for so long.
    pub(crate) async fn place(&self, mut order: Value, window_ms: u64) -> Result<Placed> {
        let now = self.clock.now();
        let ends = now.plus_ms(window_ms);
        order["window"] = json!({ "start": time::text(now), "end": time::text(ends) });
        let placed = self.orders.post("/v1/orders", order.clone()).await?;
        let (session, name) = (text(&placed, "session")?, text(&placed, "order")?);
        Ok(Placed { session, order: name, terms: order, version: 1, ends })
    }

    /// Puts one more thing into the basket: the order gets another version.
    pub(crate) async fn amend(&self, placed: &mut Placed) -> Result<()> {
        let basket = placed.terms["legs"][0]["basket"].as_array_mut().context("no groceries")?;
        basket.push("1 x forgotten birthday cake".into());
        let path = format!("/v1/orders/{}/amendments", placed.order);
        self.orders.post_over(&path, placed.terms.clone(), placed.version).await?;
        placed.version += 1;
        Ok(())
    }

    /// Makes the one-time link that the customer is sent.
    pub(crate) async fn link(&self, session: &str) -> Result<String> {
        text(&self.make_link(session).await?, "secret")
    }

    /// The same, as the address of the customer's page.
    pub(crate) async fn link_address(&self, session: &str) -> Result<String> {
        text(&self.make_link(session).await?, "url")
    }

    async fn make_link(&self, session: &str) -> Result<Value> {
        self.orders.post(&format!("/v1/sessions/{session}/links"), json!({})).await
    }

    /// Gives the stop to a driver.
    pub(crate) async fn assign(&self, session: &str, driver: &str) -> Result<()> {
        let path = format!("/v1/sessions/{session}/assignments");
        self.staff.post(&path, json!({ "driver": driver })).await?;
        Ok(())
    }

    /// Lifts a hold.
    pub(crate) async fn resume(&self, session: &str) -> Result<()> {
        self.staff.post(&format!("/v1/sessions/{session}/resumptions"), json!({})).await?;
        Ok(())
    }

    /// Ends a stop.
    pub(crate) async fn end(&self, session: &str) -> Result<()> {
        let path = format!("/v1/sessions/{session}/revocations");
        self.staff.post(&path, json!({})).await?;
        Ok(())
    }

    /// Takes a device out of service.
    pub(crate) async fn revoke(&self, device: &str, cause: &str) -> Result<()> {
        let path = format!("/v1/devices/{device}/revocations");
        self.staff.post(&path, json!({ "cause": cause })).await?;
        Ok(())
    }

    /// Puts a file of policies beside those in force, or takes it away, whatever others do to them at the same time.
    pub(crate) async fn replace_policies(&self, name: &str, text: Option<&str>) -> Result<()> {
        for _ in 0..REPLACEMENTS_MAX {
            let decides = self.head_office.get("/v1/policy").await?;
            let kept = decides["files"].as_array().context("no files")?.iter();
            let kept = kept.filter(|file| file["name"] != name);
            let own = text.map(|text| json!({ "name": name, "text": text }));
            let files: Vec<_> = kept
                .map(|file| json!({ "name": file["name"], "text": file["text"] }))
                .chain(own)
                .collect();
            let ask = json!({ "files": files });
            let version = decides["version"].as_str().context("no version")?;
            match self.head_office.put_over("/v1/policy", ask, version).await {
                Err(error) if problem_of(&error).is_some_and(|it| it.is_for(OUTDATED)) => {}
                settled => return settled.map(|_| ()),
            }
        }
        bail!("others kept replacing the policies")
    }

    /// Looks at a session.
    pub(crate) async fn session(&self, session: &str) -> Result<Value> {
        self.staff.get(&format!("/v1/sessions/{session}")).await
    }

    /// Looks at a device.
    pub(crate) async fn device(&self, device: &str) -> Result<Value> {
        self.staff.get(&format!("/v1/devices/{device}")).await
    }

    /// Draws a venue.
    pub(crate) async fn draw_venue(&self, venue: &str, geojson: Value) -> Result<()> {
        self.staff.put(&format!("/v1/venues/{venue}"), geojson).await?;
        Ok(())
    }

    /// Names a device and makes its enrolment ticket: `(device, ticket)`.
    pub(crate) async fn ticket(&self, class: &str, name: &str) -> Result<(String, String)> {
        let made =
            self.staff.post("/v1/devices/tickets", json!({ "class": class, "name": name })).await?;
        Ok((text(&made, "device")?, text(&made, "ticket")?))
    }

    /// Names a driver's browser and makes the link that enrols it: `(device, address)`.
    pub(crate) async fn browser_link(&self, name: &str) -> Result<(String, String)> {
        let ask = json!({ "class": "handset", "name": name, "browser": true });
        let made = self.staff.post("/v1/devices/tickets", ask).await?;
        Ok((text(&made, "device")?, text(&made, "url")?))
    }

    /// Invites a member of staff who may do everything: the address where a passkey is made.
    pub(crate) async fn staff_invitation(&self, name: &str) -> Result<String> {
        let ask = json!({ "name": name, "role": "administrator" });
        let made = self.head_office.post("/v1/staff", ask).await?;
        text(made.get("invitation").context("no invitation")?, "url")
    }

    /// Names a driver who is signed in on a handset.
    pub(crate) async fn name_driver(&self, name: &str, handset: &str) -> Result<String> {
        let ask = json!({ "name": name, "device": handset });
        text(&self.staff.post("/v1/drivers", ask).await?, "driver")
    }
}

/// An order as the store placed it.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    /// Its session.
    pub(crate) session: String,
    /// When its window ends.
    pub(crate) ends: Timestamp,
    order: String,
    terms: Value,
    version: u32,
}

/// The lock and the pump that a stop is served with.
#[derive(Clone, Debug)]
pub(crate) struct Devices {
    /// The lock.
    pub(crate) lock: String,
    /// The pump.
    pub(crate) pump: String,
}

/// A customer with a phone whose key never leaves it.
pub(crate) struct Customer {
    phone: Client,
    session: String,
    token: String,
}

/// What the customer shows the driver.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// Six digits.
    pub(crate) digits: String,
    /// The same to be scanned.
    pub(crate) scan: String,
}

impl Customer {
    /// Opens the link that the store sent; the phone's key is bound to it from here on.
    pub(crate) async fn open(
        http: reqwest::Client,
        origin: &str,
        clock: Arc<SystemClock>,
        secret: &str,
    ) -> Result<Self> {
        let credential = Credential::BoundKey { key: Box::new(draw_key()?), token: None };
        let mut phone = Client::new(http, origin, credential, clock);
        let redeemed = phone.post("/v1/links/redemptions", json!({ "secret": secret })).await?;
        let (session, token) = (text(&redeemed, "session")?, text(&redeemed, "token")?);
        phone.present(Some(token.clone()));
        Ok(Self { phone, session, token })
    }

    /// Is verified, states the car, and approves what is proposed.
    pub(crate) async fn approve(&self, plan: &Plan) -> Result<()> {
        let path = format!("/v1/sessions/{}/recipient", self.session);
        self.phone.post(&path, json!({})).await?;
        self.bind(plan).await
    }

    /// States the car, and approves what is proposed.
    pub(crate) async fn bind(&self, plan: &Plan) -> Result<()> {
        let path = |what: &str| format!("/v1/sessions/{}/{what}", self.session);
        let proposed = self.phone.post(&path("bindings"), json!({ "plate": plan.plate })).await?;
        let intent = text(&proposed, "intent")?;
        self.phone.post(&path("approvals"), json!({ "intent": intent })).await?;
        Ok(())
    }

    /// Asks for a code to show.
    pub(crate) async fn code(&self) -> Result<Shown> {
        let path = format!("/v1/sessions/{}/codes", self.session);
        let made = self.phone.post(&path, json!({})).await?;
        Ok(Shown { digits: text(&made, "code")?, scan: text(&made, "scan")? })
    }

    /// The phone is in the car and tells where that is.
    pub(crate) async fn report_car(&self, fix: &Reported) -> Result<()> {
        let path = format!("/v1/sessions/{}/vehicle-positions", self.session);
        self.phone.post(&path, json!({ "fixes": [fix.json()] })).await?;
        Ok(())
    }

    /// Stops it all.
    pub(crate) async fn stop(&self) -> Result<()> {
        let path = format!("/v1/sessions/{}/revocations", self.session);
        self.phone.post(&path, json!({})).await?;
        Ok(())
    }

    /// Closes the page for good: its token is dead from here on.
    pub(crate) async fn sign_out(&self) -> Result<()> {
        self.phone.post("/v1/tokens/revoke", json!({ "token": self.token })).await?;
        Ok(())
    }
}

impl Shown {
    /// What the driver presents.
    pub(crate) fn presented(&self, how: CodeShown) -> Value {
        match how {
            CodeShown::Typed => json!({ "code": self.digits }),
            CodeShown::Scanned => json!({ "scan": self.scan }),
        }
    }

    /// What the driver types who heard the last digit wrong.
    pub(crate) fn misheard(&self) -> Value {
        let (heard, last) = self.digits.split_at(self.digits.len().saturating_sub(1));
        let other = if last == "7" { "1" } else { "7" };
        json!({ "code": format!("{heard}{other}") })
    }
}

/// A text member of an answer.
pub(crate) fn text(answer: &Value, name: &str) -> Result<String> {
    let found = answer.get(name).and_then(Value::as_str);
    found.map(str::to_owned).with_context(|| format!("the answer has no `{name}`"))
}

const OUTDATED: &str = "precondition_failed";
/// Others may replace them meanwhile, one after the other.
const REPLACEMENTS_MAX: usize = 100;
