//! One parser under many inputs.

use std::{
    env, fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Mutex,
};

use peak_alloc::PeakAlloc;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest as _, Sha256};

use crate::mutation::mutated;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Held while a campaign runs: memory is counted for the whole process.
static RUNNING: Mutex<()> = Mutex::new(());

/// How many times more inputs `COUNTERSIGN_DEEP=1` tries.
pub const DEEP_FACTOR: u64 = 100;
/// Fewer seeds leave too much of a format untouched.
const MIN_SEEDS: usize = 5;

/// A parser's name, its seeds and its bounds.
pub struct Campaign {
    name: &'static str,
    seeds: Vec<Vec<u8>>,
    inputs: u64,
    peak_bytes: usize,
}

impl Campaign {
    /// Starts from these seeds.
    ///
    /// # Panics
    /// When there are fewer than five.
    pub fn new(name: &'static str, seeds: Vec<Vec<u8>>) -> Self {
        assert!(seeds.len() >= MIN_SEEDS, "{name}: {} seeds, needs {MIN_SEEDS}", seeds.len());
        Self { name, seeds, inputs: 10_000, peak_bytes: 16 << 20 }
    }

    /// Tries that many changed inputs instead of 10,000 (a hundred times as many with `COUNTERSIGN_DEEP=1`).
    #[must_use]
    pub fn inputs(self, inputs: u64) -> Self {
        Self { inputs, ..self }
    }

    /// Allows the parser that much memory beyond what was in use before, instead of 16 MiB.
    #[must_use]
    pub fn peak_bytes(self, peak_bytes: usize) -> Self {
        Self { peak_bytes, ..self }
    }

    /// Runs the parser on every seed and on changed ones.
    ///
    /// # Panics
    /// At the first input on which the parser panics or takes too much memory. The input is kept as a file.
    pub fn run(self, parse: impl Fn(&[u8])) {
        let running = RUNNING.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for seed in &self.seeds {
            self.try_input("a seed", seed, &parse);
        }
        let deep = env::var_os("COUNTERSIGN_DEEP").is_some();
        for number in 0..self.inputs * if deep { DEEP_FACTOR } else { 1 } {
            let mut rng = ChaCha8Rng::from_seed(self.generator_seed(number));
            let input = mutated(&self.seeds, &mut rng);
            self.try_input(&format!("input {number}"), &input, &parse);
        }
        drop(running);
    }

    fn generator_seed(&self, number: u64) -> [u8; 32] {
        Sha256::new().chain_update(self.name).chain_update(number.to_be_bytes()).finalize().into()
    }

    fn try_input(&self, which: &str, input: &[u8], parse: &impl Fn(&[u8])) {
        if env::var_os("COUNTERSIGN_FUZZ_KEEP").is_some() {
            // What ends the process, such as an overflowing stack, can be caught in no other way.
            self.keep("last", input);
        }
        ALLOCATOR.reset_peak_usage();
        let before_bytes = ALLOCATOR.current_usage();
        let outcome = catch_unwind(AssertUnwindSafe(|| parse(input)));
        let peak_bytes = ALLOCATOR.peak_usage().saturating_sub(before_bytes);
        let found = match outcome {
            Err(_) => "panicked, see above".to_owned(),
            Ok(()) if peak_bytes > self.peak_bytes => {
                format!("took {peak_bytes} bytes of memory, allowed are {}", self.peak_bytes)
            }
            Ok(()) => return,
        };
        let digest = hex::encode(&Sha256::digest(input)[..4]);
        let path = self.keep(&digest, input);
        panic!(
            "{}, {which} ({} bytes): {found}\nthe input is {}; once the parser is corrected, move it to the corpus",
            self.name,
            input.len(),
            path.display()
        );
    }

    fn keep(&self, name: &str, input: &[u8]) -> PathBuf {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/fuzz");
        fs::create_dir_all(&directory).expect("a writable target directory");
        let path = directory.join(format!("{}-{name}", self.name));
        fs::write(&path, input).expect("a writable target directory");
        path
    }
}
