//! Hostile and mistaken requests are refused with a clear reason, and never with a fault of the server.

use carhop_proofs::pki;
use carhop_proofs::suite::AwsLc;
use carhop_server::keys::fresh_key;
use serde_json::{Value, json};

use crate::stop::{Stop, order};
use crate::world::{Answer, By, World, read, text, uuid};

#[tokio::test]
async fn a_body_is_read_only_as_far_as_its_route_needs() {
    let world = World::start().await;
    let [small, large] = [70_000, 600_000].map(|length| " ".repeat(length));
    for (method, path, body, status) in [
        ("GET", "/livez", &small, 413),
        ("POST", "/v1/nowhere", &small, 413),
        ("GET", "/v1/venues", &small, 413),
        ("POST", "/v1/orders", &small, 413),
        // What takes more turns away whoever is nobody, and not for the length.
        ("PUT", "/v1/policy", &small, 401),
        ("PUT", "/v1/venues/lot-1", &small, 401),
        ("POST", "/v1/venues/lot-1/trials", &small, 401),
        ("PUT", "/v1/policy", &large, 413),
    ] {
        let answer = world.ask_as(By::Nobody, method, path, Some(body), &uuid()).await;
        assert_eq!(answer.status, status, "{method} {path} {}", body.len());
    }
    world.stop().await;
}

