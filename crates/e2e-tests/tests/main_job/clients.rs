//! The ecosystems' own clients, `npm` and `pip`, without the user's settings.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use e2e_tests::canister_wasm::repository_root;

/// Runs a client in a directory and returns what it printed.
///
/// # Panics
/// When it fails, with all that it said.
#[track_caller]
pub fn run(program: &Path, arguments: &[&str], directory: &Path) -> String {
    fs::create_dir_all(directory).expect("a directory");
    let mut command = Command::new(program);
    command.args(arguments).current_dir(directory);
    for (name, _) in std::env::vars_os() {
        let upper = name.to_string_lossy().to_uppercase();
        if upper.starts_with("NPM_CONFIG_") || upper.starts_with("PIP_") {
            command.env_remove(name);
        }
    }
    command
        .env("npm_config_cache", directory.join(".npm"))
        .env("npm_config_userconfig", directory.join(".npmrc"));
    command.env("npm_config_update_notifier", "false").env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
    let done = command.output().unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let printed = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{command:?}:\n{printed}{}", String::from_utf8_lossy(&done.stderr));
    printed
}

/// Runs `npm` in a directory.
#[track_caller]
pub fn npm(arguments: &[&str], directory: &Path) -> String {
    run(Path::new("npm"), &[arguments, &["--no-audit", "--no-fund", "--loglevel=error"]].concat(), directory)
}

/// Downloads one file of a project with `pip`, and returns its path.
#[track_caller]
pub fn pip_download(index: &str, requirement: &str, options: &[&str], directory: &Path) -> PathBuf {
    let python = repository_root().join(".build/peers/python/bin/python");
    let fixed =
        ["-m", "pip", "download", "-q", "--no-deps", "--no-cache-dir", "--no-build-isolation", "-d", "."];
    run(&python, &[&fixed, options, &["--index-url", index, requirement]].concat(), directory);
    let mut files =
        fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path());
    files.find(|path| path.is_file()).expect("pip downloaded something")
}
