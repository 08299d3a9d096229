//! Prepares a module for the host: exposes its memory, table and mutable globals, and takes out the
//! start function and the data that fills the memory at first, so that an instance can be made anew
//! over a memory that is in use.

use std::ops::Range;

use wasm_encoder::{DataSection, ExportKind, ExportSection, Module, RawSection, SectionId};
use wasmparser::{
    ConstExpr, DataKind, DataSectionReader, ExternalKind, MemoryType, Operator, Parser, Payload, ValType,
};

/// Export name of the linear memory.
pub const MEMORY: &str = "ic:memory";
/// Export name of the table with the callback functions.
pub const TABLE: &str = "ic:table";
/// Export name of the start function.
pub const START: &str = "ic:start";
/// Prefix of the export names of mutable globals.
pub const GLOBAL_PREFIX: &str = "ic:global ";
const WASM_PAGE_BYTES: u64 = 64 * 1024;
/// Largest linear memory with 32-bit addresses: all that they reach.
pub const MAX_BYTES_32_BIT: usize = 4 * 1024 * 1024 * 1024;
/// Largest linear memory with 64-bit addresses.
const MAX_BYTES_64_BIT: usize = 6 * 1024 * 1024 * 1024;
/// Prefix of all names that belong to the host.
const HOST_PREFIX: &str = "ic:";

/// The linear memory that a module declares.
#[derive(Clone, Debug)]
pub struct MemoryPlan {
    pub minimum_bytes: u64,
    /// Whether addresses have 64 bits.
    pub is_64_bit: bool,
    /// Where it begins with other contents than zeros.
    pub data: Vec<(u64, Vec<u8>)>,
}

impl MemoryPlan {
    /// What the network lets it grow to.
    pub fn maximum_bytes(&self) -> usize {
        if self.is_64_bit { MAX_BYTES_64_BIT } else { MAX_BYTES_32_BIT }
    }
}

/// A module as the host runs it.
pub struct Instrumented {
    pub wasm: Vec<u8>,
    pub memory: Option<MemoryPlan>,
    /// Names of the exported functions.
    pub functions: Vec<String>,
    /// Export names of the mutable globals, in order.
    pub globals: Vec<String>,
    /// Custom sections: name and content.
    pub custom_sections: Vec<(String, Vec<u8>)>,
    pub has_start: bool,
    pub imports_data_certificate: bool,
}

/// Why the host cannot run a module.
#[derive(Debug, thiserror::Error)]
pub enum InstrumentError {
    #[error("not a WebAssembly module: {0}")]
    Malformed(#[from] wasmparser::BinaryReaderError),
    #[error("global {index} is a mutable reference; mutable globals hold numbers or vectors")]
    MutableReference { index: u32 },
    #[error("data segment {index}: its offset must be a single constant")]
    DataOffset { index: usize },
}

/// Everything that has to be known before sections are written.
#[derive(Default)]
struct Survey {
    memory: Option<MemoryType>,
    /// The initial contents of the memory.
    data: Vec<(u64, Vec<u8>)>,
    /// The data section without them.
    passive_data: DataSection,
    has_table: bool,
    mutable_globals: Vec<u32>,
    exports: Vec<(String, ExternalKind, u32)>,
    start: Option<u32>,
    custom_sections: Vec<(String, Vec<u8>)>,
    imports_data_certificate: bool,
    /// Id and payload range of each non-custom section, in order.
    sections: Vec<(u8, Range<usize>)>,
}

pub fn instrument(wasm: &[u8]) -> Result<Instrumented, InstrumentError> {
    let survey = survey(wasm)?;
    let exports = export_section(&survey);
    let mut module = Module::new();
    let mut exported = false;
    for (id, range) in &survey.sections {
        if comes_after_exports(*id) && !exported {
            module.section(&exports);
            exported = true;
        }
        if *id == SectionId::Data as u8 {
            module.section(&survey.passive_data);
        } else if *id != SectionId::Export as u8 && *id != SectionId::Start as u8 {
            module.section(&RawSection { id: *id, data: &wasm[range.clone()] });
        }
    }
    if !exported {
        module.section(&exports);
    }
    Ok(Instrumented {
        wasm: module.finish(),
        memory: survey.memory.map(|ty| MemoryPlan {
            minimum_bytes: ty.initial.saturating_mul(WASM_PAGE_BYTES),
            is_64_bit: ty.memory64,
            data: survey.data,
        }),
        functions: survey
            .exports
            .iter()
            .filter(|(_, kind, _)| *kind == ExternalKind::Func)
            .map(|(name, _, _)| name.clone())
            .collect(),
        globals: survey.mutable_globals.iter().map(global_name).collect(),
        custom_sections: survey.custom_sections,
        has_start: survey.start.is_some(),
        imports_data_certificate: survey.imports_data_certificate,
    })
}

fn survey(wasm: &[u8]) -> Result<Survey, InstrumentError> {
    let mut survey = Survey::default();
    let mut globals = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        if let Payload::CustomSection(section) = &payload {
            survey.custom_sections.push((section.name().to_owned(), section.data().to_vec()));
            continue;
        }
        if let Some((id, range)) = payload.as_section() {
            survey.sections.push((id, range));
        }
        match payload {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    survey.imports_data_certificate |= import?.name.starts_with("data_certificate_");
                }
            }
            Payload::MemorySection(memories) => {
                survey.memory = memories.into_iter().next().transpose()?;
            }
            Payload::DataSection(segments) => survey.take_data(segments)?,
            Payload::TableSection(tables) => survey.has_table = tables.count() > 0,
            Payload::GlobalSection(section) => {
                for global in section {
                    let ty = global?.ty;
                    if ty.mutable && matches!(ty.content_type, ValType::Ref(_)) {
                        return Err(InstrumentError::MutableReference { index: globals });
                    }
                    if ty.mutable {
                        survey.mutable_globals.push(globals);
                    }
                    globals += 1;
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    if !export.name.starts_with(HOST_PREFIX) {
                        survey.exports.push((export.name.to_owned(), export.kind, export.index));
                    }
                }
            }
            Payload::StartSection { func, .. } => survey.start = Some(func),
            _ => {}
        }
    }
    Ok(survey)
}

