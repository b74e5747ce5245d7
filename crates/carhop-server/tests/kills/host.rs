//! The server as a process that can be killed and comes back on the same ports.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command as Blocking, Stdio};
use std::sync::Arc;
use std::time::Duration;

use carhop_server::timers::sleep;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

#[cfg(target_os = "linux")]
use crate::client::Answer;
use crate::client::{By, Caller};
use crate::harm::Signal;
use crate::progress::Progress;

/// The authority.
pub struct Host {
    folder: TempDir,
    ports: [u16; 2],
    /// Whether the disk beneath its data can be made full.
    over_a_disk: bool,
    process: Mutex<Child>,
    /// What is seen.
    pub progress: Arc<Progress>,
    admin: Option<Caller>,
}

impl Host {
    /// Starts it for the first time, and waits until it has made its keys.
    pub async fn start(progress: Arc<Progress>) -> Self {
        Self::start_on(progress, false).await
    }

    /// Starts it over a layer that can say that the disk is full, where there is one.
    pub async fn start_over_a_disk(progress: Arc<Progress>) -> Self {
        Self::start_on(progress, true).await
    }

    async fn start_on(progress: Arc<Progress>, over_a_disk: bool) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let ports = [(), ()].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let ports = ports.map(|listener| listener.local_addr().unwrap().port());
        let attester = folder.path().join("attester");
        let made = Blocking::new(CARHOP).args(["keys", "attester"]).arg(&attester).output();
        assert!(made.unwrap().status.success());
        fs::write(folder.path().join("carhop.toml"), config(folder.path(), ports)).unwrap();
        for inner in ["data", "controls"] {
            fs::create_dir(folder.path().join(inner)).unwrap();
        }
        let process = Mutex::new(serve(folder.path(), over_a_disk));
        let mut host = Self { folder, ports, over_a_disk, process, progress, admin: None };
        while !host.data().join("admin.key").exists() {
            let ended = host.process.lock().await.try_wait().unwrap();
            assert_eq!(ended, None, "{}", fs::read_to_string(host.beside("serve.log")).unwrap());
            sleep(LOOK_PAUSE).await;
        }
        let key = fs::read_to_string(host.data().join("admin.key")).unwrap();
        host.admin = Some(host.caller(By::Key(key.trim().to_owned())));
        host
    }

    /// Kills it and starts it again; it need not be ready when this returns.
    pub async fn kill_and_restart(&self) {
        let mut process = self.process.lock().await;
        process.kill().await.unwrap();
        *process = serve(self.folder.path(), self.over_a_disk);
    }

    /// Has it stand still, or go on.
    pub async fn signal(&self, signal: Signal) {
        let process = self.process.lock().await;
        signal.send(&process);
    }

    /// Kills it for good.
    pub async fn kill(&self) {
        self.process.lock().await.kill().await.unwrap();
    }

    /// Asks as the administrator; anything but success fails the test.
    pub async fn staff(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let answer = self.try_staff(method, path, body).await;
        answer.unwrap_or_else(|refused| panic!("{method} {path}: {refused}"))
    }

    /// Asks as the administrator.
    pub async fn try_staff(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Value> {
        let answer = self.admin.as_ref().unwrap().ask(method, path, body).await;
        if answer.status < 400 { Ok(answer.body) } else { Err(answer.body) }
    }

    /// Asks as the administrator once, whatever comes back.
    #[cfg(target_os = "linux")]
    pub async fn staff_once(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.admin.as_ref().unwrap().ask_at_once(method, path, body, None).await
    }

    /// A client of the public listener.
    pub fn caller(&self, by: By) -> Caller {
        Caller::new(&self.roots(), &self.public(), by, Arc::clone(&self.progress))
    }

    /// The roots that vouch for it, PEM.
    pub fn roots(&self) -> Vec<u8> {
        fs::read(self.data().join("ca.pem")).unwrap()
    }

    /// Origin of the public listener.
    pub fn public(&self) -> String {
        format!("https://localhost:{}", self.ports[0])
    }

    /// Origin of the mutual-TLS listener.
    pub fn devices(&self) -> String {
        format!("https://localhost:{}", self.ports[1])
    }

    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A path beside its data.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// The program, over a layer that can say that the disk beneath its data is full.
#[cfg(target_os = "linux")]
fn program(folder: &Path, over_a_disk: bool) -> Command {
    if !over_a_disk {
        return Command::new(CARHOP);
    }
    // What it does to its files is nobody's business here.
    let mut command = power_cut::between(CARHOP, &folder.join("data"), Path::new("/dev/null"));
    power_cut::steered(&mut command, &folder.join("controls"));
    Command::from(command)
}

#[cfg(not(target_os = "linux"))]
fn program(_: &Path, _: bool) -> Command {
    Command::new(CARHOP)
}

fn serve(folder: &Path, over_a_disk: bool) -> Child {
    let log = File::options().create(true).append(true).open(folder.join("serve.log")).unwrap();
    program(folder, over_a_disk)
        .args(["serve", "--config", "carhop.toml"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

fn config(folder: &Path, [public, devices]: [u16; 2]) -> String {
    let firmware: String = ["lock", "pump", "handset"]
        .map(|class| format!("{{ class = \"{class}\", digest = \"{FIRMWARE}\" }},"))
        .concat();
    format!(
        "data_dir = \"data\"\npublic_address = \"127.0.0.1:{public}\"\n\
         device_address = \"127.0.0.1:{devices}\"\nattestation_roots = [\"{}\"]\n\
         firmware = [{firmware}]\n[limits]\nrequests_per_second = 10000\n",
        folder.join("attester/root.der").display()
    )
}

/// The program under test.
pub const CARHOP: &str = env!("CARGO_BIN_EXE_carhop");
/// Stands for the SHA-256 of a firmware image.
pub const FIRMWARE: &str = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";
const LOOK_PAUSE: Duration = Duration::from_millis(100);
