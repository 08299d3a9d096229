//! A coordinator and a combiner among holders in memory, some of which cheat or say nothing.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use candid::{Principal, decode_one, encode_one};
use ciborium::Value;
use content_keys::{
    Curve, Dh, PublicKey, VaultKey,
    threshold::{
        Group, Holder, HolderIndex, IdentityKey, KeySet, P256, Purpose, Recipient, Roster, Seed, Session,
        X25519,
    },
};
use key_holders::{
    Silence, Transport,
    ceremony::{Ceremony, without},
    combiner::{CombinerError, FaultKind, Proofs, SharedKey, evaluate},
    decode, encode,
    interface::{EvaluateArgs, HolderError, KeyCurve, KeyName, StepArgs},
    steps::{Step, StepAnswer, take},
};
use serde_bytes::ByteBuf;
use zeroize::Zeroizing;

/// Holders that answer at once.
struct Holders<G: Group> {
    principals: Vec<Principal>,
    holders: RefCell<BTreeMap<Principal, Holder<G>>>,
    identities: BTreeMap<Principal, [u8; 32]>,
    silent: RefCell<BTreeSet<Principal>>,
    /// Answers with the part of somebody else's key.
    lying: RefCell<Option<Principal>>,
    seeds: RefCell<u8>,
}

fn principal(number: u8) -> Principal {
    Principal::from_slice(&[number; 10])
}

fn index(number: u8) -> HolderIndex {
    HolderIndex::new(number).expect("not zero")
}

fn name<G: Group>() -> KeyName {
    let curve = match G::CURVE {
        Curve::P256 => KeyCurve::P256,
        Curve::X25519 => KeyCurve::X25519,
    };
    KeyName { curve, name: "content".to_owned() }
}

impl<G: Group> Holders<G> {
    fn new() -> (Self, Roster<G>) {
        let principals: Vec<_> = (1..=5).map(principal).collect();
        let identity = |number: u8| IdentityKey::<G>::new(&Seed::new(Zeroizing::new([number; 32])));
        let roster = Roster::new(b"content".to_vec(), 3, (1..=5).map(|one| identity(one).public()).collect());
        let roster = roster.expect("a roster");
        let holders = (1..=5).map(|one| {
            let holder = Holder::new(roster.clone(), identity(one)).expect("on the roster");
            (principal(one), holder)
        });
        let this = Self {
            holders: RefCell::new(holders.collect()),
            identities: (1..=5).map(|one| (principal(one), *identity(one).to_bytes())).collect(),
            principals,
            silent: RefCell::default(),
            lying: RefCell::default(),
            seeds: RefCell::new(100),
        };
        (this, roster)
    }

    fn seed(&self) -> Seed {
        *self.seeds.borrow_mut() += 1;
        Seed::new(Zeroizing::new([*self.seeds.borrow(); 32]))
    }

    fn take_step(&self, callee: Principal, args: &[u8]) -> Result<ByteBuf, HolderError> {
        let args: StepArgs = decode_one(args).expect("a step's arguments");
        let step: Step<G> = decode(&args.step).expect("a step");
        let mut holders = self.holders.borrow_mut();
        let holder = holders.get_mut(&callee).ok_or(HolderError::UnknownKey)?;
        let from = holder.index();
        let (answer, shares) = take(holder, step, &self.seed());
        for share in shares {
            let to = principal(share.to().get());
            if !self.silent.borrow().contains(&to) {
                // Who is sent what does not belong there shows when it has to confirm.
                let _ = holders.get_mut(&to).expect("a holder").receive(from, share);
            }
        }
        Ok(ByteBuf::from(encode(&answer)))
    }

    fn evaluate(&self, callee: Principal, args: &[u8]) -> Result<Vec<ByteBuf>, HolderError> {
        let args: EvaluateArgs = decode_one(args).expect("an evaluation's arguments");
        let holders = self.holders.borrow();
        let share = holders[&callee].share().ok_or(HolderError::UnknownKey)?;
        let answer = |request: &ByteBuf| {
            let mut request: content_keys::threshold::Request = decode(request).expect("a request");
            if *self.lying.borrow() == Some(callee) {
                request.recipient.owner.push(0);
            }
            let seed = args.proofs.then(|| self.seed());
            let partial = share.evaluate(&request, seed.as_ref());
            partial
                .map(|partial| ByteBuf::from(encode(&partial)))
                .map_err(|error| HolderError::Declined(error.to_string()))
        };
        args.requests.iter().map(answer).collect()
    }

