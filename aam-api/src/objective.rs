//! Pre-training objectives: what a base learns of samples.
//!
//! An objective is either a distance between samples, which is compared with that between their
//! embeddings, or a value of each sample, which is read off its embedding. It says what it needs of
//! a study; the runtime reads the files, draws batches, and compares predictions with the truth.

use std::fmt::Debug;

use burn::tensor::Tensor;

use crate::metric::Subject;
use crate::{PairDistances, PluginError, Stage, StudySource};

/// What an objective is built for: nothing, so far.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ObjectiveContext {}

/// Where an objective can be learnt from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// The table alone.
    Table,
    /// A phylogenetic tree (`--tree`) and the table.
    Tree,
    /// A file (`--unifrac-matrix`) that holds what is to be learnt: distances between the samples, or
    /// a value of each.
    File,
}

/// What is learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learnt {
    /// Distances between samples.
    Distances,
    /// A value of each sample.
    Values,
}

/// What is true of the samples of a study.
#[derive(Debug)]
pub enum Truth {
    /// Distances between them.
    Distances(Box<dyn PairDistances>),
    /// A value of each, by the rows of the table.
    Values(Vec<f64>),
}

impl Truth {
    /// What sort of truth it is.
    pub fn learnt(&self) -> Learnt {
        match self {
            Self::Distances(_) => Learnt::Distances,
            Self::Values(_) => Learnt::Values,
        }
    }
}

/// A pre-training objective.
pub trait SampleObjective: Debug + Send + Sync {
    /// Whether it is a distance between samples or a value of each.
    fn learnt(&self) -> Learnt;

    /// Where it can be learnt from. One that can be learnt from the table alone takes no other.
    fn sources(&self) -> &'static [Source];

    /// What it is, for people, such as `UniFrac distances` or `Faith's PD`.
    fn title(&self) -> String;

    /// What its metrics are named after, such as `faith_pd` in `faith_pd_r2`; registered with
    /// [`describe_metrics!`](crate::describe_metrics).
    fn subject(&self) -> Subject;

    /// What is true of the samples of a study, from the table or the tree.
    ///
    /// # Errors
    /// Something that the study lacks, or an option that does not go with it.
    fn truth(&self, study: &StudySource<'_>) -> Result<Truth, PluginError>;

    /// The note that a run prints when the truth was prepared, such as `Faith's PD from the tree`.
    fn note(&self) -> String;

    /// A true distance or value on the scale on which it is learnt. Distances are predicted between
    /// 0 and 1; values are standardised over the training samples afterwards.
    fn forward(&self, truth: f64) -> f64 {
        truth
    }

    /// The inverse of [`forward`](Self::forward), in which predictions are reported.
    fn inverse(&self, learnt: f64) -> f64 {
        learnt
    }

    /// A loss, `[1]`, in place of the mean squared error over all pairs or samples. Both tensors are
    /// `[batch, batch]` for distances and `[batch, 1]` for values, on the scale on which they are
    /// learnt.
    fn own_loss(&self, predicted: Tensor<2>, truth: Tensor<2>) -> Option<Tensor<1>> {
        let _ = (predicted, truth);
        None
    }
}

crate::define_kind! {
    /// The kind of [`SampleObjective`].
    pub struct ObjectiveKind: Kind<Context = ObjectiveContext> {
        const NAME: &'static str = "objective";
        const ALIASES: &'static [&'static str] = &["encoder-type"];
        const SUMMARY: &'static str = "What a base learns of samples";
        const CHOSEN_IN: &'static [Stage] = &[Stage::Pretraining, Stage::Training];
        const PLACE: u32 = 66;
    }

    /// The options of an objective and how to build it.
    pub trait ObjectiveConfig {
        /// What it builds.
        type Objective: SampleObjective;
    }

    /// An objective of any type.
    pub type BoxedObjective = boxed;
}
