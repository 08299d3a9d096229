//! A gzip stream of exactly one member with nothing after it.

use std::io::{self, Read};

use flate2::bufread::GzDecoder;

use super::Unreadable;

/// Reads a gzip stream, counts what comes out and stops at a limit.
pub(super) struct GzipReader<'a> {
    decoder: GzDecoder<&'a [u8]>,
    unpacked_bytes: u64,
    limit_bytes: u64,
    over_limit: bool,
}

impl<'a> GzipReader<'a> {
    /// `limit_bytes` is the most that may come out.
    pub fn new(packed: &'a [u8], limit_bytes: u64) -> Self {
        Self { decoder: GzDecoder::new(packed), unpacked_bytes: 0, limit_bytes, over_limit: false }
    }

    pub fn unpacked_bytes(&self) -> u64 {
        self.unpacked_bytes
    }

    /// Turns a failed read into its reason.
    pub fn explain(&self, error: &io::Error) -> Unreadable {
        if self.over_limit {
            Unreadable::new(
                "unpacked size",
                format!("more than {} bytes", self.limit_bytes),
                format!("at most {} bytes", self.limit_bytes),
                "leave large files out of the package",
            )
        } else {
            Unreadable::new(
                "archive",
                error.to_string(),
                "one whole gzip-compressed tar archive",
                "the file is damaged, cut off or of another kind: pack it again and upload all of it",
            )
        }
    }

    /// Checks, once the stream was read to its end, that the file ends there too.
    pub fn check_end(&self) -> Result<(), Unreadable> {
        let rest = self.decoder.get_ref().len();
        if rest > 0 {
            return Err(Unreadable::new(
                "archive",
                format!("{rest} bytes after the end of the gzip stream"),
                "nothing after it",
                "pack it again; what follows the stream is read by some programs and ignored by others",
            ));
        }
        Ok(())
    }
}

impl Read for GzipReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.decoder.read(buffer)?;
        self.unpacked_bytes += count as u64;
        if self.unpacked_bytes > self.limit_bytes {
            self.over_limit = true;
            return Err(io::Error::other("too many bytes"));
        }
        Ok(count)
    }
}
