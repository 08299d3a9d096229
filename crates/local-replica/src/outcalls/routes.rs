//! Where outcalls really go: a table from reserved host names to loopback servers.
//!
//! Nothing outside this machine can be reached. A canister names a host as it would on the real
//! network (`https://npm.registry.example/…`); the table says which loopback server plays it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use thiserror::Error;
use url::{Host, Url};

/// A route that was refused, and what to write instead.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RouteError {
    /// The key is not a host name (with an optional port).
    #[error("route {host:?}: not a host name; write HOST or HOST:PORT, such as registry.example")]
    BadHost { host: String },
    /// The target is no URL at all.
    #[error("route {host:?}: target {base:?} is not a URL; write http://127.0.0.1:PORT")]
    BadTarget { host: String, base: String },
    /// The target is not served over plain HTTP.
    #[error("route {host:?}: target {base:?} is not plain http; write http://127.0.0.1:PORT")]
    NotHttp { host: String, base: String },
    /// The target is another machine.
    #[error("route {host:?}: target {base:?} is not a loopback address; write http://127.0.0.1:PORT")]
    NotLoopback { host: String, base: String },
    /// The target carries a path, query, fragment or credentials: the canister's are kept as they are.
    #[error("route {host:?}: target {base:?} may name only a host and a port")]
    NotBare { host: String, base: String },
}

/// The table of routes. Empty by default: then every outcall fails to connect.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    targets: BTreeMap<String, Url>,
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
        if url.scheme() != "http" {
            return Err(RouteError::NotHttp { host, base });
        }
        let bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !bare {
            return Err(RouteError::NotBare { host, base });
        }
        if !is_loopback(&url) {
            return Err(RouteError::NotLoopback { host, base });
        }
        self.targets.insert(key, url);
        Ok(())
    }

    /// The loopback URL for what a canister asked for: same path and query, other authority.
    pub(super) fn resolve(&self, requested: &Url) -> Option<Url> {
        let mut target = self.targets.get(&authority(requested)?)?.clone();
        target.set_path(requested.path());
        target.set_query(requested.query());
        Some(target)
    }
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

/// `localhost` is not accepted: what it resolves to is the machine's affair, not ours.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes() -> Routes {
        Routes::from_pairs([
            ("npm.registry.example", "http://127.0.0.1:4873"),
            ("pypi.registry.example:8443", "http://[::1]:3141/"),
        ])
        .expect("both targets are loopback")
    }

    fn resolve(url: &str) -> Option<String> {
        routes().resolve(&Url::parse(url).expect("a URL")).map(String::from)
    }

    #[test]
    fn should_keep_path_and_query_when_routing() {
        assert_eq!(
            resolve("https://NPM.registry.example/@dao%2fdemo/1.0.0?t=1&u=a%20b#fragment").as_deref(),
            Some("http://127.0.0.1:4873/@dao%2fdemo/1.0.0?t=1&u=a%20b")
        );
    }

    #[test]
    fn should_tell_ports_apart_when_routing() {
        assert_eq!(
            resolve("https://pypi.registry.example:8443/legacy/").as_deref(),
            Some("http://[::1]:3141/legacy/")
        );
        assert_eq!(resolve("https://pypi.registry.example/legacy/"), None);
    }

    #[test]
    fn should_find_no_target_when_the_host_is_unknown() {
        assert_eq!(resolve("https://elsewhere.example/"), None);
    }

    #[test]
    fn should_refuse_a_target_when_it_is_not_a_bare_loopback_url() {
        let refused = |base: &str| Routes::default().insert("registry.example", base).expect_err(base);
        for base in
            ["http://192.0.2.1:80", "http://registry.example", "http://localhost:80", "http://0.0.0.0:80"]
        {
            assert!(matches!(refused(base), RouteError::NotLoopback { .. }), "{base}");
        }
        assert!(matches!(refused("https://127.0.0.1:80"), RouteError::NotHttp { .. }));
        assert!(matches!(refused("127.0.0.1"), RouteError::BadTarget { .. }));
        for base in ["http://127.0.0.1:80/simple", "http://127.0.0.1:80/?q", "http://u:p@127.0.0.1:80"] {
            assert!(matches!(refused(base), RouteError::NotBare { .. }), "{base}");
        }
    }

    #[test]
    fn should_refuse_a_host_when_it_is_more_than_a_host() {
        for host in ["", "registry.example/path", "user@registry.example", "a b"] {
            let refused = Routes::default().insert(host, "http://127.0.0.1:80");
            assert_eq!(refused, Err(RouteError::BadHost { host: host.to_string() }));
        }
    }
}
