//! An order is replaced by whoever has read what is replaced (M-ORD-2, RFC 9110 §13.1.1, RFC 6585 §3).

use reqwest::Method;
use serde_json::Value;

use crate::stop::{Stop, order};
use crate::world::{Answer, By, World, read, uuid};

#[tokio::test]
async fn an_amendment_names_the_version_that_it_replaces() {
    let world = World::start().await;
    let stop = Stop::requested(&world).await;
    assert_eq!(tag(&view(&world, &stop).await), "\"1\"");
    let terms = order(&world, &stop.lock);
    let asked = (&world, &stop, &terms);
    for (if_match, status, code) in [
        (None, 428, "precondition_required"),
        (Some("1"), 400, "invalid_request"),
        (Some("*"), 400, "invalid_request"),
        (Some("W/\"1\""), 400, "invalid_request"),
        (Some("\"1\", \"2\""), 400, "invalid_request"),
        (Some("\"-1\""), 400, "invalid_request"),
        (Some("\"4294967296\""), 400, "invalid_request"),
        (Some("\"0\""), 412, "precondition_failed"),
        (Some("\"2\""), 412, "precondition_failed"),
        (Some("\"4294967295\""), 412, "precondition_failed"),
    ] {
        let answer = amend(asked, if_match, &uuid()).await;
        assert_eq!((answer.status, answer.text("code").as_str()), (status, code), "{if_match:?}");
        assert_eq!(tag(&view(&world, &stop).await), "\"1\"", "{if_match:?}");
    }
    let once = uuid();
    let amended = amend(asked, Some("\"1\""), &once).await.expect(200);
    assert_eq!((tag(&amended), &amended.body["version"]), ("\"2\"", &2.into()));
    // The loser of a race hears it, a repetition its answer, and a changed condition is another request.
    for (if_match, key, status) in
        [("\"1\"", uuid(), 412), ("\"1\"", once.clone(), 200), ("\"2\"", once, 422)]
    {
        amend(asked, Some(if_match), &key).await.expect(status);
    }
    assert_eq!(tag(&view(&world, &stop).await), "\"2\"");
    world.stop().await;
}

async fn view(world: &World, stop: &Stop) -> Answer {
    let path = format!("/v1/orders/{}", stop.order);
    world.ask(By::Key(&world.admin), "GET", &path, None).await.expect(200)
}

async fn amend(
    (world, stop, terms): (&World, &Stop, &Value),
    if_match: Option<&str>,
    once: &str,
) -> Answer {
    let url = format!("{}/v1/orders/{}/amendments", world.base(), stop.order);
    let request = world.client().request(Method::POST, url).bearer_auth(&world.admin);
    let request = request.header("idempotency-key", once).json(terms);
    let request =
        if_match.into_iter().fold(request, |request, tag| request.header("if-match", tag));
    read(request.send().await.unwrap()).await
}

fn tag(answer: &Answer) -> &str {
    answer.headers["etag"].to_str().unwrap()
}
