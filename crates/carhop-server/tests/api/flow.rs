//! A stop from the order to the car over the interface alone. Doors and pumps are the demo's business.

use serde_json::json;

use crate::stop::{PLATE, Stop, TAG};
use crate::world::{By, World};

#[tokio::test]
async fn a_stop_gets_to_the_car_and_no_further_without_what_a_release_needs() {
    let world = World::start().await;
    let stop = Stop::assigned(&world).await;
    let driver = By::Certificate(&stop.handset_client);
    let post = async |by, what: &str, ask| world.ask(by, "POST", &stop.path(what), Some(ask)).await;

    let early = post(driver, "arrivals", json!({})).await.expect(403);
    assert!(early.body["reasons"].to_string().contains("place_not_proven"), "{:?}", early.body);
    assert!(early.text("policy_version").len() == 64);

    post(driver, "tags", json!({ "code": "wrong" })).await.expect(400);
    post(driver, "tags", json!({ "code": TAG })).await.expect(200);
    let other = post(driver, "vehicle-matches", json!({ "plate": "OTHER1" })).await.expect(200);
    assert_eq!(other.body["matches"], false);
    let right = post(driver, "vehicle-matches", json!({ "plate": PLATE })).await.expect(200);
    assert_eq!(right.body["matches"], true);

    let code = post(stop.by_customer(), "codes", json!({})).await.expect(201);
    assert_eq!(code.text("code").len(), 6);
    assert!(code.text("scan").starts_with("CH1:"));

    let token = post(driver, "vehicle-tokens", json!({})).await.expect(201).text("token");
    let ask = json!({
        "subject_token": token, "audience": stop.lock,
        "authorization_details": [{ "type": "urn:carhop:handoff:v1", "actions": ["grocery_handoff"] }],
    });
    let made = world.ask(driver, "POST", "/v1/tokens/exchange", Some(ask)).await.expect(200);
    assert!(made.text("access_token").starts_with("cha_"));
    let ask = json!({ "token": made.body["access_token"] });
    let seen = world.ask(driver, "POST", "/v1/tokens/introspect", Some(ask.clone())).await;
    assert_eq!(seen.expect(200).body["active"], true);

    let refused = post(driver, "releases", json!({ "leg": 0 })).await;
    assert!(refused.status == 403 || refused.status == 409, "{:?}", refused.body);

    world.ask(driver, "POST", "/v1/tokens/revoke", Some(ask.clone())).await.expect(200);
    let gone = world.ask(driver, "POST", "/v1/tokens/introspect", Some(ask)).await.expect(200);
    assert_eq!(gone.body, json!({ "active": false }));
    world.stop().await;
}

#[tokio::test]
async fn a_hold_freezes_a_stop_and_a_revocation_ends_it_with_its_tokens() {
    let world = World::start().await;
    let stop = Stop::assigned(&world).await;
    let admin = By::Key(&world.admin);
    let post =
        async |by, what: &str| world.ask(by, "POST", &stop.path(what), Some(json!({}))).await;
    let held = post(stop.by_customer(), "holds").await.expect(200);
    assert_eq!(held.body["hold"]["cause"], "customer");
    let resumed = post(admin, "resumptions").await.expect(200);
    assert_eq!(resumed.body["hold"], json!(null));
    assert_ne!(held.headers["etag"], resumed.headers["etag"]);
    let revoked = post(admin, "revocations").await.expect(200);
    assert_eq!(revoked.body["state"], "revoked");
    let driver = By::Certificate(&stop.handset_client);
    let late = post(driver, "vehicle-tokens").await;
    assert!((400..500).contains(&late.status), "{:?}", late.body);
    world.stop().await;
}

#[tokio::test]
async fn anybody_may_read_how_the_server_is_and_how_it_is_asked() {
    let world = World::start().await;
    for (path, part) in [
        ("/livez", "live"),
        ("/readyz", "ready"),
        ("/problems", "<a href=\"/problems/code_wrong\">code_wrong</a>"),
        ("/problems/code_wrong", "<h1>code_wrong</h1>"),
        ("/.well-known/jwks.json", "\"Ed25519\""),
        ("/v1/openapi.json", "\"openapi\":\"3.1.0\""),
    ] {
        let response = world.client().get(format!("{}{path}", world.base())).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert!(response.text().await.unwrap().contains(part), "{path}");
    }
    world.stop().await;
}

#[tokio::test]
async fn what_was_measured_is_for_those_who_may_read_the_log() {
    let world = World::start().await;
    world.ask(By::Nobody, "GET", "/metrics", None).await.expect(401);
    let url = format!("{}/metrics", world.base());
    let response = world.client().get(url).bearer_auth(&world.admin).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let text = response.text().await.unwrap();
    for name in [
        "carhop_requests_total",
        "carhop_effects_waiting 0",
        "carhop_effects_waiting_seconds 0",
        "carhop_timers_due 0",
        "carhop_timers_due_seconds 0",
        "carhop_events_unsequenced ",
        "carhop_devices_connected 0",
    ] {
        assert!(text.contains(name), "{name}: {text}");
    }
    world.stop().await;
}
