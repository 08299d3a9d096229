//! What each WebAssembly operator and each system call costs in instructions, as on the network.

use wasmtime::OperatorCost;

/// The network's operator weights. `memory.grow` weighs 300 there; the table holds at most 255.
pub fn operator_cost() -> OperatorCost {
    let mut cost = OperatorCost::new();
    for free in [&mut cost.Block, &mut cost.Loop, &mut cost.Else, &mut cost.End] {
        *free = 0;
    }
    for single in [&mut cost.Nop, &mut cost.Drop, &mut cost.Return, &mut cost.Unreachable, &mut cost.Select] {
        *single = 1;
    }
    for division in [
        &mut cost.I32DivS,
        &mut cost.I32DivU,
        &mut cost.I32RemS,
        &mut cost.I32RemU,
        &mut cost.I64DivS,
        &mut cost.I64DivU,
        &mut cost.I64RemS,
        &mut cost.I64RemU,
    ] {
        *division = 10;
    }
    for double in [
        &mut cost.GlobalGet,
        &mut cost.GlobalSet,
        &mut cost.If,
        &mut cost.Br,
        &mut cost.BrIf,
        &mut cost.BrTable,
        &mut cost.F64Add,
        &mut cost.F64Sub,
        &mut cost.F64Mul,
    ] {
        *double = 2;
    }
    for truncation in [
        &mut cost.I32TruncF32S,
        &mut cost.I32TruncF32U,
        &mut cost.I32TruncF64S,
        &mut cost.I32TruncF64U,
        &mut cost.I64TruncF32S,
        &mut cost.I64TruncF32U,
        &mut cost.I64TruncF64S,
        &mut cost.I64TruncF64U,
    ] {
        *truncation = 20;
    }
    for bulk in [&mut cost.MemoryCopy, &mut cost.MemoryFill, &mut cost.MemoryInit] {
        *bulk = 100;
    }
    cost.F32Div = 3;
    cost.F64Div = 5;
    cost.TableGet = 5;
    cost.TableSet = 5;
    cost.Call = 5;
    cost.CallIndirect = 10;
    cost.RefFunc = 130;
    cost.MemorySize = 20;
    cost.MemoryGrow = 255;
    cost
}

/// Fixed cost of a system call, in instructions, besides one per byte that it copies.
pub const fn system_call(name: &str) -> u64 {
    if same(name, "stable64_read")
        || same(name, "stable64_write")
        || same(name, "stable64_size")
        || same(name, "stable_read")
        || same(name, "stable_write")
        || same(name, "stable_size")
    {
        20
    } else if same(name, "debug_print") {
        100
    } else if same(name, "performance_counter") {
        200
    } else if same(name, "is_controller") {
        1_000
    } else if same(name, "call_new") {
        1_500
    } else if same(name, "call_perform") {
        5_000
    } else if same(name, "cost_http_request_v2") {
        10_000
    } else {
        500
    }
}

/// For each 4 KiB page of stable memory that a message writes first.
pub const DIRTY_STABLE_PAGE: u64 = 1_000;

/// Whether two strings are equal, at compile time.
pub const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}
