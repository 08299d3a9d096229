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
    forced: Arc<Mutex<Option<Force>>>,
    url: String,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// A forced answer to writes.
#[derive(Clone)]
struct Force {
    answer: Answer,
    /// Whether the double processes the request all the same before this answer is sent.
    processed: bool,
    times: usize,
}

/// Requests served at the same time: as many as nodes send in a replicated call.
const THREADS: usize = 4;

impl<D: RegistryDouble> RegistryServer<D> {
    pub fn start(double: D) -> Self {
        let server = Arc::new(tiny_http::Server::http("127.0.0.1:0").expect("a free loopback port"));
        let url = format!("http://{}", server.server_addr());
        let double = Arc::new(Mutex::new(double));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let forced = Arc::new(Mutex::new(None::<Force>));
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
                        let answer = serve(&double, &forced, &request);
                        seen.lock().expect("no panic while held").push(request);
                        let mut response =
                            tiny_http::Response::from_data(answer.body).with_status_code(answer.status);
                        for (name, value) in answer.headers {
                            if let Ok(header) = tiny_http::Header::from_bytes(name, value) {
                                response.add_header(header);
                            }
                        }
                        let _ = http.respond(response);
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
        *self.forced.lock().expect("no panic while held") = Some(Force { answer, processed: false, times });
    }

    /// Stores what the next `times` writes bring, and answers so.
    pub fn answer_writes_after_storing(&self, answer: Answer, times: usize) {
        *self.forced.lock().expect("no panic while held") = Some(Force { answer, processed: true, times });
    }
}

fn serve<D: RegistryDouble>(
    double: &Mutex<D>,
    forced: &Mutex<Option<Force>>,
    request: &SeenRequest,
) -> Answer {
    let mut double = double.lock().expect("no panic while held");
    if double.is_write(request) {
        let mut forced = forced.lock().expect("no panic while held");
        if let Some(force) = forced.as_mut().filter(|force| force.times > 0) {
            force.times -= 1;
            if force.processed {
                double.answer(request);
            }
            return force.answer.clone();
        }
    }
    double.answer(request)
}

impl<D> Drop for RegistryServer<D> {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
