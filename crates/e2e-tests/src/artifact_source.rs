//! An artifact source that is not ours: it serves what it was told to, be that chunks, nonsense or nothing.

use candid::{CandidType, Encode, Principal};
use release_types::{CHUNK_BYTES, artifact::ArtifactChunk};

use crate::{World, people::controller};

/// `set` takes a position in one byte and an answer. `artifact_chunk` gives the answer of the position that its
/// argument ends with, or traps if there is none.
const MODULE: &str = r#"(module
  (import "ic0" "msg_arg_data_size" (func $arg_size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $arg_copy (param i32 i32 i32)))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_reply" (func $reply))
  (memory 160)
  ;; Answers lie 2 MiB apart from 2 MiB on, their sizes in the words from 64 on.
  (func $answer (param $position i32) (result i32)
    (i32.mul (i32.add (local.get $position) (i32.const 1)) (i32.const 2097152)))
  (func $size (param $position i32) (result i32)
    (i32.add (i32.const 64) (i32.mul (local.get $position) (i32.const 4))))
  (func (export "canister_update set") (local $position i32) (local $bytes i32)
    (local.set $bytes (i32.sub (call $arg_size) (i32.const 1)))
    (call $arg_copy (i32.const 0) (i32.const 0) (i32.const 1))
    (local.set $position (i32.load8_u (i32.const 0)))
    (call $arg_copy (call $answer (local.get $position)) (i32.const 1) (local.get $bytes))
    (i32.store (call $size (local.get $position)) (local.get $bytes))
    (call $reply))
  (func (export "canister_query artifact_chunk") (local $position i32)
    (call $arg_copy (i32.const 0) (i32.sub (call $arg_size) (i32.const 4)) (i32.const 4))
    (local.set $position (i32.load (i32.const 0)))
    (if (i32.eqz (i32.load (call $size (local.get $position)))) (then (unreachable)))
    (call $append (call $answer (local.get $position)) (i32.load (call $size (local.get $position))))
    (call $reply)))"#;

impl World {
    /// A source that traps whatever it is asked, until it is told what to answer.
    pub fn add_source(&mut self) -> Principal {
        let source = self.replica.create_canister(vec![controller()]);
        let module = wat::parse_str(MODULE).expect("valid text");
        self.replica.install(source, &module, Vec::new()).expect("the source installs");
        source
    }

    /// What a source answers when it is asked for the chunk at a position; nothing at all lets it trap.
    pub fn let_answer(&mut self, source: Principal, position: u8, answer: &[u8]) {
        let message = [&[position], answer].concat();
        self.replica.call(controller(), source, "set", message).expect("the source takes it");
    }

    /// Lets a source serve an artifact as it should.
    pub fn let_serve(&mut self, source: Principal, artifact: &[u8]) {
        for (position, bytes) in (0..).zip(artifact.chunks(CHUNK_BYTES as usize)) {
            self.let_answer(source, position, &chunk_answer(bytes));
        }
    }
}

/// The answer that serves a chunk.
pub fn chunk_answer(bytes: &[u8]) -> Vec<u8> {
    answer(&Ok::<_, String>(ArtifactChunk { bytes: bytes.to_vec() }))
}

/// An answer of any type.
pub fn answer(value: &impl CandidType) -> Vec<u8> {
    Encode!(value).expect("encodes")
}
