//! Which registries the user's own tools are set up for. The tools themselves are asked, so that their files,
//! variables and precedence count; no registry's address is written here.

use std::process::{Command, Stdio};

use release_types::{Ecosystem, Registry};
use serde::Serialize;
use url::Url;

use super::user_client::python;

/// A registry that a tool on this machine publishes to or installs from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfiguredRegistry {
    pub registry: Registry,
    /// Where this was found, for the user to judge.
    pub source: String,
}

/// Prints where twine uploads to, as twine reads its own files and variables.
const ASK_TWINE: &str = "
import os
from twine import utils
name = os.environ.get('TWINE_REPOSITORY', 'pypi')
url = os.environ.get('TWINE_REPOSITORY_URL')
print(utils.get_repository_from_config(os.path.expanduser('~/.pypirc'), name, url)['repository'])
";

/// Prints where pip is configured to install from.
const ASK_PIP: &str = "
import runpy, sys
sys.argv = ['pip', 'config', 'get', 'global.index-url']
runpy.run_module('pip', run_name='__main__')
";

/// Prints where pip installs from when nothing is configured.
const ASK_PIP_DEFAULT: &str = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)";

/// What the tools of an ecosystem name; `None` if they are not installed or name nothing usable.
pub fn configured(ecosystem: Ecosystem) -> Option<ConfiguredRegistry> {
    match ecosystem {
        Ecosystem::Npm => npm(ask(npm_config())),
        Ecosystem::Pypi => {
            let upload = ask(python(ASK_TWINE));
            let read = std::env::var("PIP_INDEX_URL")
                .ok()
                .or_else(|| ask(python(ASK_PIP)))
                .or_else(|| ask(python(ASK_PIP_DEFAULT)));
            pypi(upload, read)
        }
    }
}

fn npm(answer: Option<String>) -> Option<ConfiguredRegistry> {
    let url = usable(&answer?)?;
    let registry = Registry::new(Ecosystem::Npm, url.clone(), url);
    Some(ConfiguredRegistry { registry, source: "`npm config get registry`".into() })
}

fn pypi(upload: Option<String>, read: Option<String>) -> Option<ConfiguredRegistry> {
    let registry = Registry::new(Ecosystem::Pypi, usable(&upload?)?, usable(&read?)?);
    Some(ConfiguredRegistry { registry, source: "the configuration of twine and pip".into() })
}

/// An https URL with its trailing slash and without credentials: what is proposed is public.
fn usable(text: &str) -> Option<String> {
    let mut url = Url::parse(text.trim()).ok()?;
    if url.scheme() != "https" || url.host_str().is_none() {
        return None;
    }
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Some(url.into())
}

fn npm_config() -> Command {
    let mut command = Command::new("npm");
    command.args(["config", "get", "registry"]);
    command
}

fn ask(mut command: Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_string();
    (output.status.success() && !text.is_empty() && text != "undefined").then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn should_never_offer_the_credentials_that_a_configured_url_carries() {
        let found =
            npm(Some("https://user:secret@npm.registry.example/path?token=x\n".into())).expect("usable");
        assert_eq!(found.registry.upload_url, "https://npm.registry.example/path/");
        assert_eq!(found.registry.read_url, found.registry.upload_url);
    }

    #[test]
    fn should_offer_nothing_when_the_tools_name_nothing_usable() {
        assert_eq!(npm(None), None);
        assert_eq!(npm(Some("http://npm.registry.example/".into())), None);
        assert_eq!(npm(Some("not a URL".into())), None);
        assert_eq!(pypi(Some("https://pypi.registry.example/legacy/".into()), None), None);
    }

    #[test]
    fn should_take_both_addresses_of_a_python_index() {
        let upload = Some("https://pypi.registry.example/legacy/".into());
        let found = pypi(upload, Some("https://pypi.registry.example/simple".into())).expect("usable");
        assert_eq!(found.registry.upload_url, "https://pypi.registry.example/legacy/");
        assert_eq!(found.registry.read_url, "https://pypi.registry.example/simple/");
    }
}
