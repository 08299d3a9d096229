//! What is refused of a Python distribution, and the form derived from a good one.

use super::*;
use crate::samples::{gzip, metadata, sdist, tar, wheel};

const WHEEL: &str = "demo-1.0-py3-none-any.whl";
const SDIST: &str = "demo-1.0.tar.gz";

fn open(filename: &str, bytes: &[u8]) -> Result<PythonPackage, Vec<String>> {
    PythonPackage::open(filename, bytes, &Limits::default())
        .map_err(|defects| defects.iter().map(ToString::to_string).collect())
}

fn open_with_metadata(metadata: &str) -> Result<PythonPackage, Vec<String>> {
    open(WHEEL, &wheel("demo", "1.0", &[("demo-1.0.dist-info/METADATA", metadata.as_bytes())]))
}

#[track_caller]
fn assert_refused(result: Result<PythonPackage, Vec<String>>, expected: &str) {
    let defects = result.expect_err("should be refused");
    assert!(defects.iter().any(|defect| defect.contains(expected)), "{expected:?} not in {defects:#?}");
}

fn values<'a>(form: &'a [(String, String)], field: &str) -> Vec<&'a str> {
    form.iter().filter(|(name, _)| name == field).map(|(_, value)| value.as_str()).collect()
}

#[test]
fn should_derive_the_form_of_a_wheel_with_metadata_2_5() {
    let text = "Metadata-Version: 2.5\nName: demo\nVersion: 1.0\nSummary: Größe\nKeywords: a,b , c\n\
        Author-email: Ada <ada@example.com>\nLicense-Expression: MIT\nLicense-File: LICENSE\n\
        Project-URL: Home,https://example.com\nProject-URL: Bugs, https://example.com/bugs\n\
        Classifier: A :: B\nClassifier: C :: D\nPlatform: UNKNOWN\nRequires-Python: >=3.10\n\
        Requires-Dist: x>=1\nRequires-Dist: y; extra == 'z'\nProvides-Extra: z\nDynamic: summary\n\
        Description-Content-Type: text/markdown\nImport-Name: demo\nImport-Namespace: ns\n\
        \n# Demo\n\nÜber: it.\n";
    let files: [(&str, &[u8]); 3] = [
        ("demo-1.0.dist-info/METADATA", text.as_bytes()),
        ("demo-1.0.dist-info/licenses/LICENSE", b"MIT"),
        ("demo-1.0.dist-info/entry_points.txt", b"[console_scripts]\ndemo = demo:main\n[other]\nx = y\n"),
    ];
    let bytes = wheel("demo", "1.0", &files);
    let package = open("demo-1.0-1b-cp312-abi3-manylinux_2_28_x86_64.whl", &bytes).expect("is well formed");
    let form = upload_form(&package);
    let single = ["summary", "keywords", "license_expression", "license_file", "description", "pyversion"];
    let found: Vec<_> = single.iter().flat_map(|field| values(&form, field)).collect();
    assert_eq!(found, ["Größe", "a, b, c", "MIT", "LICENSE", "# Demo\n\nÜber: it.\n", "cp312"]);
    assert_eq!(values(&form, "filetype"), ["bdist_wheel"]);
    assert_eq!(values(&form, "metadata_version"), ["2.5"]);
    assert_eq!(
        values(&form, "project_urls"),
        ["Home, https://example.com", "Bugs, https://example.com/bugs"]
    );
    assert_eq!(values(&form, "classifiers"), ["A :: B", "C :: D"]);
    assert_eq!(values(&form, "requires_dist"), ["x>=1", "y; extra == 'z'"]);
    assert_eq!((values(&form, "import_name"), values(&form, "import_namespace")), (vec!["demo"], vec!["ns"]));
    assert_eq!(values(&form, "sha256_digest"), [package.sha256.to_string()]);
    assert_eq!(values(&form, "blake2_256_digest"), [package.blake2b_256.as_str()]);
    for absent in ["platform", ":action", "protocol_version", "attestations", "md5_digest"] {
        assert_eq!(values(&form, absent), [""; 0], "{absent}");
    }
    let commands: Vec<_> = package.entry_points.iter().filter(|entry| entry.is_command()).collect();
    assert_eq!((commands.len(), package.entry_points.len()), (1, 2));
}

