//! Venues as staff draw them: versions that nobody overwrites unseen, tags that stay, drawings tried before (M-GEO-1, M-GEO-5).

use serde_json::{Value, json};

use crate::stop::{Stop, venue};
use crate::world::{Answer, By, World, read};

async fn put_over(world: &World, path: &str, tag: &str, drawn: &Value) -> Answer {
    let request = world.client().put(format!("{}{path}", world.base()));
    let request = request.bearer_auth(&world.admin).header("if-match", tag);
    read(request.json(drawn).send().await.unwrap()).await
}

#[tokio::test]
async fn a_drawing_replaces_the_version_that_was_looked_at_and_tags_stay_where_none_are_named() {
    let world = World::start().await;
    Stop::requested(&world).await;
    let admin = By::Key(&world.admin);
    let path = "/v1/venues/lot-1";
    let first = world.ask(admin, "GET", path, None).await.expect(200);
    assert_eq!((first.body["version"].as_u64(), first.body["tags"].as_u64()), (Some(1), Some(1)));

    // What is shown can be sent back as it is: it names no tags, and they stay.
    let drawn = first.body["geojson"].clone();
    let tag = first.headers["etag"].to_str().unwrap();
    let stored = put_over(&world, path, tag, &drawn).await.expect(200);
    assert_eq!((stored.body["version"].as_u64(), stored.body["tags"].as_u64()), (Some(2), Some(1)));
    let late = put_over(&world, path, tag, &drawn).await;
    assert_eq!(late.expect(412).text("code"), "precondition_failed");
    put_over(&world, path, "two", &drawn).await.expect(400);
    put_over(&world, "/v1/venues/lot-2", tag, &drawn).await.expect(412);
    put_over(&world, "/v1/venues/lot-2", "\"0\"", &drawn).await.expect(200);

    let mut bare = venue();
    bare["properties"]["tags"] = json!([]);
    let stored = world.ask(admin, "PUT", path, Some(bare)).await.expect(200);
    assert_eq!((stored.body["version"].as_u64(), stored.body["tags"].as_u64()), (Some(3), Some(0)));
    world.stop().await;
}

#[tokio::test]
async fn a_drawing_is_tried_on_recent_positions_and_changes_nothing() {
    let world = World::start().await;
    let (stop, admin) = (Stop::assigned(&world).await, By::Key(&world.admin));
    let path = "/v1/venues/lot-1/trials";
    let moved = |east: f64| {
        let mut drawn = venue();
        for corner in drawn["geometry"]["coordinates"][0].as_array_mut().unwrap() {
            corner[0] = json!(corner[0].as_f64().unwrap() + east);
        }
        json!({ "geojson": drawn, "service": "grocery_handoff" })
    };
    let none = world.ask(admin, "POST", path, Some(moved(0.0))).await.expect(200);
    assert_eq!(none.body["fixes"], json!([]));

    let shown = world.ask(admin, "GET", &stop.path("history"), None).await.expect(200);
    let ask = json!({ "fixes": [{
        "latitude": 37.336, "longitude": -121.888, "accuracy_m": 5.0,
        "fixed_at": shown.text("now"), "source": "gnss",
    }] });
    let driver = By::Certificate(&stop.handset_client);
    world.ask(driver, "POST", &stop.path("positions"), Some(ask)).await.expect(200);
    for (east, draft) in [(0.0, "inside"), (0.001, "uncertain"), (0.01, "outside")] {
        let tried = world.ask(admin, "POST", path, Some(moved(east))).await.expect(200);
        let fixes = tried.body["fixes"].as_array().unwrap();
        assert_eq!(fixes.len(), 1, "{fixes:?}");
        let said = |member: &str| fixes[0][member].as_str().unwrap().to_owned();
        assert_eq!((said("party"), said("in_force")), ("driver".into(), "inside".into()));
        assert_eq!(said("draft"), draft, "{east}: {fixes:?}");
        assert!(!tried.body.to_string().contains(&stop.session), "nobody is named");
    }
    // For a service that the drawing permits nowhere, everybody is outside.
    let mut fuel = moved(0.0);
    fuel["service"] = json!("fuel_authorisation");
    let tried = world.ask(admin, "POST", path, Some(fuel)).await.expect(200);
    assert_eq!(tried.body["fixes"][0]["draft"], "outside");
    assert_eq!(tried.body["fixes"][0]["distance_m"], Value::Null);

    let mut broken = moved(0.0);
    broken["geojson"]["geometry"]["coordinates"] = json!([[[0.0, 0.0], [1.0, 1.0], [0.0, 0.0]]]);
    world.ask(admin, "POST", path, Some(broken)).await.expect(400);
    let kept = world.ask(admin, "GET", "/v1/venues/lot-1", None).await.expect(200);
    assert_eq!(kept.body["version"], 1);

    // Two days later nobody was there recently.
    world.clock.skip_ms(2 * 24 * 60 * 60 * 1000);
    let tried = world.ask(admin, "POST", path, Some(moved(0.0))).await.expect(200);
    assert_eq!(tried.body["fixes"], json!([]));
    world.stop().await;
}

#[tokio::test]
async fn only_who_draws_venues_and_may_see_stops_tries_them() {
    let world = World::start().await;
    Stop::requested(&world).await;
    let admin = By::Key(&world.admin);
    let trials = "/v1/venues/lot-1/trials";
    for (scopes, status) in [
        (json!(["audit", "staff", "orders"]), 403),
        (json!(["venues", "orders"]), 403),
        (json!(["venues", "staff"]), 200),
    ] {
        let ask = json!({ "name": "planner", "scopes": scopes });
        let made = world.ask(admin, "POST", "/v1/api-keys", Some(ask)).await.expect(201);
        let key = made.text("key");
        let ask = json!({ "geojson": venue(), "service": "grocery_handoff" });
        world.ask(By::Key(&key), "POST", trials, Some(ask)).await.expect(status);
        world.ask(By::Key(&key), "GET", "/v1/venues/lot-1", None).await.expect(200);
    }
    world.stop().await;
}
