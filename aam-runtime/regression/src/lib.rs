//! Ridge and logistic regression in terms of products of samples, with a penalty that is chosen by
//! samples held back. No table, no component and no Burn belongs here.

mod dense;
mod judged;
pub mod least_squares;
pub mod logistic;
mod shares;

pub use dense::{gram, part, products};
pub use judged::{Judged, drawn};
pub use least_squares::Dual;
pub use shares::{log_loss, means, shares, softmax};

/// Most samples that are learnt from in terms of all pairs of them.
pub const MOST_LEARNT: usize = 5000;
/// Penalties to choose from, where samples have a squared length of about 1: from next to none to one
/// that leaves the mean.
pub const PENALTIES: [f64; 9] = [0.001, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0];
