//! Registry URLs: what a vote may register, checked once and completely.

use http::Uri;
use release_types::{Defect, Ecosystem, Registry};

/// Longest URL accepted, in bytes.
pub const MAX_ENDPOINT_BYTES: usize = 2_048;

/// A checked https base URL: no credentials, no query, no fragment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EndpointUrl(String);

/// The checked URLs of one registry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RegistryEndpoints {
    /// Where releases are sent.
    pub upload: EndpointUrl,
    /// Where they are read back.
    pub read: EndpointUrl,
    /// Base of PyPI's version documents, the second view.
    pub version: Option<EndpointUrl>,
    /// Base of PyPI's files.
    pub files: Option<EndpointUrl>,
}

impl EndpointUrl {
    /// Checks one URL, reporting every defect under the name `field`.
    pub fn check(field: &str, url: &str) -> Result<Self, Vec<Defect>> {
        let defects = url_defects(field, url);
        if defects.is_empty() { Ok(Self(url.to_owned())) } else { Err(defects) }
    }

    /// The URL as it was registered.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL with `path` after exactly one slash.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}/{path}", self.0.trim_end_matches('/'))
    }
}

impl RegistryEndpoints {
    /// Checks all URLs of a registry, reporting every defect of each. A PyPI upload URL must end in a slash; npm has
    /// neither version documents nor files apart from its read URL.
    pub fn check(registry: &Registry) -> Result<Self, Vec<Defect>> {
        let mut defects = Vec::new();
        let mut checked =
            |field, url| EndpointUrl::check(field, url).map_err(|mut found| defects.append(&mut found)).ok();
        let upload = checked("upload_url", &registry.upload_url);
        let read = checked("read_url", &registry.read_url);
        let version = registry.version_url.as_deref().map(|url| checked("version_url", url));
        let files = registry.files_url.as_deref().map(|url| checked("files_url", url));
        if registry.ecosystem == Ecosystem::Pypi && !registry.upload_url.ends_with('/') {
            defects.push(Defect::new(
                "upload_url",
                "no slash at the end",
                "a URL ending in `/`",
                "Add the slash: the upload API redirects without it, and redirects are not followed.",
            ));
        }
        let views = [("version_url", &registry.version_url), ("files_url", &registry.files_url)];
        for (field, _) in
            views.into_iter().filter(|(_, url)| registry.ecosystem == Ecosystem::Npm && url.is_some())
        {
            defects.push(Defect::new(
                field,
                "a URL",
                "none for npm",
                "Leave it out: npm's version documents and files lie under `read_url`.",
            ));
        }
        match (upload, read) {
            (Some(upload), Some(read)) if defects.is_empty() => {
                Ok(Self { upload, read, version: version.flatten(), files: files.flatten() })
            }
            _ => Err(defects),
        }
    }
}

/// Whether two https URLs have the same host and port, so that what may be sent to one may be sent to the other.
pub fn is_same_origin(one: &str, other: &str) -> bool {
    let origin = |url: &str| {
        let uri = url.parse::<Uri>().ok().filter(|uri| uri.scheme_str() == Some("https"))?;
        Some((uri.host()?.to_ascii_lowercase(), uri.port_u16().unwrap_or(443)))
    };
    origin(one).is_some_and(|found| Some(found) == origin(other))
}

