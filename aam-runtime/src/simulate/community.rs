//! Samples drawn from the responses of ASVs to the environment.

use rand::{Rng, RngExt};
use rand_distr::{Binomial, Distribution, Gamma, LogNormal, StandardNormal};

use super::phylogeny::Phylogeny;
use super::{SimulateOptions, StudyMetadata};
use aam_core::DataError;
use aam_core::random::stream;
use aam_data::Table;

/// Habitat names, in the order in which studies use them.
pub(super) const HABITATS: [&str; 6] = ["gut", "soil", "water", "skin", "leaf", "rock"];

/// The fraction of an ASV's response to the environment that is inherited.
const INHERITED: f64 = 0.9;
/// The fraction of an ASV's baseline that is inherited.
const BASELINE_INHERITED: f64 = 0.4;
/// Standard deviation of the baselines in log abundance.
const BASELINE_SPREAD: f64 = 1.0;
/// The increase of the log odds of an ASV's presence per unit of log abundance.
const PRESENCE_SLOPE: f64 = 1.5;
/// The total of the Dirichlet distribution: the smaller, the more overdispersed the reads.
const CONCENTRATION: f64 = 200.0;

/// The parameters from which the counts of a simulated study are drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    /// Log abundance of each ASV of the table in the average environment, in table order.
    pub baseline: Vec<f64>,
    /// Change in log abundance per unit of the gradient, per ASV.
    pub slope: Vec<f64>,
    /// Change in log abundance in each habitat, per ASV.
    pub effect: Vec<Vec<f64>>,
    /// Names of the habitats.
    pub habitats: Vec<&'static str>,
    /// The gradient, per sample.
    pub gradient: Vec<f64>,
    /// The habitat as an index into `habitats`, per sample.
    pub habitat: Vec<usize>,
    /// The value of the hidden variable, per sample.
    pub hidden: Vec<f64>,
}

/// Draws samples on `tree`, whose tips are named.
pub(super) fn draw(
    tree: &Phylogeny,
    options: &SimulateOptions,
) -> Result<(Table, StudyMetadata, Truth), DataError> {
    let asvs = tree.tips();
    let rng = &mut stream(options.seed, "simulate traits");
    let mut trait_of = |inherited: f64, size: f64| -> Vec<f64> {
        tree.evolve(inherited, rng)
            .iter()
            .map(|v| v * size)
            .collect()
    };
    let baseline = trait_of(BASELINE_INHERITED, BASELINE_SPREAD);
    let slope = trait_of(INHERITED, options.gradient_effect);
    let hidden_slope = trait_of(INHERITED, options.hidden_effect);
    let effects: Vec<Vec<f64>> = (0..options.habitats)
        .map(|_| trait_of(INHERITED, options.habitat_effect))
        .collect();

    let rng = &mut stream(options.seed, "simulate environments");
    let gradient: Vec<f64> = (0..options.samples)
        .map(|_| rng.random_range(-1.0..1.0) * 3f64.sqrt())
        .collect();
    let habitat: Vec<usize> = (0..options.samples)
        .map(|_| rng.random_range(0..options.habitats))
        .collect();
    let hidden: Vec<f64> = (0..options.samples)
        .map(|_| rng.sample(StandardNormal))
        .collect();

    let log_abundance: Vec<Vec<f64>> = (0..options.samples)
        .map(|s| {
            let rng = &mut stream(options.seed, &format!("simulate abundances {s}"));
            (0..asvs)
                .map(|a| {
                    let noise: f64 = rng.sample(StandardNormal);
                    baseline[a]
                        + slope[a] * gradient[s]
                        + effects[habitat[s]][a]
                        + hidden_slope[a] * hidden[s]
                        + options.noise * noise
                })
                .collect()
        })
        .collect();
    let triplets = reads(&log_abundance, options);
    let width = options.samples.to_string().len().max(3);
    let sample_ids: Vec<String> = (1..=options.samples)
        .map(|s| format!("S{s:0width$}"))
        .collect();
    let asv_ids = tree.name[..asvs].iter().map(ToString::to_string).collect();
    let all = Table::from_triplets(sample_ids, asv_ids, &triplets)?;
    let table = all.clone().drop_empty_features()?;

    let columns = all.feature_index();
    let kept: Vec<usize> = table.feature_ids().iter().map(|id| columns[id]).collect();
    let of_kept = |values: &[f64]| kept.iter().map(|&a| values[a]).collect();
    let truth = Truth {
        baseline: of_kept(&baseline),
        slope: of_kept(&slope),
        effect: kept
            .iter()
            .map(|&a| effects.iter().map(|e| e[a]).collect())
            .collect(),
        habitats: HABITATS[..options.habitats].to_vec(),
        gradient,
        habitat,
        hidden,
    };
    let metadata = observe(&truth, options);
    Ok((table, metadata, truth))
}

