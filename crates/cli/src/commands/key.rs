//! `key`: the keys that content is encrypted to, and those who own it.

use std::path::PathBuf;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use candid::Principal;
use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use content_types::{CurveName, OwnerName, RecipientKeyView, RegisterOwnerArgs};
use serde_bytes::ByteBuf;
use serde_json::{Value, json};

use crate::{
    context::Context,
    failure::{Exit, Failure, Outcome},
    operations::content::{self, Content},
    output::{HEADING, styled},
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the keys that content for an owner is encrypted to
    Show(ShowArgs),
    /// Register an owner with its public key; for the canister's administrators
    Register(RegisterArgs),
    /// Print the public key of --identity, for an administrator to register
    Public,
}

#[derive(Debug, ClapArgs)]
pub struct ContentCanister {
    /// The content canister
    #[arg(long = "content", value_name = "ID", env = "COUNTERSIGN_CONTENT")]
    pub id: Principal,
}

#[derive(Debug, ClapArgs)]
pub struct ShowArgs {
    owner: OwnerName,
    /// Only the key on this curve
    #[arg(long, value_enum)]
    curve: Option<CurveOption>,
    /// Only this form of it
    #[arg(long, value_enum)]
    form: Option<Form>,
    #[command(flatten)]
    canister: ContentCanister,
}

#[derive(Debug, ClapArgs)]
pub struct RegisterArgs {
    /// Its name: 1 to 63 of a-z, 0-9 and -
    owner: OwnerName,
    /// Its public key, P-256 or Ed25519: PEM or DER as openssl writes it, or an identity's PEM file
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// What it may store
    #[arg(long, value_name = "MB", default_value_t = 1_000)]
    quota_mb: u64,
    /// How often a day it may have something opened
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    openings_per_day: u32,
    #[command(flatten)]
    canister: ContentCanister,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CurveOption {
    #[value(name = "P-256")]
    P256,
    #[value(name = "X25519")]
    X25519,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// JSON Web Key
    Jwk,
    /// What `age -r` takes
    Age,
    /// COSE_Key in base64url
    Cose,
    /// The bytes in base64url
    Raw,
}

const FORMS: [(Form, &str); 4] =
    [(Form::Jwk, "JWK"), (Form::Age, "age recipient"), (Form::Cose, "COSE_Key"), (Form::Raw, "bytes")];

pub async fn run(context: &Context, command: Command) -> Outcome<Exit> {
    match command {
        Command::Show(args) => show(context, args).await,
        Command::Register(args) => register(context, args).await,
        Command::Public => public(context),
    }
}

async fn show(context: &Context, args: ShowArgs) -> Outcome<Exit> {
    let network = context.network()?;
    let agent = context.reading_agent(&network).await?;
    let content = Content { agent: &agent, id: args.canister.id };
    let keys = content.recipient_keys(&args.owner).await?.ok_or_else(|| {
        Failure::refused(format!("{} has no recipient keys at this canister", args.owner))
            .hint("an administrator registers it with `countersign key register`")
    })?;
    let is_asked = |key: &&RecipientKeyView| match args.curve {
        None => true,
        Some(CurveOption::P256) => key.curve == CurveName::P256,
        Some(CurveOption::X25519) => key.curve == CurveName::X25519,
    };
    let keys: Vec<&RecipientKeyView> = keys.iter().filter(is_asked).collect();
    let text: Vec<String> = match args.form {
        Some(form) => keys.iter().map(|key| in_form(key, form)).collect(),
        None => keys.iter().map(|key| all_forms(key)).collect(),
    };
    let value =
        json!({ "owner": args.owner, "keys": keys.iter().map(|key| to_json(key)).collect::<Vec<_>>() });
    context.output.result(value, text.join("\n"));
    Ok(Exit::Done)
}

async fn register(context: &Context, args: RegisterArgs) -> Outcome<Exit> {
    let public_key_der = ByteBuf::from(content::read_public_key(&args.key)?);
    let network = context.network()?;
    let agent = context.agent(&network, context.identity()?).await?;
    let content = Content { agent: &agent, id: args.canister.id };
    let waiting = context.output.waiting("registering the owner and deriving its keys");
    let view = content
        .register(RegisterOwnerArgs {
            owner: args.owner,
            public_key_der,
            quota_bytes: args.quota_mb.saturating_mul(1_000_000),
            openings_per_day: args.openings_per_day,
        })
        .await?;
    drop(waiting);
    let value = json!({
        "owner": view.owner,
        "principal": view.principal,
        "keys": view.recipient_keys.iter().map(to_json).collect::<Vec<_>>(),
    });
    let keys: Vec<String> = view.recipient_keys.iter().map(all_forms).collect();
    context.output.result(
        value,
        format!(
            "{} is registered; what is encrypted to these keys opens for it alone\n{}",
            view.owner,
            keys.join("\n")
        ),
    );
    Ok(Exit::Done)
}

fn public(context: &Context) -> Outcome<Exit> {
    let der =
        context.identity()?.public_key().ok_or_else(|| Failure::usage("the identity has no public key"))?;
    let pem = content::to_pem(&der);
    context.output.result(json!({ "public_key": pem }), &pem);
    Ok(Exit::Done)
}

fn in_form(key: &RecipientKeyView, form: Form) -> String {
    match form {
        Form::Jwk => key.jwk.clone(),
        Form::Age => key.age.clone(),
        Form::Cose => BASE64_URL_SAFE_NO_PAD.encode(&key.cose_key),
        Form::Raw => BASE64_URL_SAFE_NO_PAD.encode(&key.raw),
    }
}

fn all_forms(key: &RecipientKeyView) -> String {
    let lines = FORMS.map(|(form, name)| format!("  {name}: {}", in_form(key, form)));
    format!("{}\n{}", styled(HEADING, curve_name(key)), lines.join("\n"))
}

fn to_json(key: &RecipientKeyView) -> Value {
    json!({
        "curve": key.curve,
        "jwk": serde_json::from_str::<Value>(&key.jwk).unwrap_or_default(),
        "age": key.age,
        "cose_key": in_form(key, Form::Cose),
        "raw": in_form(key, Form::Raw),
    })
}

fn curve_name(key: &RecipientKeyView) -> &'static str {
    match key.curve {
        CurveName::P256 => "P-256",
        CurveName::X25519 => "X25519",
    }
}
