//! Nobody can take more than a share: of requests, of connections, of work under way (M-THR).

use carhop_server::config::Limits;
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::stop::Stop;
use crate::world::{Answer, By, World};

/// Asks until the budget is used up, which it is after a few requests.
async fn until_limited(world: &World, by: impl Fn(usize) -> String, path: &str) -> Answer {
    for count in 0..100 {
        let answer = world.ask(By::Key(&by(count)), "GET", path, None).await;
        if answer.status == 429 {
            return answer;
        }
    }
    panic!("100 requests were let through");
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers[name].to_str().unwrap()
}

#[tokio::test]
async fn whoever_shows_links_and_tickets_that_do_not_exist_shuts_nobody_out() {
    let world = World::start_with(World::wide()).await;
    let ask = json!({ "ticket": format!("cht_{}", "A".repeat(43)), "csr": "AA" });
    for _ in 0..100 {
        let path = "/v1/devices/enrolments";
        let refused = world.ask(By::Nobody, "POST", path, Some(ask.clone())).await;
        assert_ne!(refused.status, 429, "{:?}", refused.body);
    }
    world.stop().await;
}

#[tokio::test]
async fn a_device_is_certified_anew_only_so_often_and_told_when_again() {
    let world = World::start_with(World::wide()).await;
    let stop = Stop::assigned(&world).await;
    let device = By::Certificate(&stop.handset_client);
    let ask = json!({ "csr": "AA" });
    let renew = async || world.ask(device, "POST", "/v1/devices/renewals", Some(ask.clone())).await;
    let mut answer = renew().await;
    for _ in 0..20 {
        if answer.status != 429 {
            answer.expect(400);
            answer = renew().await;
        }
    }
    let limited = answer.expect(429);
    assert_eq!(header(&limited, "ratelimit-policy"), "\"renewals\";q=12;w=600");
    assert!((1..=600).contains(&header(&limited, "retry-after").parse::<u64>().unwrap()));
    world.stop().await;
}

#[tokio::test]
async fn credentials_that_nobody_has_checked_buy_no_budget() {
    let world = World::start_with(Limits { network_requests_per_second: 1, ..World::wide() }).await;
    let limited = until_limited(&world, |count| format!("ch_live_{count}"), "/v1/sessions").await;
    assert_eq!(header(&limited, "ratelimit-policy"), "\"network\";q=1;w=1");
    assert_eq!(limited.body["retryable"], true);
    world.stop().await;
}

#[tokio::test]
async fn a_caller_that_asks_too_often_takes_nothing_from_others_of_its_network() {
    let world = World::start_with(Limits { requests_per_second: 1, ..World::wide() }).await;
    let limited = until_limited(&world, |_| world.admin.clone(), "/v1/sessions").await;
    assert_eq!(header(&limited, "ratelimit-policy"), "\"caller\";q=1;w=1");
    let other = By::ForeignKey(&world.foreign_admin);
    world.ask(other, "GET", "/v1/sessions", None).await.expect(200);
    world.stop().await;
}

#[tokio::test]
async fn one_network_holds_only_its_share_of_the_connections() {
    let world = World::start_with(Limits { network_connections_max: 2, ..World::wide() }).await;
    let connect = async || TcpStream::connect(world.running.public_address()).await.unwrap();
    let held = [connect().await, connect().await];
    // A connection that is turned away is closed or reset, whichever comes first.
    let read = connect().await.read(&mut [0; 1]).await;
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    drop(held);
    world.stop().await;
}

#[tokio::test]
async fn under_overload_releases_are_turned_away_and_holds_and_revocations_are_taken() {
    let world = World::start_with(Limits { releases_at_once: 0, ..World::wide() }).await;
    let stop = Stop::assigned(&world).await;
    let driver = By::Certificate(&stop.handset_client);
    let ask = json!({ "leg": 0 });
    let shed = world.ask(driver, "POST", &stop.path("releases"), Some(ask)).await.expect(503);
    assert_eq!(shed.body["code"], "overloaded");
    assert_eq!(shed.body["retryable"], true);
    assert_eq!(header(&shed, "retry-after"), "1");
    let admin = By::Key(&world.admin);
    for what in ["holds", "revocations"] {
        world.ask(admin, "POST", &stop.path(what), Some(json!({}))).await.expect(200);
    }
    world.stop().await;
}

#[tokio::test]
async fn a_network_that_floods_the_server_can_still_stop_things() {
    let world = World::start_with(Limits { network_requests_per_second: 1, ..World::wide() }).await;
    until_limited(&world, |_| world.admin.clone(), "/v1/sessions").await;
    let ask = json!({ "cause": "a recall" });
    let held = world.ask(By::Key(&world.admin), "POST", "/v1/account/holds", Some(ask)).await;
    assert_eq!(held.expect(200).body["hold"]["cause"], "a recall");
    world.stop().await;
}

#[tokio::test]
async fn strangers_who_pretend_to_stop_things_keep_nobody_known_from_stopping_them() {
    let world = World::start_with(Limits { network_requests_per_second: 1, ..World::wide() }).await;
    let account = world.ask(By::Key(&world.admin), "GET", "/v1/account", None).await;
    account.expect(200);
    let ask = json!({ "cause": "a recall" });
    let hold =
        async |by| world.ask(by, "POST", "/v1/account/holds", Some(ask.clone())).await.status;
    let mut answers = Vec::new();
    while answers.last() != Some(&429) {
        answers.push(hold(By::Key("ch_live_pretended")).await);
        assert!(answers.len() < 100, "{answers:?}");
    }
    assert_eq!(hold(By::Key(&world.admin)).await, 200);
    world.stop().await;
}
