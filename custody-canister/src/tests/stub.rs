//! The stub runtime: what [`Runtime`] promises, on the host.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    future::{Future, pending},
    pin::pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use audit_log::digest_of_state;
use candid::Principal;
use ic_bls12_381::{
    G1Affine, G1Projective, G2Affine, G2Projective, Scalar,
    hash_to_curve::{ExpandMsgXmd, HashToCurve},
};
use ic_management_canister_types::{HttpRequestArgs, TransformArgs};
use registry_protocols::http::HttpAnswer;
use release_types::{
    CHUNK_BYTES, Sha256Digest,
    artifact::{ArtifactChunk, ArtifactChunkArgs},
};
use sha2::Sha256;

use super::registries::Registries;
use crate::{
    outcall::{self, EncodedOutcall},
    runtime::{CallError, DerivationRequest, Runtime, SigningRequest},
    state::{audit, read_state},
    storage,
    tasks::{self, Task},
};

/// Secret of the stub's vetKD key.
const KEY_SECRET: u64 = 4_242;

/// What happened to a task that was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    Finished,
    /// It is suspended in an await, and was dropped there.
    Dropped,
}

/// What happens while custody waits.
type Hook = Box<dyn FnOnce()>;

pub struct Surroundings {
    pub now_ns: u64,
    pub cycles: u128,
    pub timers: Vec<(u64, Task)>,
    pub artifacts: BTreeMap<Sha256Digest, Vec<u8>>,
    pub registries: Registries,
    pub source_is_down: bool,
    pub failing_derivations: usize,
    pub derivations: usize,
    /// How often the timers were woken.
    pub wakings: usize,
    pub log: Vec<String>,
    /// Awaits so far.
    pub awaits: usize,
    /// The await that never returns.
    pub stuck_at: Option<usize>,
    /// Called once, before the answer to a derivation.
    pub before_key: Option<Hook>,
    /// Called once, before randomness is delivered.
    pub before_seed: Option<Hook>,
    /// Called once, before the answer to an outcall.
    pub before_answer: Option<Hook>,
}

#[derive(Clone)]
pub struct StubRuntime(pub Rc<RefCell<Surroundings>>);

impl StubRuntime {
    pub fn new() -> Self {
        Self(Rc::new(RefCell::new(Surroundings {
            now_ns: 1_790_000_000_000_000_000,
            cycles: 1_000_000_000_000,
            timers: Vec::new(),
            artifacts: BTreeMap::new(),
            registries: Registries::default(),
            source_is_down: false,
            failing_derivations: 0,
            derivations: 0,
            wakings: 0,
            log: Vec::new(),
            awaits: 0,
            stuck_at: None,
            before_key: None,
            before_seed: None,
            before_answer: None,
        })))
    }

    pub fn custody(&self) -> Principal {
        Principal::from_slice(&[7, 7, 7, 1])
    }

    pub fn sealing_public_key() -> Vec<u8> {
        G2Affine::from(G2Projective::generator() * Scalar::from(KEY_SECRET)).to_compressed().to_vec()
    }

    /// Runs the next timer, moving the clock to it. None if there is none.
    pub fn run_next_timer(&self) -> Option<Run> {
        let task = {
            let mut surroundings = self.0.borrow_mut();
            let next = surroundings
                .timers
                .iter()
                .enumerate()
                .filter(|(_, (_, task))| *task != Task::Sweep)
                .min_by_key(|(_, (due_ns, _))| *due_ns)
                .map(|(index, _)| index)?;
            let (due_ns, task) = surroundings.timers.remove(next);
            surroundings.now_ns = surroundings.now_ns.max(due_ns);
            task
        };
        let future = pin!(tasks::run(self.clone(), task));
        Some(match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(()) => Run::Finished,
            Poll::Pending => Run::Dropped,
        })
    }

    /// Runs timers until none is left but those of orders that wait for people and of watches.
    pub fn settle(&self) {
        for _ in 0..2_000 {
            if self.has_come_to_rest() || self.run_next_timer().is_none() {
                return;
            }
        }
        panic!("the timers do not come to rest");
    }

    fn has_come_to_rest(&self) -> bool {
        self.0.borrow().timers.iter().all(|(_, task)| match task {
            Task::Sweep | Task::Look(_) => true,
            Task::DriveOrder(id) => {
                read_state(|state| state.order(id).is_some_and(|order| order.is_blocked()))
            }
            Task::LearnKeys | Task::Activate(_) | Task::Probe(_) | Task::DriveAmendment(_) => false,
        })
    }

    /// Runs timers that are due within this time.
    pub fn run_for(&self, duration: Duration) {
        let end_ns = self.0.borrow().now_ns + duration.as_nanos() as u64;
        loop {
            let next = self
                .0
                .borrow()
                .timers
                .iter()
                .filter(|(_, task)| *task != Task::Sweep)
                .map(|(at, _)| *at)
                .min();
            if next.is_none_or(|at| at > end_ns) {
                break;
            }
            self.run_next_timer();
        }
        self.0.borrow_mut().now_ns = end_ns;
    }

    /// Replaces code and heap: timers and everything but stable memory are gone.
    pub fn upgrade(&self) {
        self.0.borrow_mut().timers.clear();
        tasks::forget_timers();
        crate::lifecycle::post_upgrade(self);
    }

    fn call(&self, take: impl FnOnce(&mut Surroundings) -> Option<Hook>) {
        let hook = take(&mut self.0.borrow_mut());
        if let Some(hook) = hook {
            hook();
        }
    }

    /// Every await ends a message: here the log must add up to the live state.
    async fn at_await(&self) {
        assert_log_adds_up();
        let is_stuck = {
            let mut surroundings = self.0.borrow_mut();
            surroundings.awaits += 1;
            surroundings.stuck_at == Some(surroundings.awaits)
        };
        if is_stuck {
            pending::<()>().await;
        }
    }
}

