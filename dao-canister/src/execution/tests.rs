use release_types::PublicationState::{
    self, Accepted, Blocked, Declared, Mismatch, Prepared, Refused, Sent, Verified,
};
use release_types::{
    CredentialPolicy, DeclarationProposal, DeclareOutcomeArgs, Ecosystem, OrderId, OrderStatus, Wait,
    Waiting,
    credential::{CredentialStatus, CredentialView},
    custody::ChangeCredentialArgs,
    proposal::{CredentialChange, CredentialProposal, ReleaseProposal, SubmitProposalError},
};

use super::*;
use crate::{
    proposal, queries, storage,
    test_fixtures::{
        Answer, Asked, DAY_NS, SECOND_NS, START_NS, TestRuntime, adopt, args, assert_log_tells_all,
        credential_view, custody, deposit, member, npm_release, order, policy, proposer, pypi_release, ready,
        refused, registry, registry_id, stranger, submit, upgrade,
    },
};

/// An adopted npm release that custody has not heard of.
fn adopted(runtime: &TestRuntime) -> (ProposalId, ReleaseProposal) {
    let release = npm_release(runtime, "1.0.0");
    let id = submit(runtime, ProposalAction::Release(release.clone()));
    adopt(runtime, id);
    (id, release)
}

fn answer_order(runtime: &TestRuntime, id: ProposalId, release: &ReleaseProposal, state: PublicationState) {
    runtime.answer(Answer::Order(Ok(order(id, release, state, false))));
}

fn answer_status(
    runtime: &TestRuntime,
    id: ProposalId,
    release: &ReleaseProposal,
    state: PublicationState,
    receipt: bool,
) {
    runtime.answer(Answer::OrderStatus(Ok(Some(order(id, release, state, receipt)))));
}

fn unavailable() -> CustodyError {
    CustodyError::Unavailable { reason: "the queue is full".into() }
}

fn test_run<F: Future>(future: F) -> Option<F::Output> {
    crate::test_fixtures::run(future)
}

mod registries {
    use super::*;

    #[test]
    fn should_put_endpoints_in_place_by_timer() {
        let runtime = crate::test_fixtures::installed();
        let id = submit(&runtime, ProposalAction::Registry(registry(Ecosystem::Npm)));
        adopt(&runtime, id);
        assert!(queries::list_registries().is_empty(), "the vote itself changes nothing");
        runtime.advance(0);
        assert_eq!(status(id), ProposalStatus::Executed);
        assert_eq!(queries::list_registries()[0].id, registry_id(Ecosystem::Npm));
        runtime.advance(DAY_NS);
        assert_eq!(runtime.pending_timers(), 1, "nothing is left to do but to sweep");
        assert_log_tells_all(&runtime);
    }
}

mod watching {
    use release_types::{
        PackageKey, Settings,
        watch::{WatchArgs, WatchChange, WatchProposal, WatchView},
    };

    use super::*;
    use crate::test_fixtures::defects_of;

    fn proposal(package: &str, change: WatchChange) -> ProposalAction {
        let registry = registry_id(Ecosystem::Npm);
        ProposalAction::Watch(WatchProposal { registry, package: package.into(), change })
    }

    fn key() -> PackageKey {
        let endpoint = registry(Ecosystem::Npm).registry.upload_url;
        PackageKey { ecosystem: Ecosystem::Npm, endpoint, package: "@dao/demo".into() }
    }

