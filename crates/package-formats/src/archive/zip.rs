//! Reads a zip archive strictly: members back to back from the first byte, one directory, the end record last.
//!
//! Zip names every member twice and may be read from either end, and lenient readers differ in what they believe.
//! So the frame is checked here, byte range by byte range, before any content is read: local headers and central
//! directory agree, nothing lies between, before or after them, and each compressed range holds exactly one
//! deflate stream.

use std::io::Read;

use flate2::{Crc, bufread::DeflateDecoder};

use super::{Collector, Contents, KeepRule, Unreadable, path::checked_path};
use crate::{limits::Limits, report::Report};

const LOCAL_SIGNATURE: &[u8] = b"PK\x03\x04";
const CENTRAL_SIGNATURE: &[u8] = b"PK\x01\x02";
const END_SIGNATURE: &[u8] = b"PK\x05\x06";
const ZIP64_LOCATOR_SIGNATURE: &[u8] = b"PK\x06\x07";
const DESCRIPTOR_SIGNATURE: &[u8] = b"PK\x07\x08";

const LOCAL_BYTES: usize = 30;
const CENTRAL_BYTES: usize = 46;
const END_BYTES: usize = 22;
const ZIP64_LOCATOR_BYTES: usize = 20;
const MAX_COMMENT_BYTES: usize = 65_535;

/// Sizes follow the content instead of preceding it.
const FLAG_DESCRIPTOR: u16 = 1 << 3;
const FLAG_UTF8: u16 = 1 << 11;
/// The two deflate level bits say nothing about content.
const FLAGS_ALLOWED: u16 = FLAG_DESCRIPTOR | FLAG_UTF8 | 0b110;
const METHOD_STORED: u16 = 0;
const METHOD_DEFLATED: u16 = 8;

const EXTRA_ZIP64: u16 = 0x0001;
const EXTRA_UNICODE_PATH: u16 = 0x7075;

const HOST_UNIX: u8 = 3;
const MODE_KIND: u32 = 0o170_000;
const MODE_REGULAR: u32 = 0o100_000;
const MODE_DIRECTORY: u32 = 0o040_000;

const CHUNK_BYTES: usize = 32 * 1024;

/// Whether a zip reader, which starts at the end, would take `bytes` for a zip archive.
pub(super) fn looks_like_zip(bytes: &[u8]) -> bool {
    let start = bytes.len().saturating_sub(END_BYTES + MAX_COMMENT_BYTES);
    bytes[start..].windows(END_SIGNATURE.len()).any(|window| window == END_SIGNATURE)
        && (start..=bytes.len().saturating_sub(END_BYTES)).any(|position| {
            bytes[position..].starts_with(END_SIGNATURE)
                && u16_at(bytes, position + 20)
                    .is_ok_and(|comment| position + END_BYTES + usize::from(comment) == bytes.len())
        })
}

/// Reads all of `packed`. Member-level defects go to `report`; an error means that reading could not go on.
pub(crate) fn read_zip(
    packed: &[u8],
    limits: &Limits,
    keep: KeepRule<'_>,
    report: &mut Report,
) -> Result<Contents, Unreadable> {
    super::check_artifact_size(packed, limits)?;
    let members = members(packed, limits)?;
    let mut collector = Collector::new(packed.len() as u64, limits, keep);
    for member in &members {
        collector.count_entry()?;
        read_member(packed, member, &mut collector, report)?;
    }
    Ok(collector.finish(report))
}

/// One member, after both of its headers were found to agree.
struct Member<'a> {
    raw_name: &'a [u8],
    method: u16,
    crc32: u32,
    content: std::ops::Range<usize>,
    size_bytes: u64,
    is_utf8: bool,
    /// Unix mode, if the archive was made on Unix.
    mode: Option<u32>,
}

fn malformed(found: impl Into<String>) -> Unreadable {
    Unreadable::new(
        "archive",
        found,
        "a whole zip archive that every zip program reads alike",
        "the file is damaged, cut off or was changed after it was built: build it again and upload all of it",
    )
}

