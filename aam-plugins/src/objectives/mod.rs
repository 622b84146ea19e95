//! Pre-training objectives that need nothing but the table.

pub mod bray_curtis;
pub mod jaccard;
mod table_distances;
