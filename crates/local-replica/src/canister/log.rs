//! What a canister printed and how it trapped, bounded as on the network.

use std::collections::VecDeque;

use ic_management_canister_types::CanisterLogRecord;
use serde::{Deserialize, Serialize};

/// The newest records of a canister, up to a number of bytes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Log {
    next_index: u64,
    records: VecDeque<CanisterLogRecord>,
    bytes: usize,
}

impl Log {
    /// Appends a record and drops the oldest ones beyond `limit_bytes`.
    pub fn push(&mut self, time_ns: u64, mut content: Vec<u8>, limit_bytes: usize) {
        content.truncate(limit_bytes);
        self.bytes += content.len();
        self.records.push_back(CanisterLogRecord { idx: self.next_index, timestamp_nanos: time_ns, content });
        self.next_index += 1;
        self.shrink_to(limit_bytes);
    }

    /// Drops the oldest records beyond `limit_bytes`.
    pub fn shrink_to(&mut self, limit_bytes: usize) {
        while self.bytes > limit_bytes {
            let Some(oldest) = self.records.pop_front() else {
                break;
            };
            self.bytes -= oldest.content.len();
        }
    }

    /// Forgets all records; the next one's index still follows on.
    pub fn clear(&mut self) {
        self.forget_before(self.next_index);
    }

    /// Index of the next record.
    pub fn next_index(&self) -> u64 {
        self.next_index
    }

    /// Forgets the records before the one with this index.
    pub fn forget_before(&mut self, index: u64) {
        self.records.retain(|record| record.idx >= index);
        self.bytes = self.records.iter().map(|record| record.content.len()).sum();
    }

    /// Bytes that the records hold.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn records(&self) -> impl DoubleEndedIterator<Item = &CanisterLogRecord> {
        self.records.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::Log;

    #[test]
    fn should_drop_the_oldest_records_beyond_the_limit() {
        let mut log = Log::default();
        log.push(1, b"first".to_vec(), 10);
        log.push(2, b"second".to_vec(), 10);
        let kept: Vec<_> = log.records().map(|record| record.idx).collect();
        assert_eq!(kept, [1]);
    }
}
