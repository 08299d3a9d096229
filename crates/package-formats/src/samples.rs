//! Small well-formed artifacts that tests start from.

use std::io::{Cursor, Write as _};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha256};
use zip::{ZipWriter, write::SimpleFileOptions};

/// A gzip stream of one member.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("writes to memory");
    encoder.finish().expect("writes to memory")
}

/// An uncompressed tar archive of regular files.
pub(crate) fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(if path.ends_with(".sh") { 0o755 } else { 0o644 });
        builder.append_data(&mut header, path, *content).expect("writes to memory");
    }
    builder.into_inner().expect("writes to memory")
}

/// An npm tarball with this `package.json` and these further files.
pub(crate) fn npm_tarball(manifest: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut all = vec![("package/package.json".to_owned(), manifest.as_bytes())];
    all.extend(files.iter().map(|(path, content)| (format!("package/{path}"), *content)));
    let all: Vec<_> = all.iter().map(|(path, content)| (path.as_str(), *content)).collect();
    gzip(&tar(&all))
}

/// A zip archive of regular files.
pub(crate) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in files {
        let options = SimpleFileOptions::default().unix_permissions(0o644);
        writer.start_file(*path, options).expect("writes to memory");
        writer.write_all(content).expect("writes to memory");
    }
    writer.finish().expect("writes to memory").into_inner()
}

/// Minimal core metadata.
pub(crate) fn metadata(name: &str, version: &str) -> String {
    format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nAbout it.\n")
}

/// A wheel with a correct `RECORD`. Files given under a path that is made here replace it.
pub(crate) fn wheel(name: &str, version: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    let info = format!("{name}-{version}.dist-info");
    let mut all = vec![
        (format!("{info}/METADATA"), metadata(name, version).into_bytes()),
        (format!("{info}/WHEEL"), b"Wheel-Version: 1.0\nTag: py3-none-any\n".to_vec()),
    ];
    for (path, content) in files {
        all.retain(|(other, _)| other != path);
        all.push(((*path).to_owned(), content.to_vec()));
    }
    let record_path = format!("{info}/RECORD");
    if !all.iter().any(|(path, _)| *path == record_path) {
        let mut record = String::new();
        for (path, content) in &all {
            let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(content));
            record.push_str(&format!("{path},sha256={digest},{}\n", content.len()));
        }
        record.push_str(&format!("{record_path},,\n"));
        all.push((record_path, record.into_bytes()));
    }
    let all: Vec<_> = all.iter().map(|(path, content)| (path.as_str(), content.as_slice())).collect();
    zip(&all)
}

/// A source distribution.
pub(crate) fn sdist(name: &str, version: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    let top = format!("{name}-{version}");
    let mut all = vec![(format!("{top}/PKG-INFO"), metadata(name, version).into_bytes())];
    all.extend(files.iter().map(|(path, content)| (format!("{top}/{path}"), content.to_vec())));
    let all: Vec<_> = all.iter().map(|(path, content)| (path.as_str(), content.as_slice())).collect();
    gzip(&tar(&all))
}
