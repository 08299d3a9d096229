//! Credentials: what a sealed token may be used for, and where it stands.

use release_types::{
    CredentialId, CredentialMode, CredentialPolicy,
    credential::{CredentialStatus, CredentialView, ProbeOutcome},
};

use crate::{
    operations::{moment, now_ns},
    output::{BAD, GOOD, HEADING, WARNING, printable, styled},
};

/// A credential, on a few lines.
pub fn credential(view: &CredentialView) -> String {
    let status = match &view.status {
        CredentialStatus::Deposited => "deposited; a vote activates it".to_string(),
        CredentialStatus::Activating => "being tried".to_string(),
        CredentialStatus::Active => styled(GOOD, "active"),
        CredentialStatus::Unusable { reason } => {
            format!("{} {}", styled(BAD, "unusable:"), printable(reason))
        }
        CredentialStatus::Revoked => styled(BAD, "revoked"),
    };
    let notice = view.notice.map_or_else(String::new, |seen| {
        format!("  {}      {}, since {}\n", styled(WARNING, "notice"), seen.notice, moment(seen.at_ns))
    });
    let probe = view.probe.map(|probe| {
        let outcome = match probe.outcome {
            Some(ProbeOutcome::Alive) => styled(GOOD, ProbeOutcome::Alive.advice()),
            Some(outcome) => styled(BAD, outcome.advice()),
            None => "under way".into(),
        };
        format!("  probed      {}: {outcome}\n", moment(probe.asked_at_ns))
    });
    let at_registry = match view.status {
        CredentialStatus::Revoked => {
            "  registry    revoke the token there as well: only that makes it worthless\n"
        }
        _ => "",
    };
    format!(
        "{}\n  status      {status}\n{}{}{at_registry}  deposited   {}\n  ciphertext  sha256 {}\n{notice}",
        styled(HEADING, view.id),
        credential_policy(&view.policy),
        probe.unwrap_or_default(),
        moment(view.deposited_at_ns),
        view.sealed_token_sha256
    )
}

/// The credential that a proposal names, as custody has it.
pub fn named_credential(id: CredentialId, found: Option<&CredentialView>) -> String {
    let text = match found {
        Some(view) => credential(view),
        None => {
            format!("{}\n  {}\n", styled(HEADING, id), styled(BAD, "custody has no such credential: vote no"))
        }
    };
    format!("\n{} {text}", styled(HEADING, "credential"))
}

/// What a token may be used for.
pub fn credential_policy(policy: &CredentialPolicy) -> String {
    let mode = match policy.mode {
        CredentialMode::Direct => "direct: custody itself uploads with the token",
        CredentialMode::Staged => "staged: custody stages with the token; what is staged, a person approves",
        CredentialMode::Read => "read: custody reads the registry with the token; it should be read-only",
    };
    let packages: Vec<_> = policy.packages.iter().map(|package| printable(package)).collect();
    let from = match policy.not_before_ns {
        0 => String::new(),
        not_before_ns => format!("  from        {}\n", moment(not_before_ns)),
    };
    format!(
        "  for         {} at {}\n  packages    {}\n  mode        {mode}\n{}  until       {}\n  epoch       {}\n",
        policy.ecosystem,
        printable(&policy.endpoint),
        packages.join(", "),
        from,
        until(policy.not_after_ns),
        policy.epoch
    )
}

/// The end of a credential, with how long it is until then.
fn until(not_after_ns: u64) -> String {
    const DAY_NS: u64 = 24 * 3_600 * 1_000_000_000;
    let left = match not_after_ns.checked_sub(now_ns()) {
        None | Some(0) => styled(BAD, "over"),
        Some(left_ns) if left_ns <= 30 * DAY_NS => styled(WARNING, format!("{} days left", left_ns / DAY_NS)),
        Some(left_ns) => format!("{} days left", left_ns / DAY_NS),
    };
    format!("{} ({left})", moment(not_after_ns))
}

#[cfg(test)]
mod tests {
    use candid::Principal;
    use release_types::{Ecosystem, Registry, RegistryId, Sha256Digest, dao::RegistryView};

    use super::*;

    fn view() -> CredentialView {
        let policy = CredentialPolicy {
            custody: Principal::from_slice(&[1]),
            ecosystem: Ecosystem::Npm,
            endpoint: "https://npm.registry.example/".into(),
            packages: vec!["@dao/demo".into(), "@dao/other".into()],
            mode: CredentialMode::Direct,
            not_before_ns: 0,
            not_after_ns: 1_000_000_000,
            epoch: 7,
        };
        CredentialView {
            id: policy.id(),
            policy,
            status: CredentialStatus::Deposited,
            deposited_at_ns: 0,
            sealed_token_sha256: Sha256Digest::of(b""),
            probe: None,
            notice: None,
        }
    }

    #[test]
    fn should_show_a_voter_all_that_a_credential_allows() {
        let view = view();
        let text = anstream::adapter::strip_str(&named_credential(view.id, Some(&view))).to_string();
        let endpoint = "https://npm.registry.example/";
        for part in ["@dao/demo, @dao/other", endpoint, "1970-01-01T00:00:01Z", "direct", "epoch       7"] {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
    }

    #[test]
    fn should_show_when_a_dated_slice_begins() {
        let policy = CredentialPolicy { not_before_ns: 500_000_000_000, ..view().policy };
        assert!(credential_policy(&policy).contains("from        1970-01-01T00:08:20Z"));
        assert!(!credential_policy(&view().policy).contains("from "));
    }

    #[test]
    fn should_warn_of_the_end_of_direct_publishing_only_where_the_credential_is_still_to_be_used() {
        let endpoint = &view().policy.endpoint;
        let mut registry = Registry::new(Ecosystem::Npm, endpoint, endpoint);
        registry.direct_publishing_ends_at_ns = Some(1);
        let known = [RegistryView { id: RegistryId("npm".into()), registry }];
        let warning = |view: &CredentialView| super::super::credential_ending(view, &known, 2);
        assert!(warning(&view()).is_some_and(|text| text.contains("--mode staged")));
        assert_eq!(warning(&CredentialView { status: CredentialStatus::Revoked, ..view() }), None);
        let policy = CredentialPolicy { mode: CredentialMode::Staged, ..view().policy };
        assert_eq!(warning(&CredentialView { policy, ..view() }), None);
    }

    #[test]
    fn should_tell_voters_to_say_no_when_custody_has_no_such_credential() {
        let id = view().id;
        let text = named_credential(id, None);
        assert!(text.contains("vote no") && text.contains(&id.to_string()), "{text}");
    }
}
