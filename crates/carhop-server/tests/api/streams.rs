//! Whoever reads along goes on only as long as they would be let in anew, and takes no more than a share.

use axum::body::Bytes;
use futures_util::{Stream as Items, StreamExt};
use reqwest::RequestBuilder;
use serde_json::json;

use crate::stop::{Stop, bind};
use crate::world::{By, World};

/// What is left of a stream until it ends by itself: nothing else would end these tests.
async fn rest(mut stream: impl Items<Item = reqwest::Result<Bytes>> + Unpin) -> String {
    let mut text = String::new();
    while let Some(Ok(bytes)) = stream.next().await {
        text.push_str(std::str::from_utf8(&bytes).unwrap());
    }
    text
}

/// Opens a stream and reads what it says first.
async fn open(asked: RequestBuilder) -> impl Items<Item = reqwest::Result<Bytes>> + Unpin {
    let response = asked.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let mut stream = response.bytes_stream();
    assert!(stream.next().await.unwrap().is_ok());
    stream
}

fn by_driver(world: &World, stop: &Stop) -> RequestBuilder {
    stop.handset_client.get(format!("{}{}", world.devices_base(), stop.path("live")))
}

async fn by_customer(world: &World, stop: &Stop) -> RequestBuilder {
    let (url, token) = (format!("{}{}", world.base(), stop.path("live")), &stop.customer_token);
    let proof = world.proof(&stop.customer_key, "GET", &url, Some(token)).await;
    let request = world.client().get(url).header("dpop", proof);
    request.header("authorization", format!("DPoP {token}"))
}

#[tokio::test]
async fn a_stolen_handset_reads_no_further_once_it_is_revoked() {
    let world = World::start().await;
    let stop = Stop::assigned(&world).await;
    let stream = open(by_driver(&world, &stop)).await;
    let path = format!("/v1/devices/{}/revocations", stop.handset);
    let ask = json!({ "cause": "stolen" });
    world.ask(By::Key(&world.admin), "POST", &path, Some(ask)).await.expect(200);
    // The stop is held meanwhile, and that is not told either.
    let told = rest(stream).await;
    assert!(!told.contains("data:"), "{told}");
    world.stop().await;
}

#[tokio::test]
async fn a_phone_reads_no_further_once_another_took_its_place() {
    let world = World::start().await;
    let stop = Stop::requested(&world).await;
    let stream = open(by_customer(&world, &stop).await).await;
    bind(&world, &stop.session).await;
    let told = rest(stream).await;
    assert!(!told.contains("data:"), "{told}");
    world.stop().await;
}

#[tokio::test]
async fn of_too_many_streams_of_one_caller_the_oldest_ends_and_nobody_elses() {
    let world = World::start().await;
    let stop = Stop::assigned(&world).await;
    let oldest = open(by_driver(&world, &stop)).await;
    let mut kept = vec![open(by_customer(&world, &stop).await).await];
    for _ in 0..8 {
        kept.push(open(by_driver(&world, &stop)).await);
    }
    assert!(!rest(oldest).await.contains("data:"));
    let path = stop.path("holds");
    world.ask(By::Key(&world.admin), "POST", &path, Some(json!({}))).await.expect(200);
    for stream in &mut kept {
        let mut told = String::new();
        while !told.contains("session.held") {
            told.push_str(std::str::from_utf8(&stream.next().await.unwrap().unwrap()).unwrap());
        }
    }
    world.stop().await;
}
