//! The runs below a folder: what each was made of and came to, and how they differ.

mod differences;
mod found;

pub use differences::{Difference, differences, differing, settings};
pub use found::{Found, below, open};