impl Survey {
    /// Empties the segments that fill the memory at first. They stay in the section, because code
    /// refers to segments by their indices.
    fn take_data(&mut self, segments: DataSectionReader<'_>) -> Result<(), InstrumentError> {
        for (index, segment) in segments.into_iter().enumerate() {
            let segment = segment?;
            match segment.kind {
                DataKind::Passive => {
                    self.passive_data.passive(segment.data.iter().copied());
                }
                DataKind::Active { offset_expr, .. } => {
                    let offset = constant(&offset_expr)?.ok_or(InstrumentError::DataOffset { index })?;
                    self.data.push((offset, segment.data.to_vec()));
                    self.passive_data.passive([]);
                }
            }
        }
        Ok(())
    }
}

/// The value of an expression that is nothing but one constant.
fn constant(expression: &ConstExpr<'_>) -> Result<Option<u64>, InstrumentError> {
    let mut operators = expression.get_operators_reader();
    let value = match operators.read()? {
        Operator::I32Const { value } => u64::from(value.cast_unsigned()),
        Operator::I64Const { value } => value.cast_unsigned(),
        _ => return Ok(None),
    };
    Ok(matches!(operators.read()?, Operator::End).then_some(value))
}

fn export_section(survey: &Survey) -> ExportSection {
    let mut section = ExportSection::new();
    for (name, kind, index) in &survey.exports {
        let kind = match kind {
            ExternalKind::Func | ExternalKind::FuncExact => ExportKind::Func,
            ExternalKind::Table => ExportKind::Table,
            ExternalKind::Memory => ExportKind::Memory,
            ExternalKind::Global => ExportKind::Global,
            ExternalKind::Tag => ExportKind::Tag,
        };
        section.export(name, kind, *index);
    }
    if survey.memory.is_some() {
        section.export(MEMORY, ExportKind::Memory, 0);
    }
    if survey.has_table {
        section.export(TABLE, ExportKind::Table, 0);
    }
    for index in &survey.mutable_globals {
        section.export(&global_name(index), ExportKind::Global, *index);
    }
    if let Some(start) = survey.start {
        section.export(START, ExportKind::Func, start);
    }
    section
}

fn global_name(index: &u32) -> String {
    format!("{GLOBAL_PREFIX}{index}")
}

fn comes_after_exports(section_id: u8) -> bool {
    [SectionId::Start, SectionId::Element, SectionId::DataCount, SectionId::Code, SectionId::Data]
        .into_iter()
        .any(|id| id as u8 == section_id)
}
