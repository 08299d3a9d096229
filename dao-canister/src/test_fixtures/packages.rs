//! Small well-formed packages.

use std::io::{Cursor, Write as _};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha256};
use zip::{ZipWriter, write::SimpleFileOptions};

fn tar_gz(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let encoder = GzEncoder::new(Vec::new(), Compression::default());
    let mut builder = tar::Builder::new(encoder);
    for (path, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, content.as_slice()).expect("writes to memory");
    }
    builder.into_inner().and_then(GzEncoder::finish).expect("writes to memory")
}

/// An npm tarball with this `package.json`.
pub fn npm_tarball_of(manifest: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut all = vec![("package/package.json".to_owned(), manifest.as_bytes().to_vec())];
    all.extend(files.iter().map(|(path, content)| (format!("package/{path}"), content.to_vec())));
    tar_gz(&all)
}

pub fn npm_tarball(name: &str, version: &str) -> Vec<u8> {
    npm_tarball_of(&format!(r#"{{"name":"{name}","version":"{version}"}}"#), &[])
}

/// Bytes that do not compress.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

fn metadata(name: &str, version: &str) -> Vec<u8> {
    format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nAbout it.\n").into_bytes()
}

pub fn wheel(name: &str, version: &str) -> Vec<u8> {
    let info = format!("{name}-{version}.dist-info");
    let mut all = vec![
        (format!("{info}/METADATA"), metadata(name, version)),
        (format!("{info}/WHEEL"), b"Wheel-Version: 1.0\nTag: py3-none-any\n".to_vec()),
    ];
    let mut record: String = all
        .iter()
        .map(|(path, content)| {
            let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(content));
            format!("{path},sha256={digest},{}\n", content.len())
        })
        .collect();
    record.push_str(&format!("{info}/RECORD,,\n"));
    all.push((format!("{info}/RECORD"), record.into_bytes()));
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in all {
        let options = SimpleFileOptions::default().unix_permissions(0o644);
        writer.start_file(path, options).expect("writes to memory");
        writer.write_all(&content).expect("writes to memory");
    }
    writer.finish().expect("writes to memory").into_inner()
}

pub fn sdist(name: &str, version: &str) -> Vec<u8> {
    tar_gz(&[(format!("{name}-{version}/PKG-INFO"), metadata(name, version))])
}
