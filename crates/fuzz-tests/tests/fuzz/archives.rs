//! Archives as a whole: tarballs, wheels, source distributions, and the tar inside.

use fuzz_tests::{Campaign, files_below};
use package_formats::{Limits, NpmPackage, PythonPackage};

use crate::packing::{gunzip, gzip, with_checksums};

pub const TARBALLS: &str = "../package-formats/tests/fixtures/npm";
pub const DISTRIBUTIONS: &str = "../package-formats/tests/fixtures/pypi";
pub const WHEEL: &str = "demo-1.0-py3-none-any.whl";
pub const SDIST: &str = "demo-1.0.tar.gz";

pub fn open_tarball(bytes: &[u8]) {
    drop(NpmPackage::open(bytes, &Limits::default()));
}

fn open_sdist(bytes: &[u8]) {
    drop(PythonPackage::open(SDIST, bytes, &Limits::default()));
}

#[test]
fn should_stand_damaged_npm_tarballs() {
    Campaign::new("npm-tarball", files_below(TARBALLS, ".tgz")).run(open_tarball);
}

#[test]
fn should_stand_damaged_source_distributions() {
    let seeds = [files_below(DISTRIBUTIONS, ".tar.gz"), files_below(TARBALLS, ".tgz")].concat();
    Campaign::new("sdist", seeds).run(open_sdist);
}

#[test]
fn should_stand_damaged_wheels() {
    Campaign::new("wheel", files_below(DISTRIBUTIONS, ".whl"))
        .run(|bytes| drop(PythonPackage::open(WHEEL, bytes, &Limits::default())));
}

#[test]
fn should_stand_damaged_tar_below_sound_gzip() {
    let mut seeds: Vec<_> = files_below(TARBALLS, ".tgz").iter().map(|tarball| gunzip(tarball)).collect();
    seeds.extend(files_below(DISTRIBUTIONS, ".tar.gz").iter().map(|sdist| gunzip(sdist)));
    Campaign::new("tar", seeds).run(|bytes| {
        let packed = [gzip(bytes), gzip(&with_checksums(bytes.to_vec()))];
        for packed in &packed {
            open_tarball(packed);
            open_sdist(packed);
        }
    });
}
