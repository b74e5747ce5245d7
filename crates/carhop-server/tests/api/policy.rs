//! Policies that are replaced, and accounts that are frozen, while everything goes on (M-POL-4, M-FLO-3).

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::stop::Stop;
use crate::world::{Answer, By, World, read};

const OWN: &str = "@id(\"own.nobody_is_known\") @reason(\"manual_hold\")\n\
    forbid (principal, action == Action::\"verify_recipient\", resource);\n";

/// The files that decide now, as they are put in force.
async fn current(world: &World) -> Value {
    let shown = world.ask(By::Key(&world.admin), "GET", "/v1/policy", None).await.expect(200);
    let files = shown.body["files"].as_array().unwrap().iter();
    let files: Vec<_> =
        files.map(|file| json!({ "name": file["name"], "text": file["text"] })).collect();
    json!({ "files": files })
}

/// The same and one more.
async fn with_own(world: &World) -> Value {
    let mut ask = current(world).await;
    let own = json!({ "name": "own.cedar", "text": OWN });
    ask["files"].as_array_mut().unwrap().push(own);
    ask
}

async fn put_over(world: &World, tag: &str, ask: &Value) -> Answer {
    let url = format!("{}/v1/policy", world.base());
    let request = world.client().put(url).bearer_auth(&world.admin).header("if-match", tag);
    read(request.json(ask).send().await.unwrap()).await
}

async fn refused(world: &World, stop: &Stop) -> Answer {
    let (by, path) = (stop.by_customer(), stop.path("recipient"));
    let refused = world.ask(by, "POST", &path, Some(json!({}))).await;
    assert_eq!(refused.body["code"], "manual_hold", "{:?}", refused.body);
    refused
}

#[tokio::test]
async fn policies_are_replaced_while_the_server_runs_and_outlive_its_restart() {
    let world = World::start().await;
    let stop = Stop::requested(&world).await;
    let first = world.ask(By::Key(&world.admin), "GET", "/v1/policy", None).await.expect(200);
    let (former, tag) = (first.text("version"), first.headers["etag"].to_str().unwrap().to_owned());
    assert_eq!(tag, format!("\"{former}\""));
    assert_eq!(
        (&first.body["in_force"], &first.body["activated_at"]),
        (&json!(true), &json!(null))
    );

    let ask = with_own(&world).await;
    let stale = put_over(&world, &format!("\"{}\"", "0".repeat(64)), &ask).await.expect(412);
    assert_eq!(stale.body["code"], "precondition_failed");
    put_over(&world, "W/\"x\"", &ask).await.expect(400);
    let now = put_over(&world, &tag, &ask).await.expect(200);
    let version = now.text("version");
    assert_ne!(version, former);
    assert!(now.body["activated_at"].is_string());

    assert_eq!(refused(&world, &stop).await.text("policy_version"), version);
    let path = format!("/v1/policy?version={former}");
    let old = world.ask(By::Key(&world.admin), "GET", &path, None).await.expect(200);
    assert_eq!((&old.body["in_force"], &old.body["files"]), (&json!(false), &first.body["files"]));
    let path = format!("/v1/policy?version={}", "0".repeat(64));
    world.ask(By::Key(&world.admin), "GET", &path, None).await.expect(404);
    let foreign = By::ForeignKey(&world.foreign_admin);
    let theirs = world.ask(foreign, "GET", "/v1/policy", None).await.expect(200);
    assert_eq!(theirs.text("version"), former, "each account decides for itself");

    let world = world.restart().await;
    let again = world.ask(By::Key(&world.admin), "GET", "/v1/policy", None).await.expect(200);
    assert_eq!((again.text("version"), &again.body["in_force"]), (version.clone(), &json!(true)));
    assert_eq!(refused(&world, &stop).await.text("policy_version"), version);
    world.stop().await;
}

/// The policies with one more that says nothing, so that each is a version of its own.
fn variant(current: &Value, number: usize) -> Value {
    let mut ask = current.clone();
    let remark = json!({ "name": "own.cedar", "text": format!("// {number}\n{OWN}") });
    ask["files"].as_array_mut().unwrap().push(remark);
    ask
}

async fn in_force(world: &World) -> String {
    world.ask(By::Key(&world.admin), "GET", "/v1/policy", None).await.expect(200).text("version")
}

#[tokio::test]
async fn what_was_asked_with_a_key_is_not_done_once_the_key_is_revoked() {
    let world = World::start().await;
    let ask = json!({ "name": "leaked", "scopes": ["admin"] });
    let made = world.ask(By::Key(&world.admin), "POST", "/v1/api-keys", Some(ask)).await;
    let (key, path) = {
        let made = made.expect(201);
        (made.text("key"), format!("/v1/api-keys/{}/revocations", made.text("id")))
    };
    let (former, ask) = (in_force(&world).await, current(&world).await);
    let put = async |number| {
        let ask = variant(&ask, number);
        world.ask(By::Key(&key), "PUT", "/v1/policy", Some(ask)).await.status
    };
    // They are taken one after the other: once the first has come into force, the last was let in long ago and waits.
    let revoke = async {
        while in_force(&world).await == former {}
        let why = json!({ "cause": "leaked" });
        world.ask(By::Key(&world.admin), "POST", &path, Some(why)).await.expect(200);
        in_force(&world).await
    };
    let (answers, at_revocation) = join(join_all((0..3).map(put)), revoke).await;
    assert!(answers.contains(&200) && answers.contains(&401), "{answers:?}");
    assert_eq!(in_force(&world).await, at_revocation);
    world.stop().await;
}