fn slice(bytes: &[u8], start: usize, length: usize) -> Result<&[u8], Unreadable> {
    let end = start.checked_add(length);
    end.and_then(|end| bytes.get(start..end)).ok_or_else(|| malformed("a header that runs past the end"))
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, Unreadable> {
    let field = slice(bytes, at, 2)?;
    Ok(u16::from_le_bytes([field[0], field[1]]))
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, Unreadable> {
    let field = slice(bytes, at, 4)?;
    Ok(u32::from_le_bytes([field[0], field[1], field[2], field[3]]))
}

fn usize_at(bytes: &[u8], at: usize) -> Result<usize, Unreadable> {
    // A canister's and a host's usize both hold 32 bits.
    u32_at(bytes, at).map(|value| value as usize)
}

/// Checks the frame and lists the members.
fn members<'a>(packed: &'a [u8], limits: &Limits) -> Result<Vec<Member<'a>>, Unreadable> {
    let end = packed.len().checked_sub(END_BYTES).ok_or_else(|| malformed("a file too short for a zip"))?;
    if !packed[end..].starts_with(END_SIGNATURE) {
        return Err(malformed("no end record in the last 22 bytes (cut off, comment or trailing data)"));
    }
    let locator = end.checked_sub(ZIP64_LOCATOR_BYTES).map(|at| &packed[at..]);
    if locator.is_some_and(|bytes| bytes.starts_with(ZIP64_LOCATOR_SIGNATURE)) {
        return Err(malformed("a zip64 archive"));
    }
    let count = usize::from(u16_at(packed, end + 10)?);
    let disk_numbers = u32_at(packed, end + 4)?;
    if disk_numbers != 0 || usize::from(u16_at(packed, end + 8)?) != count || u16_at(packed, end + 20)? != 0 {
        return Err(malformed("an end record with a comment or several disks"));
    }
    if count > limits.entries {
        return Err(Unreadable::new(
            "archive entries",
            count.to_string(),
            format!("at most {}", limits.entries),
            "leave generated files out of the package",
        ));
    }
    let directory_start = usize_at(packed, end + 16)?;
    if directory_start.checked_add(usize_at(packed, end + 12)?) != Some(end) {
        return Err(malformed("a gap before the end record"));
    }
    let mut members = Vec::new();
    let mut local = 0;
    let mut central = directory_start;
    for _ in 0..count {
        let member = member(packed, directory_start, &mut local, &mut central)?;
        members.push(member);
    }
    if local != directory_start || central != end {
        return Err(malformed("bytes that belong to no member"));
    }
    Ok(members)
}

/// Reads the member whose headers start at `local` and `central`, and moves both behind it.
fn member<'a>(
    packed: &'a [u8],
    directory_start: usize,
    local: &mut usize,
    central: &mut usize,
) -> Result<Member<'a>, Unreadable> {
    let header = slice(packed, *central, CENTRAL_BYTES)?;
    if !header.starts_with(CENTRAL_SIGNATURE) {
        return Err(malformed("a central directory that ends early"));
    }
    let flags = u16_at(header, 8)?;
    let method = u16_at(header, 10)?;
    let packed_size = usize_at(header, 20)?;
    let raw_name = slice(packed, *central + CENTRAL_BYTES, usize::from(u16_at(header, 28)?))?;
    let name = String::from_utf8_lossy(raw_name).into_owned();
    let extra_at = *central + CENTRAL_BYTES + raw_name.len();
    let extra = slice(packed, extra_at, usize::from(u16_at(header, 30)?))?;
    check_extra(extra, &name)?;
    if flags & !FLAGS_ALLOWED != 0 {
        return Err(malformed(format!("{name}: encrypted or patched (flags {flags:#06x})")));
    }
    if method != METHOD_STORED && method != METHOD_DEFLATED {
        return Err(malformed(format!(
            "{name}: compression method {method}; stored and deflated are allowed"
        )));
    }
    if u16_at(header, 32)? != 0 || u16_at(header, 34)? != 0 {
        return Err(malformed(format!("{name}: a comment or another disk")));
    }
    if usize_at(header, 42)? != *local {
        return Err(malformed(format!("{name}: a gap or overlap between members")));
    }
    let content_start = check_local(packed, *local, header, raw_name, &name)?;
    let content_end = content_start
        .checked_add(packed_size)
        .filter(|end| *end <= directory_start)
        .ok_or_else(|| malformed(format!("{name}: content that runs into the directory")))?;
    *local = if flags & FLAG_DESCRIPTOR == 0 {
        content_end
    } else {
        descriptor_end(packed, content_end, header, &name)?
    };
    *central = extra_at + extra.len();
    let mode = u32_at(header, 38)? >> 16;
    Ok(Member {
        raw_name,
        method,
        crc32: u32_at(header, 16)?,
        content: content_start..content_end,
        size_bytes: u64::from(u32_at(header, 24)?),
        is_utf8: flags & FLAG_UTF8 != 0,
        mode: (header[5] == HOST_UNIX).then_some(mode),
    })
}

/// The local header says the same as the central one; returns where the content starts.
fn check_local(
    packed: &[u8],
    at: usize,
    central: &[u8],
    raw_name: &[u8],
    name: &str,
) -> Result<usize, Unreadable> {
    let header = slice(packed, at, LOCAL_BYTES)?;
    let name_bytes = usize::from(u16_at(header, 26)?);
    let extra_bytes = usize::from(u16_at(header, 28)?);
    let same_name = slice(packed, at + LOCAL_BYTES, name_bytes)? == raw_name;
    let same_flags_and_method = header[6..10] == central[8..12];
    let same_sizes = header[14..26] == central[16..28];
    let sizes_follow = u16_at(header, 6)? & FLAG_DESCRIPTOR != 0 && header[14..26] == [0; 12];
    if !header.starts_with(LOCAL_SIGNATURE)
        || !same_name
        || !same_flags_and_method
        || !(same_sizes || sizes_follow)
    {
        return Err(malformed(format!("{name}: two headers that disagree")));
    }
    let extra_at = at + LOCAL_BYTES + name_bytes;
    check_extra(slice(packed, extra_at, extra_bytes)?, name)?;
    Ok(extra_at + extra_bytes)
}