fn url_defects(field: &str, url: &str) -> Vec<Defect> {
    let mut defects = Vec::new();
    let mut defect = |found: &str, allowed: &str, hint: &str| {
        defects.push(Defect::new(field, found, allowed, hint));
    };
    // The parser drops fragments silently and stops at the first thing it cannot read, so that each defect
    // is looked for by itself first.
    if url.len() > MAX_ENDPOINT_BYTES {
        let found = format!("{} bytes", url.len());
        defect(&found, "at most 2,048 bytes", "Give the registry's base URL alone.");
    }
    if url.contains('#') {
        defect("a fragment (`#`)", "no fragment", "Give the registry's base URL alone.");
    }
    if url.contains('?') {
        defect("a query (`?`)", "no query", "Give the registry's base URL alone.");
    }
    if !url.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://")) {
        defect("no `https://` at the start", "https only", "Give an absolute URL, https://HOST/PATH.");
    }
    if let Some((_, rest)) = url.split_once("://") {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        if authority.contains('@') {
            defect("credentials before the host", "none", "They would be public; seal a token instead.");
        }
        if host.is_empty() || host.starts_with(':') {
            defect("no host", "a host name", "Give an absolute URL, https://HOST/PATH.");
        }
    }
    if defects.is_empty() && url.parse::<Uri>().is_err() {
        let found = "characters that no URL has";
        defects.push(Defect::new(field, found, "a URL by RFC 3986", "Give https://HOST/PATH."));
    }
    defects
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(url: &str) -> Vec<String> {
        let defects = EndpointUrl::check("read_url", url).expect_err("defective");
        defects.into_iter().map(|defect| defect.found).collect()
    }

    fn registry(ecosystem: Ecosystem, upload_url: &str, read_url: &str) -> Registry {
        Registry::new(ecosystem, upload_url, read_url)
    }

    #[test]
    fn should_accept_a_base_url_with_port_and_path() {
        let url = EndpointUrl::check("read_url", "https://npm.registry.example:8443/group/").expect("good");
        assert_eq!(url.join("demo"), "https://npm.registry.example:8443/group/demo");
    }

    #[test]
    fn should_tell_origins_apart_by_host_and_port() {
        let own = "https://pypi.registry.example/simple/";
        for same in ["https://pypi.registry.example:443/pypi/demo", "https://PyPI.registry.example"] {
            assert!(is_same_origin(same, own), "{same}");
        }
        for other in [
            "https://pypi.registry.example.evil.example/simple/",
            "https://pypi.registry.example:8443/simple/",
            "https://evil.example/https://pypi.registry.example/simple/",
            "https://pypi.registry.example@evil.example/simple/",
            "http://pypi.registry.example/simple/",
            "",
        ] {
            assert!(!is_same_origin(other, own), "{other}");
        }
    }

    #[test]
    fn should_name_each_defect() {
        assert_eq!(found("http://npm.registry.example"), ["no `https://` at the start"]);
        assert_eq!(found("npm.registry.example"), ["no `https://` at the start"]);
        assert_eq!(found("https:///path"), ["no host"]);
        assert_eq!(found("https://:443/"), ["no host"]);
        assert_eq!(found("https://me:pw@npm.registry.example/"), ["credentials before the host"]);
        assert_eq!(found("https://npm.registry.example/?a=b"), ["a query (`?`)"]);
        assert_eq!(found("https://npm.registry.example/#a"), ["a fragment (`#`)"]);
        for url in ["https://npm registry.example/", "https://npm.registry.example/a\r\nb"] {
            assert_eq!(found(url), ["characters that no URL has"]);
        }
        let long = format!("https://npm.registry.example/{}", "a".repeat(MAX_ENDPOINT_BYTES));
        assert_eq!(found(&long), [format!("{} bytes", long.len())]);
    }

    #[test]
    fn should_report_all_defects_of_both_urls_at_once() {
        let registry = registry(Ecosystem::Pypi, "http://a@pypi.registry.example/legacy?x#y", "ftp://");
        let defects = RegistryEndpoints::check(&registry).expect_err("defective");
        let fields: Vec<_> = defects.iter().map(|defect| defect.field.as_str()).collect();
        // Fragment, query, scheme, credentials, slash; scheme, host.
        assert_eq!(fields.iter().filter(|field| **field == "upload_url").count(), 5, "{defects:?}");
        assert_eq!(fields.iter().filter(|field| **field == "read_url").count(), 2, "{defects:?}");
    }

    #[test]
    fn should_check_the_second_view_and_the_files_of_an_index_and_refuse_them_for_npm() {
        let url = "https://pypi.registry.example/legacy/";
        let with = |ecosystem, version: &str, files: &str| {
            let views = Registry {
                version_url: Some(version.into()),
                files_url: Some(files.into()),
                ..registry(ecosystem, url, url)
            };
            RegistryEndpoints::check(&views)
        };
        let good =
            with(Ecosystem::Pypi, "https://pypi.registry.example/pypi", "https://files.registry.example/");
        assert!(good.is_ok_and(|urls| urls.version.is_some() && urls.files.is_some()));
        let fields = |checked: Result<RegistryEndpoints, Vec<Defect>>| -> Vec<String> {
            checked.expect_err("defective").into_iter().map(|defect| defect.field).collect()
        };
        assert_eq!(
            fields(with(Ecosystem::Pypi, "http://pypi.registry.example", "x")),
            ["version_url", "files_url"]
        );
        assert_eq!(fields(with(Ecosystem::Npm, url, url)), ["version_url", "files_url"]);
    }

    #[test]
    fn should_want_a_slash_at_the_end_of_pypi_upload_urls_only() {
        let (upload, read) = ("https://pypi.registry.example/legacy", "https://pypi.registry.example/simple");
        let defects =
            RegistryEndpoints::check(&registry(Ecosystem::Pypi, upload, read)).expect_err("no slash");
        assert_eq!(defects.len(), 1);
        assert_eq!(defects[0].found, "no slash at the end");
        assert!(RegistryEndpoints::check(&registry(Ecosystem::Npm, upload, read)).is_ok());
    }
}
