//! An auditor with a pinned key, the binary and nothing else, against what a real server left (M-AUD-1, M-POL-4).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use carhop_app::batch::{Entry, Held, Standing, Stream};
use carhop_app::ports::Journal;
use carhop_app::record::Partition;
use carhop_journal::conformance::{block_on, meddle};
use carhop_journal::{SqliteJournal, codec, copy_journal};
use carhop_kernel::id::EventId;
use serde_json::Value;

use crate::stop::Stop;
use crate::world::{By, World};

/// A binary in a folder where nothing else is.
struct Auditor(tempfile::TempDir);

impl Auditor {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (env!("CARGO_BIN_EXE_carhop"), folder.path().join("carhop"));
        if fs::hard_link(from, &to).is_err() {
            fs::copy(from, &to).unwrap();
        }
        Self(folder)
    }

    /// The exit code, and what was printed for programs.
    fn asks(&self, arguments: &[&str]) -> (i32, Value) {
        let output = Command::new(self.0.path().join("carhop"))
            .args(["--json", "audit"])
            .args(arguments)
            .current_dir(self.0.path())
            .env_clear()
            .output()
            .unwrap();
        let said = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        (output.status.code().unwrap(), said)
    }
}

/// A copy of the journal of an account that has seen a stop begin, and what somebody with the file does to it.
struct Meddled {
    data: tempfile::TempDir,
    untouched: PathBuf,
    auditor: Auditor,
}

impl Meddled {
    async fn new() -> Self {
        let world = World::start().await;
        Stop::assigned(&world).await;
        let (left, data) = (world.stop_and_keep().await, tempfile::tempdir().unwrap());
        let untouched = data.path().join("untouched");
        copy_journal(&left.path().join("journal.sqlite"), &untouched).unwrap();
        let log = Path::new("keys/acme/logs/san-jose");
        fs::create_dir_all(data.path().join(log)).unwrap();
        for file in ["key", "signed"].map(|name| log.join(name)) {
            fs::copy(left.path().join(&file), data.path().join(&file)).unwrap();
        }
        Self { data, untouched, auditor: Auditor::new() }
    }

    fn partition() -> Partition {
        Partition { tenant: "acme".parse().unwrap(), market: "san-jose".parse().unwrap() }
    }

    fn events(&self) -> Vec<Held> {
        let journal = SqliteJournal::open_as_it_is(&self.untouched).unwrap();
        block_on(journal.appended(Self::partition(), None, usize::MAX)).unwrap()
    }

    /// A row that repeats an event under another name, `skip` numbers after the end of its stream.
    fn forged(&self, number: &str, skip: u64) -> String {
        let events = self.events();
        let of_operator = |held: &&Held| held.recorded.stream == Stream::Operator;
        let last = events.iter().rfind(of_operator).unwrap().recorded.clone();
        let (id, sequence) = (EventId::from_bytes([7; 16]), last.sequence + 1 + skip);
        let entry = Entry { id, stream: last.stream, meta: last.meta, body: last.body };
        let stored = codec::encode(&last.partition, sequence, last.at, &entry).unwrap();
        let (id, stored) = (hex(id.as_bytes()), hex(&stored));
        format!(
            "INSERT INTO events (number, tenant, market, stream, subject, sequence, id, stored)
             VALUES ({number}, 'acme', 'san-jose', 'operator', x'', {sequence}, x'{id}', x'{stored}');"
        )
    }

    /// What verifying says after this was done.
    fn after(&self, sql: &str) -> (i32, Value) {
        let file = self.data.path().join("journal.sqlite");
        fs::copy(&self.untouched, &file).unwrap();
        meddle(&file, sql);
        self.auditor.asks(&[
            "verify",
            "--data",
            text(self.data.path()),
            "--tenant",
            "acme",
            "--market",
            "san-jose",
        ])
    }
}

