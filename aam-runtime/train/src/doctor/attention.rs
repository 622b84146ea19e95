//! The attention check: compares the fused and the plain attention of a device, unmasked and
//! masked, forward and backward, with double precision on the CPU.

use burn::tensor::{Device, Tensor, TensorData};
use serde::Serialize;

use super::exact::{Problem, Solution};
use aam_model::attention;
use aam_model::attention::MASKED;
use aam_model::device::caught;

/// The maximum relative difference of a correct kernel. Fused kernels of GPUs multiply in half
/// precision and plain products in TF32, which also has ten bits; a wrong kernel is off by the
/// magnitude of the values themselves.
pub const TOLERANCE: f64 = 1e-2;

/// Attention over `[sequences, heads, length, width]`, with a bias that is added to the scores,
/// `[sequences, 1, 1, length]`.
pub type Attention<'a> =
    dyn Fn(Tensor<4>, Tensor<4>, Tensor<4>, Option<&Tensor<4>>) -> Tensor<4> + 'a;

/// An implementation of attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// A single kernel.
    Fused,
    /// Separate operations.
    Plain,
}

/// The difference of an implementation from double precision.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// The implementation.
    pub attention: Way,
    /// Whether some positions are masked.
    pub masked: bool,
    /// Largest difference of the output, relative to its largest value. `None` if it is not finite
    /// or was not computed.
    pub forward: Option<f64>,
    /// The same for the gradients of queries, keys and values.
    pub backward: Option<f64>,
    /// The problem, if there are no values.
    pub problem: Option<String>,
}

impl Difference {
    /// Whether both differences are within [`TOLERANCE`].
    pub fn is_right(&self) -> bool {
        let within = |found: Option<f64>| found.is_some_and(|found| found <= TOLERANCE);
        within(self.forward) && within(self.backward)
    }
}

/// The four comparisons of a device.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Checked(pub Vec<Difference>);

/// Shapes of the quick check, and the additional ones of the full check. Neither length nor width
/// has to be a multiple of a kernel's tile size.
const QUICK: &[[usize; 4]] = &[[3, 2, 37, 16]];
const FULL: &[[usize; 4]] = &[[3, 2, 37, 16], [2, 4, 150, 32], [4, 1, 257, 64]];

impl Checked {
    /// The check before a run.
    pub fn quickly(device: &Device) -> Self {
        Self::of(device, QUICK)
    }

    /// The check of `aam doctor`.
    pub fn fully(device: &Device) -> Self {
        Self::of(device, FULL)
    }

