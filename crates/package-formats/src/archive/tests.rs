//! Hostile and damaged archives, built byte by byte.

use std::io::Write as _;

use ::tar::{EntryType, Header};
use flate2::{Compression, write::GzEncoder};

use super::*;
use crate::samples;

fn open_tar(packed: &[u8], limits: &Limits) -> Result<Contents, Vec<String>> {
    collect(limits, |limits, report| read_tar_gz(packed, limits, &|_| Keep::Nothing, report))
}

fn open_zip(packed: &[u8], limits: &Limits) -> Result<Contents, Vec<String>> {
    collect(limits, |limits, report| read_zip(packed, limits, &|_| Keep::Nothing, report))
}

/// All defects as text.
fn collect(
    limits: &Limits,
    read: impl FnOnce(&Limits, &mut Report) -> Result<Contents, Unreadable>,
) -> Result<Contents, Vec<String>> {
    let mut report = Report::default();
    let contents = read(limits, &mut report).map_err(|unreadable| unreadable.add_to(&mut report));
    let defects: Vec<_> = report.into_defects().iter().map(ToString::to_string).collect();
    match contents {
        Ok(contents) if defects.is_empty() => Ok(contents),
        _ => Err(defects),
    }
}

#[track_caller]
fn assert_refused(result: Result<Contents, Vec<String>>, expected: &str) {
    let defects = result.expect_err("should be refused");
    assert!(defects.iter().any(|defect| defect.contains(expected)), "{expected:?} not in {defects:#?}");
}

/// One entry with any name, kind and content.
fn entry(name: &[u8], kind: EntryType, content: &[u8]) -> Vec<u8> {
    let mut header = Header::new_ustar();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn file(name: &str) -> Vec<u8> {
    entry(name.as_bytes(), EntryType::Regular, b"content")
}

/// A whole compressed archive of these entries.
fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = entries.concat();
    bytes.extend([0; 1024]);
    samples::gzip(&bytes)
}

fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let mut content = String::new();
    for (key, value) in records {
        let rest = format!(" {key}={value}\n").len();
        let length = (rest..).find(|length| length.to_string().len() + rest == *length).expect("exists");
        content.push_str(&format!("{length} {key}={value}\n"));
    }
    entry(b"pax", EntryType::XHeader, content.as_bytes())
}

#[test]
fn should_list_files_with_size_digest_and_executable_bit() {
    let packed = samples::gzip(&samples::tar(&[("p/a.txt", b"abc"), ("p/run.sh", b"")]));
    let contents = open_tar(&packed, &Limits::default()).expect("is well formed");
    let expected = [
        FileEntry {
            path: "p/a.txt".into(),
            size_bytes: 3,
            sha256: Sha256Digest::of(b"abc"),
            executable: false,
        },
        FileEntry { path: "p/run.sh".into(), size_bytes: 0, sha256: Sha256Digest::of(b""), executable: true },
    ];
    assert_eq!(contents.files, expected);
}

#[test]
fn should_keep_only_what_the_rule_names() {
    let packed = samples::gzip(&samples::tar(&[("p/a", b"whole"), ("p/b", b"beginning"), ("p/c", b"no")]));
    let keep = |path: &str| match path {
        "p/a" => Keep::Whole { max_bytes: 5 },
        "p/b" => Keep::Start { max_bytes: 4 },
        _ => Keep::Nothing,
    };
    let mut report = Report::default();
    let contents = read_tar_gz(&packed, &Limits::default(), &keep, &mut report).expect("is well formed");
    assert!(report.is_empty());
    let kept = BTreeMap::from([("p/a".to_owned(), b"whole".to_vec()), ("p/b".to_owned(), b"begi".to_vec())]);
    assert_eq!(contents.kept, kept);
}

#[test]
fn should_refuse_a_kept_file_when_it_is_longer_than_its_rule_allows() {
    let packed = samples::gzip(&samples::tar(&[("p/a", b"123456")]));
    let result = collect(&Limits::default(), |limits, report| {
        read_tar_gz(&packed, limits, &|_| Keep::Whole { max_bytes: 5 }, report)
    });
    assert_refused(result, "6 bytes; allowed: at most 5 bytes");
}

