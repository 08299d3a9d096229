//! The heap of a canister between two messages, as a value: what canister snapshots and the state on
//! disk keep.

use serde::{Deserialize, Serialize};
use wasmtime::{AsContextMut, Global, Val};

use super::CanisterTrap;

/// Linear memory and mutable globals. Function tables are no part of it: they begin anew with every
/// message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeapImage {
    /// A whole number of WebAssembly pages; empty without memory.
    #[serde(with = "serde_bytes")]
    pub memory: Vec<u8>,
    /// In the order of the module.
    pub globals: Vec<GlobalValue>,
}

/// The value of a mutable global; floats as their bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GlobalValue {
    I32(i32),
    I64(i64),
    F32(u32),
    F64(u64),
    V128(u128),
}

/// Why an image cannot be loaded into a module.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    #[error("the system has no memory left for the image")]
    NoMemory,
    #[error("page {index} lies beyond the end of a stable memory of {size_bytes} bytes")]
    PageOutOfBounds { index: u32, size_bytes: u64 },
    #[error("the module cannot be instantiated: {0}")]
    Instantiate(CanisterTrap),
    #[error("the memory has {found} bytes; the module needs at least {needed}")]
    MemoryTooSmall { found: usize, needed: usize },
    #[error("the image has {found} mutable globals; the module has {needed}")]
    GlobalCount { found: usize, needed: usize },
    #[error("mutable global {index} cannot be {found:?}: the module gives it another type")]
    GlobalType { index: usize, found: GlobalValue },
}

impl GlobalValue {
    pub(super) fn of(global: &Global, store: impl AsContextMut) -> Self {
        match global.get(store) {
            Val::I32(value) => Self::I32(value),
            Val::I64(value) => Self::I64(value),
            Val::F32(bits) => Self::F32(bits),
            Val::F64(bits) => Self::F64(bits),
            Val::V128(value) => Self::V128(value.as_u128()),
            reference => panic!("BUG: a module with a mutable global {reference:?} was accepted"),
        }
    }

    pub(super) fn to_wasm(self) -> Val {
        match self {
            Self::I32(value) => Val::I32(value),
            Self::I64(value) => Val::I64(value),
            Self::F32(bits) => Val::F32(bits),
            Self::F64(bits) => Val::F64(bits),
            Self::V128(value) => Val::V128(value.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::execution::{CompiledModule, Instance, ModuleCache, StableMemory};

    fn module() -> Arc<CompiledModule> {
        let wat = r#"(module
            (memory 1)
            (global $counter (mut i32) (i32.const 7))
            (global $ratio (mut f64) (f64.const 0.5))
            (data (i32.const 0) "begin"))"#;
        let wasm = wat::parse_str(wat).expect("the text is a valid module");
        ModuleCache::default().compile(&wasm).expect("a valid canister module")
    }

    #[test]
    fn should_go_on_where_the_image_was_taken() {
        let fresh = Instance::new(module(), StableMemory::default()).expect("it instantiates");
        let mut image = fresh.heap_image();
        assert_eq!(image.globals, [GlobalValue::I32(7), GlobalValue::F64(0.5_f64.to_bits())]);
        assert_eq!(&image.memory[..6], b"begin\0");
        image.memory.resize(3 * 65_536, 0);
        image.memory[2 * 65_536] = 9;
        image.globals[0] = GlobalValue::I32(-1);
        let loaded = Instance::from_image(module(), &image, StableMemory::default()).expect("it fits");
        assert_eq!(loaded.heap_image(), image);
        assert_eq!(loaded.memory(), image.memory);
    }

    #[test]
    fn should_refuse_an_image_of_another_module() {
        let image = Instance::new(module(), StableMemory::default()).expect("it instantiates").heap_image();
        let load = |image: &HeapImage| Instance::from_image(module(), image, StableMemory::default());
        let small = HeapImage { memory: Vec::new(), ..image.clone() };
        assert!(matches!(load(&small), Err(ImageError::MemoryTooSmall { found: 0, needed: 65_536 })));
        let few = HeapImage { globals: vec![GlobalValue::I32(1)], ..image.clone() };
        assert!(matches!(load(&few), Err(ImageError::GlobalCount { found: 1, needed: 2 })));
        let other = HeapImage { globals: vec![GlobalValue::I64(1); 2], ..image };
        assert!(matches!(load(&other), Err(ImageError::GlobalType { index: 0, .. })));
    }
}
