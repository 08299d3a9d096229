//! The ways to publish beside Countersign: which are seen open, which nobody can see from outside, and how each is
//! closed.

use release_types::Ecosystem;
use serde::Serialize;

use super::{Seen, SeenVersion};

/// Whether a way to publish is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DoorState {
    Open,
    Closed,
    /// The registry does not show it to outsiders; a person has to look.
    CannotSee,
}

/// A way to publish beside Countersign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Door {
    pub name: &'static str,
    pub state: DoorState,
    /// What was found.
    pub found: String,
    /// What closes it.
    pub close: &'static str,
}

/// Every way to publish this package beside Countersign.
pub fn doors(ecosystem: Ecosystem, seen: &Seen) -> Vec<Door> {
    let mut doors = vec![accounts(ecosystem, seen), trusted_publishers(ecosystem, seen), tokens(ecosystem)];
    match ecosystem {
        Ecosystem::Npm => doors.push(Door {
            name: "the setting \"require two-factor authentication and disallow tokens\"",
            state: DoorState::CannotSee,
            found: "npm shows it to maintainers alone, on the package's settings page".into(),
            close: "choose it where CI stages by trusted publishing: then no token publishes, stolen or not. Where \
                    custody itself uploads or stages with a token, it would lock custody out",
        }),
        Ecosystem::Pypi => doors.push(Door {
            name: "pending invitations and password resets of the owners",
            state: DoorState::CannotSee,
            found: "the index shows them to owners alone".into(),
            close: "each owner: two-factor authentication with a security key, recovery codes kept offline",
        }),
    }
    doors
}

fn accounts(ecosystem: Ecosystem, seen: &Seen) -> Door {
    let close = match ecosystem {
        Ecosystem::Npm => {
            "keep one account whose token custody holds, and one to recover with; take the others away with \
             `npm owner rm USER PACKAGE`, and teams with `npm access revoke SCOPE:TEAM PACKAGE`"
        }
        Ecosystem::Pypi => {
            "on the project's page, under Collaborators: keep one account whose token custody holds (role \
             Maintainer), and the owners to recover with; remove the others"
        }
    };
    let (state, found) = match &seen.publishers {
        None => (DoorState::CannotSee, "the registry does not show who may publish".to_string()),
        Some(publishers) => {
            let named = publishers.iter().map(|publisher| match &publisher.role {
                Some(role) => format!("{} ({role})", publisher.name),
                None => publisher.name.clone(),
            });
            let state = if publishers.len() > 1 { DoorState::Open } else { DoorState::Closed };
            let names = named.collect::<Vec<_>>().join(", ");
            (state, format!("{} may publish: {names}", count(publishers.len(), "account")))
        }
    };
    Door { name: "other accounts", state, found, close }
}

fn trusted_publishers(ecosystem: Ecosystem, seen: &Seen) -> Door {
    let close = match ecosystem {
        Ecosystem::Npm => {
            "on the package's settings page, under Trusted publishing: remove it, or allow it to stage only, so \
             that what it stages is compared with the vote"
        }
        Ecosystem::Pypi => "on the project's page, under Publishing: remove every publisher",
    };
    let by_ci =
        |version: &&SeenVersion| version.trusted_publisher.is_some() || version.has_provenance == Some(true);
    let used: Vec<_> = seen.recent.iter().filter(by_ci).collect();
    let (state, found) = match used.first() {
        Some(version) => {
            let publisher = version.trusted_publisher.as_deref().unwrap_or("a CI, by its provenance");
            let found = format!("{} was published by {publisher}, without a token", version.version);
            (DoorState::Open, found)
        }
        None => (
            DoorState::CannotSee,
            "no recent version came from one; whether one is set up, maintainers alone can see".to_string(),
        ),
    };
    Door { name: "trusted publishers (CI)", state, found, close }
}

fn tokens(ecosystem: Ecosystem) -> Door {
    let close = match ecosystem {
        Ecosystem::Npm => {
            "every account above: `npm token list`, then `npm token revoke ID` for each that is not the sealed one"
        }
        Ecosystem::Pypi => {
            "every account above: account settings, API tokens: remove each that is not the sealed one, above all \
             those for the whole account"
        }
    };
    let found = "a registry shows tokens to their owner alone".to_string();
    Door { name: "other tokens", state: DoorState::CannotSee, found, close }
}

/// What only people can do, and what may get in the way.
pub fn human_steps(ecosystem: Ecosystem, seen: Option<&Seen>) -> Vec<String> {
    let mut steps = Vec::new();
    if seen.is_none() {
        steps.push(match ecosystem {
            Ecosystem::Npm => {
                "if the name is not taken, a person publishes its first version with two-factor authentication; \
                 tokens that skip it may not create packages"
            }
            Ecosystem::Pypi => {
                "if the name is not taken, a person uploads its first version; a token for one project exists only \
                 after that"
            }
        });
    }
    match ecosystem {
        Ecosystem::Npm => steps.push(
            "npm holds publishing for 72 hours after an account's e-mail address or recovery codes changed: do \
             such changes well before a release",
        ),
        Ecosystem::Pypi => steps.push(
            "files can be added to a release for 14 days only: propose wheels and sdist together",
        ),
    }
    let mut steps: Vec<String> = steps.into_iter().map(str::to_owned).collect();
    if let Some(status) = seen.and_then(|seen| seen.status.as_deref()).filter(|status| *status != "active") {
        steps.push(format!(
            "the project is {status}: an owner has to change that before anything is published"
        ));
    }
    steps
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
