//! The models reproduce the numbers of the reference implementation (`fixtures/golden`).

mod base;
mod fusions;
mod import;
mod mixed_precision;
mod predictors;
mod support;
