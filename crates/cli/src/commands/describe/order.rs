//! Orders: how far custody has come.

use std::fmt::Write as _;

use release_types::{MetObstacle, Obstacle, OrderStatus, PublicationState, Wait};

use crate::{
    operations::moment,
    output::{BAD, GOOD, WARNING, printable, styled},
};

/// How far custody has come with an order.
pub fn order(status: &OrderStatus) -> String {
    let mut text = format!("order       {}\n", printable(&status.id.0));
    for artifact in &status.artifacts {
        let _ = writeln!(text, "  {}  {}", printable(&artifact.filename), publication(&artifact.state));
    }
    if let Some(wait) = &status.waiting {
        text.push_str(&waiting(wait));
    }
    if status.receipt {
        let _ = writeln!(text, "  {}", styled(GOOD, "receipt signed"));
    }
    text
}

/// Why it waits, since when, what would end it, and when custody looks next.
pub fn waiting(wait: &Wait) -> String {
    let mut text = format!("  waiting     {}, since {}\n", wait.reason, moment(wait.since_ns));
    let _ = writeln!(text, "  ends with   {}", wait.reason.ends_when());
    if let Some(MetObstacle { obstacle, since_ns }) = wait.obstacle {
        let what = styled(WARNING, format!("{obstacle}, since {}", moment(since_ns)));
        let _ = writeln!(text, "  obstacle    {what}\n  ends with   {}", obstacle.ends_when());
        if let Obstacle::AskedToWait { until_ns } = obstacle {
            let _ = writeln!(text, "  not before  {}", moment(until_ns));
        }
    }
    if let Some(at_ns) = wait.next_look_at_ns {
        let _ = writeln!(text, "  next look   {}", moment(at_ns));
    }
    text
}

/// How far one artifact has come.
pub fn publication(state: &PublicationState) -> String {
    match state {
        PublicationState::Prepared => "checked, about to be sent".into(),
        PublicationState::Sent => "sent, the answer is awaited".into(),
        PublicationState::Accepted => "accepted by the registry, not proven yet".into(),
        PublicationState::Pending => "accepted, not visible yet; being polled".into(),
        PublicationState::Unknown => styled(WARNING, "outcome unknown; being read back"),
        PublicationState::AwaitingRelease => {
            styled(WARNING, "waiting for you: publish exactly these bytes; custody compares what appears")
        }
        PublicationState::AwaitingStage { readings_left } => format!(
            "{} (custody may look at the staging area {readings_left} more times)",
            styled(WARNING, "waiting for CI to stage exactly these bytes")
        ),
        PublicationState::Staged { stage, sha512, do_not_approve, .. } => {
            staged(stage, sha512, do_not_approve)
        }
        PublicationState::Shown => "shown with the voted digest; its bytes are being compared".into(),
        PublicationState::Verified => styled(GOOD, "verified: the registry shows exactly the voted bytes"),
        PublicationState::Mismatch { shown } => {
            format!("{} it shows {}", styled(BAD, "the registry shows other bytes:"), printable(shown))
        }
        PublicationState::Blocked { reason } => {
            format!("{} {}", styled(BAD, "blocked, people must look:"), printable(reason))
        }
        PublicationState::Declared { published, reason } => {
            let what = if *published { "declared published, not proven:" } else { "declared not published:" };
            format!("{} {}", styled(BAD, what), printable(reason))
        }
        PublicationState::Refused { reason } => {
            format!("{} {}", styled(BAD, "not published:"), printable(reason))
        }
    }
}

/// What a person is to approve at the registry, and what not.
fn staged(stage: &str, sha512: &str, do_not_approve: &[String]) -> String {
    let mut text = format!(
        "{}\n    stage     {}\n    sha512    {}\n    approve   npm stage approve {}",
        styled(WARNING, "staged and proven equal to the voted bytes; a person must approve it:"),
        printable(stage),
        printable(sha512),
        printable(stage)
    );
    for stage in do_not_approve {
        let _ = write!(text, "\n    {} {}", styled(BAD, "do NOT approve"), printable(stage));
    }
    text
}
