//! Proof of possession: needed, fresh, for this request alone, and used once (M-TOK-5, RFC 9449).

use carhop_server::keys::fresh_key;
use serde_json::json;

use crate::stop::Stop;
use crate::world::{By, World, read};

#[tokio::test]
async fn a_stolen_token_is_worth_nothing_without_its_key() {
    let world = World::start().await;
    let stop = Stop::requested(&world).await;
    let path = format!("/v1/sessions/{}", stop.session);
    world.ask(stop.by_customer(), "GET", &path, None).await.expect(200);
    let thief = fresh_key();
    world.ask(By::Token(&thief, &stop.customer_token), "GET", &path, None).await.expect(401);
    world.ask(By::Key(&stop.customer_token), "GET", &path, None).await.expect(401);
    world.stop().await;
}

#[tokio::test]
async fn a_proof_works_once_and_for_its_request_alone() {
    let world = World::start().await;
    let stop = Stop::requested(&world).await;
    let url = format!("{}/v1/sessions/{}", world.base(), stop.session);
    // The nonce is known by now.
    world.ask(stop.by_customer(), "GET", &stop.path("nothing"), None).await;
    let token = Some(stop.customer_token.as_str());
    let send = async |proof: &str, method: reqwest::Method, url: &str| {
        let request = world
            .client()
            .request(method, url)
            .header("authorization", format!("DPoP {}", stop.customer_token))
            .header("dpop", proof);
        read(request.send().await.unwrap()).await.status
    };
    let get = reqwest::Method::GET;
    let proof = world.proof(&stop.customer_key, "GET", &url, token).await;
    assert_eq!(send(&proof, get.clone(), &url).await, 200);
    assert_eq!(send(&proof, get.clone(), &url).await, 401, "a replay");
    for (method, claimed, access_token) in [
        ("POST", url.clone(), token),
        ("GET", format!("{}/v1/sessions", world.base()), token),
        ("GET", url.replace("localhost", "evil.example"), token),
        ("GET", url.clone(), None),
        ("GET", url.clone(), Some("chs_other")),
    ] {
        let proof = world.proof(&stop.customer_key, method, &claimed, access_token).await;
        assert_eq!(send(&proof, get.clone(), &url).await, 401, "{method} {claimed}");
    }
    assert_eq!(send("x.y.z", get, &url).await, 401);
    world.stop().await;
}

#[tokio::test]
async fn a_proof_without_the_servers_nonce_is_challenged_with_one() {
    let world = World::start().await;
    let key = fresh_key();
    let url = format!("{}/v1/links/redemptions", world.base());
    let proof = world.proof(&key, "POST", &url, None).await;
    let request = world.client().post(&url).header("dpop", proof).json(&json!({ "secret": "x" }));
    let answer = read(request.send().await.unwrap()).await;
    assert_eq!((answer.status, answer.text("code").as_str()), (401, "use_dpop_nonce"));
    assert!(answer.headers.contains_key("dpop-nonce"));
    assert_eq!(answer.headers["www-authenticate"], "DPoP error=\"use_dpop_nonce\"");
    world.stop().await;
}

#[tokio::test]
async fn a_certificate_of_another_authority_does_not_get_through_the_handshake() {
    let world = World::start().await;
    let stop = Stop::assigned(&world).await;
    let path = format!("{}/v1/driver/stops", world.devices_base());
    // Without any certificate.
    assert!(world.client().get(&path).send().await.is_err());
    // With one that the same tenant of another server issued.
    let elsewhere = World::start().await;
    let (_, key, chain) = elsewhere.enrol("handset").await;
    let stranger = world.client_with(&key, &chain);
    assert!(stranger.get(&path).send().await.is_err());
    world
        .ask(By::Certificate(&stop.handset_client), "GET", "/v1/driver/stops", None)
        .await
        .expect(200);
    elsewhere.stop().await;
    world.stop().await;
}
