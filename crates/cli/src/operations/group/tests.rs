use super::*;

const ADA: &str = "rrkah-fqaaa-aaaaa-aaaaq-cai";
const BOB: &str = "ryjl3-tyaaa-aaaaa-aaaba-cai";

fn read(name: &str, text: &str) -> Outcome<Group> {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join(name);
    fs::write(&path, text).expect("written");
    Group::read(&path)
}

#[test]
fn should_read_the_same_group_from_toml_and_json() {
    let toml = format!(
        "voting_period = \"2h\"\nquorum_percent = 33.33\n[[members]]\nname = \"Ada\"\nprincipal = \"{ADA}\"\n\
         [[members]]\nname = \"Bob\"\nprincipal = \"{BOB}\"\nvoting_power = 3\n"
    );
    let json = format!(
        r#"{{"voting_period":"2h","quorum_percent":33.33,"members":[{{"name":"Ada","principal":"{ADA}"}},
        {{"name":"Bob","principal":"{BOB}","voting_power":3}}]}}"#
    );
    let (toml, json) = (read("g.toml", &toml).expect("TOML"), read("g.json", &json).expect("JSON"));
    assert_eq!(toml.members, json.members);
    assert_eq!(toml.members().expect("valid")[1].voting_power, 3);
    let policies = toml.policies().expect("valid");
    assert_eq!(policies.defects(&toml.members().expect("valid")), [], "what is recommended is valid");
    let rules = std::iter::once(&policies.default).chain(policies.kinds.iter().map(|own| &own.policy));
    for policy in rules {
        assert_eq!((policy.voting_period_ns, policy.quorum_bp), (7_200_000_000_000, 3_333));
        assert_eq!(policy.approval_bp, 5_000, "more than half, where nothing is said");
    }
}

#[test]
fn should_refuse_a_group_that_could_not_vote() {
    let group = |members: &[&str]| Group {
        members: members.iter().map(|text| parse_member(text).expect("well formed")).collect(),
        ..Group::default()
    };
    let refused = |members: &[&str]| group(members).members().expect_err("refused").message;
    assert!(refused(&[]).contains("found 0"));
    assert!(refused(&[&format!("Ada={ADA}:0")]).contains("voting power 0"));
    assert!(refused(&[&format!("Ada={ADA}"), &format!("Eve={ADA}")]).contains("twice"));
    assert!(refused(&["Nobody=2vxsx-fae"]).contains("anonymous"));
    assert!(group(&[&format!("Ada={ADA}"), &format!("Bob={BOB}:2")]).members().is_ok());
}

#[test]
fn should_refuse_a_misspelled_field_instead_of_ignoring_it() {
    let failure = read("g.toml", "quorum = 40").expect_err("unknown field");
    assert!(failure.message.contains("quorum"), "{failure}");
}

#[test]
fn should_refuse_shares_and_periods_out_of_range() {
    let group = Group { quorum_percent: Some(100.5), ..Group::default() };
    assert!(group.policies().expect_err("too much").message.contains("quorum"));
    let group = Group { voting_period: Some("soon".into()), ..Group::default() };
    assert!(group.policies().expect_err("no duration").message.contains("voting period"));
}

#[test]
fn should_take_members_and_proposers_from_flags() {
    let member = parse_member(&format!("Ada={ADA}:7")).expect("well formed");
    assert_eq!((member.name.as_str(), member.voting_power), ("Ada", 7));
    assert_eq!(parse_proposer(&format!("ci={BOB}")).expect("well formed").principal.to_text(), BOB);
    for wrong in ["Ada", "Ada=nobody", &format!("Ada={ADA}:many")] {
        assert!(parse_member(wrong).expect_err("malformed").to_string().contains("NAME=PRINCIPAL"));
    }
}
