//! No input makes an opener panic: seeded mutations of good artifacts, at every layer a parser sees.

use crate::{Ecosystem, Limits, Package, review, samples};

/// Enough to reach every branch that a flipped byte can reach, in a few seconds of unoptimised code.
const ROUNDS: usize = 3_000;

/// A small generator (xorshift64), so that a failure repeats.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    /// A few bytes changed, removed, doubled or cut off.
    fn mutate(&mut self, good: &[u8]) -> Vec<u8> {
        let mut bytes = good.to_vec();
        for _ in 0..=self.below(2) {
            let at = self.below(bytes.len());
            match self.below(6) {
                0 => bytes.truncate(at),
                1 if at < bytes.len() => drop(bytes.remove(at)),
                2 => {
                    let end = (at + self.below(40)).min(bytes.len());
                    let piece = bytes[at.min(end)..end].to_vec();
                    bytes.splice(at..at, piece);
                }
                _ if at < bytes.len() => {
                    const TELLING: &[u8] = b"\0\xff\x80/.:\\@#{}[]\",\n0-";
                    bytes[at] = match self.below(2) {
                        0 => TELLING[self.below(TELLING.len())],
                        _ => self.next() as u8,
                    };
                }
                _ => {}
            }
        }
        bytes
    }
}

/// Opens and, if that works, reviews; says whether it opened.
fn survives(ecosystem: Ecosystem, filename: &str, bytes: &[u8]) -> bool {
    let limits = Limits { unpacked_bytes: 1 << 20, ..Limits::default() };
    match Package::open(ecosystem, filename, bytes, &limits) {
        Ok(package) => {
            review(&package);
            true
        }
        Err(defects) => {
            assert!(!defects.is_empty(), "a refusal says why");
            false
        }
    }
}

const MANIFEST: &str = r#"{"name":"@dao/demo","version":"1.0.0-rc.1","bin":{"a":"./x","b":"../y"},
    "repository":"git@github.com:a/b.git#c","bugs":{"url":"https://example.com"},"author":"A <b> (c)",
    "dependencies":{"a":"github:x/y%20z#1","b":"git+ssh://git@gitlab.com/a/b/c.git"},"man":["./a.1"],
    "bundleDependencies":["a"],"keywords":"a, b","scripts":{"x":"node_modules/.bin/y"},"main":"./l/i.js",
    "directories":{"bin":"b","man":"m"},"contributors":["x",{"name":"y"}],"homepage":"example.com"}"#;

const METADATA: &str = "Metadata-Version: 2.4\nName: demo\nVersion: 1.0\nSummary: x\nKeywords: a,b\n\
    Project-URL: a, https://example.com\nRequires-Dist: a>=1; extra == 'b'\nRequires-Python: >=3.8\n\
    Classifier: a\n b\nDynamic: Summary\n\nBody\n";

#[test]
fn should_never_panic_when_a_tarball_is_mutated() {
    let mut random = Random(0x5eed_0001);
    let mut opened = 0;
    for _ in 0..ROUNDS {
        let manifest = random.mutate(MANIFEST.as_bytes());
        let files: [(&str, &[u8]); 4] = [
            ("package/package.json", &manifest),
            ("package/README.md", b"# x"),
            ("package/AUTHORS", b"a"),
            ("package/b/c", b""),
        ];
        let good = samples::tar(&files);
        opened += usize::from(survives(Ecosystem::Npm, "", &samples::gzip(&good)));
        survives(Ecosystem::Npm, "", &samples::gzip(&random.mutate(&good)));
        survives(Ecosystem::Npm, "", &random.mutate(&samples::gzip(&good)));
    }
    assert!(
        opened > ROUNDS / 20,
        "only {opened} mutated manifests were still JSON: the mutations are too coarse"
    );
}

#[test]
fn should_never_panic_when_a_wheel_or_source_distribution_is_mutated() {
    let mut random = Random(0x5eed_0002);
    let mut opened = 0;
    for _ in 0..ROUNDS {
        // One of them, because two changed files seldom leave a wheel that opens.
        let mut metadata = METADATA.as_bytes().to_vec();
        let mut entry_points = b"[console_scripts]\na = b:c\n".to_vec();
        match random.below(2) {
            0 => metadata = random.mutate(&metadata),
            _ => entry_points = random.mutate(&entry_points),
        }
        let files: [(&str, &[u8]); 3] = [
            ("demo-1.0.dist-info/METADATA", &metadata),
            ("demo-1.0.dist-info/entry_points.txt", &entry_points),
            ("demo.py", b"x"),
        ];
        let wheel = samples::wheel("demo", "1.0", &files);
        opened += usize::from(survives(Ecosystem::Pypi, "demo-1.0-py3-none-any.whl", &wheel));
        survives(Ecosystem::Pypi, "demo-1.0-py3-none-any.whl", &random.mutate(&wheel));
        let sdist = samples::tar(&[("demo-1.0/PKG-INFO", &metadata), ("demo-1.0/x", b"y")]);
        survives(Ecosystem::Pypi, "demo-1.0.tar.gz", &samples::gzip(&random.mutate(&sdist)));
        let filename = random.mutate(b"demo-1.0-1-py3-none-any.whl");
        survives(Ecosystem::Pypi, &String::from_utf8_lossy(&filename), &wheel);
    }
    assert!(opened > ROUNDS / 20, "only {opened} mutated wheels still opened: the mutations are too coarse");
}

#[test]
fn should_never_panic_on_arbitrary_bytes() {
    let mut random = Random(0x5eed_0003);
    for _ in 0..ROUNDS {
        let mut bytes: Vec<u8> = (0..random.below(600)).map(|_| random.next() as u8).collect();
        survives(Ecosystem::Npm, "", &bytes);
        survives(Ecosystem::Npm, "", &samples::gzip(&bytes));
        bytes.extend(b"PK\x05\x06");
        bytes.extend((0..18).map(|_| random.below(3) as u8));
        survives(Ecosystem::Pypi, "demo-1.0-py3-none-any.whl", &bytes);
    }
}
