use super::*;
use candid::{Decode, Encode, Nat};
use std::collections::BTreeMap;

/// Remembers what was created: controllers and cycles by canister.
#[derive(Default)]
struct FakeReplica {
    canisters: BTreeMap<Principal, (Vec<Principal>, u128)>,
}

impl StandInOps for FakeReplica {
    fn subnet_id(&self) -> Principal {
        Principal::from_slice(&[42])
    }

    fn create_canister(&mut self, settings: CanisterSettings, cycles: u128) -> Result<Principal, Reject> {
        let id = Principal::from_slice(&[self.canisters.len() as u8, 1, 1]);
        self.canisters.insert(id, (settings.controllers.expect("the stand-in names them"), cycles));
        Ok(id)
    }

    fn deposit_cycles(&mut self, canister: Principal, cycles: u128) -> Result<(), Reject> {
        let (_, balance) = self
            .canisters
            .get_mut(&canister)
            .ok_or_else(|| Reject::new(RejectCode::DestinationInvalid, "no such canister"))?;
        *balance += cycles;
        Ok(())
    }
}

#[derive(CandidType)]
enum SubnetSelection {
    Subnet { subnet: Principal },
}

#[derive(CandidType)]
struct CreationArgs {
    subnet_selection: Option<SubnetSelection>,
    settings: Option<CanisterSettings>,
}

/// As `icp` sends it, with the fields that the stand-in has no use for.
#[derive(CandidType)]
struct CreateCanisterArgs {
    from_subaccount: Option<Vec<u8>>,
    created_at_time: Option<u64>,
    amount: Nat,
    creation_args: Option<CreationArgs>,
}

#[derive(CandidType, serde::Deserialize, Debug)]
enum CreateCanisterResponse {
    Ok { block_id: Nat, canister_id: Principal },
    Err(CreateCanisterError),
}

#[derive(CandidType, serde::Deserialize, Debug)]
enum CreateCanisterError {
    FailedToCreate { error: String, refund_block: Option<Nat>, fee_block: Option<Nat> },
    InsufficientFunds { balance: Nat },
}

fn caller() -> Principal {
    Principal::from_slice(&[7; 29])
}

fn create(
    replica: &mut FakeReplica,
    amount: u128,
    settings: Option<CanisterSettings>,
) -> CreateCanisterResponse {
    let arg = Encode!(&CreateCanisterArgs {
        from_subaccount: None,
        created_at_time: Some(1),
        amount: amount.into(),
        creation_args: Some(CreationArgs {
            subnet_selection: Some(SubnetSelection::Subnet { subnet: replica.subnet_id() }),
            settings,
        }),
    })
    .expect("encodes");
    let reply = answer(cycles_ledger::ID, "create_canister", &arg, caller(), replica)
        .expect("a stand-in")
        .expect("a reply");
    Decode!(&reply, CreateCanisterResponse).expect("decodes")
}

#[test]
fn should_know_the_ids_that_clients_use() {
    assert_eq!(cycles_minting::ID.to_text(), "rkp4c-7iaaa-aaaaa-aaaca-cai");
    assert_eq!(cycles_ledger::ID.to_text(), "um5iw-rqaaa-aaaaq-qaaba-cai");
}

#[test]
fn should_name_the_one_subnet() {
    let mut replica = FakeReplica::default();
    let arg = Encode!().expect("encodes");
    let reply = answer(cycles_minting::ID, "get_default_subnets", &arg, caller(), &mut replica)
        .expect("a stand-in")
        .expect("a reply");
    assert_eq!(Decode!(&reply, Vec<Principal>).expect("decodes"), vec![replica.subnet_id()]);
}

#[test]
fn should_make_the_caller_controller_unless_settings_say_otherwise() {
    let mut replica = FakeReplica::default();
    let other = Principal::from_slice(&[9; 29]);
    let settings = CanisterSettings { controllers: Some(vec![other]), ..Default::default() };
    for (settings, expected) in [(None, caller()), (Some(settings), other)] {
        let CreateCanisterResponse::Ok { canister_id, .. } = create(&mut replica, 5, settings) else {
            panic!("not created");
        };
        assert_eq!(replica.canisters[&canister_id], (vec![expected], 5));
    }
}

#[test]
fn should_refuse_an_amount_above_the_balance() {
    let mut replica = FakeReplica::default();
    let response = create(&mut replica, u128::MAX, None);
    assert!(
        matches!(&response, CreateCanisterResponse::Err(CreateCanisterError::InsufficientFunds { .. })),
        "{response:?}"
    );
    assert!(replica.canisters.is_empty());
}

#[test]
fn should_top_up_an_existing_canister_only() {
    #[derive(CandidType)]
    struct WithdrawArgs {
        amount: Nat,
        to: Principal,
    }
    let mut replica = FakeReplica::default();
    let CreateCanisterResponse::Ok { canister_id, .. } = create(&mut replica, 5, None) else {
        panic!("not created");
    };
    let mut withdraw = |to| {
        let arg = Encode!(&WithdrawArgs { amount: 3_u8.into(), to }).expect("encodes");
        answer(cycles_ledger::ID, "withdraw", &arg, caller(), &mut replica)
            .expect("a stand-in")
            .expect("a reply")
    };
    let missing = withdraw(Principal::anonymous());
    withdraw(canister_id);
    assert_eq!(replica.canisters[&canister_id].1, 8);
    assert_ne!(missing, reply(Ok::<Nat, ()>(0_u8.into())).expect("encodes"));
}

#[test]
fn should_reject_a_malformed_argument_and_an_unknown_method() {
    let mut replica = FakeReplica::default();
    for (method, arg) in [("create_canister", &b"DIDL"[..]), ("icrc1_balance_of", b""), ("mint", b"DIDL\0\0")]
    {
        let rejected = answer(cycles_ledger::ID, method, arg, caller(), &mut replica).expect("a stand-in");
        assert_eq!(rejected.expect_err("a reject").code, RejectCode::CanisterError, "{method}");
    }
}

#[test]
fn should_leave_other_canisters_alone() {
    let mut replica = FakeReplica::default();
    assert!(answer(Principal::anonymous(), "create_canister", &[], caller(), &mut replica).is_none());
}
