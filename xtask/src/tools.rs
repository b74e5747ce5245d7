//! Tools that cargo does not bring. They are built once into the target folder, in the version
//! named here, so that a machine needs no preparation and no other project is touched; what must
//! come from the system is installed by its package manager.

use std::env::consts::EXE_EXTENSION;
use std::process::Command;

use crate::commands::{cargo, root, run, target_folder};

/// `cargo-deny`, built when absent: 80 seconds on two cores without its network code and without
/// optimisation, which it does not need to read one lock file.
pub fn cargo_deny() -> anyhow::Result<Command> {
    let folder = target_folder()?.join("tools").join(CARGO_DENY);
    let program = folder.join("bin/cargo-deny").with_extension(EXE_EXTENSION);
    if !program.exists() {
        println!("{CARGO_DENY} is not there yet: building it");
        let mut install = cargo("install --locked --debug --no-default-features");
        run(install
            .args(["--config", "profile.dev.debug=false", CARGO_DENY, "--root"])
            .arg(folder))?;
    }
    let mut command = Command::new(program);
    command.current_dir(root());
    Ok(command)
}

/// Has the system's package manager install something, as far as it may. A machine that has just been set up does not
/// know yet what there is.
pub fn install_package(name: &str) -> anyhow::Result<()> {
    let install = || apt(&["install", "--yes", "--no-install-recommends", name]);
    install().or_else(|_| {
        apt(&["update"])?;
        install()
    })
}

fn apt(arguments: &[&str]) -> anyhow::Result<()> {
    let mut with_sudo = Command::new("sudo");
    with_sudo.args(["--non-interactive", "apt-get"]);
    run(Command::new("apt-get").args(arguments)).or_else(|_| run(with_sudo.args(arguments)))
}

const CARGO_DENY: &str = "cargo-deny@0.20.2";
