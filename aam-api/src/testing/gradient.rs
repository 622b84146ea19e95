//! Gradients against finite differences.
//!
//! The outputs are weighted with fixed numbers and summed on the host in f64. The derivative of this sum
//! along some directions (single values of a parameter or an input, and all of it at once) is compared
//! with differences at several step sizes: a small step crosses fewer kinks (ReLU, absolute values), a
//! large one loses less to the rounding of f32. One-sided differences count, too, because next to a kink
//! only the side away from it has the slope at the point.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};

use super::numbers::{Array, Numbers};
use super::parameters::{Parameter, moved, parameters, without_flags};
use super::subject::Subject;
use super::{Check, ensure};

/// Step sizes tried in turn.
const STEPS: [f32; 5] = [1e-2, 3e-3, 1e-3, 3e-4, 1e-4];

pub(super) fn check<M: Module>(subject: &Subject<'_, M>) -> Check {
    let mut reached: Vec<bool> = Vec::new();
    let mut paths = Vec::new();
    for inputs in &subject.batches {
        let plain = subject.component()?;
        let weights = weights(subject, &plain, inputs)?;
        let (parameters, input_gradients) = backward(subject, &plain, inputs, &weights)?;

        reached.resize(parameters.len(), false);
        for (index, parameter) in parameters.iter().enumerate() {
            reached[index] |= parameter.gradient.is_some() || !parameter.learns;
            if !parameter.learns {
                continue;
            }
            let gradient = parameter.gradient.clone();
            let gradient = gradient.unwrap_or_else(|| vec![0.0; parameter.size]);
            let what = format!("parameter {}", parameter.path);
            compare(&what, &gradient, |change| {
                let component = moved(plain.clone(), index, change);
                objective(subject, &component, inputs, &weights)
            })?;
        }
        for (index, gradient) in input_gradients.iter().enumerate() {
            compare(&format!("input {index}"), gradient, |change| {
                let mut inputs = inputs.clone();
                for (value, change) in inputs[index].values.iter_mut().zip(change) {
                    *value += change;
                }
                objective(subject, &plain, &inputs, &weights)
            })?;
        }
        paths = parameters.into_iter().map(|p| p.path).collect();
    }
    let missed = paths.iter().zip(&reached).find(|(_, reached)| !**reached);
    match missed {
        None => Ok(()),
        Some((path, _)) => Err(format!("no gradient reaches the parameter {path}")),
    }
}

/// Fixed weights of the outputs; the sum of their squares is about 1.
fn weights<M: Module>(
    subject: &Subject<'_, M>,
    component: &M,
    inputs: &[Array],
) -> Result<Vec<Array>, String> {
    let mut numbers = Numbers::new(99);
    let outputs = subject.outputs(component, inputs)?;
    let count: usize = outputs.iter().map(|output| output.values.len()).sum();
    let scale = (count as f32).sqrt();
    Ok(outputs
        .iter()
        .map(|output| {
            let mut weights = numbers.array(output.shape);
            weights.values.iter_mut().for_each(|value| *value /= scale);
            weights
        })
        .collect())
}

fn objective<M: Module>(
    subject: &Subject<'_, M>,
    component: &M,
    inputs: &[Array],
    weights: &[Array],
) -> Result<f64, String> {
    let outputs = subject.outputs(component, inputs)?;
    let products = outputs.iter().zip(weights).flat_map(|(output, weights)| {
        let pairs = output.values.iter().zip(&weights.values);
        pairs.map(|(&value, &weight)| f64::from(value) * f64::from(weight))
    });
    Ok(products.sum())
}

/// Gradients of the objective with respect to the parameters and the inputs.
fn backward<M: Module>(
    subject: &Subject<'_, M>,
    plain: &M,
    inputs: &[Array],
    weights: &[Array],
) -> Result<(Vec<Parameter>, Vec<Vec<f32>>), String> {
    let device = Device::default().autodiff();
    let component = without_flags(plain.clone().train());
    let leaves: Vec<Tensor<3>> = inputs
        .iter()
        .map(|input| input.tensor(&device).require_grad())
        .collect();
    let outputs = (subject.run)(&component, &leaves)?;
    let mut total = Tensor::<1>::zeros([1], &device);
    for (output, weights) in outputs.into_iter().zip(weights) {
        let weights = TensorData::new(weights.values.clone(), weights.shape);
        total = total + (output * Tensor::from_data(weights, &device)).sum();
    }
    ensure!(
        total.is_tracked(),
        "the outputs carry no gradient: neither a parameter nor an input leads to them"
    );
    let gradients = total.backward();
    let parameters = parameters(&component, &gradients);
    let of_inputs = leaves.iter().zip(inputs).map(|(leaf, input)| {
        let gradient = leaf.grad(&gradients);
        let values = gradient.and_then(|tensor| tensor.into_data().try_to_vec().ok());
        values.unwrap_or_else(|| vec![0.0; input.values.len()])
    });
    Ok((parameters, of_inputs.collect()))
}

/// Compares `gradient` with differences of `objective`, whose argument is added to the values.
fn compare(
    what: &str,
    gradient: &[f32],
    objective: impl Fn(&[f32]) -> Result<f64, String>,
) -> Check {
    if let Some(value) = gradient.iter().find(|value| !value.is_finite()) {
        return Err(format!("the gradient of {what} holds {value}"));
    }
    for direction in directions(gradient) {
        let expected: f64 = gradient
            .iter()
            .zip(&direction)
            .map(|(&g, &d)| f64::from(g) * f64::from(d))
            .sum();
        let at = |step: f32| -> Result<f64, String> {
            let change: Vec<f32> = direction.iter().map(|value| step * value).collect();
            objective(&change)
        };
        let here = at(0.0)?;
        let mut central = 0.0;
        let mut agrees = false;
        for step in STEPS {
            let (before, after, step) = (at(-step)?, at(step)?, f64::from(step));
            central = (after - before) / (2.0 * step);
            let sides = [(after - here) / step, (here - before) / step];
            agrees = std::iter::once(central).chain(sides).any(|difference| {
                let largest = expected.abs().max(difference.abs());
                (expected - difference).abs() <= 2e-3 + 0.02 * largest
            });
            if agrees {
                break;
            }
        }
        ensure!(
            agrees,
            "the gradient of {what} is {expected:.6}, finite differences say {central:.6}"
        );
    }
    Ok(())
}

/// The value with the steepest gradient, two others, and all values at once.
fn directions(gradient: &[f32]) -> Vec<Vec<f32>> {
    let size = gradient.len();
    if size == 0 {
        return Vec::new();
    }
    let mut numbers = Numbers::new(size as u64);
    let steepest = (0..size).max_by(|&a, &b| gradient[a].abs().total_cmp(&gradient[b].abs()));
    let mut chosen = vec![
        steepest.unwrap_or_default(),
        numbers.below(size),
        numbers.below(size),
    ];
    chosen.sort_unstable();
    chosen.dedup();
    let mut directions: Vec<Vec<f32>> = chosen
        .into_iter()
        .map(|index| {
            let mut direction = vec![0.0; size];
            direction[index] = 1.0;
            direction
        })
        .collect();
    let scale = (size as f32).sqrt();
    directions.push(numbers.normals(size).iter().map(|v| v / scale).collect());
    directions
}
