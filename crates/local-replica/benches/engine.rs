//! Measures the execution engine and prints one line of JSON (`cargo bench -p local-replica --bench engine`):
//!
//! - `rollback_100mb_ms`: undoing a message that wrote to all of a 100 MB heap
//! - `commit_one_page_ms`: keeping a message that wrote one byte of the same heap
//! - `idle_canister_mib`: resident memory for each canister with a heap of 1.25 MiB in use and stable
//!   memory of 8.3 MiB of which one page is in use
//! - `compute_ratio`: time of code that only computes, divided by that in plain wasmtime
//! - `calls_ratio`: the same for code that mostly calls tiny functions

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use local_replica::canister::{Settings, SubnetFacts};
use local_replica::cycles::Prices;
use local_replica::execution::{Context, Environment, Function, Input, Instance, ModuleCache, StableMemory};
use local_replica::{Principal, Replica, ReplicaConfig};

const HEAP: &str = r#"(module
    (memory 1526)
    (func (export "canister_update write_all") (local $at i32)
      (loop $next
        (i32.store8 (local.get $at) (i32.const 1))
        (local.set $at (i32.add (local.get $at) (i32.const 4096)))
        (br_if $next (i32.lt_u (local.get $at) (i32.const 100007936)))))
    (func (export "canister_update write_one") (i32.store8 (i32.const 5000000) (i32.const 1))))"#;

const IDLE: &str = r#"(module
    (import "ic0" "stable64_grow" (func $grow (param i64) (result i64)))
    (import "ic0" "stable64_write" (func $write (param i64 i64 i64)))
    (memory 20)
    (func (export "canister_init")
      (memory.fill (i32.const 0) (i32.const 7) (i32.const 1310720))
      (drop (call $grow (i64.const 133)))
      (call $write (i64.const 0) (i64.const 0) (i64.const 4096))))"#;

/// SHA-256's round over a table in memory, over and over: arithmetic, loads, stores and branches.
const COMPUTE: &str = r#"(module
    (memory 16)
    (func (export "canister_update compute")
      (local $i i32) (local $a i32) (local $b i32) (local $c i32)
      (loop $next
        (local.set $c (local.get $b))
        (local.set $b (local.get $a))
        (local.set $a (i32.add
          (i32.add (local.get $i) (i32.load (i32.and (local.get $c) (i32.const 0xffffc))))
          (i32.add
            (i32.xor (i32.xor (i32.rotr (local.get $a) (i32.const 2)) (i32.rotr (local.get $a) (i32.const 13)))
              (i32.rotr (local.get $a) (i32.const 22)))
            (i32.xor (i32.and (local.get $a) (local.get $b))
              (i32.xor (i32.and (local.get $a) (local.get $c)) (i32.and (local.get $b) (local.get $c)))))))
        (if (i32.and (local.get $a) (i32.const 1))
          (then (i32.store (i32.and (local.get $a) (i32.const 0xffffc)) (local.get $b)))
          (else (local.set $b (i32.add (local.get $b) (i32.const 3)))))
        (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 30000000))))
      (i32.store (i32.const 0) (local.get $a))))"#;

/// Calls of a function that hardly does anything, where metering costs most.
const CALLS: &str = r#"(module
    (memory 1)
    (func $step (param $a i32) (param $b i32) (result i32)
      (i32.xor (i32.rotr (local.get $a) (i32.const 7)) (local.get $b)))
    (func (export "canister_update compute") (local $i i32) (local $a i32)
      (loop $next
        (local.set $a (call $step (local.get $a) (local.get $i)))
        (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 60000000))))
      (i32.store (i32.const 0) (local.get $a))))"#;

fn main() -> Result<()> {
    let (rollback, commit) = heap_times()?;
    let figures = serde_json::json!({
        "rollback_100mb_ms": milliseconds(rollback),
        "commit_one_page_ms": milliseconds(commit),
        "idle_canister_mib": idle_canister_mib()?,
        "compute_ratio": ratio_to_plain(COMPUTE)?,
        "calls_ratio": ratio_to_plain(CALLS)?,
    });
    println!("{figures}");
    Ok(())
}

