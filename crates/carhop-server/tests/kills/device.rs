//! A lock or a pump as a process that can be killed and comes back.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use crate::harm::Signal;
use crate::host::CARHOP;
use crate::progress::Progress;

/// A device that runs.
pub struct Device {
    /// Its id.
    pub id: String,
    arguments: Vec<String>,
    store: PathBuf,
    process: Child,
    hands: ChildStdin,
    progress: Arc<Progress>,
}

/// What its metal remembers, whoever believes what.
#[derive(Deserialize)]
pub struct Metal {
    /// How often a lock has opened.
    pub openings: u64,
    /// What a pump has given in its life.
    pub totaliser_ml: u64,
}

impl Device {
    /// Starts a device whose store is this folder.
    pub fn start(
        id: String,
        arguments: Vec<String>,
        store: &Path,
        progress: Arc<Progress>,
    ) -> Self {
        let (process, hands) = spawn(&arguments, store, &progress);
        Self { id, arguments, store: store.to_owned(), process, hands, progress }
    }

    /// Kills it and starts it again.
    pub async fn kill_and_restart(&mut self) {
        self.process.kill().await.unwrap();
        (self.process, self.hands) = spawn(&self.arguments, &self.store, &self.progress);
    }

    /// Has it stand still, or go on.
    pub fn signal(&self, signal: Signal) {
        signal.send(&self.process);
    }

    /// Kills it for good.
    pub async fn stop(&mut self) -> Metal {
        self.process.kill().await.unwrap();
        let remembered = std::fs::read(self.store.join("actuator.json"));
        remembered.map_or(Metal { openings: 0, totaliser_ml: 0 }, |remembered| {
            serde_json::from_slice(&remembered).unwrap()
        })
    }

    /// What it did to its files since it was first started, in the form of [`power_cut::read`].
    #[cfg(target_os = "linux")]
    pub fn record(&self) -> PathBuf {
        self.store.with_extension("record")
    }

    /// Lays hands on it. If it has just been killed, nothing happens, as with real hands.
    pub async fn touch(&mut self, hand: &str) {
        let _ = self.hands.write_all(format!("{hand}\n").as_bytes()).await;
        let _ = self.hands.flush().await;
    }
}

/// The program over a layer that records what it does to its files.
#[cfg(target_os = "linux")]
fn program(store: &Path) -> Command {
    Command::from(power_cut::between(CARHOP, store, &store.with_extension("record")))
}

#[cfg(not(target_os = "linux"))]
fn program(_: &Path) -> Command {
    Command::new(CARHOP)
}

fn spawn(arguments: &[String], store: &Path, progress: &Arc<Progress>) -> (Child, ChildStdin) {
    std::fs::create_dir_all(store).unwrap();
    let log = store.join("device.log");
    let log = std::fs::File::options().create(true).append(true).open(log).unwrap();
    let mut process = program(store)
        .args(["device", "run", "--hands"])
        .args(arguments)
        .arg("--store")
        .arg(store)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let (hands, eyes) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
    let progress = Arc::clone(progress);
    tokio::spawn(async move {
        let mut lines = BufReader::new(eyes).lines();
        while let Ok(Some(_)) = lines.next_line().await {
            progress.tick();
        }
    });
    (process, hands)
}