#[test]
fn should_refuse_paths_that_leave_the_package_or_mislead() {
    let long = format!("p/{}", "a/".repeat(40) + &"b".repeat(60));
    let deep = format!("p/{}x", "d/".repeat(crate::limits::MAX_PATH_DEPTH));
    for (path, expected) in [
        ("../etc/passwd", "`..`"),
        ("p/../../x", "`..`"),
        ("/etc/passwd", "a relative path"),
        ("C:/x", "a relative path"),
        ("p\\x", "without backslashes"),
        ("./p/x", "`.`"),
        ("p//x", "empty parts"),
        ("p/\u{202e}gpj.exe", "visible characters"),
        ("p/a\nb", "visible characters"),
        (deep.as_str(), "directories deep"),
    ] {
        let named = [pax(&[("path", path)]), file("p/harmless")];
        if !path.contains('\n') {
            assert_refused(open_tar(&archive(&named), &Limits::default()), expected);
        }
        assert_refused(open_zip(&samples::zip(&[(path, b"x")]), &Limits::default()), expected);
    }
    assert!(open_tar(&archive(&[pax(&[("path", &long)]), file("p/x")]), &Limits::default()).is_ok());
    let too_long = format!("p/{}", "n".repeat(crate::limits::MAX_PATH_BYTES));
    let named = archive(&[pax(&[("path", &too_long)]), file("p/x")]);
    assert_refused(open_tar(&named, &Limits::default()), "at most 512 bytes");
    assert_refused(
        open_tar(&archive(&[entry(b"p/\xff", EntryType::Regular, b"")]), &Limits::default()),
        "UTF-8",
    );
}

#[test]
fn should_refuse_links_devices_and_sparse_files() {
    for (kind, expected) in [
        (EntryType::Symlink, "symbolic link"),
        (EntryType::Link, "hard link"),
        (EntryType::Char, "device"),
        (EntryType::Fifo, "named pipe"),
        (EntryType::GNUSparse, "sparse file"),
        (EntryType::new(b'Z'), "type 'Z'"),
    ] {
        let packed = archive(&[entry(b"p/x", kind, b""), file("p/y")]);
        assert_refused(open_tar(&packed, &Limits::default()), expected);
    }
}

#[test]
fn should_report_all_bad_entries_at_once() {
    let packed = archive(&[file("../a"), entry(b"p/l", EntryType::Symlink, b""), file("p/x"), file("p/x")]);
    assert_eq!(open_tar(&packed, &Limits::default()).expect_err("is refused").len(), 3);
}

#[test]
fn should_refuse_one_path_twice_and_a_file_that_is_also_a_directory() {
    assert_refused(open_tar(&archive(&[file("p/x"), file("p/x")]), &Limits::default()), "p/x twice");
    assert_refused(open_tar(&archive(&[file("p/x"), file("p/x/y")]), &Limits::default()), "as a directory");
    assert_refused(open_tar(&archive(&[file("p/x/y"), file("p/x")]), &Limits::default()), "p/x");
    let mut twice = samples::zip(&[("p/x", b"1"), ("p/y", b"2")]);
    replace_all(&mut twice, b"p/y", b"p/x");
    assert_refused(open_zip(&twice, &Limits::default()), "p/x twice");
}

#[test]
fn should_refuse_headers_that_tar_programs_read_differently() {
    for (entries, expected) in [
        (vec![pax(&[("path", "p/a"), ("path", "p/b")]), file("p/x")], "two values for path"),
        (vec![pax(&[("path", "p/a")]), pax(&[("path", "p/b")]), file("p/x")], "two values for path"),
        (
            vec![pax(&[("path", "p/a")]), entry(b"L", EntryType::GNULongName, b"p/b\0"), file("p/x")],
            "two names",
        ),
        (vec![pax(&[("size", "3")]), file("p/x")], "two different sizes"),
        (vec![pax(&[("size", "x")]), file("p/x")], "a size that is no number"),
        (vec![pax(&[("linkpath", "/etc")]), file("p/x")], "the extension linkpath"),
        (vec![pax(&[("GNU.sparse.major", "1")]), file("p/x")], "the extension GNU.sparse.major"),
        (vec![file("p/x"), pax(&[("path", "p/a")])], "without an entry after it"),
        (vec![entry(b"pax", EntryType::XHeader, b"9 path=p\n\n9 path=q\n"), file("p/x")], "malformed"),
        (vec![entry(b"pax", EntryType::XHeader, b"99 path=p\n"), file("p/x")], "malformed"),
        (vec![entry(b"pax", EntryType::XHeader, &[b'x'; 20_000]), file("p/x")], "20000 bytes"),
        (vec![entry(b"g", EntryType::XGlobalHeader, b"9 path=p\n"), file("p/x")], "global extension path"),
        (vec![entry(b"p/d/", EntryType::Directory, b"data")], "a directory with content"),
        (vec![entry(b"p/d/", EntryType::Regular, b"data")], "a regular file with a directory's name"),
    ] {
        assert_refused(open_tar(&archive(&entries), &Limits::default()), expected);
    }
}

