//! Losses on two reads of each organism.
//!
//! With unit-norm embeddings `z`:
//!
//! - organisms: among all reads of the other draw, the read of the same organism should be the
//!   nearest: the cross-entropy of softmax(z z' / τ) (van den Oord et al., *Representation learning
//!   with contrastive predictive coding*, 2018);
//! - taxa: at each rank, the vector of a read's taxon should be the nearest: the cross-entropy of
//!   softmax(z w / τ) (Movshovitz-Attias et al., *No fuss distance metric learning using proxies*,
//!   ICCV 2017);
//! - families: among all reads of other genera, those of the same family should be the nearest: −ln of
//!   their share of the sum of exp(z z' / τ) (after Khosla et al., *Supervised contrastive learning*,
//!   NeurIPS 2020). A genus that was never seen has no vector; its relatives are all there is to find;
//! - tree: 1 − r, for the correlation r of the distances ‖z − z'‖ with those in the tree.

use burn::module::{Initializer, Module, Param};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::genes::{FAMILY, GENUS, Gene, Genes, LEARNED_RANKS};

/// The temperatures τ for organisms, families and taxa.
const ORGANISM_TEMPERATURE: f64 = 0.1;
const FAMILY_TEMPERATURE: f64 = 0.1;
const TAXON_TEMPERATURE: f64 = 0.06;

/// A vector for each taxon at a rank.
#[derive(Module, Debug)]
pub(crate) struct Taxa {
    ranks: Vec<Param<Tensor<2>>>,
}

impl Taxa {
    /// Creates vectors for the taxa of `genes`, for embeddings of width `dim`.
    pub(crate) fn new(genes: &Genes, dim: usize, device: &Device) -> Self {
        let std = (dim as f64).powf(-0.5);
        let vectors = |&rank: &usize| {
            Initializer::Normal { mean: 0.0, std }.init([genes.taxa[rank], dim], device)
        };
        Self {
            ranks: LEARNED_RANKS.iter().map(vectors).collect(),
        }
    }

    /// The mean over ranks of the cross-entropy of reads `z`, `[reads, dim]`, of `genes`.
    pub(crate) fn loss(&self, z: &Tensor<2>, genes: &[&Gene]) -> Tensor<1> {
        let device = z.device();
        let losses = LEARNED_RANKS
            .iter()
            .zip(&self.ranks)
            .map(|(&rank, vectors)| {
                let known = genes.iter().enumerate();
                let known = known.filter_map(|(i, gene)| Some((i as i32, gene.taxa[rank]? as i32)));
                let (rows, taxa): (Vec<i32>, Vec<i32>) = known.unzip();
                if rows.is_empty() {
                    return Tensor::zeros([1], &device);
                }
                let reads = rows.len();
                let rows = Tensor::<1, Int>::from_data(TensorData::new(rows, [reads]), &device);
                let taxa = Tensor::<2, Int>::from_data(TensorData::new(taxa, [reads, 1]), &device);
                let similar = z
                    .clone()
                    .select(0, rows)
                    .matmul(unit(vectors.val()).transpose());
                -log_softmax(similar / TAXON_TEMPERATURE, 1)
                    .gather(1, taxa)
                    .mean()
            });
        Tensor::cat(losses.collect(), 0).mean()
    }
}

/// Normalises the rows of `x` to unit norm.
pub(crate) fn unit(x: Tensor<2>) -> Tensor<2> {
    let length = (x.clone().square().sum_dim(1) + 1e-12).sqrt();
    x / length
}

/// The organism loss of two reads with embeddings `a` and `b`, `[organisms, dim]`.
pub(crate) fn organisms(a: &Tensor<2>, b: &Tensor<2>) -> Tensor<1> {
    let similar = a.clone().matmul(b.clone().transpose()) / ORGANISM_TEMPERATURE;
    let own = |similar: Tensor<2>| {
        let [organisms, _] = similar.dims();
        let all = Tensor::<1, Int>::arange(0..organisms as i64, &similar.device());
        -log_softmax(similar, 1)
            .gather(1, all.unsqueeze_dim(1))
            .mean()
    };
    (own(similar.clone()) + own(similar.transpose())) / 2.0
}