#[test]
fn should_hash_with_blake2b_of_32_bytes() {
    let bytes = sdist("demo", "1.0", &[]);
    let package = open(SDIST, &bytes).expect("is well formed");
    assert_eq!(package.blake2b_256.len(), 64);
    // BLAKE2b-256 of the empty text, as every implementation publishes it.
    let of_nothing = hex::encode(Blake2b::<U32>::digest(b""));
    assert_eq!(of_nothing, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
}

#[test]
fn should_open_a_source_distribution() {
    let package = open(SDIST, &sdist("demo", "1.0", &[("src/demo.py", b"x")])).expect("is well formed");
    let form = upload_form(&package);
    assert_eq!((values(&form, "filetype"), values(&form, "pyversion")), (vec!["sdist"], vec!["source"]));
    let paths: Vec<_> = package.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["PKG-INFO", "src/demo.py"]);
    assert!(package.runs_code_on_install);
}

#[test]
fn should_drop_license_files_from_metadata_older_than_2_4() {
    let package = open_with_metadata(
        "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nLicense-File: missing\nLicense: UNKNOWN\n\n",
    );
    let form = upload_form(&package.expect("is well formed"));
    assert_eq!((values(&form, "license_file"), values(&form, "license")), (vec![], vec![]));
}

#[test]
fn should_refuse_file_names_that_an_index_refuses() {
    let bytes = wheel("demo", "1.0", &[]);
    for filename in [
        "demo.whl",
        "demo-1.0.whl",
        "demo-1.0-py3-none-any.zip",
        "demo-1.0-build-py3-none-any.whl",
        "Demo-1.0-py3-none-any.whl",
        "de.mo-1.0-py3-none-any.whl",
        "demo-01.0-py3-none-any.whl",
        "demo-1.0.post-1-py3-none-any.whl",
        "demo-x-py3-none-any.whl",
        "demo-1.0-py3-none-linux_x86_64.whl",
        "demo-1.0-py3.-none-any.whl",
        "../demo-1.0-py3-none-any.whl",
        "demo-1.0-py3-none-any.whl\n",
        "",
    ] {
        assert_refused(open(filename, &bytes), "filename: found");
    }
    for filename in ["Demo-1.0.tar.gz", "demo-1.0.zip", "demo.tar.gz", "demo-1.0.0a-1.tar.gz"] {
        assert_refused(open(filename, &sdist("demo", "1.0", &[])), "filename: found");
    }
}

#[test]
fn should_refuse_metadata_of_another_project_or_version() {
    let (wheel, sdist) = (wheel("demo", "1.0", &[]), sdist("demo", "1.0", &[]));
    assert_refused(open("demo-1.1-py3-none-any.whl", &wheel), "demo-1.1.dist-info/METADATA: found nothing");
    assert_refused(open("demo-1.1.tar.gz", &sdist), "Version: found 1.0");
    assert_refused(open("other-1.0.tar.gz", &sdist), "Name: found demo");
    assert_refused(open_with_metadata(&metadata("other", "1.0")), "Name: found other");
    assert!(open_with_metadata(&metadata("DEMO", "v1.0")).is_ok());
}

#[test]
fn should_refuse_metadata_that_an_index_refuses() {
    for (line, expected) in [
        ("Summary: two\n  lines", "Summary: found"),
        ("License: MIT\nLicense-Expression: MIT", "License: found"),
        ("License-File: LICENSE", "License-File: found LICENSE"),
        ("Classifier: Private :: Do Not Upload", "Classifier: found Private"),
        ("Requires-Dist: x @ https://example.com/x.whl", "Requires-Dist: found x @"),
        ("Requires-Python: new", "Requires-Python: found new"),
        ("Project-URL: https://example.com", "Project-URL: found"),
        ("Project-URL: A, https://example.com\nProject-URL: A, https://example.com", "each label once"),
        ("Project-URL: A, ftp://example.com", "Project-URL: found"),
        ("Description-Content-Type: text/html", "Description-Content-Type: found"),
        ("Dynamic: Version", "Dynamic: found Version"),
        ("Import-Name: x", "from Metadata-Version 2.5 on"),
        ("Name: again", "Name: found 2 values"),
        ("Unheard-Of: x", "the line Unheard-Of"),
        ("no header at all", "the line no header at all"),
        ("Description: here too", "Description: found 2 values"),
    ] {
        let text = format!("Metadata-Version: 2.4\nName: demo\nVersion: 1.0\n{line}\n\nBody.\n");
        assert_refused(open_with_metadata(&text), expected);
    }
    let long = format!("Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nSummary: {}\n", "x".repeat(513));
    assert_refused(open_with_metadata(&long), "Summary: found");
    assert_refused(open_with_metadata("Metadata-Version: 2.0\nName: demo\nVersion: 1.0\n"), "found 2.0");
    assert_refused(open_with_metadata("Metadata-Version: 2.1\nName: demo\nVersion: 1.0+x\n"), "local part");
    assert_refused(open_with_metadata(""), "Name: found nothing");
    let binary = wheel("demo", "1.0", &[("demo-1.0.dist-info/METADATA", b"Name: \xff\n")]);
    assert_refused(open(WHEEL, &binary), "not UTF-8");
}

