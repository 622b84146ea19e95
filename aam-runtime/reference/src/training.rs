//! Updates of an encoder.

use aam_api::{BoxedAsvEncoder, MixedPrecision};
use aam_core::random::stream;
use burn::module::Module;
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::genes::{Gene, Genes};
use crate::losses::{self, Taxa, unit};
use crate::reads::{batch, sequenced};
use crate::tree_distances::TreeDistances;

/// Organisms of an update whose distances along the tree are learnt.
const IN_TREE: usize = 192;
/// Weight of the loss of distances along the tree.
const TREE_WEIGHT: f64 = 3.0;
/// The share of updates in which the rate rises.
const WARM_UP: f64 = 0.02;

/// How an encoder is trained.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Updates.
    pub steps: usize,
    /// Organisms of an update, of which there are two reads each.
    pub organisms: usize,
    /// The highest learning rate.
    pub rate: f64,
    /// What draws come from.
    pub seed: u64,
}

impl Plan {
    /// The learning rate of update number `step`, from 0: it rises, then falls like a cosine.
    fn rate_of(&self, step: usize) -> f64 {
        let done = (step + 1) as f64 / self.steps as f64;
        match done < WARM_UP {
            true => self.rate * done / WARM_UP,
            false => {
                let turn = std::f64::consts::PI * (done - WARM_UP) / (1.0 - WARM_UP);
                self.rate * (0.5 + 0.5 * turn.cos()).max(1e-3)
            }
        }
    }
}

/// The terms of the loss of an update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Losses {
    /// Of organisms.
    pub organisms: f64,
    /// Of taxa.
    pub taxa: f64,
    /// Of distances along the tree.
    pub tree: f64,
}

/// An encoder and the vectors of taxa.
#[derive(Module, Debug)]
pub(crate) struct Learning {
    pub(crate) encoder: BoxedAsvEncoder,
    taxa: Taxa,
}

/// An encoder in training.
pub struct Training<'a> {
    pub(crate) model: Learning,
    pub(crate) optimizer: ModuleOptimizer,
    genes: &'a Genes,
    distances: TreeDistances,
    pub(crate) plan: Plan,
    device: Device,
    /// Updates done.
    pub step: usize,
}

impl<'a> Training<'a> {
    /// Of `encoder`, whose embeddings are `dim` wide, on `device`, which has gradients.
    pub fn new(
        encoder: BoxedAsvEncoder,
        dim: usize,
        genes: &'a Genes,
        plan: Plan,
        device: &Device,
    ) -> Self {
        let model = Learning {
            encoder,
            taxa: Taxa::new(genes, dim, device),
        };
        Self {
            model,
            optimizer: ModuleOptimizer::from(AdamWConfig::new().with_weight_decay(1e-4).build()),
            genes,
            distances: TreeDistances::of(&genes.tree),
            plan,
            device: device.clone(),
            step: 0,
        }
    }

    /// The encoder as it is, without gradients.
    pub fn encoder(&self) -> BoxedAsvEncoder {
        self.model.encoder.clone().valid()
    }

    /// One update.
    pub fn update(&mut self) -> Losses {
        let mut random = stream(self.plan.seed, &format!("update {}", self.step));
        let all = &self.genes.training;
        let organisms: Vec<(&Gene, u64)> = (0..self.plan.organisms)
            .map(|_| (&all[random.random_range(0..all.len())], random.random()))
            .collect();
        let reads: Vec<[String; 2]> = organisms
            .par_iter()
            .map(|&(gene, seed)| {
                let mut random = ChaCha8Rng::seed_from_u64(seed);
                [(); 2].map(|()| sequenced(gene, &mut random))
            })
            .collect();
        let (first, second): (Vec<_>, Vec<_>) = reads.into_iter().map(|[a, b]| (a, b)).unzip();
        let genes: Vec<&Gene> = organisms.iter().map(|&(gene, _)| gene).collect();
        let [a, b] = [first, second].map(|reads| {
            let tokens = batch(&reads, &self.device);
            unit(self.model.encoder.forward(tokens, MixedPrecision::None))
        });
        let organisms = losses::organisms(&a, &b);
        let taxa = (self.model.taxa.loss(&a, &genes) + self.model.taxa.loss(&b, &genes)) / 2.0;
        let tree = self.tree_loss(&a, &b, &genes);
        let loss = organisms.clone() + taxa.clone() + tree.clone() * TREE_WEIGHT;
        let gradients = GradientsParams::from_grads(loss.backward(), &self.model);
        let rate = self.plan.rate_of(self.step);
        self.model = self.optimizer.step(rate, self.model.clone(), gradients);
        self.step += 1;
        let number = |term: Tensor<1>| f64::from(term.into_scalar::<f32>());
        Losses {
            organisms: number(organisms),
            taxa: number(taxa),
            tree: number(tree),
        }
    }

    /// Within one draw of reads and across the two.
    fn tree_loss(&self, a: &Tensor<2>, b: &Tensor<2>, genes: &[&Gene]) -> Tensor<1> {
        let genes = &genes[..genes.len().min(IN_TREE)];
        let (n, along) = (genes.len(), &self.distances);
        let distances: Vec<f32> = (0..n * n)
            .into_par_iter()
            .map(|i| along.between(genes[i / n].tip, genes[i % n].tip))
            .collect();
        let distances = Tensor::from_data(TensorData::new(distances, [n, n]), &self.device);
        let [a, b] = [a, b].map(|z| z.clone().slice(0..n));
        let within = losses::tree(&a, &a, distances.clone());
        let across = losses::tree(&a, &b, distances);
        (within + across) / 2.0
    }
}
