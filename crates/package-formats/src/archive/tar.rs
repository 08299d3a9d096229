//! Reads a gzip-compressed tar archive strictly: regular files and directories, one name for each.

use std::io::Read;

use ::tar::{Archive, Entry, EntryType, PaxExtensions};

use super::{Collector, Contents, KeepRule, Unreadable, gzip::GzipReader, path::checked_path, zip};
use crate::{
    limits::{Limits, MAX_EXTENSION_BYTES},
    report::Report,
};

const BLOCK_BYTES: u64 = 512;
/// Two zero blocks end an archive.
const END_MARKER_BYTES: u64 = 2 * BLOCK_BYTES;
const CHUNK_BYTES: usize = 32 * 1024;

/// Reads all of `packed`. Entry-level defects go to `report`; an error means that reading could not go on.
pub(crate) fn read_tar_gz(
    packed: &[u8],
    limits: &Limits,
    keep: KeepRule<'_>,
    report: &mut Report,
) -> Result<Contents, Unreadable> {
    super::check_artifact_size(packed, limits)?;
    if zip::looks_like_zip(packed) {
        return Err(Unreadable::new(
            "archive",
            "a file that is a gzip stream and a zip archive at once",
            "one kind of archive",
            "pack it again",
        ));
    }
    let mut collector = Collector::new(packed.len() as u64, limits, keep);
    // Headers and padding come on top of the files' own bytes: at most three blocks an entry.
    let overhead_bytes = (limits.entries as u64 + 2) * 3 * BLOCK_BYTES;
    let reader = GzipReader::new(packed, limits.unpacked_bytes.saturating_add(overhead_bytes));
    let mut archive = Archive::new(reader);
    let walked = walk(&mut archive, &mut collector, report);
    let mut reader = archive.into_inner();
    let entries_end = walked.map_err(|stop| stop.into_unreadable(&reader))?;
    check_zeros_to_end(&mut reader, entries_end)?;
    reader.check_end()?;
    Ok(collector.finish(report))
}

/// Why the walk stopped.
enum Stop {
    Io(std::io::Error),
    Unreadable(Unreadable),
}

