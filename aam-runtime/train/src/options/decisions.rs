//! What follows from the options of a training, and what they leave open.

use aam_api::LearnerKind;
use aam_evaluation::evaluation::NETWORK;

use super::{OptimizationOptions, TrainOptions};

impl TrainOptions {
    /// Folds where nothing is said of how samples are divided.
    pub const FOLDS: usize = 5;

    /// The members of a training that names none.
    pub(super) fn default_members() -> Vec<String> {
        let learners = LearnerKind::BY_DEFAULT;
        let members = std::iter::once(NETWORK).chain(learners);
        members.map(str::to_owned).collect()
    }

    /// The members of a training of the network alone.
    pub fn network_alone() -> Vec<String> {
        vec![NETWORK.to_owned()]
    }

    /// Whether nothing is said of how samples are divided.
    pub fn leaves_division_open(&self) -> bool {
        let split = &self.split;
        self.data.test_size.is_none()
            && !self.data.lists_samples()
            && split.leave_group_out.is_none()
            && split.folds.is_none()
            && !split.leave_one_group_out
    }
}

impl OptimizationOptions {
    /// Whether somebody said how long a run is to be, or what ends it.
    pub fn says_how_long(&self) -> bool {
        self.epochs.is_some() || self.max_steps.is_some() || self.patience.is_some()
    }
}
