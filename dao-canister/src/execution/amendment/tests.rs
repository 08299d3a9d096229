use release_types::{
    AmendOrder, Amendment, AmendmentProposal, AmendmentState, AmendmentStatus, CredentialMode,
    CredentialPolicy, Defect, Ecosystem, OrderId, PromotionDelayProposal, ProposalAction, ProposalId,
    ProposalStatus, PublicationState, Wait, Waiting,
    amendment::MAX_PROMOTION_DELAY_NS,
    credential::CredentialStatus,
    proposal::{CredentialChange, CredentialProposal, NpmAccess, NpmOptions, ReleaseProposal},
};

use crate::{
    queries,
    runtime::CustodyError,
    test_fixtures::{
        Answer, Asked, DAY_NS, SECOND_NS, START_NS, TestRuntime, activate, adopt, assert_log_tells_all,
        credential_view, defects_of, deposit, npm_release, order, policy, ready, registry, registry_id,
        status, submit, upgrade,
    },
};

fn promotion() -> AmendmentProposal {
    AmendmentProposal {
        registry: registry_id(Ecosystem::Npm),
        credential: policy(Ecosystem::Npm).id(),
        read_credential: None,
        package: "@dao/demo".into(),
        amendment: Amendment::DistTag {
            tag: "latest".into(),
            version: "1.0.0".into(),
            replaces: Some("0.9.0".into()),
        },
        allow_unverified: false,
    }
}

fn deprecation(message: &str) -> AmendmentProposal {
    let amendment = Amendment::Deprecation { version: "1.0.0".into(), message: message.into() };
    AmendmentProposal { amendment, ..promotion() }
}

fn reported(id: ProposalId, state: AmendmentState, next_look_at_ns: Option<u64>) -> AmendmentStatus {
    let wait = Wait {
        reason: Waiting::Appearance,
        artifact: None,
        since_ns: START_NS,
        obstacle: None,
        next_look_at_ns,
    };
    AmendmentStatus {
        id: OrderId(format!("proposal-{id}")),
        accepted_at_ns: START_NS,
        waiting: (!state.is_final()).then_some(wait),
        state,
        changed_at_ns: START_NS,
    }
}

fn answer(runtime: &TestRuntime, id: ProposalId, state: AmendmentState) {
    runtime.answer(Answer::Amendment(Ok(reported(id, state, None))));
}

/// Releases a version under `next`, verified.
fn release(runtime: &TestRuntime, version: &str) {
    let npm = Some(NpmOptions { dist_tag: "next".into(), access: NpmAccess::Public });
    let release = ReleaseProposal { npm, ..npm_release(runtime, version) };
    let id = submit(runtime, ProposalAction::Release(release.clone()));
    adopt(runtime, id);
    runtime.answer(Answer::Order(Ok(order(id, &release, PublicationState::Verified, true))));
    runtime.advance(0);
    assert_eq!(status(id), ProposalStatus::Executed);
    runtime.take_asked();
}

fn delay_promotions(runtime: &TestRuntime, delay_ns: u64) {
    let registry = registry_id(Ecosystem::Npm);
    let delay = PromotionDelayProposal { registry, delay_ns };
    let id = submit(runtime, ProposalAction::PromotionDelay(delay));
    adopt(runtime, id);
    runtime.advance(0);
    assert_eq!(status(id), ProposalStatus::Executed);
}

fn fields(defects: &[Defect]) -> Vec<&str> {
    defects.iter().map(|defect| defect.field.as_str()).collect()
}

fn refused_fields(runtime: &TestRuntime, proposal: AmendmentProposal) -> Vec<String> {
    let defects = defects_of(runtime, ProposalAction::Amendment(proposal));
    fields(&defects).into_iter().map(str::to_owned).collect()
}

