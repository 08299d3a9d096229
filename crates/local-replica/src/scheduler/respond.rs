//! Takes answers and cycles back to those who wait for them.

use candid::Principal;

use super::rejects::deadline_expired;
use super::{Origin, QueuedMessage, Response};
use crate::canister::{Callback, CallbackId, OpenCalls};
use crate::config::Defect;
use crate::message::{CallResult, IngressStatus};
use crate::replica::Replica;

impl Replica {
    /// Answers a call; unaccepted cycles go back to the canister that attached them.
    pub(crate) fn respond(&mut self, origin: Origin, result: CallResult, refund_cycles: u128) {
        match origin {
            Origin::System => {}
            Origin::Ingress(id) => {
                let status = match result {
                    Ok(reply) => IngressStatus::Replied(reply),
                    Err(reject) => IngressStatus::Rejected(reject),
                };
                self.set_ingress_status(id, status);
            }
            Origin::Canister { canister, callback } => {
                if self.defect == Some(Defect::AnswerDeliveredTwice) {
                    self.deliver_again(canister, callback, result.clone());
                }
                self.enqueue_response(Response {
                    to: canister,
                    callback,
                    result,
                    refund_cycles,
                    is_expiry: false,
                });
            }
        }
    }

    /// Answers a copy of the call's callback.
    fn deliver_again(&mut self, canister: Principal, callback: CallbackId, result: CallResult) {
        let Some(canister) = self.canisters.get_mut(&canister) else {
            return;
        };
        let Some(callback) = canister.open_calls.callback(callback).cloned() else {
            return;
        };
        let copy = canister.open_calls.expect_response(Callback { prepaid_cycles: 0, ..callback });
        self.queue.push_back(QueuedMessage::Response(Response {
            to: canister.id,
            callback: copy,
            result,
            refund_cycles: 0,
            is_expiry: false,
        }));
    }

    /// Tells canisters whose bounded-wait calls have run out of time.
    pub(super) fn expire_callbacks(&mut self) {
        let time_ns = self.time_ns();
        for (id, canister) in &mut self.canisters {
            for callback in canister.open_calls.expire(time_ns) {
                self.queue.push_back(QueuedMessage::Response(Response {
                    to: *id,
                    callback,
                    result: Err(deadline_expired()),
                    refund_cycles: 0,
                    is_expiry: true,
                }));
            }
        }
    }

    /// The open calls of a canister that is known to exist.
    pub(crate) fn open_calls(&mut self, id: Principal) -> &mut OpenCalls {
        &mut self.canisters.get_mut(&id).expect("the caller found it").open_calls
    }
}