#[test]
fn should_take_the_extensions_that_build_tools_write() {
    let entries = [
        entry(b"g", EntryType::XGlobalHeader, b"13 comment=x\n"),
        entry(b"p/", EntryType::Directory, b""),
        pax(&[("mtime", "1.5"), ("path", "p/ünïcode"), ("size", "7")]),
        file("p/x"),
        entry(b"L", EntryType::GNULongName, b"p/long\0"),
        file("p/y"),
    ];
    let contents = open_tar(&archive(&entries), &Limits::default()).expect("is well formed");
    let paths: Vec<_> = contents.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["p/ünïcode", "p/long"]);
}

#[test]
fn should_refuse_a_tar_stream_when_it_is_cut_off_anywhere() {
    let packed = samples::gzip(&samples::tar(&[("p/a", b"some content"), ("p/b", &[7; 600])]));
    for length in 0..packed.len() {
        assert!(open_tar(&packed[..length], &Limits::default()).is_err(), "cut at {length}");
    }
    let without_end = samples::gzip(&file("p/x"));
    assert_refused(open_tar(&without_end, &Limits::default()), "no end marker");
    let cut_inside = samples::gzip(&file("p/x")[..515]);
    assert_refused(open_tar(&cut_inside, &Limits::default()), "archive: found");
}

#[test]
fn should_refuse_anything_after_the_end() {
    let packed = archive(&[file("p/x")]);
    let trailing = [packed.as_slice(), b"x"].concat();
    assert_refused(open_tar(&trailing, &Limits::default()), "1 bytes after the end of the gzip stream");
    let two_members = [packed.as_slice(), &archive(&[file("p/y")])].concat();
    assert_refused(open_tar(&two_members, &Limits::default()), "after the end of the gzip stream");
    let hidden = archive(&[file("p/x"), vec![0; 1024], file("p/hidden")]);
    assert_refused(open_tar(&hidden, &Limits::default()), "data after the end of the tar archive");
}

#[test]
fn should_refuse_a_file_that_is_two_kinds_of_archive() {
    let inner = samples::zip(&[("p/x", b"1")]);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(&entry(b"p/x", EntryType::Regular, &inner)).expect("writes");
    encoder.write_all(&[0; 1024]).expect("writes");
    let mut packed = encoder.finish().expect("writes");
    let end = packed.windows(4).rposition(|window| window == b"PK\x05\x06").expect("is stored");
    let comment = u16::try_from(packed.len() - end - 22).expect("is short");
    packed[end + 20..end + 22].copy_from_slice(&comment.to_le_bytes());
    assert_refused(open_tar(&packed, &Limits::default()), "a zip archive at once");
}

#[test]
fn should_refuse_bombs_before_unpacking_them() {
    let zeros = vec![0; 20 * 1024 * 1024];
    let tar_bomb = samples::gzip(&samples::tar(&[("p/bomb", &zeros)]));
    let zip_bomb = samples::zip(&[("p/bomb", &zeros)]);
    assert!(tar_bomb.len() < 100_000 && zip_bomb.len() < 100_000);
    assert_refused(open_tar(&tar_bomb, &Limits::default()), "compression ratio");
    assert_refused(open_zip(&zip_bomb, &Limits::default()), "compression ratio");
    let small = Limits { unpacked_bytes: 1_000, ..Limits::default() };
    assert_refused(open_tar(&tar_bomb, &small), "unpacked size");
    assert_refused(open_zip(&zip_bomb, &small), "unpacked size");
}

#[test]
fn should_stop_a_stream_of_padding_that_never_ends() {
    // No entry is large, so only the total of what leaves the gzip stream can stop it.
    let endless = samples::gzip(&[file("p/x"), vec![0; 30 * 1024 * 1024]].concat());
    let limits = Limits { unpacked_bytes: 1_000, entries: 10, ..Limits::default() };
    assert_refused(open_tar(&endless, &limits), "unpacked size");
}