#[test]
fn should_order_exactly_what_was_voted_and_follow_it_to_the_end() {
    let runtime = ready();
    release(&runtime, "1.0.0");
    let id = submit(&runtime, ProposalAction::Amendment(promotion()));
    adopt(&runtime, id);
    answer(&runtime, id, AmendmentState::Prepared);
    runtime.advance(0);
    let asked = runtime.take_asked();
    let [Asked::Amend(sent)] = asked.as_slice() else { panic!("{asked:?}") };
    let AmendOrder {
        id: order,
        credential,
        read_credential,
        registry: at,
        package,
        amendment,
        decision,
        expires_at_ns,
    } = sent;
    assert_eq!(*read_credential, None);
    assert_eq!(order.0, format!("proposal-{id}"));
    assert_eq!((*credential, package.as_str()), (promotion().credential, "@dao/demo"));
    assert_eq!((at, amendment), (&registry(Ecosystem::Npm).registry, &promotion().amendment));
    let vote = decision.vote.as_ref().expect("the vote is named");
    assert_eq!((vote.tally.yes, vote.proposal), (3, id));
    assert_eq!(*expires_at_ns, vote.decided_at_ns + DAY_NS);

    upgrade(&runtime);
    answer(&runtime, id, AmendmentState::Accepted);
    answer(&runtime, id, AmendmentState::Verified);
    runtime.advance(10 * SECOND_NS);
    assert_eq!(status(id), ProposalStatus::Executed);
    let shown = queries::get_proposal(id).expect("exists").amendment.expect("was ordered");
    assert_eq!(shown.state, AmendmentState::Verified);
    assert_log_tells_all(&runtime);
}

#[test]
fn should_say_why_when_an_amendment_did_not_come_about() {
    let runtime = ready();
    for (state, expected) in [
        (AmendmentState::Refused { reason: "the token".into() }, "nothing was changed: the token"),
        (AmendmentState::Conflict { shown: Some("6.6.6".into()) }, "the registry shows 6.6.6"),
        (AmendmentState::Conflict { shown: None }, "the registry shows no such tag or version"),
        (AmendmentState::Unconfirmed, "propose it again"),
    ] {
        let id = submit(&runtime, ProposalAction::Amendment(deprecation("old")));
        adopt(&runtime, id);
        answer(&runtime, id, state);
        runtime.advance(0);
        let ProposalStatus::Failed { reason } = status(id) else { panic!("not failed") };
        assert!(reason.contains(expected), "{reason}");
    }
    assert_log_tells_all(&runtime);
}

#[test]
fn should_fail_when_custody_answers_about_another_amendment() {
    let runtime = ready();
    let id = submit(&runtime, ProposalAction::Amendment(deprecation("old")));
    adopt(&runtime, id);
    answer(&runtime, ProposalId(id.0 + 1), AmendmentState::Verified);
    runtime.advance(0);
    let ProposalStatus::Failed { reason } = status(id) else { panic!("not failed") };
    assert!(reason.contains("about another order"), "{reason}");
}

#[test]
fn should_not_send_an_amendment_past_its_time_but_ask_whether_one_arrived() {
    let runtime = ready();
    let id = submit(&runtime, ProposalAction::Amendment(deprecation("old")));
    adopt(&runtime, id);
    runtime.lose_timers();
    runtime.skip(DAY_NS);
    upgrade(&runtime);
    runtime.answer(Answer::AmendmentStatus(Ok(None)));
    runtime.advance(0);
    assert_eq!(runtime.take_asked(), [Asked::AmendmentStatus(OrderId(format!("proposal-{id}")))]);
    assert!(matches!(status(id), ProposalStatus::Failed { reason } if reason.contains("within a day")));

    let id = submit(&runtime, ProposalAction::Amendment(deprecation("old")));
    adopt(&runtime, id);
    let unavailable = CustodyError::Unavailable { reason: "the answer was lost".into() };
    runtime.answer(Answer::Amendment(Err(unavailable)));
    runtime.advance(0);
    runtime.skip(DAY_NS);
    answer(&runtime, id, AmendmentState::Verified);
    runtime.advance(0);
    assert_eq!(status(id), ProposalStatus::Executed, "the order had arrived");
    assert!(matches!(runtime.take_asked()[..], [Asked::Amend(_), Asked::AmendmentStatus(_)]));
}

