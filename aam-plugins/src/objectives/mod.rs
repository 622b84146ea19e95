//! Pre-training objectives that need only the table.

pub mod bray_curtis;
pub mod jaccard;
mod table_distances;
