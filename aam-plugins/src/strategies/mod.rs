//! Parallel strategies: how a training step is distributed over devices and processes.

pub mod data_parallel;
pub mod ddp;
pub mod fsdp;
pub mod several_ranks;
pub mod single;
