//! Narrowing against the recorded vectors, and what is no macaroon.

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Vector {
    name: String,
    token: String,
    attenuated_with: Vec<String>,
    attenuated_token: String,
    raw_hex: String,
}

/// Made and verified with pymacaroons.
fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("vectors.json")).expect("JSON")
}

fn vector(name: &str) -> Vector {
    vectors().into_iter().find(|vector| vector.name == name).expect("a vector of that name")
}

fn token(text: &str) -> SecretToken {
    SecretToken::new(text.as_bytes().to_vec()).expect("printable")
}

fn text(token: &SecretToken) -> &str {
    std::str::from_utf8(token.expose()).expect("ASCII")
}

#[test]
fn should_append_caveats_byte_for_byte_as_the_reference_does() {
    for vector in vectors() {
        let caveats: Vec<_> = vector.attenuated_with.iter().map(String::as_str).collect();
        let narrowed =
            Macaroon::parse(&token(&vector.token)).expect("parses").append(&caveats).expect("fits");
        assert_eq!(text(&narrowed), vector.attenuated_token, "{}", vector.name);
        let bytes = Macaroon::parse(&narrowed).expect("parses").bytes;
        assert_eq!(hex::encode(&*bytes), vector.raw_hex, "{}", vector.name);
    }
}

#[test]
fn should_narrow_to_one_project_and_period_in_the_order_of_the_reference() {
    let vector = vector("user-scoped + narrowed to ProjectName + Expiration");
    let narrowed = narrow(&token(&vector.token), "DAO_demo", 1_800_000_000, 1_800_000_900).expect("narrows");
    assert_eq!(text(&narrowed), vector.attenuated_token);
}

#[test]
fn should_allow_several_projects_and_stay_narrowable_to_one() {
    let several = narrow_to_any(&token(&vectors()[0].token), &["Demo", "other_one"], 1, 9).expect("narrows");
    let projects = |token: &SecretToken| restrictions(token).expect("a macaroon").projects;
    assert_eq!(projects(&several), Some(vec!["demo".to_owned(), "other-one".to_owned()]));
    let one = narrow(&several, "other-one", 2, 3).expect("narrows");
    assert_eq!(projects(&one), Some(vec!["other-one".to_owned()]));
}

#[test]
fn should_narrow_to_no_time_that_is_empty_or_ends_never() {
    let token = token(&vectors()[0].token);
    let narrowed = |from_s, until_s| narrow_to_any(&token, &["Demo"], from_s, until_s);
    assert!(matches!(narrowed(1, 1), Err(MacaroonError::EmptyPeriod { .. })));
    assert!(narrowed(u64::MAX, u64::MAX).is_err(), "beyond the end of time");
}

#[test]
fn should_read_what_the_caveats_allow() {
    let vector = vector("user-scoped + narrowed to ProjectName + Expiration");
    assert_eq!(restrictions(&token(&vector.token)), Ok(Restrictions::default()));
    let narrowed = token(&vector.attenuated_token);
    let expected = Restrictions {
        expires_s: Some(1_800_000_900),
        not_before_s: Some(1_800_000_000),
        projects: Some(vec!["dao-demo".to_owned()]),
    };
    assert_eq!(restrictions(&narrowed), Ok(expected));
    let further = narrow(&narrowed, "other", 1_800_000_100, 1_900_000_000).expect("narrows");
    let expected = Restrictions {
        expires_s: Some(1_800_000_900),
        not_before_s: Some(1_800_000_100),
        projects: Some(Vec::new()),
    };
    assert_eq!(restrictions(&further), Ok(expected));
}

#[test]
fn should_read_caveats_written_with_spaces_and_pass_over_unknown_ones() {
    let vector = vector("user-scoped");
    let spaced = Macaroon::parse(&token(&vector.token))
        .and_then(|macaroon| macaroon.append(&["[0, 1800000900, 1800000000]", "[]", "{}", "?"]))
        .expect("narrows");
    assert_eq!(restrictions(&spaced).expect("parses").expires_s, Some(1_800_000_900));
}

#[test]
fn should_write_long_caveats_with_two_bytes_of_length() {
    let vector = vector("user-scoped");
    let project = "p".repeat(99);
    let narrowed = narrow(&token(&vector.token), &project, 1, 2)
        .and_then(|once| narrow(&once, &project, 1, 2))
        .expect("narrows");
    let caveat = format!("[7,\"{}\"]", "x".repeat(200));
    let long = Macaroon::parse(&token(&vector.token)).and_then(|m| m.append(&[&caveat])).expect("fits");
    let parsed = Macaroon::parse(&long).expect("parses");
    assert_eq!(parsed.caveats().last(), Some(caveat.as_bytes()));
    assert_eq!(Macaroon::parse(&narrowed).expect("parses").caveats.len(), 5);
}

#[test]
fn should_refuse_every_truncation_and_never_show_the_token() {
    let vector = vector("project-scoped as issued");
    for length in PREFIX.len()..vector.token.len() {
        let cut = token(&vector.token[..length]);
        let error = narrow(&cut, "demo", 1, 2).expect_err("is cut off").to_string();
        assert!(!error.contains("AgEM"), "{error}");
    }
}

#[test]
fn should_refuse_what_is_no_macaroon() {
    let encode = |bytes: &[u8]| token(&format!("pypi-{}", BASE64.encode(bytes)));
    let mut good = hex::decode(vector("user-scoped").raw_hex).expect("hex");
    good.push(0);
    let overlong = [&[VERSION, IDENTIFIER, 0xff, 0xff, 0xff, 0x7f][..], &[0; 40]].concat();
    let third_party = [
        &[VERSION, IDENTIFIER, 1, 65, END, LOCATION, 1, 65, IDENTIFIER, 1, 65, 4, 1, 65, END, END][..],
        &[SIGNATURE, 32],
        &[0; 32],
    ]
    .concat();
    for bytes in [&good[..], &[], &[1], &overlong, &third_party] {
        assert_eq!(restrictions(&encode(bytes)), Err(MacaroonError::Malformed));
    }
    assert_eq!(restrictions(&token("npm_abc")), Err(MacaroonError::NoPrefix));
    assert_eq!(restrictions(&token("pypi-a*b")), Err(MacaroonError::NotBase64));
}

#[test]
fn should_refuse_a_project_or_period_that_allows_nothing() {
    let token = token(&vector("user-scoped").token);
    assert!(matches!(narrow(&token, "a\"]]", 1, 2), Err(MacaroonError::InvalidProject(_))));
    let error = narrow(&token, "a", 2, 2).expect_err("no time at all");
    assert_eq!(error, MacaroonError::EmptyPeriod { not_before_s: 2, expires_s: 2 });
}
