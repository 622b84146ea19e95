//! The sample encoder that sums over the ASVs of a sample, weighted by abundance.

use aam_api::export::{Graph, Value};
use aam_api::{
    BoxedSampleEncoder, Erased, FittingAsvs, Kind, MixedPrecision, PluginError, SampleAsvs,
    SampleEncoder, SampleEncoderConfig, SampleEncoderContext, SampleEncoderKind, SampleView,
    SampleViewer, ViewShape,
};
use burn::module::{Initializer, Module};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::abundance_pooling::{AbundancePooling, FeatureMoments, WEIGHTINGS};
use super::composition::Composition;

/// Maximum number of ASVs of which a viewer keeps what it has computed, 16 kB each by default.
const MOST_IN_VIEWER: usize = 16_384;

/// Sums over codes of the ASVs, weighted by abundance. Learns from a few dozen samples.
///
/// The predictor sees random features of the composition of a sample, the cosines and sines of
/// `Σ ln(1 + 2n) c`, whose products approximate a Gaussian kernel between centred log-ratios (Rahimi and Recht, NIPS 2007). The
/// codes `c` of related ASVs are similar. They are derived from the embedding `e` of an ASV, whitened so
/// that differences between close relatives count as much as those between phyla, `z = (e − μ) V / √w`:
/// over the ASVs of the study, or over those that the ASV encoder considers typical.
///
/// Distances are predicted by a linear map of other sums, of the sparse features `relu(z W + b)`,
/// weighted by logarithm, square root and presence, and standardised. Neither is learned by
/// gradient descent: all parameters that are not random are estimated before training, on
/// embeddings that are then fixed.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct AbundanceConfig {
    /// Number of features per weighting, for distances. Default: set by the preset.
    #[schemars(range(min = 1, max = 65_536))]
    pub features: Option<usize>,
}

/// The encoder that [`AbundanceConfig`] builds.
#[derive(Module, Debug)]
pub struct AbundanceEncoder {
    abundance: AbundanceBranch,
}

/// What the predictor sees of a sample, and the sample's embedding in the space of distances.
#[derive(Module, Debug)]
struct AbundanceBranch {
    composition: Composition,
    pooling: AbundancePooling,
    project: Linear,
}

impl SampleEncoderConfig for AbundanceConfig {
    const NAME: &'static str = "abundance";
    type SampleEncoder = AbundanceEncoder;

    fn init(
        &self,
        context: &SampleEncoderContext,
        device: &Device,
    ) -> Result<AbundanceEncoder, PluginError> {
        let (dim, sizes) = (context.sizes.dim, &context.sizes);
        let features = self.features.unwrap_or(sizes.profile_features);
        if features == 0 {
            let (kind, expected) = (SampleEncoderKind::NAME, "at least 1");
            return Err(PluginError::bad_option(
                kind,
                Self::NAME,
                "features",
                expected,
                features,
            ));
        }
        // A profile has a norm of about 1, and so has its projection.
        let std = 1.0 / (dim as f64).sqrt();
        let initializer = Initializer::Normal { mean: 0.0, std };
        Ok(AbundanceEncoder {
            abundance: AbundanceBranch {
                composition: Composition::new(sizes.composition_features, device),
                pooling: AbundancePooling::new(dim, features, device),
                project: LinearConfig::new(WEIGHTINGS * features, dim)
                    .with_bias(false)
                    .with_initializer(initializer)
                    .init(device),
            },
        })
    }
}

impl SampleEncoder for AbundanceEncoder {
    fn view(
        &self,
        asvs: Tensor<2>,
        samples: &SampleAsvs,
        _precision: MixedPrecision,
    ) -> SampleView {
        let AbundanceBranch {
            composition,
            pooling,
            ..
        } = &self.abundance;
        SampleView::Profiles(composition.forward(pooling.whiten(asvs), samples))
    }

    fn viewer(&self, asvs: Tensor<2>) -> Option<SampleViewer> {
        let AbundanceBranch {
            composition,
            pooling,
            ..
        } = &self.abundance;
        let [number, _] = asvs.dims();
        (1..=MOST_IN_VIEWER)
            .contains(&number)
            .then(|| composition.viewer(pooling.whiten(asvs)))
    }

    fn export(&self, graph: &mut Graph, asvs: Tensor<2>, reads: &Value) -> Option<Value> {
        let AbundanceBranch {
            composition,
            pooling,
            ..
        } = &self.abundance;
        Some(composition.export(graph, pooling.whiten(asvs), reads))
    }

    fn view_shape(&self) -> ViewShape {
        ViewShape::Profiles {
            width: self.abundance.composition.features(),
        }
    }

    fn embed(&self, asvs: Tensor<2>, samples: &SampleAsvs, precision: MixedPrecision) -> Tensor<2> {
        let AbundanceBranch {
            pooling, project, ..
        } = &self.abundance;
        precision.linear(project, pooling.forward(asvs, samples))
    }

    fn is_fitted(&self) -> bool {
        true
    }

    fn fitted(
        &self,
        asvs: FittingAsvs,
        batches: &mut dyn Iterator<Item = (Tensor<2>, SampleAsvs)>,
    ) -> Option<BoxedSampleEncoder> {
        let AbundanceBranch {
            composition,
            pooling,
            project,
        } = self.abundance.clone();
        let pooling = pooling.whitened(asvs.typical.unwrap_or_else(|| asvs.study.clone()));
        let composition = composition.with_mean_of(pooling.whiten(asvs.study));
        let (mut sums, mut compositions) = (FeatureMoments::default(), FeatureMoments::default());
        for (asvs, samples) in batches {
            compositions.add(composition.sums(pooling.whiten(asvs.clone()), &samples));
            sums.add(pooling.sums(asvs, &samples));
        }
        let abundance = AbundanceBranch {
            composition: composition.scaled(&compositions),
            pooling: pooling.standardised(&sums),
            project,
        };
        Some(Erased::new(Self { abundance }, |encoder| encoder))
    }
}

aam_api::register!(SampleEncoderKind, AbundanceConfig);
