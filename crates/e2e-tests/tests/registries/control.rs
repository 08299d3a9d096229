//! The control interface of a double: `scripts/registries.d/doubles/control.py`.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};

/// Where a double is told what to do.
pub struct Control {
    url: String,
}

/// A request that would change the registry, as it arrived.
pub struct Write {
    /// The double's time, in seconds since 1970.
    pub at_s: u64,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Write {
    /// A header's value; empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }
}

impl Control {
    pub fn at(url: &str) -> Self {
        Self { url: url.into() }
    }

    /// Gives a command and returns what it is answered.
    ///
    /// # Panics
    /// When the double does not understand it.
    #[track_caller]
    pub fn tell(&self, command: &str, arguments: &Value) -> Value {
        match ureq::post(&format!("{}/{command}", self.url)).send_string(&arguments.to_string()) {
            Ok(answer) => {
                let text = answer.into_string().expect("text");
                serde_json::from_str(&text).expect("JSON")
            }
            Err(ureq::Error::Status(_, answer)) => {
                panic!("{command}: {}", answer.into_string().expect("text"))
            }
            Err(error) => panic!("{command}: the double does not answer: {error}"),
        }
    }

    /// Lets the registry answer the next write so. `processed` says whether it does what it was asked to first.
    pub fn answer_write(&self, status: u16, headers: &Value, body: &str, processed: bool) {
        let methods = ["PUT", "POST"];
        let answer = json!({"status": status, "headers": headers, "body": body, "processed": processed,
                            "methods": methods});
        self.tell("answer", &answer);
    }

    /// How many reads of a path, its query not counted, have arrived; every node sends its own.
    pub fn reads(&self, path: &str) -> usize {
        let seen = self.tell("requests", &json!({"methods": ["GET"]}));
        let targets =
            seen.as_array().expect("a list").iter().filter_map(|request| request["target"].as_str());
        targets.filter(|target| target.split('?').next() == Some(path)).count()
    }

    /// Every write so far, oldest first.
    pub fn writes(&self) -> Vec<Write> {
        let seen = self.tell("requests", &json!({"methods": ["PUT", "POST"]}));
        let text = |value: &Value| value.as_str().expect("a text").to_string();
        let write = |request: &Value| Write {
            at_s: request["at_s"].as_u64().expect("seconds"),
            headers: request["headers"]
                .as_array()
                .expect("pairs")
                .iter()
                .map(|pair| (text(&pair[0]), text(&pair[1])))
                .collect(),
            body: BASE64.decode(text(&request["body"])).expect("base64"),
        };
        seen.as_array().expect("a list").iter().map(write).collect()
    }
}