#[test]
fn should_refuse_a_wheel_whose_record_does_not_match() {
    let with_record = |record: &str| {
        let files: [(&str, &[u8]); 2] = [("demo.py", b"x"), ("demo-1.0.dist-info/RECORD", record.as_bytes())];
        open(WHEEL, &wheel("demo", "1.0", &files))
    };
    assert_refused(with_record(""), "nothing about demo.py");
    assert_refused(with_record("demo.py,sha256=AAAA,1\n"), "RECORD: demo.py: found sha256=AAAA");
    assert_refused(with_record("demo.py,,1\n"), "RECORD: demo.py: found nothing");
    assert_refused(with_record("absent.py,sha256=AAAA,1\n"), "RECORD: found absent.py");
    assert_refused(with_record("demo.py,x\n"), "path, digest and size");
    let right = "demo.py,sha256=LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIE,";
    assert_refused(with_record(&format!("{right}2\n")), "RECORD: demo.py: found 2");
    assert_refused(with_record(&format!("{right}1\n{right}1\n")), "each file of the wheel once");
    let defects = with_record(&format!("{right}1\n")).expect_err("the rest is not listed");
    assert!(!defects.iter().any(|defect| defect.contains("demo.py")), "{defects:?}");
}

#[test]
fn should_refuse_a_wheel_without_its_three_files() {
    let empty = crate::samples::zip(&[("demo.py", b"")]);
    let defects = open(WHEEL, &empty).expect_err("is refused");
    for name in ["WHEEL", "METADATA", "RECORD"] {
        let path = format!("demo-1.0.dist-info/{name}: found nothing");
        assert!(defects.iter().any(|defect| defect.starts_with(&path)), "{name}: {defects:?}");
    }
    let other = wheel("demo", "1.0", &[("other-1.0.dist-info/METADATA", b"")]);
    assert_refused(open(WHEEL, &other), "the directory other-1.0.dist-info");
    let future = wheel("demo", "1.0", &[("demo-1.0.dist-info/WHEEL", b"Wheel-Version: 2.0\n")]);
    assert_refused(open(WHEEL, &future), "Wheel-Version: found 2.0");
}

#[test]
fn should_refuse_a_source_distribution_without_one_top_directory_and_pkg_info() {
    assert_refused(open(SDIST, &gzip(&tar(&[("demo-1.0/setup.py", b"")]))), "PKG-INFO: found nothing");
    assert_refused(open(SDIST, &gzip(&tar(&[("demo-1.0/sub/PKG-INFO", b"")]))), "PKG-INFO: found nothing");
    let text = metadata("demo", "1.0");
    let two = gzip(&tar(&[("demo-1.0/PKG-INFO", text.as_bytes()), ("other/PKG-INFO", text.as_bytes())]));
    assert_refused(open(SDIST, &two), "2 entries at the top");
    let loose = gzip(&tar(&[("demo-1.0/PKG-INFO", text.as_bytes()), ("setup.py", b"")]));
    assert_refused(open(SDIST, &loose), "one top directory");
}

#[test]
fn should_say_whether_a_wheel_runs_code_when_python_starts() {
    let runs =
        |path: &str| open(WHEEL, &wheel("demo", "1.0", &[(path, b"")])).expect("opens").runs_code_on_install;
    for path in
        ["evil.pth", "demo-1.0.data/purelib/evil.pth", "sitecustomize.py", "usercustomize/__init__.py"]
    {
        assert!(runs(path), "{path}");
    }
    for path in ["demo.py", "demo/data.pth", "demo/sitecustomize.py"] {
        assert!(!runs(path), "{path}");
    }
}

#[test]
fn should_refuse_malformed_entry_points() {
    for text in ["demo = demo:main\n", "[console_scripts]\nnothing\n", "[a]\nx = 1\nx = 2\n"] {
        let bytes = wheel("demo", "1.0", &[("demo-1.0.dist-info/entry_points.txt", text.as_bytes())]);
        assert_refused(open(WHEEL, &bytes), "entry_points.txt");
    }
}
