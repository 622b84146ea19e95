//! Parallel strategies: how a step of training spreads over devices and processes.

pub mod data_parallel;
pub mod ddp;
pub mod fsdp;
pub mod several_ranks;
pub mod single;
