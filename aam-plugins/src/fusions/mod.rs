//! Fusions: how categorical metadata enters the model.

pub mod add;
pub mod concat;
pub mod cross_attention;
pub mod film;
pub mod gmu;
pub mod none;
pub mod perceiver;