    #[test]
    fn should_have_custody_watch_a_package_and_stop() {
        let runtime = ready();
        let id = submit(
            &runtime,
            proposal("@dao/demo", WatchChange::Start { interval_s: 3_600, read_credential: None }),
        );
        adopt(&runtime, id);
        let registry = registry(Ecosystem::Npm).registry;
        let args = WatchArgs {
            registry: registry.clone(),
            package: "@dao/demo".into(),
            interval_s: 3_600,
            read_credential: None,
        };
        let view = WatchView {
            package: key(),
            read_url: registry.read_url,
            interval_s: 3_600,
            read_credential: None,
            begun_at_ns: START_NS,
            baseline: None,
            findings: Vec::new(),
            looked_at_ns: None,
            answered_at_ns: None,
            failed_looks: 0,
            most_cycles_per_day: 0,
        };
        runtime.answer(Answer::Watch(Err(unavailable())));
        runtime.answer(Answer::Watch(Ok(view)));
        runtime.advance(10 * SECOND_NS);
        assert_eq!(status(id), ProposalStatus::Executed);
        assert_eq!(runtime.take_asked(), [Asked::Watch(args.clone()), Asked::Watch(args)]);
        let id = submit(&runtime, proposal("@dao/demo", WatchChange::Stop));
        adopt(&runtime, id);
        runtime.answer(Answer::Watches(Ok(Vec::new())));
        runtime.advance(0);
        assert_eq!(status(id), ProposalStatus::Executed);
        assert_eq!(runtime.take_asked(), [Asked::Unwatch(key())]);
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_name_all_defects_of_a_watch() {
        let runtime = ready();
        let defects = defects_of(
            &runtime,
            proposal("../x", WatchChange::Start { interval_s: 5, read_credential: None }),
        );
        let fields: Vec<_> = defects.iter().map(|defect| defect.field.as_str()).collect();
        assert_eq!(fields, ["package", "change.interval_s"]);
        let registry = release_types::RegistryId("elsewhere".into());
        let elsewhere = WatchProposal { registry, package: "demo".into(), change: WatchChange::Stop };
        assert_eq!(defects_of(&runtime, ProposalAction::Watch(elsewhere))[0].field, "registry");
        let publishing = Some(policy(Ecosystem::Npm).id());
        let change = WatchChange::Start { interval_s: 3_600, read_credential: publishing };
        assert_eq!(defects_of(&runtime, proposal("@dao/demo", change))[0].field, "change.read_credential");
        let registry = registry_id(Ecosystem::Pypi);
        let spelt = WatchProposal { registry, package: "Demo.Pkg".into(), change: WatchChange::Stop };
        assert_eq!(defects_of(&runtime, ProposalAction::Watch(spelt))[0].field, "package");
    }

    #[test]
    fn should_give_up_when_custody_does_not_answer_within_a_day() {
        let runtime = ready();
        let id = submit(&runtime, proposal("@dao/demo", WatchChange::Stop));
        adopt(&runtime, id);
        runtime.answer(Answer::Watches(Err(unavailable())));
        runtime.advance(0);
        runtime.skip(DAY_NS - 1);
        runtime.answer(Answer::Watches(Err(unavailable())));
        runtime.advance(0);
        assert_eq!(status(id), ProposalStatus::Executing);
        runtime.skip(60 * SECOND_NS);
        runtime.answer(Answer::Watches(Err(unavailable())));
        runtime.advance(0);
        let ProposalStatus::Failed { reason } = status(id) else { panic!("not failed") };
        assert!(reason.contains("within a day") && reason.contains("the queue is full"), "{reason}");
    }

    #[test]
    fn should_shorten_an_endless_reason_between_two_characters() {
        let runtime = ready();
        let id = submit(&runtime, proposal("@dao/demo", WatchChange::Stop));
        adopt(&runtime, id);
        let reason = "é".repeat(1_000);
        runtime.answer(Answer::Watches(Err(CustodyError::Refused { reason })));
        runtime.advance(0);
        let ProposalStatus::Failed { reason } = status(id) else { panic!("not failed") };
        assert!((999..=1_000).contains(&reason.len()) && reason.ends_with('é'), "{reason}");
    }

    #[test]
    fn should_fail_when_custody_puts_other_settings_in_place() {
        let runtime = ready();
        let settings = Settings { releases_per_package_and_day: 3 };
        let id = submit(&runtime, ProposalAction::Settings(settings));
        adopt(&runtime, id);
        runtime.answer(Answer::Settings(Ok(Settings { releases_per_package_and_day: 4 })));
        runtime.advance(0);
        let reason = "custody put other settings in place".to_owned();
        assert_eq!(status(id), ProposalStatus::Failed { reason });
    }

    #[test]
    fn should_adjust_custody_within_bounds() {
        let runtime = ready();
        let nothing = Settings { releases_per_package_and_day: 0 };
        assert_eq!(defects_of(&runtime, ProposalAction::Settings(nothing)).len(), 1);
        let settings = Settings { releases_per_package_and_day: 3 };
        let id = submit(&runtime, ProposalAction::Settings(settings));
        adopt(&runtime, id);
        runtime.answer(Answer::Settings(Ok(settings)));
        runtime.advance(0);
        assert_eq!(status(id), ProposalStatus::Executed);
        assert_eq!(runtime.take_asked(), [Asked::ChangeSettings(settings)]);
    }
}

mod credentials {
    use release_types::credential::{ProbeOutcome, ProbeView};

    use super::*;
    use crate::test_fixtures::defects_of;

    fn proposed(runtime: &TestRuntime, change: CredentialChange) -> (ProposalId, CredentialPolicy) {
        let policy = CredentialPolicy { epoch: 2, ..policy(Ecosystem::Npm) };
        let credential = deposit(runtime, &policy);
        let id = submit(runtime, ProposalAction::Credential(CredentialProposal { credential, change }));
        adopt(runtime, id);
        runtime.take_asked();
        (id, policy)
    }

    fn answer_change(runtime: &TestRuntime, policy: &CredentialPolicy, status: CredentialStatus) {
        runtime.answer(Answer::Credential(Ok(credential_view(policy, status))));
    }

