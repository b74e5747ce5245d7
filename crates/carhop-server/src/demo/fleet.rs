//! The locks and pumps of the demo: real processes of `carhop device run`, with hands and eyes around them.
//!
//! The demo tells a device nothing but what hands can do to it; commands reach it through the authority.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;

use crate::device::fault::Fault;
use crate::device::hands::{Hand, Seen};
use crate::timers;

/// A lock or a pump that runs.
pub(crate) struct Actuator {
    /// Its id.
    pub(crate) device: String,
    /// Ended when dropped.
    _process: Child,
    hands: ChildStdin,
    seen: mpsc::UnboundedReceiver<Seen>,
}

/// How to start one.
pub(crate) struct Start<'a> {
    /// `lock` or `pump`.
    pub(crate) class: &'static str,
    /// Its id.
    pub(crate) device: String,
    /// Its ticket.
    pub(crate) ticket: &'a str,
    /// Its own folder, which holds the attester as well.
    pub(crate) folder: &'a Path,
    /// Origin of the public listener.
    pub(crate) server: &'a str,
    /// Origin of the mutual-TLS listener.
    pub(crate) gateway: &'a str,
    /// The authority's root certificate.
    pub(crate) ca: &'a Path,
    /// The firmware it says it runs.
    pub(crate) firmware: &'a str,
    /// What is wrong with it.
    pub(crate) fault: Option<Fault>,
}

impl Actuator {
    /// Starts the process and waits until it is connected.
    pub(crate) async fn start(start: Start<'_>) -> Result<Self> {
        let log = std::fs::File::create(start.folder.join("device.log"))?;
        let mut command = Command::new(std::env::current_exe()?);
        if let Some(fault) = start.fault {
            command.args(["device", "run", "--fault", fault.name()]);
        } else {
            command.args(["device", "run"]);
        }
        let mut process = command
            .args(["--hands", "--class", start.class])
            .arg("--store")
            .arg(start.folder)
            .arg("--attester")
            .arg(start.folder)
            .arg("--ca")
            .arg(start.ca)
            .args(["--server", start.server, "--gateway", start.gateway])
            .args(["--ticket", start.ticket, "--firmware", start.firmware])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("starting a device")?;
        let hands = process.stdin.take().context("a device without hands")?;
        let eyes = process.stdout.take().context("a device without eyes")?;
        let (see, seen) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut lines = BufReader::new(eyes).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let Ok(found) = serde_json::from_str(&line) else { continue };
                if see.send(found).is_err() {
                    return;
                }
            }
        });
        let mut actuator = Self { device: start.device, _process: process, hands, seen };
        actuator.wait_for(|seen| *seen == Seen::Connected).await.with_context(|| {
            format!("the {} does not connect; see {}", start.class, start.folder.display())
        })?;
        Ok(actuator)
    }

    /// Does something to it, and waits until that has been done.
    pub(crate) async fn touch(&mut self, hand: Hand) -> Result<()> {
        self.look_away();
        let line = serde_json::to_string(&hand)? + "\n";
        self.hands.write_all(line.as_bytes()).await.context("a device without hands")?;
        self.hands.flush().await?;
        let answer = match hand {
            Hand::Unplug => |seen: &Seen| matches!(seen, Seen::Disconnected { .. }),
            Hand::PlugIn => |seen: &Seen| matches!(seen, Seen::Connected),
            Hand::Close
            | Hand::CheckMeter
            | Hand::Key
            | Hand::Jam { .. }
            | Hand::Tamper
            | Hand::Temperature { .. }
            | Hand::Person { .. }
            | Hand::Interlock { .. } => |seen: &Seen| matches!(seen, Seen::Touched),
        };
        self.wait_for(answer).await
    }

    /// Forgets what was seen so far.
    pub(crate) fn look_away(&mut self) {
        while self.seen.try_recv().is_ok() {}
    }

    /// Waits until something is seen.
    pub(crate) async fn wait_for(&mut self, wanted: impl Fn(&Seen) -> bool) -> Result<()> {
        let watching = async {
            while let Some(seen) = self.seen.recv().await {
                if wanted(&seen) {
                    return Ok(());
                }
            }
            bail!("the device has stopped")
        };
        timers::within(PATIENCE, watching).await.context("nothing was seen for too long")?
    }
}

/// How long something at a device may take.
const PATIENCE: Duration = Duration::from_secs(30);
