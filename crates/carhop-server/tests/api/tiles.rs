//! The log as any client of tlog-tiles reads it: a pinned key, a checkpoint, and tiles that make its root (M-AUD-1).

use std::time::Duration;

use carhop_proofs::audit::{Checkpoint, Part, Tile, VerifierKey, decode_bundle, decode_hashes};
use carhop_proofs::merkle::{leaf_hash, root};
use carhop_proofs::suite::AwsLc;
use reqwest::header::{CACHE_CONTROL, CONTENT_TYPE};

use crate::stop::Stop;
use crate::world::World;

const PREFIXES: [&str; 2] = ["/audit", "/audit/logs/acme/san-jose"];

async fn fetch(world: &World, path: &str, key: Option<&str>) -> (u16, String, Vec<u8>) {
    let request = world.client().get(format!("{}{path}", world.base()));
    let request = key.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
    let response = request.send().await.unwrap();
    let header = |name| response.headers()[name].to_str().unwrap().to_owned();
    let told = format!("{} {}", header(CONTENT_TYPE), header(CACHE_CONTROL));
    (response.status().as_u16(), told, response.bytes().await.unwrap().to_vec())
}

async fn text(world: &World, path: &str) -> Option<String> {
    let (status, told, bytes) = fetch(world, path, None).await;
    assert!(status == 404 || told == "text/plain; charset=utf-8 public, max-age=1", "{told}");
    (status == 200).then(|| String::from_utf8(bytes).unwrap())
}

/// Waits until something is signed.
async fn checkpoint(world: &World, prefix: &str) -> (VerifierKey, Checkpoint) {
    let pinned = text(world, &format!("{prefix}/vkey")).await.unwrap();
    let pinned = VerifierKey::parse(&AwsLc, pinned.trim_end()).unwrap();
    loop {
        if let Some(note) = text(world, &format!("{prefix}/checkpoint")).await {
            let signed = Checkpoint::open(&AwsLc, &note, &pinned).unwrap();
            return (pinned, signed);
        }
        carhop_server::timers::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn tiles_make_the_root_that_the_pinned_key_signed() {
    let world = World::start().await;
    Stop::assigned(&world).await;
    for prefix in PREFIXES {
        let (pinned, signed) = checkpoint(&world, prefix).await;
        assert_eq!(pinned.name(), "carhop/acme/san-jose");
        let hashes = Tile::within(Part::Hashes(0), 0, signed.size).unwrap();
        let entries = Tile { part: Part::Entries, ..hashes };
        let (status, told, bytes) = fetch(&world, &format!("{prefix}/{hashes}"), None).await;
        assert_eq!(status, 200);
        assert_eq!(told, "application/octet-stream public, max-age=31536000, immutable");
        let hashes = decode_hashes(&bytes, hashes.width).unwrap();
        assert_eq!(root(&AwsLc, &hashes), signed.root);
        let key = Some(world.admin.as_str());
        let (status, told, bytes) = fetch(&world, &format!("{prefix}/{entries}"), key).await;
        assert_eq!(status, 200);
        assert_eq!(told, "application/octet-stream private, max-age=31536000, immutable");
        let leaves = decode_bundle(&bytes, entries.width).unwrap();
        assert!(leaves.iter().map(|leaf| leaf_hash(&AwsLc, leaf)).eq(hashes));
    }
    world.stop().await;
}

#[tokio::test]
async fn entries_are_for_auditors_and_nothing_else_is_there() {
    let world = World::start().await;
    for prefix in PREFIXES {
        checkpoint(&world, prefix).await;
        for (file, status) in [
            ("tile/entries/000.p/1", 401),
            ("tile/0/000.p/255", 404),
            ("tile/0/001", 404),
            ("tile/1/000.p/1", 404),
            ("tile/0/x000/000", 404),
            ("tile/0/0", 404),
            ("tile/entries/..%2f0/000.p/1", 404),
            ("tile/", 404),
        ] {
            let (found, _, _) = fetch(&world, &format!("{prefix}/{file}"), None).await;
            assert_eq!(found, status, "{prefix}/{file}");
        }
    }
    for path in ["/audit/logs/acme/other/checkpoint", "/audit/logs/acme/san-jose/key"] {
        assert_eq!(fetch(&world, path, None).await.0, 404, "{path}");
    }
    let mistaken = Some("ak_live_nobody");
    assert_eq!(fetch(&world, "/audit/tile/entries/000.p/1", mistaken).await.0, 401);
    world.stop().await;
}
