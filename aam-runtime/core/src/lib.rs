//! What every crate of the runtime shares and no field of science owns: the error of files, named
//! random streams, file operations that tests can make fail, the memory of the process, and how text
//! of others is shown. Nothing here knows a table, a tensor or a run.

mod data_error;
pub mod file_operations;
pub mod memory;
pub mod random;
pub mod text;

pub use data_error::{DataError, brief};
