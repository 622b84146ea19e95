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

/// For so many samples of the study there is one new sample.
const NEW_PART: usize = 10;

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

/// The samples of a simulated study.
pub(super) struct Community {
    /// The samples of the study.
    pub table: Table,
    /// Further samples of the same community, without metadata.
    pub new: Table,
    /// The metadata of the former.
    pub metadata: StudyMetadata,
    /// The parameters.
    pub truth: Truth,
}

/// The environments of samples.
struct Environments {
    gradient: Vec<f64>,
    habitat: Vec<usize>,
    hidden: Vec<f64>,
}

impl Environments {
    fn draw(samples: usize, habitats: usize, rng: &mut impl Rng) -> Self {
        let gradient = (0..samples).map(|_| rng.random_range(-1.0..1.0) * 3f64.sqrt());
        let gradient = gradient.collect();
        let habitat = (0..samples)
            .map(|_| rng.random_range(0..habitats))
            .collect();
        let hidden = (0..samples).map(|_| rng.sample(StandardNormal)).collect();
        Self {
            gradient,
            habitat,
            hidden,
        }
    }
}

/// The responses of all ASVs of the tree.
struct Responses {
    baseline: Vec<f64>,
    slope: Vec<f64>,
    hidden_slope: Vec<f64>,
    /// By habitat.
    effects: Vec<Vec<f64>>,
}

impl Responses {
    fn draw(tree: &Phylogeny, options: &SimulateOptions) -> Self {
        let rng = &mut stream(options.seed, "simulate traits");
        let mut trait_of = |inherited: f64, size: f64| -> Vec<f64> {
            let evolved = tree.evolve(inherited, rng);
            evolved.iter().map(|v| v * size).collect()
        };
        Self {
            baseline: trait_of(BASELINE_INHERITED, BASELINE_SPREAD),
            slope: trait_of(INHERITED, options.gradient_effect),
            hidden_slope: trait_of(INHERITED, options.hidden_effect),
            effects: (0..options.habitats)
                .map(|_| trait_of(INHERITED, options.habitat_effect))
                .collect(),
        }
    }

    /// The log abundances of `asvs` ASVs in each sample; the first one has number `first`.
    fn log_abundances(
        &self,
        asvs: usize,
        (first, places): (usize, &Environments),
        options: &SimulateOptions,
    ) -> Vec<Vec<f64>> {
        let of_sample = |s: usize| {
            let rng = &mut stream(options.seed, &format!("simulate abundances {}", first + s));
            let of_asv = |a: usize| {
                let noise: f64 = rng.sample(StandardNormal);
                self.baseline[a]
                    + self.slope[a] * places.gradient[s]
                    + self.effects[places.habitat[s]][a]
                    + self.hidden_slope[a] * places.hidden[s]
                    + options.noise * noise
            };
            (0..asvs).map(of_asv).collect()
        };
        (0..places.gradient.len()).map(of_sample).collect()
    }
}

/// Draws samples on `tree`, whose tips are named.
pub(super) fn draw(tree: &Phylogeny, options: &SimulateOptions) -> Result<Community, DataError> {
    let asvs = tree.tips();
    let responses = Responses::draw(tree, options);
    let environments = |samples: usize, purpose: &str| {
        Environments::draw(
            samples,
            options.habitats,
            &mut stream(options.seed, purpose),
        )
    };
    let places = environments(options.samples, "simulate environments");
    let log_abundance = responses.log_abundances(asvs, (0, &places), options);
    let threshold = presence_threshold(&log_abundance, options.richness);
    let asv_ids: Vec<String> = tree.name[..asvs].iter().map(ToString::to_string).collect();
    let reads_of =
        |log_abundance: &[Vec<f64>], first| reads(log_abundance, (first, threshold), options);
    let ids = sample_ids('S', options.samples);
    let all = Table::from_triplets(ids, asv_ids.clone(), &reads_of(&log_abundance, 0))?;
    let table = all.clone().drop_empty_features()?;

    let count = (options.samples / NEW_PART).max(1);
    let of_new = environments(count, "simulate new environments");
    let log_abundance = responses.log_abundances(asvs, (options.samples, &of_new), options);
    let new = reads_of(&log_abundance, options.samples);
    let new = Table::from_triplets(sample_ids('N', count), asv_ids, &new)?;

    let columns = all.feature_index();
    let kept: Vec<usize> = table.feature_ids().iter().map(|id| columns[id]).collect();
    let of_kept = |values: &[f64]| kept.iter().map(|&a| values[a]).collect();
    let effect = |&a: &usize| responses.effects.iter().map(|e| e[a]).collect();
    let truth = Truth {
        baseline: of_kept(&responses.baseline),
        slope: of_kept(&responses.slope),
        effect: kept.iter().map(effect).collect(),
        habitats: HABITATS[..options.habitats].to_vec(),
        gradient: places.gradient,
        habitat: places.habitat,
        hidden: places.hidden,
    };
    Ok(Community {
        new: new.drop_empty_features()?,
        metadata: observe(&truth, options),
        table,
        truth,
    })
}

/// The ids of samples: `letter` and their numbers from 1.
fn sample_ids(letter: char, samples: usize) -> Vec<String> {
    let width = samples.to_string().len().max(3);
    (1..=samples)
        .map(|s| format!("{letter}{s:0width$}"))
        .collect()
}

/// The reads of each sample as `(sample, ASV, reads)`, given log abundances, the number of the first
/// sample, and the log abundance at which an ASV is present in half of the samples.
fn reads(
    log_abundance: &[Vec<f64>],
    (first, threshold): (usize, f64),
    options: &SimulateOptions,
) -> Vec<(u32, u32, u32)> {
    let of_sample = |(s, abundance): (usize, &Vec<f64>)| {
        let rng = &mut stream(options.seed, &format!("simulate reads {}", first + s));
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