/// The state that the log adds up to is the live state.
pub fn assert_log_adds_up() {
    let replayed = audit::replay(storage::events()).expect("the log replays");
    assert_eq!(digest_of_state(&replayed), read_state(digest_of_state));
}

/// vetKD of a single party: the signature on the input, encrypted to the transport key.
fn encrypted_key(request: &DerivationRequest) -> Vec<u8> {
    let secret = Scalar::from(KEY_SECRET);
    let message = [StubRuntime::sealing_public_key(), request.input.clone()].concat();
    let domain = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_AUG_";
    let hash = <G1Projective as HashToCurve<ExpandMsgXmd<Sha256>>>::hash_to_curve(message, domain);
    let transport: [u8; 48] = request.transport_public_key.as_slice().try_into().expect("48 bytes");
    let transport = G1Affine::from_compressed(&transport).expect("a point");
    let nonce = Scalar::from(77);
    [
        G1Affine::from(G1Projective::generator() * nonce).to_compressed().to_vec(),
        G2Affine::from(G2Projective::generator() * nonce).to_compressed().to_vec(),
        G1Affine::from(hash * secret + transport * nonce).to_compressed().to_vec(),
    ]
    .concat()
}

impl Runtime for StubRuntime {
    fn time_ns(&self) -> u64 {
        self.0.borrow().now_ns
    }

    fn canister_self(&self) -> Principal {
        self.custody()
    }

    fn liquid_cycles(&self) -> u128 {
        self.0.borrow().cycles
    }

    fn derivation_cost_cycles(&self, _key_name: &str) -> Option<u128> {
        Some(26_153_846_153)
    }

    fn signature_cost_cycles(&self, _key_name: &str) -> Option<u128> {
        Some(26_153_846_153)
    }

    fn outcall_cost_cycles(&self, _outcall: &EncodedOutcall) -> u128 {
        1_000_000_000
    }

    fn set_timer(&self, delay: Duration, task: Task) {
        let mut surroundings = self.0.borrow_mut();
        let due_ns = surroundings.now_ns + delay.as_nanos() as u64;
        surroundings.timers.push((due_ns, task));
    }

    fn wake_timers(&self) {
        self.0.borrow_mut().wakings += 1;
    }

    fn certify(&self, root: [u8; 32]) {
        assert_eq!(root, storage::read_log(|log| log.certified_root()));
    }

    fn log(&self, line: &str) {
        self.0.borrow_mut().log.push(line.to_owned());
    }

    async fn random_bytes(&self) -> Result<Vec<u8>, CallError> {
        self.at_await().await;
        self.call(|surroundings| surroundings.before_seed.take());
        Ok(vec![9; 32])
    }

    async fn derived_public_key(&self, _key_name: &str, _context: &[u8]) -> Result<Vec<u8>, CallError> {
        self.at_await().await;
        Ok(Self::sealing_public_key())
    }

    async fn derive_key(&self, request: DerivationRequest) -> Result<Vec<u8>, CallError> {
        self.0.borrow_mut().derivations += 1;
        self.at_await().await;
        self.call(|surroundings| surroundings.before_key.take());
        let mut surroundings = self.0.borrow_mut();
        if surroundings.failing_derivations > 0 {
            surroundings.failing_derivations -= 1;
            return Err(CallError::Rejected { code: 2 });
        }
        Ok(encrypted_key(&request))
    }

    async fn signing_public_key(
        &self,
        _key_name: &str,
        _derivation_path: Vec<Vec<u8>>,
    ) -> Result<Vec<u8>, CallError> {
        self.at_await().await;
        Ok(vec![5; 32])
    }

    async fn sign(&self, request: SigningRequest) -> Result<Vec<u8>, CallError> {
        assert!(request.message.starts_with(b"DSSEv1 "), "only receipts are signed");
        self.at_await().await;
        Ok(vec![6; 64])
    }

    async fn artifact_chunk(
        &self,
        _source: Principal,
        args: ArtifactChunkArgs,
    ) -> Result<Option<ArtifactChunk>, CallError> {
        self.at_await().await;
        let surroundings = self.0.borrow();
        if surroundings.source_is_down {
            return Err(CallError::Rejected { code: 5 });
        }
        let Some(bytes) = surroundings.artifacts.get(&args.sha256) else {
            return Ok(None);
        };
        let chunk = bytes.chunks(CHUNK_BYTES as usize).nth(args.index as usize).expect("a chunk that exists");
        Ok(Some(ArtifactChunk { bytes: chunk.to_vec() }))
    }

    async fn send(&self, outcall: EncodedOutcall) -> Result<HttpAnswer, CallError> {
        let args: HttpRequestArgs =
            candid::decode_one(&outcall.into_args()).expect("the outcall's arguments");
        let result = {
            let mut surroundings = self.0.borrow_mut();
            let now_ns = surroundings.now_ns;
            surroundings.registries.handle(&args, now_ns)
        };
        if result != Err(CallError::NotPerformed) {
            self.at_await().await;
        }
        self.call(|surroundings| surroundings.before_answer.take());
        let context = args.transform.expect("every outcall is transformed").context;
        let reduced = outcall::transform_answer(TransformArgs { response: result?, context });
        Ok(outcall::answer(reduced))
    }
}
