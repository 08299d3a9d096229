//! `package.json` and the other texts of an npm package, in archives that are sound.

use fuzz_tests::{Campaign, files_below};
use package_formats::{Limits, NpmPackage, review};
use registry_protocols::{
    endpoint::EndpointUrl,
    npm::{NpmPublication, NpmPublishError, publish_request},
};
use release_types::proposal::{NpmAccess, NpmOptions};

use crate::{
    archives::TARBALLS,
    packing::{file_of_tar_gz, tar_gz},
};

/// Whatever can be opened can be published, or is too large.
fn open_and_publish(tarball: &[u8]) {
    let Ok(package) = NpmPackage::open(tarball, &Limits::default()) else { return };
    let manifest_json = serde_json::to_string(&package.manifest).expect("a document is JSON");
    let options = NpmOptions { dist_tag: "latest".to_owned(), access: NpmAccess::Public };
    let publication = NpmPublication {
        name: &package.name,
        version: &package.version,
        manifest_json: &manifest_json,
        options: &options,
    };
    let endpoint = EndpointUrl::check("upload_url", "https://npm.registry.example/").expect("a good URL");
    match publish_request(&endpoint, &publication, tarball) {
        Ok(_) | Err(NpmPublishError::Oversize(_)) => {}
        Err(error) => panic!("opened, but cannot be published: {error}"),
    }
    drop(review(&package_formats::Package::Npm(Box::new(package))));
}

#[test]
fn should_stand_any_package_json() {
    let tarballs = files_below(TARBALLS, ".tgz");
    let seeds: Vec<_> =
        tarballs.iter().filter_map(|tarball| file_of_tar_gz(tarball, "package/package.json")).collect();
    Campaign::new("package-json", seeds).inputs(5_000).run(|manifest| {
        open_and_publish(&tar_gz(&[
            ("package/package.json", manifest),
            ("package/README.md", b"# Demo\n\nText.\n"),
            ("package/AUTHORS", b"Ada <ada@example.com>\n"),
            ("package/binding.gyp", b"{}"),
            ("package/server.js", b""),
            ("package/index.d.ts", b""),
            ("package/bin/demo.js", b""),
            ("package/man/demo.1", b""),
        ]));
    });
}

#[test]
fn should_stand_any_readme_and_authors() {
    let tarballs = files_below(TARBALLS, ".tgz");
    let texts = ["package/README.md", "package/AUTHORS"];
    let seeds: Vec<_> = texts
        .iter()
        .flat_map(|path| tarballs.iter().filter_map(|tarball| file_of_tar_gz(tarball, path)))
        .collect();
    Campaign::new("npm-texts", seeds).run(|text| {
        open_and_publish(&tar_gz(&[
            ("package/package.json", br#"{"name":"demo","version":"1.0.0"}"#),
            ("package/README.md", text),
            ("package/AUTHORS", text),
        ]));
    });
}
