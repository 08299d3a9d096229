//! Where outcalls really go: a table from reserved host names to loopback servers.
//!
//! Nothing outside this machine can be reached. A canister names a host as it would on the real
//! network (`https://npm.registry.example/…`); the table says which loopback server plays it. A target
//! `https://127.0.0.1:PORT` is spoken to in TLS, for the name that the canister used and against the
//! root certificates given; a target `http://127.0.0.1:PORT` gets the request in the clear.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use url::{Host, Url};

use super::adapter::Target;

/// A route that was refused, and what to write instead.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RouteError {
    /// The key is not a host name (with an optional port).
    #[error("route {host:?}: not a host name; write HOST or HOST:PORT, such as registry.example")]
    BadHost { host: String },
    /// The target is no URL at all.
    #[error(
        "route {host:?}: target {base:?} is not a URL; write https://127.0.0.1:PORT or http://127.0.0.1:PORT"
    )]
    BadTarget { host: String, base: String },
    /// The target is served over something else than HTTP.
    #[error(
        "route {host:?}: target {base:?} is neither http nor https; write https://127.0.0.1:PORT or http://127.0.0.1:PORT"
    )]
    NotHttp { host: String, base: String },
    /// The target is another machine.
    #[error(
        "route {host:?}: target {base:?} is not a loopback address; write https://127.0.0.1:PORT or http://127.0.0.1:PORT"
    )]
    NotLoopback { host: String, base: String },
    /// The target carries a path, query, fragment or credentials: the canister's are kept as they are.
    #[error("route {host:?}: target {base:?} may name only a host and a port")]
    NotBare { host: String, base: String },
}

/// Root certificates that were refused.
#[derive(Debug, Error)]
pub enum RootCertificateError {
    /// The text is not PEM.
    #[error("root certificates: not PEM: {0}; give one or more CERTIFICATE sections")]
    Pem(#[from] pem::Error),
    /// A section is no certificate that can be a root.
    #[error("root certificates: {0}")]
    Certificate(#[from] rustls::Error),
    /// There is no section in the text.
    #[error("root certificates: no CERTIFICATE section found; give at least one")]
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Route {
    address: SocketAddr,
    is_tls: bool,
}

/// The table of routes. Empty by default: then every outcall fails to connect.
#[derive(Clone, Debug)]
pub struct Routes {
    targets: BTreeMap<String, Route>,
    tls: Arc<ClientConfig>,
}

impl Default for Routes {
    fn default() -> Self {
        Self { targets: BTreeMap::new(), tls: tls_config(RootCertStore::empty()) }
    }
}

impl Routes {
    /// A table from pairs of a host name (or `host:port` when the port is not 443) and the base URL
    /// of the loopback server that plays it.
    ///
    /// # Errors
    /// The first pair that is refused; see [`RouteError`].
    pub fn from_pairs<H: AsRef<str>, B: AsRef<str>>(
        pairs: impl IntoIterator<Item = (H, B)>,
    ) -> Result<Self, RouteError> {
        let mut routes = Self::default();
        for (host, base) in pairs {
            routes.insert(host.as_ref(), base.as_ref())?;
        }
        Ok(routes)
    }

    /// Believes servers behind `https` targets whose certificates come from these roots, in PEM, and
    /// no others. Without any, no such server is believed.
    ///
    /// # Errors
    /// When the text holds no certificate, or one that cannot be a root.
    pub fn with_root_certificates(mut self, pem: &[u8]) -> Result<Self, RootCertificateError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots.add(certificate?)?;
        }
        if roots.is_empty() {
            return Err(RootCertificateError::None);
        }
        self.tls = tls_config(roots);
        Ok(self)
    }

    /// Adds a route, or replaces the one for the same host.
    ///
    /// # Errors
    /// When the host is not one or the target is not a bare loopback URL; see [`RouteError`].
    pub fn insert(&mut self, host: &str, base: &str) -> Result<(), RouteError> {
        let key = authority_key(host).ok_or_else(|| RouteError::BadHost { host: host.to_string() })?;
        let (host, base) = (host.to_string(), base.to_string());
        let Ok(url) = Url::parse(&base) else {
            return Err(RouteError::BadTarget { host, base });
        };
        let is_tls = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return Err(RouteError::NotHttp { host, base }),
        };
        let bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !bare {
            return Err(RouteError::NotBare { host, base });
        }
        let (Some(ip), Some(port)) = (loopback_address(&url), url.port_or_known_default()) else {
            return Err(RouteError::NotLoopback { host, base });
        };
        self.targets.insert(key, Route { address: SocketAddr::new(ip, port), is_tls });
        Ok(())
    }