    /// Changes what the second holder deals, but not what it has committed to: what it signs from now on is a lie.
    fn corrupt_second(&self) {
        let mut holders = self.holders.borrow_mut();
        let holder = holders.get_mut(&principal(2)).expect("a holder");
        let mut state: Value = decode(&holder.to_bytes()).expect("CBOR");
        let changed = change_polynomial(&mut state);
        assert!(changed, "the holder is dealing");
        let identity = IdentityKey::from_bytes(&self.identities[&principal(2)]).expect("a key");
        *holder = Holder::from_bytes(&encode(&state), identity).expect("still a state");
    }

    fn generate(&self, roster: &Roster<G>) -> KeySet<G> {
        let session = Session {
            purpose: Purpose::Generate(roster.clone()),
            participants: roster.holders().collect(),
            number: 1,
        };
        let mut ceremony = Ceremony::new(name::<G>(), session);
        while ceremony.outcome().is_none() {
            now(ceremony.advance(self, &self.principals)).expect("nobody is at fault");
        }
        ceremony.outcome().expect("it is over").clone()
    }

    fn shared(&self, keys: KeySet<G>) -> SharedKey<G> {
        SharedKey { name: name::<G>(), keys, holders: self.principals.clone() }
    }
}

/// Changes the secret polynomial, but not its value for the second holder itself: twice as much is added to the
/// constant term as is taken from the slope.
fn change_polynomial(value: &mut Value) -> bool {
    let Some(fields) = value.as_map_mut() else {
        return false;
    };
    for (name, field) in fields {
        if name.as_text() == Some("polynomial")
            && let Some([Value::Array(constant), Value::Array(slope), ..]) =
                field.as_array_mut().map(Vec::as_mut_slice)
        {
            let digit = |digits: &[Value], at: usize| digits[at].as_integer().map_or(0, i128::from);
            let fits = |at: &usize| digit(constant, *at) < 254 && digit(slope, *at) > 0;
            let at = (1..31).find(fits).expect("most digits fit");
            let (more, less) = (digit(constant, at) + 2, digit(slope, at) - 1);
            constant[at] = Value::from(more as u8);
            slope[at] = Value::from(less as u8);
            return true;
        }
        if change_polynomial(field) {
            return true;
        }
    }
    false
}

impl<G: Group> Transport for Holders<G> {
    async fn call(&self, callee: Principal, method: &'static str, args: Vec<u8>) -> Result<Vec<u8>, Silence> {
        if self.silent.borrow().contains(&callee) {
            return Err(Silence::Unreachable);
        }
        Ok(match method {
            "take_step" => encode_one(self.take_step(callee, &args)),
            "evaluate" => encode_one(self.evaluate(callee, &args)),
            other => panic!("no method {other}"),
        }
        .expect("encodes"))
    }
}

/// The outcome of what waits for nothing.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("it waits"),
    }
}

fn somebody<G: Group>(number: u8) -> VaultKey<G> {
    VaultKey::from_uniform(&Zeroizing::new([number; 48])).expect("not zero")
}

fn recipient() -> Recipient {
    Recipient { canister: b"vault".to_vec(), owner: b"ann".to_vec() }
}

/// What both sides of an ECDH come to, or why not.
fn agree<G: Group>(
    holders: &Holders<G>,
    keys: &KeySet<G>,
    proofs: Proofs,
) -> Result<(bool, Vec<HolderIndex>), CombinerError> {
    let writer = somebody::<G>(5);
    let ephemeral: PublicKey = writer.public_key();
    let key = holders.shared(keys.clone());
    let requests = key.requests(&recipient(), &[ephemeral], [1; 32]);
    let evaluated = now(evaluate(holders, &key, &requests, proofs))?;
    let owner = keys.recipient_key(&recipient()).expect("a key");
    let expected = writer.dh(&owner).expect("this curve");
    let secret = evaluated.outcomes[0].dh(&ephemeral).expect("this key");
    let faults = evaluated.faults.iter().map(|fault| fault.holder).collect();
    Ok((secret.expose() == expected.expose(), faults))
}

fn should_make_and_use<G: Group>() {
    let (holders, roster) = Holders::<G>::new();
    let keys = holders.generate(&roster);
    for proofs in [Proofs::Asked, Proofs::Spared] {
        assert_eq!(agree(&holders, &keys, proofs), Ok((true, Vec::new())));
    }
}

#[test]
fn should_make_and_use_a_key_of_either_curve() {
    should_make_and_use::<P256>();
    should_make_and_use::<X25519>();
}

