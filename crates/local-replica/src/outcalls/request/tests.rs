use candid::Func;
use ic_management_canister_types::{TransformContext, TransformFunc};

use super::*;

fn caller() -> Principal {
    Principal::from_slice(&[0, 0, 0, 0, 0, 0, 0, 1, 1, 1])
}

fn get(url: &str) -> HttpRequestArgs {
    HttpRequestArgs { url: url.to_string(), ..Default::default() }
}

fn valid() -> HttpRequestArgs {
    get("https://registry.example/")
}

fn checked(args: &HttpRequestArgs) -> Result<Url, Reject> {
    let replication = if args.is_replicated == Some(false) { Replication::Single } else { Replication::Full };
    check(args, replication, caller())
}

fn refused(args: &HttpRequestArgs) -> (RejectCode, String) {
    let reject = checked(args).expect_err("refused");
    (reject.code, reject.message)
}

fn refused_by_canister(args: &HttpRequestArgs) -> String {
    let (code, message) = refused(args);
    assert_eq!(code, RejectCode::CanisterReject, "{message}");
    message
}

fn headers(count: usize, name_bytes: usize, value_bytes: usize) -> Vec<HttpHeader> {
    let header = HttpHeader { name: "n".repeat(name_bytes), value: "v".repeat(value_bytes) };
    vec![header; count]
}

#[test]
fn should_refuse_a_url_when_it_is_not_https() {
    for url in ["http://registry.example/", "ftp://registry.example/"] {
        let expected = (RejectCode::SysFatal, "Url need to specify https scheme".to_string());
        assert_eq!(refused(&get(url)), expected);
    }
    let (code, message) = refused(&get("registry.example"));
    assert_eq!(code, RejectCode::SysFatal);
    assert!(message.starts_with("Failed to parse URL: "), "{message}");
}

#[test]
fn should_refuse_a_url_when_it_is_too_long() {
    let longest = format!("https://registry.example/{}", "a".repeat(8_192 - 25));
    assert!(checked(&get(&longest)).is_ok());
    assert_eq!(refused_by_canister(&get(&format!("{longest}a"))), "url size 8193 exceeds 8192");
}

#[test]
fn should_allow_changing_methods_only_to_a_single_sender() {
    for (method, only_single) in [
        (HttpMethod::GET, false),
        (HttpMethod::HEAD, false),
        (HttpMethod::POST, false),
        (HttpMethod::PUT, true),
        (HttpMethod::DELETE, true),
        (HttpMethod::PATCH, true),
    ] {
        for is_replicated in [None, Some(true)] {
            let args = HttpRequestArgs { method, is_replicated, ..valid() };
            assert_eq!(checked(&args).is_err(), only_single, "{method:?}");
            if only_single {
                let message = "The requested HTTP method is only allowed for non-replicated requests.";
                assert_eq!(refused_by_canister(&args), message);
            }
        }
        let args = HttpRequestArgs { method, is_replicated: Some(false), ..valid() };
        assert!(checked(&args).is_ok(), "{method:?}");
    }
}

#[test]
fn should_refuse_headers_when_there_are_more_than_64() {
    let with = |count| HttpRequestArgs { headers: headers(count, 4, 4), ..valid() };
    assert!(checked(&with(64)).is_ok());
    assert_eq!(refused_by_canister(&with(65)), "number of all http headers 65 exceeds 64");
}

#[test]
fn should_refuse_headers_when_one_or_all_are_too_large() {
    let with = |headers| HttpRequestArgs { headers, ..valid() };
    assert!(checked(&with(headers(1, 8_192, 8_192))).is_ok());
    assert_eq!(
        refused_by_canister(&with(headers(1, 8_193, 1))),
        "number of bytes to represent some http header name 8193 exceeds 8192"
    );
    assert_eq!(
        refused_by_canister(&with(headers(1, 1, 8_193))),
        "number of bytes to represent some http header value 8193 exceeds 8192"
    );
    assert!(checked(&with(headers(48, 512, 512))).is_ok());
    assert_eq!(
        refused_by_canister(&with(headers(49, 512, 512))),
        "total number of bytes to represent all http header names and values 50176 exceeds 49152"
    );
}

#[test]
fn should_refuse_a_request_when_headers_and_body_exceed_two_million_bytes() {
    let with = |body_bytes| HttpRequestArgs {
        headers: headers(1, 4, 6),
        body: Some(vec![0; body_bytes]),
        method: HttpMethod::POST,
        ..valid()
    };
    assert!(checked(&with(1_999_990)).is_ok());
    assert_eq!(
        refused_by_canister(&with(1_999_991)),
        "total number of bytes to represent all http header names and values and http body 2000001 exceeds 2000000"
    );
}

#[test]
fn should_refuse_a_response_limit_when_it_exceeds_two_million_bytes() {
    let with = |limit| HttpRequestArgs { max_response_bytes: Some(limit), ..valid() };
    assert!(checked(&with(2_000_000)).is_ok());
    assert_eq!(
        refused_by_canister(&with(2_000_001)),
        "max_response_bytes expected to be in the range [0..2000000], got 2000001"
    );
}

#[test]
fn should_refuse_a_transform_when_it_is_another_canisters() {
    let with = |principal| HttpRequestArgs {
        transform: Some(TransformContext {
            function: TransformFunc(Func { principal, method: "shorten".to_string() }),
            context: vec![1, 2],
        }),
        ..valid()
    };
    assert!(checked(&with(caller())).is_ok());
    let other = Principal::from_slice(&[9]);
    assert_eq!(
        refused_by_canister(&with(other)),
        format!("transform principal id expected to be {}, got {other}", caller())
    );
    assert_eq!(priced_bytes(&with(caller())), 25 + 7 + 2);
}
