//! Archives that somebody made to mislead or to break a reader.

use std::io::{Cursor, Write};

use flate2::{Compression, write::GzEncoder};
use tar::{EntryType, Header};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// One entry of a tar archive, exactly as it is to be written.
pub struct TarEntry<'a> {
    /// At most 100 bytes; not looked at.
    pub path: &'a str,
    pub kind: EntryType,
    pub content: &'a [u8],
    /// What the header says, when it lies.
    pub declared_bytes: Option<u64>,
}

impl<'a> TarEntry<'a> {
    pub fn file(path: &'a str, content: &'a [u8]) -> Self {
        Self { path, kind: EntryType::Regular, content, declared_bytes: None }
    }

    pub fn link(path: &'a str, kind: EntryType) -> Self {
        Self { path, kind, content: b"", declared_bytes: None }
    }
}

/// A gzipped tar of good files and then the entries given.
pub fn tar_gz_with(files: &[(&str, &[u8])], entries: &[TarEntry<'_>]) -> Vec<u8> {
    let files = files.iter().map(|(path, content)| TarEntry::file(path, content));
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for entry in files {
        append(&mut archive, &entry);
    }
    for entry in entries {
        append(&mut archive, entry);
    }
    archive.into_inner().and_then(|gzip| gzip.finish()).expect("memory takes everything")
}

fn append(archive: &mut tar::Builder<GzEncoder<Vec<u8>>>, entry: &TarEntry<'_>) {
    let mut header = Header::new_ustar();
    // Past the checks of the setter, which refuses what is tested here.
    header.as_old_mut().name[..entry.path.len()].copy_from_slice(entry.path.as_bytes());
    header.set_entry_type(entry.kind);
    header.set_mode(0o644);
    header.set_size(entry.declared_bytes.unwrap_or(entry.content.len() as u64));
    if matches!(entry.kind, EntryType::Symlink | EntryType::Link) {
        header.set_link_name("/etc/passwd").expect("a path that fits");
    }
    header.set_cksum();
    archive.append(&header, entry.content).expect("memory takes everything");
}

/// The same gzip stream in exactly `size_bytes`: what is missing is put into the header's extra field, which says
/// nothing about the content.
///
/// # Panics
/// When the stream has optional fields already, or more is missing than the extra field holds (65,535 bytes).
pub fn pad_gzip(gzip: &[u8], size_bytes: usize) -> Vec<u8> {
    const HEADER_BYTES: usize = 10;
    const FLAGS_AT: usize = 3;
    const FLAG_EXTRA: u8 = 4;
    assert_eq!(gzip[FLAGS_AT], 0, "a header without optional fields");
    let extra_bytes = size_bytes - gzip.len() - 2;
    let mut padded = gzip[..HEADER_BYTES].to_vec();
    padded[FLAGS_AT] = FLAG_EXTRA;
    padded.extend(u16::try_from(extra_bytes).expect("at most 65,535 bytes").to_le_bytes());
    padded.resize(HEADER_BYTES + 2 + extra_bytes, 0);
    padded.extend_from_slice(&gzip[HEADER_BYTES..]);
    padded
}

/// One member of a zip archive.
pub enum ZipMember<'a> {
    File(&'a str, &'a [u8]),
    Symlink(&'a str),
}

/// A zip archive of members with any names.
pub fn zip_of(members: &[ZipMember<'_>]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for member in members {
        match member {
            ZipMember::File(path, content) => {
                archive.start_file(*path, options).expect("a name");
                archive.write_all(content).expect("memory takes everything");
            }
            ZipMember::Symlink(path) => {
                archive.add_symlink(*path, "/etc/passwd", options).expect("a name");
            }
        }
    }
    archive.finish().expect("memory takes everything").into_inner()
}

/// Lets the first member of a zip archive claim another unpacked size, in both of its headers.
pub fn misdeclare_first_member(archive: &mut [u8], size_bytes: u32) {
    const LOCAL_SIZE_AT: usize = 22;
    const CENTRAL_SIZE_AT: usize = 24;
    let central = archive.windows(4).position(|bytes| bytes == b"PK\x01\x02").expect("a directory");
    for at in [LOCAL_SIZE_AT, central + CENTRAL_SIZE_AT] {
        archive[at..at + 4].copy_from_slice(&size_bytes.to_le_bytes());
    }
}
