//! Package archives made in memory: good ones here, hostile ones in the tests that need them.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use serde_json::json;
use sha2::{Digest, Sha256};

/// A gzipped tar of the given paths and contents.
pub fn tar_gz(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (path, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_entry_type(tar::EntryType::Regular);
        archive.append_data(&mut header, path, *content).expect("a path that tar can hold");
    }
    archive.into_inner().and_then(|gzip| gzip.finish()).expect("memory takes everything")
}

/// An npm tarball with a package.json, a README and `filler_bytes` of incompressible content.
pub fn npm_tarball(name: &str, version: &str, filler_bytes: usize) -> Vec<u8> {
    let manifest = json!({
        "name": name, "version": version, "description": "A package that a group published",
        "main": "index.js", "license": "MIT", "dependencies": {"left-pad": "^1.3.0"},
    });
    let manifest = serde_json::to_vec_pretty(&manifest).expect("JSON");
    let filler = noise(filler_bytes);
    tar_gz(&[
        ("package/package.json", &manifest),
        ("package/index.js", b"module.exports = 42;\n"),
        ("package/README.md", b"# demo\n"),
        ("package/filler.bin", &filler),
    ])
}

/// A pure-Python wheel with `filler_bytes` of incompressible content.
pub fn wheel(name: &str, version: &str, filler_bytes: usize) -> Vec<u8> {
    let info = format!("{name}-{version}.dist-info");
    let files: Vec<(String, Vec<u8>)> = vec![
        (format!("{name}/__init__.py"), b"VALUE = 42\n".to_vec()),
        (format!("{name}/filler.bin"), noise(filler_bytes)),
        (format!("{info}/METADATA"), core_metadata(name, version)),
        (
            format!("{info}/WHEEL"),
            b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n".to_vec(),
        ),
    ];
    let mut record = String::new();
    for (path, content) in &files {
        use base64::Engine;
        let digest = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(Sha256::digest(content));
        record.push_str(&format!("{path},sha256={digest},{}\n", content.len()));
    }
    record.push_str(&format!("{info}/RECORD,,\n"));
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for (path, content) in files
        .iter()
        .map(|(p, c)| (p.as_str(), c.as_slice()))
        .chain([(format!("{info}/RECORD").as_str(), record.as_bytes())])
    {
        archive.start_file(path, options).expect("a path that zip can hold");
        archive.write_all(content).expect("memory takes everything");
    }
    archive.finish().expect("memory takes everything").into_inner()
}

/// A source distribution.
pub fn sdist(name: &str, version: &str) -> Vec<u8> {
    let top = format!("{name}-{version}");
    tar_gz(&[
        (&format!("{top}/PKG-INFO"), &core_metadata(name, version)),
        (&format!("{top}/pyproject.toml"), b"[project]\nname = \"demo\"\n"),
        (&format!("{top}/{name}/__init__.py"), b"VALUE = 42\n"),
    ])
}

fn core_metadata(name: &str, version: &str) -> Vec<u8> {
    format!(
        "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: A package that a group published\n\
         Requires-Python: >=3.8\nClassifier: Programming Language :: Python :: 3\n\n# demo\n"
    )
    .into_bytes()
}

/// Bytes that do not compress: a hash chain.
pub fn noise(length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 32);
    let mut block: [u8; 32] = Sha256::digest(b"noise").into();
    while bytes.len() < length {
        bytes.extend_from_slice(&block);
        block = Sha256::digest(block).into();
    }
    bytes.truncate(length);
    bytes
}