fn heap_times() -> Result<(Duration, Duration)> {
    let mut canister = Canister::new(HEAP)?;
    canister.run("canister_update write_all")?;
    canister.instance.commit();
    let mut rollback = || {
        canister.run("canister_update write_all")?;
        let start = Instant::now();
        canister.instance.rollback();
        anyhow::Ok(start.elapsed())
    };
    let rollback = median([rollback()?, rollback()?, rollback()?, rollback()?, rollback()?]);
    let mut commit = || {
        canister.run("canister_update write_one")?;
        let start = Instant::now();
        canister.instance.commit();
        anyhow::Ok(start.elapsed())
    };
    Ok((rollback, median([commit()?, commit()?, commit()?, commit()?, commit()?])))
}

fn idle_canister_mib() -> Result<f64> {
    const CANISTERS: u32 = 50;
    let mut replica = Replica::new(ReplicaConfig::default())?;
    let wasm = wat::parse_str(IDLE)?;
    let mut install = || {
        let id = replica.create_canister(vec![Principal::anonymous()]);
        replica.install(id, &wasm, Vec::new()).map_err(|reject| anyhow::anyhow!("{reject:?}"))
    };
    install()?;
    let before = resident_kib()?;
    for _ in 0..CANISTERS {
        install()?;
    }
    Ok((resident_kib()? - before) / 1024.0 / f64::from(CANISTERS))
}

/// Mapped memory files included.
fn resident_kib() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("the kernel tells it")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

fn ratio_to_plain(wat: &str) -> Result<f64> {
    let mut metered = Canister::new(wat)?;
    let mut plain = Plain::new(wat).map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let mut ratios = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        metered.run("canister_update compute")?;
        let metered = start.elapsed();
        let start = Instant::now();
        plain.run("canister_update compute").map_err(|error| anyhow::anyhow!("{error:?}"))?;
        ratios.push(metered.as_secs_f64() / start.elapsed().as_secs_f64());
    }
    ratios.sort_by(f64::total_cmp);
    Ok(ratios[ratios.len() / 2])
}

/// A module in plain wasmtime: no metering, no host functions, memory of its own.
struct Plain {
    store: wasmtime::Store<()>,
    instance: wasmtime::Instance,
}

impl Plain {
    fn new(wat: &str) -> wasmtime::Result<Self> {
        let mut config = wasmtime::Config::new();
        config.cranelift_nan_canonicalization(true);
        let engine = wasmtime::Engine::new(&config)?;
        let wasm = wat::parse_str(wat).expect("the text is a valid module");
        let module = wasmtime::Module::new(&engine, wasm)?;
        let mut store = wasmtime::Store::new(&engine, ());
        let instance = wasmtime::Instance::new(&mut store, &module, &[])?;
        Ok(Self { store, instance })
    }

    fn run(&mut self, function: &str) -> wasmtime::Result<()> {
        let function = self.instance.get_typed_func::<(), ()>(&mut self.store, function)?;
        function.call(&mut self.store, ())
    }
}

struct Canister {
    instance: Instance,
    environment: Arc<Environment>,
}

impl Canister {
    fn new(wat: &str) -> Result<Self> {
        let module = ModuleCache::default().compile(&wat::parse_str(wat)?)?;
        let instance =
            Instance::new(module, StableMemory::default()).map_err(|(trap, _)| anyhow::Error::new(trap))?;
        let id = Principal::management_canister();
        let subnet = SubnetFacts { id, root_key_der: Arc::new([]), prices: Prices::new(13) };
        let canister = local_replica::canister::Canister::new(id, Settings::new(vec![id]), 0, 0);
        Ok(Self { instance, environment: Arc::new(canister.environment(&subnet, 0)) })
    }

    fn run(&mut self, function: &str) -> Result<()> {
        const LIMIT: u64 = 1 << 40;
        let input = Input::new(Context::Update, Principal::anonymous(), LIMIT);
        self.instance.run(Function::Export(function), self.environment.clone(), input).result?;
        Ok(())
    }
}

fn median<const N: usize>(mut times: [Duration; N]) -> Duration {
    times.sort();
    times[N / 2]
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
