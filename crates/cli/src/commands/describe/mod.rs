//! What commands print of proposals, orders, credentials and artifacts, in plain words.

pub mod alarms;
mod amendment;
pub mod control;
mod credential;
pub mod freeze;
mod order;
pub mod policy;
mod review;

use std::fmt::Write as _;

use release_types::{
    CredentialId, CredentialMode, Member, MemberChange, ProposalAction, ProposalStatus, ProposalView,
    PublishingMode, Registry, Tally,
    credential::{CredentialStatus, CredentialView},
    dao::RegistryView,
    proposal::{CredentialChange, NpmAccess, ReleaseProposal},
    registry::DirectPublishing,
    voting::{Ballot, Dispute},
    watch::WatchChange,
};

use crate::{
    operations::{moment, period},
    output::{BAD, FAINT, GOOD, HEADING, WARNING, printable, printable_lines, styled},
};

pub use amendment::amendment;
pub use credential::{credential, credential_policy, named_credential};
pub use order::{order, publication};
pub use review::review;

/// One line that says what a proposal does.
pub fn action(action: &ProposalAction) -> String {
    match action {
        ProposalAction::Release(release) => {
            let count = release.artifacts.len();
            let files = if count == 1 { "1 file".to_string() } else { format!("{count} files") };
            format!(
                "release {} {} to {} ({files})",
                printable(&release.name),
                printable(&release.version),
                printable(&release.registry.0)
            )
        }
        ProposalAction::Registry(proposal) => {
            let facts = registry_facts(&proposal.registry).into_iter();
            let facts: Vec<_> = facts.map(|(name, value)| format!("{name} {value}")).collect();
            let (id, ecosystem) = (printable(&proposal.id.0), proposal.registry.ecosystem);
            format!("registry {id} ({ecosystem}): {}", facts.join(", "))
        }
        ProposalAction::Credential(proposal) => {
            let verb = match proposal.change {
                CredentialChange::Activate => "activate",
                CredentialChange::Revoke => "revoke",
                CredentialChange::Probe => "probe",
            };
            format!("{verb} credential {}", proposal.credential)
        }
        ProposalAction::Unfreeze(unfreeze) => format!("unfreeze {}", freeze::scope(&unfreeze.scope)),
        ProposalAction::Amendment(proposal) => amendment(proposal),
        ProposalAction::PromotionDelay(proposal) => format!(
            "at {}, let latest name a version {} after it was verified",
            printable(&proposal.registry.0),
            period(proposal.delay_ns)
        ),
        ProposalAction::Declaration(proposal) => format!(
            "declare that {} of proposal {} was {}published: {}",
            printable(&proposal.filename),
            proposal.release,
            if proposal.published { "" } else { "not " },
            printable(&proposal.reason)
        ),
        ProposalAction::Watch(watch) => {
            let (package, registry) = (printable(&watch.package), printable(&watch.registry.0));
            match watch.change {
                WatchChange::Start { interval_s, read_credential } => {
                    let every = period(interval_s.saturating_mul(1_000_000_000));
                    let read_with = read_with(read_credential);
                    format!("watch {package} at {registry} every {every}{read_with}")
                }
                WatchChange::Stop => format!("stop watching {package} at {registry}"),
            }
        }
        ProposalAction::Motion => "motion: nothing but what its title and summary say".into(),
        ProposalAction::Members { changes } => {
            let changes: Vec<_> = changes.iter().map(member_change).collect();
            format!("members: {}", changes.join("; "))
        }
        ProposalAction::Policies(policies) => format!(
            "rules, version {}: by default {}",
            policies.version,
            policy::sentences(&policies.default, &[]).join("; ")
        ),
        ProposalAction::Settings(settings) => {
            format!("allow {} releases of a package a day", settings.releases_per_package_and_day)
        }
        ProposalAction::Upgrade(proposal) => control::upgrade(proposal),
        ProposalAction::CanisterSettings(proposal) => control::settings(proposal),
        ProposalAction::TopUp(proposal) => control::top_up(proposal),
        ProposalAction::CancelRecovery(proposal) => {
            format!("cancel recovery {} of the DAO", proposal.recovery)
        }
    }
}

