//! What the pages for people rely on: a stop that is shown as it changes, a browser as a device, and a policy that lets
//! nothing foreign in (M-UXP-1, M-UXP-2, M-DEV-2).

use carhop_proofs::pki;
use carhop_proofs::suite::{AwsLc, SigningKey};
use carhop_server::basemap::Basemap;
use carhop_server::config::Config;
use carhop_server::keys::fresh_key;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::stop::Stop;
use crate::world::{By, World, text};

#[tokio::test]
async fn whoever_takes_part_sees_what_happened_and_nobody_else() {
    let world = World::start().await;
    let stop = Stop::assigned(&world).await;
    let seen = world.ask(stop.by_customer(), "GET", &stop.path("history"), None).await.expect(200);
    let history = seen.body["history"].as_array().unwrap();
    let names: Vec<_> = history.iter().filter_map(|moment| moment["what"].as_str()).collect();
    assert_eq!(names.first(), Some(&"session.created"));
    assert_eq!(names.last(), Some(&"driver.assigned"));
    assert_eq!(seen.body["session"]["assignment"]["driver_name"], "Dee");
    let told = seen.body.to_string();
    assert!(!told.contains("8ABC123"), "the whole plate: {told}");

    let other = Stop::requested(&world).await;
    for what in ["history", "live"] {
        let answer = world.ask(other.by_customer(), "GET", &stop.path(what), None).await;
        assert_eq!(answer.status, 404, "{what}");
        let answer = world.ask(By::Nobody, "GET", &stop.path(what), None).await;
        assert_eq!(answer.status, 401, "{what}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_session_is_shown_at_once_and_after_each_change() {
    let world = World::start().await;
    let stop = Stop::assigned(&world).await;
    let url = format!("{}{}", world.base(), stop.path("live"));
    let response = world.client().get(url).bearer_auth(&world.admin).send().await.unwrap();
    let mut stream = response.bytes_stream();
    let (mut unread, mut states) = (String::new(), Vec::new());
    while states.last().is_none_or(|state| state != "revoked") {
        let bytes = stream.next().await.unwrap().unwrap();
        unread.push_str(std::str::from_utf8(&bytes).unwrap());
        while let Some((event, rest)) = unread.split_once("\n\n") {
            let data =
                event.lines().find_map(|line| line.strip_prefix("data: ")).map(str::to_owned);
            unread = rest.to_owned();
            let Some(data) = data else { continue };
            let live: Value = serde_json::from_str(&data).unwrap();
            states.push(live["session"]["state"].as_str().unwrap().to_owned());
            if states.len() == 1 {
                let path = stop.path("revocations");
                world.ask(By::Key(&world.admin), "POST", &path, Some(json!({}))).await.expect(200);
            }
        }
    }
    assert_eq!(states, ["en_route", "revoked"]);
    world.stop().await;
}

#[tokio::test]
async fn a_browser_is_certified_and_a_native_handset_that_never_attested_is_nothing() {
    let world = World::start().await;
    let admin = By::Key(&world.admin);
    for (ask, tier) in [
        (json!({ "class": "handset", "name": "x", "browser": true }), "certified"),
        (json!({ "class": "handset", "name": "x" }), "none"),
    ] {
        let made = world.ask(admin, "POST", "/v1/devices/tickets", Some(ask)).await.expect(201);
        let csr = text(&pki::csr(&AwsLc, &fresh_key()).unwrap());
        let ask = json!({ "ticket": made.body["ticket"], "csr": csr });
        world.ask(By::Nobody, "POST", "/v1/devices/enrolments", Some(ask)).await.expect(201);
        let path = format!("/v1/devices/{}", made.text("device"));
        let device = world.ask(admin, "GET", &path, None).await.expect(200);
        assert_eq!(device.body["tier"], tier);
        assert_eq!(made.body.get("url").is_some(), tier == "certified");
    }
    let lock = json!({ "class": "lock", "name": "x", "browser": true });
    world.ask(admin, "POST", "/v1/devices/tickets", Some(lock)).await.expect(400);
    world.stop().await;
}

#[tokio::test]
async fn a_browser_renews_its_certificate_by_its_key_and_for_that_key_alone() {
    let world = World::start().await;
    let admin = By::Key(&world.admin);
    let keys = [fresh_key(), fresh_key(), fresh_key()];
    let csr_of = |key: &SigningKey| json!({ "csr": text(&pki::csr(&AwsLc, key).unwrap()) });
    let renew =
        async |by, ask: Value| world.ask(by, "POST", "/v1/devices/renewals", Some(ask)).await;
    let [mine, native, other] = &keys;
    for (browser, key, status) in [(true, mine, 200), (false, native, 403)] {
        let ask = json!({ "class": "handset", "name": "x", "browser": browser });
        let made = world.ask(admin, "POST", "/v1/devices/tickets", Some(ask)).await.expect(201);
        let mut ask = csr_of(key);
        ask["ticket"] = made.body["ticket"].clone();
        let given = world.ask(By::Nobody, "POST", "/v1/devices/enrolments", Some(ask)).await;
        let given = given.expect(201);
        let renewed = renew(By::Proof(key), csr_of(key)).await.expect(status);
        if !browser {
            continue;
        }
        let chain = |of: &Value| of["certificate_chain"][0].clone();
        assert_ne!(chain(&given.body), chain(&renewed.body));
        renew(By::Proof(key), csr_of(other)).await.expect(400);
        renew(By::Proof(other), csr_of(key)).await.expect(401);

        let path = format!("/v1/devices/{}/revocations", made.text("device"));
        world.ask(admin, "POST", &path, Some(json!({ "cause": "lost" }))).await.expect(200);
        renew(By::Proof(key), csr_of(key)).await.expect(401);
    }
    world.stop().await;
}

#[tokio::test]
async fn a_page_lets_nothing_foreign_in_or_says_that_it_was_not_built() {
    let world = World::start().await;
    for path in ["/s", "/d", "/console", "/console/devices/dev_1"] {
        let page = world.client().get(format!("{}{path}", world.base())).send().await.unwrap();
        if page.status() == 503 {
            let problem: Value = page.json().await.unwrap();
            assert_eq!(problem["code"], "pages_not_built");
            continue;
        }
        let policy = page.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
        assert!(!policy.contains("unsafe-inline") && !policy.contains("http"), "{policy}");
    }
    for path in ["/assets/..%2fcustomer.html", "/assets/.gitkeep", "/assets/none.js"] {
        let answer = world.client().get(format!("{}{path}", world.base())).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
    }
    world.stop().await;
}

#[tokio::test]
async fn map_tiles_are_let_in_from_one_origin_on_the_page_with_a_map_and_the_staff_is_told_which() {
    for (tiles, origin) in [
        ("https://tiles.example:8443/{z}/{x}/{y}.png", Some(" https://tiles.example:8443")),
        ("/tiles/{z}/{x}/{y}.png", None),
    ] {
        let map = Basemap { tiles: tiles.to_owned(), attribution: "© the town".to_owned() };
        let settings = Config { map: Some(map), limits: World::wide(), ..Config::default() };
        let world = World::start_as(settings).await;
        for (path, added) in [("/console", origin), ("/d", None), ("/s", None)] {
            let page = world.client().get(format!("{}{path}", world.base())).send().await.unwrap();
            if page.status() == 503 {
                continue;
            }
            let policy = &page.headers()["content-security-policy"];
            let images = format!("; img-src 'self' data:{}; font-src", added.unwrap_or_default());
            assert!(policy.to_str().unwrap().contains(&images), "{path}: {policy:?}");
        }
        let account =
            world.ask(By::Key(&world.admin), "GET", "/v1/account", None).await.expect(200);
        let told = json!({ "tiles": tiles, "attribution": "© the town" });
        assert_eq!(account.body["map"], told);
        world.stop().await;
    }
}