#[tokio::test]
async fn what_was_put_into_the_journal_beside_the_log_is_told_and_what_waits_is_counted() {
    let journal = Meddled::new().await;
    let events = journal.events();
    let size = events.iter().filter(|held| held.standing != Standing::Waiting).count();
    let waiting = events.len() - size;
    let (code, said) = journal.after("");
    assert_eq!((code, &said["waiting"]), (0, &waiting.into()), "{said}");
    // Who can write to the journal can append to it like the server: not signed, and counted as such.
    let forged = journal.forged("NULL", 0);
    let (code, said) = journal.after(&format!("{forged} {}", waits("last_insert_rowid()")));
    assert_eq!((code, &said["waiting"]), (0, &(waiting + 1).into()), "{said}");

    let make_room = "UPDATE events SET number = number + 100000 WHERE number > 5;
        UPDATE log SET number = number + 100000 WHERE number > 5;
        UPDATE unsequenced SET number = number + 100000 WHERE number > 5;";
    let slip_in = format!("{make_room} {} {}", journal.forged("6", 0), waits("6"));
    let gap = format!("{} {}", journal.forged("NULL", 3), waits("last_insert_rowid()"));
    let below_zero = journal.forged("-1", 0);
    let rows: [Row<'_>; 4] = [
        ("beside the log", &forged, &["evt_", "put beside the log"]),
        ("below the first row", &below_zero, &["unreadable"]),
        ("before later ones", &slip_in, &["row 6 ", "slipped in before them"]),
        ("with a gap in its stream", &gap, &["event", "of its stream stands where"]),
    ];
    for (what, sql, expected) in rows.into_iter().chain(WITHOUT_A_NEW_EVENT) {
        let (code, said) = journal.after(sql);
        assert_eq!(code, 1, "{what}: {said}");
        let fault = said["fault"].as_str().unwrap();
        assert!(expected.iter().all(|part| fault.contains(part)), "{what}: {fault}");
    }
}

/// What is done, how, and what the fault says.
type Row<'a> = (&'a str, &'a str, &'a [&'a str]);

const WITHOUT_A_NEW_EVENT: [Row<'static>; 13] = [
    (
        "another end from which the journal goes on",
        "UPDATE records SET body = CAST(json_set(CAST(body AS TEXT), '$.size', 1, '$.peaks',
             json_array(json(CAST(body AS TEXT) -> '$.peaks[0]'))) AS BLOB)
         WHERE kind = 'log' AND tenant = 'acme';",
        &["entries, but 1 are claimed"],
    ),
    (
        "a device revoked or given back without a word",
        "UPDATE records SET body =
             CAST(replace(CAST(body AS TEXT), '\"revoked\":null', '\"revoked\":\"x\"') AS BLOB)
         WHERE kind = 'device' AND tenant = 'acme';",
        &["the device record `dev_", "is not as the log tells"],
    ),
    (
        "a device that was tampered with, or was not",
        "UPDATE records SET body =
             CAST(replace(CAST(body AS TEXT), '\"tampered\":false', '\"tampered\":true') AS BLOB)
         WHERE kind = 'device' AND tenant = 'acme';",
        &["the device record `dev_", "is not as the log tells"],
    ),
    (
        "a device that is believed no more, or again",
        "UPDATE records SET body = CAST(replace(CAST(body AS TEXT),
             '\"distrusted\":null', '\"distrusted\":\"forked\"') AS BLOB)
         WHERE kind = 'device' AND tenant = 'acme';",
        &["the device record `dev_", "is not as the log tells"],
    ),
    (
        "a revocation that nobody made",
        "INSERT INTO records VALUES ('acme', 'san-jose', 'revocation', 'class:lock', 1,
             CAST('{\"subject\":\"class:lock\",\"cause\":\"x\",\"revoked_at\":1,\"swept\":\"all\",\"missed\":false,
                 \"devices\":0,\"sessions\":0,\"awaited\":[],\"settled_at\":null}' AS BLOB), '[]', NULL);",
        &["the revocation record `class:lock` is not as the log tells"],
    ),
    (
        "policies that nobody put in force",
        "INSERT INTO records VALUES ('acme', 'san-jose', 'policy_in_force', 'in_force', 1,
             CAST('{\"version\":\"' || hex(zeroblob(32)) || '\",\"activated_at\":1}' AS BLOB), '[]', NULL);",
        &["the policy_in_force record `in_force` is not as the log tells"],
    ),
    (
        "a device thawed or frozen without a word",
        "UPDATE records SET body =
             CAST(replace(CAST(body AS TEXT), '\"frozen\":false', '\"frozen\":true') AS BLOB)
         WHERE kind = 'device' AND tenant = 'acme';",
        &["the device record `dev_", "is not as the log tells"],
    ),
    (
        "a hold of the account that nobody asked for",
        "INSERT INTO records VALUES ('acme', 'san-jose', 'tenant', 'tenant', 1,
             CAST('{\"hold\":{\"cause\":\"x\",\"since\":1},\"trust_epoch\":0}' AS BLOB), '[]', NULL);",
        &["the tenant record `tenant` is not as the log tells"],
    ),
    (
        "moved",
        "UPDATE events SET number = 90000
         WHERE number = (SELECT number FROM log WHERE tenant = 'acme' AND position = 2);
         UPDATE log SET number = 90000 WHERE tenant = 'acme' AND position = 2;",
        &["another position than its turn"],
    ),
    (
        "a position without event",
        "INSERT INTO log SELECT tenant, market, position + 1, 70000, leaf FROM log
         WHERE tenant = 'acme' ORDER BY position DESC LIMIT 1;",
        &["no event for position", "unreadable"],
    ),
    (
        "an event with two places",
        "INSERT INTO unsequenced SELECT number, tenant, market FROM log
         WHERE tenant = 'acme' AND position = 2;",
        &["waits for another", "position 2"],
    ),
    (
        "an event of another name",
        "UPDATE events SET id = x'07070707070707070707070707070707'
         WHERE number = (SELECT number FROM log WHERE tenant = 'acme' AND position = 2);",
        &["under another's name", "position 2"],
    ),
    (
        "a decision under another's name",
        "UPDATE records SET key = 'dec_07070707070707070707070707070707'
         WHERE kind = 'decision' AND key =
             (SELECT min(key) FROM records WHERE kind = 'decision' AND tenant = 'acme');",
        &["decision record `dec_07", "something else than its name"],
    ),
];

