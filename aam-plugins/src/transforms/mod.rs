//! Target transforms: the scale on which a numeric target is learned.

pub mod linear;
pub mod log_minmax;
pub mod log_zscore;
pub mod minmax;
pub mod none;
pub mod quantile_normal;
pub mod scale;
pub mod zscore;
pub mod zscore_category;
