//! What the tests share: registries, network and a group whose tokens are in use, made when the first test asks.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use base64::Engine as _;
use e2e_tests::{
    canister_wasm::repository_root, countersign_command::Countersign, local_network::LocalNetwork,
    real_registries::RealRegistries,
};
use sha2::{Digest as _, Sha256};

use crate::{
    group::{Group, MEMBERS},
    tap::Tap,
};

/// The npm package that is published.
pub const PACKAGE: &str = "@five-maintainers/greeting";
/// An npm package that is reviewed and uploaded, never published.
pub const REVIEWED_PACKAGE: &str = "@five-maintainers/reviewed";
/// The Python project that is published.
pub const PROJECT: &str = "greeting";

/// The shared setting. Its processes end with the test program.
pub static SETTING: LazyLock<Setting> = LazyLock::new(Setting::make);

/// Everything there is.
pub struct Setting {
    /// Where identities, deployments and artifacts are.
    pub home: PathBuf,
    pub registries: RealRegistries,
    pub network: LocalNetwork,
    /// What custody sends to the Python index, if the network is ours.
    pub tap: Option<Tap>,
    pub group: Group,
    /// The endpoints as the group voted them: upload and read URL.
    pub npm: (String, String),
    pub pypi: (String, String),
}

impl Setting {
    fn make() -> Self {
        // In a fixed place, so that a failed run can be looked at; the next one begins anew. Compiled modules stay.
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("main_job");
        clear_except(&home, "network");
        clear_except(&home.join("network"), "modules");
        fs::create_dir_all(&home).expect("a directory");
        let registries = RealRegistries::start(&home.join("registries"));
        let (tap, routes) = match &registries.authentications {
            None => (None, Vec::new()),
            Some(_) => {
                let tap = Tap::on(&base_of(&registries.pypi_upload_url));
                let routes = vec![
                    format!("npm.registry.example={}", registries.npm_url),
                    format!("pypi.registry.example={}", tap.url),
                ];
                (Some(tap), routes)
            }
        };
        let network = LocalNetwork::start(&home.join("network"), &routes);
        let endpoint = |host: &str, url: &str| match network.is_own() {
            true => format!("https://{host}{}", &url[base_of(url).len()..]),
            false => url.to_string(),
        };
        let npm = endpoint("npm.registry.example", &format!("{}/", registries.npm_url.trim_end_matches('/')));
        let pypi_upload = endpoint("pypi.registry.example", &registries.pypi_upload_url);
        let pypi_read = endpoint("pypi.registry.example", &registries.pypi_read_url);

        let countersign = Countersign::new(&home, Some(network.file.clone()));
        keep_secrets(&countersign, &registries);
        for name in MEMBERS.into_iter().chain(["ci"]) {
            countersign.new_identity(name);
        }
        match std::env::var("COUNTERSIGN_E2E_IDENTITY") {
            Ok(pem) => drop(fs::copy(pem, home.join("operator.pem")).expect("the identity who pays")),
            Err(_) => drop(countersign.new_identity("operator")),
        }
        let group = Group::deploy(countersign, &repository_root().join("target/wasm"));
        group.add_registry("npm", &npm, &npm);
        group.add_registry("pypi", &pypi_upload, &pypi_read);
        group.add_credential("npm", &[PACKAGE, REVIEWED_PACKAGE], &registries.npm_token);
        group.add_credential("pypi", &[PROJECT], &registries.pypi_token);
        let (npm, pypi) = ((npm.clone(), npm), (pypi_upload, pypi_read));
        Self { home, registries, network, tap, group, npm, pypi }
    }

    /// Writes an artifact and returns its path.
    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.home.join(name);
        fs::create_dir_all(path.parent().expect("in a directory")).expect("a directory");
        fs::write(&path, bytes).expect("written");
        path
    }
}

/// The tokens, and of the Python index's also the signature, which is the secret part of a macaroon.
fn keep_secrets(countersign: &Countersign, registries: &RealRegistries) {
    countersign.keep_secret("npm token", registries.npm_token.as_bytes());
    countersign.keep_secret("PyPI token", registries.pypi_token.as_bytes());
    let encoded = registries.pypi_token.strip_prefix("pypi-").expect("a token of the Python index");
    let macaroon = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(encoded).expect("base64");
    countersign.keep_secret("macaroon signature", &macaroon[macaroon.len() - 32..]);
}

/// Scheme, host and port of a URL.
fn base_of(url: &str) -> String {
    url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}

/// Empties a directory but for one entry.
fn clear_except(directory: &Path, kept: &str) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_name() == kept {
            continue;
        }
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

/// The SHA-256 of a file, in hexadecimal.
pub fn sha256(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    hex::encode(Sha256::digest(bytes))
}