    /// Every host with the base URL of the server that plays it.
    pub fn list(&self) -> BTreeMap<String, String> {
        let base = |route: &Route| format!("http{}://{}", if route.is_tls { "s" } else { "" }, route.address);
        self.targets.iter().map(|(host, route)| (host.clone(), base(route))).collect()
    }

    /// Removes the route of a host; `false` when there is none.
    pub fn remove(&mut self, host: &str) -> bool {
        authority_key(host).is_some_and(|key| self.targets.remove(&key).is_some())
    }

    /// Where a request for this URL really goes.
    pub(super) fn resolve(&self, requested: &Url) -> Option<Target> {
        let route = self.targets.get(&authority(requested)?)?;
        Some(Target { address: route.address, tls: route.is_tls.then(|| Arc::clone(&self.tls)) })
    }
}

fn tls_config(roots: RootCertStore) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has the protocol versions that it is built with")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// Host, and the port unless it is the scheme's own: what the `Host` header carries.
pub(super) fn authority(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_string(),
    })
}

fn authority_key(host: &str) -> Option<String> {
    let url = Url::parse(&format!("https://{host}")).ok()?;
    let only_authority = url.path() == "/" && url.username().is_empty() && !host.contains('/');
    let key = authority(&url)?;
    only_authority.then_some(key)
}

/// `localhost` means 127.0.0.1, whatever the machine resolves it to.
fn loopback_address(url: &Url) -> Option<IpAddr> {
    let address = match url.host()? {
        Host::Ipv4(address) => IpAddr::V4(address),
        Host::Ipv6(address) => IpAddr::V6(address),
        Host::Domain("localhost") => IpAddr::V4(Ipv4Addr::LOCALHOST),
        Host::Domain(_) => return None,
    };
    address.is_loopback().then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes() -> Routes {
        Routes::from_pairs([
            ("npm.registry.example", "http://127.0.0.1:4873"),
            ("pypi.registry.example:8443", "https://[::1]:3141/"),
            ("localhost.example", "https://localhost"),
        ])
        .expect("all targets are loopback")
    }

    fn resolve(url: &str) -> Option<(String, bool)> {
        let target = routes().resolve(&Url::parse(url).expect("a URL"))?;
        Some((target.address.to_string(), target.tls.is_some()))
    }

    #[test]
    fn should_route_by_host_and_port() {
        let plain = Some(("127.0.0.1:4873".to_string(), false));
        assert_eq!(resolve("https://NPM.registry.example/@dao%2fdemo?t=1#fragment"), plain);
        let tls = Some(("[::1]:3141".to_string(), true));
        assert_eq!(resolve("https://pypi.registry.example:8443/legacy/"), tls);
        assert_eq!(resolve("https://localhost.example/"), Some(("127.0.0.1:443".to_string(), true)));
        assert_eq!(resolve("https://pypi.registry.example/legacy/"), None);
    }

    #[test]
    fn should_find_no_target_when_the_host_is_unknown() {
        assert_eq!(resolve("https://elsewhere.example/"), None);
    }

    #[test]
    fn should_refuse_a_target_when_it_is_not_a_bare_loopback_url() {
        let refused = |base: &str| Routes::default().insert("registry.example", base).expect_err(base);
        for base in ["http://192.0.2.1:80", "https://registry.example", "http://0.0.0.0:80"] {
            assert!(matches!(refused(base), RouteError::NotLoopback { .. }), "{base}");
        }
        assert!(matches!(refused("ftp://127.0.0.1:80"), RouteError::NotHttp { .. }));
        assert!(matches!(refused("127.0.0.1"), RouteError::BadTarget { .. }));
        for base in ["http://127.0.0.1:80/simple", "http://127.0.0.1:80/?q", "http://u:p@127.0.0.1:80"] {
            assert!(matches!(refused(base), RouteError::NotBare { .. }), "{base}");
        }
    }

    #[test]
    fn should_refuse_roots_that_are_no_certificates() {
        let refused = |pem: &str| Routes::default().with_root_certificates(pem.as_bytes()).expect_err(pem);
        assert!(matches!(refused("nothing"), RootCertificateError::None));
        let broken = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
        assert!(matches!(refused(broken), RootCertificateError::Pem(_)));
        let empty = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(refused(empty), RootCertificateError::Certificate(_)));
    }

    #[test]
    fn should_refuse_a_host_when_it_is_more_than_a_host() {
        for host in ["", "registry.example/path", "user@registry.example", "a b"] {
            let refused = Routes::default().insert(host, "http://127.0.0.1:80");
            assert_eq!(refused, Err(RouteError::BadHost { host: host.to_string() }));
        }
    }
}