/// The reads of each sample as `(sample, ASV, reads)`, given log abundances.
fn reads(log_abundance: &[Vec<f64>], options: &SimulateOptions) -> Vec<(u32, u32, u32)> {
    let threshold = presence_threshold(log_abundance, options.richness);
    let of_sample = |(s, abundance): (usize, &Vec<f64>)| {
        let rng = &mut stream(options.seed, &format!("simulate reads {s}"));
        let fractions = fractions(abundance, threshold, rng);
        let depth = LogNormal::new(options.depth.ln(), options.depth_spread)
            .map_or(options.depth, |spread| spread.sample(rng))
            .round()
            .max(10.0) as u64;
        let reads = multinomial(depth, &fractions, rng).into_iter().enumerate();
        reads.map(move |(a, count)| (s as u32, a as u32, count))
    };
    let samples = log_abundance.iter().enumerate();
    samples.flat_map(of_sample).collect()
}

/// The recorded metadata of the samples.
fn observe(truth: &Truth, options: &SimulateOptions) -> StudyMetadata {
    let rng = &mut stream(options.seed, "simulate metadata");
    let mut ph = Vec::new();
    let mut habitat = Vec::new();
    for (gradient, &h) in truth.gradient.iter().zip(&truth.habitat) {
        let error: f64 = rng.sample(StandardNormal);
        let seen = |rng: &mut rand_chacha::ChaCha8Rng| rng.random::<f64>() >= options.missing;
        ph.push(seen(rng).then_some(7.0 + 0.8 * gradient + 0.2 * error));
        habitat.push(seen(rng).then_some(truth.habitats[h]));
    }
    StudyMetadata {
        gradient: truth.gradient.clone(),
        ph,
        habitat,
    }
}

fn presence(log_abundance: f64, threshold: f64) -> f64 {
    1.0 / (1.0 + (-PRESENCE_SLOPE * (log_abundance - threshold)).exp())
}

/// The log abundance at which an ASV is present with probability 1/2, such that a sample has
/// `richness` ASVs on average.
fn presence_threshold(log_abundance: &[Vec<f64>], richness: f64) -> f64 {
    let mean = |threshold: f64| {
        let all = log_abundance.iter().flatten();
        all.map(|&a| presence(a, threshold)).sum::<f64>() / log_abundance.len() as f64
    };
    let (mut low, mut high) = (-100.0, 100.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if mean(middle) > richness {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// The expected fraction of the reads for each ASV in a sample; zero for absent ASVs.
fn fractions(log_abundance: &[f64], threshold: f64, rng: &mut impl Rng) -> Vec<f64> {
    let most = log_abundance
        .iter()
        .copied()
        .fold(f64::NEG_INFINITY, f64::max);
    let mut share: Vec<f64> = log_abundance
        .iter()
        .map(|&a| {
            // The most abundant ASV is always present, so that no sample is empty.
            let here = rng.random::<f64>() < presence(a, threshold) || a == most;
            if here { (a - most).exp() } else { 0.0 }
        })
        .collect();
    let total: f64 = share.iter().sum();
    for value in share.iter_mut().filter(|v| **v > 0.0) {
        *value = Gamma::new(CONCENTRATION * *value / total, 1.0)
            .map_or(*value, |gamma| gamma.sample(rng));
    }
    share
}

/// Distributes `depth` reads by `weights`, one binomial draw after the other.
fn multinomial(depth: u64, weights: &[f64], rng: &mut impl Rng) -> Vec<u32> {
    let mut reads_left = depth;
    let mut weight_left: f64 = weights.iter().sum();
    weights
        .iter()
        .map(|&weight| {
            let share = (weight / weight_left.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
            let drawn = Binomial::new(reads_left, share).map_or(0, |b| b.sample(rng));
            reads_left -= drawn;
            weight_left -= weight;
            drawn as u32
        })
        .collect()
}
