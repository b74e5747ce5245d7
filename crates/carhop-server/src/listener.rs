//! Accepts TLS connections and hands their requests to the router, each with what is known of the peer.
//!
//! A connection costs a place among a bounded number; a peer that is slow to shake hands or to send its headers loses
//! it. On the signal to stop, requests under way are finished and nothing new is taken.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower::Service;

use crate::bell::told;
use crate::timers::{sleep, within};

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Its certificates (DER, leaf first), verified against the tenants' roots; empty on the public listener.
    pub certificates: Arc<[Vec<u8>]>,
}

/// Serves connections until told to stop, then finishes those under way.
pub async fn serve(
    listener: TcpListener,
    tls: TlsAcceptor,
    router: Router,
    connections_max: usize,
    mut stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(connections_max));
    let mut connections = JoinSet::new();
    loop {
        let place = tokio::select! {
            () = told(&mut stop) => break,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            () = told(&mut stop) => break,
            accepted = listener.accept() => accepted,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, address)) => {
                let connection = Connection { address, router: router.clone(), stop: stop.clone() };
                connections.spawn(connection.serve(stream, tls.clone(), place));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    if within(DRAIN_MAX, async { while connections.join_next().await.is_some() {} }).await.is_none()
    {
        tracing::warn!(left = connections.len(), "connections were cut off at the end");
    }
}

struct Connection {
    address: SocketAddr,
    router: Router,
    stop: watch::Receiver<bool>,
}

impl Connection {
    async fn serve(self, stream: TcpStream, tls: TlsAcceptor, place: OwnedSemaphorePermit) {
        // Small messages must not wait for each other.
        let _ = stream.set_nodelay(true);
        match within(HANDSHAKE_MAX, tls.accept(stream)).await {
            Some(Ok(stream)) => self.speak(stream).await,
            Some(Err(error)) => tracing::debug!(peer = %self.address, %error, "handshake failed"),
            None => tracing::debug!(peer = %self.address, "handshake took too long"),
        }
        drop(place);
    }

    async fn speak(mut self, stream: TlsStream<TcpStream>) {
        let builder = speaker(stream.get_ref().1.alpn_protocol() == Some(b"h2"));
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let certificates = certificates.iter().map(|one| one.to_vec()).collect();
        let peer = Peer { address: self.address, certificates };
        let router = self.router;
        let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer.clone());
            router.clone().call(request)
        });
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = told(&mut self.stop) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(peer = %self.address, error = %error, "connection ended badly");
        }
    }
}

/// What speaks on a connection. The handshake has settled the protocol: waiting to detect it would let a silent peer
/// keep its place for ever.
fn speaker(http2: bool) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(HEADERS_MAX);
    if http2 { builder.http2_only() } else { builder.http1_only() }
}

/// How long a handshake may take.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// How long the headers of a request may take.
const HEADERS_MAX: Duration = Duration::from_secs(10);
/// Requests at the same time on one HTTP/2 connection.
const STREAMS_MAX: u32 = 100;
/// How often an HTTP/2 peer is asked whether it is still there.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// How long requests under way may take at the end.
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// How long to wait when the system is out of sockets.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
