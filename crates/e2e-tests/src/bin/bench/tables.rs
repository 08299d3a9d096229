//! Figures as tables: for the terminal with the difference to the committed ones, and as BENCH.md.

use crate::{
    figures::{Canister, Figures, Measurement, change_percent},
    meter::NAMED_FROM_INSTRUCTIONS,
};

/// The terminal's table: every figure with its difference to the committed one.
pub fn terminal(found: &Figures, committed: Option<&Figures>) -> String {
    let before = committed.map(Figures::named).unwrap_or_default();
    let named = found.named();
    let width = named.iter().map(|(what, _)| what.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (what, value) in &named {
        if *value == 0 {
            continue;
        }
        let change = match before.iter().find(|(name, _)| name == what) {
            None => "new".to_owned(),
            Some((_, committed)) if committed == value => "=".to_owned(),
            Some((_, committed)) => format!("{:+.2} %", change_percent(*committed, *value)),
        };
        text.push_str(&format!("{what:width$}  {:>20}  {change:>10}\n", grouped(*value)));
    }
    text.push('\n');
    for bound in found.bounds() {
        let verdict = if bound.is_kept() { "kept" } else { "BROKEN" };
        let (what, unit) = (bound.what, bound.unit);
        text.push_str(&format!(
            "{verdict}: {what}: {} of at most {} {unit}\n",
            grouped(bound.found),
            grouped(bound.limit)
        ));
    }
    text
}

/// The whole of BENCH.md.
pub fn document(figures: &Figures) -> String {
    let Figures {
        members,
        past_proposals,
        wasm_bytes,
        decompressed_bytes,
        operations,
        release,
        modes,
        content,
    } = figures;
    let mut text = format!(
        "# What it costs\n\n\
         Made by `scripts/bench` from `bench/results.json`; do not edit. `scripts/bench --check` measures again and \
         fails when a bound is broken or a figure differs by more than 2 %.\n\n\
         The wasm that ships runs on the local replica, which counts instructions with the network's weights and \
         charges the network's prices of a subnet of 13 nodes with the key `key_1`. Instructions are sums over all \
         messages that an operation causes; of a transform, which every node runs, one run counts. Cycles are what \
         both balances lost, rounded to 10 million, because what an outcall gives back depends on the registry's \
         speed. Expect the real network within about 10 % of these figures. The group has {} members, and {} \
         proposals lie behind it: each was submitted, withdrawn, and its deadline has passed.\n\n\
         ## Bounds\n\n| what | bound | found | |\n|---|---:|---:|---|\n",
        grouped((*members).into()),
        grouped((*past_proposals).into())
    );
    for bound in figures.bounds() {
        text.push_str(&format!(
            "| {} | {} {} | {} | {} |\n",
            bound.what,
            grouped(bound.limit),
            bound.unit,
            grouped(bound.found),
            if bound.is_kept() { "kept" } else { "**broken**" }
        ));
    }
    text.push_str(&format!(
        "\nModules as they ship, compressed with gzip: DAO {} bytes, custody {} bytes; decompressed {} and {}.\n\n## Operations\n\n\
         Heap and stable memory are those afterwards; wasm memory never shrinks.\n\n{OPERATIONS_HEADER}",
        grouped(wasm_bytes.dao),
        grouped(wasm_bytes.custody),
        grouped(decompressed_bytes.dao),
        grouped(decompressed_bytes.custody)
    ));
    for operation in operations {
        text.push_str(&operation_row(operation));
    }
    for operation in operations.iter().filter(|operation| operation.messages.len() > LONG_MESSAGES) {
        text.push_str(&messages(operation));
    }
    text.push_str(
        "\n## Cycles of a whole release, step by step\n\n\
         A new group of five publishes its first npm package, a tarball of 1.4 MB. A trillion cycles cost one XDR.\n\n\
         | step | all | execution | vetKD | Schnorr | outcalls, ingress, calls |\n|---|---:|---:|---:|---:|---:|\n",
    );
    let mut total = crate::figures::CyclesSplit::default();
    for step in release {
        let cycles = step.cycles;
        text.push_str(&cycles_row(&step.name, cycles));
        total.total += cycles.total;
        total.execution += cycles.execution;
        total.vetkd += cycles.vetkd;
        total.schnorr += cycles.schnorr;
        total.outcalls_and_transmission += cycles.outcalls_and_transmission;
    }
    text.push_str(&cycles_row("**all**", total));
    text.push_str(&each_mode(modes));
    text.push_str(
        "\n## Content\n\n\
         Each registration and retrieval derives one vetKD key, 26,153,846,153 cycles of what is spent.\n\n\
         | operation | instructions | cycles |\n|---|---:|---:|\n",
    );
    for operation in content {
        let (instructions, cycles) = (grouped(operation.instructions), grouped(operation.cycles));
        text.push_str(&format!("| {} | {instructions} | {cycles} |\n", operation.name));
    }
    text
}

/// The section on every way to publish, and on what custody does besides.
fn each_mode(modes: &[Measurement]) -> String {
    let mut text = "\n## Each way to publish, watching and freezing\n\n\
         Each in a new group of five, from the adopted proposal on; tarballs and wheels of 1.4 MB where no other size \
         is named. Every opened token is one vetKD key, also where it only reads. A trillion cycles cost one XDR.\n\n\
         | step | instructions, DAO | custody | cycles | execution | vetKD | Schnorr | outcalls, ingress, calls |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|\n"
        .to_owned();
    for Measurement { name, instructions, cycles, .. } in modes {
        let split =
            [cycles.total, cycles.execution, cycles.vetkd, cycles.schnorr, cycles.outcalls_and_transmission];
        let cells = [instructions.dao, instructions.custody].into_iter().chain(split).map(grouped);
        text.push_str(&format!("| {name} | {} |\n", cells.collect::<Vec<_>>().join(" | ")));
    }
    for step in modes.iter().filter(|step| step.messages.len() > LONG_MESSAGES) {
        text.push_str(&messages(step));
    }
    text
}

const OPERATIONS_HEADER: &str = "| operation | instructions, DAO | custody | cycles | heap, DAO | custody | stable, DAO | custody |\n\
     |---|---:|---:|---:|---:|---:|---:|---:|\n";
/// Operations of more messages than this are shown by message.
const LONG_MESSAGES: usize = 2;

fn operation_row(operation: &Measurement) -> String {
    let Measurement { name, instructions, cycles, heap_bytes, stable_bytes, .. } = operation;
    format!(
        "| {name} | {} | {} | {} | {} | {} | {} | {} |\n",
        grouped(instructions.dao),
        grouped(instructions.custody),
        grouped(cycles.total),
        mebibytes(heap_bytes.dao),
        mebibytes(heap_bytes.custody),
        mebibytes(stable_bytes.dao),
        mebibytes(stable_bytes.custody),
    )
}

fn cycles_row(name: &str, cycles: crate::figures::CyclesSplit) -> String {
    format!(
        "| {name} | {} | {} | {} | {} | {} |\n",
        grouped(cycles.total),
        grouped(cycles.execution),
        grouped(cycles.vetkd),
        grouped(cycles.schnorr),
        grouped(cycles.outcalls_and_transmission),
    )
}

/// The messages of an operation that cost most, in their order.
fn messages(operation: &Measurement) -> String {
    let mut text = format!(
        "\n### {}\n\nMessages of {} instructions and more, in their order.\n\n\
         | canister | message | times | instructions |\n|---|---|---:|---:|\n",
        operation.name,
        grouped(NAMED_FROM_INSTRUCTIONS)
    );
    let mut rest = operation.instructions.sum();
    for message in &operation.messages {
        rest -= message.instructions;
        let canister = match message.canister {
            Canister::Dao => "DAO",
            Canister::Custody => "custody",
        };
        text.push_str(&format!(
            "| {canister} | {} | {} | {} |\n",
            message.message,
            message.count,
            grouped(message.instructions)
        ));
    }
    text.push_str(&format!("| | all others | | {} |\n", grouped(rest)));
    text
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| group.iter().map(|digit| char::from(*digit)).collect::<String>())
        .collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    #[test]
    fn should_group_digits_by_three() {
        assert_eq!(super::grouped(0), "0");
        assert_eq!(super::grouped(1_234_567), "1,234,567");
        assert_eq!(super::grouped(123_456), "123,456");
    }
}
