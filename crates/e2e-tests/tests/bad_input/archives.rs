//! Archives that are damaged, hostile, or not what they claim.

use e2e_tests::{
    archives::{noise, npm_tarball, sdist, tar_gz, wheel},
    hostile_archives::{TarEntry, ZipMember, misdeclare_first_member, tar_gz_with, zip_of},
};
use tar::EntryType;

use crate::desk::{Desk, PYPI_NAME, SDIST, WHEEL};

const MANIFEST: &[u8] = br#"{"name":"@dao/demo","version":"1.0.0"}"#;
const METADATA: &[u8] = b"Metadata-Version: 2.1\nName: dao_demo\nVersion: 1.0.0\n";
const GZIP: &str = "one whole gzip-compressed tar archive";
const ENTRY: &str = "artifacts[0]: archive entry";
const ARCHIVE: &str = "artifacts[0]: archive";

/// What both kinds of tarball must refuse: name, hostile entries, and the defect.
fn hostile_entries<'a>(
    paths: &'a [String; 6],
    zeros: &'a [u8],
) -> Vec<(&'static str, Vec<TarEntry<'a>>, (&'static str, &'static str, &'static str))> {
    let [link, hard_link, traversal, absolute, twice, large] = paths;
    let (moderate, too_much) = (&zeros[..60_000_000], zeros);
    let lying = TarEntry { declared_bytes: Some(1 << 32), ..TarEntry::file(large, b"short") };
    vec![
        (
            "a symbolic link",
            vec![TarEntry::link(link, EntryType::Symlink)],
            (ENTRY, "a symbolic link", "regular files and directories"),
        ),
        (
            "a hard link",
            vec![TarEntry::link(hard_link, EntryType::Link)],
            (ENTRY, "a hard link", "regular files and directories"),
        ),
        (
            "a path out of the package",
            vec![TarEntry::file(traversal, b"evil")],
            (ENTRY, "../../evil", "a path without empty parts, `.` and `..`"),
        ),
        (
            "an absolute path",
            vec![TarEntry::file(absolute, b"evil")],
            (ENTRY, "/etc/cron.d/evil", "a relative path"),
        ),
        (
            "a path twice",
            vec![TarEntry::file(twice, b"one"), TarEntry::file(twice, b"two")],
            (ENTRY, "twice", "each path once"),
        ),
        (
            "a bomb by ratio",
            vec![TarEntry::file(large, moderate)],
            ("artifacts[0]: compression ratio", "60000", "at most 100 to 1 above 8388608 bytes"),
        ),
        (
            "a bomb by size",
            vec![TarEntry::file(large, too_much)],
            ("artifacts[0]: unpacked size", "more than 67108864 bytes", "at most 67108864 bytes"),
        ),
        (
            "an entry that claims 4 GiB",
            vec![lying],
            ("artifacts[0]: unpacked size", "more than 67108864 bytes", "at most 67108864 bytes"),
        ),
    ]
}

fn paths_below(top: &str) -> [String; 6] {
    [
        format!("{top}/link"),
        format!("{top}/hard-link"),
        format!("{top}/../../evil"),
        "/etc/cron.d/evil".to_owned(),
        format!("{top}/twice"),
        format!("{top}/zeros.bin"),
    ]
}

#[test]
fn should_refuse_npm_tarballs_that_are_damaged_or_hostile() {
    let mut desk = Desk::for_npm();
    let good = npm_tarball("@dao/demo", "1.0.0", 5_000);
    let manifest: &[(&str, &[u8])] = &[("package/package.json", MANIFEST)];
    let (paths, zeros) = (paths_below("package"), vec![0; 70_000_000]);
    for (what, entries, expected) in hostile_entries(&paths, &zeros) {
        let action = desk.npm(&tar_gz_with(manifest, &entries));
        desk.refuse(what, action, &[expected]);
    }

    let nested = format!(
        "{{\"name\":\"@dao/demo\",\"version\":\"1.0.0\",\"x\":{}{}}}",
        "[".repeat(60_000),
        "]".repeat(60_000)
    );
    let deep_path = format!("package/{}file.js", "d/".repeat(64));
    let mut two_members = good.clone();
    two_members.extend(tar_gz(&[("package/evil.js", b"evil")]));
    let a_wheel = wheel("dao_demo", "1.0.0", 100);
    let many: Vec<_> = (0..20_001).map(|number| format!("package/{number}")).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|path| (path.as_str(), &b""[..])).collect();
    let manifest_field = "artifacts[0]: package.json";
    for (what, tarball, expected) in [
        ("half a tarball", good[..good.len() / 2].to_vec(), (ARCHIVE, "", GZIP)),
        ("all but the last byte", good[..good.len() - 1].to_vec(), (ARCHIVE, "", GZIP)),
        ("text", b"this is no archive".to_vec(), (ARCHIVE, "", GZIP)),
        ("a wheel", a_wheel, (ARCHIVE, "", "one kind of archive")),
        ("a second archive behind the first", two_members, (ARCHIVE, "after the end", "nothing after it")),
        (
            "JSON nested 60,000 levels",
            tar_gz(&[("package/package.json", nested.as_bytes())]),
            (manifest_field, "recursion limit", "nested at most 127 levels"),
        ),
        (
            "directories nested 65 levels",
            tar_gz(&[("package/package.json", MANIFEST), (&deep_path, b"")]),
            (ENTRY, "d/d/d/", "at most 64 directories deep"),
        ),
        (
            "20,001 files",
            tar_gz(&many),
            ("artifacts[0]: archive entries", "more than 20000", "at most 20000"),
        ),
        (
            "no package.json",
            tar_gz(&[("package/index.js", b"")]),
            (manifest_field, "no such file", "one package.json"),
        ),
    ] {
        let action = desk.npm(&tarball);
        desk.refuse(what, action, &[expected]);
    }
    let good = desk.npm(&good);
    desk.close(good);
}