/// One change of members.
fn member_change(change: &MemberChange) -> String {
    let keys = |keys: &[candid::Principal]| {
        let keys: Vec<_> = keys.iter().map(ToString::to_string).collect();
        keys.join(", ")
    };
    match change {
        MemberChange::Admit { name, voting_power, keys: own } => {
            format!("admit {} with power {voting_power} and the keys {}", printable(name), keys(own))
        }
        MemberChange::Remove { member } => format!("remove member {member}"),
        MemberChange::SetPower { member, voting_power } => {
            format!("give member {member} the power {voting_power}")
        }
        MemberChange::SetKeys { member, keys: own } => {
            format!("let member {member} have no keys but {}", keys(own))
        }
        MemberChange::Reinstate { key } => format!("let the key {key} act again"),
        MemberChange::AddProposer(proposer) => {
            format!("let {} ({}) propose", printable(&proposer.name), proposer.principal)
        }
        MemberChange::RemoveProposer { principal } => format!("let {principal} propose no more"),
    }
}

/// With which credential something is read, for the end of a line.
fn read_with(credential: Option<CredentialId>) -> String {
    credential.map_or_else(String::new, |id| format!(", read with credential {id}"))
}

/// What a registry consists of, each fact with its short name.
pub fn registry_facts(registry: &Registry) -> Vec<(&'static str, String)> {
    let mut facts =
        vec![("upload", printable(&registry.upload_url)), ("read", printable(&registry.read_url))];
    facts.extend(registry.version_url.as_deref().map(|url| ("version", printable(url))));
    facts.extend(registry.files_url.as_deref().map(|url| ("files", printable(url))));
    facts.extend(
        registry
            .direct_publishing_ends_at_ns
            .map(|at_ns| ("ends", format!("direct publishing {}", moment(at_ns)))),
    );
    facts
}

/// A proposal's status in a word, coloured, with its reason if it has one.
pub fn status(status: &ProposalStatus) -> String {
    match status {
        ProposalStatus::Open => styled(HEADING, "open"),
        ProposalStatus::Rejected => styled(BAD, "rejected"),
        ProposalStatus::Withdrawn => styled(FAINT, "withdrawn"),
        ProposalStatus::Approved => styled(GOOD, "approved, execution is due"),
        ProposalStatus::Executing => styled(GOOD, "approved, being carried out"),
        ProposalStatus::Executed => styled(GOOD, "done"),
        ProposalStatus::Vetoed { member, reason } => {
            format!("{} {}", styled(BAD, format!("stopped by member {member}:")), printable(reason))
        }
        ProposalStatus::Expired => styled(BAD, "approved, and not begun in time"),
        ProposalStatus::Failed { reason } => format!("{} {}", styled(BAD, "failed:"), printable(reason)),
    }
}

/// Votes so far, and what is needed.
pub fn tally(tally: &Tally) -> String {
    format!("{} yes, {} no, {} abstain of {}", tally.yes, tally.no, tally.abstain, tally.total)
}

/// A member's vote, under the name that the group knows the member by.
pub fn ballot(ballot: &Ballot, members: &[Member]) -> String {
    let Ballot { member, key, choice, voting_power, checked, .. } = ballot;
    let known = members.iter().find(|known| known.id == *member);
    let name = known.map_or("no longer a member".into(), |known| printable(&known.name));
    let checked = if *checked { ", computed the digests" } else { "" };
    format!("ballot      {choice:?}, power {voting_power}: {name} ({key}){checked}\n")
}

/// Who computed other digests than those proposed.
pub fn dispute(dispute: &Dispute, members: &[Member]) -> String {
    let known = members.iter().find(|known| known.id == dispute.member);
    let name = known.map_or("no longer a member".into(), |known| printable(&known.name));
    let digests: Vec<_> = dispute.digests.iter().map(ToString::to_string).collect();
    let alarm = styled(BAD, "other bytes");
    format!(
        "{alarm} {name} ({}) computed {}: while this stands, nothing is adopted\n",
        dispute.key,
        digests.join(", ")
    )
}

