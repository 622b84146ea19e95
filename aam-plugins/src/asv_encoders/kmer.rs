//! A perceptron on the k-mers of an ASV.

use aam_api::tokens::{FIRST_BASE, LAST_BASE};
use aam_api::{AsvEncoder, AsvEncoderConfig, AsvEncoderContext, MixedPrecision, PluginError};
use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::activation::gelu;
use burn::tensor::{Device, IndexingUpdateOp, Int, Tensor, TensorData};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::layers::xavier_linear;

/// A perceptron on the k-mers of an ASV: `e = ‖·‖(W₃ gelu(W₂ gelu(W₁ x)))`.
///
/// `x` holds the square roots of k-mer counts. A k-mer and its reverse complement are counted together, so
/// both strands of a read have the same embedding. Embeddings have unit length. K-mers with an ambiguous
/// base are not counted. A read shorter than a k-mer has the embedding of a read without k-mers.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct KmerConfig {
    /// Length of a k-mer, in bases.
    #[schemars(range(min = 1, max = 8))]
    pub k: usize,
    /// Width of the two hidden layers.
    #[schemars(range(min = 1, max = 65_536))]
    pub hidden: usize,
}

impl Default for KmerConfig {
    fn default() -> Self {
        Self { k: 6, hidden: 1024 }
    }
}

/// The encoder that [`KmerConfig`] builds.
#[derive(Module, Debug)]
pub struct KmerEncoder {
    pub(super) input: Linear,
    pub(super) hidden: Linear,
    pub(super) output: Linear,
    /// Embeddings of typical ASVs, if available.
    pub(super) typical: Option<Param<Tensor<2>>>,
    #[module(skip)]
    pub(super) kmers: Kmers,
}

/// The k-mers of one length, with both strands merged.
#[derive(Clone, Debug)]
pub(super) struct Kmers {
    k: usize,
    /// The index of each k-mer, which it shares with its reverse complement.
    numbers: Vec<i32>,
    /// Number of distinct indices.
    count: usize,
}

impl Kmers {
    pub(super) fn new(k: usize) -> Self {
        let all = 1usize << (2 * k);
        let mut numbers = vec![-1; all];
        let mut count = 0;
        for kmer in 0..all {
            // The first base of a k-mer is its most significant digit in base 4, and 3 − b complements b.
            let reverse = (0..k).fold(0, |turned, i| 4 * turned + (3 - (kmer >> (2 * i)) % 4));
            if numbers[kmer] < 0 {
                numbers[kmer] = count;
                numbers[reverse] = count;
                count += 1;
            }
        }
        Self {
            k,
            numbers,
            count: count as usize,
        }
    }

    /// The vectors `x` of ASVs, `[ASVs, count]`, given tokens `[ASVs, length]` with a start token.
    fn of(&self, tokens: Tensor<2, Int>) -> Tensor<2> {
        let [asvs, length] = tokens.dims();
        let device = tokens.device();
        // One additional column, for k-mers with an ambiguous base.
        let none = Tensor::zeros([asvs, self.count + 1], &device);
        if length <= self.k {
            return none.slice([0..asvs, 0..self.count]);
        }
        let places = length - self.k;
        let (first, last) = (i64::from(FIRST_BASE), i64::from(LAST_BASE));
        let known = tokens.clone().greater_equal_elem(first);
        let known = known.bool_and(tokens.clone().lower_equal_elem(last)).int();
        let digits = (tokens - first) * known.clone();
        let shifted =
            |of: &Tensor<2, Int>, i: usize| of.clone().slice([0..asvs, 1 + i..1 + i + places]);
        let mut kmers = shifted(&digits, 0);
        let mut whole = shifted(&known, 0);
        for i in 1..self.k {
            kmers = kmers * 4 + shifted(&digits, i);
            whole = whole * shifted(&known, i);
        }
        let numbers = TensorData::new(self.numbers.clone(), [self.numbers.len()]);
        let numbers = Tensor::<1, Int>::from_data(numbers, &device);
        let found = numbers.select(0, kmers.reshape([asvs * places]));
        let found = found.reshape([asvs, places]);
        let found = found.mask_fill(whole.equal_elem(0), self.count as i64);
        let ones = Tensor::ones([asvs, places], &device);
        let counts = none.scatter(1, found, ones, IndexingUpdateOp::Add);
        let roots = counts.slice([0..asvs, 0..self.count]).sqrt();
        let length = roots.clone().square().sum_dim(1).clamp_min(1.0).sqrt();
        roots / length * (self.count as f64).sqrt()
    }
}

