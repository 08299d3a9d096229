use super::*;
use axum::http::StatusCode;
use axum::response::IntoResponse;

const REQUEST: RequestId = RequestId([7; 32]);

/// One canister with a private section, one request by `sender`, sent to that canister.
struct State;

impl ReadableState for State {
    fn submission(&self, request_id: &RequestId) -> Option<Submission> {
        (*request_id == REQUEST).then(|| Submission {
            sender: sender(),
            canister_id: canister(),
            effective_id: canister(),
        })
    }

    fn is_private_section(&self, asked: Principal, name: &str) -> bool {
        asked == canister() && name == "private"
    }

    fn is_controller(&self, _: Principal, principal: Principal) -> bool {
        principal == controller()
    }
}

fn sender() -> Principal {
    Principal::from_slice(&[1; 29])
}

fn controller() -> Principal {
    Principal::from_slice(&[2; 29])
}

fn canister() -> Principal {
    Principal::from_slice(&[3, 1, 1])
}

fn reader_at(destination: Destination) -> ReadRequest {
    ReadRequest { sender: sender(), targets: None, destination }
}

fn reader() -> ReadRequest {
    reader_at(Destination::Canister(canister()))
}

fn path(labels: &[&[u8]]) -> Path {
    labels.iter().map(|label| label.to_vec()).collect()
}

fn status_of(labels: &[&[u8]], reader: &ReadRequest) -> StatusCode {
    match check_paths(&[path(labels)], reader, &State) {
        Ok(()) => StatusCode::OK,
        Err(refusal) => refusal.into_response().status(),
    }
}

#[test]
fn should_let_anyone_read_what_concerns_the_subnet() {
    for labels in [
        &[&b"time"[..]][..],
        &[b"subnet"],
        &[b"subnet", b"id"],
        &[b"subnet", b"id", b"node"],
        &[b"subnet", b"id", b"node", b"n", b"public_key"],
    ] {
        assert_eq!(status_of(labels, &reader()), StatusCode::OK, "{labels:?}");
    }
}

#[test]
fn should_serve_ranges_and_metrics_at_the_subnet_only() {
    let id = canister();
    for labels in [&[&b"canister_ranges"[..], id.as_slice()][..], &[b"subnet", id.as_slice(), b"metrics"]] {
        assert_eq!(status_of(labels, &reader()), StatusCode::FORBIDDEN);
        assert_eq!(status_of(labels, &reader_at(Destination::Subnet(canister()))), StatusCode::OK);
    }
}

#[test]
fn should_show_a_request_status_only_to_its_sender_where_it_was_sent() {
    let labels: [&[u8]; 3] = [b"request_status", &REQUEST.0, b"reply"];
    assert_eq!(status_of(&labels, &reader()), StatusCode::OK);
    let stranger = ReadRequest { sender: controller(), ..reader() };
    assert_eq!(status_of(&labels, &stranger), StatusCode::FORBIDDEN);
    let elsewhere = reader_at(Destination::Canister(controller()));
    assert_eq!(status_of(&labels, &elsewhere), StatusCode::FORBIDDEN);
}

#[test]
fn should_show_a_request_status_only_to_delegations_for_its_canister() {
    let labels: [&[u8]; 2] = [b"request_status", &REQUEST.0];
    let with_target = |target| ReadRequest { targets: Some(BTreeSet::from([target])), ..reader() };
    assert_eq!(status_of(&labels, &with_target(canister())), StatusCode::OK);
    assert_eq!(status_of(&labels, &with_target(sender())), StatusCode::FORBIDDEN);
}

#[test]
fn should_let_anyone_ask_for_an_unknown_request() {
    let stranger = ReadRequest { sender: controller(), ..reader() };
    assert_eq!(status_of(&[b"request_status", &[8; 32]], &stranger), StatusCode::OK);
    assert_eq!(status_of(&[b"request_status", &[8; 31]], &stranger), StatusCode::BAD_REQUEST);
}

#[test]
fn should_refuse_the_status_of_two_requests_at_once() {
    let paths = [[8; 32], [9; 32]].map(|id: [u8; 32]| path(&[b"request_status", &id]));
    assert!(check_paths(&paths[..1], &reader(), &State).is_ok());
    assert!(check_paths(&paths, &reader(), &State).is_err());
}

#[test]
fn should_show_private_metadata_to_controllers_only() {
    let id = canister();
    let of = |name: &'static [u8]| [b"canister", id.as_slice(), b"metadata", name];
    assert_eq!(status_of(&of(b"public"), &reader()), StatusCode::OK);
    assert_eq!(status_of(&of(b"private"), &reader()), StatusCode::FORBIDDEN);
    assert_eq!(status_of(&of(b"\xff"), &reader()), StatusCode::BAD_REQUEST);
    let owner = ReadRequest { sender: controller(), ..reader() };
    assert_eq!(status_of(&of(b"private"), &owner), StatusCode::OK);
}

#[test]
fn should_tell_about_the_canister_in_the_path_only() {
    let (id, other) = (canister(), controller());
    assert_eq!(status_of(&[b"canister", id.as_slice(), b"module_hash"], &reader()), StatusCode::OK);
    assert_eq!(
        status_of(&[b"canister", other.as_slice(), b"module_hash"], &reader()),
        StatusCode::BAD_REQUEST
    );
}

#[test]
fn should_refuse_paths_that_are_not_for_users() {
    let id = canister();
    for labels in [
        &[][..],
        &[&b"canister"[..]],
        &[b"canister", id.as_slice()],
        &[b"canister", id.as_slice(), b"certified_data"],
        &[b"canister", id.as_slice(), b"metadata"],
        &[b"request_status"],
        &[b"time", b"below"],
    ] {
        assert_eq!(status_of(labels, &reader()), StatusCode::BAD_REQUEST, "{labels:?}");
    }
}

#[test]
fn should_refuse_too_many_paths_and_labels() {
    let many = vec![path(&[b"time"]); MAX_PATHS + 1];
    assert!(check_paths(&many[1..], &reader(), &State).is_ok());
    assert!(check_paths(&many, &reader(), &State).is_err());
    let labels = vec![&b"subnet"[..]; MAX_LABELS + 1];
    assert_eq!(status_of(&labels, &reader()), StatusCode::BAD_REQUEST);
}
