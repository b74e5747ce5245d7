//! What the staff's pages read: queues in one look, decisions that can be checked, where everybody is (M-UXP, M-AUD-1).

use carhop_kernel::digest::write_hex;
use carhop_proofs::suite::{AwsLc, Suite};
use serde_json::{Value, json};

use crate::authenticator::bytes;
use crate::stop::Stop;
use crate::world::{By, World};

/// The first event that there is for this decision, with its position.
async fn event_of(world: &World, decision: &str) -> Value {
    loop {
        let page = world.ask(By::Key(&world.admin), "GET", "/v1/events?limit=100", None).await;
        let page = page.expect(200);
        let mut events = page.body["data"].as_array().unwrap().iter();
        if let Some(event) = events.find(|event| event["decision"] == decision) {
            return event.clone();
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_decision_is_shown_with_what_each_requirement_said_and_can_be_checked() {
    let world = World::start().await;
    let (stop, admin) = (Stop::assigned(&world).await, By::Key(&world.admin));
    let decisions = world.ask(admin, "GET", &stop.path("decisions"), None).await.expect(200);
    let last = decisions.body["data"].as_array().unwrap().last().unwrap().clone();
    let path = format!("/v1/decisions/{}", last["id"].as_str().unwrap());
    let shown = world.ask(admin, "GET", &path, None).await.expect(200);
    for (member, value) in last.as_object().unwrap() {
        assert_eq!(shown.body[member], *value, "{member}");
    }
    assert!(shown.body["rung"].is_string());
    let requirements = shown.body["requirements"].as_array().unwrap();
    let forbids: Vec<_> = requirements.iter().filter(|one| one["effect"] == "forbid").collect();
    assert!(!forbids.is_empty() && forbids.iter().all(|one| one["outcome"] == "silent"));

    let event = event_of(&world, last["id"].as_str().unwrap()).await;
    assert_eq!(event["actor"]["kind"], "staff");
    let path = format!("/v1/audit/log?from={}&limit=1", event["position"]);
    let entry = world.ask(admin, "GET", &path, None).await.expect(200);
    let stored: Value =
        serde_json::from_slice(&bytes(&entry.body["entries"][0]["stored"])).unwrap();
    let mut digest = String::new();
    write_hex(&mut digest, &AwsLc.sha256(&[shown.text("record").as_bytes()])).unwrap();
    assert_eq!(stored["meta"]["decision"]["digest"], *digest);
    world.stop().await;
}

#[tokio::test]
async fn a_queue_is_one_look_at_whole_sessions() {
    let world = World::start().await;
    let (stop, admin) = (Stop::assigned(&world).await, By::Key(&world.admin));
    let one = world.ask(admin, "GET", &format!("/v1/sessions/{}", stop.session), None).await;
    let one = one.expect(200).body;
    let listed = world.ask(admin, "GET", "/v1/sessions", None).await.expect(200);
    assert_eq!(listed.body["data"], json!([one]));
    let before = one["changed_at"].as_str().unwrap().to_owned();
    world.clock.skip_ms(1_000);
    let held = world.ask(admin, "POST", &stop.path("holds"), Some(json!({}))).await.expect(200);
    assert!(held.text("changed_at") > before);
    world.stop().await;
}

#[tokio::test]
async fn staff_see_where_a_driver_is_and_drivers_and_customers_do_not_see_each_other() {
    let world = World::start().await;
    let (stop, admin) = (Stop::assigned(&world).await, By::Key(&world.admin));
    let driver = By::Certificate(&stop.handset_client);
    let places = world.ask(admin, "GET", &stop.path("places"), None).await.expect(200);
    assert_eq!(places.body, json!([]));
    let fixed_at = world.ask(admin, "GET", &format!("/v1/sessions/{}", stop.session), None).await;
    let ask = json!({ "fixes": [{
        "latitude": 37.336, "longitude": -121.888, "accuracy_m": 5.0,
        "fixed_at": fixed_at.text("changed_at"), "source": "gnss",
    }] });
    world.ask(driver, "POST", &stop.path("positions"), Some(ask)).await.expect(200);
    let places = world.ask(admin, "GET", &stop.path("places"), None).await.expect(200);
    let place = &places.body[0];
    assert_eq!((&place["party"], &place["latitude"]), (&"driver".into(), &37.336.into()));
    for by in [driver, stop.by_customer()] {
        world.ask(by, "GET", &stop.path("places"), None).await.expect(403);
    }
    world.stop().await;
}

#[tokio::test]
async fn the_matrix_is_made_from_the_policies_that_decide() {
    let world = World::start().await;
    let url = format!("{}/v1/policy/matrix", world.base());
    let answer = world.client().get(url).bearer_auth(&world.admin).send().await.unwrap();
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
    let shipped = include_str!("../../../../docs/generated/policy-matrix.txt");
    assert_eq!(answer.text().await.unwrap(), shipped);
    let unknown = format!("/v1/policy/matrix?version={}", "0".repeat(64));
    world.ask(By::Key(&world.admin), "GET", &unknown, None).await.expect(404);
    world.stop().await;
}
