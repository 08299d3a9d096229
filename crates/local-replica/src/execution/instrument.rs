//! Prepares a module for the host: exposes its memory, table and mutable globals, and turns the
//! start function into an export, so that re-creating an instance does not run it again.

use std::ops::Range;

use wasm_encoder::{ExportKind, ExportSection, Module, RawSection, SectionId};
use wasmparser::{ExternalKind, Parser, Payload, ValType};

/// Export name of the linear memory.
pub const MEMORY: &str = "ic:memory";
/// Export name of the table with the callback functions.
pub const TABLE: &str = "ic:table";
/// Export name of the start function.
pub const START: &str = "ic:start";
/// Prefix of the export names of mutable globals.
pub const GLOBAL_PREFIX: &str = "ic:global ";
/// Prefix of all names that belong to the host.
const HOST_PREFIX: &str = "ic:";

/// A module as the host runs it.
pub struct Instrumented {
    pub wasm: Vec<u8>,
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
}

/// Everything that has to be known before sections are written.
#[derive(Default)]
struct Survey {
    has_memory: bool,
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
        let is_replaced = *id == SectionId::Export as u8 || *id == SectionId::Start as u8;
        if !is_replaced {
            module.section(&RawSection { id: *id, data: &wasm[range.clone()] });
        }
    }
    if !exported {
        module.section(&exports);
    }
    Ok(Instrumented {
        wasm: module.finish(),
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
            Payload::MemorySection(memories) => survey.has_memory = memories.count() > 0,
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
    if survey.has_memory {
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