#[tokio::test]
async fn a_journal_whose_end_was_cut_off_with_its_checkpoints_is_told_by_what_lies_beside_the_key()
{
    let journal = Meddled::new().await;
    let (code, said) = journal.after("DELETE FROM records WHERE kind = 'checkpoint';");
    assert_eq!((code, &said["checkpoints"]), (0, &1.into()), "{said}");
    // As if the account had never been used.
    let all = ["events", "log", "unsequenced", "records"];
    let all = all.map(|table| format!("DELETE FROM {table} WHERE tenant = 'acme';"));
    let (code, said) = journal.after(&all.concat());
    assert_eq!(code, 1, "{said}");
    assert!(said["fault"].as_str().unwrap().contains("the log ends after 0 entries"), "{said}");
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    carhop_kernel::digest::write_hex(&mut text, bytes).unwrap();
    text
}

fn waits(number: &str) -> String {
    format!("INSERT INTO unsequenced VALUES ({number}, 'acme', 'san-jose');")
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test]
async fn a_stranger_can_check_the_log_and_one_decision_with_a_pinned_key_alone() {
    let world = World::start().await;
    let stop = Stop::assigned(&world).await;
    let path = format!("/v1/sessions/{}/decisions", stop.session);
    let listed = world.ask(By::Key(&world.admin), "GET", &path, None).await.expect(200).body;
    let decision = listed["data"][0]["id"].as_str().unwrap().to_owned();
    let data = world.stop_and_keep().await;

    let auditor = Auditor::new();
    let of_log = ["--data", text(data.path()), "--tenant", "acme", "--market", "san-jose"];
    let with = |first: &[&'static str]| [first, &of_log[..]].concat();
    let (code, said) = auditor.asks(&with(&["vkey"]));
    assert_eq!(code, 0);
    let pinned = said["vkey"].as_str().unwrap().to_owned();
    let (code, said) = auditor.asks(&[&with(&["export"])[..], &["--out", "log"]].concat());
    assert_eq!((code, &said["verified"]), (0, &Value::Bool(true)));
    let prove = [&with(&["prove"])[..], &["--out", "one.json", &decision]].concat();
    assert_eq!(auditor.asks(&prove).0, 0);
    // Nothing of the server is left.
    drop(data);

    let (code, said) = auditor.asks(&["verify", "--export", "log", "--key", &pinned]);
    assert_eq!((code, &said["pinned"], &said["unsigned"]), (0, &Value::Bool(true), &0.into()));
    let again = ["verify", "--export", "log", "--key", &pinned, "--earlier", "log/checkpoint"];
    assert_eq!(auditor.asks(&again).0, 0);
    let (code, said) = auditor.asks(&["verify", "--bundle", "one.json", "--key", &pinned]);
    assert_eq!((code, said["decision"].as_str()), (0, Some(decision.as_str())));
    let (code, said) = auditor.asks(&["explain", "--bundle", "one.json", "--key", &pinned]);
    assert_eq!((code, &said["differences"]), (0, &Value::Array(Vec::new())));

    let foreign = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    for what in [["--export", "log"], ["--bundle", "one.json"]] {
        let (code, said) = auditor.asks(&["verify", what[0], what[1], "--key", foreign]);
        assert_eq!((code, &said["verified"]), (1, &Value::Bool(false)), "another key");
    }
    assert_eq!(auditor.asks(&["verify", "--bundle", "one.json"]).0, 2, "no key");
    assert_eq!(auditor.asks(&["verify", "--export", "nowhere", "--key", &pinned]).0, 2);
    assert_eq!(auditor.asks(&["verify", "--export", "log", "--key", "no key"]).0, 2);

    let bundle = auditor.0.path().join("one.json");
    let bent = fs::read_to_string(&bundle).unwrap().replacen("session", "sessiom", 1);
    fs::write(&bundle, bent).unwrap();
    assert_eq!(auditor.asks(&["verify", "--bundle", "one.json", "--key", &pinned]).0, 1);
}