    fn of(device: &Device, shapes: &[[usize; 4]]) -> Self {
        let plain = |query, key, value, bias: Option<&Tensor<4>>| {
            attention::plain(query, key, value, bias, |weights| weights)
        };
        let ways: [(Way, &Attention<'_>); 2] =
            [(Way::Fused, &attention::fused), (Way::Plain, &plain)];
        let compared = ways.into_iter().flat_map(|(way, attention)| {
            [false, true].map(|masked| compare(way, attention, masked, device, shapes))
        });
        Self(compared.collect())
    }

    /// Whether `way` is correct, masked and unmasked.
    pub fn is_right(&self, way: Way) -> bool {
        let mut own = self.0.iter().filter(|found| found.attention == way);
        own.all(Difference::is_right)
    }

    /// Descriptions of all problems.
    pub fn problems(&self) -> impl Iterator<Item = String> {
        let wrong = self.0.iter().filter(|found| !found.is_right());
        wrong.map(|found| {
            let way = match found.attention {
                Way::Fused => "fused",
                Way::Plain => "plain",
            };
            let mask = match found.masked {
                true => "masked",
                false => "unmasked",
            };
            let how = match &found.problem {
                Some(problem) => problem.clone(),
                None => format!(
                    "off by {} forward and {} backward, where {TOLERANCE} is allowed",
                    shown(found.forward),
                    shown(found.backward)
                ),
            };
            format!("the {way} attention is wrong {mask}: {how}")
        })
    }
}

/// Formats a difference for people.
pub fn shown(difference: Option<f64>) -> String {
    match difference {
        Some(difference) => format!("{difference:.1e}"),
        None => "no number".to_owned(),
    }
}

/// The largest differences of `attention` on `device` over all `shapes`.
pub fn compare(
    way: Way,
    attention: &Attention<'_>,
    masked: bool,
    device: &Device,
    shapes: &[[usize; 4]],
) -> Difference {
    let mut worst = Difference {
        attention: way,
        masked,
        forward: Some(0.0),
        backward: Some(0.0),
        problem: None,
    };
    for &shape in shapes {
        let problem = Problem::new(shape, masked);
        let expected = problem.solve();
        match caught(|| computed(&problem, attention, device)) {
            Ok((output, with_gradients)) => {
                let counted = problem.counted();
                let forward = [&output, &with_gradients.output]
                    .map(|found| difference(found, &expected.output, counted));
                let all = output.len();
                let backward = [
                    difference(&with_gradients.query, &expected.query, all),
                    difference(&with_gradients.key, &expected.key, all),
                    difference(&with_gradients.value, &expected.value, all),
                ];
                worst.forward = forward.into_iter().fold(worst.forward, larger);
                worst.backward = backward.into_iter().fold(worst.backward, larger);
            }
            Err(problem) => {
                worst.forward = None;
                worst.backward = None;
                worst.problem = Some(problem);
            }
        }
    }
    worst
}

fn larger(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    Some(a?.max(b?))
}

/// The output without gradients, where fused kernels are used, and everything with gradients.
fn computed(problem: &Problem, attention: &Attention<'_>, device: &Device) -> (Vec<f64>, Solution) {
    let output = {
        let [query, key, value] = [&problem.query, &problem.key, &problem.value]
            .map(|values| tensor(values, problem, device));
        let bias = bias(problem, device);
        values(attention(query, key, value, bias.as_ref()))
    };
    let device = device.clone().autodiff();
    let [query, key, value] = [&problem.query, &problem.key, &problem.value]
        .map(|values| tensor(values, problem, &device).require_grad());
    let bias = bias(problem, &device);
    let found = attention(query.clone(), key.clone(), value.clone(), bias.as_ref());
    let weights = tensor(&problem.gradient, problem, &device);
    let gradients = (found.clone() * weights).sum().backward();
    let gradient = |of: &Tensor<4>| match of.grad(&gradients) {
        Some(gradient) => values(gradient),
        None => vec![f64::NAN; problem.query.len()],
    };
    let solution = Solution {
        output: values(found.inner()),
        query: gradient(&query),
        key: gradient(&key),
        value: gradient(&value),
    };
    (output, solution)
}

fn tensor(values: &[f32], problem: &Problem, device: &Device) -> Tensor<4> {
    Tensor::from_data(TensorData::new(values.to_vec(), problem.shape), device)
}

fn values(tensor: Tensor<4>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

fn bias(problem: &Problem, device: &Device) -> Option<Tensor<4>> {
    let [sequences, _, length, _] = problem.shape;
    let visible = problem.visible.as_ref()?.iter();
    let bias: Vec<f32> = visible
        .map(|&visible| if visible { 0.0 } else { MASKED as f32 })
        .collect();
    let shape = [sequences, 1, 1, length];
    Some(Tensor::from_data(TensorData::new(bias, shape), device))
}

/// The largest difference of the first `counted` values, relative to the largest expected one.
/// `None` if any value is not finite, including those that do not count.
fn difference(found: &[f64], expected: &[f64], counted: usize) -> Option<f64> {
    if found.len() != expected.len() || found.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let pairs = found.iter().zip(expected).take(counted);
    let (mut worst, mut largest) = (0.0_f64, f64::MIN_POSITIVE);
    for (found, expected) in pairs {
        worst = worst.max((found - expected).abs());
        largest = largest.max(expected.abs());
    }
    Some(worst / largest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, bias: Option<&Tensor<4>>) -> Tensor<4> {
        attention::plain(q, k, v, bias, |weights| weights)
    }

    fn judged(attention: &Attention<'_>, masked: bool) -> Difference {
        compare(Way::Fused, attention, masked, &Device::flex(), QUICK)
    }

    #[test]
    fn the_attention_of_the_cpu_is_correct() {
        let checked = Checked::fully(&Device::flex());
        assert_eq!(checked.0.len(), 4);
        assert_eq!(checked.problems().collect::<Vec<_>>(), Vec::<String>::new());
        let worst = checked
            .0
            .iter()
            .flat_map(|found| [found.forward, found.backward]);
        let worst = worst.fold(Some(0.0), larger).unwrap();
        assert!(worst > 0.0 && worst < 1e-5, "{worst}");
    }

    #[test]
    fn an_implementation_that_ignores_the_mask_is_caught_only_with_a_mask() {
        let wrong: &Attention<'_> = &|q, k, v, _| plain(q, k, v, None);
        assert!(judged(wrong, false).is_right());
        let masked = judged(wrong, true);
        assert!(!masked.is_right(), "{masked:?}");
        assert!(masked.forward.unwrap() > 0.1 && masked.backward.unwrap() > 0.1);
    }

    #[test]
    fn an_implementation_with_a_wrong_gradient_is_caught_backward() {
        let wrong: &Attention<'_> = &|q, k, v, bias| plain(q, k.detach(), v, bias);
        let found = judged(wrong, false);
        assert!(
            found.forward.unwrap() < 1e-5 && !found.is_right(),
            "{found:?}"
        );
        let slightly: &Attention<'_> = &|q, k, v, bias| {
            let right = plain(q, k, v.clone(), bias);
            right + (v.clone() - v.detach()) * 0.5
        };
        let found = judged(slightly, false);
        assert!(
            found.forward.unwrap() < 1e-5 && !found.is_right(),
            "{found:?}"
        );
    }

    #[test]
    fn nan_and_panics_are_caught() {
        let infinite: &Attention<'_> = &|q, k, v, bias| plain(q, k, v, bias) / 0.0;
        let found = judged(infinite, false);
        assert!(found.forward.is_none() && !found.is_right());
        let panicking: &Attention<'_> = &|_, _, _, _| panic!("kernel failed to launch");
        let found = judged(panicking, true);
        assert_eq!(found.problem.as_deref(), Some("kernel failed to launch"));
        assert!(!found.is_right());
        let all = Checked(vec![found]);
        assert!(!all.is_right(Way::Fused) && all.is_right(Way::Plain));
        let words: Vec<String> = all.problems().collect();
        assert_eq!(
            words,
            ["the fused attention is wrong masked: kernel failed to launch"]
        );
    }

    #[test]
    fn padding_that_is_not_finite_is_caught() {
        // As a softmax over nothing: correct except for sequences in which all positions are
        // masked.
        let wrong: &Attention<'_> = &|q, k, v, bias| {
            let output = plain(q, k, v, bias);
            match bias {
                Some(bias) => output / bias.clone().max_dim(3).equal_elem(0.0).float(),
                None => output,
            }
        };
        assert!(judged(wrong, false).is_right());
        assert!(judged(wrong, true).forward.is_none());
    }
}
