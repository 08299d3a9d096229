//! Addresses of repositories on the hosts that npm knows, and the ways npm writes them.

use url::Url;

use super::javascript::{decode_uri_component, encode_uri_component, is_space};

/// A host that npm knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Host {
    GitHub,
    Bitbucket,
    GitLab,
    Gist,
    SourceHut,
}

const HOSTS: [Host; 5] = [Host::GitHub, Host::Bitbucket, Host::GitLab, Host::Gist, Host::SourceHut];

impl Host {
    fn shortcut(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::Bitbucket => "bitbucket",
            Self::GitLab => "gitlab",
            Self::Gist => "gist",
            Self::SourceHut => "sourcehut",
        }
    }

    fn domain(self) -> &'static str {
        match self {
            Self::GitHub => "github.com",
            Self::Bitbucket => "bitbucket.org",
            Self::GitLab => "gitlab.com",
            Self::Gist => "gist.github.com",
            Self::SourceHut => "git.sr.ht",
        }
    }

    fn speaks(self, scheme: &str) -> bool {
        match self {
            Self::GitHub => ["git", "http", "git+ssh", "git+https", "ssh", "https"].contains(&scheme),
            Self::Bitbucket | Self::GitLab => ["git+ssh", "git+https", "ssh", "https"].contains(&scheme),
            Self::Gist => ["git", "git+ssh", "git+https", "ssh", "https"].contains(&scheme),
            Self::SourceHut => ["git+ssh", "https"].contains(&scheme),
        }
    }

    /// The directory under which the host shows a branch or commit.
    fn tree_path(self) -> &'static str {
        match self {
            Self::Bitbucket => "src",
            _ => "tree",
        }
    }
}

/// How an address was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Shortcut,
    Ssh,
    Https,
    Git,
}

/// A repository on a known host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostedRepository {
    host: Host,
    form: Form,
    auth: Option<String>,
    user: Option<String>,
    project: String,
    /// Branch, tag or commit; empty if none was given.
    committish: String,
}

/// Parts of an address's path.
struct Parts {
    user: Option<String>,
    project: String,
    committish: String,
}

impl HostedRepository {
    /// The repository that an address or shortcut names, or nothing if it is not on a known host.
    pub fn parse(text: &str) -> Option<Self> {
        let address = if is_github_shorthand(text) { format!("github:{text}") } else { text.to_owned() };
        let url = parse_git_url(&address)?;
        match HOSTS.into_iter().find(|host| host.shortcut() == url.scheme()) {
            Some(host) => Self::from_shortcut(host, &url),
            None => Self::from_address(&url),
        }
    }

    fn from_shortcut(host: Host, url: &Url) -> Option<Self> {
        let path = url.path().strip_prefix('/').unwrap_or(url.path());
        let path = path.split_once('@').map_or(path, |(_, rest)| rest);
        let (user, project) = match path.rsplit_once('/') {
            Some((user, project)) => {
                (Some(decode_uri_component(user)?).filter(|user| !user.is_empty()), project)
            }
            None => (None, path),
        };
        Some(Self {
            host,
            form: Form::Shortcut,
            auth: None,
            user,
            project: without_git(decode_uri_component(project)?),
            committish: decode_uri_component(url.fragment().unwrap_or_default())?,
        })
    }

    fn from_address(url: &Url) -> Option<Self> {
        let domain = url.host_str()?;
        let domain = domain.strip_prefix("www.").unwrap_or(domain);
        let host = HOSTS.into_iter().find(|host| host.domain() == domain && host.speaks(url.scheme()))?;
        let parts = parts(host, url)?;
        let user = match parts.user {
            Some(user) => Some(decode_uri_component(&user)?),
            None => None,
        };
        Some(Self {
            host,
            form: match url.scheme() {
                "git+https" | "https" => Form::Https,
                "git" => Form::Git,
                // npm has no way to write plain http and falls back to ssh.
                _ => Form::Ssh,
            },
            auth: auth(url),
            user,
            project: decode_uri_component(&parts.project)?,
            committish: decode_uri_component(&parts.committish)?,
        })
    }