    fn answer_query(runtime: &TestRuntime, policy: &CredentialPolicy, status: CredentialStatus) {
        runtime.answer(Answer::CredentialStatus(Ok(Some(credential_view(policy, status)))));
    }

    #[test]
    fn should_ask_for_an_activation_once_and_follow_it() {
        let runtime = ready();
        let (id, policy) = proposed(&runtime, CredentialChange::Activate);
        answer_change(&runtime, &policy, CredentialStatus::Activating);
        runtime.advance(0);
        assert_eq!(status(id), ProposalStatus::Executing);
        upgrade(&runtime);
        answer_query(&runtime, &policy, CredentialStatus::Activating);
        answer_query(&runtime, &policy, CredentialStatus::Active);
        runtime.advance(10 * SECOND_NS);
        assert_eq!(status(id), ProposalStatus::Executed);
        let credential = policy.id();
        let change = ChangeCredentialArgs { credential, change: CredentialChange::Activate };
        let asked =
            [Asked::ChangeCredential(change), Asked::Credential(credential), Asked::Credential(credential)];
        assert_eq!(runtime.take_asked(), asked);
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_fail_with_custodys_reason_when_the_token_cannot_be_opened() {
        let runtime = ready();
        let (id, policy) = proposed(&runtime, CredentialChange::Activate);
        answer_change(&runtime, &policy, CredentialStatus::Activating);
        runtime.advance(0);
        let reason = "another key".to_owned();
        answer_query(&runtime, &policy, CredentialStatus::Unusable { reason: reason.clone() });
        runtime.advance(10 * SECOND_NS);
        assert_eq!(status(id), ProposalStatus::Failed { reason });
    }

    #[test]
    fn should_ask_for_a_probe_once_and_report_that_the_token_works() {
        probe(ProbeOutcome::Alive, ProposalStatus::Executed);
    }

    #[test]
    fn should_ask_for_a_probe_once_and_report_that_the_token_is_refused() {
        let reason = ProbeOutcome::RefusedByRegistry.advice().into();
        probe(ProbeOutcome::RefusedByRegistry, ProposalStatus::Failed { reason });
    }

    fn probe(outcome: ProbeOutcome, expected: ProposalStatus) {
        let runtime = ready();
        let (id, policy) = proposed(&runtime, CredentialChange::Probe);
        let view = |probe| CredentialView { probe, ..credential_view(&policy, CredentialStatus::Active) };
        let asked = |outcome| view(Some(ProbeView { asked_at_ns: runtime.time_ns(), outcome }));
        // One that was asked for before this vote does not count.
        let old = ProbeView { asked_at_ns: START_NS - 1, outcome: Some(ProbeOutcome::Alive) };
        runtime.answer(Answer::CredentialStatus(Ok(Some(view(Some(old))))));
        runtime.answer(Answer::Credential(Ok(asked(None))));
        runtime.advance(0);
        assert_eq!(status(id), ProposalStatus::Executing);
        runtime.answer(Answer::CredentialStatus(Ok(Some(asked(Some(outcome))))));
        runtime.advance(10 * SECOND_NS);
        assert_eq!(status(id), expected);
        let credential = policy.id();
        let change = ChangeCredentialArgs { credential, change: CredentialChange::Probe };
        let questions =
            [Asked::Credential(credential), Asked::ChangeCredential(change), Asked::Credential(credential)];
        assert_eq!(runtime.take_asked(), questions);
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_revoke() {
        let runtime = ready();
        let (id, policy) = proposed(&runtime, CredentialChange::Revoke);
        answer_change(&runtime, &policy, CredentialStatus::Revoked);
        runtime.advance(0);
        assert_eq!(status(id), ProposalStatus::Executed);
        let known = read_state(|state| state.credential(&policy.id()).cloned()).expect("is known");
        assert_eq!(known.status, CredentialStatus::Revoked);
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_take_no_proposal_about_a_revoked_credential() {
        let runtime = ready();
        let (_, policy) = proposed(&runtime, CredentialChange::Revoke);
        answer_change(&runtime, &policy, CredentialStatus::Revoked);
        runtime.advance(0);
        let credential = policy.id();
        for change in [CredentialChange::Activate, CredentialChange::Revoke, CredentialChange::Probe] {
            let again = ProposalAction::Credential(CredentialProposal { credential, change });
            let defects = defects_of(&runtime, again);
            let [defect] = &defects[..] else { panic!("{change:?}: {defects:?}") };
            assert_eq!((defect.field.as_str(), &*defect.allowed), ("credential", "one that is not revoked"));
        }
    }

    #[test]
    fn should_fail_when_an_activation_does_not_end_within_a_day() {
        let runtime = ready();
        let (id, policy) = proposed(&runtime, CredentialChange::Activate);
        answer_change(&runtime, &policy, CredentialStatus::Activating);
        runtime.advance(0);
        runtime.skip(DAY_NS);
        answer_query(&runtime, &policy, CredentialStatus::Activating);
        runtime.advance(0);
        let reason = "custody did not finish within a day of the decision".to_owned();
        assert_eq!(status(id), ProposalStatus::Failed { reason });
    }

    #[test]
    fn should_fail_when_custody_answers_about_another_credential() {
        let runtime = ready();
        let (id, _) = proposed(&runtime, CredentialChange::Activate);
        let before = read_state(|state| state.credential(&policy(Ecosystem::Pypi).id()).cloned());
        answer_change(&runtime, &policy(Ecosystem::Pypi), CredentialStatus::Revoked);
        runtime.advance(0);
        let ProposalStatus::Failed { reason } = status(id) else { panic!("not failed") };
        assert!(reason.contains("about another credential"), "{reason}");
        assert_eq!(read_state(|state| state.credential(&policy(Ecosystem::Pypi).id()).cloned()), before);
    }

    #[test]
    fn should_limit_the_undecided_deposits_of_a_member() {
        use release_types::{credential::DepositCredentialArgs, dao::DepositError};
        let runtime = ready();
        let policy_of = |epoch| CredentialPolicy { epoch, ..policy(Ecosystem::Npm) };
        let limit = crate::credentials::MAX_UNDECIDED as u32;
        for epoch in 2..2 + limit {
            deposit(&runtime, &policy_of(epoch));
        }
        runtime.take_asked();
        let args =
            |epoch| DepositCredentialArgs { policy: policy_of(epoch), sealed_token: b"sealed".to_vec() };
        let deposit_as = |caller, epoch| {
            test_run(crate::credentials::deposit(&runtime, caller, args(epoch))).expect("does not wait")
        };
        let error = refused(|| deposit_as(member(1), 2 + limit));
        assert!(matches!(error, DepositError::Refused { .. }), "{error:?}");
        assert!(runtime.take_asked().is_empty(), "custody was asked");
        deposit(&runtime, &policy_of(2));
        answer_change(&runtime, &policy_of(2 + limit), CredentialStatus::Deposited);
        deposit_as(member(2), 2 + limit).expect("another member");

        let change = CredentialProposal { credential: policy_of(2).id(), change: CredentialChange::Revoke };
        let id = submit(&runtime, ProposalAction::Credential(change));
        adopt(&runtime, id);
        answer_change(&runtime, &policy_of(2), CredentialStatus::Revoked);
        runtime.advance(0);
        deposit(&runtime, &policy_of(3 + limit));
    }

    #[test]
    fn should_take_one_deposit_of_a_member_at_a_time() {
        use release_types::{credential::DepositCredentialArgs, dao::DepositError};
        let runtime = ready();
        let policy = CredentialPolicy { epoch: 2, ..policy(Ecosystem::Npm) };
        let args = DepositCredentialArgs { policy: policy.clone(), sealed_token: b"sealed".to_vec() };
        runtime.answer(Answer::Never);
        let mut first = Box::pin(crate::credentials::deposit(&runtime, member(1), args.clone()));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(first.as_mut().poll(&mut context).is_pending());
        let second = test_run(crate::credentials::deposit(&runtime, member(1), args)).expect("does not wait");
        assert!(matches!(second, Err(DepositError::Unavailable { .. })), "{second:?}");
        drop(first);
        deposit(&runtime, &policy);
    }

    #[test]
    fn should_record_a_deposit_only_when_custody_took_it() {
        use release_types::{credential::DepositCredentialArgs, dao::DepositError};
        let runtime = ready();
        let args = || DepositCredentialArgs {
            policy: CredentialPolicy { epoch: 2, ..policy(Ecosystem::Npm) },
            sealed_token: b"sealed".to_vec(),
        };
        let deposit =
            |caller| test_run(crate::credentials::deposit(&runtime, caller, args())).expect("does not wait");
        for caller in [proposer(), stranger(), custody(), Principal::anonymous()] {
            assert_eq!(refused(|| deposit(caller)), DepositError::NotAllowed { caller });
        }
        assert!(runtime.take_asked().is_empty());
        runtime.answer(Answer::Credential(Err(CustodyError::Refused { reason: "too long".into() })));
        assert_eq!(refused(|| deposit(member(1))), DepositError::Refused { reason: "too long".into() });
        runtime.answer(Answer::Credential(Err(unavailable())));
        assert!(matches!(refused(|| deposit(member(1))), DepositError::Unavailable { .. }));
        answer_change(&runtime, &policy(Ecosystem::Pypi), CredentialStatus::Deposited);
        assert!(matches!(refused(|| deposit(member(1))), DepositError::Refused { .. }), "another id");
        let policy = args().policy;
        answer_change(&runtime, &policy, CredentialStatus::Deposited);
        assert_eq!(deposit(member(1)), Ok(policy.id()));
        answer_change(&runtime, &policy, CredentialStatus::Deposited);
        let known = (queries::state_digest(), storage::read_log(|log| log.len()));
        assert_eq!(deposit(member(2)), Ok(policy.id()), "again");
        let after = (queries::state_digest(), storage::read_log(|log| log.len()));
        assert_eq!(after, known, "whoever came first deposited it");
        assert_log_tells_all(&runtime);
    }
}

mod releases {
    use super::*;

    #[test]
    fn should_order_exactly_what_was_voted_and_follow_it_to_the_end() {
        let runtime = ready();
        let (id, release) = adopted(&runtime);
        answer_order(&runtime, id, &release, Prepared);
        runtime.advance(0);
        assert_eq!(status(id), ProposalStatus::Executing);
        let asked = runtime.take_asked();
        let [Asked::Publish(sent)] = asked.as_slice() else { panic!("{asked:?}") };
        assert_eq!(sent.id, OrderId(format!("proposal-{id}")));
        assert_eq!(sent.artifacts[0].sha256, release.artifacts[0].sha256);
        assert_eq!(sent.artifacts[0].source, runtime.canister_self());
        assert_eq!((sent.package.as_str(), sent.version.as_str()), ("@dao/demo", "1.0.0"));
        assert_eq!(sent.credential, release.credential);
        assert_eq!(sent.registry, registry(Ecosystem::Npm).registry);
        let vote = sent.decision.vote.as_ref().expect("this governor names the vote");
        assert_eq!((vote.tally.yes, vote.proposal), (3, id));
        assert_eq!(sent.expires_at_ns, START_NS + DAY_NS);

        for state in [Sent, Accepted] {
            answer_status(&runtime, id, &release, state, false);
        }
        runtime.advance(4 * SECOND_NS);
        assert_eq!(status(id), ProposalStatus::Executing);
        // Verified, but the receipt is still to be signed.
        answer_status(&runtime, id, &release, Verified, false);
        answer_status(&runtime, id, &release, Verified, true);
        runtime.advance(4 * SECOND_NS);
        assert_eq!(status(id), ProposalStatus::Executed);
        let shown = queries::get_proposal(id).expect("exists").order.expect("was ordered");
        assert!(shown.is_verified());
        runtime.advance(DAY_NS);
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_order_all_files_of_a_pypi_release_together() {
        let runtime = ready();
        let release = pypi_release(&runtime, "1.0");
        let id = submit(&runtime, ProposalAction::Release(release.clone()));
        adopt(&runtime, id);
        runtime.answer(Answer::Order(Ok(order(id, &release, Verified, true))));
        runtime.advance(0);
        assert_eq!(status(id), ProposalStatus::Executed);
        let asked = runtime.take_asked();
        let [Asked::Publish(sent)] = asked.as_slice() else { panic!("{asked:?}") };
        assert_eq!(sent.package, "demo-pkg");
        let filenames: Vec<_> = sent.artifacts.iter().map(|artifact| artifact.filename.as_str()).collect();
        assert_eq!(filenames, ["demo_pkg-1.0-py3-none-any.whl", "demo_pkg-1.0.tar.gz"]);
    }

    #[test]
    fn should_fail_when_custody_answers_about_another_release() {
        let runtime = ready();
        let (id, release) = adopted(&runtime);
        answer_order(&runtime, ProposalId(id.0 + 1), &release, Verified);
        runtime.advance(0);
        let ProposalStatus::Failed { reason } = status(id) else { panic!("not failed") };
        assert!(reason.contains("about another order"), "{reason}");
    }

    #[test]
    fn should_fail_with_custodys_reason_when_it_refuses() {
        let runtime = ready();
        let (id, _) = adopted(&runtime);
        runtime.answer(Answer::Order(Err(CustodyError::Refused { reason: "frozen".into() })));
        runtime.advance(DAY_NS);
        assert_eq!(status(id), ProposalStatus::Failed { reason: "custody refused: frozen".into() });
        assert_eq!(runtime.take_asked().len(), 1, "a refusal is final");
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_fail_when_custody_does_not_know_its_order_any_more() {
        let runtime = ready();
        let (id, release) = adopted(&runtime);
        answer_order(&runtime, id, &release, Prepared);
        runtime.advance(0);
        runtime.answer(Answer::OrderStatus(Ok(None)));
        runtime.advance(2 * SECOND_NS);
        let reason = "custody does not know the order any more".to_owned();
        assert_eq!(status(id), ProposalStatus::Failed { reason });
        assert!(matches!(runtime.take_asked()[..], [Asked::Publish(_), Asked::OrderStatus(_)]));
    }

    #[test]
    fn should_say_what_became_of_each_artifact_when_it_fails() {
        let runtime = ready();
        let (id, release) = adopted(&runtime);
        let shown = "other bytes".to_owned();
        answer_order(&runtime, id, &release, Mismatch { shown });
        runtime.advance(0);
        let reason = "dao-demo-1.0.0.tgz: the registry shows other bytes: other bytes".to_owned();
        assert_eq!(status(id), ProposalStatus::Failed { reason });
        let (id, release) = {
            let release = npm_release(&runtime, "1.0.1");
            let id = submit(&runtime, ProposalAction::Release(release.clone()));
            adopt(&runtime, id);
            (id, release)
        };
        answer_order(&runtime, id, &release, Refused { reason: "401".into() });
        runtime.advance(0);
        let reason = "dao-demo-1.0.1.tgz: nothing was published: 401".to_owned();
        assert_eq!(status(id), ProposalStatus::Failed { reason });
    }

    #[test]
    fn should_send_the_same_order_again_with_growing_pauses_when_custody_is_unavailable() {
        let runtime = ready();
        let (id, release) = adopted(&runtime);
        for _ in 0..8 {
            runtime.answer(Answer::Order(Err(unavailable())));
        }
        runtime.advance(0);
        // 2 + 4 + 8 + 16 + 32 + 60 + 60 seconds.
        runtime.advance(181 * SECOND_NS);
        let asked = runtime.take_asked();
        assert_eq!(asked.len(), 7);
        assert!(asked.iter().all(|again| again == &asked[0]), "the order changed");
        runtime.advance(SECOND_NS);
        assert_eq!(runtime.take_asked().len(), 1);
        assert_eq!(status(id), ProposalStatus::Executing);
        runtime.answer(Answer::Order(Ok(order(id, &release, Verified, true))));
        runtime.advance(60 * SECOND_NS);
        assert_eq!(status(id), ProposalStatus::Executed);
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_not_send_an_order_past_its_time_but_ask_whether_one_arrived() {
        let runtime = ready();
        let (id, release) = adopted(&runtime);
        runtime.lose_timers();
        runtime.skip(DAY_NS);
        upgrade(&runtime);
        runtime.answer(Answer::OrderStatus(Ok(None)));
        runtime.advance(0);
        assert_eq!(runtime.take_asked(), [Asked::OrderStatus(OrderId(format!("proposal-{id}")))]);
        assert!(matches!(status(id), ProposalStatus::Failed { .. }));

        let release_2 = npm_release(&runtime, "2.0.0");
        let id = submit(&runtime, ProposalAction::Release(release_2.clone()));
        adopt(&runtime, id);
        runtime.answer(Answer::Order(Err(unavailable())));
        runtime.advance(0);
        runtime.skip(DAY_NS);
        answer_status(&runtime, id, &release_2, Verified, true);
        runtime.advance(0);
        assert_eq!(status(id), ProposalStatus::Executed, "the order had arrived");
        assert_ne!(release, release_2);
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_go_on_after_a_call_whose_callback_never_ran() {
        let runtime = ready();
        let (id, release) = adopted(&runtime);
        runtime.answer(Answer::Never);
        // The future is dropped, as it is when a callback traps.
        runtime.advance(0);
        assert_eq!(status(id), ProposalStatus::Executing, "recorded before the call");
        runtime.answer(Answer::Order(Ok(order(id, &release, Verified, true))));
        runtime.advance(2 * SECOND_NS);
        assert_eq!(status(id), ProposalStatus::Executed);
        assert_log_tells_all(&runtime);
    }

    /// A trap before the first await undoes what the message did, also that it set the next time; its timer is gone.
    #[test]
    fn should_take_up_again_what_lost_its_timer() {
        let runtime = ready();
        let (id, release) = adopted(&runtime);
        let open = submit(&runtime, ProposalAction::Registry(registry(Ecosystem::Npm)));
        runtime.lose_timer(Task::Advance(id));
        runtime.lose_timer(Task::CloseVoting(open));
        runtime.lose_timer(Task::CollectArtifacts);
        runtime.advance(599 * SECOND_NS);
        assert_eq!(status(id), ProposalStatus::Approved);
        runtime.answer(Answer::Order(Ok(order(id, &release, Verified, true))));
        runtime.advance(SECOND_NS);
        assert_eq!(status(id), ProposalStatus::Executed);
        runtime.advance(2 * DAY_NS);
        assert_eq!(status(open), ProposalStatus::Rejected);
        let sha256 = release.artifacts[0].sha256;
        assert!(read_state(|state| state.artifacts().stored(&sha256).is_none()), "was not collected");
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_take_one_step_at_a_time() {
        let runtime = ready();
        let (id, _) = adopted(&runtime);
        runtime.answer(Answer::Never);
        let mut by_hand = Box::pin(execute(&runtime, member(1), id));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(by_hand.as_mut().poll(&mut context).is_pending());
        assert_eq!(runtime.take_asked().len(), 1);
        let again = test_run(execute(&runtime, member(2), id)).expect("does not wait");
        assert_eq!(again, Ok(ProposalStatus::Executing));
        runtime.advance(120 * SECOND_NS);
        assert!(runtime.take_asked().is_empty(), "a step is under way");
        drop(by_hand);
        runtime.answer(Answer::Order(Err(CustodyError::Refused { reason: "late".into() })));
        runtime.advance(60 * SECOND_NS);
        assert_eq!(runtime.take_asked().len(), 1, "the next attempt was not lost");
    }

    #[test]
    fn should_lose_nothing_when_upgraded_between_any_two_messages() {
        let runtime = ready();
        let release = npm_release(&runtime, "1.0.0");
        upgrade(&runtime);
        let id = submit(&runtime, ProposalAction::Release(release.clone()));
        upgrade(&runtime);
        adopt(&runtime, id);
        upgrade(&runtime);
        answer_order(&runtime, id, &release, Prepared);
        runtime.advance(0);
        for state in [Sent, Accepted, Verified] {
            upgrade(&runtime);
            let receipt = state == Verified;
            answer_status(&runtime, id, &release, state, receipt);
            runtime.advance(0);
        }
        upgrade(&runtime);
        assert_eq!(status(id), ProposalStatus::Executed);
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_free_the_release_for_a_new_proposal_when_it_failed() {
        let runtime = ready();
        let (id, release) = adopted(&runtime);
        runtime.answer(Answer::Order(Err(CustodyError::Refused { reason: "frozen".into() })));
        runtime.advance(0);
        assert!(matches!(status(id), ProposalStatus::Failed { .. }));
        submit(&runtime, ProposalAction::Release(release));
        assert_log_tells_all(&runtime);
    }
}

mod declarations {
    use super::*;

    const FILENAME: &str = "dao-demo-1.0.0.tgz";

    /// A release whose artifact never appeared.
    fn blocked(runtime: &TestRuntime) -> (ProposalId, ReleaseProposal) {
        let (id, release) = adopted(runtime);
        answer_order(runtime, id, &release, blocked_state());
        runtime.advance(0);
        (id, release)
    }

    fn blocked_state() -> PublicationState {
        Blocked { reason: "it never appeared".into() }
    }

    fn declaration(release: ProposalId) -> DeclarationProposal {
        let reason = "support says so".into();
        DeclarationProposal { release, filename: FILENAME.into(), published: false, reason }
    }

    /// Custody's next look, `after_ns` from now.
    fn looking(
        runtime: &TestRuntime,
        id: ProposalId,
        release: &ReleaseProposal,
        after_ns: u64,
    ) -> OrderStatus {
        let wait = Wait {
            reason: Waiting::People,
            artifact: Some(0),
            since_ns: START_NS,
            obstacle: None,
            next_look_at_ns: Some(runtime.time_ns() + after_ns),
        };
        OrderStatus { waiting: Some(wait), ..order(id, release, blocked_state(), false) }
    }

    #[test]
    fn should_follow_a_blocked_order_as_rarely_as_custody_looks() {
        let runtime = ready();
        let (id, release) = adopted(&runtime);
        runtime.answer(Answer::Order(Ok(looking(&runtime, id, &release, 3_600 * SECOND_NS))));
        runtime.answer(Answer::OrderStatus(Ok(Some(looking(&runtime, id, &release, 3_600 * SECOND_NS)))));
        runtime.advance(60 * SECOND_NS);
        assert_eq!(runtime.take_asked().len(), 2);
        runtime.advance(3_500 * SECOND_NS);
        assert!(runtime.take_asked().is_empty(), "custody has not looked");
        answer_status(&runtime, id, &release, Verified, true);
        runtime.advance(100 * SECOND_NS);
        assert_eq!(status(id), ProposalStatus::Executed, "it appeared late");
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_ask_within_hours_however_late_custody_says_that_it_looks() {
        let runtime = ready();
        let (id, release) = adopted(&runtime);
        let in_a_year = looking(&runtime, id, &release, 365 * DAY_NS);
        runtime.answer(Answer::Order(Ok(in_a_year.clone())));
        runtime.answer(Answer::OrderStatus(Ok(Some(in_a_year))));
        runtime.advance(60 * SECOND_NS);
        answer_status(&runtime, id, &release, Verified, true);
        runtime.advance(7 * 3_600 * SECOND_NS);
        assert_eq!(status(id), ProposalStatus::Executed);
    }

    #[test]
    fn should_not_write_down_when_custody_looks_next() {
        let runtime = ready();
        let (id, release) = adopted(&runtime);
        runtime.answer(Answer::Order(Ok(looking(&runtime, id, &release, 30 * SECOND_NS))));
        for looks in 1..=4 {
            let next = looking(&runtime, id, &release, looks * 30 * SECOND_NS);
            runtime.answer(Answer::OrderStatus(Ok(Some(next))));
        }
        runtime.advance(0);
        let length = storage::read_log(|log| log.len());
        runtime.advance(100 * SECOND_NS);
        assert_eq!(runtime.take_asked().len(), 5);
        assert_eq!(storage::read_log(|log| log.len()), length, "nothing changed");
        let shown = queries::get_proposal(id).expect("exists").order.expect("was ordered");
        assert_eq!(shown.next_look_at_ns(), None, "it would be out of date");
    }

    #[test]
    fn should_tell_custody_what_the_group_declared_and_end_the_release_without_success() {
        let runtime = ready();
        let (release_id, release) = blocked(&runtime);
        assert_eq!(status(release_id), ProposalStatus::Executing);
        let id = submit(&runtime, ProposalAction::Declaration(declaration(release_id)));
        adopt(&runtime, id);
        runtime.take_asked();
        let ended = Declared { published: false, reason: "support says so".into() };
        answer_order(&runtime, release_id, &release, ended.clone());
        answer_status(&runtime, release_id, &release, ended, false);
        runtime.advance(0);
        assert_eq!(status(id), ProposalStatus::Executed);
        let order = OrderId(format!("proposal-{release_id}"));
        let DeclarationProposal { published, reason, .. } = declaration(release_id);
        let args = DeclareOutcomeArgs { order, artifact: 0, published, reason };
        assert!(runtime.take_asked().contains(&Asked::Declare(args)));
        let reason = format!("{FILENAME}: declared not published: support says so");
        assert_eq!(status(release_id), ProposalStatus::Failed { reason });
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_refuse_a_declaration_about_what_is_not_blocked() {
        let runtime = ready();
        let (id, release) = adopted(&runtime);
        answer_order(&runtime, id, &release, Accepted);
        runtime.advance(0);
        let other = DeclarationProposal { filename: "other.tgz".into(), ..declaration(id) };
        let nothing = DeclarationProposal { reason: String::new(), ..declaration(ProposalId(99)) };
        for (declaration, fields) in [
            (declaration(id), vec!["filename"]),
            (other, vec!["filename"]),
            (nothing, vec!["reason", "filename"]),
        ] {
            let action = ProposalAction::Declaration(declaration);
            let error = refused(|| proposal::submit(&runtime, member(1), args(action.clone())));
            let SubmitProposalError::Invalid { defects } = error else { panic!("{error:?}") };
            assert_eq!(defects.iter().map(|defect| defect.field.as_str()).collect::<Vec<_>>(), fields);
        }
    }
}

mod by_hand {
    use super::*;

    fn execute_as(
        runtime: &TestRuntime,
        caller: Principal,
        id: ProposalId,
    ) -> Result<ProposalStatus, ExecuteError> {
        test_run(execute(runtime, caller, id)).expect("does not wait")
    }

    #[test]
    fn should_execute_and_be_safe_to_repeat() {
        let runtime = ready();
        let (id, release) = adopted(&runtime);
        runtime.answer(Answer::Order(Ok(order(id, &release, Verified, true))));
        assert_eq!(execute_as(&runtime, proposer(), id), Ok(ProposalStatus::Executed));
        assert_eq!(execute_as(&runtime, member(1), id), Ok(ProposalStatus::Executed));
        runtime.advance(DAY_NS);
        assert_eq!(runtime.take_asked().len(), 1);
        assert_log_tells_all(&runtime);
    }

    #[test]
    fn should_refuse_who_may_not_and_what_was_not_adopted() {
        let runtime = ready();
        let open = submit(&runtime, ProposalAction::Release(npm_release(&runtime, "1.0.0")));
        for caller in [stranger(), custody(), Principal::anonymous()] {
            for id in [open, ProposalId(99)] {
                let error = refused(|| execute_as(&runtime, caller, id));
                assert_eq!(error, ExecuteError::NotAllowed { caller });
            }
        }
        let error = refused(|| execute_as(&runtime, member(1), ProposalId(99)));
        assert_eq!(error, ExecuteError::NoSuchProposal);
        let error = refused(|| execute_as(&runtime, member(1), open));
        assert_eq!(error, ExecuteError::NotApproved { status: ProposalStatus::Open });
        runtime.skip(DAY_NS);
        let error = execute_as(&runtime, member(1), open).expect_err("nobody voted");
        assert_eq!(error, ExecuteError::NotApproved { status: ProposalStatus::Rejected });
    }
}
