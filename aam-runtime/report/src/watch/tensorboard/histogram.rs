//! Histograms of weights.

use safetensors::{Dtype, SafeTensors};

use super::messages::Histogram;

/// Number of bins of a histogram.
const BINS: usize = 30;

/// The name and histogram of every floating-point tensor in a weights file.
pub fn of_weights(safetensors: &[u8]) -> Vec<(String, Histogram)> {
    let Ok(tensors) = SafeTensors::deserialize(safetensors) else {
        return Vec::new();
    };
    let mut all: Vec<_> = tensors
        .iter()
        .filter(|(_, tensor)| tensor.dtype() == Dtype::F32)
        .map(|(name, tensor)| (name.to_owned(), of(&values(tensor.data()))))
        .filter(|(_, histogram)| histogram.count > 0.0)
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn values(bytes: &[u8]) -> Vec<f64> {
    let (numbers, _) = bytes.as_chunks::<4>();
    let numbers = numbers
        .iter()
        .map(|bytes| f64::from(f32::from_le_bytes(*bytes)));
    numbers.filter(|value| value.is_finite()).collect()
}

/// The histogram of `values` in bins of equal width.
fn of(values: &[f64]) -> Histogram {
    let mut histogram = Histogram {
        min: values.iter().copied().fold(f64::INFINITY, f64::min),
        max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        count: values.len() as f64,
        sum: values.iter().sum(),
        squares: values.iter().map(|value| value * value).sum(),
        bins: Vec::new(),
    };
    let width = (histogram.max - histogram.min) / BINS as f64;
    if width <= 0.0 {
        histogram.bins = vec![(histogram.max, histogram.count)];
        return histogram;
    }
    let mut counts = [0.0; BINS];
    for value in values {
        let bin = ((value - histogram.min) / width) as usize;
        counts[bin.min(BINS - 1)] += 1.0;
    }
    let ends = (1..=BINS).map(|bin| histogram.min + width * bin as f64);
    histogram.bins = ends.zip(counts).collect();
    histogram
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_a_bin() {
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        let histogram = of(&values);
        let counted: f64 = histogram.bins.iter().map(|bin| bin.1).sum();
        assert_eq!((counted, histogram.count), (100.0, 100.0));
        assert_eq!(
            (histogram.min, histogram.max, histogram.sum),
            (0.0, 99.0, 4950.0)
        );
        assert!((histogram.bins[BINS - 1].0 - 99.0).abs() < 1e-9);
        assert_eq!(of(&[2.0, 2.0]).bins, [(2.0, 2.0)]);
    }
}
