//! Benchmarks of `aam`; see `components.rs`.
