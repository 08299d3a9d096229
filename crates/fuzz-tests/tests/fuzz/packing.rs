//! Archives around one changed file, so that changes reach the parser of that file and not only the archive's.

use std::io::{Cursor, Read as _, Write as _};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use release_types::Sha256Digest;

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("writing to memory");
    encoder.finish().expect("writing to memory")
}

pub fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut plain).expect("a seed is whole");
    plain
}

pub fn tar_gz(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, *content).expect("writing to memory");
    }
    gzip(&archive.into_inner().expect("writing to memory"))
}

/// One file of a gzip-compressed tar archive.
pub fn file_of_tar_gz(archive: &[u8], wanted: &str) -> Option<Vec<u8>> {
    let plain = gunzip(archive);
    let mut archive = tar::Archive::new(&plain[..]);
    for entry in archive.entries().expect("a seed is whole") {
        let mut entry = entry.expect("a seed is whole");
        if entry.path().expect("a seed is whole").to_string_lossy() == wanted {
            let mut content = Vec::new();
            entry.read_to_end(&mut content).expect("a seed is whole");
            return Some(content);
        }
    }
    None
}

/// A tar archive whose headers have the checksums that belong to them.
pub fn with_checksums(mut tar: Vec<u8>) -> Vec<u8> {
    for block in tar.chunks_exact_mut(512).filter(|block| &block[257..262] == b"ustar") {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    }
    tar
}

/// A wheel of `demo` 1.0 with a fitting `RECORD`, unless the files bring one.
pub fn wheel(files: &[(&str, &[u8])]) -> Vec<u8> {
    const RECORD: &str = "demo-1.0.dist-info/RECORD";
    let line = |(path, content): &(&str, &[u8])| {
        let digest = URL_SAFE_NO_PAD.encode(Sha256Digest::of(content).as_bytes());
        format!("{path},sha256={digest},{}\n", content.len())
    };
    let record = files.iter().map(line).collect::<String>() + RECORD + ",,\n";
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let own_record = (!files.iter().any(|(path, _)| *path == RECORD)).then_some((RECORD, record.as_bytes()));
    for (path, content) in files.iter().copied().chain(own_record) {
        writer.start_file(path, stored).expect("writing to memory");
        writer.write_all(content).expect("writing to memory");
    }
    writer.finish().expect("writing to memory").into_inner()
}

/// One file of a wheel.
pub fn file_of_wheel(wheel: &[u8], wanted: &str) -> Option<Vec<u8>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(wheel)).expect("a seed is whole");
    let mut content = Vec::new();
    archive.by_name(wanted).ok()?.read_to_end(&mut content).expect("a seed is whole");
    Some(content)
}
