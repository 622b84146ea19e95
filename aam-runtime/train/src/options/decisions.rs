//! Decisions that follow from the options of a training run, and those left open.

use aam_api::LearnerKind;
use aam_evaluation::evaluation::NETWORK;

use super::TrainOptions;

impl TrainOptions {
    /// The number of folds if the options do not define a split.
    pub const FOLDS: usize = 5;

    /// The members of an ensemble for which none are named.
    pub(super) fn default_members() -> Vec<String> {
        let learners = LearnerKind::BY_DEFAULT;
        let members = std::iter::once(NETWORK).chain(learners);
        members.map(str::to_owned).collect()
    }

    /// The members of a training run of the network alone.
    pub fn network_alone() -> Vec<String> {
        vec![NETWORK.to_owned()]
    }

    /// Whether the options do not define how samples are split.
    pub fn leaves_division_open(&self) -> bool {
        let split = &self.split;
        self.data.test_size.is_none()
            && !self.data.lists_samples()
            && split.leave_group_out.is_none()
            && split.folds.is_none()
            && !split.leave_one_group_out
    }
}
