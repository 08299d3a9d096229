//! Who may call what: every method of the content canister by every kind of caller.

use std::collections::BTreeSet;

use MethodKind::{Query, Update};
use audit_log::icrc3::{GetArchivesArgs, GetBlocksArgs};
use candid::{Decode, Encode, Principal, Reserved};
use content_types::{BeginUploadArgs, ContentError, CurveName, Format, Grant, ItemView};
use e2e_tests::{
    content_world::{ContentWorld, HttpResponse, Owner, administrator, request},
    exports::{MethodKind, methods},
    forwarder,
    people::{controller, stranger},
};
use local_replica::{CallResult, QueryMessage};
use serde_bytes::ByteBuf;

/// A kind of caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Caller {
    Anonymous,
    Stranger,
    Administrator,
    Controller,
    /// Whose item the calls are about.
    Owner,
    /// Another owner, with whom nothing is shared.
    OtherOwner,
    OtherCanister,
}

use Caller::{Administrator, Anonymous, Controller, OtherCanister, OtherOwner, Stranger};

const ALL: &[Caller] =
    &[Anonymous, Stranger, Administrator, Controller, Caller::Owner, OtherOwner, OtherCanister];
const PEOPLE: &[Caller] = &[Anonymous, Stranger, Administrator, Controller, Caller::Owner, OtherOwner];
const OWNERS: &[Caller] = &[Caller::Owner, OtherOwner];
const ITS_OWNER: &[Caller] = &[Caller::Owner];
const ADMINISTRATORS: &[Caller] = &[Administrator];

/// One method: its kind, who may call it, and arguments with which it succeeds.
struct Row(MethodKind, &'static str, &'static [Caller], fn(&Setting) -> Vec<u8>);

struct Setting {
    world: ContentWorld,
    forwarder: Principal,
    alice: Owner,
    bob: Owner,
    item: u64,
    begun: u64,
}

impl Setting {
    fn new() -> Self {
        let (mut world, [alice, bob]) = ContentWorld::with_owners(["alice", "bob"]);
        let envelope = world.age_for(&alice, CurveName::X25519, b"content");
        let item = world.upload(&alice, Format::Age, &envelope).expect("stored");
        let forwarder = world.replica.create_canister(vec![controller()]);
        world.replica.install(forwarder, &forwarder::forwarder_wasm(), Vec::new()).expect("installs");
        let begun: Result<ItemView, ContentError> =
            world.update(alice.principal(), "begin_upload", (announced(),)).expect("answers");
        let begun = begun.expect("announced").item;
        Self { world, forwarder, alice, bob, item, begun }
    }

    fn call(&mut self, caller: Caller, Row(kind, method, _, arg): &Row) -> CallResult {
        let arg = arg(self);
        let sender = match caller {
            Anonymous => Principal::anonymous(),
            Stranger => stranger(),
            Administrator => administrator(),
            Controller => controller(),
            Caller::Owner => self.alice.principal(),
            OtherOwner => self.bob.principal(),
            OtherCanister => {
                let (from, to) = (self.forwarder, self.world.content);
                return forwarder::forward(&mut self.world.replica, from, to, method, &arg);
            }
        };
        match kind {
            Update => self.world.replica.call(sender, self.world.content, method, arg),
            Query | MethodKind::CompositeQuery => self.world.replica.query(QueryMessage {
                sender,
                canister_id: self.world.content,
                method_name: (*method).into(),
                arg,
            }),
        }
    }
}

fn announced() -> BeginUploadArgs {
    BeginUploadArgs { title: "another".into(), format: Format::Jwe, size_bytes: 5 }
}

