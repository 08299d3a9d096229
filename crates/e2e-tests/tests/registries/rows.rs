//! One row of an answer table: what the registry does with a release, and how that ends.

use registry_protocols::verdict::Refusal;
use release_types::PublicationState;

use crate::setting::{Setting, Shared, take};

/// How a release ends.
pub enum End {
    /// Verified, with a receipt.
    Published,
    /// Nothing was published; people are told what to do.
    Refused(Refusal),
    /// Custody does not know; people must look.
    Blocked,
    /// Other bytes are there. Alarm.
    Mismatch,
}

/// A row.
pub struct Row {
    /// Brings the double into the state, before a version with these bytes is proposed.
    pub arrange: fn(&Setting, &str, &[u8]),
    pub end: End,
    /// How often it is sent.
    pub sends: usize,
}

impl Row {
    /// Publishes one release, and checks how it ends.
    #[track_caller]
    pub fn run(&self, shared: &'static Shared) {
        let mut setting = take(shared);
        let (version, bytes) = setting.next_artifact();
        (self.arrange)(&setting, &version, &bytes);
        let before = setting.control().writes().len();
        let release = setting.adopt(&version, &bytes);
        let order = setting.settle(release.proposal);
        let stored = setting.stored(&version);
        assert_eq!(setting.control().writes().len() - before, self.sends, "sent so often: {order:?}");
        match (&self.end, &order.artifacts[0].state) {
            (End::Published, _) => {
                setting.assert_verified(&release);
                assert!(stored.as_ref() == Some(&bytes), "other bytes are stored");
            }
            // A no of one node is believed after a day; people are told after half an hour.
            (
                End::Refused(refusal),
                PublicationState::Refused { reason } | PublicationState::Blocked { reason },
            ) => {
                assert!(reason.contains(refusal.advice()), "{refusal:?} expected: {reason}");
                assert!(stored.as_ref() != Some(&bytes), "published after all");
            }
            (End::Blocked, PublicationState::Blocked { .. })
            | (End::Mismatch, PublicationState::Mismatch { .. }) => {}
            (_, found) => panic!("ended otherwise: {found:?}"),
        }
        let has_receipt = setting.world.receipt(release.proposal).is_some();
        assert_eq!(has_receipt, matches!(self.end, End::Published), "a receipt says what is proven");
    }
}

/// Makes each row a test of its own.
macro_rules! rows {
    ($shared:expr; $($name:ident: $end:expr, sends $sends:expr, $arrange:expr;)*) => { $(
        #[test]
        fn $name() {
            $crate::rows::Row { arrange: $arrange, end: $end, sends: $sends }.run($shared);
        }
    )* };
}
pub(crate) use rows;
