//! Messages for canisters on other subnets, and from there.

use candid::{CandidType, Principal};
use serde::{Deserialize, Serialize};

use super::{Origin, QueuedMessage, Request, Response};
use crate::candid_arguments::decode_args;
use crate::replica::Replica;

/// What subnets send each other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum StreamMessage {
    Request(Request),
    Response(Response),
    /// The cycles of a call that nobody waits for any more, on their way back.
    Refund {
        canister: Principal,
        cycles: u128,
    },
}

#[derive(CandidType, Deserialize)]
struct OnCanister {
    canister_id: Principal,
}

#[derive(CandidType, Deserialize)]
struct OnTargetCanister {
    target_canister: Principal,
}

/// The canister that a call of the management canister is about.
pub(crate) fn concerned_canister(method: &str, arg: &[u8]) -> Option<Principal> {
    if method == "install_chunked_code" {
        decode_args::<(OnTargetCanister,)>(arg).ok().map(|(arg,)| arg.target_canister)
    } else {
        decode_args::<(OnCanister,)>(arg).ok().map(|(arg,)| arg.canister_id)
    }
}

impl Replica {
    /// Queues a request here or, if it is a canister's to another subnet, for there.
    pub(crate) fn enqueue_request(&mut self, request: Request) {
        let elsewhere = match request.origin {
            Origin::Canister { .. } => self.subnet_elsewhere(&request),
            Origin::Ingress(_) | Origin::System => None,
        };
        match elsewhere {
            Some(subnet) => self.outgoing.push((subnet, StreamMessage::Request(request))),
            None => self.queue.push_back(QueuedMessage::Request(request)),
        }
    }

    /// Queues a response here or for the caller's subnet.
    pub(super) fn enqueue_response(&mut self, response: Response) {
        match self.subnet.topology.elsewhere(response.to) {
            Some(subnet) => self.outgoing.push((subnet, StreamMessage::Response(response))),
            None => self.queue.push_back(QueuedMessage::Response(response)),
        }
    }

    /// Gives the cycles of a call that is never executed back to who attached them.
    pub(super) fn refund(&mut self, origin: Origin, cycles: u128) {
        let Origin::Canister { canister, .. } = origin else {
            return;
        };
        match self.subnet.topology.elsewhere(canister) {
            Some(subnet) => self.outgoing.push((subnet, StreamMessage::Refund { canister, cycles })),
            None => self.take_refund(canister, cycles),
        }
    }

    /// What this subnet has for others, by their numbers, in the order in which it was sent.
    pub(crate) fn take_outgoing(&mut self) -> Vec<(usize, StreamMessage)> {
        std::mem::take(&mut self.outgoing)
    }

    /// Takes a message that another subnet has sent.
    pub(crate) fn induct(&mut self, message: StreamMessage) {
        match message {
            StreamMessage::Request(request) => self.queue.push_back(QueuedMessage::Request(request)),
            StreamMessage::Response(response) => self.queue.push_back(QueuedMessage::Response(response)),
            StreamMessage::Refund { canister, cycles } => self.take_refund(canister, cycles),
        }
    }

    fn take_refund(&mut self, canister: Principal, cycles: u128) {
        if let Some(canister) = self.canisters.get_mut(&canister) {
            canister.add_cycles(cycles);
        }
    }

    /// Management calls go to the subnet of the canister that they are about.
    fn subnet_elsewhere(&self, request: &Request) -> Option<usize> {
        let topology = &self.subnet.topology;
        if request.to != Principal::management_canister() || topology.subnets().len() == 1 {
            return topology.elsewhere(request.to);
        }
        topology.elsewhere(concerned_canister(&request.method, &request.arg)?)
    }
}
