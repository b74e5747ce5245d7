//! What happened can be listed, streamed from where a reader was cut, and checked (M-INT-2, M-AUD-1).

use carhop_proofs::merkle::{leaf_hash, root};
use carhop_proofs::suite::AwsLc;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::stop::Stop;
use crate::world::{By, World};

/// Reads events of the stream until one has this type.
async fn read_until(world: &World, from: Option<u64>, query: &str, wanted: &str) -> Vec<Value> {
    let url = format!("{}/v1/events/stream{query}", world.base());
    let mut request = world.client().get(url).bearer_auth(&world.admin);
    if let Some(position) = from {
        request = request.header("last-event-id", position.to_string());
    }
    let mut stream = request.send().await.unwrap().bytes_stream();
    let (mut text, mut found) = (String::new(), Vec::new());
    while let Some(bytes) = stream.next().await {
        text.push_str(std::str::from_utf8(&bytes.unwrap()).unwrap());
        while let Some((event, rest)) = text.split_once("\n\n") {
            let data = event.lines().find_map(|line| line.strip_prefix("data: "));
            found.extend(data.map(|data| serde_json::from_str::<Value>(data).unwrap()));
            text = rest.to_owned();
            if found.last().is_some_and(|event| event["type"] == wanted) {
                return found;
            }
        }
    }
    panic!("the stream ended early: {found:?}");
}

#[tokio::test]
async fn a_stream_resumes_right_after_the_last_event_that_was_read() {
    let world = World::start().await;
    let stop = Stop::requested(&world).await;
    let created = "carhop.session.created.v1";
    let first = read_until(&world, None, "", created).await;
    let positions: Vec<_> = first.iter().map(|event| event["position"].as_u64().unwrap()).collect();
    assert!(positions.iter().copied().eq(0..positions.len() as u64), "{positions:?}");
    let last = *positions.last().unwrap();
    world.ask(By::Key(&world.admin), "POST", &stop.path("revocations"), Some(json!({}))).await;
    let rest = read_until(&world, Some(last), "", "carhop.session.revoked.v1").await;
    assert_eq!(rest[0]["position"], last + 1);
    let query = format!("?session={}", stop.session);
    let mine = read_until(&world, None, &query, "carhop.session.revoked.v1").await;
    assert!(mine.iter().all(|event| event["session"] == *stop.session));
    assert_eq!(mine[0]["type"], created);
    world.stop().await;
}

#[tokio::test]
async fn a_reader_that_waits_does_not_keep_a_server_from_stopping() {
    let world = World::start().await;
    let url = format!("{}/v1/events/stream", world.base());
    let mut stream =
        world.client().get(url).bearer_auth(&world.admin).send().await.unwrap().bytes_stream();
    assert!(stream.next().await.unwrap().is_ok());
    let stopping = tokio::spawn(world.stop());
    while stream.next().await.is_some_and(|part| part.is_ok()) {}
    stopping.await.unwrap();
}

#[tokio::test]
async fn lists_hand_out_every_event_once() {
    let world = World::start().await;
    let stop = Stop::assigned(&world).await;
    read_until(&world, None, "", "carhop.driver.assigned.v1").await;
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let from = after.map_or_else(String::new, |after| format!("&after={after}"));
        let path = format!("/v1/events?limit=2&session={}{from}", stop.session);
        let page = world.ask(By::Key(&world.admin), "GET", &path, None).await.expect(200).body;
        seen.extend(
            page["data"].as_array().unwrap().iter().map(|event| event["position"].as_u64()),
        );
        if page["has_more"] == false {
            break;
        }
        after = Some(page["next_cursor"].as_str().unwrap().to_owned());
    }
    assert!(seen.is_sorted() && seen.len() > 4, "{seen:?}");
    world.stop().await;
}

#[tokio::test]
async fn an_outsider_can_compute_the_root_from_the_entries() {
    let world = World::start().await;
    Stop::assigned(&world).await;
    read_until(&world, None, "", "carhop.driver.assigned.v1").await;
    let admin = By::Key(&world.admin);
    let log = world.ask(admin, "GET", "/v1/audit/log?limit=1000", None).await.expect(200).body;
    let claimed = world.ask(admin, "GET", "/v1/audit/root", None).await.expect(200).body;
    let entries = log["entries"].as_array().unwrap();
    assert_eq!(claimed["size"].as_u64().unwrap(), entries.len() as u64);
    let leaves: Vec<_> = entries
        .iter()
        .map(|entry| {
            use base64ct::{Base64UrlUnpadded, Encoding};
            let leaf = Base64UrlUnpadded::decode_vec(entry["leaf"].as_str().unwrap()).unwrap();
            leaf_hash(&AwsLc, &leaf)
        })
        .collect();
    let mut text = String::new();
    carhop_kernel::digest::write_hex(&mut text, &root(&AwsLc, &leaves)).unwrap();
    assert_eq!(claimed["root"], *text);
    world.stop().await;
}
