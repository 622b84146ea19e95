//! Parallel strategies: how a step of training spreads over devices and processes.

pub mod single;
