//! How often a canister was queried, and what that took.

use crate::execution::Context;
use crate::message::CallResult;

/// Totals over the queries that one node answered. On the network the nodes agree on them some time
/// later; here they are no part of the state, since queries do not change it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueryStatistics {
    /// Query and composite query methods that were evaluated.
    pub calls: u64,
    pub instructions: u64,
    pub request_bytes: u64,
    /// Bytes of replies and of reject messages.
    pub response_bytes: u64,
}

impl QueryStatistics {
    /// Counts one execution, if it is part of a query.
    pub fn count(
        &mut self,
        context: Context,
        request_bytes: usize,
        instructions: u64,
        response: Option<&CallResult>,
    ) {
        match context {
            Context::NonReplicatedQuery | Context::CompositeQuery => {
                self.calls += 1;
                self.request_bytes += request_bytes as u64;
            }
            Context::CompositeReply | Context::CompositeReject | Context::CompositeCleanup => {}
            _ => return,
        }
        self.instructions += instructions;
        self.response_bytes += match response {
            Some(Ok(reply)) => reply.len() as u64,
            Some(Err(reject)) => reject.message.len() as u64,
            None => 0,
        };
    }
}
