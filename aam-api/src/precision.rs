//! The precision of matrix products.
//!
//! With half precision the factors of a product are rounded to 16 bits, the product is computed from
//! those, and the result is 32-bit again. Weights, norms, softmax, biases, losses, and sums of gradients
//! are always 32-bit. In the backward pass gradients go through the same casts, so the products of the
//! gradient also have 16-bit factors, while the gradient of a weight is 32-bit.

use burn::nn::Linear;
use burn::tensor::{DType, FloatDType, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The precision of matrix products.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MixedPrecision {
    /// 32-bit numbers, as everywhere else.
    #[default]
    None,
    /// bfloat16: the range of 32-bit numbers with 8 significant bits.
    Bf16,
    /// IEEE half precision: 11 significant bits and a maximum of 65504, because of which the loss is
    /// scaled.
    Fp16,
}

impl MixedPrecision {
    /// Whether products are computed in fewer than 32 bits.
    pub fn is_mixed(self) -> bool {
        self.narrow().is_some()
    }

    /// The type of a product's factors, if not 32-bit.
    pub fn narrow(self) -> Option<FloatDType> {
        match self {
            Self::None => None,
            Self::Bf16 => Some(FloatDType::BF16),
            Self::Fp16 => Some(FloatDType::F16),
        }
    }

    /// Like [`narrow`](Self::narrow), as the type with which a device is queried.
    pub fn dtype(self) -> Option<DType> {
        self.narrow().map(DType::from)
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bf16 => "bf16",
            Self::Fp16 => "fp16",
        }
    }

    /// The product of `[…, m, k]` and `[…, k, n]`; arguments and result are 32-bit.
    pub fn product<const D: usize>(self, left: Tensor<D>, right: Tensor<D>) -> Tensor<D> {
        match self.narrow() {
            None => left.matmul(right),
            Some(narrow) => left
                .cast(narrow)
                .matmul(right.cast(narrow))
                .cast(FloatDType::F32),
        }
    }

    /// Applies `layer` to `[…, input]`.
    pub fn linear<const D: usize>(self, layer: &Linear, x: Tensor<D>) -> Tensor<D> {
        if !self.is_mixed() {
            return layer.forward(x);
        }
        let weight = layer.weight.val();
        let [input, output] = weight.dims();
        let mut shape = x.dims();
        let rows = shape[..D - 1].iter().product();
        shape[D - 1] = output;
        // One product over all rows sums the gradient of the weight within a product, with more bits
        // than its factors have.
        let product: Tensor<2> = self.product(x.reshape([rows, input]), weight);
        let product = match &layer.bias {
            Some(bias) => product + bias.val().unsqueeze_dim(0),
            None => product,
        };
        product.reshape(shape)
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Module;
    use burn::nn::LinearConfig;
    use burn::tensor::{Device, Distribution, TensorData};

    use super::*;

    const MIXED: [(MixedPrecision, i32); 2] =
        [(MixedPrecision::Bf16, 8), (MixedPrecision::Fp16, 11)];

    fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
        Tensor::random(shape, Distribution::Normal(0.0, 1.0), device)
    }

    fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
        assert_eq!(tensor.dtype(), DType::F32);
        tensor.into_data().iter::<f64>().collect()
    }

    /// `value` rounded to `bits` significant bits, ties to even; none of the tests' numbers is
    /// subnormal.
    fn rounded(value: f64, bits: i32) -> f64 {
        if value == 0.0 {
            return 0.0;
        }
        let unit = 2f64.powi(value.abs().log2().floor() as i32 + 1 - bits);
        (value / unit).round_ties_even() * unit
    }

    /// The product of rounded matrices, computed from its definition.
    fn expected(left: &[f64], right: &[f64], [m, k, n]: [usize; 3], bits: i32) -> Vec<f64> {
        let entry = |place: usize| -> f64 {
            let (row, column) = (place / n, place % n);
            let terms = (0..k)
                .map(|i| rounded(left[row * k + i], bits) * rounded(right[i * n + column], bits));
            terms.sum()
        };
        (0..m * n).map(entry).collect()
    }

    /// Checks agreement to the last of `bits`, plus the error of 32-bit sums of products.
    #[track_caller]
    fn assert_last_bit(found: &[f64], expected: &[f64], bits: i32) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            let allowed = expected.abs() * 2f64.powi(-bits) + 1e-5;
            assert!((found - expected).abs() <= allowed, "{found} {expected}");
        }
    }

    #[test]
    fn products_use_rounded_factors() {
        let device = Device::flex();
        let shape @ [m, k, n] = [5, 7, 3];
        let (left, right) = (random([m, k], &device), random([k, n], &device));
        let exact = numbers(left.clone().matmul(right.clone()));
        assert_eq!(
            numbers(MixedPrecision::None.product(left.clone(), right.clone())),
            exact
        );
        for (precision, bits) in MIXED {
            let found = numbers(precision.product(left.clone(), right.clone()));
            let (left, right) = (numbers(left.clone()), numbers(right.clone()));
            assert_last_bit(&found, &expected(&left, &right, shape, bits), bits);
            let furthest = found.iter().zip(&exact).map(|(a, b)| (a - b).abs());
            let furthest = furthest.fold(0.0, f64::max);
            assert!(furthest > 1e-4, "{precision:?} is as exact as 32 bits");
            for value in found {
                assert_eq!(value, rounded(value, bits), "{precision:?}");
            }
        }
    }

    /// For `y = x w` and the gradient `g` at `y`: `g wᵀ` and `xᵀ g`, with all factors rounded.
    #[test]
    fn gradients_come_back_in_32_bits_from_rounded_factors() {
        let device = Device::flex().autodiff();
        let [m, k, n] = [4, 6, 3];
        for (precision, bits) in MIXED {
            let x = random([m, k], &device).require_grad();
            let w = random([k, n], &device).require_grad();
            let g = random([m, n], &device);
            let loss = (precision.product(x.clone(), w.clone()) * g.clone()).sum();
            let gradients = loss.backward();
            let at = |tensor: &Tensor<2>| numbers(tensor.grad(&gradients).unwrap());
            let (at_x, at_w) = (at(&x), at(&w));
            let [xt, wt] = [&x, &w].map(|tensor| numbers(tensor.clone().inner().transpose()));
            let g = numbers(g.inner());
            assert_last_bit(&at_x, &expected(&g, &wt, [m, n, k], bits), bits);
            assert_last_bit(&at_w, &expected(&xt, &g, [k, m, n], bits), bits);
        }
    }

    #[test]
    fn a_layer_adds_a_32_bit_bias_to_its_product() {
        let device = Device::flex().autodiff();
        let layer = LinearConfig::new(6, 3).init(&device);
        let x = random([2, 4, 6], &device);
        let [weight, bias] = [
            numbers(layer.weight.val().inner()),
            numbers(layer.bias.as_ref().unwrap().val().inner()),
        ];
        let plain = numbers(layer.forward(x.clone()).inner());
        assert_eq!(
            numbers(MixedPrecision::None.linear(&layer, x.clone()).inner()),
            plain
        );
        for (precision, bits) in MIXED {
            let output = precision.linear(&layer, x.clone());
            assert_eq!(output.dims(), [2, 4, 3]);
            let product = expected(&numbers(x.clone().inner()), &weight, [8, 6, 3], bits);
            let found = numbers(output.clone().inner());
            for (place, (found, product)) in found.iter().zip(&product).enumerate() {
                let allowed = product.abs() * 2f64.powi(-bits) + 1e-5;
                let expected = product + bias[place % 3];
                assert!((found - expected).abs() <= allowed, "{found} {expected}");
            }
            // Ones over 300 rows: bf16 cannot represent every sum between 256 and 512.
            let many = Tensor::<2>::ones([300, 6], &device);
            let gradients = precision.linear(&layer, many).sum().backward();
            let gradients = burn::optim::GradientsParams::from_grads(gradients, &layer);
            let at_bias: Tensor<1> = gradients.get(layer.bias.as_ref().unwrap().id).unwrap();
            assert_eq!(numbers(at_bias), [300.0; 3]);
            let at_weight: Tensor<2> = gradients.get(layer.weight.id).unwrap();
            assert_eq!(numbers(at_weight), [300.0; 18]);
        }
    }

    /// 70000 is outside the range of half precision.
    #[test]
    fn only_half_precision_overflows() {
        let device = Device::flex();
        let left = Tensor::<2>::from_data([[70_000.0]], &device);
        let one = Tensor::<2>::from_data([[1.0]], &device);
        let of =
            |precision: MixedPrecision| numbers(precision.product(left.clone(), one.clone()))[0];
        assert_eq!(of(MixedPrecision::Fp16), f64::INFINITY);
        assert_eq!(of(MixedPrecision::Bf16), rounded(70_000.0, 8));
        assert_eq!(of(MixedPrecision::None), 70_000.0);
    }

    #[test]
    fn weights_are_unchanged() {
        let device = Device::flex().autodiff();
        let layer = LinearConfig::new(2, 2).init(&device);
        let data = TensorData::from([[0.1f32, 0.2], [0.3, 0.4]]);
        let layer = layer.clone().map(&mut Fixed(data.clone()));
        MixedPrecision::Bf16.linear(&layer, random([1, 2], &device));
        assert_eq!(layer.weight.val().into_data(), data);
    }

    struct Fixed(TensorData);

    impl burn::module::ModuleMapper for Fixed {
        fn map_float<const D: usize>(
            &mut self,
            param: burn::module::Param<Tensor<D>>,
        ) -> burn::module::Param<Tensor<D>> {
            match D {
                2 => param.map(|old| Tensor::from_data(self.0.clone(), &old.device())),
                _ => param,
            }
        }
    }
}
