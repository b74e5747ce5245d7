//! How long the driver still needs, for whoever waits: from a recent place or not at all (M-UXP-1).

use serde_json::{Value, json};

use crate::stop::Stop;
use crate::world::{By, World};

#[tokio::test]
async fn an_estimate_comes_from_a_recent_place_or_not_at_all() {
    let world = World::start().await;
    let stop = Stop::assigned(&world).await;
    let path = stop.path("estimate");
    let unknown = json!({ "minutes": null, "as_of": null });
    let before = world.ask(stop.by_customer(), "GET", &path, None).await.expect(200);
    assert_eq!(before.body, unknown, "no place is known");

    let shown = world.ask(stop.by_customer(), "GET", &stop.path("history"), None).await;
    let now = shown.expect(200).text("now");
    // About 4.4 km south of the lot.
    let ask = json!({ "fixes": [{
        "latitude": 37.295, "longitude": -121.888, "accuracy_m": 5.0,
        "fixed_at": now, "source": "gnss",
    }] });
    let driver = By::Certificate(&stop.handset_client);
    world.ask(driver, "POST", &stop.path("positions"), Some(ask)).await.expect(200);
    let told = world.ask(stop.by_customer(), "GET", &path, None).await.expect(200);
    assert_eq!(told.body["minutes"], 15);
    assert!(told.body["as_of"].is_string());
    assert_eq!(told.body.as_object().unwrap().len(), 2, "a customer learns no place");

    world.clock.skip_ms(3 * 60 * 1000 + 1);
    let later = world.ask(stop.by_customer(), "GET", &path, None).await.expect(200);
    assert_eq!(later.body, unknown, "the place is too old");
    let other = Stop::requested(&world).await;
    let foreign = world.ask(other.by_customer(), "GET", &path, None).await;
    assert_eq!(foreign.expect(404).body["minutes"], Value::Null);
    world.stop().await;
}
