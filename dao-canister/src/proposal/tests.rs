use release_types::{
    CredentialPolicy, Ecosystem, PublishingMode, Registry, Sha256Digest,
    order::Publication,
    proposal::{
        CredentialChange, CredentialProposal, NpmAccess, NpmOptions, RegistryProposal, ReleaseProposal,
        SourceReference,
    },
};

use super::*;
use crate::{
    queries,
    test_fixtures::{
        DAY_NS, NPM_URL, PERIOD_NS as HOUR_NS, TestRuntime, activate, adopt, args, assert_log_tells_all,
        defects_of, deposit, installed, member, npm_release, npm_release_of, packages, policy, proposer,
        pypi_release, ready, refused, registry, stranger, upload,
    },
};

fn fields(defects: &[Defect]) -> Vec<&str> {
    defects.iter().map(|defect| defect.field.as_str()).collect()
}

fn release_defects(runtime: &TestRuntime, release: ReleaseProposal) -> Vec<Defect> {
    defects_of(runtime, ProposalAction::Release(release))
}

fn document(id: ProposalId) -> ReleaseDocument {
    let proposal = read_state(|state| state.proposal(id).cloned()).expect("exists");
    ValidRelease::recall(id, &proposal).expect("is a release").into_document()
}

mod submission {
    use super::*;

    #[test]
    fn should_refuse_strangers() {
        let runtime = ready();
        for caller in [stranger(), Principal::anonymous()] {
            let action = ProposalAction::Registry(registry(Ecosystem::Npm));
            let error = refused(|| submit(&runtime, caller, args(action)));
            assert_eq!(error, SubmitProposalError::NotAllowed { caller });
        }
    }