#[test]
fn should_refuse_too_many_entries_and_too_large_artifacts() {
    let limits = Limits { entries: 2, ..Limits::default() };
    assert_refused(open_tar(&archive(&[file("p/1"), file("p/2"), file("p/3")]), &limits), "at most 2");
    assert_refused(open_zip(&samples::zip(&[("1", b""), ("2", b""), ("3", b"")]), &limits), "at most 2");
    let limits = Limits { artifact_bytes: 10, ..Limits::default() };
    assert_refused(open_tar(&archive(&[file("p/1")]), &limits), "1 to 10 bytes");
    assert_refused(open_zip(&samples::zip(&[("1", b"")]), &limits), "1 to 10 bytes");
    assert_refused(open_zip(&[], &Limits::default()), "0 bytes");
}

#[test]
fn should_refuse_a_zip_when_it_is_cut_off_anywhere() {
    let packed = samples::zip(&[("p/a", b"some content"), ("p/b", &[7; 600])]);
    assert!(open_zip(&packed, &Limits::default()).is_ok());
    for length in 0..packed.len() {
        assert!(open_zip(&packed[..length], &Limits::default()).is_err(), "cut at {length}");
    }
}

#[test]
fn should_refuse_a_zip_with_bytes_that_belong_to_nothing() {
    let packed = samples::zip(&[("p/a", b"some content")]);
    assert_refused(open_zip(&[packed.as_slice(), b"x"].concat(), &Limits::default()), "no end record");
    assert_refused(open_zip(&[b"x", packed.as_slice()].concat(), &Limits::default()), "archive: found");
    let directory = find(&packed, b"PK\x01\x02");
    let mut gap = packed.clone();
    gap.insert(directory, 0);
    assert_refused(open_zip(&gap, &Limits::default()), "a gap before the end record");
    // The same gap with an end record that knows where the directory is now.
    let end = find(&gap, b"PK\x05\x06");
    gap[end + 16] += 1;
    assert_refused(open_zip(&gap, &Limits::default()), "bytes that belong to no member");
    // A member that the end record does not count.
    let mut uncounted = samples::zip(&[("p/a", b"1"), ("p/b", b"2")]);
    let end = find(&uncounted, b"PK\x05\x06");
    uncounted[end + 8] -= 1;
    uncounted[end + 10] -= 1;
    assert_refused(open_zip(&uncounted, &Limits::default()), "bytes that belong to no member");
}

#[test]
fn should_refuse_a_zip_when_any_header_byte_that_matters_is_changed() {
    let packed = samples::zip(&[("p/a", b"some content, some content")]);
    let directory = find(&packed, b"PK\x01\x02");
    let end = find(&packed, b"PK\x05\x06");
    // Local header: signature, flags, method, CRC and sizes, name. Not: versions and times.
    let local = (0..4).chain(6..10).chain(14..28).chain(30..33);
    // Directory: the same, comment length, disk, offset. Not: versions, times, internal attributes.
    let central = (0..4).chain(8..12).chain(16..30).chain(32..36).chain(42..49).map(|at| directory + at);
    for at in local.chain(central).chain(end..packed.len()) {
        let mut changed = packed.clone();
        changed[at] ^= 0x41;
        assert!(open_zip(&changed, &Limits::default()).is_err(), "byte {at} of {}", packed.len());
    }
}

#[test]
fn should_refuse_zip_members_whose_content_is_not_as_declared() {
    let packed = samples::zip(&[("p/a", b"some content, some content")]);
    let mut changed = packed.clone();
    let content = 30 + 3;
    changed[content + 4] ^= 0xff;
    assert!(open_zip(&changed, &Limits::default()).is_err());
    // A second deflate stream hidden behind the first one, inside the declared range.
    let mut longer = packed;
    let directory = find(&longer, b"PK\x01\x02");
    longer.insert(directory, 0);
    for header in [18, directory + 1 + 20] {
        longer[header] += 1;
    }
    let end = find(&longer, b"PK\x05\x06");
    longer[end + 16] += 1;
    assert_refused(open_zip(&longer, &Limits::default()), "after the end of its deflate stream");
}

#[test]
fn should_refuse_links_in_a_zip() {
    let mut packed = samples::zip(&[("p/a", b"/etc/passwd")]);
    let directory = find(&packed, b"PK\x01\x02");
    packed[directory + 38..directory + 42].copy_from_slice(&(0o120_777u32 << 16).to_le_bytes());
    packed[directory + 5] = 3;
    assert_refused(open_zip(&packed, &Limits::default()), "mode 120000");
}

fn find(bytes: &[u8], needle: &[u8]) -> usize {
    bytes.windows(needle.len()).position(|window| window == needle).expect("is there")
}

fn replace_all(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    for start in 0..=bytes.len() - from.len() {
        if bytes[start..].starts_with(from) {
            bytes[start..start + to.len()].copy_from_slice(to);
        }
    }
}
