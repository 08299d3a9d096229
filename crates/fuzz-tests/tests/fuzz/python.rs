//! `METADATA`, `RECORD` and `entry_points.txt`, in wheels that are sound.

use fuzz_tests::{Campaign, corpus, files_below};
use package_formats::{Limits, Package, PythonPackage, review, upload_form};
use registry_protocols::{
    endpoint::EndpointUrl,
    pypi::{PypiUploadError, upload_request},
};

use crate::{
    archives::{DISTRIBUTIONS, SDIST, WHEEL},
    packing::{file_of_wheel, tar_gz, wheel},
};

const WHEEL_FILE: (&str, &[u8]) = ("demo-1.0.dist-info/WHEEL", b"Wheel-Version: 1.0\n");
const METADATA: (&str, &[u8]) =
    ("demo-1.0.dist-info/METADATA", b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n");

/// Whatever can be opened can be uploaded, or is too large.
fn open_and_upload(filename: &str, bytes: &[u8]) {
    let Ok(package) = PythonPackage::open(filename, bytes, &Limits::default()) else { return };
    let endpoint = EndpointUrl::check("upload_url", "https://pypi.registry.example/").expect("a good URL");
    match upload_request(&endpoint, &upload_form(&package), filename, bytes) {
        Ok(_) | Err(PypiUploadError::Oversize(_)) => {}
        Err(error) => panic!("opened, but cannot be uploaded: {error}"),
    }
    drop(review(&Package::Python(Box::new(package))));
}

#[test]
fn should_stand_any_metadata() {
    let wheels = files_below(DISTRIBUTIONS, ".whl");
    let seeds: Vec<_> = wheels.iter().filter_map(|bytes| file_of_wheel(bytes, METADATA.0)).collect();
    Campaign::new("metadata", seeds).run(|metadata| {
        open_and_upload(WHEEL, &wheel(&[(METADATA.0, metadata), WHEEL_FILE]));
        open_and_upload(SDIST, &tar_gz(&[("demo-1.0/PKG-INFO", metadata), ("demo-1.0/LICENSE", b"")]));
    });
}

#[test]
fn should_stand_any_record() {
    let wheels = files_below(DISTRIBUTIONS, ".whl");
    let record = "demo-1.0.dist-info/RECORD";
    let seeds: Vec<_> = wheels.iter().filter_map(|bytes| file_of_wheel(bytes, record)).collect();
    Campaign::new("record", seeds)
        .run(|text| open_and_upload(WHEEL, &wheel(&[METADATA, WHEEL_FILE, (record, text)])));
}

#[test]
fn should_stand_any_entry_points() {
    Campaign::new("entry-points", corpus("entry-points")).run(|text| {
        let entry_points = ("demo-1.0.dist-info/entry_points.txt", text);
        open_and_upload(WHEEL, &wheel(&[METADATA, WHEEL_FILE, entry_points]));
    });
}

#[test]
fn should_stand_any_file_name() {
    Campaign::new("python-file-names", corpus("python-file-names")).run(|name| {
        let name = String::from_utf8_lossy(name);
        open_and_upload(&name, &wheel(&[METADATA, WHEEL_FILE]));
    });
}