    #[test]
    fn should_let_a_proposer_propose() {
        let runtime = installed();
        let action = ProposalAction::Registry(registry(Ecosystem::Npm));
        let id = submit(&runtime, proposer(), args(action)).expect("is valid");
        assert_eq!(queries::get_proposal(id).expect("exists").proposer, proposer());
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_bound_texts_and_report_them_with_everything_else() {
        let runtime = installed();
        let mut proposal = args(ProposalAction::Registry(RegistryProposal {
            id: RegistryId("NPM!".into()),
            registry: Registry::new(Ecosystem::Npm, "http://npm.registry.example/", NPM_URL),
        }));
        proposal.title = String::new();
        proposal.summary = "x".repeat(10_001);
        let error = refused(|| submit(&runtime, member(1), proposal));
        let SubmitProposalError::Invalid { defects } = error else { panic!("expected defects") };
        assert_eq!(fields(&defects), ["title", "summary", "upload_url", "id"]);
        let untitled = SubmitProposalArgs { title: String::new(), ..args(ProposalAction::Motion) };
        let error = refused(|| submit(&runtime, member(1), untitled));
        let SubmitProposalError::Invalid { defects } = error else { panic!("expected defects") };
        assert_eq!(fields(&defects), ["title"], "though the action is valid");
    }

    #[test]
    fn should_limit_the_open_proposals_of_a_caller() {
        let runtime = installed();
        let action = || ProposalAction::Registry(registry(Ecosystem::Npm));
        let first = submit(&runtime, proposer(), args(action())).expect("is valid");
        for _ in 1..20 {
            submit(&runtime, proposer(), args(action())).expect("is within the limit");
        }
        let error = refused(|| submit(&runtime, proposer(), args(action())));
        assert_eq!(error, SubmitProposalError::TooManyOpen { open: 20, limit: 20 });
        submit(&runtime, member(1), args(action())).expect("another caller");
        crate::vote::withdraw(&runtime, proposer(), first).expect("withdraws");
        submit(&runtime, proposer(), args(action())).expect("is within the limit again");
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_limit_what_is_taken_from_a_caller_in_a_day() {
        let runtime = installed();
        let action = || ProposalAction::Registry(registry(Ecosystem::Npm));
        let start_ns = runtime.time_ns();
        for _ in 0..50 {
            let id = submit(&runtime, proposer(), args(action())).expect("is within the limit");
            crate::vote::withdraw(&runtime, proposer(), id).expect("withdraws");
        }
        let limit = 50;
        let expected =
            SubmitProposalError::TooOften { submissions: limit, limit, frees_at_ns: start_ns + DAY_NS };
        assert_eq!(refused(|| submit(&runtime, proposer(), args(action()))), expected);
        submit(&runtime, member(1), args(action())).expect("another caller");
        runtime.skip(DAY_NS - 1);
        assert_eq!(refused(|| submit(&runtime, proposer(), args(action()))), expected);
        runtime.skip(1);
        submit(&runtime, proposer(), args(action())).expect("the next day");
    }

    #[test]
    fn should_limit_what_is_refused_to_a_caller_in_an_hour() {
        let runtime = ready();
        let good = || ProposalAction::Registry(registry(Ecosystem::Npm));
        let mut bad = registry(Ecosystem::Npm);
        bad.id = RegistryId("NPM!".into());
        let bad = || args(ProposalAction::Registry(bad.clone()));
        for _ in 0..pace::MAX_REFUSED_AN_HOUR {
            let error = refused(|| submit(&runtime, proposer(), bad()));
            assert!(matches!(error, SubmitProposalError::Invalid { .. }), "{error:?}");
        }
        let limit = pace::MAX_REFUSED_AN_HOUR;
        let frees_at_ns = runtime.time_ns() + HOUR_NS;
        let expected = SubmitProposalError::TooOften { submissions: limit, limit, frees_at_ns };
        assert_eq!(refused(|| submit(&runtime, proposer(), args(good()))), expected);
        submit(&runtime, member(1), args(good())).expect("another caller");
        runtime.skip(HOUR_NS);
        submit(&runtime, proposer(), args(good())).expect("an hour later");
    }

    #[test]
    fn should_keep_a_registry_to_its_ecosystem() {
        let runtime = ready();
        let mut other = registry(Ecosystem::Pypi);
        other.id = registry(Ecosystem::Npm).id;
        assert_eq!(fields(&defects_of(&runtime, ProposalAction::Registry(other))), ["registry.ecosystem"]);
    }
}

mod credentials {
    use super::*;

    fn change(credential: release_types::CredentialId, change: CredentialChange) -> ProposalAction {
        ProposalAction::Credential(CredentialProposal { credential, change })
    }

    #[test]
    fn should_refuse_a_change_that_cannot_be() {
        let runtime = ready();
        let active = policy(Ecosystem::Npm).id();
        let deposited = deposit(&runtime, &CredentialPolicy { epoch: 2, ..policy(Ecosystem::Npm) });
        let unknown = CredentialPolicy { epoch: 3, ..policy(Ecosystem::Npm) }.id();
        assert_eq!(defects_of(&runtime, change(unknown, CredentialChange::Activate)).len(), 1);
        assert_eq!(defects_of(&runtime, change(active, CredentialChange::Activate)).len(), 1);
        submit(&runtime, member(1), args(change(active, CredentialChange::Revoke))).expect("can be");
        submit(&runtime, member(1), args(change(deposited, CredentialChange::Activate))).expect("can be");
        submit(&runtime, member(1), args(change(deposited, CredentialChange::Revoke))).expect("can be");
    }
}

mod npm {
    use super::*;

    #[test]
    fn should_derive_what_will_be_published_from_the_bytes() {
        let runtime = ready();
        let release = npm_release(&runtime, "1.0.0");
        let id =
            submit(&runtime, member(1), args(ProposalAction::Release(release.clone()))).expect("is valid");
        let document = document(id);
        assert_eq!((document.package.as_str(), document.version.as_str()), ("@dao/demo", "1.0.0"));
        assert_eq!(document.registry, registry(Ecosystem::Npm).registry);
        let artifact = &document.artifacts[0];
        assert_eq!(artifact.review.sha256, release.artifacts[0].sha256);
        assert_eq!(artifact.review.files.len(), 1);
        let Publication::Npm { manifest_json, options } = &artifact.publication else { panic!("is npm") };
        assert!(manifest_json.contains(r#""_id":"@dao/demo@1.0.0""#), "{manifest_json}");
        assert_eq!(Some(options), release.npm.as_ref());
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_show_the_review_to_the_group_only() {
        let runtime = ready();
        let release = ProposalAction::Release(npm_release(&runtime, "1.0.0"));
        let id = submit(&runtime, member(1), args(release)).expect("is valid");
        for reader in [member(5), proposer()] {
            assert_eq!(queries::get_review(reader, id).expect("is shown").len(), 1);
        }
        for reader in [stranger(), Principal::anonymous()] {
            assert_eq!(queries::get_review(reader, id), None);
        }
    }

    #[test]
    fn should_report_every_disagreement_at_once() {
        let runtime = ready();
        let mut release = npm_release(&runtime, "1.0.0");
        release.name = "plain".into();
        release.version = "1.0.1".into();
        release.artifacts[0].filename = "other.tgz".into();
        release.artifacts[0].size_bytes += 1;
        release.credential = Some(policy(Ecosystem::Pypi).id());
        release.npm = Some(NpmOptions { dist_tag: "1.x".into(), access: NpmAccess::Restricted });
        let defects = release_defects(&runtime, release);
        let expected = [
            "dist-tag",
            "npm.access",
            "credential",
            "credential",
            "credential",
            "artifacts[0]: name",
            "artifacts[0]: version",
            "artifacts[0]: filename",
            "artifacts[0]: size_bytes",
        ];
        assert_eq!(fields(&defects), expected);
    }

    #[test]
    fn should_refuse_an_artifact_that_is_not_there() {
        let runtime = ready();
        let mut release = npm_release(&runtime, "1.0.0");
        release.artifacts[0].sha256 = Sha256Digest::of(b"other");
        assert_eq!(fields(&release_defects(&runtime, release)), ["artifacts[0]: sha256"]);
    }

    #[test]
    fn should_refuse_damaged_archives_without_trapping() {
        let runtime = ready();
        let tarball = packages::npm_tarball("@dao/demo", "1.0.0");
        for length in [1, 10, tarball.len() / 2, tarball.len() - 1] {
            let artifact = upload(&runtime, "dao-demo-1.0.0.tgz", &tarball[..length]);
            let defects = release_defects(&runtime, npm_release_of(artifact, "@dao/demo", "1.0.0"));
            assert!(!defects.is_empty());
        }
    }

    #[test]
    fn should_name_the_exact_limit_when_a_tarball_is_too_large_for_an_outcall() {
        let runtime = ready();
        let manifest = r#"{"name":"plain","version":"1.0.0"}"#;
        let tarball = |length| packages::npm_tarball_of(manifest, &[("noise", &packages::noise(length))]);
        let release_of =
            |bytes: &[u8]| npm_release_of(upload(&runtime, "plain-1.0.0.tgz", bytes), "plain", "1.0.0");
        let defects = release_defects(&runtime, release_of(&tarball(4_400_000)));
        assert_eq!(fields(&defects), ["artifacts[0]: size_bytes"]);
        let limit: usize = defects[0]
            .allowed
            .split(' ')
            .find_map(|word| word.parse().ok())
            .unwrap_or_else(|| panic!("{} names no limit", defects[0].allowed));
        // Noise does not compress, so that a tarball of nearly any size can be made.
        let near = |size: usize| {
            let mut length = size - 2_000;
            loop {
                let bytes = tarball(length);
                if bytes.len() <= size && size - bytes.len() < 10 {
                    return bytes;
                }
                length = length + size - bytes.len();
            }
        };
        let oversize = near(limit + 10);
        assert!(oversize.len() > limit);
        assert_eq!(fields(&release_defects(&runtime, release_of(&oversize))), ["artifacts[0]: size_bytes"]);
        let fitting = near(limit);
        submit(&runtime, member(1), args(ProposalAction::Release(release_of(&fitting)))).expect("fits");
    }

    #[test]
    fn should_take_a_large_tarball_when_custody_does_not_send_it() {
        let runtime = ready();
        let manifest = r#"{"name":"plain","version":"1.0.0"}"#;
        let tarball = packages::npm_tarball_of(manifest, &[("noise", &packages::noise(4_400_000))]);
        let release = npm_release_of(upload(&runtime, "plain-1.0.0.tgz", &tarball), "plain", "1.0.0");
        let elsewhere = ReleaseProposal { mode: PublishingMode::VerifyOnly, credential: None, ..release };
        submit(&runtime, member(1), args(ProposalAction::Release(elsewhere))).expect("people send it");
    }

    #[test]
    fn should_refuse_what_says_more_of_itself_than_one_message_carries() {
        let runtime = ready();
        let paths: Vec<_> = (0..9_000).map(|number| format!("{}/{number}", "d".repeat(240))).collect();
        let files: Vec<_> = paths.iter().map(|path| (path.as_str(), &b""[..])).collect();
        let tarball = packages::npm_tarball_of(r#"{"name":"@dao/demo","version":"1.0.0"}"#, &files);
        let artifact = upload(&runtime, "dao-demo-1.0.0.tgz", &tarball);
        let defects = release_defects(&runtime, npm_release_of(artifact, "@dao/demo", "1.0.0"));
        assert_eq!(fields(&defects), ["artifacts"]);
        assert!(defects[0].found.contains("bytes of metadata and file lists"), "{defects:?}");
    }

    #[test]
    fn should_want_options_that_npm_and_the_package_agree_to() {
        let runtime = ready();
        let defects_with = |release: &ReleaseProposal, dist_tag: &str, access| {
            let npm = Some(NpmOptions { dist_tag: dist_tag.into(), access });
            let defects = release_defects(&runtime, ReleaseProposal { npm, ..release.clone() });
            defects.into_iter().map(|defect| defect.field).collect::<Vec<_>>()
        };
        let release = npm_release(&runtime, "1.0.0");
        assert_eq!(defects_with(&release, "1.x", NpmAccess::Public), ["dist-tag"]);
        assert_eq!(release_defects(&runtime, ReleaseProposal { npm: None, ..release })[0].field, "npm");
        let plain = upload(&runtime, "plain-1.0.0.tgz", &packages::npm_tarball("plain", "1.0.0"));
        let plain = npm_release_of(plain, "plain", "1.0.0");
        assert_eq!(defects_with(&plain, "latest", NpmAccess::Restricted), ["npm.access"]);
        let manifest =
            r#"{"name":"plain","version":"1.0.0","publishConfig":{"tag":"next","access":"public"}}"#;
        let configured = upload(&runtime, "plain-1.0.0.tgz", &packages::npm_tarball_of(manifest, &[]));
        let configured = npm_release_of(configured, "plain", "1.0.0");
        assert_eq!(defects_with(&configured, "latest", NpmAccess::Public), ["artifacts[0]: npm.dist_tag"]);
    }

    #[test]
    fn should_want_exactly_one_tarball() {
        let runtime = ready();
        let release = npm_release(&runtime, "1.0.0");
        let none = ReleaseProposal { artifacts: vec![], ..release.clone() };
        assert_eq!(fields(&release_defects(&runtime, none)), ["artifacts"]);
        let mut twice = release;
        twice.artifacts.push(twice.artifacts[0].clone());
        let expected = ["artifacts", "artifacts[1].filename", "artifacts[1].sha256"];
        assert_eq!(fields(&release_defects(&runtime, twice)), expected);
    }

    #[test]
    fn should_want_an_active_credential_that_covers_the_release() {
        let runtime = ready();
        let release = npm_release(&runtime, "1.0.0");
        let with =
            |id| release_defects(&runtime, ReleaseProposal { credential: Some(id), ..release.clone() });
        assert_eq!(with(policy(Ecosystem::Pypi).id()).len(), 3, "ecosystem, endpoint and package");
        let narrow = CredentialPolicy { packages: vec!["plain".into()], epoch: 2, ..policy(Ecosystem::Npm) };
        assert_eq!(with(narrow.id())[0].allowed, "a credential that was deposited through this canister");
        deposit(&runtime, &narrow);
        let allowed: Vec<_> = with(narrow.id()).into_iter().map(|defect| defect.allowed).collect();
        assert_eq!(allowed, ["an active credential", "one for @dao/demo"]);
        let brief =
            CredentialPolicy { not_after_ns: runtime.time_ns() + DAY_NS, epoch: 3, ..policy(Ecosystem::Npm) };
        activate(&runtime, &brief);
        runtime.skip(DAY_NS);
        assert_eq!(with(brief.id())[0].allowed, "one that may still be used");
        let later =
            CredentialPolicy { not_before_ns: runtime.time_ns() + 1, epoch: 4, ..policy(Ecosystem::Npm) };
        activate(&runtime, &later);
        assert_eq!(with(later.id())[0].allowed, "one that may be used already");
    }

    #[test]
    fn should_want_the_credential_that_the_mode_uses() {
        let runtime = ready();
        let release = npm_release(&runtime, "1.0.0");
        let with = |mode, credential| {
            let changed = ReleaseProposal { mode, credential, ..release.clone() };
            let defects = release_defects(&runtime, changed);
            defects.into_iter().map(|defect| defect.field + ": " + &defect.found).collect::<Vec<_>>()
        };
        assert_eq!(with(PublishingMode::Direct, None), ["credential: none"]);
        assert_eq!(with(PublishingMode::VerifyOnly, release.credential), ["credential: one"]);
        assert_eq!(with(PublishingMode::Staged, release.credential), ["credential: a direct credential"]);
        let reading = ReleaseProposal { read_credential: release.credential, ..release.clone() };
        assert_eq!(fields(&release_defects(&runtime, reading)), ["read_credential"], "it publishes");
        let verify_only =
            ReleaseProposal { mode: PublishingMode::VerifyOnly, credential: None, ..release.clone() };
        submit(&runtime, member(1), args(ProposalAction::Release(verify_only))).expect("needs none");
    }

    #[test]
    fn should_refuse_direct_releases_from_the_announced_end_on() {
        let runtime = ready();
        let release = npm_release(&runtime, "1.0.0");
        let ending = |at_ns| {
            let mut proposal = registry(Ecosystem::Npm);
            proposal.registry.direct_publishing_ends_at_ns = Some(at_ns);
            let id = submit(&runtime, member(1), args(ProposalAction::Registry(proposal))).expect("is valid");
            adopt(&runtime, id);
            runtime.advance(0);
        };
        ending(runtime.time_ns() + DAY_NS);
        let earlier = ProposalAction::Release(npm_release(&runtime, "0.9.0"));
        submit(&runtime, member(1), args(earlier)).expect("not ended yet");
        ending(runtime.time_ns());
        let defects = release_defects(&runtime, release.clone());
        assert_eq!(fields(&defects), ["mode"]);
        assert_eq!(defects[0].allowed, "staged, staged-elsewhere or verify-only");
    }

    #[test]
    fn should_bound_the_source_reference() {
        let runtime = ready();
        let mut release = npm_release(&runtime, "1.0.0");
        release.source = Some(SourceReference {
            repository: String::new(),
            commit: "c".repeat(501),
            tag: Some("v1".into()),
            rebuild: Some("r".repeat(501)),
        });
        let expected = ["source.repository", "source.commit", "source.rebuild"];
        assert_eq!(fields(&release_defects(&runtime, release)), expected);
    }
}

mod pypi {
    use super::*;

    #[test]
    fn should_derive_a_form_for_each_file_of_one_project_and_version() {
        let runtime = ready();
        let release = pypi_release(&runtime, "1.0");
        let id = submit(&runtime, member(1), args(ProposalAction::Release(release))).expect("is valid");
        let document = document(id);
        assert_eq!((document.package.as_str(), document.version.as_str()), ("demo-pkg", "1.0"));
        let file_types: Vec<_> = document
            .artifacts
            .iter()
            .map(|artifact| match &artifact.publication {
                Publication::Pypi { form } => {
                    form.iter().find(|(name, _)| name == "filetype").expect("has a type").1.clone()
                }
                Publication::Npm { .. } => panic!("is PyPI"),
            })
            .collect();
        assert_eq!(file_types, ["bdist_wheel", "sdist"]);
    }

    #[test]
    fn should_refuse_files_of_another_project_or_version_and_name_each() {
        let runtime = ready();
        let mut release = pypi_release(&runtime, "1.0");
        let other = "other-1.0-py3-none-any.whl";
        release.artifacts.push(upload(&runtime, other, &packages::wheel("other", "1.0")));
        let newer = "demo_pkg-1.1.tar.gz";
        release.artifacts.push(upload(&runtime, newer, &packages::sdist("demo_pkg", "1.1")));
        let defects = release_defects(&runtime, release);
        assert_eq!(fields(&defects), ["artifacts[2]: name", "artifacts[3]: version"]);
    }

    /// Whether each of the artifacts was opened, told by what is wrong with it.
    fn opened(defects: &[Defect], artifacts: usize) -> Vec<bool> {
        let not_opened = |index: &usize| {
            let field = format!("artifacts[{index}]: artifact");
            defects.iter().any(|defect| defect.field == field && defect.found.starts_with("not opened"))
        };
        (0..artifacts).map(|index| !not_opened(&index)).collect()
    }

    #[test]
    fn should_open_an_artifact_once_however_often_it_is_named() {
        let runtime = ready();
        let mut release = pypi_release(&runtime, "1.0");
        let broken = upload(&runtime, "broken-1.0-py3-none-any.whl", b"no wheel");
        release.artifacts = vec![broken; 20];
        let defects = release_defects(&runtime, release);
        let of_content = defects.iter().filter(|defect| defect.field.contains("]: ")).count();
        let of_first = defects.iter().filter(|defect| defect.field.starts_with("artifacts[0]: ")).count();
        assert!(of_first > 0, "{defects:?}");
        assert_eq!(of_content, of_first, "opened again");
    }

    #[test]
    fn should_stop_opening_when_what_cannot_be_read_used_up_the_budget() {
        let runtime = ready();
        let mut release = pypi_release(&runtime, "1.0");
        let wheel = release.artifacts.remove(0);
        release.artifacts = (0..19)
            .map(|n| {
                let bytes = format!("no wheel {n}");
                upload(&runtime, &format!("demo_pkg-1.0-{n}-py3-none-any.whl"), bytes.as_bytes())
            })
            .collect();
        release.artifacts.insert(2, wheel.clone());
        let defects = release_defects(&runtime, release.clone());
        // A good one costs what it holds, three broken ones everything.
        let expected: Vec<_> = (0..20).map(|index| index < 4).collect();
        assert_eq!(opened(&defects, 20), expected);
        assert!(!fields(&defects).iter().any(|field| field.starts_with("artifacts[2]: ")));
    }

    #[test]
    fn should_take_one_source_distribution_only_and_no_npm_options() {
        let runtime = ready();
        let mut release = pypi_release(&runtime, "1.0");
        release.npm = Some(NpmOptions { dist_tag: "latest".into(), access: NpmAccess::Public });
        assert_eq!(fields(&release_defects(&runtime, release)), ["npm"]);

        let mut release = pypi_release(&runtime, "1.0");
        let again = packages::sdist("demo-pkg", "1.0");
        release.artifacts.push(upload(&runtime, "demo-pkg-1.0.tar.gz", &again));
        assert_eq!(fields(&release_defects(&runtime, release)), ["artifacts[2]: filename"], "one spelling");
    }
}

mod one_live_release {
    use super::*;

    #[test]
    fn should_refuse_a_second_live_proposal_for_the_same_release() {
        let runtime = ready();
        let release = pypi_release(&runtime, "1.0");
        let first =
            submit(&runtime, member(1), args(ProposalAction::Release(release.clone()))).expect("valid");
        let mut same = ReleaseProposal { name: "demo-pkg".into(), ..release.clone() };
        same.artifacts.truncate(1);
        let error = refused(|| submit(&runtime, proposer(), args(ProposalAction::Release(same.clone()))));
        assert_eq!(error, SubmitProposalError::AlreadyProposed { proposal: first });
        let next = ProposalAction::Release(pypi_release(&runtime, "1.1"));
        submit(&runtime, member(1), args(next)).expect("another version");
        adopt(&runtime, first);
        let error = refused(|| submit(&runtime, proposer(), args(ProposalAction::Release(same.clone()))));
        assert_eq!(error, SubmitProposalError::AlreadyProposed { proposal: first });
        crate::vote::withdraw(&runtime, member(1), first).expect("withdraws");
        submit(&runtime, proposer(), args(ProposalAction::Release(same))).expect("the first is over");
        assert_log_tells_all(&runtime);
    }
}

mod documents {
    use super::*;

    #[test]
    fn should_drop_the_document_of_what_is_withdrawn_or_rejected_and_keep_others() {
        use release_types::{Choice, ProposalStatus};
        let runtime = ready();
        let release = ProposalAction::Release(npm_release(&runtime, "1.0.0"));
        let submit_again = || submit(&runtime, member(1), args(release.clone())).expect("is valid");
        let withdrawn = submit_again();
        let pieces = storage::document_pieces();
        assert!(pieces > 0);
        crate::vote::withdraw(&runtime, member(1), withdrawn).expect("withdraws");
        let rejected = submit_again();
        for number in 1..=3 {
            crate::test_fixtures::cast(&runtime, member(number), rejected, Choice::No).expect("counts");
        }
        assert_eq!(crate::test_fixtures::status(rejected), ProposalStatus::Rejected);
        let adopted = submit_again();
        adopt(&runtime, adopted);
        for (id, is_kept) in [(withdrawn, false), (rejected, false), (adopted, true)] {
            assert_eq!(queries::get_review(member(2), id).is_some(), is_kept, "proposal {id}");
        }
        assert_eq!(storage::document_pieces(), pieces);
        assert_log_tells_all(&runtime);
    }
}
