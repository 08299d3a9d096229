//! A tap on the wire between the network and the Python index: requests pass unchanged, uploads leave their
//! `authorization` header behind. Only what custody really sent shows how it narrowed the token.

use std::{
    io::Read as _,
    sync::{Arc, Mutex},
};

use tiny_http::{Header, Method, Request, Response, Server};

/// Requests handled at once: the nodes of the replica read back together.
const THREADS: usize = 4;

/// A proxy in front of one server.
pub struct Tap {
    pub url: String,
    uploads: Arc<Mutex<Vec<String>>>,
}

impl Tap {
    /// Passes everything on to the server at `base`, for instance `http://127.0.0.1:3141`, until the program ends.
    pub fn on(base: &str) -> Self {
        let server = Arc::new(Server::http("127.0.0.1:0").expect("a free port"));
        let url = format!("http://{}", server.server_addr().to_ip().expect("an address"));
        let uploads = Arc::new(Mutex::new(Vec::new()));
        for _ in 0..THREADS {
            let (server, uploads, base) = (server.clone(), uploads.clone(), base.to_string());
            std::thread::spawn(move || {
                while let Ok(request) = server.recv() {
                    pass_on(request, &base, &uploads);
                }
            });
        }
        Self { url, uploads }
    }

    /// The `authorization` header of each upload so far.
    pub fn authorizations(&self) -> Vec<String> {
        self.uploads.lock().expect("no panic while held").clone()
    }
}

fn pass_on(mut request: Request, base: &str, uploads: &Mutex<Vec<String>>) {
    let mut body = Vec::new();
    request.as_reader().read_to_end(&mut body).expect("a whole request");
    let agent = ureq::AgentBuilder::new().redirects(0).build();
    let mut onward = agent.request(request.method().as_str(), &format!("{base}{}", request.url()));
    for header in request.headers() {
        let (name, value) = (header.field.as_str().as_str(), header.value.as_str());
        if !is_of_connection(name) {
            onward = onward.set(name, value);
        }
        if name.eq_ignore_ascii_case("authorization") && *request.method() == Method::Post {
            uploads.lock().expect("no panic while held").push(value.to_string());
        }
    }
    let answer = match onward.send_bytes(&body) {
        Ok(answer) | Err(ureq::Error::Status(_, answer)) => answer,
        Err(error) => panic!("the index does not answer: {error}"),
    };
    let status = answer.status();
    let headers: Vec<Header> = answer
        .headers_names()
        .into_iter()
        .filter(|name| !is_of_connection(name))
        .filter_map(|name| Header::from_bytes(name.as_bytes(), answer.header(&name)?.as_bytes()).ok())
        .collect();
    let mut content = Vec::new();
    answer.into_reader().read_to_end(&mut content).expect("a whole answer");
    let length = content.len();
    // The caller may have gone away; that is its business.
    let _ = request.respond(Response::new(status.into(), headers, content.as_slice(), Some(length), None));
}

/// Headers of the connection, which each hop sets for itself.
fn is_of_connection(name: &str) -> bool {
    ["connection", "content-length", "transfer-encoding", "keep-alive"]
        .iter()
        .any(|header| header.eq_ignore_ascii_case(name))
}
