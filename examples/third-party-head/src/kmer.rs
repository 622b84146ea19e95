//! An ASV encoder in one file: how often each k-mer occurs, through two layers.
//!
//! ```text
//! cargo run --release -- plugins describe asv-encoder kmer-counts
//! cargo run --release -- pretrain --asv-encoder kmer-counts --asv-encoder.k 4 --nucleotide-weight 0 …
//! ```

use aam_api::tokens::{FIRST_BASE, LAST_BASE};
use aam_api::{
    AsvEncoder, AsvEncoderConfig, AsvEncoderContext, AsvEncoderKind, Kind, MixedPrecision,
    PluginError,
};
use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::gelu;
use burn::tensor::{Device, Int, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Frequencies of k-mers through two layers: `e = LayerNorm(gelu(f W + b) V + c)`.
///
/// `f` `[4ᵏ]` are the frequencies of the words of `k` bases in an ASV, of those without an ambiguous
/// base. It has no vector for a place of an ASV, so it is not pre-trained on masked nucleotides.
/// K-mer frequencies as features of 16S sequences: Wang and others, *Naïve Bayesian classifier for
/// rapid assignment of rRNA sequences*, 2007.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct KmerEncoderConfig {
    /// Bases of a word, at most 6.
    #[schemars(range(min = 1, max = 6))]
    pub k: usize,
}

impl Default for KmerEncoderConfig {
    fn default() -> Self {
        Self { k: 3 }
    }
}

/// The encoder that [`KmerEncoderConfig`] builds.
#[derive(Module, Debug)]
pub struct KmerEncoder {
    hidden: Linear,
    output: Linear,
    norm: LayerNorm,
    k: usize,
}

impl AsvEncoderConfig for KmerEncoderConfig {
    const NAME: &'static str = "kmer-counts";
    type AsvEncoder = KmerEncoder;

    fn init(
        &self,
        context: &AsvEncoderContext,
        device: &Device,
    ) -> Result<KmerEncoder, PluginError> {
        if !(1..=6).contains(&self.k) {
            let (kind, expected) = (AsvEncoderKind::NAME, "a number from 1 to 6");
            return Err(PluginError::bad_option(
                kind,
                Self::NAME,
                "k",
                expected,
                self.k,
            ));
        }
        let dim = context.sizes.dim;
        let words = 4usize.pow(self.k as u32);
        Ok(KmerEncoder {
            hidden: LinearConfig::new(words, 2 * dim).init(device),
            output: LinearConfig::new(2 * dim, dim).init(device),
            norm: LayerNormConfig::new(dim).init(device),
            k: self.k,
        })
    }
}

impl KmerEncoder {
    /// Frequencies of the words in each ASV, `[ASVs, 4ᵏ]`.
    fn frequencies(&self, tokens: Tensor<2, Int>) -> Tensor<2> {
        let [asvs, length] = tokens.dims();
        let words = 4usize.pow(self.k as u32);
        let places = (length + 1).saturating_sub(self.k);
        if places == 0 {
            return Tensor::zeros([asvs, words], &tokens.device());
        }
        let is_base = tokens
            .clone()
            .greater_equal_elem(FIRST_BASE)
            .bool_and(tokens.clone().lower_equal_elem(LAST_BASE))
            .int();
        let bases = tokens - i64::from(FIRST_BASE);
        let mut word = Tensor::<2, Int>::zeros([asvs, places], &bases.device());
        let mut whole = word.ones_like();
        for offset in 0..self.k {
            let window = [0..asvs, offset..offset + places];
            word = word * 4 + bases.clone().slice(window.clone());
            whole = whole * is_base.clone().slice(window);
        }
        let all = Tensor::<1, Int>::arange(0..words as i64, &word.device());
        let is_word = word.unsqueeze_dim::<3>(2).equal(all.reshape([1, 1, words]));
        let counts = is_word.float() * whole.clone().float().unsqueeze_dim::<3>(2);
        let counts = counts.sum_dim(1).reshape([asvs, words]);
        counts / whole.float().sum_dim(1).clamp_min(1.0)
    }
}

impl AsvEncoder for KmerEncoder {
    fn forward(&self, tokens: Tensor<2, Int>, precision: MixedPrecision) -> Tensor<2> {
        // Frequencies are small; about 1 long, they reach the range in which the layer is not linear.
        let frequencies = self.frequencies(tokens) * 4f64.powf(self.k as f64 / 2.0);
        let hidden = gelu(precision.linear(&self.hidden, frequencies));
        self.norm.forward(precision.linear(&self.output, hidden))
    }
}

aam_api::register!(AsvEncoderKind, KmerEncoderConfig);

#[cfg(test)]
mod tests {
    use aam_api::ModelSizes;

    use super::*;

    #[test]
    fn words_are_counted_and_those_with_an_ambiguous_base_are_not() {
        let device = Device::default();
        let context = AsvEncoderContext::new(ModelSizes::new(2), 10);
        let config = KmerEncoderConfig { k: 2 };
        let encoder = config.init(&context, &device).expect("2 is in range");
        // The start, then ACGA and A, ambiguous, GA.
        let tokens = Tensor::<2, Int>::from_ints([[5, 1, 2, 3, 1], [5, 1, 7, 3, 1]], &device);
        let found: Vec<f32> = encoder.frequencies(tokens).into_data().iter().collect();
        let (ac, cg, ga) = (1, 4 + 2, 2 * 4);
        let mut expected = [0.0; 32];
        for word in [ac, cg, ga] {
            expected[word] = 1.0 / 3.0;
        }
        expected[16 + ga] = 1.0;
        let furthest = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
        assert!(furthest.fold(0.0, f32::max) < 1e-6, "{found:?}");
    }
}
