//! `content`: keep encrypted content, and have parts of it opened.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use clap::{Args as ClapArgs, Subcommand};
use content_types::{Grant, ItemId, ItemView, OwnerName, Part};
use ic_agent::Agent;
use serde_json::json;
use zeroize::Zeroizing;

use super::key::ContentCanister;
use crate::{
    context::Context,
    failure::{Exit, Failure, Outcome},
    operations::{
        content::{self, Content},
        moment, now_ns,
    },
    output::printable,
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Encrypt a file to your own key on this machine, and store it
    Upload(UploadArgs),
    /// List what you stored and what was shared with you
    List(ContentCanister),
    /// Have an item, or a part of it, opened, and write it to a file
    Get(GetArgs),
    /// Let another owner read an item, or a part of it
    Share(ShareArgs),
    /// Take that back; what was read stays read
    Unshare(UnshareArgs),
    /// Delete an item
    Delete(DeleteArgs),
}

#[derive(Debug, ClapArgs)]
pub struct UploadArgs {
    file: PathBuf,
    /// What the list shows; not encrypted [default: the file's name]
    #[arg(long)]
    title: Option<String>,
    #[command(flatten)]
    canister: ContentCanister,
}

#[derive(Debug, ClapArgs)]
pub struct GetArgs {
    item: ItemId,
    /// The file to make; an existing one is never replaced
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    part: PartArgs,
    #[command(flatten)]
    canister: ContentCanister,
}

#[derive(Debug, ClapArgs)]
pub struct PartArgs {
    /// The first byte of the part
    #[arg(long, value_name = "BYTE", requires = "length")]
    offset: Option<u64>,
    /// How many bytes the part has
    #[arg(long, value_name = "BYTES", requires = "offset")]
    length: Option<u64>,
}

impl PartArgs {
    fn part(&self) -> Option<Part> {
        Some(Part { offset_bytes: self.offset?, length_bytes: self.length? })
    }
}

#[derive(Debug, ClapArgs)]
pub struct ShareArgs {
    item: ItemId,
    reader: OwnerName,
    /// For how long, e.g. 7d [default: until it is taken back]
    #[arg(long = "for", value_name = "DURATION", value_parser = humantime::parse_duration)]
    duration: Option<std::time::Duration>,
    #[command(flatten)]
    part: PartArgs,
    #[command(flatten)]
    canister: ContentCanister,
}

#[derive(Debug, ClapArgs)]
pub struct UnshareArgs {
    item: ItemId,
    reader: OwnerName,
    #[command(flatten)]
    canister: ContentCanister,
}

#[derive(Debug, ClapArgs)]
pub struct DeleteArgs {
    item: ItemId,
    #[command(flatten)]
    canister: ContentCanister,
}

pub async fn run(context: &Context, command: Command) -> Outcome<Exit> {
    let network = context.network()?;
    let agent = context.agent(&network, context.identity()?).await?;
    match command {
        Command::Upload(args) => upload(context, &agent, args).await,
        Command::List(canister) => list(context, &agent, &canister).await,
        Command::Get(args) => get(context, &agent, args).await,
        Command::Share(args) => share(context, &agent, args).await,
        Command::Unshare(args) => {
            let item = at(&agent, &args.canister).unshare(args.item, args.reader.clone()).await?;
            context
                .output
                .result(json!(item), format!("{} may not read item {} any more", args.reader, args.item));
            Ok(Exit::Done)
        }
        Command::Delete(args) => {
            at(&agent, &args.canister).delete(args.item).await?;
            context.output.result(json!({ "deleted": args.item }), format!("item {} is deleted", args.item));
            Ok(Exit::Done)
        }
    }
}

fn at<'a>(agent: &'a Agent, canister: &ContentCanister) -> Content<'a> {
    Content { agent, id: canister.id }
}