impl AsvEncoderConfig for KmerConfig {
    const NAME: &'static str = "kmer";
    type AsvEncoder = KmerEncoder;

    fn init(
        &self,
        context: &AsvEncoderContext,
        device: &Device,
    ) -> Result<KmerEncoder, PluginError> {
        let kmers = Kmers::new(self.k);
        Ok(KmerEncoder {
            input: xavier_linear(kmers.count, self.hidden, device),
            hidden: xavier_linear(self.hidden, self.hidden, device),
            output: xavier_linear(self.hidden, context.sizes.dim, device),
            typical: None,
            kmers,
        })
    }
}

impl AsvEncoder for KmerEncoder {
    fn forward(&self, tokens: Tensor<2, Int>, precision: MixedPrecision) -> Tensor<2> {
        let x = gelu(precision.linear(&self.input, self.kmers.of(tokens)));
        let x = gelu(precision.linear(&self.hidden, x));
        let e = precision.linear(&self.output, x);
        let length = (e.clone().square().sum_dim(1) + 1e-12).sqrt();
        e / length
    }

    fn typical_asvs(&self) -> Option<Tensor<2>> {
        self.typical.as_ref().map(|typical| typical.val().detach())
    }
}

aam_api::register!(aam_api::AsvEncoderKind, KmerConfig);

#[cfg(test)]
mod tests {
    use aam_api::ModelSizes;
    use aam_api::tokens::{AMBIGUOUS, START};

    use super::*;
    use crate::known::device;

    fn tokens(sequence: &str) -> Tensor<2, Int> {
        let token = |base: char| {
            "ACGT"
                .find(base)
                .map_or(AMBIGUOUS, |i| FIRST_BASE + i as u8)
        };
        let tokens: Vec<i32> = std::iter::once(START)
            .chain(sequence.chars().map(token))
            .map(i32::from)
            .collect();
        let shape = [1, tokens.len()];
        Tensor::from_data(TensorData::new(tokens, shape), &device())
    }

    fn x(k: usize, sequence: &str) -> Vec<f32> {
        let values = Kmers::new(k).of(tokens(sequence)).into_data();
        values.iter::<f32>().collect()
    }

    #[test]
    fn kmers_of_both_strands_are_merged() {
        assert_eq!((Kmers::new(1).count, Kmers::new(6).count), (2, 2080));
        // A and T occur three times, C and G once.
        let found = x(1, "AATG");
        let expected = [3f32, 1.0].map(|count| (count / 4.0 * 2.0).sqrt());
        assert!(
            found
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 1e-6),
            "{found:?}"
        );
        assert_eq!(x(4, "ACGGTTAGCATN"), x(4, "NATGCTAACCGT"));
        assert_ne!(x(4, "ACGGTTAGCAT"), x(4, "ACGGTTAGCAA"));
        // TT, TN, NA, AC: those with N are not counted.
        assert_eq!(x(2, "TTNAC"), x(2, "ACNAA"));
        assert!(x(6, "ACG").iter().all(|&value| value == 0.0));
    }

    #[test]
    fn embeddings_have_unit_length_and_ignore_the_strand() {
        let context = AsvEncoderContext::new(ModelSizes::new(8), 40);
        let encoder = KmerConfig::default().init(&context, &device()).unwrap();
        let embed = |sequence| encoder.forward(tokens(sequence), MixedPrecision::None);
        let there = embed("ACGGTTAGCATTACGGACCA");
        let back = embed("TGGTCCGTAATGCTAACCGT");
        let difference: f32 = (there.clone() - back).abs().max().into_scalar();
        let length: f32 = there.square().sum().into_scalar();
        assert!(difference < 1e-6 && (length - 1.0).abs() < 1e-5);
    }
}
