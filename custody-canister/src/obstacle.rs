//! What stands in the way of a look at a registry, and how long the registry asked to be left alone.

use std::time::Duration;

use registry_protocols::reading::Unreadable;
use release_types::{MetObstacle, Obstacle};

/// What an answer that says nothing stands for.
pub fn of_answer(why: Unreadable, now_ns: u64) -> Obstacle {
    match why {
        Unreadable::ComeBackLater { after_s } => {
            Obstacle::AskedToWait { until_ns: now_ns.saturating_add(u64::from(after_s) * 1_000_000_000) }
        }
        _ => Obstacle::RegistryUnreadable,
    }
}

/// The same for an answer about npm's staging area.
pub fn of_staging_answer(why: Unreadable, now_ns: u64) -> Obstacle {
    match (of_answer(why, now_ns), why) {
        (_, Unreadable::TooMany) => Obstacle::TooManyStages,
        (Obstacle::RegistryUnreadable, _) => Obstacle::StagesUnreadable,
        (obstacle, _) => obstacle,
    }
}

/// Whether it may lie in the staging area, so that it stands until that was read: looks that find nothing public say
/// nothing of it.
pub fn is_in_staging_area(obstacle: Obstacle) -> bool {
    matches!(obstacle, Obstacle::StagesUnreadable | Obstacle::TooManyStages | Obstacle::OtherBytesServed)
}

/// What is left of the time that the registry asked for; nothing if it did not.
pub fn asked_wait_left(met: Option<MetObstacle>, now_ns: u64) -> Duration {
    match met {
        Some(MetObstacle { obstacle: Obstacle::AskedToWait { until_ns }, .. }) => {
            Duration::from_nanos(until_ns.saturating_sub(now_ns))
        }
        _ => Duration::ZERO,
    }
}
