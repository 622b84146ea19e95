//! Fusions: how categorical metadata joins the microbiome in the model.

pub mod add;
pub mod concat;
pub mod cross_attention;
pub mod film;
pub mod gmu;
pub mod none;
pub mod perceiver;
