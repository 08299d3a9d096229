//! Lying nodes and receipts: a node that is asked alone may lie as it likes, and as many nodes as the subnet tolerates may
//! lie when all are asked; no receipt is ever false.

use e2e_tests::publishing::{Publisher, Release};
use ic_management_canister_types::HttpMethod;
use local_replica::outcalls::{Fault, FaultPlan, Lie, Target};
use release_types::{Ecosystem, ProposalStatus, PublicationState};

/// Nodes that a subnet of thirteen tolerates: f of 3f+1.
const TOLERATED: u32 = 4;
/// Nodes whose word is the subnet's: 2f+1.
const CONSENSUS: u32 = 9;
const ECOSYSTEMS: [Ecosystem; 2] = [Ecosystem::Npm, Ecosystem::Pypi];

fn sends(ecosystem: Ecosystem) -> Target {
    Target::Method(match ecosystem {
        Ecosystem::Npm => HttpMethod::PUT,
        Ecosystem::Pypi => HttpMethod::POST,
    })
}

fn said(status: u16, body: &str) -> Lie {
    Lie { status, body: body.into(), ..Lie::default() }
}

/// Lets whichever node is asked alone answer so, always, without sending.
fn let_the_one_node_say(publisher: &Publisher, lie: Lie) {
    publisher.world.replica.faults().until_cleared(sends(publisher.ecosystem), Fault::NodeLies(lie));
}

/// Lets so many nodes say in every replicated answer that the registry shows these bytes.
fn let_nodes_show(publisher: &Publisher, nodes: u32, release: &Release, bytes: &[u8]) {
    let lie = Fault::NodeLies(publisher.lie_about(&release.version, bytes));
    let plan = FaultPlan::default().on(0..nodes, lie);
    publisher.world.replica.faults().until_cleared(Target::Method(HttpMethod::GET), plan);
}

/// Nothing is published, and custody has signed nothing and says so.
fn assert_no_receipt(publisher: &mut Publisher, release: &Release, status: &ProposalStatus, case: &str) {
    assert!(publisher.stored(&release.version).is_none(), "{case}: nothing was sent");
    assert_ne!(*status, ProposalStatus::Executed, "{case}");
    let order = publisher.world.order(release.proposal).expect("custody took the order");
    assert!(!order.receipt && publisher.world.receipt(release.proposal).is_none(), "{case}: a false receipt");
    assert_ne!(order.artifacts[0].state, PublicationState::Verified, "{case}");
}

#[test]
fn should_sign_no_false_receipt_when_the_one_node_lies_in_every_answer_that_it_gives_alone() {
    for ecosystem in ECOSYSTEMS {
        let mut publisher = Publisher::new(ecosystem);
        for lie in [
            said(200, r#"{"ok":true,"success":true}"#),
            said(201, ""),
            said(202, ""),
            said(403, "Forbidden"),
            said(409, "You cannot publish over the previously published versions"),
            said(400, "400 File already exists"),
            said(429, "slow down"),
            said(500, ""),
        ] {
            let case = format!("{ecosystem}, {}", lie.status);
            let_the_one_node_say(&publisher, lie);
            let release = publisher.adopt_next();
            let status = publisher.world.settle(release.proposal);
            assert_no_receipt(&mut publisher, &release, &status, &case);
            assert_eq!(publisher.writes().len(), 0, "{case}");
            publisher.clear_faults();
        }
        let release = publisher.adopt_next();
        let status = publisher.world.settle(release.proposal);
        publisher.assert_published(&release, &status, "the liars are gone");
    }
}

#[test]
fn should_sign_no_false_receipt_when_a_third_of_the_nodes_lies_in_every_answer() {
    for ecosystem in ECOSYSTEMS {
        let mut publisher = Publisher::new(ecosystem);
        let version = publisher.next_version();
        let release = publisher.propose(&version);
        let_the_one_node_say(&publisher, said(201, ""));
        let_nodes_show(&publisher, TOLERATED, &release, &release.bytes);
        publisher.world.adopt(release.proposal);
        let status = publisher.world.settle(release.proposal);
        assert_no_receipt(&mut publisher, &release, &status, &format!("{ecosystem}"));
    }
}

#[test]
fn should_sign_the_true_receipt_when_a_third_of_the_nodes_denies_it() {
    for ecosystem in ECOSYSTEMS {
        let mut publisher = Publisher::new(ecosystem);
        let version = publisher.next_version();
        let release = publisher.propose(&version);
        let_nodes_show(&publisher, TOLERATED, &release, b"other bytes");
        publisher.world.adopt(release.proposal);
        let status = publisher.world.settle(release.proposal);
        publisher.assert_published(&release, &status, &format!("{ecosystem}"));
    }
}

/// The bound is sharp, and the lies of the tests above are of the kind that would be believed: for npm the file itself
/// would have to be lied about too.
#[test]
fn should_be_deceived_only_when_two_thirds_of_the_nodes_tell_the_same_lie() {
    for ecosystem in ECOSYSTEMS {
        for (nodes, is_deceived) in [(CONSENSUS - 1, false), (CONSENSUS, ecosystem == Ecosystem::Pypi)] {
            let mut publisher = Publisher::new(ecosystem);
            let version = publisher.next_version();
            let release = publisher.propose(&version);
            let_the_one_node_say(&publisher, said(201, ""));
            let_nodes_show(&publisher, nodes, &release, &release.bytes);
            publisher.world.adopt(release.proposal);
            let status = publisher.world.settle(release.proposal);
            let receipt = publisher.world.receipt(release.proposal);
            assert_eq!(receipt.is_some(), is_deceived, "{ecosystem}, {nodes} liars: {status:?}");
        }
    }
}
