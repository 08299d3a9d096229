//! The disturbances after which a release need not come to its good end, or may be proven by less than the registry has to
//! show, each with the reason why custody cannot do better. After every other one it must end verified, and wholly proven.

use crate::{
    calls::Kind,
    campaign::Cases,
    evidence::Gap,
    record::End::{self, Alarm, Refused},
};

/// What may become of the file that is disturbed so: another end, or a gap in the proof.
pub struct Allowance<T: 'static> {
    /// As the table names them.
    pub disturbances: &'static [&'static str],
    /// The calls that are disturbed; whichever if there are none.
    pub kinds: &'static [Kind],
    pub allowed: &'static [T],
    pub reason: &'static str,
}

const BLOCKED: End = Alarm("BLOCKED");
const UNCONFIRMED: End = Alarm("UNCONFIRMED");
const MISMATCH: End = Alarm("MISMATCH");
const CONFLICT: End = Alarm("CONFLICT");

/// Ends that are not verified.
pub const ENDS: [Allowance<End>; 10] = [
    Allowance {
        disturbances: &[
            "the registry shows other bytes, once",
            "somebody else has published other bytes in this moment",
        ],
        kinds: &[],
        allowed: &[MISMATCH, CONFLICT],
        reason: "all nodes agree that other bytes are public under the voted name: whoever installs it may have them",
    },
    Allowance {
        disturbances: &["the registry shows the voted bytes, once"],
        kinds: &[],
        allowed: &[BLOCKED],
        reason: "all nodes agreed that the voted bytes are public, so they are not sent (again), and then they are not there",
    },
    Allowance {
        disturbances: &["the registry serves other bytes from now on"],
        kinds: &[],
        allowed: &[MISMATCH],
        reason: "all nodes are served the same other bytes for minutes, or for hours if they are of another size",
    },
    Allowance {
        disturbances: &["every attempt times out before sending"],
        kinds: &[],
        allowed: &[BLOCKED, UNCONFIRMED],
        reason: "nobody can tell it from three sendings whose answers were lost, and three are all that custody makes",
    },
    Allowance {
        disturbances: &[
            "the node says 200 without sending",
            "the node says 201 without sending",
            "the node says 202 without sending",
            "the registry answers 200 with HTML, without storing",
        ],
        kinds: &[],
        allowed: &[BLOCKED, UNCONFIRMED],
        reason: "after a yes it is not sent again, for registries show late, and nothing proves the yes wrong",
    },
    Allowance {
        disturbances: &[
            "the node says that it exists without sending",
            "the registry answers 400, already there, without storing",
        ],
        kinds: &[],
        allowed: &[BLOCKED, UNCONFIRMED],
        reason: "the version is taken, it is said, and not shown: by whom, and with which bytes, only people can find out",
    },
    Allowance {
        disturbances: &[
            "the node says 302 without sending",
            "the node says 400 without sending",
            "the node says 401 without sending",
            "the node says 403 without sending",
            "the node says 404 without sending",
            "the node says 413 without sending",
            "the node says 415 without sending",
            "the node says 422 without sending",
            "the registry answers 302, without storing",
            "the registry answers 400, without storing",
            "the registry answers 401, without storing",
            "the registry answers 403, without storing",
            "the registry answers 413, without storing",
        ],
        kinds: &[],
        allowed: &[Refused],
        reason: "the registry said no, it is said, and a day later all nodes agreed that nothing is there",
    },
    Allowance {
        disturbances: &["the registry answers 302"],
        kinds: &[Kind::ReadBytes],
        allowed: &[BLOCKED],
        reason: "custody follows no redirects, so what is staged elsewhere cannot be proven before it is approved",
    },
    Allowance {
        disturbances: &["the registry answers 401", "the registry answers 403", "the registry answers 302"],
        kinds: &[Kind::Look],
        allowed: &[Refused],
        reason: "an amendment is not begun at a registry that does not show what came of it; nothing was sent, and with a \
                 token to read with it can be proposed again",
    },
    Allowance {
        disturbances: &["the registry answers 404"],
        kinds: &[Kind::Look],
        allowed: &[CONFLICT],
        reason: "all nodes agree that what is to be amended, which was there when it was voted, is gone",
    },
];

/// What a receipt may say that it does not prove.
pub const GAPS: [Allowance<Gap>; 3] = [
    Allowance {
        disturbances: &["the registry shows the voted bytes without its signature, once"],
        kinds: &[],
        allowed: &[Gap::Unsigned],
        reason: "all nodes agree that it is not signed, by a registry of which no signature was ever seen",
    },
    Allowance {
        disturbances: &["the registry answers 404"],
        kinds: &[Kind::ReadKeys],
        allowed: &[Gap::NoKeys],
        reason: "all nodes agree that the registry publishes no keys, and none were ever seen",
    },
    Allowance {
        disturbances: &["the registry answers 401", "the registry answers 403", "the registry answers 302"],
        kinds: &[Kind::ReadBytes],
        allowed: &[Gap::BytesNotRead],
        reason: "all nodes agree that the file is kept where custody does not follow; the digest is shown and confirmed",
    },
];

impl<T: PartialEq> Allowance<T> {
    fn covers(&self, disturbance: &str, kind: Kind, found: &T) -> bool {
        self.disturbances.contains(&disturbance)
            && (self.kinds.is_empty() || self.kinds.contains(&kind))
            && self.allowed.contains(found)
    }
}

/// Whether a file may end so, or lack this in its proof, after this happened to a call of this kind.
pub fn allow<T: PartialEq>(
    allowances: &[Allowance<T>],
    (disturbance, kind): (&str, Kind),
    found: &T,
) -> bool {
    allowances.iter().any(|allowance| allowance.covers(disturbance, kind, found))
}

/// Disturbances that are allowed something to which none of these cases came.
pub fn unused(cases: &Cases) -> Vec<&'static str> {
    let came_to = |disturbance: &str, name: &str| {
        cases.values().any(|case| case.disturbance == disturbance && case.ending.text.contains(name))
    };
    let ends = ENDS.iter().map(|end| (end.disturbances, end.allowed.iter().map(|end| end.name()).collect()));
    let gaps = GAPS.iter().map(|gap| (gap.disturbances, gap.allowed.iter().map(|gap| gap.name()).collect()));
    ends.chain(gaps)
        .flat_map(|(disturbances, names): (&'static [&'static str], Vec<&str>)| {
            disturbances
                .iter()
                .copied()
                .filter(move |disturbance| !names.iter().any(|name| came_to(disturbance, name)))
        })
        .collect()
}
