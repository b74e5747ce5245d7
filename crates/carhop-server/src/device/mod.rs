//! `carhop device run`: a lock or a pump as a process of its own (M-ACT-1, M-DEV-1; design §6).
//!
//! It is the shell around `carhop_agent`: it owns the store, the connection and the hour, and moves a
//! simulated actuator. What a command is worth is judged by the agent alone.

pub(crate) mod attester;
pub(crate) mod authority;
pub(crate) mod fault;
pub(crate) mod hands;
mod line;
mod link;
mod metal;
mod renewal;
mod shell;
pub(crate) mod store;
pub(crate) mod tls;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use carhop_agent::Capability;
use carhop_kernel::device::DeviceClass;
use carhop_proofs::suite::RustCrypto;

use crate::cli::accepted;
use crate::timers;
use attester::SoftwareAttester;
use authority::Authority;
use fault::Fault;
use metal::Metal;
use shell::Shell;
use store::Store;

/// A lock or a pump, with a simulated actuator.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// What it is.
    #[arg(long, value_enum)]
    pub class: Class,
    /// The folder that holds its key, its certificate and its records.
    #[arg(long, value_name = "DIR")]
    pub store: PathBuf,
    /// Origin of the public listener, where devices enrol.
    #[arg(long, value_name = "URL", value_parser = accepted::origin)]
    pub server: String,
    /// Origin of the mutual-TLS listener, `wss://host:port`.
    #[arg(long, value_name = "URL", value_parser = accepted::gateway)]
    pub gateway: String,
    /// The authority's root certificate, PEM. No other root is trusted.
    #[arg(long, value_name = "FILE")]
    pub ca: PathBuf,
    /// The one-time ticket to enrol with; not needed once enrolled.
    #[arg(long)]
    pub ticket: Option<String>,
    /// The folder of a software attester: `attester.key` and `attester.crt`, DER.
    #[arg(long, value_name = "DIR")]
    pub attester: Option<PathBuf>,
    /// SHA-256 of the firmware it says it runs, in hexadecimal digits.
    #[arg(long, value_name = "HEX", value_parser = accepted::firmware)]
    pub firmware: Option<String>,
    /// What is wrong with it, or with its line.
    #[arg(long, value_enum)]
    pub fault: Option<Fault>,
    /// Reads what simulated hands do from standard input, and leaves when it ends.
    #[arg(long)]
    pub hands: bool,
}

/// What a simulated device can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Class {
    /// The lock of a trunk.
    Lock,
    /// A fuel pump.
    Pump,
}

impl Class {
    pub(crate) const fn device_class(self) -> DeviceClass {
        match self {
            Self::Lock => DeviceClass::Lock,
            Self::Pump => DeviceClass::Pump,
        }
    }

    /// Everything a simulated actuator can do.
    fn capability(self) -> Capability {
        match self {
            Self::Lock => Capability::Lock { compartments: vec![1, 2, 3, 4] },
            Self::Pump => Capability::Pump {
                grades: vec![1, 2, 3, 4],
                max_ml: PUMP_ML_MAX,
                flow_ml_per_s_max: FLOW_ML_PER_S_MAX,
            },
        }
    }
}

/// Runs the device until its hands let go or the authority has taken it out of service.
pub async fn run(args: Args) -> Result<ExitCode> {
    let ca = std::fs::read(&args.ca).with_context(|| format!("reading {}", args.ca.display()))?;
    let roots = tls::roots_from_pem(&ca)?;
    let attester = match (&args.attester, &args.firmware) {
        (Some(folder), Some(firmware)) => Some(SoftwareAttester::load(folder, firmware)?),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            anyhow::bail!("`--attester` and `--firmware` go together")
        }
    };
    let mut store = Store::open(&args.store)?;
    let authority = Authority::new(&args.server, &args.gateway, roots)?;
    if store.identity().is_none() {
        let ticket = args.ticket.as_deref().context("not enrolled yet: `--ticket` is needed")?;
        let enrolling = Box::pin(authority.enrol(store.key(), ticket, args.class.device_class()));
        let enrolled = timers::within(ENROLMENT_PATIENCE, enrolling).await;
        let identity = enrolled.context("enrolling: nobody answers")??;
        store.keep_identity(identity)?;
    }
    let metal = Metal::at_rest(args.class, store.actuator()?);
    let shell = Shell::new(RustCrypto, store, metal, authority, attester, args.class)?;
    let shell = match args.fault {
        Some(fault) => shell.with_fault(fault),
        None => shell,
    };
    shell.run(args.hands).await
}

/// How long the answer to an enrolment may take.
const ENROLMENT_PATIENCE: Duration = Duration::from_mins(1);
/// Most that a simulated pump gives at once, in millilitres.
const PUMP_ML_MAX: u32 = 200_000;
/// Fastest that a simulated pump gives, as a demonstration speeds it up, in millilitres a second. What its meter leaps over in
/// addition is not believed.
pub(crate) const FLOW_ML_PER_S_MAX: u32 = 30_000;
