//! Management canister › http_request › TLS
//!
//! A route to an `https` server is a real TLS connection: for the host that the canister named, and
//! believed only by the configured roots.

use std::io::Write;
use std::net::TcpListener;

use local_replica::outcalls::{MAX_ATTEMPTS, Pace};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::server::response;
use super::*;

/// A certificate authority that tests believe, or not.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a root"))
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// What a server for this host needs, with what is changed about its certificate.
    fn server_config(&self, host: &str, change: impl FnOnce(&mut CertificateParams)) -> ServerConfig {
        let mut params = CertificateParams::new(vec![host.to_string()]).expect("a host name");
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider's own versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("key and certificate belong together")
    }

    fn server(&self, host: &str, change: impl FnOnce(&mut CertificateParams)) -> Server {
        Server::start_tls(self.server_config(host, change), |_, _| response(200, &[], b"secret"))
    }
}

/// A subnet that plays `registry.example` by this server and believes this root.
fn subnet(base_url: &str, root: &str) -> Subnet {
    let routes = Routes::from_pairs([("registry.example", base_url)])
        .expect("loopback")
        .with_root_certificates(root.as_bytes())
        .expect("a root");
    Subnet::new(routes, Pace::Lockstep)
}

fn get() -> HttpRequestArgs {
    non_replicated(HttpMethod::GET, "/")
}

/// The reject when the handshake fails; nothing reaches the server then.
fn handshake_failure(server: &Server, mut subnet: Subnet) -> String {
    let message = rejected(&subnet.call(get()).response, RejectCode::SysTransient);
    assert!(server.seen().is_empty(), "no request is sent to a server that is not believed");
    assert!(message.starts_with("Connecting to registry.example failed: "), "{message}");
    message
}

/// A server with a certificate for the host, from a known root, gets the request of every node.
#[test]
fn should_speak_tls_to_a_server_that_is_believed() {
    let authority = Authority::new();
    let server = authority.server("registry.example", |_| {});
    let mut subnet = subnet(&server.base_url(), &authority.pem());
    assert_eq!(answer(&subnet.call(replicated(HttpMethod::GET, "/")).response).body, b"secret");
    let seen = server.seen();
    assert_eq!(seen.len(), NODES as usize);
    assert_eq!(seen[0].header("host"), Some("registry.example"));
}

/// A certificate for another name is not believed, though the server is the right one.
#[test]
fn should_not_believe_a_certificate_for_another_host() {
    let authority = Authority::new();
    let server = authority.server("127.0.0.1", |_| {});
    let message = handshake_failure(&server, subnet(&server.base_url(), &authority.pem()));
    assert!(message.contains("not valid for name"), "{message}");
}

/// A certificate of an unknown authority is not believed.
#[test]
fn should_not_believe_an_unknown_authority() {
    let server = Authority::new().server("registry.example", |_| {});
    let message = handshake_failure(&server, subnet(&server.base_url(), &Authority::new().pem()));
    assert!(message.contains("invalid peer certificate"), "{message}");
}

/// Without configured roots no server is believed.
#[test]
fn should_believe_nobody_without_roots() {
    let server = Authority::new().server("registry.example", |_| {});
    let subnet = Subnet::with_routes(&[("registry.example", &server.base_url())]);
    let message = handshake_failure(&server, subnet);
    assert!(message.contains("UnknownIssuer"), "{message}");
}

/// An expired certificate is not believed.
#[test]
fn should_not_believe_an_expired_certificate() {
    let authority = Authority::new();
    let server = authority.server("registry.example", |params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 2, 1);
    });
    let message = handshake_failure(&server, subnet(&server.base_url(), &authority.pem()));
    assert!(message.contains("Expired"), "{message}");
}

/// A server that speaks plain HTTP behind an `https` route is none.
#[test]
fn should_not_fall_back_to_plain_http() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
    let base_url = format!("https://{}", listener.local_addr().expect("bound"));
    std::thread::spawn(move || {
        for stream in listener.incoming().take(usize::from(MAX_ATTEMPTS)).flatten() {
            let mut stream = stream;
            // A client that goes away early is not the server's concern.
            let _ = stream.write_all(&response(200, &[], b"plain"));
        }
    });
    let mut subnet = subnet(&base_url, &Authority::new().pem());
    let message = rejected(&subnet.call(get()).response, RejectCode::SysTransient);
    assert!(message.contains("tls handshake error"), "{message}");
}

/// `localhost` in a route is this machine.
#[test]
fn should_route_to_localhost() {
    let authority = Authority::new();
    let server = authority.server("registry.example", |_| {});
    let base_url = format!("https://localhost:{}", server.port());
    let mut subnet = subnet(&base_url, &authority.pem());
    assert_eq!(answer(&subnet.call(get()).response).body, b"secret");
}

/// A connection that breaks after the handshake leads to sending again, as without TLS.
#[test]
fn should_send_again_over_tls() {
    let authority = Authority::new();
    let server =
        Server::start_tls(authority.server_config("registry.example", |_| {}), |count, _| match count {
            0 => Vec::new(),
            _ => response(200, &[], b"again"),
        });
    let mut subnet = subnet(&server.base_url(), &authority.pem());
    assert_eq!(answer(&subnet.call(get()).response).body, b"again");
    assert_eq!(server.seen().len(), 2);
}
