//! One stop with everybody who takes part in it.

use carhop_app::ports::Clock;
use carhop_proofs::suite::SigningKey;
use carhop_server::keys::fresh_key;
use reqwest::Client;
use serde_json::{Value, json};

use crate::world::{By, World};

/// A stop that a driver is assigned to.
pub struct Stop {
    pub order: String,
    pub session: String,
    pub lock: String,
    pub handset: String,
    pub driver: String,
    /// The handset's connection by its certificate.
    pub handset_client: Client,
    pub handset_chain: Value,
    pub handset_key: SigningKey,
    pub customer_key: SigningKey,
    pub customer_token: String,
}

pub const PLATE: &str = "8ABC123";
pub const TAG: &str = "tag-7f3a9c";

impl Stop {
    /// A stop whose order was placed and whose link was redeemed.
    pub async fn requested(world: &World) -> Self {
        let admin = By::Key(&world.admin);
        world.ask(admin, "PUT", "/v1/venues/lot-1", Some(venue())).await.expect(200);
        let (lock, ..) = world.enrol("lock").await;
        let (handset, handset_key, chain) = world.enrol("handset").await;
        let ask = json!({ "name": "Dee", "device": handset });
        let driver = world.ask(admin, "POST", "/v1/drivers", Some(ask)).await.expect(201);
        let ask = order(world, &lock);
        let placed = world.ask(admin, "POST", "/v1/orders", Some(ask)).await.expect(201);
        let session = placed.text("session");
        let (customer_key, customer_token) = bind(world, &session).await;
        Self {
            order: placed.text("order"),
            session,
            lock,
            handset,
            driver: driver.text("driver"),
            handset_client: world.client_with(&handset_key, &chain),
            handset_key,
            handset_chain: chain,
            customer_key,
            customer_token,
        }
    }

    /// A stop that was approved and given to the driver.
    pub async fn assigned(world: &World) -> Self {
        let stop = Self::requested(world).await;
        stop.customer(world, "recipient", json!({})).await;
        let intent = stop.customer(world, "bindings", json!({ "plate": PLATE })).await;
        stop.customer(world, "approvals", json!({ "intent": intent["intent"] })).await;
        assert_eq!(world.attest(&stop.handset_client, &stop.handset_chain).await, "attested");
        let path = stop.path("assignments");
        let ask = json!({ "driver": stop.driver });
        world.ask(By::Key(&world.admin), "POST", &path, Some(ask)).await.expect(200);
        stop
    }

    pub fn path(&self, what: &str) -> String {
        format!("/v1/sessions/{}/{what}", self.session)
    }

    pub fn by_customer(&self) -> By<'_> {
        By::Token(&self.customer_key, &self.customer_token)
    }

    async fn customer(&self, world: &World, what: &str, ask: Value) -> Value {
        let answer = world.ask(self.by_customer(), "POST", &self.path(what), Some(ask)).await;
        answer.expect(200).body
    }
}

/// Redeems a fresh link of the session with a fresh key.
pub async fn bind(world: &World, session: &str) -> (SigningKey, String) {
    let path = format!("/v1/sessions/{session}/links");
    let link = world.ask(By::Key(&world.admin), "POST", &path, Some(json!({}))).await.expect(201);
    let key = fresh_key();
    let ask = json!({ "secret": link.body["secret"] });
    let made = world.ask(By::Proof(&key), "POST", "/v1/links/redemptions", Some(ask)).await;
    let token = made.expect(201).text("token");
    (key, token)
}

pub fn order(world: &World, lock: &str) -> Value {
    let now = world.clock.now();
    let at = |span_ms: u64| {
        let unix_ms = i64::try_from(now.plus_ms(span_ms).unix_ms()).unwrap();
        format!("{:.3}", jiff::Timestamp::from_millisecond(unix_ms).unwrap())
    };
    json!({
        "recipient": { "reference": "customer-17", "name": "Ada" },
        "vehicle": { "plate": PLATE, "description": "blue hatchback" },
        "place": { "venue": "lot-1", "kind": "lot" },
        "window": { "start": at(0), "end": at(3_600_000) },
        "handoff": "attended",
        "legs": [{ "kind": "goods", "compartment": "trunk", "basket": ["milk"], "device": lock }],
        "value": { "amount_minor": 4200, "currency": "EUR" },
        "sensitivity": "low",
    })
}

pub fn venue() -> Value {
    json!({
        "type": "Feature",
        "geometry": { "type": "Polygon", "coordinates": [[
            [-121.889, 37.335], [-121.887, 37.335], [-121.887, 37.337], [-121.889, 37.337],
            [-121.889, 37.335],
        ]] },
        "properties": { "kind": "parking", "services": ["grocery_handoff"], "tags": [TAG] },
    })
}