#[test]
fn should_send_the_same_order_again_while_custody_is_unavailable_and_rest_while_it_rests() {
    let runtime = ready();
    let id = submit(&runtime, ProposalAction::Amendment(deprecation("old")));
    adopt(&runtime, id);
    let unavailable = CustodyError::Unavailable { reason: "the queue is full".into() };
    runtime.answer(Answer::Amendment(Err(unavailable)));
    let hour_ns = 3_600 * SECOND_NS;
    let waiting = reported(id, AmendmentState::Accepted, Some(START_NS + hour_ns));
    runtime.answer(Answer::Amendment(Ok(waiting.clone())));
    runtime.answer(Answer::Amendment(Ok(waiting)));
    runtime.advance(60 * SECOND_NS);
    let asked = runtime.take_asked();
    assert!(
        matches!(&asked[..], [Asked::Amend(first), Asked::Amend(second), _] if first == second),
        "{asked:?}"
    );
    runtime.advance(hour_ns - 120 * SECOND_NS);
    assert!(runtime.take_asked().is_empty(), "custody has not looked");
    answer(&runtime, id, AmendmentState::Verified);
    runtime.advance(120 * SECOND_NS);
    assert_eq!(status(id), ProposalStatus::Executed);
}

#[test]
fn should_let_latest_name_only_versions_that_were_verified_or_expressly_not() {
    let runtime = ready();
    assert_eq!(refused_fields(&runtime, promotion()), ["amendment.version"]);
    submit(&runtime, ProposalAction::Amendment(AmendmentProposal { allow_unverified: true, ..promotion() }));
    let amendment = Amendment::DistTag { tag: "next".into(), version: "1.0.0".into(), replaces: None };
    submit(&runtime, ProposalAction::Amendment(AmendmentProposal { amendment, ..promotion() }));
    release(&runtime, "1.0.0");
    submit(&runtime, ProposalAction::Amendment(promotion()));
}

#[test]
fn should_promote_only_after_the_delay_and_publish_under_another_tag_until_then() {
    let runtime = ready();
    delay_promotions(&runtime, 2 * DAY_NS);
    let direct = npm_release(&runtime, "1.0.0");
    assert_eq!(direct.npm.as_ref().map(|npm| npm.dist_tag.as_str()), Some("latest"));
    assert_eq!(fields(&defects_of(&runtime, ProposalAction::Release(direct))), ["npm.dist_tag"]);

    release(&runtime, "1.0.0");
    runtime.advance(2 * DAY_NS - SECOND_NS);
    assert_eq!(refused_fields(&runtime, promotion()), ["amendment.version"]);
    upgrade(&runtime);
    runtime.advance(SECOND_NS);
    submit(&runtime, ProposalAction::Amendment(promotion()));
    delay_promotions(&runtime, 0);
    submit(&runtime, ProposalAction::Release(npm_release(&runtime, "1.0.1")));
    assert_log_tells_all(&runtime);
}

#[test]
fn should_let_latest_go_back_at_once_and_forward_only_after_the_delay() {
    let runtime = ready();
    release(&runtime, "1.0.0");
    runtime.advance(SECOND_NS);
    release(&runtime, "1.0.1");
    delay_promotions(&runtime, 2 * DAY_NS);
    let naming = |version: &str, replaces: &str| {
        let (version, replaces) = (version.to_owned(), Some(replaces.to_owned()));
        AmendmentProposal {
            amendment: Amendment::DistTag { tag: "latest".into(), version, replaces },
            ..promotion()
        }
    };
    submit(&runtime, ProposalAction::Amendment(naming("1.0.0", "1.0.1")));
    assert_eq!(refused_fields(&runtime, naming("1.0.1", "1.0.0")), ["amendment.version"]);
    // Of what was not verified here nobody knows whether it came before.
    assert_eq!(refused_fields(&runtime, naming("1.0.0", "0.9.0")), ["amendment.version"]);
}

