//! Who may speak as a device, and in which language (design §6).

use reqwest::{Client, Response};

use crate::world::{World, read};

async fn upgrade(world: &World, client: &Client, protocol: &str) -> Response {
    let request = client
        .get(format!("{}/v1/devices/connect", world.devices_base()))
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==")
        .header("sec-websocket-protocol", protocol);
    request.send().await.unwrap()
}

#[tokio::test]
async fn only_what_obeys_commands_speaks_as_a_device_and_only_in_its_language() {
    let world = World::start().await;
    for (class, protocol, status, told) in [
        ("handset", "carhop.device.v1", 403, "insufficient_scope"),
        ("console", "carhop.device.v1", 403, "insufficient_scope"),
        ("till", "carhop.device.v1", 403, "insufficient_scope"),
        ("lock", "chat", 400, "invalid_request"),
    ] {
        let (_, key, chain) = world.enrol(class).await;
        let client = world.http1_client_with(&key, &chain);
        let answer = read(upgrade(&world, &client, protocol).await).await;
        assert_eq!((answer.status, answer.text("code").as_str()), (status, told), "{class}");
    }
    for (class, protocols) in [("lock", "carhop.device.v1"), ("pump", "chat, carhop.device.v1")] {
        let (_, key, chain) = world.enrol(class).await;
        let client = world.http1_client_with(&key, &chain);
        let response = upgrade(&world, &client, protocols).await;
        assert_eq!(response.status(), 101, "{class}");
        assert_eq!(response.headers()["sec-websocket-protocol"], "carhop.device.v1");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_connected_device_does_not_keep_a_server_from_stopping() {
    let world = World::start().await;
    let (_, key, chain) = world.enrol("lock").await;
    let client = world.http1_client_with(&key, &chain);
    let connected = upgrade(&world, &client, "carhop.device.v1").await;
    assert_eq!(connected.status(), 101);
    world.stop().await;
    drop(connected);
}
