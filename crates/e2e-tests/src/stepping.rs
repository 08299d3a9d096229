//! Going through a release message by message, so that something can be done between any two.

use std::time::Duration;

use candid::{CandidType, Decode, Principal, utils::ArgumentEncoder};
use local_replica::{IngressMessage, IngressStatus, Reject, RequestId, Step};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::World;

/// How long to wait for a registry double before looking again.
const OUTCALL_POLL: Duration = Duration::from_millis(1);
/// Messages after which something is going round in circles.
const MAX_MESSAGES: usize = 100_000;

/// A world that counts its messages and is interrupted once.
pub struct Stepper<'a> {
    pub world: &'a mut World,
    /// Messages executed so far.
    pub messages: usize,
    interruption: Option<(usize, Interruption<'a>)>,
    calls: u64,
}

/// What happens between two messages.
pub type Interruption<'a> = Box<dyn FnOnce(&mut World) + 'a>;

impl<'a> Stepper<'a> {
    pub fn new(world: &'a mut World) -> Self {
        Self { world, messages: 0, interruption: None, calls: 0 }
    }

    /// Lets something happen right after so many messages.
    pub fn interrupt_after(&mut self, messages: usize, interruption: Interruption<'a>) {
        self.interruption = Some((messages, interruption));
    }

    /// Whether the interruption is still to come.
    pub fn is_uninterrupted(&self) -> bool {
        self.interruption.is_some()
    }

    /// Executes messages until none is left, or `is_over`. Waits for outcalls, not for time.
    pub fn run(&mut self, mut is_over: impl FnMut(&mut World) -> bool) {
        while self.messages < MAX_MESSAGES {
            if let Some((_, interruption)) = self.interruption.take_if(|(at, _)| *at <= self.messages) {
                interruption(self.world);
            }
            if is_over(self.world) {
                return;
            }
            match self.world.replica.step() {
                Step::Executed(_) => self.messages += 1,
                Step::WaitingForOutcall => std::thread::sleep(OUTCALL_POLL),
                Step::Idle => return,
            }
        }
        panic!("{MAX_MESSAGES} messages, and no end");
    }

    /// A user's update call.
    ///
    /// # Errors
    /// The reject, for instance of a canister that is stopping.
    pub fn update<A: ArgumentEncoder, R: CandidType + DeserializeOwned>(
        &mut self,
        sender: Principal,
        canister_id: Principal,
        method: &str,
        args: A,
    ) -> Result<R, Reject> {
        let arg = candid::encode_args(args).expect("arguments encode");
        self.calls += 1;
        let name = (&arg, self.calls, method, sender, self.world.replica.time_ns());
        let request_id = RequestId(Sha256::digest(format!("{name:?}")).into());
        self.world.replica.submit(IngressMessage {
            request_id,
            sender,
            canister_id,
            method_name: method.into(),
            arg,
            ingress_expiry_ns: self.world.replica.time_ns() + 300_000_000_000,
        })?;
        self.run(|world| {
            !matches!(
                world.replica.ingress_status(&request_id),
                Some(IngressStatus::Received | IngressStatus::Processing)
            )
        });
        match self.world.replica.ingress_status(&request_id) {
            Some(IngressStatus::Replied(reply)) => {
                Ok(Decode!(reply, R)
                    .unwrap_or_else(|error| panic!("{method} answered something else: {error}")))
            }
            Some(IngressStatus::Rejected(reject)) => Err(reject.clone()),
            other => panic!("{method} is not answered: {other:?}"),
        }
    }

    /// Lets time pass in steps of a second until `is_over`, at most so many.
    pub fn pass_seconds(&mut self, seconds: usize, mut is_over: impl FnMut(&mut World) -> bool) {
        for _ in 0..seconds {
            self.run(&mut is_over);
            if is_over(self.world) {
                return;
            }
            self.world.replica.advance_time(Duration::from_secs(1));
        }
    }
}
