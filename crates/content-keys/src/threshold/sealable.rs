//! Secrets as bytes that are about to be sealed or sent: in memory that is wiped, also where it had to grow.

use std::io;

use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

struct Writer(Zeroizing<Vec<u8>>);

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.capacity() - self.0.len() < bytes.len() {
            let mut larger = Zeroizing::new(Vec::with_capacity(2 * (self.0.len() + bytes.len())));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) fn encode(value: &impl Serialize) -> Zeroizing<Vec<u8>> {
    let mut writer = Writer(Zeroizing::new(Vec::with_capacity(4096)));
    ciborium::into_writer(value, &mut writer).expect("writing to memory does not fail");
    writer.0
}

/// None if the bytes are none of [`encode`]'s, or something follows them.
pub(super) fn decode<T: DeserializeOwned>(mut bytes: &[u8]) -> Option<T> {
    let value = ciborium::from_reader(&mut bytes).ok()?;
    bytes.is_empty().then_some(value)
}
