//! The notices that npm registries put beside their answers.

use release_types::Notice;

use crate::http::HttpAnswer;

/// The notice beside an answer, if there is one.
pub fn notice(answer: &HttpAnswer) -> Option<Notice> {
    let text = answer.header("npm-notice")?.to_lowercase();
    let is_about_tokens = text.contains("token")
        && ["bypass", "restrict", "removed", "expire"].iter().any(|word| text.contains(word));
    Some(if is_about_tokens {
        Notice::TokenRestricted
    } else if text.contains("security") {
        Notice::Security
    } else {
        Notice::Other
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<Notice> {
        let headers = vec![("NPM-Notice".to_owned(), text.to_owned())];
        notice(&HttpAnswer { status: 200, headers, body: Vec::new() })
    }

    #[test]
    fn should_tell_notices_apart_and_keep_none_of_their_text() {
        assert_eq!(shown("npm tokens that bypass 2FA are being restricted"), Some(Notice::TokenRestricted));
        assert_eq!(shown("SECURITY NOTICE: see your account's settings"), Some(Notice::Security));
        assert_eq!(shown("Provide a one-time password from your authenticator app."), Some(Notice::Other));
        assert_eq!(notice(&HttpAnswer { status: 200, headers: Vec::new(), body: Vec::new() }), None);
    }
}
