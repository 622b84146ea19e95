//! Sample encoders turn the embeddings and abundances of ASVs into representations of samples.

use burn::module::{Module, ModuleDisplay};
use burn::tensor::{Bool, Int, Tensor};

use crate::export::{Graph, Value};
use crate::{CountScale, Erased, MixedPrecision, ModelSizes, Observation, Resolved, Stage};

/// What a sample encoder is built from.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SampleEncoderContext {
    /// Sizes of the model; `sizes.dim` is the width of the embeddings of ASVs and samples.
    pub sizes: ModelSizes,
    /// How abundances enter the embeddings of ASVs, in an encoder that supports this: a
    /// [`CountEmbedding`](crate::CountEmbedding).
    pub count_embedding: Resolved,
    /// The measure of abundance for the count embedding.
    pub count_scale: CountScale,
    /// Number of learned positions of the ASVs of a sample, if positions are embedded as in the
    /// reference implementation.
    pub asv_positions: Option<usize>,
}

impl SampleEncoderContext {
    /// A model of `sizes` in which `count_embedding` combines abundances with embeddings.
    pub fn new(sizes: ModelSizes, count_embedding: Resolved) -> Self {
        Self {
            sizes,
            count_embedding,
            count_scale: CountScale::default(),
            asv_positions: None,
        }
    }
}

/// A batch of samples: which ASVs each one has, and the reads of each ASV.
#[derive(Clone, Debug)]
pub struct SampleAsvs {
    /// Row of each ASV of each sample among the embeddings of the distinct ASVs, `[batch, asvs]`; any
    /// valid row at padding.
    pub index: Tensor<2, Int>,
    /// True at an ASV, false at padding, `[batch, asvs]`.
    pub mask: Tensor<2, Bool>,
    /// Reads of each ASV, 0 at padding, `[batch, asvs]`.
    pub counts: Tensor<2>,
}

impl SampleAsvs {
    /// Gathers the embeddings of the samples' ASVs, `[batch, asvs, dim]`, zero at padding, from those of
    /// the distinct ASVs, `[distinct, dim]`.
    pub fn gather(&self, asvs: Tensor<2>) -> Tensor<3> {
        let [batch, slots] = self.index.dims();
        let [_, dim] = asvs.dims();
        let rows = self.index.clone().reshape([batch * slots]);
        asvs.select(0, rows).reshape([batch, slots, dim]) * self.present()
    }

    /// 1 at an ASV, 0 at padding, `[batch, asvs, 1]`.
    pub fn present(&self) -> Tensor<3> {
        self.mask.clone().float().unsqueeze_dim(2)
    }
}

/// The representation of samples that a predictor receives.
#[derive(Clone, Debug)]
pub enum SampleView {
    /// One vector per sample, `[batch, width]`, passed to fusion and head unchanged or narrowed by a
    /// linear layer. Its norm is a few units, so that the first updates move predictions by about their
    /// spread.
    Profiles(Tensor<2>),
    /// Embeddings of the samples' ASVs, `[batch, asvs, dim]`, zero at padding; the predictor pools
    /// them.
    Asvs(Tensor<3>),
}

/// The shape of the [`SampleView`] that an encoder returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewShape {
    /// [`SampleView::Profiles`].
    Profiles {
        /// Their width.
        width: usize,
    },
    /// [`SampleView::Asvs`].
    Asvs,
}

/// Views samples that have some of the ASVs it was made for: from the rows of a batch's distinct ASVs
/// among those, `[distinct]`, to which the `index` of the samples refers, and the samples.
pub type SampleViewer = Box<dyn Fn(Tensor<1, Int>, &SampleAsvs) -> SampleView + Send + Sync>;

/// The ASVs that a sample encoder is fitted to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FittingAsvs {
    /// Embeddings of the ASVs of the training samples, `[distinct, dim]`.
    pub study: Tensor<2>,
    /// The encoder's [`typical_asvs`](crate::AsvEncoder::typical_asvs).
    pub typical: Option<Tensor<2>>,
}

impl FittingAsvs {
    /// The ASVs of a study, and typical ones if the encoder has them.
    pub fn new(study: Tensor<2>, typical: Option<Tensor<2>>) -> Self {
        Self { study, typical }
    }
}

