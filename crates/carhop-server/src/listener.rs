//! Accepts connections and hands their requests to the router, each with what is known of the peer. All are over TLS but
//! those to a demo's window on its own machine.
//!
//! A connection costs a place among a bounded number; a peer that is slow to shake hands or to send its headers, or that
//! asks nothing, loses it. On the signal to stop, requests under way are finished and nothing new is taken.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower::Service;

use crate::activity::Activity;
use crate::bell::told;
use crate::places::{Place, Places};
use crate::timers::{sleep, within};

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// Its address.
    pub(crate) address: SocketAddr,
    /// Its certificates (DER, leaf first), verified against the tenants' roots; empty on the public listener.
    pub(crate) certificates: Arc<[Vec<u8>]>,
    /// Its place, kept by whoever still speaks on the connection.
    pub(crate) place: Arc<Place>,
}

/// Serves connections until told to stop, then finishes those under way.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    places: Arc<Places>,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        let place = tokio::select! {
            () = told(&mut stop) => break,
            place = places.one() => place,
        };
        let Some(place) = place else { break };
        let accepted = tokio::select! {
            () = told(&mut stop) => break,
            accepted = listener.accept() => accepted,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, address)) => {
                let Some(place) = places.give(place, address.ip()) else {
                    tracing::debug!(peer = %address, "its network has as many connections as it may");
                    continue;
                };
                let (router, stop) = (router.clone(), stop.clone());
                let connection = Connection { address, place: Arc::new(place), router, stop };
                connections.spawn(connection.serve(stream, tls.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    // What was upgraded to a WebSocket has left its task but keeps its place.
    let ended = async {
        while connections.join_next().await.is_some() {}
        places.all_free().await;
    };
    if within(DRAIN_MAX, ended).await.is_none() {
        tracing::warn!("connections were cut off at the end");
    }
}

struct Connection {
    address: SocketAddr,
    place: Arc<Place>,
    router: Router,
    stop: watch::Receiver<bool>,
}

impl Connection {
    async fn serve(self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        // Small messages must not wait for each other.
        let _ = stream.set_nodelay(true);
        let Some(tls) = tls else { return self.speak(stream, false, Arc::default()).await };
        match within(HANDSHAKE_MAX, tls.accept(stream)).await {
            Some(Ok(stream)) => self.speak_over_tls(stream).await,
            Some(Err(error)) => tracing::debug!(peer = %self.address, %error, "handshake failed"),
            None => tracing::debug!(peer = %self.address, "handshake took too long"),
        }
    }

    async fn speak_over_tls(self, stream: TlsStream<TcpStream>) {
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let certificates = certificates.iter().map(|one| one.to_vec()).collect();
        self.speak(stream, http2, certificates).await;
    }

    async fn speak<S>(mut self, stream: S, http2: bool, certificates: Arc<[Vec<u8>]>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let builder = speaker(http2);
        let peer = Peer { address: self.address, certificates, place: self.place };
        let (router, activity) = (self.router, Arc::<Activity>::default());
        let asked = Arc::clone(&activity);
        let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer.clone());
            let answer = router.clone().call(request);
            Activity::during(Arc::clone(&asked), answer)
        });
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        tokio::pin!(connection);
        let over = async {
            tokio::select! {
                () = told(&mut self.stop) => {}
                () = activity.idle() => {}
            }
        };
        let ended = tokio::select! {
            ended = connection.as_mut() => Some(ended),
            () = over => {
                connection.as_mut().graceful_shutdown();
                within(DRAIN_MAX, connection).await
            }
        };
        match ended {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                tracing::debug!(peer = %self.address, error = %error, "connection ended badly");
            }
            None => tracing::debug!(peer = %self.address, "connection was cut off"),
        }
    }
}

/// What speaks on a connection. The handshake has settled the protocol: waiting to detect it would let a silent peer
/// keep its place for ever.
fn speaker(http2: bool) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_MAX)
        .max_buf_size(HEADER_BYTES_MAX)
        .max_headers(HEADERS_COUNT_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADER_LIST_BYTES_MAX)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(HEADERS_MAX);
    if http2 { builder.http2_only() } else { builder.http1_only() }
}

/// How long a handshake may take.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// How long the headers of a request may take.
const HEADERS_MAX: Duration = Duration::from_secs(10);
/// Bytes that the headers of an HTTP/1.1 request may have; also the buffer that bodies are read through.
const HEADER_BYTES_MAX: usize = 64 * 1024;
/// Headers of an HTTP/1.1 request.
const HEADERS_COUNT_MAX: usize = 100;
/// Bytes that the headers of an HTTP/2 request may have, as RFC 9113 §10.5.1 counts them.
const HEADER_LIST_BYTES_MAX: u32 = 64 * 1024;
/// Requests at the same time on one HTTP/2 connection.
const STREAMS_MAX: u32 = 100;
/// How often an HTTP/2 peer is asked whether it is still there.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// How long requests under way may take at the end.
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// How long to wait when the system is out of sockets.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
