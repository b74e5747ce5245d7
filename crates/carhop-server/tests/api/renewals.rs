//! Which of its certificates a device may show: the one in force, until it has shown a newer one (decision 0017, M-DEV-1).

use carhop_proofs::pki;
use carhop_proofs::suite::{AwsLc, SigningKey};
use carhop_server::keys::fresh_key;
use reqwest::Client;
use serde_json::{Value, json};

use crate::world::{By, World, text};

/// Certifies `key` for whoever shows the certificate of `client`; the chain.
async fn renew(world: &World, client: &Client, key: &SigningKey) -> Value {
    // Certificates end with whole seconds, and later ones later.
    world.clock.skip_ms(2_000);
    let ask = json!({ "csr": text(&pki::csr(&AwsLc, key).unwrap()) });
    let by = By::Certificate(client);
    let made = world.ask(by, "POST", "/v1/devices/renewals", Some(ask)).await.expect(200);
    made.body["certificate_chain"].clone()
}

/// What a client is answered by its certificate.
async fn shown(world: &World, client: &Client) -> u16 {
    let path = "/v1/attestations/challenges";
    world.ask(By::Certificate(client), "POST", path, Some(json!({}))).await.status
}

async fn tier(world: &World, device: &str) -> String {
    let path = format!("/v1/devices/{device}");
    world.ask(By::Key(&world.admin), "GET", &path, None).await.expect(200).text("tier")
}

#[tokio::test]
async fn a_renewal_whose_answer_is_lost_takes_nothing_away() {
    let world = World::start().await;
    let (device, key, chain) = world.enrol("handset").await;
    let first = world.client_with(&key, &chain);
    assert_eq!(world.attest(&first, &chain).await, "attested");
    let lost = renew(&world, &first, &key).await;
    assert_eq!(
        (shown(&world, &first).await, tier(&world, &device).await.as_str()),
        (201, "attested")
    );

    let chain = renew(&world, &first, &key).await;
    let second = world.client_with(&key, &chain);
    assert_eq!([shown(&world, &first).await, shown(&world, &second).await], [201, 201]);
    assert_eq!(tier(&world, &device).await, "none", "it has not attested itself under this one");
    for dead in [first, world.client_with(&key, &lost)] {
        assert_eq!(shown(&world, &dead).await, 401);
    }
    assert_eq!(world.attest(&second, &chain).await, "attested");
    assert_eq!([shown(&world, &second).await, shown(&world, &second).await], [201, 201]);
    assert_eq!(tier(&world, &device).await, "attested");
    world.stop().await;
}

#[tokio::test]
async fn a_fresh_key_counts_from_when_its_certificate_is_shown_and_the_former_until_then() {
    let world = World::start().await;
    let (_, key, chain) = world.enrol("handset").await;
    let first = world.client_with(&key, &chain);
    let (lost, kept) = (fresh_key(), fresh_key());
    let lost = world.client_with(&lost, &renew(&world, &first, &lost).await);
    let second = world.client_with(&kept, &renew(&world, &first, &kept).await);
    assert_eq!(shown(&world, &lost).await, 401, "another one was made in its place");
    assert_eq!([shown(&world, &first).await, shown(&world, &second).await], [201, 201]);
    assert_eq!([shown(&world, &first).await, shown(&world, &second).await], [401, 201]);
    world.stop().await;
}

#[tokio::test]
async fn a_revocation_kills_the_certificate_in_force_and_the_one_that_was_not_shown_yet() {
    let world = World::start().await;
    let (device, key, chain) = world.enrol("handset").await;
    let first = world.client_with(&key, &chain);
    let second = world.client_with(&key, &renew(&world, &first, &key).await);
    let path = format!("/v1/devices/{device}/revocations");
    let ask = json!({ "cause": "stolen" });
    world.ask(By::Key(&world.admin), "POST", &path, Some(ask)).await.expect(200);
    assert_eq!([shown(&world, &first).await, shown(&world, &second).await], [401, 401]);
    assert_eq!([shown(&world, &first).await, shown(&world, &second).await], [401, 401]);
    world.stop().await;
}

#[tokio::test]
async fn a_journal_from_before_a_renewal_takes_a_newer_certificate_of_the_same_key_alone() {
    let world = World::start().await;
    let (_, same, chain) = world.enrol("handset").await;
    let (_, other, foreign) = world.enrol("handset").await;
    let (backup, devices) = (tempfile::tempdir().unwrap(), [(&same, &chain), (&other, &foreign)]);
    let world = world.restart_after(|folder| copy_journal(folder, backup.path())).await;
    let [first, former] = devices.map(|(key, chain)| world.client_with(key, chain));
    let chain = renew(&world, &first, &same).await;
    let fresh = fresh_key();
    let stray = renew(&world, &former, &fresh).await;
    for client in [world.client_with(&same, &chain), world.client_with(&fresh, &stray)] {
        assert_eq!(shown(&world, &client).await, 201);
    }
    let world = world.restart_after(|folder| copy_journal(backup.path(), folder)).await;
    let [newer, older] = [&chain, devices[0].1].map(|chain| world.client_with(&same, chain));
    assert_eq!([shown(&world, &older).await, shown(&world, &newer).await], [201, 201]);
    assert_eq!([shown(&world, &older).await, shown(&world, &newer).await], [401, 201]);
    let [stray, former] =
        [(&fresh, &stray), devices[1]].map(|(key, of)| world.client_with(key, of));
    assert_eq!([shown(&world, &stray).await, shown(&world, &former).await], [401, 201]);
    world.stop().await;
}

/// The journal's files, in place of those that are there.
fn copy_journal(from: &std::path::Path, to: &std::path::Path) {
    for folder in [to, from] {
        for file in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let name = file.file_name().into_string().unwrap();
            if !name.starts_with("journal.sqlite") || name.ends_with(".reserve") {
                continue;
            }
            if folder == to {
                std::fs::remove_file(file.path()).unwrap();
            } else {
                std::fs::copy(file.path(), to.join(name)).unwrap();
            }
        }
    }
}
