//! A running server: binds its listeners, starts everything, and ends it gracefully.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use carhop_app::ports::Clock;
use carhop_app::record::Partition;
use carhop_app::records::ApiScope;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::bell::told;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::places::Places;
use crate::server::{CA_FILE, Server, StartError};
use crate::timers::sleep;
use crate::tls::{self, ServerCertificate};
use crate::{api, background, listener};

/// A server that runs until it is stopped.
pub struct Running {
    public_address: SocketAddr,
    device_address: SocketAddr,
    ca_file: PathBuf,
    server: Arc<Server>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Running {
    /// Starts a server; ports of zero become free ones.
    pub async fn start(mut config: Config, clock: Arc<SystemClock>) -> Result<Self, StartError> {
        let (public, public_address) = bind("public_address", config.public_address).await?;
        let (devices, device_address) = bind("device_address", config.device_address).await?;
        let window = open_window(&mut config).await?;
        let (stop, stopped) = watch::channel(false);
        let addresses = [public_address, device_address];
        let server = Server::assemble(config, clock, addresses, stopped.clone())?;
        let server = Arc::new(server);
        let certificate = Arc::new(issue(&server)?);
        let public_tls = tls::public(Arc::clone(&certificate), Arc::clone(&server.clock))?;
        let device_tls =
            tls::devices(Arc::clone(&certificate), &server.keys, Arc::clone(&server.clock))?;
        server.begin().await?;

        let mut tasks = background::start(&server);
        let renewing = renew(Arc::clone(&server), Arc::clone(&certificate), stopped.clone());
        tasks.spawn(renewing);
        let router = api::router(&server);
        let mut listen = |listener, tls: Option<ServerConfig>| {
            let tls = tls.map(|tls| TlsAcceptor::from(Arc::new(tls)));
            let (router, stop) = (router.clone(), stopped.clone());
            let limits = &server.config.limits;
            let places = Places::new(limits.connections_max, limits.network_connections_max);
            tasks.spawn(listener::serve(listener, tls, router, places, stop));
        };
        listen(public, Some(public_tls));
        listen(devices, Some(device_tls));
        if let Some(window) = window {
            listen(window, None);
        }
        let ca_file = server.config.data_dir.join(CA_FILE);
        Ok(Self { public_address, device_address, ca_file, server, stop, tasks })
    }

    /// Where people, stores and partners connect.
    pub fn public_address(&self) -> SocketAddr {
        self.public_address
    }

    /// Where devices connect.
    pub fn device_address(&self) -> SocketAddr {
        self.device_address
    }

    /// The file with the tenants' root certificates (PEM).
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// A fresh API key with every scope of the first account, for whoever runs the server in its own process.
    pub async fn admin_key(&self, name: &str) -> Result<String, StartError> {
        self.admin_key_of(&self.server.partitions[0], name).await
    }

    /// A fresh API key with every scope of this account.
    pub async fn admin_key_of(
        &self,
        account: &Partition,
        name: &str,
    ) -> Result<String, StartError> {
        let call = self.server.system_call(account);
        let (_, key) = self.server.app.make_api_key(&call, name, &[ApiScope::Admin]).await?;
        Ok(key)
    }

    /// Notes in every log how far the clock is ahead now; a demo owes that each time it has skipped (`design.md` §9.6).
    pub(crate) async fn note_clock(&self) -> Result<(), StartError> {
        self.server.note_start().await
    }

    /// Takes nothing new, finishes what is under way, and ends.
    pub async fn stop(mut self) {
        // Whoever listens has ended already if this fails.
        let _ = self.stop.send(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

async fn bind(
    key: &'static str,
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let at = |error| StartError::setting(key, address, error);
    let listener = TcpListener::bind(address).await.map_err(at)?;
    let bound = listener.local_addr().map_err(at)?;
    Ok((listener, bound))
}

/// Listens at a demo's window; its port is known from then on.
async fn open_window(config: &mut Config) -> Result<Option<TcpListener>, StartError> {
    let Some(window) = &mut config.demo else { return Ok(None) };
    let (listener, address) = bind("demo", window.address).await?;
    window.address = address;
    Ok(Some(listener))
}

fn issue(server: &Server) -> Result<ServerCertificate, StartError> {
    let names: Vec<_> = server.config.server_names.iter().map(String::as_str).collect();
    let tenant = &server.partitions[0].tenant;
    Ok(ServerCertificate::issue(&server.keys, tenant, &names, &*server.clock)?)
}

/// Replaces the server's certificate long before it ends.
async fn renew(
    server: Arc<Server>,
    certificate: Arc<ServerCertificate>,
    mut stop: watch::Receiver<bool>,
) {
    let names: Vec<_> = server.config.server_names.iter().map(String::as_str).collect();
    let tenant = &server.partitions[0].tenant;
    let mut due_at = server.clock.now().plus_ms(RENEW_AFTER_MS);
    loop {
        tokio::select! {
            () = told(&mut stop) => return,
            () = sleep(RENEW_CHECK) => {}
        }
        if server.clock.now() < due_at {
            continue;
        }
        match certificate.renew(&server.keys, tenant, &names, &*server.clock) {
            Ok(()) => due_at = server.clock.now().plus_ms(RENEW_AFTER_MS),
            Err(error) => tracing::error!(%error, "the server certificate could not be renewed"),
        }
    }
}

/// Half the life of a server certificate.
const RENEW_AFTER_MS: u64 = carhop_proofs::pki::SERVER_LIFETIME_MS / 2;
const RENEW_CHECK: Duration = Duration::from_mins(1);
