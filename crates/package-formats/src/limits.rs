//! How much an artifact may ask of whoever opens it.

/// The artifact itself, packed: what one message of a canister can open with ample room. Where custody sends it, an
/// HTTPS outcall of 2,000,000 bytes is the limit, which only whoever knows the request can compute.
pub const MAX_ARTIFACT_BYTES: u64 = 32 * 1024 * 1024;
/// Total of all files once unpacked. They are streamed and hashed, never held, so this bounds time, not memory:
/// hashing 64 MiB stays far below the instructions that one message of a canister may use.
pub const MAX_UNPACKED_BYTES: u64 = 64 * 1024 * 1024;
/// Entries of any kind. The largest packages of the field have a few thousand; the listing is kept in memory.
pub const MAX_ENTRIES: usize = 20_000;
/// One path. Windows stops at 260 characters, ustar at 255 bytes; people have to read it.
pub const MAX_PATH_BYTES: usize = 512;
/// Directories above a file. No sane source tree comes near; deep trees exhaust recursive extractors.
pub const MAX_PATH_DEPTH: usize = 64;
/// Unpacked to packed. Deflate reaches about 1,000 on zeros, text 3 to 10.
pub const MAX_RATIO: u64 = 100;
/// Below this many unpacked bytes the ratio does not matter.
pub const RATIO_FREE_BYTES: u64 = 8 * 1024 * 1024;
/// A pax or GNU long-name header: one path and a few timestamps.
pub const MAX_EXTENSION_BYTES: u64 = 16 * 1024;
/// `package.json`. It travels once more inside the publish request.
pub const MAX_MANIFEST_BYTES: usize = 256 * 1024;
/// What is kept of a README; the rest of a longer one is left out of the manifest.
pub const MAX_README_BYTES: usize = 64 * 1024;
/// `METADATA` and `PKG-INFO`, description included. They travel once more inside the upload form.
pub const MAX_METADATA_BYTES: usize = 512 * 1024;
/// `RECORD`: one line for each of [`MAX_ENTRIES`] files with paths of usual length.
pub const MAX_RECORD_BYTES: usize = 4 * 1024 * 1024;
/// Other small texts that are read: `WHEEL`, `entry_points.txt`, `AUTHORS`.
pub const MAX_SMALL_TEXT_BYTES: usize = 64 * 1024;
/// Defects reported for one artifact; more would not help anybody.
pub const MAX_DEFECTS: usize = 100;

/// The limits that depend on who opens the artifact and how it will be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of the artifact itself.
    pub artifact_bytes: u64,
    /// Total size of what is inside.
    pub unpacked_bytes: u64,
    /// Number of entries inside.
    pub entries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { artifact_bytes: MAX_ARTIFACT_BYTES, unpacked_bytes: MAX_UNPACKED_BYTES, entries: MAX_ENTRIES }
    }
}