/// A proposal's head: everything but what its artifacts contain.
pub fn proposal(view: &ProposalView) -> String {
    let mut text =
        format!("{} {}\n", styled(HEADING, format!("proposal {}:", view.id)), printable(&view.title));
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<12}{value}");
    };
    line("what", action(&view.action));
    line("status", status(&view.status));
    line("votes", tally(&view.tally));
    let heads = view.heads;
    line("members", format!("{} said yes; {} of {} voted", heads.yes, heads.voted, heads.total));
    line("proposer", view.proposer.to_text());
    line("submitted", moment(view.submitted_at_ns));
    match view.decided_at_ns {
        Some(decided) => line("decided", moment(decided)),
        None => line("deadline", moment(view.deadline_ns)),
    }
    if let (Some(due), ProposalStatus::Approved) = (view.executable_at_ns, &view.status) {
        line("carried out", format!("from {} on", moment(due)));
    }
    if let ProposalAction::Release(release) = &view.action {
        self::release(release, &mut line);
    }
    if let Some(status) = &view.order {
        let _ = writeln!(text, "{}", order(status).trim_end());
    }
    if let Some(status) = &view.amendment {
        text.push_str(&amendment::status(status));
    }
    if !view.summary.is_empty() {
        let _ = writeln!(text, "\n{}", printable_lines(&view.summary).join("\n"));
    }
    text
}

/// A way to publish, and what it asks of people.
pub fn publishing_mode(mode: PublishingMode) -> &'static str {
    match mode {
        PublishingMode::Direct => "direct: custody uploads these bytes",
        PublishingMode::Staged => {
            "staged: custody stages these bytes; a person then approves at the registry"
        }
        PublishingMode::StagedElsewhere => {
            "staged-elsewhere: CI stages, custody compares; a person then approves at the registry"
        }
        PublishingMode::VerifyOnly => {
            "verify-only: people publish as they like, custody compares what is live"
        }
    }
}

/// What a group must know of a registry that ends direct publishing; nothing while that is far away.
pub fn direct_publishing(registry: &Registry, now_ns: u64) -> Option<String> {
    let advice = "propose releases with --mode staged, staged-elsewhere or verify-only";
    match registry.direct_publishing(now_ns) {
        DirectPublishing::Open => None,
        DirectPublishing::EndsSoon { at_ns } => Some(styled(
            WARNING,
            format!(
                "this registry ends direct publishing by token at {}; from then on {advice}",
                moment(at_ns)
            ),
        )),
        DirectPublishing::Ended { at_ns } => Some(styled(
            BAD,
            format!("this registry ended direct publishing by token at {}: {advice}", moment(at_ns)),
        )),
    }
}

/// The warning for a credential that publishes directly, from the registries at its endpoint.
pub fn credential_ending(view: &CredentialView, registries: &[RegistryView], now_ns: u64) -> Option<String> {
    let registry = registries.iter().find(|known| known.registry.upload_url == view.policy.endpoint)?;
    if view.policy.mode != CredentialMode::Direct || view.status == CredentialStatus::Revoked {
        return None;
    }
    direct_publishing(&registry.registry, now_ns).map(|text| format!("  note        {text}\n"))
}

/// The lines that only releases have.
fn release(release: &ReleaseProposal, line: &mut impl FnMut(&str, String)) {
    line("mode", publishing_mode(release.mode).into());
    for (name, id) in [("credential", release.credential), ("read with", release.read_credential)] {
        if let Some(id) = id {
            line(name, id.to_string());
        }
    }
    if let Some(npm) = &release.npm {
        let access = match npm.access {
            NpmAccess::Public => "public",
            NpmAccess::Restricted => "restricted",
        };
        line("npm", format!("tag {}, access {access}", printable(&npm.dist_tag)));
    }
    if let Some(source) = &release.source {
        let tag = source.tag.as_deref().map(|tag| format!(" ({})", printable(tag))).unwrap_or_default();
        line("source", format!("{} at {}{tag}", printable(&source.repository), printable(&source.commit)));
        if let Some(rebuild) = &source.rebuild {
            line("rebuild", printable(rebuild));
        }
    }
    for artifact in &release.artifacts {
        line("artifact", format!("{}  {} bytes", printable(&artifact.filename), artifact.size_bytes));
        line("  sha256", artifact.sha256.to_string());
    }
}
