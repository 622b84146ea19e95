//! Sample encoders: from embeddings of ASVs and their abundances to samples.

use burn::module::{Module, ModuleDisplay};
use burn::tensor::{Bool, Int, Tensor};

use crate::{CountScale, Erased, MixedPrecision, ModelSizes, Resolved, Stage};

/// What a sample encoder is built for.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SampleEncoderContext {
    /// Sizes of the model; `sizes.dim` is the width of the embeddings of ASVs and samples.
    pub sizes: ModelSizes,
    /// How abundances join the embeddings of ASVs, in an encoder that has a place for that: a
    /// [`CountEmbedding`](crate::CountEmbedding).
    pub count_embedding: Resolved,
    /// What is taken for abundance there.
    pub count_scale: CountScale,
    /// Rows of a table of learned positions over the ASVs of a sample, where one is wanted, as in the
    /// reference implementation.
    pub asv_positions: Option<usize>,
}

impl SampleEncoderContext {
    /// A model of `sizes` in which `count_embedding` joins abundances and embeddings.
    pub fn new(sizes: ModelSizes, count_embedding: Resolved) -> Self {
        Self {
            sizes,
            count_embedding,
            count_scale: CountScale::default(),
            asv_positions: None,
        }
    }
}

/// Some samples: which ASVs each has, and how many reads of each.
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
    /// The embeddings of the samples' ASVs, `[batch, asvs, dim]`, zero at padding, from those of the
    /// distinct ASVs, `[distinct, dim]`.
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

/// What a predictor sees of samples.
#[derive(Clone, Debug)]
pub enum SampleView {
    /// One vector a sample, `[batch, width]`, that fusion and head see: as it is, or narrowed by a linear
    /// layer. A few units long, so that the first updates move predictions by about their spread.
    Profiles(Tensor<2>),
    /// Embeddings of the samples' ASVs, `[batch, asvs, dim]`, zero at padding; the predictor pools
    /// them.
    Asvs(Tensor<3>),
}

/// What sort of [`SampleView`] an encoder gives.
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

/// The ASVs that a sample encoder is fitted to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FittingAsvs {
    /// Embeddings of the ASVs of the training samples, `[distinct, dim]`.
    pub study: Tensor<2>,
    /// What their encoder has as [`typical_asvs`](crate::AsvEncoder::typical_asvs).
    pub typical: Option<Tensor<2>>,
}

impl FittingAsvs {
    /// Those of a study, and typical ones.
    pub fn new(study: Tensor<2>, typical: Option<Tensor<2>>) -> Self {
        Self { study, typical }
    }
}

/// A sample encoder.
///
/// What it makes of a sample comes from that sample alone and does not depend on the order of its
/// ASVs; padding has no influence. Matrix products may be computed in the precision given.
pub trait SampleEncoder {
    /// What a predictor sees of `samples`, from the embeddings `[distinct, dim]` of their ASVs.
    fn view(&self, asvs: Tensor<2>, samples: &SampleAsvs, precision: MixedPrecision) -> SampleView;

    /// What sort of view that is.
    fn view_shape(&self) -> ViewShape;

    /// Embeddings of `samples`, `[batch, dim]`, from which distances and other objectives of
    /// pre-training are predicted.
    fn embed(&self, asvs: Tensor<2>, samples: &SampleAsvs, precision: MixedPrecision) -> Tensor<2>;

    /// As [`embed`](Self::embed), where the `view` of the same samples is known already, for an
    /// encoder that goes on from it.
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

    /// Whether the encoder measures the embeddings of ASVs, and samples made of them, before anything
    /// is learnt ([`fitted`](Self::fitted)). It then works on ASVs whose embeddings stay as they are:
    /// pre-training learns the encoder of ASVs first and samples after it, training leaves it alone
    /// unless stated otherwise, embeddings have 32 bits, and the small problem that is left is solved
    /// in large batches at a high rate.
    fn is_fitted(&self) -> bool {
        false
    }

    /// The encoder fitted to ASVs and to samples that come in batches, each with the embeddings of its
    /// own ASVs ([`boxed_sample_encoder`]); `None` where there is nothing to fit.
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
    /// The kind of [`SampleEncoder`].
    pub struct SampleEncoderKind: Kind<Context = SampleEncoderContext> {
        const NAME: &'static str = "sample-encoder";
        const ALIASES: &'static [&'static str] = &["pooling"];
        const SUMMARY: &'static str = "From embeddings of ASVs and their abundances to samples";
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

/// `encoder` as one of any type, for what [`SampleEncoder::fitted`] returns.
pub fn boxed_sample_encoder<E>(encoder: E) -> BoxedSampleEncoder
where
    E: SampleEncoder + Module + ModuleDisplay + 'static,
{
    Erased::new(encoder, |encoder| encoder)
}