#[tokio::test]
async fn bad_bodies_are_refused_by_what_is_wrong_with_them() {
    let world = World::start().await;
    let admin = By::Key(&world.admin);
    let deep = format!("{{\"name\":{}1{},\"scopes\":[]}}", "[".repeat(40), "]".repeat(40));
    let large = format!("{{\"name\":\"{}\",\"scopes\":[]}}", "x".repeat(70_000));
    for (body, status, code, param) in [
        ("", 400, "invalid_request", None),
        ("{", 400, "invalid_request", None),
        ("[]", 400, "invalid_request", None),
        ("null", 400, "invalid_request", None),
        ("{\"name\":\"a\",\"name\":\"b\",\"scopes\":[\"audit\"]}", 400, "invalid_request", None),
        (&deep, 400, "invalid_request", None),
        (&large, 413, "payload_too_large", None),
        ("{\"name\":\"a\"}", 400, "invalid_request", Some("scopes")),
        ("{\"name\":\"a\",\"scopes\":[],\"admin\":true}", 400, "invalid_request", Some("admin")),
        ("{\"name\":\"a\",\"scopes\":[]}", 400, "invalid_request", Some("scopes")),
        ("{\"name\":\"a\",\"scopes\":[\"root\"]}", 400, "invalid_request", Some("scopes[0]")),
        ("{\"name\":\"\",\"scopes\":[\"audit\"]}", 400, "invalid_request", Some("name")),
        ("{\"name\":\"a\\u0000b\",\"scopes\":[\"audit\"]}", 400, "invalid_request", Some("name")),
        ("{\"name\":\"a\\u202eb\",\"scopes\":[\"audit\"]}", 400, "invalid_request", Some("name")),
        ("{\"name\":\"a\\u2066b\",\"scopes\":[\"audit\"]}", 400, "invalid_request", Some("name")),
    ] {
        let answer = world.ask_as(admin, "POST", "/v1/api-keys", Some(body), &uuid()).await;
        let shown = &body[..body.len().min(60)];
        assert_eq!(answer.status, status, "{shown}: {:?}", answer.body);
        assert_eq!(answer.body["code"], code, "{shown}");
        assert_eq!(answer.body["param"].as_str(), param, "{shown}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert!(answer.text("trace_id").starts_with("req_"));
    }
    world.stop().await;
}

#[tokio::test]
async fn requests_that_miss_are_problems_too() {
    let world = World::start().await;
    let (client, base) = (world.client(), world.base());
    let admin = |request: reqwest::RequestBuilder| request.bearer_auth(&world.admin);
    let cases = [
        (admin(client.get(format!("{base}/v1/nothing"))), 404, "not_found"),
        (admin(client.delete(format!("{base}/v1/sessions"))), 405, "method_not_allowed"),
        (admin(client.get(format!("{base}/v1/sessions/hs_1"))), 404, "not_found"),
        (admin(client.get(format!("{base}/v1/sessions/ord_{}", "0".repeat(32)))), 404, "not_found"),
        (admin(client.get(format!("{base}/v1/sessions?limit=x"))), 400, "invalid_request"),
        (admin(client.get(format!("{base}/v1/sessions?color=red"))), 400, "invalid_request"),
        (admin(client.get(format!("{base}/v1/sessions?state=lost"))), 400, "invalid_request"),
        (
            admin(client.post(format!("{base}/v1/api-keys")).body("{}")),
            415,
            "unsupported_media_type",
        ),
        (
            client.get(format!("{base}/v1/sessions")).header("authorization", "Basic eDp5"),
            401,
            "unauthenticated",
        ),
        (client.get(format!("{base}/problems/no_such_code")), 404, "not_found"),
    ];
    for (request, status, code) in cases {
        let shown = format!("{request:?}");
        let answer = read(request.send().await.unwrap()).await;
        assert_eq!((answer.status, answer.text("code").as_str()), (status, code), "{shown}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_repeated_request_is_answered_from_the_record_and_a_changed_one_refused() {
    let world = World::start().await;
    let (lock, ..) = world.enrol("lock").await;
    let admin = By::Key(&world.admin);
    world.ask(admin, "PUT", "/v1/venues/lot-1", Some(crate::stop::venue())).await.expect(200);
    let (body, key) = (order(&world, &lock), uuid());
    let text = body.to_string();
    let first = world.ask_as(admin, "POST", "/v1/orders", Some(&text), &key).await.expect(201);
    let quoted = format!("\"{key}\"");
    let again = world.ask_as(admin, "POST", "/v1/orders", Some(&text), &quoted).await.expect(201);
    assert_eq!(first.body["order"], again.body["order"]);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert!(!first.headers.contains_key("idempotent-replayed"));
    let mut other = body;
    other["sensitivity"] = "high".into();
    let other = other.to_string();
    let refused = world.ask_as(admin, "POST", "/v1/orders", Some(&other), &key).await.expect(422);
    assert_eq!(refused.body["code"], "conflicts_with_earlier_request");
    for (key, why) in [("", "not a UUID"), ("x", "not a UUID")] {
        let answer = world.ask_as(admin, "POST", "/v1/orders", Some(&text), key).await.expect(400);
        assert_eq!(answer.body["param"], "Idempotency-Key", "{why}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_refusal_names_its_reasons_with_remedies_and_its_decision_can_be_read() {
    let world = World::start().await;
    let stop = Stop::requested(&world).await;
    let ask = json!({ "driver": stop.driver });
    let admin = By::Key(&world.admin);
    let refused = world.ask(admin, "POST", &stop.path("assignments"), Some(ask)).await.expect(409);
    assert_eq!(refused.body["code"], "not_possible_now");
    assert!(refused.body["reasons"][0]["remedy"].as_str().is_some_and(|text| !text.is_empty()));
    let path = format!("/v1/decisions/{}", refused.text("decision"));
    let decision = world.ask(admin, "GET", &path, None).await.expect(200);
    assert_eq!(decision.body["granted"], false);
    assert_eq!(decision.body["session"], *stop.session);
    world.stop().await;
}

/// An answer without what differs from request to request.
fn told(mut answer: Answer) -> (u16, Value) {
    if let Some(body) = answer.body.as_object_mut() {
        body.remove("trace_id");
    }
    (answer.status, answer.body)
}

#[tokio::test]
async fn a_wrong_code_is_answered_like_one_that_was_never_made() {
    let world = World::start().await;
    let stop = Stop::assigned(&world).await;
    let present = async |code: &str| {
        let by = By::Certificate(&stop.handset_client);
        told(world.ask(by, "POST", &stop.path("proofs"), Some(json!({ "code": code }))).await)
    };
    let unknown = present("000000").await;
    let ask = Some(json!({}));
    let made = world.ask(stop.by_customer(), "POST", &stop.path("codes"), ask).await.expect(201);
    let wrong = if made.text("code") == "000000" { "000001" } else { "000000" };
    assert_eq!(present(wrong).await, unknown);
    assert_eq!((unknown.0, &unknown.1["code"]), (403, &json!("code_wrong")));
    world.stop().await;
}

#[tokio::test]
async fn a_ticket_that_was_used_is_answered_like_one_that_never_was() {
    let world = World::start().await;
    let ask = json!({ "class": "lock", "name": "x" });
    let admin = By::Key(&world.admin);
    let made = world.ask(admin, "POST", "/v1/devices/tickets", Some(ask.clone())).await;
    let foreign = By::ForeignKey(&world.foreign_admin);
    let elsewhere = world.ask(foreign, "POST", "/v1/devices/tickets", Some(ask)).await;
    let enrol = async |ticket: String| {
        let csr = text(&pki::csr(&AwsLc, &fresh_key()).unwrap());
        let ask = json!({ "ticket": ticket, "csr": csr });
        world.ask(By::Nobody, "POST", "/v1/devices/enrolments", Some(ask)).await
    };
    enrol(made.text("ticket")).await.expect(201);
    let used = told(enrol(made.text("ticket")).await);
    assert_eq!((used.0, &used.1["code"]), (401, &json!("unauthenticated")));
    for unknown in [elsewhere.text("ticket"), "cht_x".to_owned(), String::new()] {
        assert_eq!(told(enrol(unknown).await), used);
    }
    world.stop().await;
}
