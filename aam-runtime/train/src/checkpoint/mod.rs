//! Checkpoints: saving trained models, and restoring them from the saved files alone.

pub mod directory;
mod import;
pub mod import_reference;
pub mod manifest;
mod older_formats;
mod seal;

pub use import::import;
pub use manifest::Manifest;
pub use seal::sealed;