fn rows() -> Vec<Row> {
    let carol = |_: &Setting| Encode!(&Owner::new("carol").registration()).expect("encodes");
    let nothing = |_: &Setting| Encode!().expect("encodes");
    vec![
        Row(Update, "register_owner", ADMINISTRATORS, carol),
        Row(Query, "owners", ADMINISTRATORS, nothing),
        Row(Query, "whoami", OWNERS, nothing),
        Row(Query, "recipient_keys", ALL, |setting| Encode!(&setting.alice.name).expect("encodes")),
        Row(Update, "begin_upload", OWNERS, |_| Encode!(&announced()).expect("encodes")),
        Row(Update, "put_chunk", ITS_OWNER, |setting| {
            Encode!(&setting.begun, &0_u32, &ByteBuf::from(b"wrong")).expect("encodes")
        }),
        Row(Query, "list_content", OWNERS, |_| Encode!(&0_u64).expect("encodes")),
        Row(Update, "retrieve", ITS_OWNER, |setting| {
            Encode!(&setting.item, &setting.alice.retrieval(None)).expect("encodes")
        }),
        Row(Update, "share_content", ITS_OWNER, |setting| {
            let grant = Grant { reader: setting.bob.name.clone(), until_ns: None, part: None };
            Encode!(&setting.begun, &grant).expect("encodes")
        }),
        Row(Update, "unshare_content", ITS_OWNER, |setting| {
            Encode!(&setting.begun, &setting.bob.name).expect("encodes")
        }),
        Row(Update, "delete_content", ITS_OWNER, |setting| Encode!(&setting.item).expect("encodes")),
        Row(Query, "http_request", ALL, |_| {
            Encode!(&request("GET", "/keys/alice.json", b"")).expect("encodes")
        }),
        // Nobody by who they are: the signature decides.
        Row(Update, "http_request_update", &[], |_| {
            Encode!(&request("GET", "/content", b"")).expect("encodes")
        }),
        Row(Query, "content_info", ALL, nothing),
        Row(Query, "state_digest", PEOPLE, nothing),
        Row(Query, "icrc3_get_blocks", ALL, |_| {
            let range = GetBlocksArgs { start: 0_u64.into(), length: 1_u64.into() };
            Encode!(&vec![range]).expect("encodes")
        }),
        Row(Query, "icrc3_get_archives", ALL, |_| Encode!(&GetArchivesArgs::default()).expect("encodes")),
        Row(Query, "icrc3_get_tip_certificate", ALL, nothing),
        Row(Query, "icrc3_supported_block_types", ALL, nothing),
    ]
}

/// Whether the caller was turned away for who it is: by the inspection, or by the method's own answer.
fn is_refused(answer: &CallResult) -> bool {
    match answer {
        Err(reject) => reject.error_code.as_deref() == Some("IC0406"),
        Ok(bytes) => match Decode!(bytes, Result<Reserved, ContentError>) {
            Ok(answer) => {
                matches!(answer, Err(ContentError::NotAllowed { .. } | ContentError::NoSuchItem { .. }))
            }
            // Not every method answers with a result.
            Err(_) => Decode!(bytes, HttpResponse).is_ok_and(|response| response.status_code == 401),
        },
    }
}

#[test]
fn should_have_exactly_one_row_for_every_exported_method() {
    let exported = methods("content_canister");
    let listed: BTreeSet<_> = rows().iter().map(|Row(kind, name, ..)| (*kind, (*name).to_owned())).collect();
    assert_eq!(listed.len(), rows().len(), "each method once");
    assert_eq!(exported, listed);
}

#[test]
fn should_let_every_caller_do_what_the_table_says_and_change_nothing_otherwise() {
    for &caller in ALL {
        let mut setting = Setting::new();
        let (allowed, refused): (Vec<_>, Vec<_>) =
            rows().into_iter().partition(|row| row.2.contains(&caller));
        let content = setting.world.content;
        let before = setting.world.replica.stable_memory(content).to_vec();
        for row in &refused {
            let answer = setting.call(caller, row);
            assert!(is_refused(&answer), "{caller:?}: {}: {answer:?}", row.1);
            assert!(setting.world.replica.stable_memory(content) == before, "{caller:?}: {} changed", row.1);
        }
        for row in &allowed {
            let answer = setting.call(caller, row);
            assert!(answer.is_ok() && !is_refused(&answer), "{caller:?}: {}: {answer:?}", row.1);
        }
    }
}