impl Stop {
    fn into_unreadable(self, reader: &GzipReader<'_>) -> Unreadable {
        match self {
            Self::Io(error) => reader.explain(&error),
            Self::Unreadable(unreadable) => unreadable,
        }
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Unreadable> for Stop {
    fn from(unreadable: Unreadable) -> Self {
        Self::Unreadable(unreadable)
    }
}

/// What extension headers said about the entry after them.
#[derive(Default)]
struct Extension {
    path: Option<Vec<u8>>,
    size_bytes: Option<u64>,
    present: bool,
}

/// Visits every entry; returns the offset at which the last one ends.
///
/// The iteration is raw: extension headers arrive as entries of their own, so that their size is bounded before
/// they are read and so that two of them cannot contradict each other unseen.
fn walk(
    archive: &mut Archive<GzipReader<'_>>,
    collector: &mut Collector<'_>,
    report: &mut Report,
) -> Result<u64, Stop> {
    let mut extension = Extension::default();
    let mut end = 0;
    for entry in archive.entries()?.raw(true) {
        let mut entry = entry?;
        collector.count_entry()?;
        let padded = entry.size().checked_next_multiple_of(BLOCK_BYTES).unwrap_or(u64::MAX);
        end = entry.raw_file_position().saturating_add(padded);
        match entry.header().entry_type() {
            EntryType::XHeader => read_pax(&mut entry, &mut extension)?,
            EntryType::GNULongName => read_long_name(&mut entry, &mut extension)?,
            EntryType::XGlobalHeader => read_global_pax(&mut entry)?,
            EntryType::Regular => {
                read_file(&mut entry, std::mem::take(&mut extension), collector, report)?;
            }
            EntryType::Directory => {
                read_directory(&entry, std::mem::take(&mut extension), collector, report)?;
            }
            other => {
                extension = Extension::default();
                let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
                report.add(
                    "archive entry",
                    format!("{name}, a {}", kind_name(other)),
                    "regular files and directories",
                    "replace it by the file itself and pack again",
                );
            }
        }
    }
    if extension.present {
        return Err(ambiguous("an extension header without an entry after it").into());
    }
    Ok(end)
}

fn kind_name(kind: EntryType) -> String {
    match kind {
        EntryType::Symlink => "symbolic link".into(),
        EntryType::Link => "hard link".into(),
        EntryType::Char | EntryType::Block => "device".into(),
        EntryType::Fifo => "named pipe".into(),
        EntryType::GNUSparse => "sparse file".into(),
        other => format!("tar entry of type {:?}", char::from(other.as_byte())),
    }
}

fn ambiguous(found: impl Into<String>) -> Unreadable {
    Unreadable::new(
        "archive headers",
        found,
        "headers that every tar program reads alike",
        "pack it again with the ecosystem's own tool",
    )
}

fn read_extension(entry: &mut Entry<'_, GzipReader<'_>>) -> Result<Vec<u8>, Stop> {
    if entry.size() > MAX_EXTENSION_BYTES {
        return Err(ambiguous(format!("an extension header of {} bytes", entry.size())).into());
    }
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes)?;
    if bytes.len() as u64 != entry.size() {
        return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
    }
    Ok(bytes)
}

fn read_long_name(entry: &mut Entry<'_, GzipReader<'_>>, extension: &mut Extension) -> Result<(), Stop> {
    let mut name = read_extension(entry)?;
    if name.last() == Some(&0) {
        name.pop();
    }
    if extension.path.replace(name).is_some() {
        return Err(ambiguous("two names for one entry").into());
    }
    extension.present = true;
    Ok(())
}

fn read_pax(entry: &mut Entry<'_, GzipReader<'_>>, extension: &mut Extension) -> Result<(), Stop> {
    for (key, value) in pax_records(&read_extension(entry)?)? {
        let duplicate = match key.as_str() {
            "path" => extension.path.replace(value).is_some(),
            "size" => {
                let size = std::str::from_utf8(&value).ok().and_then(|text| text.parse().ok());
                let size = size.ok_or_else(|| ambiguous("a size that is no number"))?;
                extension.size_bytes.replace(size).is_some()
            }
            _ if is_harmless(&key) => false,
            _ => return Err(ambiguous(format!("the extension {key}")).into()),
        };
        if duplicate {
            return Err(ambiguous(format!("two values for {key}")).into());
        }
    }
    extension.present = true;
    Ok(())
}

fn read_global_pax(entry: &mut Entry<'_, GzipReader<'_>>) -> Result<(), Stop> {
    for (key, _) in pax_records(&read_extension(entry)?)? {
        // `git archive` writes the commit here.
        if key != "comment" {
            return Err(ambiguous(format!("the global extension {key}")).into());
        }
    }
    Ok(())
}

fn pax_records(data: &[u8]) -> Result<Vec<(String, Vec<u8>)>, Unreadable> {
    // The parser stops at an empty line; others would read on.
    if !data.ends_with(b"\n") || data.windows(2).any(|pair| pair == b"\n\n") {
        return Err(ambiguous("a malformed extension header"));
    }
    PaxExtensions::new(data)
        .map(|record| {
            let record = record.map_err(|_| ambiguous("a malformed extension header"))?;
            let key = record.key().map_err(|_| ambiguous("an extension header that is not UTF-8"))?;
            Ok((key.to_owned(), record.value_bytes().to_vec()))
        })
        .collect()
}

/// Extensions that change neither name, kind nor content.
fn is_harmless(key: &str) -> bool {
    const NAMES: [&str; 11] = [
        "mtime",
        "atime",
        "ctime",
        "uid",
        "gid",
        "uname",
        "gname",
        "comment",
        "SCHILY.dev",
        "SCHILY.ino",
        "SCHILY.nlink",
    ];
    NAMES.contains(&key) || key.starts_with("SCHILY.xattr.") || key.starts_with("LIBARCHIVE.")
}

/// The entry's path by whichever header gives it.
fn entry_path(
    entry: &Entry<'_, GzipReader<'_>>,
    extension: Extension,
    report: &mut Report,
) -> Result<(Option<String>, bool), Unreadable> {
    if extension.size_bytes.is_some_and(|size| size != entry.size()) {
        return Err(ambiguous("two different sizes for one entry"));
    }
    let raw = extension.path.unwrap_or_else(|| entry.path_bytes().into_owned());
    Ok((checked_path(&raw, report), raw.ends_with(b"/")))
}

fn read_directory(
    entry: &Entry<'_, GzipReader<'_>>,
    extension: Extension,
    collector: &mut Collector<'_>,
    report: &mut Report,
) -> Result<(), Stop> {
    if entry.size() != 0 {
        return Err(ambiguous("a directory with content").into());
    }
    if let (Some(path), _) = entry_path(entry, extension, report)? {
        collector.claim(&path, true, report);
    }
    Ok(())
}

fn read_file(
    entry: &mut Entry<'_, GzipReader<'_>>,
    extension: Extension,
    collector: &mut Collector<'_>,
    report: &mut Report,
) -> Result<(), Stop> {
    let (path, ends_with_slash) = entry_path(entry, extension, report)?;
    if ends_with_slash {
        return Err(ambiguous("a regular file with a directory's name").into());
    }
    let declared_bytes = entry.size();
    let executable = entry.header().mode().is_ok_and(|mode| mode & 0o111 != 0);
    // A file with a refused path is still read, to find what else is wrong; nobody looks at it afterwards.
    let is_named = path.is_some();
    let path = path.unwrap_or_default();
    let mut file = collector.start_file(&path, declared_bytes)?;
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        let count = entry.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        file.take(&buffer[..count]);
    }
    if file.size_bytes != declared_bytes {
        return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
    }
    if is_named {
        collector.claim(&path, false, report);
        collector.finish_file(path, executable, file, report);
    }
    Ok(())
}

/// After the last entry come only zeros, and at least the end marker.
fn check_zeros_to_end(reader: &mut GzipReader<'_>, entries_end: u64) -> Result<(), Unreadable> {
    let mut buffer = [0; 4096];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) if buffer[..count].iter().all(|byte| *byte == 0) => {}
            Ok(_) => {
                return Err(Unreadable::new(
                    "archive",
                    "data after the end of the tar archive",
                    "nothing but zeros after it",
                    "pack it again; some programs would unpack what is hidden there",
                ));
            }
            Err(error) => return Err(reader.explain(&error)),
        }
    }
    if reader.unpacked_bytes() < entries_end.saturating_add(END_MARKER_BYTES) {
        return Err(Unreadable::new(
            "archive",
            "no end marker",
            "two zero blocks after the last entry",
            "the archive was cut off: pack it again",
        ));
    }
    Ok(())
}