#[test]
fn should_refuse_source_distributions_that_are_damaged_or_hostile() {
    let mut desk = Desk::for_pypi();
    let good = sdist("dao_demo", "1.0.0");
    let info: &[(&str, &[u8])] = &[("dao_demo-1.0.0/PKG-INFO", METADATA)];
    let (paths, zeros) = (paths_below("dao_demo-1.0.0"), vec![0; 70_000_000]);
    for (what, entries, expected) in hostile_entries(&paths, &zeros) {
        let action = desk.pypi(SDIST, &tar_gz_with(info, &entries));
        desk.refuse(what, action, &[expected]);
    }
    let deep_path = format!("dao_demo-1.0.0/{}file.py", "d/".repeat(64));
    let other = b"Metadata-Version: 2.1\nName: other\nVersion: 2.0\n";
    for (what, archive, expected) in [
        ("half a distribution", good[..good.len() / 2].to_vec(), (ARCHIVE, "", GZIP)),
        ("text", b"this is no archive".to_vec(), (ARCHIVE, "", GZIP)),
        ("a wheel", wheel("dao_demo", "1.0.0", 100), (ARCHIVE, "", "one kind of archive")),
        (
            "directories nested 65 levels",
            tar_gz(&[("dao_demo-1.0.0/PKG-INFO", METADATA), (&deep_path, b"")]),
            (ENTRY, "d/d/d/", "at most 64 directories deep"),
        ),
        (
            "no PKG-INFO",
            tar_gz(&[("dao_demo-1.0.0/setup.py", b"")]),
            ("artifacts[0]: PKG-INFO", "nothing", "the file PKG-INFO in the top directory"),
        ),
        (
            "two directories",
            tar_gz(&[("dao_demo-1.0.0/PKG-INFO", METADATA), ("evil/setup.py", b"")]),
            (ARCHIVE, "2 entries", "one top directory"),
        ),
        (
            "another project",
            tar_gz(&[("dao_demo-1.0.0/PKG-INFO", other)]),
            ("artifacts[0]: Name", "other", "the file name's dao_demo"),
        ),
    ] {
        let action = desk.pypi(SDIST, &archive);
        desk.refuse(what, action, &[expected]);
    }
    let good = desk.pypi(SDIST, &good);
    desk.close(good);
}

