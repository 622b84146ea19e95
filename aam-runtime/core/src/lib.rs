//! Domain-independent utilities shared by all crates of the runtime: the error type of files, named
//! random streams, errors of the operating system in words, file operations that tests can make fail,
//! the memory of the process, and safe display of foreign text. Nothing here knows a table, a tensor or
//! a run.

mod data_error;
pub mod file_operations;
pub mod io_words;
pub mod memory;
pub mod random;
pub mod text;

pub use data_error::{DataError, brief};