async fn upload(context: &Context, agent: &Agent, args: UploadArgs) -> Outcome<Exit> {
    let plain =
        Zeroizing::new(std::fs::read(&args.file).map_err(|error| Failure::file("read", &args.file, error))?);
    let canister = at(agent, &args.canister);
    let owner = canister.whoami().await?;
    let envelope = content::encrypt(&owner, &plain)?;
    let name = args.file.file_name().map(|name| name.to_string_lossy().into_owned());
    let title = args.title.or(name).unwrap_or_default();
    let progress = context.output.bytes("storing, encrypted", envelope.len() as u64);
    let item = canister.upload(title, &envelope, |bytes| progress.advance(bytes)).await?;
    drop(progress);
    let text = format!(
        "item {} is stored; read it with `countersign content get {} --output FILE`",
        item.item, item.item
    );
    context.output.result(json!(item), text);
    Ok(Exit::Done)
}

async fn list(context: &Context, agent: &Agent, canister: &ContentCanister) -> Outcome<Exit> {
    let items = at(agent, canister).list().await?;
    let mut text: String = items.iter().map(|item| format!("{}\n", line(item))).collect();
    if items.is_empty() {
        text.push_str("nothing is stored; store something with `countersign content upload FILE`\n");
    }
    context.output.result(json!({ "items": items }), text);
    Ok(Exit::Done)
}

fn line(item: &ItemView) -> String {
    let state = match item.stored_at_ns {
        Some(at_ns) => format!("stored {}", moment(at_ns)),
        None => format!("{} chunks are missing", item.missing_chunks.len()),
    };
    let readers: Vec<String> = item.grants.iter().map(|grant| grant.reader.to_string()).collect();
    let readers =
        if readers.is_empty() { String::new() } else { format!(", read by {}", readers.join(", ")) };
    let size_bytes = item.content_bytes.unwrap_or(item.size_bytes);
    format!(
        "{} {}: {} of {size_bytes} bytes, {state}{readers}",
        item.item,
        printable(&item.title),
        item.owner
    )
}

async fn get(context: &Context, agent: &Agent, args: GetArgs) -> Outcome<Exit> {
    let canister = at(agent, &args.canister);
    let parts = match args.part.part() {
        Some(part) => vec![Some(part)],
        None => {
            let items = canister.list().await?;
            let item = items.iter().find(|item| item.item == args.item).ok_or_else(|| {
                Failure::refused(format!("there is no item {} that you may read", args.item))
                    .hint("`countersign content list` shows what there is")
            })?;
            content::parts(item)
        }
    };
    let mut file = create(&args.output)?;
    let mut written_bytes = 0;
    let mut waiting = context.output.waiting("having it opened");
    for (number, part) in parts.iter().enumerate() {
        waiting.say(&format!("having part {} of {} opened", number + 1, parts.len()));
        let opened = canister.retrieve(args.item, *part).await?;
        file.write_all(&opened).map_err(|error| Failure::file("write", &args.output, error))?;
        written_bytes += opened.len();
    }
    drop(waiting);
    let output = args.output.display().to_string();
    let text = format!("wrote {written_bytes} bytes of item {} to {output}", args.item);
    context.output.result(json!({ "item": args.item, "bytes": written_bytes, "output": output }), text);
    Ok(Exit::Done)
}

/// A new file that its owner alone reads.
fn create(path: &Path) -> Outcome<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| {
        Failure::file("create", path, error)
            .hint("an existing file is never replaced; name another with --output")
    })
}

async fn share(context: &Context, agent: &Agent, args: ShareArgs) -> Outcome<Exit> {
    let until_ns = args
        .duration
        .map(|duration| now_ns().saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)));
    let grant = Grant { reader: args.reader.clone(), until_ns, part: args.part.part() };
    let item = at(agent, &args.canister).share(args.item, grant).await?;
    let until = until_ns
        .map_or_else(|| "until you take it back".to_string(), |at_ns| format!("until {}", moment(at_ns)));
    context.output.result(json!(item), format!("{} may read item {} {until}", args.reader, args.item));
    Ok(Exit::Done)
}
