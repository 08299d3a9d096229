//! Content keys under ordinary tools, over plain HTTP: the recipes of the documentation as they stand there, and the
//! libraries that people use. Each encrypts to the published keys, uploads by its own means, and opens the answer.
//!
//! The tools are found where `scripts/clients` puts them; without them these tests fail, so run
//! `scripts/clients install interop-node interop-python age` first.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Command,
};

use candid::Principal;
use content_types::{ContentError, OwnerView, RegisterOwnerArgs};
use e2e_tests::{
    canister_wasm::repository_root,
    content_world::{ContentWorld, administrator},
    custom_domain::CustomDomain,
};
use local_replica::{
    Clock,
    http_interface::{ReplicaServer, ServerHandle},
};
use serde_bytes::ByteBuf;

/// How an owner makes a signing key.
#[derive(Clone, Copy, Debug)]
enum SigningKey {
    Ed25519,
    P256,
}

/// A canister behind a gateway, and a directory with the recipes and the key of its one owner.
struct Site {
    directory: tempfile::TempDir,
    domain: CustomDomain,
    canister: Principal,
    _server: ServerHandle,
}

impl Site {
    fn new(key: SigningKey) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        write_recipes(directory.path());
        match key {
            SigningKey::Ed25519 => run(Command::new("sh").arg("make-key.sh"), directory.path()),
            SigningKey::P256 => run(
                Command::new("openssl")
                    .args(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])
                    .args(["-out", "owner.pem"]),
                directory.path(),
            ),
        };
        run(
            Command::new("openssl").args([
                "pkey",
                "-in",
                "owner.pem",
                "-pubout",
                "-outform",
                "DER",
                "-out",
                "owner.der",
            ]),
            directory.path(),
        );
        let mut world = ContentWorld::administered(administrator(), Clock::Wall);
        let args = RegisterOwnerArgs {
            owner: "alice".parse().expect("a name"),
            public_key_der: ByteBuf::from(fs::read(directory.path().join("owner.der")).expect("written")),
            quota_bytes: 10_000_000,
            openings_per_day: 100,
        };
        let registered: Result<OwnerView, ContentError> =
            world.update(administrator(), "register_owner", (args,)).expect("answers");
        registered.expect("registered");
        let canister = world.content;
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = ReplicaServer::start(world.replica, any_port).expect("a server");
        Self { directory, domain: CustomDomain::of(canister, &server.url()), canister, _server: server }
    }

    /// Runs a program as the owner, and returns what it printed.
    #[track_caller]
    fn run(&self, command: &mut Command) -> String {
        let command = command
            .env("CONTENT_URL", &self.domain.url)
            .env("CONTENT_CANISTER", self.canister.to_text())
            .env("CONTENT_OWNER", "alice");
        run(command, self.directory.path())
    }

    /// Puts a file of these tests beside the recipes.
    fn add(&self, name: &str) {
        let from = repository_root().join("crates/e2e-tests/tests/interop").join(name);
        fs::copy(from, self.directory.path().join(name)).expect("copied");
    }
}

/// Writes every block of the recipes that names a file.
fn write_recipes(directory: &Path) {
    let page = fs::read_to_string(repository_root().join("docs/recipes.md")).expect("the recipes");
    let mut file: Option<(&str, String)> = None;
    let mut written = 0;
    for line in page.lines() {
        file = match (file.take(), line.split_once(" file=")) {
            (None, Some((fence, name))) if fence.starts_with("```") => Some((name, String::new())),
            (Some((name, text)), _) if line == "```" => {
                fs::write(directory.join(name), text).expect("written");
                written += 1;
                None
            }
            (Some((name, text)), _) => Some((name, format!("{text}{line}\n"))),
            (None, _) => None,
        };
    }
    assert_eq!((written, file), (5, None), "recipes");
}

#[track_caller]
fn run(command: &mut Command, directory: &Path) -> String {
    let done = command.current_dir(directory).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(done.status.success(), "{command:?}:\n{}{}", text(&done.stdout), text(&done.stderr));
    text(&done.stdout)
}

/// Where `scripts/clients` put a tool.
#[track_caller]
fn installed(name: &str) -> String {
    let mut script = Command::new(repository_root().join("scripts/clients"));
    run(script.args(["path", name]), &repository_root()).trim().to_owned()
}

mod node {
    use super::{Command, SigningKey, Site, installed};

    #[test]
    fn should_run_the_recipe_without_a_library_with_keys_of_both_kinds() {
        for key in [SigningKey::Ed25519, SigningKey::P256] {
            let site = Site::new(key);
            assert_eq!(site.run(Command::new("node").arg("recipe.mjs")), "Hello\nHello\n", "{key:?}");
        }
    }

    #[test]
    fn should_open_what_jose_hpke_and_typage_write_and_be_read_by_them() {
        let site = Site::new(SigningKey::P256);
        site.add("tools.mjs");
        let packages = std::path::PathBuf::from(installed("interop-node")).join("node_modules");
        std::os::unix::fs::symlink(packages, site.directory.path().join("node_modules")).expect("linked");
        let printed = site.run(Command::new("node").arg("tools.mjs"));
        for curve in ["P-256", "X25519"] {
            for tool in [
                "jose ECDH-ES",
                "jose ECDH-ES+A256KW",
                "@hpke/core AES-128-GCM",
                "@hpke/core AES-256-GCM",
                "typage",
            ] {
                assert!(printed.contains(&format!("{tool} {curve}\n")), "{tool} {curve}: {printed}");
            }
        }
    }
}

mod python {
    use super::{Command, SigningKey, Site, installed};

    #[test]
    fn should_run_the_recipe_with_keys_of_both_kinds() {
        for key in [SigningKey::Ed25519, SigningKey::P256] {
            let site = Site::new(key);
            let printed = site.run(Command::new(installed("interop-python")).arg("content.py"));
            assert_eq!(printed, "Hello\nHello\n", "{key:?}");
        }
    }

    #[test]
    fn should_open_what_joserfc_python_cwt_and_pyrage_write_and_be_read_by_them() {
        let site = Site::new(SigningKey::Ed25519);
        site.add("tools.py");
        let printed = site.run(Command::new(installed("interop-python")).arg("tools.py"));
        for tool in [
            "joserfc ECDH-ES P-256",
            "joserfc ECDH-ES X25519",
            "joserfc ECDH-ES+A256KW P-256",
            "joserfc ECDH-ES+A256KW X25519",
            "python-cwt -25 P-256",
            "python-cwt -31 P-256",
            "pyrage X25519",
        ] {
            assert!(printed.contains(&format!("{tool}\n")), "{tool}: {printed}");
        }
    }
}

mod shell {
    use super::{Command, SigningKey, Site};

    #[test]
    fn should_run_the_recipe_of_age_and_curl() {
        let site = Site::new(SigningKey::Ed25519);
        assert_eq!(site.run(Command::new("sh").arg("content.sh")), "Hello");
    }
}
