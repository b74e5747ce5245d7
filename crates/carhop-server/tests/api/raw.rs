//! Requests as no client library would send them, over TLS by hand: none gets past authentication, reaches another
//! resource than it names, or harms the server (M-THR).

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::world::{By, World};

/// Sends these bytes as one connection's whole input; the status of the answer, or 0 if there was none.
async fn status(world: &World, bytes: &[u8]) -> u16 {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(world.running.ca_file()).unwrap() {
        roots.add(root.unwrap()).unwrap();
    }
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(world.running.public_address()).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    // Whoever is refused early may find the connection closed while it still sends.
    let _ = stream.write_all(bytes).await;
    let _ = stream.flush().await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let text = String::from_utf8_lossy(&answer);
    text.strip_prefix("HTTP/1.1 ").map_or(0, |rest| rest[..3].parse().unwrap())
}

/// A request with these lines after the first, with the administrator's key where a line says `KEY`.
async fn ask(world: &World, first: &str, lines: &[&str], body: &str) -> u16 {
    let key = format!("Authorization: Bearer {}", world.admin);
    let mut text = format!("{first}\r\nConnection: close\r\n");
    for line in lines {
        text.push_str(if *line == "KEY" { &key } else { line });
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    text.push_str(body);
    status(world, text.as_bytes()).await
}

const HOST: &str = "Host: localhost";
const LIST: &str = "GET /v1/sessions HTTP/1.1";

#[tokio::test]
async fn a_request_that_two_readers_could_read_differently_is_refused() {
    let world = World::start().await;
    let post = "POST /v1/api-keys HTTP/1.1";
    let json = "Content-Type: application/json";
    let chunked = "Transfer-Encoding: chunked";
    let large = format!("X-Large: {}", "x".repeat(70_000));
    let cases: [(&str, &[&str], &str, u16); 18] = [
        (LIST, &[HOST, "KEY"], "", 200),
        (LIST, &["KEY"], "", 400),
        (LIST, &[HOST, HOST, "KEY"], "", 400),
        (LIST, &[HOST, "Host: evil.example", "KEY"], "", 400),
        (LIST, &[HOST, "KEY", "KEY"], "", 400),
        (LIST, &[HOST, "KEY", "Authorization: Bearer x"], "", 400),
        (LIST, &[HOST, "Authorization: Bearer x", "KEY"], "", 400),
        (
            LIST,
            &[HOST, "KEY", "Carhop-Account: acme/san-jose", "Carhop-Account: other/oslo"],
            "",
            400,
        ),
        (LIST, &[HOST, "KEY", " folded: x"], "", 400),
        (LIST, &[HOST, "KEY", "X-Space : x"], "", 400),
        (LIST, &[HOST, "KEY", &large], "", 431),
        (post, &[HOST, "KEY", json, "Content-Length: 2", "Content-Length: 3"], "{}", 400),
        (post, &[HOST, "KEY", json, "Content-Length: +2"], "{}", 400),
        (post, &[HOST, "KEY", json, "Content-Length: 2, 2"], "{}", 400),
        (post, &[HOST, "KEY", json, "Content-Length: 2", chunked], "2\r\n{}\r\n0\r\n\r\n", 400),
        (post, &[HOST, "KEY", json, chunked, chunked], "2\r\n{}\r\n0\r\n\r\n", 400),
        (post, &[HOST, "KEY", json, "Transfer-Encoding: chunked, identity"], "", 400),
        (post, &[HOST, "KEY", json, chunked], "-2\r\n{}\r\n0\r\n\r\n", 400),
    ];
    for (first, lines, body, expected) in cases {
        let found = ask(&world, first, lines, body).await;
        let shown: Vec<_> = lines.iter().map(|line| &line[..line.len().min(40)]).collect();
        assert_eq!(found, expected, "{first} {shown:?}");
    }
    let many: Vec<_> = (0..200).map(|count| format!("X-{count}: x")).collect();
    let many: Vec<_> = [HOST, "KEY"].into_iter().chain(many.iter().map(String::as_str)).collect();
    assert_eq!(ask(&world, LIST, &many, "").await, 431);
    world.stop().await;
}

#[tokio::test]
async fn a_path_names_what_it_says_and_nothing_else() {
    let world = World::start().await;
    for (path, expected) in [
        ("/v1/sessions?limit=1", 200),
        ("/v1%2Fsessions", 404),
        ("/v1/%73essions", 404),
        ("/v1/sessions/", 404),
        ("/v1/sessions.", 404),
        ("/v1/sessions;a=b", 404),
        ("/v1/sessions%00", 404),
        ("/v1/./sessions", 404),
        ("/v1/x/../sessions", 404),
        ("/v1/x/%2e%2e/sessions", 404),
        ("//v1/sessions", 404),
        ("/v1//sessions", 404),
        ("/V1/SESSIONS", 404),
        ("/v1/sessions/..%2f..%2fmetrics", 404),
        ("/v1/venues/..%2flot", 404),
        ("/v1/venues/%ff", 404),
        ("/problems/%3Cscript%3E", 404),
        ("https://localhost/v1/sessions", 200),
        ("https://evil.example/v1/sessions", 400),
    ] {
        let found = ask(&world, &format!("GET {path} HTTP/1.1"), &[HOST, "KEY"], "").await;
        assert_eq!(found, expected, "{path}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_method_is_the_one_of_the_first_line() {
    let world = World::start().await;
    for (first, lines, expected) in [
        (LIST, ["X-HTTP-Method-Override: DELETE", "X-Method-Override: POST"], 200),
        ("POST /v1/sessions?_method=GET HTTP/1.1", ["Content-Length: 0", "X-Method: GET"], 405),
        ("TRACE /v1/sessions HTTP/1.1", ["X-A: a", "X-B: b"], 405),
        ("get /v1/sessions HTTP/1.1", ["X-A: a", "X-B: b"], 405),
        ("CONNECT localhost:443 HTTP/1.1", ["X-A: a", "X-B: b"], 400),
        ("GET  /v1/sessions HTTP/1.1", ["X-A: a", "X-B: b"], 400),
        ("GET /v1/sessions HTTP/9.9", ["X-A: a", "X-B: b"], 400),
        ("GET\t/v1/sessions\tHTTP/1.1", ["X-A: a", "X-B: b"], 400),
    ] {
        let lines = [HOST, "KEY", lines[0], lines[1]];
        assert_eq!(ask(&world, first, &lines, "").await, expected, "{first}");
    }
    world.stop().await;
}

#[tokio::test]
async fn what_is_no_request_harms_nothing() {
    let world = World::start().await;
    for bytes in [&b"\0\0\0\0\r\n\r\n"[..], b"x\r\n\r\n", b"GET / HTTP/1.1\r\n\0: x\r\n\r\n"] {
        let found = status(&world, bytes).await;
        assert!(found == 0 || found == 400, "{found}: {bytes:?}");
    }
    world.ask(By::Key(&world.admin), "GET", "/v1/sessions", None).await.expect(200);
    world.stop().await;
}
