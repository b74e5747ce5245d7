//! A dispute over HTTP: who may open it, who sees the words, who decides (M-FLO-6).

use serde_json::json;

use crate::stop::{Stop, bind};
use crate::world::{By, World};

#[tokio::test]
async fn a_stop_is_disputed_after_its_end_and_the_staff_decides_once() {
    let world = World::start().await;
    let stop = Stop::requested(&world).await;
    let (staff, path) = (By::Key(&world.admin), stop.path("dispute"));
    let ask = json!({ "about": "missing", "words": "the oat milk" });
    let early = world.ask(stop.by_customer(), "POST", &path, Some(ask.clone())).await;
    assert_eq!(early.expect(409).text("code"), "not_possible_now");
    world.ask(staff, "GET", &path, None).await.expect(404);

    world.ask(staff, "POST", &stop.path("revocations"), Some(json!({}))).await.expect(200);
    // The key is enough: the token ends with the window.
    let by_key = By::Proof(&stop.customer_key);
    let opened = world.ask(by_key, "POST", &path, Some(ask)).await.expect(201);
    assert_eq!(
        (opened.text("about"), opened.text("words")),
        ("missing".into(), "the oat milk".into())
    );
    assert!(opened.body["outcome"].is_null());
    let again =
        world.ask(stop.by_customer(), "POST", &path, Some(json!({ "about": "other" }))).await;
    assert_eq!(again.expect(201).body, opened.body, "there is one dispute of a stop");
    assert_eq!(world.ask(staff, "GET", &path, None).await.expect(200).body, opened.body);
    assert_eq!(world.ask(by_key, "GET", &path, None).await.expect(200).body, opened.body);

    let listed = world.ask(staff, "GET", "/v1/disputes", None).await.expect(200);
    assert_eq!(listed.body["data"][0]["session"], stop.session);
    assert!(listed.body["data"][0]["words"].is_null());
    let decisions = stop.path("dispute/decisions");
    for (outcome, status) in [("upheld", 200), ("upheld", 200), ("rejected", 409)] {
        let ask = json!({ "outcome": outcome });
        world.ask(staff, "POST", &decisions, Some(ask)).await.expect(status);
    }
    let listed = world.ask(staff, "GET", "/v1/disputes", None).await.expect(200);
    assert_eq!(listed.body["data"], json!([]));
    assert_eq!(world.ask(by_key, "GET", &path, None).await.expect(200).text("outcome"), "upheld");
    world.stop().await;
}

#[tokio::test]
async fn only_the_key_that_was_bound_last_disputes_a_stop() {
    let world = World::start().await;
    let stop = Stop::requested(&world).await;
    let other = Stop::requested(&world).await;
    let (newer, _) = bind(&world, &stop.session).await;
    let path = stop.path("dispute");
    let staff = By::Key(&world.admin);
    world.ask(staff, "POST", &stop.path("revocations"), Some(json!({}))).await.expect(200);
    for (by, status) in [
        (By::Nobody, 401),
        (staff, 403),
        (By::Proof(&stop.customer_key), 404),
        (other.by_customer(), 404),
        (By::Proof(&newer), 201),
    ] {
        let ask = json!({ "about": "damaged" });
        world.ask(by, "POST", &path, Some(ask)).await.expect(status);
    }
    for words in ["x".repeat(2_001), "one\u{7}two".to_owned()] {
        let ask = json!({ "about": "other", "words": words });
        world.ask(By::Proof(&newer), "POST", &path, Some(ask)).await.expect(400);
    }
    world.stop().await;
}

#[tokio::test]
async fn a_proof_without_a_token_counts_once() {
    let world = World::start().await;
    let stop = Stop::requested(&world).await;
    let (path, by_key) = (stop.path("dispute"), By::Proof(&stop.customer_key));
    world.ask(by_key, "GET", &path, None).await.expect(404);
    let url = format!("{}{path}", world.base());
    let proof = world.proof(&stop.customer_key, "GET", &url, None).await;
    for status in [404, 401] {
        let answer = world.client().get(&url).header("dpop", &proof).send().await.unwrap();
        assert_eq!(answer.status(), status);
    }
    world.stop().await;
}
