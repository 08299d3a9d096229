//! Opens npm tarballs, Python wheels and source distributions, and says what is in them.
//!
//! Bytes in, facts out: no I/O, no clock, no state, so the DAO canister and the command line tool come to the same
//! result for the same bytes. What will be published (npm's version document, PyPI's upload form) is derived here
//! from the artifact alone. Everything that is wrong with an artifact is reported at once, as [`Defect`]s; no input
//! makes this crate panic, and memory stays bounded whatever the input unpacks to (see [`limits`]).
//!
//! ```
//! use package_formats::{Limits, NpmPackage};
//!
//! let defects = NpmPackage::open(b"not a tarball", &Limits::default()).expect_err("it is none");
//! assert_eq!(defects[0].field, "archive");
//! ```

mod agreement;
mod archive;
pub mod diff;
pub mod limits;
pub mod npm;
mod package;
pub mod python;
mod report;
mod review;
#[cfg(test)]
mod robustness;
#[cfg(test)]
mod samples;

pub use agreement::{Declared, agree};
pub use limits::Limits;
pub use npm::NpmPackage;
pub use package::Package;
pub use python::{PythonPackage, upload_form};
pub use release_types::{Defect, Ecosystem, FileEntry, Sha256Digest};
pub use review::review;
