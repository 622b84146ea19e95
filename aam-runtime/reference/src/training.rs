//! The training of an encoder.

use std::collections::BTreeMap;

use aam_api::{BoxedAsvEncoder, MixedPrecision};
use aam_core::random::stream;
use burn::module::Module;
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::genes::{FAMILY, Gene, Genes};
use crate::losses::{self, Taxa, unit};
use crate::reads::{batch, sequenced};
use crate::tree_distances::TreeDistances;

/// Number of organisms per update whose tree distances are learned.
const IN_TREE: usize = 192;
/// Weight of the tree distance loss.
const TREE_WEIGHT: f64 = 3.0;
/// Number of organisms per family in an update. By chance alone, few families would have two.
const PER_FAMILY: usize = 4;
/// Fraction of the updates with a rising learning rate.
const WARM_UP: f64 = 0.02;

/// The plan of a training run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Number of updates.
    pub steps: usize,
    /// Number of organisms per update, with two reads each.
    pub organisms: usize,
    /// The maximum learning rate.
    pub rate: f64,
    /// Random seed.
    pub seed: u64,
}

impl Plan {
    /// The learning rate of update `step`, from 0: a linear warm-up followed by a cosine decay.
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

/// The loss terms of an update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Losses {
    /// The organism loss.
    pub organisms: f64,
    /// The family loss.
    pub families: f64,
    /// The taxon loss.
    pub taxa: f64,
    /// The tree distance loss.
    pub tree: f64,
}

/// An encoder and the taxon vectors.
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
    /// The training genes by family; those without one are together.
    families: BTreeMap<Option<u32>, Vec<usize>>,
    distances: TreeDistances,
    pub(crate) plan: Plan,
    device: Device,
    /// Number of completed updates.
    pub step: usize,
}

impl<'a> Training<'a> {
    /// Trains `encoder`, whose embeddings are `dim` wide, on `device`, which has gradients.
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
        let mut families: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (number, gene) in genes.training.iter().enumerate() {
            families.entry(gene.taxa[FAMILY]).or_default().push(number);
        }
        Self {
            model,
            families,
            optimizer: ModuleOptimizer::from(AdamWConfig::new().with_weight_decay(1e-4).build()),
            genes,
            distances: TreeDistances::of(&genes.tree),
            plan,
            device: device.clone(),
            step: 0,
        }
    }

    /// The current encoder, without gradients.
    pub fn encoder(&self) -> BoxedAsvEncoder {
        self.model.encoder.clone().valid()
    }

    /// Performs one update.
    pub fn update(&mut self) -> Losses {
        let organisms = self.organisms();
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
        let both: Vec<&Gene> = genes.iter().chain(&genes).copied().collect();
        let families = losses::families(&Tensor::cat(vec![a.clone(), b.clone()], 0), &both);
        let organisms = losses::organisms(&a, &b);
        let taxa = (self.model.taxa.loss(&a, &genes) + self.model.taxa.loss(&b, &genes)) / 2.0;
        let tree = self.tree_loss(&a, &b, &genes);
        let loss = organisms.clone() + families.clone() + taxa.clone() + tree.clone() * TREE_WEIGHT;
        let gradients = GradientsParams::from_grads(loss.backward(), &self.model);
        let rate = self.plan.rate_of(self.step);
        self.model = self.optimizer.step(rate, self.model.clone(), gradients);
        self.step += 1;
        let number = |term: Tensor<1>| f64::from(term.into_scalar::<f32>());
        Losses {
            organisms: number(organisms),
            families: number(families),
            taxa: number(taxa),
            tree: number(tree),
        }
    }

    /// The organisms of this update, each with a seed of its reads: some of a family, then of another.
    /// Families are drawn in proportion to their genes.
    fn organisms(&self) -> Vec<(&'a Gene, u64)> {
        let mut random = stream(self.plan.seed, &format!("update {}", self.step));
        let all = &self.genes.training;
        let mut organisms = Vec::with_capacity(self.plan.organisms + PER_FAMILY);
        while organisms.len() < self.plan.organisms {
            let family = all[random.random_range(0..all.len())].taxa[FAMILY];
            let drawn: Vec<usize> = self.families[&family]
                .sample(&mut random, PER_FAMILY)
                .copied()
                .collect();
            organisms.extend(drawn.into_iter().map(|gene| (&all[gene], random.random())));
        }
        organisms.truncate(self.plan.organisms);
        organisms
    }

    /// The tree loss within one draw of reads and across the two.
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
