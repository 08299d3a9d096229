//! What the state admits, as facts follow each other.

use content_keys::threshold::Recipient;
use key_holders::interface::{HolderPolicy, KeyCurve};

use super::*;

const EPOCH_NS: u64 = 3_600 * NS_PER_SECOND;
const COMBINER: Principal = Principal::from_slice(&[7; 10]);

fn installed(owners: AdmittedOwners) -> State {
    let policy =
        HolderPolicy { combiners: vec![COMBINER], owners, quota: 3, epoch_s: 3_600, freezers: Vec::new() };
    let init = HolderInit {
        vetkd_key_name: "test_key_1".into(),
        holders: (1..=3).map(|one| Principal::from_slice(&[one; 10])).collect(),
        threshold: 2,
        coordinator: Principal::from_slice(&[8; 10]),
        policy,
    };
    let mut state = State::default();
    state.apply_state_transition(0, &Event::Installed { init });
    state
}

fn recipient(canister: Principal, owner: &[u8]) -> Recipient {
    Recipient { canister: canister.as_slice().to_vec(), owner: owner.to_vec() }
}

fn evaluated(requests: usize) -> Event {
    let key = KeyName { curve: KeyCurve::P256, name: "content".into() };
    Event::Evaluated { key, combiner: COMBINER, requests: vec![ByteBuf::from([0; 32]); requests] }
}

#[test]
fn should_count_the_quota_anew_in_each_epoch() {
    let mut state = installed(AdmittedOwners::Any);
    let own = [recipient(COMBINER, b"ann"), recipient(COMBINER, b"bob")];
    assert_eq!(state.admit(&COMBINER, own.iter(), 1), Ok(()));
    state.apply_state_transition(1, &evaluated(2));
    assert_eq!(state.admit(&COMBINER, own[..1].iter(), 2), Ok(()));
    assert_eq!(state.admit(&COMBINER, own.iter(), 2), Err(HolderError::QuotaUsedUp));
    assert_eq!(state.admit(&COMBINER, own.iter(), EPOCH_NS), Ok(()));
    assert_eq!(state.used(EPOCH_NS), 0);
}

#[test]
fn should_admit_a_combiner_for_its_own_recipients_only() {
    let state = installed(AdmittedOwners::Listed(vec![ByteBuf::from(b"ann")]));
    let other = Principal::from_slice(&[9; 10]);
    let admit = |caller: Principal, recipient: Recipient| state.admit(&caller, [&recipient].into_iter(), 1);
    assert_eq!(admit(COMBINER, recipient(COMBINER, b"ann")), Ok(()));
    assert_eq!(admit(COMBINER, recipient(COMBINER, b"bob")), Err(HolderError::OtherRecipient));
    assert_eq!(admit(COMBINER, recipient(other, b"ann")), Err(HolderError::OtherRecipient));
    assert_eq!(admit(other, recipient(other, b"ann")), Err(HolderError::NotAllowed));
}

#[test]
fn should_admit_nobody_while_frozen() {
    let mut state = installed(AdmittedOwners::Any);
    let own = [recipient(COMBINER, b"ann")];
    state.apply_state_transition(1, &Event::Frozen { by: COMBINER });
    assert_eq!(state.admit(&COMBINER, own.iter(), 1), Err(HolderError::Frozen));
    state.apply_state_transition(1, &Event::Unfrozen { by: COMBINER });
    assert_eq!(state.admit(&COMBINER, own.iter(), 1), Ok(()));
}

#[test]
fn should_bound_derivations_in_an_epoch() {
    let mut state = installed(AdmittedOwners::Any);
    for _ in 0..MAX_OPENINGS_PER_EPOCH {
        assert!(state.may_open(1));
        state.apply_state_transition(1, &Event::DerivationBound { asker: COMBINER });
    }
    assert!(!state.may_open(1));
    assert!(state.may_open(EPOCH_NS));
}
