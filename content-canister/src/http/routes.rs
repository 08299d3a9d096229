//! What signed requests ask for.
//!
//! | request | |
//! |---|---|
//! | `GET /content` | the owner's items and those shared with it; `?after=N` goes on |
//! | `POST /content` | announces an item |
//! | `PUT /content/ITEM/chunks/N` | one chunk of its envelope |
//! | `POST /content/ITEM/retrieve` | a part of it, for the reader's key |
//! | `PUT /content/ITEM/readers/OWNER` | grants reading |
//! | `DELETE /content/ITEM/readers/OWNER` | takes the grant back |
//! | `DELETE /content/ITEM` | deletes it |

use content_types::{AnswerFormat, ContentError, Grant, ItemId, OwnerName, Part, Retrieval};
use ic_http_certification::StatusCode;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{CONTENT, Request, Response};
use crate::{
    content::{catalogue, retrieval, sharing, upload},
    runtime::Runtime,
};

/// The body of a retrieval.
#[derive(Deserialize)]
struct RetrievalBody {
    #[serde(default)]
    part: Option<Part>,
    /// A JWK as an object or as text, or an age recipient.
    reader: Value,
    answer: AnswerFormat,
}

/// The body of a grant.
#[derive(Default, Deserialize)]
struct GrantBody {
    #[serde(default)]
    until_ns: Option<u64>,
    #[serde(default)]
    part: Option<Part>,
}

/// Does what `owner` asks for.
///
/// # Errors
/// As the operation has them; [`ContentError::Invalid`] for a request that is none of these.
pub async fn carry_out<R: Runtime>(
    runtime: &R,
    owner: &OwnerName,
    request: &Request,
) -> Result<Response, ContentError> {
    let path = request.path().strip_prefix(CONTENT).unwrap_or_default();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match (request.method.as_str(), segments.as_slice()) {
        ("GET", []) => {
            let items = catalogue::list(runtime, owner, after(&request.url)?);
            Ok(Response::json(StatusCode::OK, &json!({ "items": items })))
        }
        ("POST", []) => {
            let begun = upload::begin(runtime, owner, body("an item", request)?)?;
            Ok(Response::json(StatusCode::CREATED, &json!(begun)))
        }
        ("PUT", [item, "chunks", index]) => {
            let (item, index) = (number("item", item)?, number("chunk", index)?);
            ok(&upload::put_chunk(runtime, owner, item, index, &request.body)?)
        }
        ("POST", [item, "retrieve"]) => retrieve(runtime, owner, number("item", item)?, request).await,
        ("PUT", [item, "readers", reader]) => {
            let GrantBody { until_ns, part } =
                if request.body.is_empty() { GrantBody::default() } else { body("a grant", request)? };
            let grant = Grant { reader: name(reader)?, until_ns, part };
            ok(&sharing::share(runtime, owner, number("item", item)?, grant)?)
        }
        ("DELETE", [item, "readers", reader]) => {
            ok(&sharing::unshare(runtime, owner, number("item", item)?, name(reader)?)?)
        }
        ("DELETE", [item]) => {
            let item: ItemId = number("item", item)?;
            catalogue::delete(runtime, owner, item)?;
            ok(&json!({ "deleted": item }))
        }
        _ => Err(ContentError::invalid(
            "request",
            "another method or path",
            "GET or POST /content; PUT /content/ITEM/chunks/N; POST /content/ITEM/retrieve; PUT or DELETE \
             /content/ITEM/readers/OWNER; DELETE /content/ITEM",
            "Sign one of these.",
        )),
    }
}

async fn retrieve<R: Runtime>(
    runtime: &R,
    owner: &OwnerName,
    item: ItemId,
    request: &Request,
) -> Result<Response, ContentError> {
    let RetrievalBody { part, reader, answer } = body("a retrieval", request)?;
    let reader = match reader {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let sealed = retrieval::retrieve(runtime, owner, item, &Retrieval { part, reader, answer }).await?;
    let content_type = match answer {
        AnswerFormat::Jwe => "application/jose",
        AnswerFormat::Age => "application/octet-stream",
    };
    Ok(Response::new(StatusCode::OK, content_type, sealed))
}

fn ok<T: Serialize>(value: &T) -> Result<Response, ContentError> {
    Ok(Response::json(StatusCode::OK, &json!(value)))
}

fn body<T: DeserializeOwned>(what: &str, request: &Request) -> Result<T, ContentError> {
    serde_json::from_slice(&request.body).map_err(|error| {
        // Where and of which kind, but nothing of the body.
        let found = format!("something else at line {}, column {}", error.line(), error.column());
        ContentError::invalid("body", found, format!("{what} in JSON"), "docs/interface.md shows it.")
    })
}

fn after(url: &str) -> Result<ItemId, ContentError> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query.split('&').find_map(|pair| pair.strip_prefix("after=")).map_or(Ok(0), |text| number("after", text))
}

fn number<T: std::str::FromStr>(field: &str, text: &str) -> Result<T, ContentError> {
    text.parse().map_err(|_| ContentError::invalid(field, "another text", "a number", "Correct the path."))
}

fn name(text: &str) -> Result<OwnerName, ContentError> {
    text.parse().map_err(|error: content_types::InvalidOwnerName| {
        ContentError::invalid("reader", "another text", error.to_string(), "Correct the path.")
    })
}