/// A data descriptor repeats CRC and sizes after the content, with or without a signature.
fn descriptor_end(packed: &[u8], at: usize, central: &[u8], name: &str) -> Result<usize, Unreadable> {
    let expected = &central[16..28];
    let rest = packed.get(at..).unwrap_or_default();
    if rest.strip_prefix(DESCRIPTOR_SIGNATURE).is_some_and(|fields| fields.starts_with(expected)) {
        Ok(at + DESCRIPTOR_SIGNATURE.len() + expected.len())
    } else if rest.starts_with(expected) {
        Ok(at + expected.len())
    } else {
        Err(malformed(format!("{name}: sizes that disagree with the directory")))
    }
}

/// Extra fields are well formed and give neither another name nor other sizes.
fn check_extra(mut extra: &[u8], name: &str) -> Result<(), Unreadable> {
    while !extra.is_empty() {
        let id = u16_at(extra, 0)?;
        let length = usize::from(u16_at(extra, 2)?);
        if id == EXTRA_ZIP64 || id == EXTRA_UNICODE_PATH {
            return Err(malformed(format!("{name}: a second name or zip64 sizes in extra field {id:#06x}")));
        }
        slice(extra, 4, length)?;
        extra = &extra[4 + length..];
    }
    Ok(())
}

fn read_member(
    packed: &[u8],
    member: &Member<'_>,
    collector: &mut Collector<'_>,
    report: &mut Report,
) -> Result<(), Unreadable> {
    if !member.is_utf8 && !member.raw_name.is_ascii() {
        report.add(
            "archive entry",
            String::from_utf8_lossy(member.raw_name),
            "non-ASCII names marked as UTF-8",
            "build it again with a current tool",
        );
        return Ok(());
    }
    let is_directory = member.raw_name.ends_with(b"/");
    let kind = member.mode.map_or(0, |mode| mode & MODE_KIND);
    let allowed_kind = if is_directory { MODE_DIRECTORY } else { MODE_REGULAR };
    if kind != 0 && kind != allowed_kind {
        report.add(
            "archive entry",
            format!("{}, mode {kind:o}", String::from_utf8_lossy(member.raw_name)),
            "regular files and directories",
            "replace the link or device by the file itself",
        );
    }
    let path = checked_path(member.raw_name, report);
    if is_directory {
        if member.size_bytes != 0 || !member.content.is_empty() {
            return Err(malformed("a directory with content"));
        }
        if let Some(path) = path {
            collector.claim(&path, true, report);
        }
        return Ok(());
    }
    let is_named = path.is_some();
    let path = path.unwrap_or_default();
    let mut file = collector.start_file(&path, member.size_bytes)?;
    inflate(&packed[member.content.clone()], member, |chunk| file.take(chunk))
        .map_err(|found| malformed(format!("{}: {found}", String::from_utf8_lossy(member.raw_name))))?;
    if is_named {
        collector.claim(&path, false, report);
        let executable = member.mode.is_some_and(|mode| mode & 0o111 != 0);
        collector.finish_file(path, executable, file, report);
    }
    Ok(())
}

/// Unpacks one member chunk by chunk; its size, its CRC and the end of its stream must be as declared.
fn inflate(packed: &[u8], member: &Member<'_>, mut take: impl FnMut(&[u8])) -> Result<(), &'static str> {
    let mut crc = Crc::new();
    let mut size_bytes = 0u64;
    let mut consume = |chunk: &[u8]| {
        size_bytes += chunk.len() as u64;
        if size_bytes > member.size_bytes {
            return Err("more content than declared");
        }
        crc.update(chunk);
        take(chunk);
        Ok(())
    };
    if member.method == METHOD_STORED {
        consume(packed)?;
    } else {
        let mut decoder = DeflateDecoder::new(packed);
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            let count = decoder.read(&mut buffer).map_err(|_| "a damaged deflate stream")?;
            if count == 0 {
                break;
            }
            consume(&buffer[..count])?;
        }
        if !decoder.get_ref().is_empty() {
            return Err("bytes after the end of its deflate stream");
        }
    }
    if size_bytes != member.size_bytes {
        return Err("less content than declared");
    }
    if crc.sum() != member.crc32 {
        return Err("content that does not match its checksum");
    }
    Ok(())
}
