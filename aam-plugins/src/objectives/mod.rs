//! Pre-training objectives that need the table, and one that needs a taxonomy.

pub mod bray_curtis;
pub mod jaccard;
mod table_distances;
pub mod taxonomy;
