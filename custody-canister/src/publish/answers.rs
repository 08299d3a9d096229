//! What follows from the answer to a request that changes something at a registry. One node relays it, and can invent it:
//! it steers what is done next, and proves nothing.

use registry_protocols::{http::HttpAnswer, verdict::Verdict};
use release_types::CredentialId;

use crate::{
    outcall,
    runtime::{CallError, Runtime},
    state::{Event, event::UnknownCause, process_event, read_state},
};

/// What an answer amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// The registry is said to have said yes.
    Yes,
    /// The request provably never left this canister.
    NeverSent,
    /// Anything else: only reading back can tell.
    Open(UnknownCause),
}

/// Notes what the registry says to whoever owns the token, unless that is known.
pub fn note_notice<R: Runtime>(runtime: &R, credential: CredentialId, answer: Option<&HttpAnswer>) {
    let Some(notice) = answer.and_then(|answer| outcall::notice(&answer.body)) else { return };
    let known = read_state(|state| state.credential(&credential).and_then(|known| known.notice()));
    if known.is_none_or(|known| known.notice != notice) {
        process_event(runtime, Event::GotNotice { credential, notice });
    }
}

impl Answered {
    /// What an answer, or the lack of one, amounts to.
    pub fn by(answer: Result<Verdict, CallError>) -> Self {
        match answer {
            Ok(Verdict::Accepted) => Self::Yes,
            Ok(Verdict::AlreadyExists) => Self::Open(UnknownCause::AlreadyExists),
            Ok(Verdict::Transient { retry_after_s }) => {
                Self::Open(UnknownCause::AskedToWait { retry_after_s })
            }
            Ok(Verdict::Ambiguous) => Self::Open(UnknownCause::AmbiguousAnswer),
            Ok(Verdict::Refused(refusal)) => Self::Open(UnknownCause::SaidNo { refusal }),
            Err(CallError::NotPerformed) => Self::NeverSent,
            Err(CallError::Rejected { .. } | CallError::AnswerTooLarge | CallError::Undecodable) => {
                Self::Open(UnknownCause::NoAnswer)
            }
        }
    }

    /// The row of the answer table in `docs/answers.md`: what becomes of the artifact, whether it is sent again, what
    /// people are told.
    #[cfg(test)]
    fn consequence(self) -> [String; 3] {
        let (state, told) = match self {
            Self::Yes => {
                ("`Accepted`, `Pending` until it is shown, `Blocked` after three hours", String::new())
            }
            Self::NeverSent => ("`Prepared`", String::new()),
            Self::Open(UnknownCause::SaidNo { refusal }) => {
                let state = "`Unknown`; `Blocked` once nothing appears for half an hour; `Refused` after a day, unless it was sent before";
                (state, refusal.advice().to_owned())
            }
            Self::Open(UnknownCause::AlreadyExists) => (
                "`Unknown`; `Verified` if the voted digest is shown, `Mismatch` if another is, `Blocked` after three hours",
                String::new(),
            ),
            Self::Open(_) => ("`Unknown`; `Blocked` three hours after it was sent last", String::new()),
        };
        let again = match self {
            Self::NeverSent => "yes, it was not sent",
            Self::Open(UnknownCause::AskedToWait { .. }) => {
                "once the wait is over and all nodes agree, five minutes after it or later, that nothing is there, three times at most"
            }
            Self::Open(cause) if cause.allows_resending() => {
                "once all nodes agree, five minutes after it or later, that nothing is there, three times at most"
            }
            Self::Yes | Self::Open(_) => "never",
        };
        [state.into(), again.into(), told]
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use registry_protocols::verdict::Refusal;

    use super::*;

    /// The answer table, as the documentation has it.
    fn table() -> String {
        let refusals =
            Refusal::ALL.iter().map(|refusal| (format!("`{}`", refusal.code()), Verdict::Refused(*refusal)));
        let named = [
            ("yes", Ok(Verdict::Accepted)),
            ("it exists already", Ok(Verdict::AlreadyExists)),
            (
                "come back later (429, 503; `Retry-After` is obeyed, up to a day)",
                Ok(Verdict::Transient { retry_after_s: 60 }),
            ),
            ("neither yes nor no (5xx, a write conflict, a page)", Ok(Verdict::Ambiguous)),
            ("none", Err(CallError::Rejected { code: 2 })),
            ("none, because too few cycles or a full queue kept it here", Err(CallError::NotPerformed)),
        ];
        let rows = named.map(|(name, answer)| (name.to_owned(), answer));
        let rows = rows.into_iter().chain(refusals.map(|(name, verdict)| (name, Ok(verdict))));
        let mut text =
            String::from("| answer | state | sent again | what people are told |\n|---|---|---|---|\n");
        for (name, answer) in rows {
            let [state, again, told] = Answered::by(answer).consequence();
            let _ = writeln!(text, "| {name} | {state} | {again} | {told} |");
        }
        text
    }

    #[test]
    fn should_be_documented_row_by_row() {
        let written = include_str!("../../../docs/answers.md");
        let expected = table();
        assert!(written.ends_with(&expected), "docs/answers.md must end with this table:\n{expected}");
    }
}
