//! Calls to canisters: Candid in and out, failures told apart.

use candid::{
    Principal,
    utils::{ArgumentDecoder, ArgumentEncoder},
};
use ic_agent::{Agent, AgentError};

use crate::failure::{Failure, Outcome};

/// Calls a method that may change state, and waits for its certified answer.
///
/// # Errors
/// When the network does not answer, the canister rejects, or the answer has another type.
pub async fn update<A: ArgumentEncoder, R: for<'a> ArgumentDecoder<'a>>(
    agent: &Agent,
    canister: Principal,
    method: &str,
    args: A,
) -> Outcome<R> {
    update_through(agent, canister, canister, method, args).await
}

/// Like [`update`], for the management canister: routed by the canister it is about.
///
/// # Errors
/// As [`update`].
pub async fn manage<A: ArgumentEncoder, R: for<'a> ArgumentDecoder<'a>>(
    agent: &Agent,
    about: Principal,
    method: &str,
    args: A,
) -> Outcome<R> {
    update_through(agent, Principal::management_canister(), about, method, args).await
}

async fn update_through<A: ArgumentEncoder, R: for<'a> ArgumentDecoder<'a>>(
    agent: &Agent,
    canister: Principal,
    effective: Principal,
    method: &str,
    args: A,
) -> Outcome<R> {
    let reply = agent
        .update(&canister, method)
        .with_effective_canister_id(effective)
        .with_arg(encode(method, args)?)
        .call_and_wait()
        .await
        .map_err(|error| failure(agent, canister, method, error))?;
    decode(canister, method, &reply)
}

/// Calls a method that only reads. The answering node's signature is checked.
///
/// # Errors
/// As [`update`].
pub async fn query<A: ArgumentEncoder, R: for<'a> ArgumentDecoder<'a>>(
    agent: &Agent,
    canister: Principal,
    method: &str,
    args: A,
) -> Outcome<R> {
    let reply = agent
        .query(&canister, method)
        .with_arg(encode(method, args)?)
        .call()
        .await
        .map_err(|error| failure(agent, canister, method, error))?;
    decode(canister, method, &reply)
}

fn encode<A: ArgumentEncoder>(method: &str, args: A) -> Outcome<Vec<u8>> {
    candid::encode_args(args)
        .map_err(|error| Failure::usage(format!("the arguments of {method} cannot be encoded: {error}")))
}

fn decode<R: for<'a> ArgumentDecoder<'a>>(canister: Principal, method: &str, reply: &[u8]) -> Outcome<R> {
    candid::decode_args(reply).map_err(|error| {
        Failure::usage(format!("{canister} answered {method} in a form this version does not know: {error}"))
            .hint("use the version of countersign that the canister was built with")
    })
}

/// Error code of a call that the canister's inspection did not let in. The group's canister lets in its members and
/// proposers.
const TURNED_AWAY_BY_INSPECTION: &str = "IC0406";

/// Error codes of calls that met a canister which is being upgraded: stopped, or about to be.
const STOPPED: [&str; 2] = ["IC0508", "IC0509"];

fn not_of_the_group(agent: &Agent) -> Failure {
    let who =
        agent.get_principal().map_or_else(|_| "this identity".to_string(), |principal| principal.to_text());
    Failure::refused(format!("{who} is neither a member nor a proposer of this group"))
        .hint("`countersign status` names them; choose another identity with --identity")
}

/// What an agent's error means to the user.
fn failure(agent: &Agent, canister: Principal, method: &str, error: AgentError) -> Failure {
    match error {
        AgentError::CertifiedReject { reject, .. } | AgentError::UncertifiedReject { reject, .. } => {
            if reject.error_code.as_deref() == Some(TURNED_AWAY_BY_INSPECTION) {
                return not_of_the_group(agent);
            }
            if reject.error_code.as_deref().is_some_and(|code| STOPPED.contains(&code)) {
                return Failure::network(format!("{canister} is stopped"))
                    .hint("it is perhaps being upgraded; try again in a minute");
            }
            let code = reject.error_code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
            let failure =
                Failure::refused(format!("{canister} refused {method}: {}{code}", reject.reject_message));
            match reject.reject_code {
                ic_agent::agent::RejectCode::DestinationInvalid => {
                    failure.hint("check the canister id (--dao, --custody or deployment.json) and --network")
                }
                _ => failure,
            }
        }
        AgentError::CertificateVerificationFailed() | AgentError::QuerySignatureVerificationFailed => {
            Failure::network(format!("the answer to {method} is not signed under the trusted root key"))
                .hint("check --network and --root-key; another network may be answering at this address")
        }
        AgentError::HttpError(payload) => {
            let reason = String::from_utf8_lossy(&payload.content).into_owned();
            Failure::network(format!("the network answered {method} with HTTP {}: {reason}", payload.status))
        }
        other => Failure::network(format!("no answer to {method}: {}", chain(&other)))
            .hint("check that the network is up (`countersign network status`) and try again"),
    }
}

/// An error with its causes, the innermost of which usually says most.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use ic_agent::{
        agent::{RejectCode, RejectResponse},
        identity::AnonymousIdentity,
    };

    use super::*;
    use crate::failure::FailureKind;

    #[test]
    fn should_say_who_is_not_of_the_group_when_inspection_turns_a_call_away() {
        let agent = Agent::builder().with_url("http://127.0.0.1:1").with_identity(AnonymousIdentity).build();
        let reject = RejectResponse {
            reject_code: RejectCode::CanisterReject,
            reject_message: "rejected".into(),
            error_code: Some(TURNED_AWAY_BY_INSPECTION.into()),
        };
        let error = AgentError::UncertifiedReject { reject, operation: None };
        let failure = failure(&agent.expect("a URL"), Principal::from_slice(&[1]), "vote", error);
        assert_eq!(failure.kind, FailureKind::Refused);
        assert_eq!(failure.message, "2vxsx-fae is neither a member nor a proposer of this group");
        assert!(failure.hint.expect("has one").contains("--identity"));
    }
}
