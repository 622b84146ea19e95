use aam_api::{
    BoxedSampleEncoder, FittingAsvs, MixedPrecision, PluginError, SampleAsvs, SampleEncoder,
    SampleEncoderConfig, SampleEncoderContext, SampleView, ViewShape, boxed_sample_encoder,
    testing,
};
use aam_plugins as _;
use burn::module::{Initializer, Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{check, verdict};

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Fault {
    #[default]
    None,
    OtherWidth,
    Padding,
    Order,
    MixedSamples,
    ForgottenFit,
    FitWithoutEffect,
    OtherEmbedding,
}

/// A linear map of the mean over the ASVs, minus its mean over the training samples.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
struct FaultyConfig {
    /// The fault.
    fault: Fault,
}

#[derive(Module, Debug)]
struct Faulty {
    layer: Linear,
    center: Param<Tensor<1>>,
    #[module(skip)]
    forgotten: f64,
    #[module(skip)]
    fault: Fault,
}

impl SampleEncoderConfig for FaultyConfig {
    const NAME: &'static str = "faulty";
    type SampleEncoder = Faulty;

    fn init(&self, context: &SampleEncoderContext, device: &Device) -> Result<Faulty, PluginError> {
        let dim = context.sizes.dim;
        let center = Initializer::Zeros.init([dim], device);
        Ok(Faulty {
            layer: LinearConfig::new(dim, dim).init(device),
            center: center.set_require_grad(false),
            forgotten: 0.0,
            fault: self.fault,
        })
    }
}

impl Faulty {
    fn mean(&self, asvs: Tensor<2>, samples: &SampleAsvs) -> Tensor<2> {
        let [batch, slots] = samples.index.dims();
        let [_, dim] = asvs.dims();
        let mut each = samples.gather(asvs);
        let mut number = samples.present().sum_dim(1);
        match self.fault {
            Fault::Padding => number = number.ones_like() * slots as f64,
            Fault::Order => {
                let slot =
                    Tensor::<1, burn::tensor::Int>::arange(1..1 + slots as i64, &each.device());
                each = each * slot.float().reshape([1, slots, 1]);
            }
            _ => {}
        }
        let mean = (each.sum_dim(1) / number).reshape([batch, dim]);
        match self.fault {
            Fault::MixedSamples => mean.clone() - mean.mean_dim(0),
            _ => mean,
        }
    }
}

impl SampleEncoder for Faulty {
    fn view(&self, asvs: Tensor<2>, samples: &SampleAsvs, _: MixedPrecision) -> SampleView {
        let center = self.center.val().detach().unsqueeze();
        SampleView::Profiles(self.mean(asvs, samples) - center + self.forgotten)
    }

    fn view_shape(&self) -> ViewShape {
        let [dim] = self.center.dims();
        ViewShape::Profiles {
            width: dim + usize::from(self.fault == Fault::OtherWidth),
        }
    }

    fn embed(&self, asvs: Tensor<2>, samples: &SampleAsvs, precision: MixedPrecision) -> Tensor<2> {
        let view = self.view(asvs.clone(), samples, precision);
        self.embed_view(view, asvs, samples, precision)
    }

    fn embed_view(
        &self,
        view: SampleView,
        asvs: Tensor<2>,
        _samples: &SampleAsvs,
        precision: MixedPrecision,
    ) -> Tensor<2> {
        let profiles = match view {
            SampleView::Profiles(profiles) => profiles,
            SampleView::Asvs(_) => asvs,
        };
        let embedded = precision.linear(&self.layer, profiles);
        match self.fault {
            Fault::OtherEmbedding => {
                use std::sync::atomic::{AtomicBool, Ordering};
                static TURN: AtomicBool = AtomicBool::new(false);
                let add = TURN.fetch_xor(true, Ordering::Relaxed);
                embedded + f64::from(u8::from(add))
            }
            _ => embedded,
        }
    }

    fn is_fitted(&self) -> bool {
        true
    }

    fn fitted(
        &self,
        asvs: FittingAsvs,
        _batches: &mut dyn Iterator<Item = (Tensor<2>, SampleAsvs)>,
    ) -> Option<BoxedSampleEncoder> {
        let mut fitted = self.clone();
        match self.fault {
            Fault::ForgottenFit => fitted.forgotten = 1.0,
            Fault::FitWithoutEffect => {}
            _ => {
                let [_, dim] = asvs.study.dims();
                let center = asvs.study.mean_dim(0).reshape([dim]);
                fitted.center = fitted.center.map(|_| center);
            }
        }
        Some(boxed_sample_encoder(fitted))
    }
}

#[test]
fn every_fault_is_named() {
    let says = |fault| verdict(move || testing::sample_encoder(&FaultyConfig { fault }));
    check(
        says,
        &[
            (Fault::None, "conforms"),
            (
                Fault::OtherWidth,
                "the view has the shape [4, 1, 16], expected [4, 1, 17]",
            ),
            (Fault::Padding, "padding"),
            (Fault::Order, "with its ASVs in another order"),
            (Fault::MixedSamples, "among others, padded, and alone"),
            (
                Fault::ForgottenFit,
                "outputs differ after saving and loading",
            ),
            (Fault::FitWithoutEffect, "fitting changes nothing"),
            (Fault::OtherEmbedding, "embed and embed_view"),
        ],
    );
}
