//! Ridge and logistic regression in dual form, with a penalty chosen on held-out samples. Tables,
//! components and Burn do not belong here.

mod dense;
mod judged;
pub mod least_squares;
pub mod logistic;
mod shares;

pub use dense::{gram, part, products};
pub use judged::{Judged, drawn};
pub use least_squares::Dual;
pub use shares::{log_loss, means, shares, softmax};

/// Maximum number of training samples, for which all pairwise products are computed.
pub const MOST_LEARNED: usize = 5000;
/// Penalties to choose from, for samples with a squared norm of about 1: from almost none to one
/// that leaves only the mean.
pub const PENALTIES: [f64; 9] = [0.001, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0];