#[test]
fn should_convict_a_dealer_of_a_wrong_share_and_go_on_without_it() {
    let (holders, roster) = Holders::<X25519>::new();
    let session = Session {
        purpose: Purpose::Generate(roster.clone()),
        participants: roster.holders().collect(),
        number: 1,
    };
    let mut ceremony = Ceremony::new(name::<X25519>(), session.clone());
    for phase in ["commit", "reveal"] {
        assert_eq!(ceremony.phase(), phase);
        now(ceremony.advance(&holders, &holders.principals)).expect("nobody has cheated yet");
    }
    holders.corrupt_second();
    now(ceremony.advance(&holders, &holders.principals)).expect("shares are sent");
    let trouble = now(ceremony.advance(&holders, &holders.principals)).expect_err("they do not fit");
    assert_eq!(trouble.at_fault(), BTreeSet::from([index(2)]));
    assert!(!trouble.evidence.is_empty());
    for evidence in &trouble.evidence {
        assert_eq!(evidence.holder(), index(2));
        // Anyone comes to the same verdict, from the bytes.
        let evidence: content_keys::threshold::Evidence<X25519> =
            decode(&encode(evidence)).expect("evidence");
        let session: Session<X25519> = decode(&encode(&session)).expect("a session");
        assert!(evidence.convicts(&session));
    }
    let next = without(&session, &trouble.at_fault()).expect("four are left");
    let mut ceremony = Ceremony::new(name::<X25519>(), next);
    while ceremony.outcome().is_none() {
        now(ceremony.advance(&holders, &holders.principals)).expect("nobody is at fault");
    }
    let keys = ceremony.outcome().expect("it is over").clone();
    let (agreed, faults) = agree(&holders, &keys, Proofs::Asked).expect("four of five answer");
    assert!(agreed);
    assert!(faults.iter().all(|fault| *fault == index(2)), "only who has no share: {faults:?}");
}

#[test]
fn should_name_a_lying_holder_and_do_without_it() {
    let (holders, roster) = Holders::<P256>::new();
    let keys = holders.generate(&roster);
    *holders.lying.borrow_mut() = Some(principal(1));
    assert_eq!(agree(&holders, &keys, Proofs::Asked), Ok((true, vec![index(1)])));
    assert_eq!(
        agree(&holders, &keys, Proofs::Spared),
        Ok((false, Vec::new())),
        "it shows when nothing opens"
    );
}

#[test]
fn should_say_who_is_missing_when_too_few_answer() {
    let (holders, roster) = Holders::<X25519>::new();
    let keys = holders.generate(&roster);
    *holders.silent.borrow_mut() = (1..=3).map(principal).collect();
    let Err(CombinerError::TooFew { found: 2, needed: 3, faults }) = agree(&holders, &keys, Proofs::Asked)
    else {
        panic!("three are needed");
    };
    let silent: BTreeSet<_> = faults.iter().map(|fault| fault.holder).collect();
    assert_eq!(silent, (1..=3).map(index).collect());
    assert!(faults.iter().all(|fault| fault.kind == FaultKind::Silent(Silence::Unreachable)));
}

#[test]
fn should_take_a_phase_again_after_silence_and_change_nothing_by_it() {
    let (holders, roster) = Holders::<X25519>::new();
    let session = Session {
        purpose: Purpose::Generate(roster.clone()),
        participants: roster.holders().collect(),
        number: 1,
    };
    let mut ceremony = Ceremony::new(name::<X25519>(), session);
    while ceremony.outcome().is_none() {
        if ceremony.phase() != "activate" && ceremony.phase() != "settle" {
            holders.silent.borrow_mut().insert(principal(4));
            let trouble = now(ceremony.advance(&holders, &holders.principals));
            let trouble = trouble.expect_err("one is silent");
            assert!(trouble.evidence.is_empty() && trouble.unheard.contains_key(&index(4)));
            holders.silent.borrow_mut().clear();
        }
        let kept: Ceremony<X25519> = decode(&encode(&ceremony)).expect("kept");
        ceremony = kept;
        now(ceremony.advance(&holders, &holders.principals)).expect("all are heard");
    }
    let keys = ceremony.outcome().expect("it is over").clone();
    assert_eq!(agree(&holders, &keys, Proofs::Asked), Ok((true, Vec::new())));
}

#[test]
fn should_answer_no_step_of_another_session() {
    let (holders, _) = Holders::<X25519>::new();
    let step: Step<X25519> = Step::Prepare(content_keys::threshold::SessionId([7; 32]));
    let args = StepArgs { key: name::<X25519>(), step: ByteBuf::from(encode(&step)) };
    let answer = holders.take_step(principal(1), &encode_one(args).expect("encodes")).expect("an answer");
    let answer: StepAnswer<X25519> = decode(&answer).expect("an answer");
    assert!(matches!(answer, StepAnswer::Declined(declined) if declined.evidence.is_empty()));
}