/// The family loss of reads `z`, `[reads, dim]`, of `genes`: the mean over those with a read of another
/// genus of their family; 0 if there are none.
pub(crate) fn families(z: &Tensor<2>, genes: &[&Gene]) -> Tensor<1> {
    let reads = genes.len();
    let family = |i: usize| genes[i].taxa[FAMILY];
    let is_same_genus = |i: usize, j: usize| {
        let (a, b) = (genes[i], genes[j]);
        std::ptr::eq(a, b) || (a.taxa[GENUS].is_some() && a.taxa[GENUS] == b.taxa[GENUS])
    };
    let mut others = vec![0f32; reads * reads];
    let mut relatives = vec![0f32; reads * reads];
    let mut with_relatives = Vec::new();
    for i in 0..reads {
        let mut has_relatives = false;
        for j in (0..reads).filter(|&j| family(j).is_some() && !is_same_genus(i, j)) {
            others[i * reads + j] = 1.0;
            if family(i) == family(j) {
                relatives[i * reads + j] = 1.0;
                has_relatives = true;
            }
        }
        if has_relatives {
            with_relatives.push(i as i32);
        }
    }
    let device = z.device();
    if with_relatives.is_empty() {
        return Tensor::zeros([1], &device);
    }
    // Cosines are at most 1, so no exponential overflows.
    let similar = z.clone().matmul(z.clone().transpose());
    let weights = ((similar - 1.0) / FAMILY_TEMPERATURE).exp();
    let rows = with_relatives.len();
    let rows = Tensor::<1, Int>::from_data(TensorData::new(with_relatives, [rows]), &device);
    let sum_over = |pairs: Vec<f32>| {
        let pairs = Tensor::<2>::from_data(TensorData::new(pairs, [reads, reads]), &device);
        let sums = (weights.clone() * pairs).sum_dim(1);
        sums.select(0, rows.clone()).log()
    };
    (sum_over(others) - sum_over(relatives)).mean()
}

/// The loss of distances between `a` and `b`, both `[organisms, dim]`, whose tree distances are
/// `tree`, `[organisms, organisms]`.
pub(crate) fn tree(a: &Tensor<2>, b: &Tensor<2>, tree: Tensor<2>) -> Tensor<1> {
    let products = a.clone().matmul(b.clone().transpose());
    // Distances of an organism from itself are excluded, because organisms() covers them.
    let [organisms, _] = products.dims();
    let others = Tensor::<2>::ones([organisms, organisms], &products.device())
        - Tensor::eye(organisms, &products.device());
    let pairs = (organisms * (organisms - 1)) as f64;
    let distances = (products * -2.0 + 2.0).clamp_min(1e-6).sqrt();
    let centred = |x: Tensor<2>| {
        let mean = (x.clone() * others.clone()).sum() / pairs;
        (x - mean.unsqueeze_dim(0)) * others.clone()
    };
    let (x, y) = (centred(distances), centred(tree));
    let size = |x: Tensor<2>| (x.square().sum() + 1e-12).sqrt();
    let r = (x.clone() * y.clone()).sum() / (size(x) * size(y));
    -r + 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gene(family: u32, genus: u32) -> Gene {
        let mut taxa = [None; aam_data::RANK_NAMES.len()];
        (taxa[FAMILY], taxa[GENUS]) = (Some(family), Some(genus));
        Gene {
            sequence: String::new(),
            amplicons: [None; aam_data::AMPLICONS.len()],
            tip: 0,
            taxa,
        }
    }

    fn loss(genes: &[Gene], reads: [[f32; 2]; 3]) -> f32 {
        let z = Tensor::<2>::from_data(reads, &Device::flex());
        families(&z, &genes.iter().collect::<Vec<&Gene>>()).into_scalar()
    }

    #[test]
    fn relatives_of_other_genera_are_to_be_the_nearest() {
        let genes = [gene(0, 0), gene(0, 1), gene(1, 2)];
        let (x, y) = ([1.0, 0.0], [0.0, 1.0]);
        // The third has no relatives.
        let near = (1.0 + (-10f32).exp()).ln();
        assert!((loss(&genes, [x, x, y]) - near).abs() < 1e-5);
        let far = (2f32.ln() + (1.0 + 10f32.exp()).ln()) / 2.0;
        assert!((loss(&genes, [x, y, y]) - far).abs() < 1e-4);
    }

    #[test]
    fn reads_of_one_genus_are_not_relatives() {
        let genes = [gene(0, 0), gene(0, 0), gene(1, 1)];
        let reads = [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]];
        assert_eq!(loss(&genes, reads), 0.0);
    }
}
