//! The running interface asked what its committed description promises, by Schemathesis: requests made from
//! the description, sound and unsound, and answers held to it. How it is asked stands in `tests/schemathesis`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail, ensure};

use crate::commands::{root, run, target_folder};
use crate::tools::install_package;

/// Serves what a demo left in `data` and asks every operation about it.
pub fn ask(mut carhop: Command, data: &Path) -> anyhow::Result<()> {
    let schemathesis = schemathesis()?;
    let settings = target_folder()?.join("interface.toml");
    fs::write(&settings, format!("data_dir = {:?}\n{SETTINGS}", data.display().to_string()))?;
    carhop.arg("serve").arg("--config").arg(&settings);
    let server = Server::start(&mut carhop)?;
    let key = fs::read_to_string(data.join("admin.key"))?;
    let folder = root().join("tests/schemathesis");
    // It keeps what it found in the folder it is called in.
    run(Command::new(schemathesis)
        .current_dir(target_folder()?)
        .arg("--config-file")
        .arg(folder.join("schemathesis.toml"))
        .arg("run")
        .arg(root().join("docs/generated/openapi.json"))
        .env("CARHOP_HOOKS", folder.join("hooks.py"))
        .env("CARHOP_URL", &server.url)
        .env("CARHOP_KEY", key.trim())
        .env("CARHOP_CA", data.join("ca.pem"))
        .env("PYTHONDONTWRITEBYTECODE", "1"))
}

/// A server that ends when it is dropped.
struct Server {
    process: Child,
    url: String,
}

impl Server {
    fn start(carhop: &mut Command) -> anyhow::Result<Self> {
        let process = carhop.stdout(Stdio::piped()).spawn()?;
        let mut server = Self { process, url: String::new() };
        let output = server.process.stdout.take().context("the server has no output")?;
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let found = lines.find_map(|line| {
            line.trim().strip_prefix("people and partners").map(|url| url.trim().to_owned())
        });
        // Whatever else it says must find a reader.
        std::thread::spawn(move || lines.for_each(drop));
        server.url = found.context("the server does not say where it listens")?;
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended by itself needs no more.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The program, installed into the target folder when absent, in exactly the committed versions.
fn schemathesis() -> anyhow::Result<PathBuf> {
    let requirements = root().join("tests/schemathesis/requirements.txt");
    let wanted = fs::read_to_string(&requirements)?;
    let folder = target_folder()?.join("tools/schemathesis");
    let (program, installed) = (folder.join("bin/schemathesis"), folder.join("installed.txt"));
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(program);
    }
    println!("Schemathesis is not there yet: installing it");
    make_environment(&folder)?;
    run(Command::new(folder.join("bin/python"))
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(["--require-hashes", "--only-binary", ":all:", "--requirement"])
        .arg(&requirements))?;
    ensure!(program.is_file(), "pip has not installed {}", program.display());
    fs::write(installed, wanted)?;
    Ok(program)
}

/// An environment of Python; where the system has none to make it with, its package manager is asked.
fn make_environment(folder: &Path) -> anyhow::Result<()> {
    let make = || {
        let mut venv = Command::new("python3");
        run(venv.args(["-m", "venv", "--clear"]).arg(folder))
    };
    let Err(missing) = make() else { return Ok(()) };
    println!("no environment of Python can be made ({missing:#}): installing {PYTHON}");
    if install_package(PYTHON).is_err() {
        bail!(
            "Python 3.11 or newer with its module `venv` is missing; on Debian: apt-get install {PYTHON}"
        );
    }
    make()
}

const PYTHON: &str = "python3-venv";
/// Any free ports, and limits that no test reaches.
const SETTINGS: &str = r#"
public_address = "127.0.0.1:0"
device_address = "127.0.0.1:0"

[limits]
network_requests_per_second = 100000
requests_per_second = 100000
"#;
