//! The wiring: everything a running server is made of, put together once.
//!
//! Nothing is decided here; handlers and background tasks hold an `Arc` of this.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use carhop_app::ports::{Clock, Journal};
use carhop_app::record::Partition;
use carhop_app::records::ApiScope;
use carhop_app::{App, Call, Failure, Keyring, Parts, Settings};
use carhop_devices::presence::Registry;
use carhop_journal::{OpenError, SqliteJournal};
use carhop_kernel::actor::Actor;
use carhop_kernel::id::{RequestId, TenantId};
use carhop_policy::{Bundle, BundleError};
use carhop_proofs::suite::{AwsLc, SigningKey};
use carhop_proofs::webauthn::RelyingParty;
use tokio::sync::watch;

use crate::bell::Doorbell;
use crate::clock::SystemClock;
use crate::config::{Config, ConfigError};
use crate::entropy::{SystemEntropy, random};
use crate::http::dpop::Proofs;
use crate::http::lanes::{Activations, Lanes};
use crate::http::limit::Budgets;
use crate::http::streams::Streams;
use crate::keys::{KeyStore, KeyStoreError, pem};
use crate::measured::Measured;
use crate::metrics::Metrics;
use crate::notary::FileNotary;
use crate::private;

/// A server, running or about to.
pub(crate) struct Server {
    pub(crate) app: App,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) config: Config,
    pub(crate) partitions: Vec<Partition>,
    pub(crate) origins: Vec<String>,
    /// Whom passkeys are for; nobody where no origin has a domain name.
    pub(crate) relying_party: Option<RelyingParty>,
    pub(crate) keys: Arc<KeyStore>,
    pub(crate) notary: Arc<FileNotary>,
    pub(crate) clock: Arc<SystemClock>,
    pub(crate) bell: Arc<Doorbell>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) proofs: Proofs,
    pub(crate) budgets: Budgets,
    pub(crate) lanes: Lanes,
    pub(crate) streams: Arc<Streams>,
    pub(crate) activations: Activations,
    pub(crate) metrics: Arc<Metrics>,
    /// Says when to stop; whoever waits for something ends then.
    pub(crate) stopping: watch::Receiver<bool>,
    /// The data directory is this server's alone while it is open.
    _held: private::Held,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings are not usable.
    #[error("the settings are not usable")]
    Config(#[from] ConfigError),
    /// The secrets are not usable.
    #[error("the keys are not usable")]
    Keys(#[from] KeyStoreError),
    /// The journal could not be opened.
    #[error("the journal cannot be opened")]
    Journal(#[from] OpenError),
    /// The policies are not usable.
    #[error("the policies are not usable")]
    Policies(#[from] BundleError),
    /// TLS could not be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] crate::tls::TlsError),
    /// What a setting names could not be opened.
    #[error("`{key}`: `{value}` cannot be opened")]
    Setting {
        /// Which setting.
        key: &'static str,
        /// What it names.
        value: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The first entries could not be written.
    #[error("the first entries cannot be written")]
    First(#[from] Failure),
}

impl StartError {
    /// What a setting names could not be opened.
    pub(crate) fn setting(
        key: &'static str,
        value: impl std::fmt::Display,
        source: std::io::Error,
    ) -> Self {
        Self::Setting { key, value: value.to_string(), source }
    }
}

impl Server {
    /// Puts a server together that will be reached at these addresses.
    pub(crate) fn assemble(
        config: Config,
        clock: Arc<SystemClock>,
        addresses: [SocketAddr; 2],
        stopping: watch::Receiver<bool>,
    ) -> Result<Self, StartError> {
        config.check()?;
        let partitions = config.partitions()?;
        let held = hold(&config.data_dir)
            .map_err(|error| StartError::setting("data_dir", config.data_dir.display(), error))?;
        let (policies, settings) = (policies(config.policies.as_deref())?, settings(&config)?);
        let tenants = partitions.iter().map(|partition| &partition.tenant);
        let keys = Arc::new(KeyStore::open(&config.data_dir, tenants, clock.now())?);
        let notary = FileNotary::open(&config.data_dir, &partitions, &config.issuer)?;
        let metrics = Arc::new(Metrics::default());
        let journal = SqliteJournal::open(private_journal(&config.data_dir)?)?;
        let journal: Arc<dyn Journal> = Arc::new(Measured::new(journal, Arc::clone(&metrics)));
        let (bell, registry) = (Arc::<Doorbell>::default(), Arc::<Registry>::default());
        let app = App::new(Parts {
            journal: Arc::clone(&journal),
            carrier: Arc::clone(&registry) as _,
            certifier: Arc::clone(&keys) as _,
            clock: Arc::clone(&clock) as _,
            entropy: Arc::new(SystemEntropy),
            bell: Arc::clone(&bell) as _,
            suite: Arc::new(AwsLc),
            policies: Arc::new(policies),
            keyring: Keyring::new(keys.master()),
            settings,
        });
        let origins = origins(&config, addresses);
        Ok(Self {
            app,
            journal,
            relying_party: relying_party(&origins),
            origins,
            activations: Activations::of(&partitions),
            partitions,
            // Fresh at each start: the proofs seen before it are forgotten, so their nonces must be too.
            proofs: Proofs::new(random()),
            budgets: Budgets::new(&config.limits, &clock),
            lanes: Lanes::new(&config.limits),
            streams: Arc::default(),
            config,
            keys,
            notary: Arc::new(notary),
            clock,
            bell,
            registry,
            metrics,
            stopping,
            _held: held,
        })
    }

    /// Notes the start in every log, leaves the root certificate for clients and, where none is in force, an
    /// administrator's key for the operator.
    pub(crate) async fn begin(&self) -> Result<(), StartError> {
        let roots: String = self.keys.roots().map(|root| pem("CERTIFICATE", root)).collect();
        self.leave(CA_FILE, roots.as_bytes())?;
        self.note_start().await?;
        for partition in &self.partitions {
            if let Err(error) = self.app.can_decide(partition).await {
                let (tenant, market) = (&partition.tenant, &partition.market);
                tracing::error!(%tenant, %market, %error, "nothing is decided until policies are activated that fit");
            }
        }
        let account = &self.partitions[0];
        if !self.app.has_administrator(account).await? {
            let call = self.system_call(account);
            let (_, key) =
                self.app.make_api_key(&call, "first administrator", &[ApiScope::Admin]).await?;
            self.leave(ADMIN_KEY_FILE, key.as_bytes())?;
        }
        Ok(())
    }

    /// Leaves a file for the operator in the data directory.
    fn leave(&self, name: &str, bytes: &[u8]) -> Result<(), StartError> {
        let path = self.config.data_dir.join(name);
        private::write(&path, bytes)
            .map_err(|error| StartError::setting("data_dir", path.display(), error))
    }

    /// The epoch of trust that devices are told; they refuse commands of an older one.
    pub(crate) async fn trust_epoch(&self, partition: &Partition) -> Result<u64, Failure> {
        Ok(self.app.view_tenant(partition).await?.trust_epoch)
    }

    /// The key that signs a tenant's commands and time replies.
    pub(crate) fn command_key(&self, tenant: &TenantId) -> Result<SigningKey, Failure> {
        Keyring::new(self.keys.master())
            .command_key(&AwsLc, tenant)
            .map_err(|_| Failure::Internal("a command key that is none"))
    }

    /// Notes in every log by what the server judges, and how far its clock is ahead.
    pub(crate) async fn note_start(&self) -> Result<(), StartError> {
        for partition in &self.partitions {
            let offset_ms = self.clock.offset_ms();
            self.app.note_start(partition, env!("CARGO_PKG_VERSION"), offset_ms).await?;
        }
        Ok(())
    }

    /// A call by the server itself.
    pub(crate) fn system_call(&self, partition: &Partition) -> Call {
        Call {
            partition: partition.clone(),
            actor: Actor::System,
            key: None,
            stop: None,
            mutual_tls: false,
            request: RequestId::generate(self.clock.now(), random()),
            idempotency: None,
            standing: None,
        }
    }
}

/// Holds a data directory, made if it is missing, against every other process that would change it.
pub(crate) fn hold(data_dir: &Path) -> io::Result<private::Held> {
    private::folder(data_dir)?;
    private::hold(&data_dir.join(LOCK_FILE))
}

/// The journal's file, made so that only its owner reads it: SQLite gives the files beside it the same mode.
fn private_journal(data_dir: &Path) -> Result<PathBuf, StartError> {
    let path = data_dir.join(JOURNAL_FILE);
    let kept = private::keep(&path);
    kept.map_err(|error| StartError::setting("data_dir", path.display(), error))?;
    Ok(path)
}

/// Whether everything that the settings name is there and can be used. Nothing is made.
pub(crate) fn check_files(config: &Config) -> Result<(), StartError> {
    policies(config.policies.as_deref())?;
    settings(config).map(drop)
}

/// The policies of a folder, or the shipped ones.
pub(crate) fn policies(folder: Option<&Path>) -> Result<Bundle, StartError> {
    let Some(folder) = folder else { return Ok(Bundle::embedded()?) };
    let at = |error| StartError::setting("policies", folder.display(), error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(at)? {
        let path = entry.map_err(at)?.path();
        if path.is_file() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, std::fs::read_to_string(&path).map_err(at)?));
        }
    }
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let bundle = Bundle::load(&files)?;
    for departure in bundle.departures()? {
        tracing::warn!(departure, "the policies depart from a shipped requirement");
    }
    Ok(bundle)
}

fn settings(config: &Config) -> Result<Settings, StartError> {
    let mut attestation_roots = Vec::with_capacity(config.attestation_roots.len());
    for path in &config.attestation_roots {
        let at = |error| StartError::setting("attestation_roots", path.display(), error);
        let root = std::fs::read(path).map_err(at)?;
        let no_root = || at(std::io::Error::other("not a certificate in DER of a key for ES256"));
        carhop_proofs::pki::certified_key(&root).ok_or_else(no_root)?;
        attestation_roots.push(root);
    }
    Ok(Settings {
        issuer: config.issuer.clone(),
        attestation_roots,
        firmware: config.firmware.iter().map(|one| (one.class, one.digest)).collect(),
    })
}

fn origins(config: &Config, addresses: [SocketAddr; 2]) -> Vec<String> {
    if !config.origins.is_empty() {
        return config.origins.clone();
    }
    let of = |address: SocketAddr| {
        config.server_names.iter().map(move |name| format!("https://{name}:{}", address.port()))
    };
    let window = config.demo.map(|window| format!("http://localhost:{}", window.address.port()));
    window.into_iter().chain(addresses.into_iter().flat_map(of)).collect()
}

/// The first domain among the origins, with every origin that it has. Passkeys are bound to a domain; an address is none.
fn relying_party(origins: &[String]) -> Option<RelyingParty> {
    let domain = |origin: &String| {
        let (_, authority) = origin.split_once("://")?;
        let host = authority.split(':').next()?;
        let is_address = host.starts_with('[') || host.parse::<IpAddr>().is_ok();
        (!is_address && !host.is_empty()).then(|| host.to_owned())
    };
    let id = origins.iter().find_map(domain)?;
    let own = origins.iter().filter(|origin| domain(origin).as_ref() == Some(&id));
    Some(RelyingParty { origins: own.cloned().collect(), id })
}

/// The journal in the data directory.
pub(crate) const JOURNAL_FILE: &str = "journal.sqlite";
/// What a server holds while it runs.
const LOCK_FILE: &str = "lock";
/// The tenants' root certificates (PEM), for clients to trust.
pub const CA_FILE: &str = "ca.pem";
/// The administrator's API key that the first start makes.
pub const ADMIN_KEY_FILE: &str = "admin.key";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_are_for_the_first_domain_and_for_no_address() {
        for (origins, id, own) in [
            (&["https://127.0.0.1:8443", "https://localhost:8443"][..], Some("localhost"), 1),
            (
                &["https://carhop.example", "https://carhop.example:8444", "https://other.example"],
                Some("carhop.example"),
                2,
            ),
            (&["http://localhost:1", "https://localhost:2"], Some("localhost"), 2),
            (&["https://[::1]:8443", "https://192.0.2.1"], None, 0),
            (&[], None, 0),
        ] {
            let origins: Vec<_> = origins.iter().map(|origin| (*origin).to_owned()).collect();
            let found = relying_party(&origins);
            assert_eq!(found.as_ref().map(|place| place.id.as_str()), id);
            assert_eq!(found.map_or(0, |place| place.origins.len()), own);
        }
    }
}