/// A sample encoder.
///
/// The output for a sample depends on that sample alone and not on the order of its ASVs; padding has
/// no influence. Matrix products may be computed in the given precision.
pub trait SampleEncoder {
    /// Returns what a predictor sees of `samples`, from the embeddings `[distinct, dim]` of their ASVs.
    fn view(&self, asvs: Tensor<2>, samples: &SampleAsvs, precision: MixedPrecision) -> SampleView;

    /// Returns a function that gives the [`view`](Self::view), up to rounding, of any number of samples
    /// with ASVs of the embeddings `asvs`, `[ASVs, dim]`, and computes only once what depends on ASVs
    /// alone. `None`, the default, if that saves little or takes too much memory.
    fn viewer(&self, asvs: Tensor<2>) -> Option<SampleViewer> {
        let _ = asvs;
        None
    }

    /// Adds a [`view`](Self::view) of profiles to `graph`: from the embeddings `[asvs, dim]` of all ASVs
    /// that samples may have, and the reads of samples, `[samples, asvs]`, to profiles
    /// `[samples, width]`. `None` if the encoder cannot be exported.
    fn export(&self, graph: &mut Graph, asvs: Tensor<2>, reads: &Value) -> Option<Value> {
        let _ = (graph, asvs, reads);
        None
    }

    /// The shape of that view.
    fn view_shape(&self) -> ViewShape;

    /// Returns embeddings of `samples`, `[batch, dim]`, from which distances and other pre-training
    /// objectives are predicted.
    fn embed(&self, asvs: Tensor<2>, samples: &SampleAsvs, precision: MixedPrecision) -> Tensor<2>;

    /// Like [`embed`](Self::embed), given the `view` of the same samples, for an encoder that builds on
    /// it.
    fn embed_view(
        &self,
        view: SampleView,
        asvs: Tensor<2>,
        samples: &SampleAsvs,
        precision: MixedPrecision,
    ) -> Tensor<2> {
        let _ = view;
        self.embed(asvs, samples, precision)
    }

    /// Returns the attention weights behind the [`view`](Self::view) of the same input
    /// ([`Observation::attention`]), for an encoder that declares `PUBLISHES_ATTENTION` and returns
    /// [`SampleView::Profiles`]. The model pools [`SampleView::Asvs`] by attention itself, and
    /// publishes those weights.
    fn attention(
        &self,
        asvs: Tensor<2>,
        samples: &SampleAsvs,
        precision: MixedPrecision,
    ) -> Vec<Observation> {
        let _ = (asvs, samples, precision);
        Vec::new()
    }

    /// Whether the encoder fits statistics of the ASV embeddings, and of samples made of them,
    /// before training ([`fitted`](Self::fitted)). It then needs fixed ASV embeddings: pre-training
    /// trains the ASV encoder first and samples after it, training freezes it by default,
    /// embeddings are 32-bit, and the small remaining problem is solved with large batches and a
    /// high learning rate.
    fn is_fitted(&self) -> bool {
        false
    }

    /// Returns the encoder fitted to ASVs and to batches of samples, each with the embeddings of its own
    /// ASVs ([`boxed_sample_encoder`]), or `None` if there is nothing to fit.
    fn fitted(
        &self,
        asvs: FittingAsvs,
        batches: &mut dyn Iterator<Item = (Tensor<2>, SampleAsvs)>,
    ) -> Option<BoxedSampleEncoder> {
        let _ = (asvs, batches);
        None
    }
}

crate::define_kind! {
    /// The kind of [`SampleEncoder`]s.
    pub struct SampleEncoderKind: Kind<Context = SampleEncoderContext> {
        const NAME: &'static str = "sample-encoder";
        const ALIASES: &'static [&'static str] = &["pooling"];
        const SUMMARY: &'static str = "Combines embeddings and abundances of ASVs into samples";
        const CHOSEN_IN: &'static [Stage] = &[Stage::Pretraining, Stage::Training];
        const PLACE: u32 = 62;
    }

    /// The options of a sample encoder and how to build it.
    pub trait SampleEncoderConfig {
        /// What it builds.
        type SampleEncoder: SampleEncoder;
    }

    /// A sample encoder of any type as a Burn module.
    pub type BoxedSampleEncoder = module;
}

/// Boxes `encoder`, as [`SampleEncoder::fitted`] returns it.
pub fn boxed_sample_encoder<E>(encoder: E) -> BoxedSampleEncoder
where
    E: SampleEncoder + Module + ModuleDisplay + 'static,
{
    Erased::new(encoder, |encoder| encoder)
}