#[test]
fn should_refuse_wheels_that_are_damaged_or_hostile() {
    let mut desk = Desk::for_pypi();
    let good = wheel("dao_demo", "1.0.0", 5_000);
    let zeros = vec![0; 70_000_000];
    let deep_path = format!("{}file.py", "d/".repeat(65));
    let with = |member: ZipMember<'_>| {
        zip_of(&[ZipMember::File("dao_demo-1.0.0.dist-info/METADATA", METADATA), member])
    };
    let mut trailing = good.clone();
    trailing.extend(b"trailing");
    let mut understated = good.clone();
    misdeclare_first_member(&mut understated, 1);
    let mut overstated = good.clone();
    misdeclare_first_member(&mut overstated, 4_000_000_000);
    let mut damaged = good.clone();
    damaged[good.len() / 3] ^= 0x55;
    let whole = "a whole zip archive that every zip program reads alike";
    for (what, archive, expected) in [
        ("half a wheel", good[..good.len() / 2].to_vec(), (ARCHIVE, "no end record", whole)),
        ("text", b"this is no archive".to_vec(), (ARCHIVE, "a file too short for a zip", whole)),
        ("a source distribution", sdist("dao_demo", "1.0.0"), (ARCHIVE, "no end record", whole)),
        ("bytes after the end", trailing, (ARCHIVE, "no end record", whole)),
        ("a flipped bit", damaged, (ARCHIVE, "", whole)),
        ("a member larger than declared", understated, (ARCHIVE, "more content than declared", whole)),
        (
            "a member that claims 4 GB",
            overstated,
            ("artifacts[0]: unpacked size", "more than 67108864 bytes", "at most 67108864 bytes"),
        ),
        (
            "a symbolic link",
            with(ZipMember::Symlink("dao_demo/link")),
            (ENTRY, "dao_demo/link, mode 120000", "regular files and directories"),
        ),
        (
            "a path out of the package",
            with(ZipMember::File("dao_demo/../../evil.py", b"evil")),
            (ENTRY, "../../evil.py", "a path without empty parts, `.` and `..`"),
        ),
        (
            "an absolute path",
            with(ZipMember::File("/etc/cron.d/evil", b"evil")),
            (ENTRY, "/etc/cron.d/evil", "a relative path"),
        ),
        (
            "directories nested 65 levels",
            with(ZipMember::File(&deep_path, b"")),
            (ENTRY, "d/d/d/", "at most 64 directories deep"),
        ),
        (
            "a bomb by ratio",
            with(ZipMember::File("zeros.bin", &zeros[..60_000_000])),
            ("artifacts[0]: compression ratio", "60000", "at most 100 to 1 above 8388608 bytes"),
        ),
        (
            "a bomb by size",
            with(ZipMember::File("zeros.bin", &zeros)),
            ("artifacts[0]: unpacked size", "more than 67108864 bytes", "at most 67108864 bytes"),
        ),
        (
            "a file that RECORD does not know",
            zip_of(&[
                ZipMember::File("dao_demo-1.0.0.dist-info/METADATA", METADATA),
                ZipMember::File("dao_demo-1.0.0.dist-info/WHEEL", b"Wheel-Version: 1.0\n"),
                ZipMember::File("dao_demo-1.0.0.dist-info/RECORD", b""),
                ZipMember::File("evil.pth", b"import evil"),
            ]),
            ("artifacts[0]: RECORD", "nothing about evil.pth", "every file of the wheel"),
        ),
        (
            "another project",
            wheel("other", "2.0", 10),
            (ARCHIVE, "other-2.0.dist-info", "only dao_demo-1.0.0.dist-info"),
        ),
    ] {
        let action = desk.pypi(WHEEL, &archive);
        desk.refuse(what, action, &[expected]);
    }
    let good = desk.pypi(WHEEL, &good);
    desk.close(good);
}

/// Each unpacks to as much as is allowed, and only then turns out to be unlisted in RECORD.
#[test]
fn should_bound_the_work_when_many_wheels_fail_late() {
    const UNPACKED_BYTES: usize = 60_000_000;
    let mut desk = Desk::for_pypi();
    // Keeps the compression ratio below what is refused early.
    let noise = noise(650_000);
    let zeros = vec![0; UNPACKED_BYTES];
    let wheels: Vec<(String, Vec<u8>)> = (0..6)
        .map(|n: u8| {
            let archive = zip_of(&[
                ZipMember::File("dao_demo-1.0.0.dist-info/METADATA", METADATA),
                ZipMember::File("dao_demo-1.0.0.dist-info/WHEEL", b"Wheel-Version: 1.0\n"),
                ZipMember::File("dao_demo-1.0.0.dist-info/RECORD", b""),
                ZipMember::File("dao_demo/noise.bin", &noise),
                ZipMember::File("dao_demo/zeros.bin", &zeros),
                ZipMember::File("dao_demo/number", &[n]),
            ]);
            (format!("dao_demo-1.0.0-{n}-py3-none-any.whl"), archive)
        })
        .collect();
    let different: Vec<_> = wheels.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let release = |desk: &mut Desk, files: &[(&str, &[u8])]| {
        desk.world.pypi_release(desk.credential, PYPI_NAME, "1.0.0", files)
    };
    let action = release(&mut desk, &different);
    let late = ("artifacts[2]: RECORD", "nothing about dao_demo/zeros.bin", "every file of the wheel");
    let not_opened = ("artifacts[3]: artifact", "not opened", "67108864");
    desk.refuse("six different wheels", action, &[late, not_opened]);
    let action = release(&mut desk, &[different[0]; 20]);
    let again = ("artifacts[19].sha256", "", "each artifact once");
    desk.refuse("one wheel twenty times", action, &[again]);
    let good = desk.pypi(WHEEL, &wheel("dao_demo", "1.0.0", 5_000));
    desk.close(good);
}
