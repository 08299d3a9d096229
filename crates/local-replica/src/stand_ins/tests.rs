use super::*;
use candid::{Decode, Encode, Nat};
use std::collections::BTreeMap;

/// Remembers what was created: controllers and cycles by canister.
#[derive(Default)]
struct FakeReplica {
    canisters: BTreeMap<Principal, (Vec<Principal>, u128)>,
    ledgers: Ledgers,
}

impl StandInOps for FakeReplica {
    fn subnet_id(&self) -> Principal {
        Principal::from_slice(&[42])
    }

    fn time_ns(&self) -> u64 {
        7_000_000_000
    }

    fn ledgers(&mut self) -> &mut Ledgers {
        &mut self.ledgers
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

fn ask(canister: Principal, method: &str, arg: &[u8], replica: &mut FakeReplica) -> Option<CallResult> {
    answer(&mut Call { canister, method, arg, caller: caller(), cycles: 0 }, replica)
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
    let reply =
        ask(cycles_ledger::ID, "create_canister", &arg, replica).expect("a stand-in").expect("a reply");
    Decode!(&reply, CreateCanisterResponse).expect("decodes")
}

#[test]
fn should_know_the_ids_that_clients_use() {
    assert_eq!(cycles_minting::ID.to_text(), "rkp4c-7iaaa-aaaaa-aaaca-cai");
    assert_eq!(cycles_ledger::ID.to_text(), "um5iw-rqaaa-aaaaq-qaaba-cai");
    assert_eq!(icp_ledger::ID.to_text(), "ryjl3-tyaaa-aaaaa-aaaba-cai");
}

#[test]
fn should_name_the_one_subnet() {
    let mut replica = FakeReplica::default();
    let arg = Encode!().expect("encodes");
    let reply = ask(cycles_minting::ID, "get_default_subnets", &arg, &mut replica)
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
        ask(cycles_ledger::ID, "withdraw", &arg, &mut replica).expect("a stand-in").expect("a reply")
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
        let rejected = ask(cycles_ledger::ID, method, arg, &mut replica).expect("a stand-in");
        assert_eq!(rejected.expect_err("a reject").code, RejectCode::CanisterError, "{method}");
    }
}

#[test]
fn should_leave_other_canisters_alone() {
    let mut replica = FakeReplica::default();
    assert!(ask(Principal::anonymous(), "create_canister", &[], &mut replica).is_none());
}

#[derive(CandidType)]
struct Owned {
    owner: Principal,
    subaccount: Option<Vec<u8>>,
}

fn balance(replica: &mut FakeReplica, owner: Principal, subaccount: Option<Vec<u8>>) -> u128 {
    let arg = Encode!(&Owned { owner, subaccount }).expect("encodes");
    let reply =
        ask(cycles_ledger::ID, "icrc1_balance_of", &arg, replica).expect("a stand-in").expect("a reply");
    Decode!(&reply, Nat).expect("decodes").0.try_into().expect("below 2^128")
}

#[test]
fn should_pay_for_a_canister_and_the_fee_from_the_callers_account() {
    let mut replica = FakeReplica::default();
    let before = balance(&mut replica, caller(), None);
    create(&mut replica, 5, None);
    assert_eq!(balance(&mut replica, caller(), None), before - 5 - cycles_ledger::FEE_CYCLES);
    create(&mut replica, u128::MAX, None);
    assert_eq!(balance(&mut replica, caller(), None), before - 5 - cycles_ledger::FEE_CYCLES);
}

#[test]
fn should_transfer_between_accounts() {
    #[derive(CandidType)]
    struct TransferArgs {
        from_subaccount: Option<Vec<u8>>,
        to: Owned,
        amount: Nat,
        fee: Option<Nat>,
    }
    #[derive(CandidType, serde::Deserialize, Debug)]
    enum Transferred {
        Ok(Nat),
        Err(candid::Reserved),
    }
    let mut replica = FakeReplica::default();
    let savings = || Some(vec![1; 32]);
    let mut transfer = |from_subaccount, amount: u128, fee: Option<u128>| {
        let to = Owned { owner: caller(), subaccount: savings() };
        let fee = fee.map(Nat::from);
        let arg =
            Encode!(&TransferArgs { from_subaccount, to, amount: amount.into(), fee }).expect("encodes");
        let reply = ask(cycles_ledger::ID, "icrc1_transfer", &arg, &mut replica).expect("a stand-in");
        let transferred = Decode!(&reply.expect("a reply"), Transferred).expect("decodes");
        (matches!(transferred, Transferred::Ok(_)), balance(&mut replica, caller(), savings()))
    };
    let fee = cycles_ledger::FEE_CYCLES;
    assert_eq!(transfer(None, 3 * fee, Some(fee)), (true, 3 * fee));
    assert_eq!(transfer(None, 1, Some(1)), (false, 3 * fee), "a wrong fee");
    assert_eq!(transfer(savings(), 3 * fee, None), (false, 3 * fee), "nothing left for the fee");
    assert_eq!(transfer(savings(), fee, None), (true, 2 * fee), "to itself, less the fee");
}

#[test]
fn should_put_attached_cycles_on_an_account() {
    #[derive(CandidType)]
    struct DepositArgs {
        to: Owned,
    }
    let mut replica = FakeReplica::default();
    let owner = Principal::from_slice(&[8; 29]);
    let arg = Encode!(&DepositArgs { to: Owned { owner, subaccount: Some(vec![2; 32]) } }).expect("encodes");
    let mut deposit = |cycles| {
        let mut call =
            Call { canister: cycles_ledger::ID, method: "deposit", arg: &arg, caller: caller(), cycles };
        let result = answer(&mut call, &mut replica).expect("a stand-in");
        (result.is_ok(), call.cycles)
    };
    let fee = cycles_ledger::FEE_CYCLES;
    assert_eq!(deposit(fee), (false, fee), "all is refunded");
    assert_eq!(deposit(fee + 7), (true, 0));
    assert_eq!(balance(&mut replica, owner, Some(vec![2; 32])), 7);
}

#[test]
fn should_change_nothing_in_a_query() {
    let mut replica = FakeReplica::default();
    let arg = Encode!().expect("encodes");
    for method in ["create_canister", "icrc1_transfer", "withdraw", "deposit"] {
        let call = Call { canister: cycles_ledger::ID, method, arg: &arg, caller: caller(), cycles: 0 };
        let rejected = answer_query(&call, &mut replica).expect("a stand-in").expect_err("no query");
        assert_eq!(rejected.error_code.as_deref(), Some("IC0536"), "{method}");
    }
}

#[derive(CandidType, serde::Deserialize)]
struct Tokens {
    e8s: u64,
}

#[derive(CandidType, serde::Deserialize, Debug, PartialEq)]
enum Notified<T> {
    Ok(T),
    Err(candid::Reserved),
}

/// Sends ICP to the minting canister in favour of `beneficiary`; the block's index.
fn send_icp(replica: &mut FakeReplica, beneficiary: Principal, e8s: u64) -> u64 {
    #[derive(CandidType)]
    struct TransferArgs {
        memo: u64,
        amount: Tokens,
        fee: Tokens,
        from_subaccount: Option<Vec<u8>>,
        to: Vec<u8>,
        created_at_time: Option<u64>,
    }
    use sha2::{Digest, Sha224};
    let id = beneficiary.as_slice();
    let subaccount = [&[id.len() as u8], id, &vec![0; 31 - id.len()]].concat();
    let hash = Sha224::digest([b"\x0Aaccount-id", cycles_minting::ID.as_slice(), &subaccount].concat());
    let args = TransferArgs {
        memo: 0x544e_494d,
        amount: Tokens { e8s },
        fee: Tokens { e8s: 10_000 },
        from_subaccount: None,
        to: [&[0; 4], &hash[..]].concat(),
        created_at_time: None,
    };
    let arg = Encode!(&args).expect("encodes");
    let reply = ask(icp_ledger::ID, "transfer", &arg, replica).expect("a stand-in").expect("a reply");
    match Decode!(&reply, Notified<u64>).expect("decodes") {
        Notified::Ok(block) => block,
        Notified::Err(_) => panic!("not transferred"),
    }
}

#[test]
fn should_make_cycles_of_icp_once() {
    #[derive(CandidType)]
    struct MintArgs {
        block_index: u64,
    }
    #[derive(CandidType, serde::Deserialize, Debug, PartialEq)]
    struct Minted {
        minted: Nat,
    }
    let mut replica = FakeReplica::default();
    let before = balance(&mut replica, caller(), None);
    let block_index = send_icp(&mut replica, caller(), 100_000_000);
    let foreign = send_icp(&mut replica, Principal::from_slice(&[8; 29]), 100_000_000);
    let mut mint = |block_index| {
        let arg = Encode!(&MintArgs { block_index }).expect("encodes");
        let reply = ask(cycles_minting::ID, "notify_mint_cycles", &arg, &mut replica).expect("a stand-in");
        Decode!(&reply.expect("a reply"), Notified<Minted>).expect("decodes")
    };
    let minted = 3_000_000_000_000_u128;
    assert_eq!(mint(block_index), Notified::Ok(Minted { minted: minted.into() }));
    for refused in [block_index, foreign, 7] {
        assert!(matches!(mint(refused), Notified::Err(_)), "block {refused}");
    }
    assert_eq!(balance(&mut replica, caller(), None), before + minted - cycles_ledger::FEE_CYCLES);
}

#[test]
fn should_top_up_a_canister_with_icp() {
    #[derive(CandidType)]
    struct TopUpArgs {
        block_index: u64,
        canister_id: Principal,
    }
    let mut replica = FakeReplica::default();
    let CreateCanisterResponse::Ok { canister_id, .. } = create(&mut replica, 5, None) else {
        panic!("not created");
    };
    let block_index = send_icp(&mut replica, canister_id, 100);
    let arg = Encode!(&TopUpArgs { block_index, canister_id }).expect("encodes");
    ask(cycles_minting::ID, "notify_top_up", &arg, &mut replica).expect("a stand-in").expect("a reply");
    assert_eq!(replica.canisters[&canister_id].1, 5 + 100 * 30_000);
}
