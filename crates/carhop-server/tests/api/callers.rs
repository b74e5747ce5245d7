//! Nobody without a credential and nobody of another tenant learns or changes anything: every operation of the
//! description is asked, so that none can be forgotten (M-PRV-3, style habit 12).

use serde_json::{Value, json};

use crate::stop::{Stop, bind, order, venue};
use crate::world::{By, World};

/// Every operation of the description: method, path.
fn operations() -> Vec<(String, String)> {
    let described: Value = serde_json::from_str(&carhop_server::openapi_json()).unwrap();
    let mut found = Vec::new();
    for (path, item) in described["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            found.push((method.to_uppercase(), path.clone()));
        }
    }
    assert!(found.len() > 40, "only {} operations", found.len());
    found
}

/// The path with ids that exist.
fn filled(path: &str, stop: &Stop, decision: &str, release: &str) -> String {
    path.replace("{session}", &stop.session)
        .replace("{order}", &stop.order)
        .replace("{device}", &stop.lock)
        .replace("{subject}", &format!("device:{}", stop.lock))
        .replace("{driver}", &stop.driver)
        .replace("{venue}", "lot-1")
        .replace("{decision}", decision)
        .replace("{release}", release)
        .replace("{leg}", "0")
}

/// A body that the operation takes.
fn body(method: &str, path: &str, world: &World, stop: &Stop) -> Option<Value> {
    if method == "GET" {
        return None;
    }
    let last = path.rsplit('/').next().unwrap();
    Some(match (path, last) {
        ("/v1/orders", _) => order(world, &stop.lock),
        (_, "amendments") => {
            let mut terms = order(world, &stop.lock);
            terms["base_version"] = 1.into();
            terms
        }
        ("/v1/venues/{venue}", _) => venue(),
        ("/v1/drivers", _) => json!({ "name": "x", "device": stop.handset }),
        ("/v1/devices/tickets", _) => json!({ "class": "lock", "name": "x" }),
        ("/v1/devices/enrolments", _) => json!({ "ticket": "cht_x", "csr": "AA" }),
        ("/v1/devices/renewals", _) => json!({ "csr": "AA" }),
        ("/v1/devices/{device}/revocations", _) => json!({ "cause": "lost" }),
        ("/v1/devices/{device}/clearances", _) => json!({ "of": "tamper", "cause": "looked" }),
        ("/v1/revocations", _) => json!({ "subject": "class:till", "cause": "leaked" }),
        ("/v1/api-keys", _) => json!({ "name": "x", "scopes": ["audit"] }),
        ("/v1/links/redemptions", _) => json!({ "secret": "cht_x" }),
        ("/v1/attestations", _) => json!({ "challenge": "AA", "eat": "AA" }),
        (_, "assignments") => json!({ "driver": stop.driver }),
        (_, "bindings" | "vehicle-matches") => json!({ "plate": "8ABC123" }),
        (_, "approvals") => json!({ "presence": true }),
        (_, "positions") => json!({ "fixes": [{
            "latitude": 37.336, "longitude": -121.888, "accuracy_m": 5.0,
            "fixed_at": "2026-11-21T04:00:00.000Z", "source": "gnss",
        }] }),
        (_, "tags") => json!({ "code": "x" }),
        (_, "proofs") => json!({ "code": "123456" }),
        (_, "releases") => json!({ "leg": 0 }),
        (_, "exchange") => json!({
            "subject_token": "chv_x", "audience": stop.lock,
            "authorization_details": [{ "type": "urn:carhop:handoff:v1", "actions": ["grocery_handoff"] }],
        }),
        (_, "introspect" | "revoke") => json!({ "token": "chs_x" }),
        _ => json!({}),
    })
}

const NO_ID: &str = "00000000000070008000000000000000";

#[tokio::test]
async fn every_operation_turns_the_unauthenticated_away_and_tells_them_nothing() {
    let world = World::start().await;
    let stop = Stop::requested(&world).await;
    for (method, path) in operations() {
        let target = filled(&path, &stop, &format!("dec_{NO_ID}"), &format!("act_{NO_ID}"));
        let asked = body(&method, &path, &world, &stop);
        for by in [By::Nobody, By::Key("ch_live_wrong"), By::Token(&stop.handset_key, "chs_wrong")]
        {
            let answer = world.ask(by, &method, &target, asked.clone()).await;
            assert_eq!(answer.status, 401, "{method} {path}: {:?}", answer.body);
            assert_eq!(answer.body["code"], "unauthenticated", "{method} {path}");
            assert!(answer.body.get("detail").is_none(), "{method} {path}");
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn no_operation_shows_or_changes_anything_of_another_tenant() {
    let world = World::start().await;
    let stop = Stop::requested(&world).await;
    let admin = By::Key(&world.admin);
    let before = world.ask(admin, "GET", &format!("/v1/sessions/{}", stop.session), None).await;
    let foreign = By::ForeignKey(&world.foreign_admin);
    for (method, path) in operations() {
        let target = filled(&path, &stop, &format!("dec_{NO_ID}"), &format!("act_{NO_ID}"));
        let asked = body(&method, &path, &world, &stop);
        // The other tenant's key under our account is no key at all.
        let answer =
            world.ask(By::Key(&world.foreign_admin), &method, &target, asked.clone()).await;
        assert_eq!(answer.status, 401, "{method} {path}: {:?}", answer.body);
        // Under its own account, our ids name nothing. A venue's name is each tenant's own choice.
        if path.contains('{') && (method.as_str(), path.as_str()) != ("PUT", "/v1/venues/{venue}") {
            let answer = world.ask(foreign, &method, &target, asked).await;
            let hidden = answer.status == 404 || answer.status == 403;
            assert!(hidden, "{method} {path}: {} {:?}", answer.status, answer.body);
        }
    }
    for list in ["/v1/sessions", "/v1/devices"] {
        let answer = world.ask(foreign, "GET", list, None).await.expect(200);
        assert_eq!(answer.body["data"], json!([]), "{list}");
    }
    let log = world.ask(foreign, "GET", "/v1/audit/log?limit=1000", None).await.expect(200);
    assert!(!log.body.to_string().contains(&stop.session));
    let after = world.ask(admin, "GET", &format!("/v1/sessions/{}", stop.session), None).await;
    assert_eq!(before.body, after.body);
    world.stop().await;
}

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
        ("GET", "/v1/sessions", 403),
        ("GET", "/v1/devices", 403),
        ("GET", "/v1/venues", 403),
    ] {
        let answer = world.ask(By::Key(&key), method, path, None).await;
        assert_eq!(answer.status, status, "{method} {path}");
    }
    let ask = json!({ "name": "more", "scopes": ["admin"] });
    world.ask(By::Key(&key), "POST", "/v1/api-keys", Some(ask)).await.expect(403);
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
