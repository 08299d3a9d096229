//! Whether a token still works: npm's `whoami`, reduced to yes or no. Whose the token is does not get any further.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    endpoint::EndpointUrl,
    http::{HttpAnswer, HttpRequest, Method, USER_AGENT},
    reading::{Reading, Unreadable},
};

/// What a registry says to a token.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenReading {
    /// It knows whose it is.
    Known,
    /// It does not accept it.
    Refused,
    /// It is not to be asked again before so many seconds are over.
    ComeBackLater {
        /// Seconds to wait.
        after_s: u32,
    },
    /// The answer says neither.
    Unclear,
}

/// `GET {endpoint}/-/whoami`, still without the token.
pub fn whoami_request(endpoint: &EndpointUrl) -> HttpRequest {
    let headers = [("accept", "application/json"), ("user-agent", USER_AGENT)];
    HttpRequest::new(Method::Get, endpoint.join("-/whoami"), &headers, Vec::new())
}

/// Reads the answer to [`whoami_request`]. Some servers answer a bad token with 200 and an object without a name.
pub fn read_whoami(answer: &HttpAnswer) -> TokenReading {
    match answer.status {
        200 => match serde_json::from_slice::<Value>(&answer.body) {
            Ok(Value::Object(fields)) => match fields.get("username").and_then(Value::as_str) {
                Some(name) if !name.is_empty() => TokenReading::Known,
                _ => TokenReading::Refused,
            },
            _ => TokenReading::Unclear,
        },
        401 | 403 => TokenReading::Refused,
        _ => match Reading::<()>::from_status(answer) {
            Some(Reading::Unreadable { why: Unreadable::ComeBackLater { after_s } }) => {
                TokenReading::ComeBackLater { after_s }
            }
            _ => TokenReading::Unclear,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(status: u16, body: &str) -> TokenReading {
        read_whoami(&HttpAnswer { status, headers: Vec::new(), body: body.as_bytes().to_vec() })
    }

    #[test]
    fn should_ask_the_registry_who_it_is() {
        let endpoint = EndpointUrl::check("upload_url", "https://npm.registry.example/").expect("good URL");
        assert_eq!(whoami_request(&endpoint).url, "https://npm.registry.example/-/whoami");
    }

    #[test]
    fn should_tell_a_working_token_from_a_refused_one_and_neither_from_noise() {
        assert_eq!(reading(200, r#"{"username":"ada"}"#), TokenReading::Known);
        for (status, body) in [(401, "{}"), (403, "no"), (200, "{}"), (200, r#"{"username":""}"#)] {
            assert_eq!(reading(status, body), TokenReading::Refused, "{status} {body}");
        }
        for (status, body) in [(200, "<html>"), (404, "{}"), (429, ""), (500, ""), (302, "")] {
            assert_eq!(reading(status, body), TokenReading::Unclear, "{status} {body}");
        }
    }

    #[test]
    fn should_let_no_name_through() {
        let reduced = serde_json::to_string(&reading(200, r#"{"username":"ada"}"#)).expect("encodes");
        assert_eq!(reduced, r#""known""#);
    }
}