    /// As npm writes it into `repository.url`.
    pub fn repository_url(&self) -> String {
        match self.form {
            Form::Shortcut => self.https(),
            _ => self.dependency(),
        }
    }

    /// As npm writes it into a dependency.
    pub fn dependency(&self) -> String {
        let (domain, path) = (self.host.domain(), self.path());
        let fragment = self.fragment();
        match self.form {
            Form::Shortcut => format!("{}:{path}{fragment}", self.host.shortcut()),
            Form::Ssh => format!("git+ssh://git@{domain}/{path}.git{fragment}"),
            Form::Https => self.https(),
            Form::Git => {
                let auth = self.auth_prefix();
                let auth = if self.host == Host::Gist { "" } else { &auth };
                format!("git://{auth}{domain}/{path}.git{fragment}")
            }
        }
    }

    /// Where the host takes bug reports.
    pub fn bugs(&self) -> Option<String> {
        match self.host {
            Host::SourceHut => None,
            Host::Gist => Some(format!("https://{}/{}", self.host.domain(), self.project)),
            _ => Some(format!("https://{}/{}/issues", self.host.domain(), self.path())),
        }
    }

    /// Where the host shows the README.
    pub fn docs(&self) -> String {
        let domain = self.host.domain();
        let committish = encode_uri_component(&self.committish);
        match (self.host, committish.is_empty()) {
            (Host::Gist, true) => format!("https://{domain}/{}", self.project),
            (Host::Gist, false) => format!("https://{domain}/{}/{committish}", self.project),
            (_, true) => format!("https://{domain}/{}#readme", self.path()),
            (host, false) => {
                format!("https://{domain}/{}/{}/{committish}#readme", self.path(), host.tree_path())
            }
        }
    }

    fn https(&self) -> String {
        let (domain, path, fragment) = (self.host.domain(), self.path(), self.fragment());
        match self.host {
            Host::Gist => format!("git+https://{domain}/{path}.git{fragment}"),
            Host::SourceHut => format!("https://{domain}/{path}{fragment}"),
            _ => format!("git+https://{}{domain}/{path}.git{fragment}", self.auth_prefix()),
        }
    }

    /// Owner and project. npm's ssh form of a gist is the one place where an owner would not appear either.
    fn path(&self) -> String {
        match (self.host, &self.user) {
            (Host::Gist, _) => self.project.clone(),
            (_, Some(user)) => format!("{user}/{}", self.project),
            // What JavaScript makes of a missing owner; kept because the result must equal npm's.
            (_, None) => format!("null/{}", self.project),
        }
    }

    fn fragment(&self) -> String {
        if self.committish.is_empty() { String::new() } else { format!("#{}", self.committish) }
    }

    fn auth_prefix(&self) -> String {
        self.auth.as_ref().map(|auth| format!("{auth}@")).unwrap_or_default()
    }
}

fn without_git(project: String) -> String {
    project.strip_suffix(".git").map(str::to_owned).unwrap_or(project)
}

/// Name and password, for the protocols in which npm carries them.
fn auth(url: &Url) -> Option<String> {
    if matches!(url.scheme(), "git+ssh" | "ssh") {
        return None;
    }
    match (url.username(), url.password().filter(|password| !password.is_empty())) {
        ("", None) => None,
        (username, None) => Some(username.to_owned()),
        (username, Some(password)) => Some(format!("{username}:{password}")),
    }
}

