//! An owner: a signing key, recipient keys, and what it may use.

use candid::Principal;
use serde::Serialize;
use serde_bytes::ByteBuf;

/// Nanoseconds of a UTC day.
const DAY_NS: u64 = 24 * 3_600 * 1_000_000_000;

/// An owner of content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Owner {
    pub public_key_der: ByteBuf,
    pub quota_bytes: u64,
    pub openings_per_day: u32,
    pub registered_at_ns: u64,
    /// P-256 (65 bytes), then X25519 (32 bytes).
    pub recipient_keys: Option<[ByteBuf; 2]>,
    /// Of all items, also those still on their way.
    pub used_bytes: u64,
    pub items: u32,
    pub(super) openings: Openings,
}

/// How many openings were asked for on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Openings {
    /// Days since 1970.
    day: u64,
    count: u32,
}

impl Openings {
    pub(super) fn count_one(&mut self, time_ns: u64) {
        let day = time_ns / DAY_NS;
        if self.day != day {
            *self = Self { day, count: 0 };
        }
        self.count = self.count.saturating_add(1);
    }
}

impl Owner {
    /// Whom its key speaks as in calls.
    pub fn principal(&self) -> Principal {
        Principal::self_authenticating(&self.public_key_der)
    }

    /// When an opening may be asked for again, in nanoseconds since 1970; none if now.
    pub fn openings_exhausted_until_ns(&self, time_ns: u64) -> Option<u64> {
        let day = time_ns / DAY_NS;
        let count = if self.openings.day == day { self.openings.count } else { 0 };
        (count >= self.openings_per_day).then_some((day + 1).saturating_mul(DAY_NS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn should_count_openings_by_the_day() {
        let mut owner = Owner {
            public_key_der: ByteBuf::new(),
            quota_bytes: 0,
            openings_per_day: 2,
            registered_at_ns: 0,
            recipient_keys: None,
            used_bytes: 0,
            items: 0,
            openings: Openings::default(),
        };
        let noon_ns = 20_000 * DAY_NS + DAY_NS / 2;
        for _ in 0..2 {
            assert_eq!(owner.openings_exhausted_until_ns(noon_ns), None);
            owner.openings.count_one(noon_ns);
        }
        assert_eq!(owner.openings_exhausted_until_ns(noon_ns), Some(20_001 * DAY_NS));
        assert_eq!(owner.openings_exhausted_until_ns(noon_ns + DAY_NS), None);
    }
}
