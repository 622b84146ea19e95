//! Pre-training objectives: what a base learns about samples.
//!
//! A run learns one or several, each with a weight. An objective is either a distance between samples, which is compared with the distance between their
//! embeddings, or a value per sample, which is predicted from its embedding. It declares what it needs
//! from a study; the runtime reads the files, draws batches, and compares predictions with the truth.

use std::fmt::Debug;

use burn::tensor::Tensor;

use crate::metric::Subject;
use crate::{PairDistances, PluginError, Stage, StudySource};

/// What an objective is built from: nothing so far.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ObjectiveContext {}

/// Where the targets of an objective come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// The table alone.
    Table,
    /// A phylogenetic tree (`--tree`) and the table.
    Tree,
    /// A taxonomy of the ASVs (`--taxonomy`) and the table.
    Taxonomy,
    /// A file (`--unifrac-matrix`) that holds the targets: distances between samples, or a value per
    /// sample.
    File,
}

/// What is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learned {
    /// Distances between samples.
    Distances,
    /// A value per sample.
    Values,
}

/// The true distances or values of the samples of a study.
#[derive(Debug)]
pub enum Truth {
    /// Distances between them.
    Distances(Box<dyn PairDistances>),
    /// A value per sample, by table row.
    Values(Vec<f64>),
}

impl Truth {
    /// Whether these are distances or values.
    pub fn learned(&self) -> Learned {
        match self {
            Self::Distances(_) => Learned::Distances,
            Self::Values(_) => Learned::Values,
        }
    }
}

/// A pre-training objective.
pub trait SampleObjective: Debug + Send + Sync {
    /// Whether it is a distance between samples or a value per sample.
    fn learned(&self) -> Learned;

    /// The possible sources of its targets. An objective that needs only the table has no other source.
    fn sources(&self) -> &'static [Source];

    /// Its title for users, such as `UniFrac distances` or `Faith's PD`.
    fn title(&self) -> String;

    /// The subject that its metrics are named after, such as `faith_pd` in `faith_pd_r2`; registered with
    /// [`describe_metrics!`](crate::describe_metrics).
    fn subject(&self) -> Subject;

    /// Computes the true distances or values of a study's samples from the table or the tree.
    ///
    /// # Errors
    /// Something that the study lacks, or an option that does not fit it.
    fn truth(&self, study: &StudySource<'_>) -> Result<Truth, PluginError>;

    /// The note that a run prints once the truth is prepared, such as `Faith's PD from the tree`.
    fn note(&self) -> String;

    /// Transforms a true distance or value to the scale on which it is learned. Predicted distances are
    /// between 0 and 1; values are standardised over the training samples afterwards.
    fn forward(&self, truth: f64) -> f64 {
        truth
    }

    /// The inverse of [`forward`](Self::forward), for reporting predictions.
    fn inverse(&self, learned: f64) -> f64 {
        learned
    }

    /// Returns a loss, `[1]`, that replaces the mean squared error over all pairs or samples. Both tensors
    /// are `[batch, batch]` for distances and `[batch, 1]` for values, on the scale on which they are
    /// learned.
    fn own_loss(&self, predicted: Tensor<2>, truth: Tensor<2>) -> Option<Tensor<1>> {
        let _ = (predicted, truth);
        None
    }
}

crate::define_kind! {
    /// The kind of [`SampleObjective`]s.
    pub struct ObjectiveKind: Kind<Context = ObjectiveContext> {
        const NAME: &'static str = "objective";
        const ALIASES: &'static [&'static str] = &["encoder-type"];
        const SUMMARY: &'static str =
            "What a base learns about samples, several as in unifrac,taxonomy:weight=0.5";
        const CHOSEN_IN: &'static [Stage] = &[Stage::Pretraining, Stage::Training];
        const COMBINES: bool = true;
        const PLACE: u32 = 66;
    }

    /// The options of an objective and how to build it. None is called `weight`, which is that of the
    /// objective among several.
    pub trait ObjectiveConfig {
        /// What it builds.
        type Objective: SampleObjective;
    }

    /// An objective of any type.
    pub type BoxedObjective = boxed;
}
