use burn::tensor::{Bool, Int};

use super::*;

/// Four ASVs in a space of two dimensions.
fn z(device: &Device) -> Tensor<2> {
    let values = [[1.0, 0.2], [-0.5, 1.0], [0.3, -1.2], [-0.9, -0.4]];
    Tensor::from_data(values, device)
}

/// Samples in which all four occur.
fn samples(counts: [[f32; 4]; 2], device: &Device) -> SampleAsvs {
    SampleAsvs {
        index: Tensor::<2, Int>::from_data([[0, 1, 2, 3], [3, 2, 1, 0]], device),
        mask: Tensor::<2, Bool>::from_data([[true; 4]; 2], device),
        counts: Tensor::from_data(counts, device),
    }
}

#[test]
fn adding_a_constant_to_all_logarithms_changes_nothing() {
    let device = Device::flex();
    let composition = Composition::new(8, &device).with_mean_of(z(&device));
    let counts = [[6.0, 3.0, 1.0, 9.0], [5.0, 15.0, 2.0, 1.0]];
    // ln(1 + 2 (3n + 1)) = ln(1 + 2n) + ln 3
    let more = counts.map(|row| row.map(|count| 3.0 * count + 1.0));
    let of = |counts| composition.sums(z(&device), &samples(counts, &device));
    let largest: f32 = of(counts).abs().max().into_scalar();
    let difference: f32 = (of(counts) - of(more)).abs().max().into_scalar();
    assert!(
        largest > 1.0 && difference < 1e-4 * largest,
        "{largest} {difference}"
    );
}

#[test]
fn only_the_same_asv_has_the_same_codes() {
    let device = Device::flex();
    let row = |shift: f32| (0..16).map(move |i| (i as f32).sin() + shift * (3.0 * i as f32).cos());
    let rows: Vec<f32> = row(0.0).chain(row(0.1)).chain(row(0.0)).collect();
    let near = Tensor::from_data(TensorData::new(rows, [3, 16]), &device);
    let all = Composition::new(4096, &device).waves(&near).of(near);
    let product = |place: usize, a: usize, b: usize| -> f32 {
        let own = place * 4096..(place + 1) * 4096;
        let row = |asv: usize| all.clone().slice([asv..asv + 1, own.clone()]);
        (row(a) * row(b)).mean().into_scalar()
    };
    assert!(product(0, 0, 1).abs() < 0.2);
    assert!(product(0, 0, 2) > 0.9);
    assert!(product(2, 0, 1) > 0.9);
}

/// A composition fitted to two samples, and their sums.
fn fitted(features: usize, device: &Device) -> (Composition, Tensor<2>, SampleAsvs) {
    let composition = Composition::new(features, device).with_mean_of(z(device));
    let samples = samples([[6.0, 3.0, 1.0, 0.0], [5.0, 15.0, 2.0, 0.0]], device);
    let sums = composition.sums(z(device), &samples);
    let mut moments = FeatureMoments::default();
    moments.add(sums.clone());
    (composition.scaled(&moments), sums, samples)
}

#[test]
fn sums_have_their_lengths_over_the_training_samples() {
    let device = Device::flex();
    let (fitted, sums, _) = fitted(64, &device);
    let scaled = sums.reshape([2, CODES.len(), 64]) * fixed(&fitted.scale).reshape([1, 3, 1]);
    let center = fixed(&fitted.center).reshape([1, 64]);
    let mean = scaled.clone().sum_dim(1).reshape([2, 64]).mean_dim(0);
    assert!((mean - center).abs().max().into_scalar::<f32>() < 1e-4);
    let deviations = scaled.clone() - scaled.mean_dim(0);
    let lengths = deviations.square().mean_dim(2).mean_dim(0).reshape([3]);
    let all: f64 = CODES.iter().map(|codes| codes.length.powi(2)).sum();
    for (length, codes) in lengths.into_data().iter::<f64>().zip(CODES) {
        assert!((length - codes.length.powi(2) / all).abs() < 1e-3);
    }
}

#[test]
fn many_asvs_are_added_up_in_parts() {
    let device = Device::flex();
    let number = 2 * ASVS + 3;
    let z = Tensor::<1, Int>::arange(0..number as i64 * 2, &device).float();
    let z = (z * 0.37).sin().reshape([number, 2]);
    let composition = Composition::new(4, &device).with_mean_of(z.clone());
    let index = Tensor::<1, Int>::arange(0..number as i64, &device).unsqueeze_dim(0);
    let samples = SampleAsvs {
        mask: index.clone().greater_equal_elem(0),
        counts: (index.clone().float() * 0.01).floor(),
        index,
    };
    let expected = logarithms(&samples, number).matmul(composition.codes(&z)(z.clone()));
    let sums = composition.sums(z.clone(), &samples);
    let size: f32 = expected.clone().abs().max().into_scalar();
    let difference: f32 = (sums - expected).abs().max().into_scalar();
    assert!(
        size > 1.0 && difference < 1e-3 * size,
        "{difference} {size}"
    );
    let all = Tensor::<1, Int>::arange(0..number as i64, &device);
    let viewer = composition.viewer(z.clone());
    let SampleView::Profiles(viewed) = viewer(all, &samples) else {
        panic!("no profiles");
    };
    let difference = (viewed - composition.forward(z, &samples)).abs().max();
    assert!(difference.into_scalar::<f32>() < 1e-3);
}

#[test]
fn products_approximate_a_gaussian_kernel_between_log_ratios() {
    let device = Device::flex();
    let (asvs, number) = (300, 16_384);
    let z = Tensor::<1, Int>::arange(0..asvs * 8, &device).float();
    let z = ((z * 12.9898).sin() * 43.17).sin().reshape([asvs, 8]);
    let counts = |shift: i64| {
        let place = Tensor::<1, Int>::arange(shift..asvs + shift, &device).float();
        ((place * 0.9).sin() * 40.0).clamp_min(0.0).floor()
    };
    let index = Tensor::<1, Int>::arange(0..asvs, &device).unsqueeze_dim::<2>(0);
    let samples = SampleAsvs {
        index: Tensor::cat(vec![index.clone(), index.clone(), index], 0),
        mask: Tensor::<2, Bool>::from_data([[true; 300]; 3], &device),
        counts: Tensor::stack(vec![counts(0), counts(1), counts(7)], 0),
    };
    let composition = Composition::new(number, &device).with_mean_of(z.clone());
    let mut moments = FeatureMoments::default();
    moments.add(composition.sums(z.clone(), &samples));
    let composition = composition.scaled(&moments);
    let sums = over_asvs(&z, &samples, number, composition.scaled_codes(&z));
    let seen = composition.forward(z, &samples) / SIZE;
    for (a, b) in [(0, 1), (0, 2), (1, 2)] {
        let row = |of: &Tensor<2>, row: usize| of.clone().slice(row..row + 1);
        let distance = (row(&sums, a) - row(&sums, b)).square().mean();
        let expected = (-0.5 * distance.into_scalar::<f32>()).exp();
        let product: f32 = (row(&seen, a) * row(&seen, b)).mean().into_scalar();
        assert!((product - expected).abs() < 0.03, "{product} {expected}");
    }
}
