//! Loss scaling, which keeps gradients within the range of half precision (Micikevicius et al.,
//! *Mixed precision training*, 2018).
//!
//! Values below 6·10⁻⁸ are 0 in half precision, and gradients often are that small. The loss is
//! therefore multiplied by a factor before the backward pass, and the gradients are divided by it
//! before they are clipped and used. If a gradient is then infinite or NaN, the update is skipped
//! and the factor halved. After many good updates the factor is doubled, to find the largest one
//! that works. It is a power of two, so that it does not change the bits of the mantissa.

use aam_api::Communicator;
use burn::module::Module;
use burn::optim::GradientsParams;
use serde::{Deserialize, Serialize};

use super::optimizer::norm;
use crate::parallel::any;
use aam_model::MixedPrecision;
use aam_run::RunError;

/// The initial factor, as in PyTorch; too large for most models, which costs a few updates.
const FIRST: f64 = 65_536.0;
/// The maximum factor: a gradient of 10⁻¹⁴ is negligible compared with the others.
const MOST: f64 = 16_777_216.0;
/// Number of consecutive good updates after which the factor is doubled. PyTorch uses 2000, which
/// is longer than most runs here.
const GOOD: usize = 200;

/// The factor of the loss, and a record of the updates with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossScale {
    factor: f64,
    /// Good updates since the last change.
    good: usize,
    /// Skipped updates.
    skipped: usize,
}

impl LossScale {
    /// The loss scale of a run with `precision`, if it needs one.
    pub fn of(precision: MixedPrecision) -> Option<Self> {
        (precision == MixedPrecision::Fp16).then_some(Self {
            factor: FIRST,
            good: 0,
            skipped: 0,
        })
    }

    /// The factor.
    pub fn factor(&self) -> f64 {
        self.factor
    }

    /// The number of skipped updates.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// Records whether the gradients of an update are all finite.
    ///
    /// # Errors
    /// They are not, and the factor cannot be reduced further.
    pub fn take(&mut self, finite: bool) -> Result<(), RunError> {
        if !finite && self.factor <= 1.0 {
            return Err(RunError::Diverged(
                "a gradient is infinite or NaN in half precision, even for the unscaled loss\n  help: earlier checkpoints are kept. Use --mixed-precision bf16, which has the range of 32-bit numbers, or resume from the last checkpoint with a smaller learning rate (--resume --lr)".to_owned(),
            ));
        }
        if !finite {
            self.factor /= 2.0;
            self.good = 0;
            self.skipped += 1;
            return Ok(());
        }
        self.good += 1;
        if self.good == GOOD {
            self.factor = (self.factor * 2.0).min(MOST);
            self.good = 0;
        }
        Ok(())
    }

    /// Records the `gradients` of this rank for an update of `model`, and returns whether those of
    /// all ranks are finite.
    ///
    /// # Errors
    /// Those of [`take`](Self::take), or a rank that failed.
    pub fn accepts<M: Module>(
        &mut self,
        model: &M,
        gradients: &GradientsParams,
        communicator: &dyn Communicator,
    ) -> Result<bool, RunError> {
        let finite = norm(model, gradients).is_finite();
        let finite = !any(communicator, !finite)?;
        self.take(finite)?;
        Ok(finite)
    }
}

#[cfg(test)]
mod tests {
    use aam_api::Alone;
    use burn::nn::LinearConfig;
    use burn::tensor::{Device, Tensor};

    use super::*;

    fn fresh() -> LossScale {
        LossScale::of(MixedPrecision::Fp16).unwrap()
    }

    #[test]
    fn only_half_precision_has_a_loss_scale() {
        assert_eq!(LossScale::of(MixedPrecision::None), None);
        assert_eq!(LossScale::of(MixedPrecision::Bf16), None);
        assert_eq!(fresh().factor(), 65_536.0);
    }

    #[test]
    fn it_is_halved_at_once_and_doubled_after_200_good_updates() {
        let mut scale = fresh();
        scale.take(false).unwrap();
        scale.take(false).unwrap();
        assert_eq!((scale.factor(), scale.skipped()), (16_384.0, 2));
        for _ in 0..199 {
            scale.take(true).unwrap();
        }
        assert_eq!(scale.factor(), 16_384.0);
        // A bad update restarts the count.
        scale.take(false).unwrap();
        for _ in 0..199 {
            scale.take(true).unwrap();
        }
        assert_eq!(scale.factor(), 8_192.0);
        scale.take(true).unwrap();
        assert_eq!((scale.factor(), scale.skipped()), (16_384.0, 3));
        for _ in 0..200 * 30 {
            scale.take(true).unwrap();
        }
        assert_eq!(scale.factor(), MOST);
    }

    #[test]
    fn gradients_that_are_not_finite_at_any_scale_end_the_run() {
        let mut scale = fresh();
        for _ in 0..16 {
            scale.take(false).unwrap();
        }
        assert_eq!(scale.factor(), 1.0);
        let error = scale.take(false).unwrap_err();
        assert!(matches!(error, RunError::Diverged(_)), "{error}");
        assert!(error.to_string().contains("bf16"), "{error}");
    }

    #[test]
    fn it_survives_being_saved() {
        let mut scale = fresh();
        scale.take(false).unwrap();
        scale.take(true).unwrap();
        let text = serde_json::to_string(&scale).unwrap();
        assert_eq!(serde_json::from_str::<LossScale>(&text).unwrap(), scale);
    }

    #[test]
    fn one_infinite_gradient_is_found() {
        let device = Device::flex().autodiff();
        let layer = LinearConfig::new(2, 1).init(&device);
        let gradients = |x: [f32; 2]| {
            let x = Tensor::<2>::from_data([x], &device);
            let gradients = layer.forward(x).sum().backward();
            GradientsParams::from_grads(gradients, &layer)
        };
        let mut scale = fresh();
        for (x, finite) in [
            ([1.0, 2.0], true),
            ([1.0, f32::INFINITY], false),
            ([f32::NAN, 1.0], false),
        ] {
            let found = scale.accepts(&layer, &gradients(x), &Alone).unwrap();
            assert_eq!(found, finite, "{x:?}");
        }
        assert_eq!(scale.factor(), 16_384.0);
    }
}
