//! A loopback HTTP server that a registry double answers through, with answers a test can force.

use std::{
    io::Read,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

/// A request as the registry saw it.
#[derive(Clone, Debug)]
pub struct SeenRequest {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl SeenRequest {
    /// The value of a header, by its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// An answer to send.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), "application/json".into())],
            body: body.to_string().into_bytes(),
        }
    }

    pub fn bytes(status: u16, body: Vec<u8>) -> Self {
        Self { status, headers: vec![("content-type".into(), "application/octet-stream".into())], body }
    }

    pub fn text(status: u16, body: &str) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), "text/plain".into())],
            body: body.as_bytes().to_vec(),
        }
    }
}

/// What a registry double does with a request.
pub trait RegistryDouble: Send + 'static {
    /// Whether the request would change the registry.
    fn is_write(&self, request: &SeenRequest) -> bool;
    fn answer(&mut self, request: &SeenRequest) -> Answer;
}

/// A registry double being served.
pub struct RegistryServer<D> {
    double: Arc<Mutex<D>>,
    seen: Arc<Mutex<Vec<SeenRequest>>>,
    forced: Arc<Mutex<Vec<Misbehaviour>>>,
    url: String,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// Requests of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requests {
    Reads,
    Writes,
}

/// How an answer travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    AtOnce,
    /// After this long, in real time.
    After(Duration),
    /// Its body is followed by spaces that never end.
    Endless,
}

/// A misbehaviour of the registry. The latest for each kind of request counts.
#[derive(Clone, Debug)]
pub struct Misbehaviour {
    pub to: Requests,
    /// What to answer; the double's own answer if none.
    pub answer: Option<Answer>,
    /// Whether the double processes the request before this answer is sent.
    pub processed: bool,
    pub delivery: Delivery,
    /// How often; then all is well again.
    pub times: usize,
}

/// Requests served at the same time: as many as nodes send in a replicated call.
const THREADS: usize = 4;

impl<D: RegistryDouble> RegistryServer<D> {
    pub fn start(double: D) -> Self {
        let server = Arc::new(tiny_http::Server::http("127.0.0.1:0").expect("a free loopback port"));
        let url = format!("http://{}", server.server_addr());
        let double = Arc::new(Mutex::new(double));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let forced = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let threads = (0..THREADS)
            .map(|_| {
                let (server, double, seen, forced, stop) =
                    (server.clone(), double.clone(), seen.clone(), forced.clone(), stop.clone());
                std::thread::spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        let Ok(Some(mut http)) = server.recv_timeout(Duration::from_millis(20)) else {
                            continue;
                        };
                        let mut body = Vec::new();
                        let _ = http.as_reader().take(4_000_000).read_to_end(&mut body);
                        let request = SeenRequest {
                            method: http.method().to_string(),
                            path: http.url().to_owned(),
                            headers: http
                                .headers()
                                .iter()
                                .map(|h| (h.field.to_string(), h.value.to_string()))
                                .collect(),
                            body,
                        };
                        let (answer, delivery) = serve(&double, &forced, &request);
                        seen.lock().expect("no panic while held").push(request);
                        deliver(http, answer, delivery);
                    }
                })
            })
            .collect();
        Self { double, seen, forced, url, stop, threads }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Looks into, or changes, the double's content.
    pub fn with<R>(&self, f: impl FnOnce(&mut D) -> R) -> R {
        f(&mut self.double.lock().expect("no panic while held"))
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<SeenRequest> {
        self.seen.lock().expect("no panic while held").clone()
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        self.seen.lock().expect("no panic while held").clear();
    }

    /// The requests so far that would change the registry.
    pub fn writes(&self) -> Vec<SeenRequest> {
        let double = self.double.lock().expect("no panic while held");
        self.seen
            .lock()
            .expect("no panic while held")
            .iter()
            .filter(|r| double.is_write(r))
            .cloned()
            .collect()
    }

    /// Answers the next `times` writes so, without storing anything.
    pub fn refuse_writes(&self, answer: Answer, times: usize) {
        self.misbehave(Misbehaviour {
            to: Requests::Writes,
            answer: Some(answer),
            processed: false,
            delivery: Delivery::AtOnce,
            times,
        });
    }

    /// Lets the registry misbehave.
    pub fn misbehave(&self, misbehaviour: Misbehaviour) {
        let mut forced = self.forced.lock().expect("no panic while held");
        forced.retain(|earlier| earlier.to != misbehaviour.to);
        forced.push(misbehaviour);
    }

    /// Lets the registry behave again.
    pub fn behave(&self) {
        self.forced.lock().expect("no panic while held").clear();
    }
}

fn serve<D: RegistryDouble>(
    double: &Mutex<D>,
    forced: &Mutex<Vec<Misbehaviour>>,
    request: &SeenRequest,
) -> (Answer, Delivery) {
    let mut double = double.lock().expect("no panic while held");
    let kind = if double.is_write(request) { Requests::Writes } else { Requests::Reads };
    let mut forced = forced.lock().expect("no panic while held");
    let Some(force) = forced.iter_mut().find(|force| force.to == kind && force.times > 0) else {
        return (double.answer(request), Delivery::AtOnce);
    };
    force.times -= 1;
    let own = (force.processed || force.answer.is_none()).then(|| double.answer(request));
    let answer = force.answer.clone().or(own).expect("one of the two is there");
    (answer, force.delivery)
}

/// Sends an answer; a client that has gone is no concern of the registry.
fn deliver(http: tiny_http::Request, answer: Answer, delivery: Delivery) {
    if let Delivery::After(delay) = delivery {
        std::thread::sleep(delay);
    }
    let headers = answer
        .headers
        .into_iter()
        .filter_map(|(name, value)| tiny_http::Header::from_bytes(name, value).ok())
        .collect();
    let length = (delivery != Delivery::Endless).then_some(answer.body.len());
    let body: Box<dyn Read> = match delivery {
        Delivery::Endless => Box::new(std::io::Cursor::new(answer.body).chain(std::io::repeat(b' '))),
        _ => Box::new(std::io::Cursor::new(answer.body)),
    };
    let status = tiny_http::StatusCode(answer.status);
    let _ = http.respond(tiny_http::Response::new(status, headers, body, length, None));
}

impl<D> Drop for RegistryServer<D> {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
