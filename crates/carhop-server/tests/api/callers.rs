//! Callers of one tenant, and how far each of them reaches (M-PRV-3, M-TOK-1).

use futures_util::StreamExt;
use serde_json::json;

use crate::stop::{Stop, bind};
use crate::world::{By, World};

#[tokio::test]
async fn a_customer_and_a_driver_see_only_stops_of_their_own() {
    let world = World::start().await;
    let (mine, other) = (Stop::assigned(&world).await, Stop::requested(&world).await);
    let driver = By::Certificate(&mine.handset_client);
    for (by, path, status) in [
        (mine.by_customer(), format!("/v1/sessions/{}", mine.session), 200),
        (mine.by_customer(), format!("/v1/sessions/{}", other.session), 404),
        (driver, format!("/v1/sessions/{}", mine.session), 200),
        (driver, format!("/v1/sessions/{}", other.session), 404),
        (mine.by_customer(), "/v1/sessions".to_owned(), 403),
        (driver, "/v1/sessions".to_owned(), 403),
        (driver, "/v1/audit/log".to_owned(), 403),
    ] {
        let answer = world.ask(by, "GET", &path, None).await;
        assert_eq!(answer.status, status, "{path}: {:?}", answer.body);
    }
    let stops = world.ask(driver, "GET", "/v1/driver/stops", None).await.expect(200);
    assert_eq!(stops.body["data"].as_array().unwrap().len(), 1);
    assert_eq!(stops.body["data"][0]["id"], *mine.session);
    world.stop().await;
}

#[tokio::test]
async fn a_key_reaches_no_further_than_its_scopes() {
    let world = World::start().await;
    let ask = json!({ "name": "auditor", "scopes": ["audit"] });
    let made = world.ask(By::Key(&world.admin), "POST", "/v1/api-keys", Some(ask)).await;
    let key = made.expect(201).text("key");
    for (method, path, status) in [
        ("GET", "/v1/audit/root", 200),
        ("GET", "/v1/events", 200),
        ("GET", "/v1/sessions", 200),
        ("GET", "/v1/devices", 200),
        ("GET", "/v1/venues", 200),
        ("GET", "/v1/staff", 403),
        ("GET", "/v1/driver/stops", 403),
        ("GET", "/v1/staff/me", 403),
    ] {
        let answer = world.ask(By::Key(&key), method, path, None).await;
        assert_eq!(answer.status, status, "{method} {path}");
    }
    for (path, ask) in [
        ("/v1/api-keys", json!({ "name": "more", "scopes": ["admin"] })),
        ("/v1/account/holds", json!({ "cause": "x" })),
        ("/v1/devices/tickets", json!({ "class": "lock", "name": "x" })),
    ] {
        world.ask(By::Key(&key), "POST", path, Some(ask)).await.expect(403);
    }
    world.stop().await;
}

#[tokio::test]
async fn a_revoked_key_is_nobody_from_the_answer_on_and_what_it_was_reading_ends() {
    let world = World::start().await;
    let admin = By::Key(&world.admin);
    let ask = json!({ "name": "left on a train", "scopes": ["staff", "admin"] });
    let made = world.ask(admin, "POST", "/v1/api-keys", Some(ask)).await.expect(201);
    let (id, key) = (made.text("id"), made.text("key"));
    let path = format!("/v1/api-keys/{id}/revocations");
    let url = format!("{}/v1/events/stream", world.base());
    let mut stream = world.client().get(url).bearer_auth(&key).send().await.unwrap().bytes_stream();
    assert!(stream.next().await.unwrap().is_ok());

    let why = json!({ "cause": "lost" });
    let revoked = world.ask(admin, "POST", &path, Some(why.clone())).await.expect(200);
    assert!(revoked.body["revoked_at"].is_string(), "{:?}", revoked.body);
    for route in ["/v1/sessions", "/v1/account", "/v1/api-keys"] {
        world.ask(By::Key(&key), "GET", route, None).await.expect(401);
    }
    while stream.next().await.is_some_and(|part| part.is_ok()) {}
    let again = world.ask(admin, "POST", &path, Some(why.clone())).await.expect(200);
    assert_eq!(again.body, revoked.body, "the first moment stays");

    let listed = world.ask(admin, "GET", "/v1/api-keys", None).await.expect(200);
    let listed = listed.body["data"].as_array().unwrap();
    assert!(listed.contains(&revoked.body) && listed.len() > 1, "{listed:?}");
    assert!(!serde_json::to_string(listed).unwrap().contains("ch_live_"), "no key is shown");
    // It gets its place in the log by itself: nothing else would end this test.
    let told = async || world.ask(admin, "GET", "/v1/events?limit=100", None).await.expect(200);
    while !told().await.body.to_string().contains("carhop.api_key.revoked.v1") {
        tokio::task::yield_now().await;
    }

    // A key that is no administrator's neither sees nor revokes others.
    let ask = json!({ "name": "auditor", "scopes": ["audit", "staff"] });
    let made = world.ask(admin, "POST", "/v1/api-keys", Some(ask)).await.expect(201);
    let auditor = made.text("key");
    world.ask(By::Key(&auditor), "GET", "/v1/api-keys", None).await.expect(403);
    world.ask(By::Key(&auditor), "POST", &path, Some(why.clone())).await.expect(403);
    world.stop().await;
}

#[tokio::test]
async fn a_revoked_device_is_turned_away_on_its_next_request() {
    let world = World::start().await;
    let stop = Stop::assigned(&world).await;
    let driver = By::Certificate(&stop.handset_client);
    world.ask(driver, "GET", "/v1/driver/stops", None).await.expect(200);
    let path = format!("/v1/devices/{}/revocations", stop.handset);
    let ask = json!({ "cause": "lost" });
    world.ask(By::Key(&world.admin), "POST", &path, Some(ask)).await.expect(200);
    world.ask(driver, "GET", "/v1/driver/stops", None).await.expect(401);
    world.ask(By::Proof(&stop.handset_key), "GET", "/v1/driver/stops", None).await.expect(401);
    world.stop().await;
}

#[tokio::test]
async fn a_fresh_link_burns_the_former_and_works_once() {
    let world = World::start().await;
    let stop = Stop::requested(&world).await;
    let admin = By::Key(&world.admin);
    let link = async || {
        let made = world.ask(admin, "POST", &stop.path("links"), Some(json!({}))).await;
        made.expect(201).text("secret")
    };
    let (first, second) = (link().await, link().await);
    for (secret, status) in [(&first, 401), (&second, 201), (&second, 401)] {
        let ask = json!({ "secret": secret });
        let by = By::Proof(&stop.customer_key);
        world.ask(by, "POST", "/v1/links/redemptions", Some(ask)).await.expect(status);
    }
    bind(&world, &stop.session).await;
    world.stop().await;
}