#[test]
fn should_report_every_defect_of_an_amendment_at_once() {
    let runtime = ready();
    let bad = AmendmentProposal {
        credential: policy(Ecosystem::Pypi).id(),
        read_credential: None,
        package: "../demo".into(),
        amendment: Amendment::DistTag {
            tag: "1.x".into(),
            version: "one".into(),
            replaces: Some("one".into()),
        },
        ..promotion()
    };
    let expected = [
        "package",
        "amendment.version",
        "dist-tag",
        "amendment.replaces",
        "amendment.replaces",
        "credential",
    ];
    assert_eq!(refused_fields(&runtime, bad), expected);
    assert_eq!(refused_fields(&runtime, deprecation(&"x".repeat(1_001))), ["amendment.message"]);
    let pypi = AmendmentProposal { registry: registry_id(Ecosystem::Pypi), ..promotion() };
    assert_eq!(refused_fields(&runtime, pypi), ["registry"]);
    let nowhere = PromotionDelayProposal {
        registry: release_types::RegistryId("none".into()),
        delay_ns: MAX_PROMOTION_DELAY_NS + 1,
    };
    let defects = defects_of(&runtime, ProposalAction::PromotionDelay(nowhere));
    assert_eq!(fields(&defects), ["registry", "delay_ns"]);
}

#[test]
fn should_let_latest_name_a_pre_release_by_a_vote_of_its_own_and_never_by_the_release() {
    let runtime = ready();
    let version = "2.0.0-rc.1";
    let npm = Some(NpmOptions { dist_tag: "latest".into(), access: NpmAccess::Public });
    let released = ReleaseProposal { npm, ..npm_release(&runtime, version) };
    assert_eq!(fields(&defects_of(&runtime, ProposalAction::Release(released))), ["dist-tag"]);
    release(&runtime, version);
    let amendment = Amendment::DistTag { tag: "latest".into(), version: version.into(), replaces: None };
    submit(&runtime, ProposalAction::Amendment(AmendmentProposal { amendment, ..promotion() }));
}

#[test]
fn should_refuse_an_amendment_by_credentials_that_are_not_in_use() {
    let runtime = ready();
    let of_mode = |mode, epoch| CredentialPolicy { mode, epoch, ..policy(Ecosystem::Npm) };
    let unused = deposit(&runtime, &of_mode(CredentialMode::Direct, 2));
    let unread = deposit(&runtime, &of_mode(CredentialMode::Read, 3));
    let by = |credential, read_credential| AmendmentProposal {
        credential,
        read_credential: Some(read_credential),
        ..deprecation("old")
    };
    assert_eq!(refused_fields(&runtime, by(unused, unread)), ["credential", "read_credential"]);

    let revoked = [of_mode(CredentialMode::Direct, 4), of_mode(CredentialMode::Read, 5)].map(|policy| {
        let credential = activate(&runtime, &policy);
        let change = CredentialProposal { credential, change: CredentialChange::Revoke };
        let id = submit(&runtime, ProposalAction::Credential(change));
        adopt(&runtime, id);
        runtime.answer(Answer::Credential(Ok(credential_view(&policy, CredentialStatus::Revoked))));
        runtime.advance(0);
        credential
    });
    let [direct, read] = revoked;
    assert_eq!(refused_fields(&runtime, by(direct, read)), ["credential", "read_credential"]);
}

#[test]
fn should_take_a_stage_only_credential_for_amendments() {
    let runtime = ready();
    let staged = CredentialPolicy { mode: CredentialMode::Staged, epoch: 2, ..policy(Ecosystem::Npm) };
    let credential = activate(&runtime, &staged);
    submit(&runtime, ProposalAction::Amendment(AmendmentProposal { credential, ..deprecation("old") }));
    let read = CredentialPolicy { mode: CredentialMode::Read, epoch: 3, ..policy(Ecosystem::Npm) };
    let credential = activate(&runtime, &read);
    let refused = AmendmentProposal { credential, ..deprecation("old") };
    assert_eq!(refused_fields(&runtime, refused), ["credential"]);
    let private = AmendmentProposal { read_credential: Some(credential), ..deprecation("old") };
    submit(&runtime, ProposalAction::Amendment(private.clone()));
    let swapped = AmendmentProposal { read_credential: Some(private.credential), ..private };
    assert_eq!(refused_fields(&runtime, swapped), ["read_credential"]);
}
