//! Sealing a token on this machine and handing it to custody. The token comes from a hidden prompt or from standard
//! input, never from an argument, and is never printed.

use std::io::{IsTerminal as _, Read};

use registry_protocols::secret::{MAX_TOKEN_BYTES, SecretToken};
use release_types::{CredentialId, CredentialPolicy, credential::DepositCredentialArgs, dao::DepositError};
use sealing::SealingKey;
use zeroize::{Zeroize as _, Zeroizing};

use crate::{
    commands::describe,
    context::{Context, Session},
    failure::{Failure, Outcome},
    operations::{now_ns, seal},
    output::{HEADING, styled},
};

/// Asks for a token, seals it to `policy` under custody's `key` and deposits it.
///
/// # Errors
/// When the token does not fit the policy, or custody refuses it.
pub async fn seal_and_deposit(
    context: &Context,
    session: &Session,
    key: &SealingKey,
    policy: CredentialPolicy,
) -> Outcome<CredentialId> {
    context.output.note(format!(
        "{}\n{}",
        styled(HEADING, "this token may be used"),
        describe::credential_policy(&policy)
    ));
    if let Some(warning) = seal::announced_end(&policy, &session.dao().registries().await?) {
        context.output.note(format!("note: {warning}"));
    }
    let token = ask_for_token()?;
    for warning in seal::warnings(&token, &policy) {
        context.output.note(format!("note: {warning}"));
    }
    let token = seal::narrow(token, &policy, now_ns())?;
    deposit(session, seal::seal(key, policy, token)?).await
}

/// The key that tokens are sealed to. Fetched first: nobody is asked for a token that could not be sealed safely.
///
/// # Errors
/// When custody reports another key than the derived one.
pub async fn custody_key(context: &Context, session: &Session) -> Outcome<SealingKey> {
    let deployment = &session.deployment;
    let master = session.network.vetkd_master_key(&deployment.key_name)?;
    let info = session.custody().info().await?;
    let key = seal::custody_key(&master, &deployment.key_name, deployment.custody, &info)?;
    if session.network.is_served_locally {
        context.output.note(
            "note: this is a local network whose keys come from a seed: \
             whoever knows the seed can read this token",
        );
    }
    Ok(key)
}

/// Hands a sealed token to custody. The same again changes nothing.
///
/// # Errors
/// When it is refused, or kept under another policy than the sealed one.
pub async fn deposit(session: &Session, args: DepositCredentialArgs) -> Outcome<CredentialId> {
    let expected = args.policy.id();
    let credential = session.dao().deposit(args).await?.map_err(refusal)?;
    if credential != expected {
        return Err(Failure::refused(format!(
            "custody keeps the token as {credential}, under another policy than the one sealed"
        )));
    }
    Ok(credential)
}

/// Asks for the token without showing it, or reads it from standard input.
fn ask_for_token() -> Outcome<SecretToken> {
    if !std::io::stdin().is_terminal() {
        return read_token(std::io::stdin().lock());
    }
    let mut text = Zeroizing::new(rpassword::prompt_password("token (hidden): ").map_err(unreadable)?);
    token(&mut text)
}

/// Reads a token that ends where `source` does.
///
/// # Errors
/// When it cannot be read or can be no token.
pub fn read_token(source: impl Read) -> Outcome<SecretToken> {
    // Room for the longest token, a line end and one byte more, so that the buffer never moves and leaves a copy.
    let mut text = Zeroizing::new(String::with_capacity(2 * MAX_TOKEN_BYTES));
    source.take(MAX_TOKEN_BYTES as u64 + 3).read_to_string(&mut text).map_err(unreadable)?;
    token(&mut text)
}

fn unreadable(error: std::io::Error) -> Failure {
    Failure::usage(format!("the token cannot be read: {error}"))
}

fn token(text: &mut String) -> Outcome<SecretToken> {
    let token = text.trim().as_bytes().to_vec();
    text.zeroize();
    SecretToken::new(token).map_err(|error| {
        Failure::usage(error.to_string())
            .hint("type it at the prompt, or pipe it in: `pass show npm | countersign credential seal …`")
    })
}

fn refusal(error: DepositError) -> Failure {
    match error {
        DepositError::NotAllowed { caller } => Failure::refused(format!("{caller} may not deposit a token"))
            .hint("only members may; choose another identity with --identity"),
        DepositError::Refused { reason } => {
            Failure::refused(format!("custody refused the sealed token: {reason}"))
        }
        DepositError::Unavailable { reason } => {
            Failure::network(format!("custody was not reached: {reason}"))
                .hint("nothing was kept; run the command again")
        }
    }
}
