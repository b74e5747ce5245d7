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

/// Sends these bytes as one connection's whole input; status and code of the answer. What cannot be read as a request
/// at all gets a bare status and no code, or nothing but a closed connection.
async fn said(world: &World, bytes: &[u8]) -> String {
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
    let Some(rest) = text.strip_prefix("HTTP/1.1 ") else { return "closed".to_owned() };
    let code = text.split_once("\"code\":\"").and_then(|(_, rest)| rest.split('"').next());
    let parts = std::iter::once(&rest[..3]).chain(code);
    parts.collect::<Vec<_>>().join(" ")
}

/// A request with these lines after the first, with the administrator's key where a line says `KEY`.
async fn ask(world: &World, first: &str, lines: &[&str], body: &str) -> String {
    let key = format!("Authorization: Bearer {}", world.admin);
    let mut text = format!("{first}\r\nConnection: close\r\n");
    for line in lines {
        text.push_str(if *line == "KEY" { &key } else { line });
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    text.push_str(body);
    said(world, text.as_bytes()).await
}

/// What is wrong with the answer to a row of a table, if anything is.
fn differs(what: impl std::fmt::Display, found: &str, expected: &str) -> Option<String> {
    (found != expected).then(|| format!("{what}: {found}, not {expected}"))
}

const HOST: &str = "Host: localhost";
/// Refused by the reader of HTTP, before there is a request that could have a problem.
const UNREADABLE: &str = "400";
const INVALID: &str = "400 invalid_request";
const CODED: &str = "415 unsupported_media_type";
const NOT_FOUND: &str = "404 not_found";
const NOT_ALLOWED: &str = "405 method_not_allowed";
const LIST: &str = "GET /v1/sessions HTTP/1.1";

#[tokio::test]
async fn a_request_that_two_readers_could_read_differently_is_refused() {
    let (world, mut wrong) = (World::start().await, Vec::new());
    let post = "POST /v1/api-keys HTTP/1.1";
    let json = "Content-Type: application/json";
    let chunked = "Transfer-Encoding: chunked";
    let megabyte = format!("Authorization: Bearer {}", "x".repeat(1_000_000));
    let large = format!("X-Large: {}", "x".repeat(70_000));
    let cases: [(&str, &[&str], &str, &str); 25] = [
        (LIST, &[HOST, "KEY"], "", "200"),
        (LIST, &["KEY"], "", INVALID),
        (LIST, &[HOST, HOST, "KEY"], "", INVALID),
        (LIST, &[HOST, "Host: evil.example", "KEY"], "", INVALID),
        (LIST, &[HOST, "KEY", "KEY"], "", INVALID),
        (LIST, &[HOST, "KEY", "Authorization: Bearer x"], "", INVALID),
        (LIST, &[HOST, "Authorization: Bearer x", "KEY"], "", INVALID),
        (
            LIST,
            &[HOST, "KEY", "Carhop-Account: acme/san-jose", "Carhop-Account: other/oslo"],
            "",
            INVALID,
        ),
        (LIST, &[HOST, "KEY", " folded: x"], "", UNREADABLE),
        (LIST, &[HOST, "KEY", "X-Space : x"], "", UNREADABLE),
        (LIST, &[HOST, "KEY", &large], "", "431"),
        (LIST, &[HOST, &megabyte], "", "431"),
        (LIST, &[HOST, "KEY", "DPoP: x", "DPoP: y"], "", INVALID),
        (LIST, &[HOST, "KEY", "Carhop-Token: x", "Carhop-Token: y"], "", INVALID),
        (LIST, &["Host: evil.example", "KEY"], "", "200"),
        (post, &[HOST, "KEY", json, "Content-Length: 2", "Content-Length: 3"], "{}", UNREADABLE),
        (post, &[HOST, "KEY", json, "Content-Length: +2"], "{}", UNREADABLE),
        (post, &[HOST, "KEY", json, "Content-Length: 2, 2"], "{}", UNREADABLE),
        (post, &[HOST, "KEY", json, "Content-Length: 2", chunked], "2\r\n{}\r\n0\r\n\r\n", INVALID),
        (post, &[HOST, "KEY", json, chunked, chunked], "2\r\n{}\r\n0\r\n\r\n", INVALID),
        (post, &[HOST, "KEY", json, "Transfer-Encoding: chunked, identity"], "", UNREADABLE),
        (
            post,
            &[HOST, "KEY", json, "Transfer-Encoding: gzip, chunked"],
            "2\r\n{}\r\n0\r\n\r\n",
            CODED,
        ),
        (post, &[HOST, "KEY", json, "Content-Encoding: gzip", "Content-Length: 2"], "{}", CODED),
        (
            post,
            &[HOST, "KEY", json, "Content-Encoding: identity", "Content-Length: 2"],
            "{}",
            INVALID,
        ),
        (post, &[HOST, "KEY", json, chunked], "-2\r\n{}\r\n0\r\n\r\n", INVALID),
    ];
    for (first, lines, body, expected) in cases {
        let found = ask(&world, first, lines, body).await;
        let shown: Vec<_> = lines.iter().map(|line| &line[..line.len().min(40)]).collect();
        wrong.extend(differs(format!("{first} {shown:?}"), &found, expected));
    }
    let many: Vec<_> = (0..200).map(|count| format!("X-{count}: x")).collect();
    let many: Vec<_> = [HOST, "KEY"].into_iter().chain(many.iter().map(String::as_str)).collect();
    assert_eq!(ask(&world, LIST, &many, "").await, "431");
    assert_eq!(wrong, [""; 0]);
    world.stop().await;
}

#[tokio::test]
async fn a_path_names_what_it_says_and_nothing_else() {
    let (world, mut wrong) = (World::start().await, Vec::new());
    for (path, expected) in [
        ("/v1/sessions?limit=1", "200"),
        ("/v1%2Fsessions", NOT_FOUND),
        ("/v1/%73essions", NOT_FOUND),
        ("/v1/sessions/", NOT_FOUND),
        ("/v1/sessions.", NOT_FOUND),
        ("/v1/sessions;a=b", NOT_FOUND),
        ("/v1/sessions%00", NOT_FOUND),
        ("/v1/./sessions", NOT_FOUND),
        ("/v1/x/../sessions", NOT_FOUND),
        ("/v1/x/%2e%2e/sessions", NOT_FOUND),
        ("//v1/sessions", NOT_FOUND),
        ("/v1//sessions", NOT_FOUND),
        ("/V1/SESSIONS", NOT_FOUND),
        ("/v1/sessions/..%2f..%2fmetrics", NOT_FOUND),
        ("/v1/venues/..%2flot", NOT_FOUND),
        ("/v1/venues/%ff", NOT_FOUND),
        ("/problems/%3Cscript%3E", NOT_FOUND),
        ("https://localhost/v1/sessions", "200"),
        ("https://evil.example/v1/sessions", INVALID),
    ] {
        let found = ask(&world, &format!("GET {path} HTTP/1.1"), &[HOST, "KEY"], "").await;
        wrong.extend(differs(path, &found, expected));
    }
    assert_eq!(wrong, [""; 0]);
    world.stop().await;
}

#[tokio::test]
async fn a_method_is_the_one_of_the_first_line() {
    let (world, mut wrong) = (World::start().await, Vec::new());
    for (first, lines, expected) in [
        (LIST, ["X-HTTP-Method-Override: DELETE", "X-Method-Override: POST"], "200"),
        (
            "POST /v1/sessions?_method=GET HTTP/1.1",
            ["Content-Length: 0", "X-Method: GET"],
            NOT_ALLOWED,
        ),
        ("TRACE /v1/sessions HTTP/1.1", ["X-A: a", "X-B: b"], NOT_ALLOWED),
        ("get /v1/sessions HTTP/1.1", ["X-A: a", "X-B: b"], NOT_ALLOWED),
        ("CONNECT localhost:443 HTTP/1.1", ["X-A: a", "X-B: b"], INVALID),
        ("GET  /v1/sessions HTTP/1.1", ["X-A: a", "X-B: b"], UNREADABLE),
        ("GET /v1/sessions HTTP/9.9", ["X-A: a", "X-B: b"], UNREADABLE),
        ("GET\t/v1/sessions\tHTTP/1.1", ["X-A: a", "X-B: b"], UNREADABLE),
    ] {
        let lines = [HOST, "KEY", lines[0], lines[1]];
        let found = ask(&world, first, &lines, "").await;
        wrong.extend(differs(first, &found, expected));
    }
    assert_eq!(wrong, [""; 0]);
    world.stop().await;
}

#[tokio::test]
async fn what_is_no_request_harms_nothing() {
    let world = World::start().await;
    for bytes in [&b"\0\0\0\0\r\n\r\n"[..], b"x\r\n\r\n", b"GET / HTTP/1.1\r\n\0: x\r\n\r\n"] {
        let found = said(&world, bytes).await;
        assert!(found == "closed" || found == "400", "{found}: {bytes:?}");
    }
    world.ask(By::Key(&world.admin), "GET", "/v1/sessions", None).await.expect(200);
    world.stop().await;
}