#[tokio::test]
async fn an_account_has_few_activations_waiting_and_is_told_to_come_again() {
    let world = World::start().await;
    let ask = current(&world).await;
    let admin = By::Key(&world.admin);
    let put = async |number| {
        let ask = variant(&ask, number);
        world.ask(admin, "PUT", "/v1/policy", Some(ask)).await
    };
    let theirs = async {
        let foreign = By::ForeignKey(&world.foreign_admin);
        world.ask(foreign, "PUT", "/v1/policy", Some(ask.clone())).await
    };
    let (answers, theirs) = join(join_all((0..8).map(put)), theirs).await;
    theirs.expect(200);
    let (turned_away, done): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 429);
    assert!(done.len() >= 2 && !turned_away.is_empty(), "{answers:?}");
    assert!(done.iter().all(|answer| answer.status == 200), "{answers:?}");
    for answer in turned_away {
        assert_eq!(answer.body["code"], "too_many_requests");
        assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn policies_are_head_offices_to_replace_and_must_be_fit() {
    let world = World::start().await;
    let ask = json!({ "name": "back office", "scopes": ["staff", "fleet", "venues", "audit"] });
    let made = world.ask(By::Key(&world.admin), "POST", "/v1/api-keys", Some(ask)).await;
    let staff = made.expect(201).text("key");
    let good = with_own(&world).await;
    let denied = world.ask(By::Key(&staff), "PUT", "/v1/policy", Some(good.clone())).await;
    assert_eq!(denied.expect(403).body["code"], "insufficient_scope");
    let without = |file: &str| {
        let files = good["files"].as_array().unwrap().iter();
        let files: Vec<_> = files.filter(|one| one["name"] != file).collect();
        json!({ "files": files })
    };
    for (ask, param, why) in [
        (without("rungs.txt"), "files", "`rungs.txt` is missing"),
        (without("fuel.cedar"), "files", "protects lock and pump"),
        (without("ladder.cedar"), "departures", "ladder.known_vehicle"),
    ] {
        let refused = world.ask(By::Key(&world.admin), "PUT", "/v1/policy", Some(ask)).await;
        let refused = refused.expect(400);
        assert_eq!(refused.text("param"), param);
        assert!(refused.text("detail").contains(why), "{:?}", refused.body);
    }
    world.stop().await;
}

#[tokio::test]
async fn an_account_is_frozen_and_thawed_by_its_staff_with_a_reason() {
    let world = World::start().await;
    let (admin, foreign) = (By::Key(&world.admin), By::ForeignKey(&world.foreign_admin));
    let ask = json!({ "name": "till", "scopes": ["orders", "fleet", "audit"] });
    let made = world.ask(admin, "POST", "/v1/api-keys", Some(ask)).await.expect(201);
    let (till, why) = (made.text("key"), json!({ "cause": "a recall" }));
    for path in ["/v1/account/holds", "/v1/account/resumptions"] {
        world.ask(By::Key(&till), "POST", path, Some(why.clone())).await.expect(403);
        world.ask(admin, "POST", path, Some(json!({ "cause": "" }))).await.expect(400);
    }
    world.ask(admin, "POST", "/v1/account/holds", Some(why.clone())).await.expect(200);
    let second = json!({ "cause": "another" });
    let held = world.ask(admin, "POST", "/v1/account/holds", Some(second)).await.expect(200);
    assert_eq!(held.body["hold"]["cause"], "a recall", "the first cause stays");
    let theirs = world.ask(foreign, "GET", "/v1/account", None).await.expect(200);
    assert_eq!(
        (&theirs.body["account"], &theirs.body["hold"]),
        (&json!("other/oslo"), &json!(null))
    );
    let found = json!({ "cause": "nothing found" });
    let thawed = world.ask(admin, "POST", "/v1/account/resumptions", Some(found)).await;
    assert_eq!(thawed.expect(200).body["hold"], json!(null));
    world.stop().await;
}

#[tokio::test]
async fn what_policies_decided_that_were_replaced_since_is_explained_and_proven_by_their_own_text()
{
    let world = World::start().await;
    let stop = Stop::requested(&world).await;
    let (former, strict) = (current(&world).await, with_own(&world).await);
    world.ask(By::Key(&world.admin), "PUT", "/v1/policy", Some(strict)).await.expect(200);
    let decision = refused(&world, &stop).await.text("decision");
    world.ask(By::Key(&world.admin), "PUT", "/v1/policy", Some(former)).await.expect(200);
    let (by, path) = (stop.by_customer(), stop.path("recipient"));
    world.ask(by, "POST", &path, Some(json!({}))).await.expect(200);
    let data = world.stop_and_keep().await;

    let folder = data.path().to_str().unwrap();
    let of_log = ["--data", folder, "--tenant", "acme", "--market", "san-jose"];
    let key = audit(&[&["vkey"][..], &of_log].concat())["vkey"].as_str().unwrap().to_owned();
    let explained = audit(&[&["explain", &decision][..], &of_log].concat());
    assert_eq!(explained["differences"], json!([]), "{explained}");
    assert!(explained.to_string().contains("own.nobody_is_known"), "{explained}");
    let proof = data.path().join("proof.json");
    let proof = proof.to_str().unwrap();
    audit(&[&["prove", &decision, "--out", proof][..], &of_log].concat());
    let verified = audit(&["verify", "--bundle", proof, "--key", &key]);
    assert_eq!(verified["decision"].as_str(), Some(decision.as_str()));
}

/// What an auditor's question comes to.
fn audit(question: &[&str]) -> Value {
    let mut asked = std::process::Command::new(env!("CARGO_BIN_EXE_carhop"));
    let output = asked.args(["--json", "audit"]).args(question).output().unwrap();
    assert!(output.status.success(), "{question:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}