fn parts(host: Host, url: &Url) -> Option<Parts> {
    let committish = url.fragment().unwrap_or_default().to_owned();
    let path = url.path().strip_prefix('/').unwrap_or(url.path());
    if host == Host::GitLab {
        if path.contains("/-/") || url.path().contains("/archive.tar.gz") {
            return None;
        }
        let (user, project) = path.rsplit_once('/')?;
        let project = without_git(project.to_owned());
        return (!user.is_empty() && !project.is_empty()).then(|| Parts {
            user: Some(user.to_owned()),
            project,
            committish,
        });
    }
    let mut segments = path.split('/').map(str::to_owned);
    let user = segments.next().filter(|user| !user.is_empty());
    let project = segments.next().filter(|project| !project.is_empty());
    let third = segments.next().filter(|third| !third.is_empty());
    let (user, project, committish) = match host {
        Host::GitHub => match third.as_deref() {
            None => (Some(user?), project?, committish),
            // A missing branch is the text "undefined" to npm.
            Some("tree") => {
                (Some(user?), project?, segments.next().unwrap_or_else(|| "undefined".to_owned()))
            }
            Some(_) => return None,
        },
        Host::Gist if third.as_deref() == Some("raw") => return None,
        Host::Gist => match project {
            Some(project) => (user, project, committish),
            None => (None, user?, committish),
        },
        Host::Bitbucket if third.as_deref() == Some("get") => return None,
        Host::SourceHut if third.as_deref() == Some("archive") => return None,
        _ => (Some(user?), project?, committish),
    };
    let project = without_git(project);
    (!project.is_empty()).then_some(Parts { user, project, committish })
}

/// `owner/name` with nothing in front and perhaps a `#branch` behind.
fn is_github_shorthand(text: &str) -> bool {
    let (before_hash, has_hash) = match text.split_once('#') {
        Some((before, _)) => (before, true),
        None => (text, false),
    };
    let slash = text.find('/');
    let second_slash = slash.and_then(|first| text[first + 1..].find('/').map(|next| first + 1 + next));
    let hash = before_hash.len();
    let only_after_hash =
        |position: Option<usize>| position.is_none_or(|position| has_hash && position > hash);
    only_after_hash(text.find(is_space))
        && slash.is_some_and(|position| position > 0)
        && !before_hash.ends_with('/')
        && !text.starts_with('.')
        && only_after_hash(text.find('@'))
        && only_after_hash(text.find(':'))
        && only_after_hash(second_slash)
}

/// Parses an address, first as it stands, then with an scp-like `host:path` corrected.
fn parse_git_url(text: &str) -> Option<Url> {
    let address = with_protocol(text);
    Url::parse(&address).ok().or_else(|| Url::parse(&without_scp_colon(&address)).ok())
}

fn with_protocol(text: &str) -> String {
    const SCHEMES: [&str; 7] = ["git+ssh", "ssh", "git+https", "git", "http", "https", "git+http"];
    let (scheme, rest) = match text.split_once(':') {
        Some((scheme, rest)) => (scheme, rest),
        None => ("", text),
    };
    let has_colon = text.contains(':');
    let is_known = SCHEMES.contains(&scheme) || HOSTS.iter().any(|host| host.shortcut() == scheme);
    if has_colon && (is_known || rest.starts_with("//")) {
        return text.to_owned();
    }
    match (text.find('@'), text.find(':')) {
        (Some(at), Some(colon)) if at <= colon => text.to_owned(),
        (Some(_), _) => format!("git+ssh://{text}"),
        (None, Some(colon)) => format!("{}//{}", &text[..=colon], &text[colon + 1..]),
        (None, None) => format!("//{text}"),
    }
}

fn without_scp_colon(address: &str) -> String {
    let before_hash = address.split_once('#').map_or(address, |(before, _)| before);
    let colon = before_hash.rfind(':');
    let mut corrected = address.to_owned();
    if let Some(colon) = colon
        && before_hash.rfind('@').is_none_or(|at| colon > at)
    {
        corrected.replace_range(colon..=colon, "/");
    }
    let still_has_colon =
        corrected.split_once('#').map_or(corrected.as_str(), |(before, _)| before).contains(':');
    if !still_has_colon && !corrected.contains("//") {
        corrected.insert_str(0, "git+ssh://");
    }
    corrected
}
