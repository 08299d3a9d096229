//! `countersign network`: the local network started in the background, found again and stopped.

use e2e_tests::countersign_command::Countersign;

/// Stops the network even if the test fails.
struct Stopped<'a>(&'a Countersign);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        self.0.run(None, &["network", "stop"], "");
    }
}

#[test]
fn should_run_in_the_background_until_it_is_stopped() {
    let directory = tempfile::tempdir().expect("a directory");
    let countersign = Countersign::new(directory.path(), None);
    let _stopped = Stopped(&countersign);
    let status = |expected: i32| {
        let (code, object) = countersign.run_json(None, &["network", "status"], "");
        assert_eq!(code, expected, "{object:#}");
        object
    };
    assert_eq!(status(1)["status"], "not started");
    let started = countersign.json(None, &["network", "start", "--port", "0"]);
    assert_eq!(status(0)["network"], started["network"]);
    let url = started["network"]["url"].as_str().expect("a URL");
    assert_eq!(ureq::get(&format!("{url}/api/v2/status")).call().expect("serves").status(), 200);

    let (code, refused) = countersign.run_json(None, &["network", "start", "--port", "0"], "");
    assert_eq!(code, 1, "one runs already: {refused:#}");
    assert_eq!(status(0)["network"], started["network"], "and it still runs");

    countersign.json(None, &["network", "stop"]);
    assert_eq!(status(1)["status"], "not started");
    assert!(ureq::get(&format!("{url}/api/v2/status")).call().is_err(), "it serves no more");
    let (code, _) = countersign.run_json(None, &["network", "stop"], "");
    assert_eq!(code, 1, "there is none to stop");
}
