//! Checkpoints: what a trained model is saved as, and how it is rebuilt from that alone.

pub mod directory;
mod import;
pub mod import_reference;
pub mod manifest;
mod older_formats;
mod seal;

pub use import::import;
pub use manifest::Manifest;
pub use seal::sealed;
