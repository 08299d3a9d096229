//! Fetching a release with the user's own npm or pip, so that their registries, credentials and proxies count. No
//! registry's address is written here, and nothing that is fetched is run.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use release_types::Ecosystem;
use serde::Deserialize;

use super::ReleaseName;
use crate::{
    failure::{Failure, Outcome},
    operations::user_client::{python, run},
};

const PIP_FILES: &str = include_str!("pip_files.py");

/// A file of a release, as a registry serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedFile {
    pub filename: String,
    pub path: PathBuf,
}

/// What the user's client fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    pub files: Vec<FetchedFile>,
    /// Names of files of the same release that this machine would not install.
    pub left_out: Vec<String>,
}

/// Which files of a release are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The one that the client would install on this machine.
    Chosen,
    All,
}

/// Fetches a release's files into an empty directory.
///
/// # Errors
/// When the client is not installed, or does not find or get the release.
pub fn fetch(release: &ReleaseName, extent: Extent, directory: &Path) -> Outcome<Fetched> {
    match release.ecosystem {
        Ecosystem::Npm => fetch_npm(release, directory),
        Ecosystem::Pypi => fetch_pypi(release, extent, directory),
    }
}

/// `npm pack` of a registry's release keeps the registry's bytes, checked against the registry's own digest.
fn fetch_npm(release: &ReleaseName, directory: &Path) -> Outcome<Fetched> {
    let mut command = Command::new("npm");
    command.args(["pack", "--loglevel=error", "--ignore-scripts", "--prefer-online", "--pack-destination"]);
    command.arg(directory).arg("--").arg(format!("{}@{}", release.package, release.version));
    run(&mut command, &format!("fetch {release}"))?;
    let entries = fs::read_dir(directory).map_err(|error| Failure::file("read", directory, error))?;
    let files = entries.flatten().map(|entry| {
        let filename = entry.file_name().to_string_lossy().into_owned();
        FetchedFile { filename, path: entry.path() }
    });
    let fetched = Fetched { files: files.collect(), left_out: Vec::new() };
    at_least_one(fetched, release)
}

#[derive(Deserialize)]
struct PipFiles {
    files: Vec<PipFile>,
    left_out: Vec<String>,
}

#[derive(Deserialize)]
struct PipFile {
    filename: String,
    path: PathBuf,
}

fn pip_files(release: &ReleaseName, extent: Extent, directory: &Path) -> Command {
    let extent = match extent {
        Extent::Chosen => "chosen",
        Extent::All => "all",
    };
    let mut command = python(PIP_FILES);
    command.arg(directory).args([&release.package, &release.version, extent]);
    command
}

fn fetch_pypi(release: &ReleaseName, extent: Extent, directory: &Path) -> Outcome<Fetched> {
    let mut command = pip_files(release, extent, directory);
    let output = run(&mut command, &format!("fetch {release}"))?;
    let told: PipFiles = serde_json::from_slice(&output.stdout)
        .map_err(|error| Failure::usage(format!("pip did not say what it fetched of {release}: {error}")))?;
    let files = told.files.into_iter().map(|PipFile { filename, path }| FetchedFile { filename, path });
    at_least_one(Fetched { files: files.collect(), left_out: told.left_out }, release)
}

fn at_least_one(fetched: Fetched, release: &ReleaseName) -> Outcome<Fetched> {
    if fetched.files.is_empty() {
        return Err(Failure::usage(format!("the registries of this machine have no file of {release}"))
            .hint("check name and version, and which registry your client is set up for"));
    }
    Ok(fetched)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn should_not_verify_a_version_when_pip_would_install_another() {
        let [links, out] = [(); 2].map(|()| tempfile::tempdir().expect("a directory"));
        let release = ReleaseName::pypi("demo", "1.0").expect("a release");
        let fetched = || {
            let mut command = pip_files(&release, Extent::Chosen, out.path());
            command.env("PIP_NO_INDEX", "1").env("PIP_FIND_LINKS", links.path());
            run(&mut command, "fetch")
        };
        let publish = |name: &str| fs::write(links.path().join(name), b"a wheel").expect("writable");
        publish("demo-1.0-py3-none-any.whl");
        fetched().expect("the only one");
        publish("demo-1.0+evil-py3-none-any.whl");
        assert!(fetched().expect_err("another").message.contains("pip would install 1.0+evil"));
    }
}
