//! Studies with known truth, created by `aam simulate` and used by `aam demo`.
//!
//! Everything is based on one tree, which grows by splitting lineages at random. Sequences evolve
//! along the tree, and so do the responses of ASVs to the environment; related ASVs, with similar
//! sequences, therefore respond alike. In sample `s` with gradient `g` and habitat `h`, ASV `a` has
//!
//! ```text
//! log abundance = baseline[a] + slope[a]·g[s] + effect[a, h[s]] + hidden[a]·z[s] + noise
//! ```
//!
//! where `z` is an unmeasured variable of the sample. Rare ASVs are often absent; reads are then
//! drawn with overdispersion (Dirichlet-multinomial) to a sequencing depth that varies between
//! samples (log-normal). The metadata contains the gradient, the habitat and `ph`, a noisy
//! measurement of the gradient.

mod community;
mod options;
mod phylogeny;
mod sequences;
mod write;

use community::Community;
pub use community::Truth;
pub use options::SimulateOptions;
pub use write::check_place;

use aam_core::memory::available;
use aam_core::random::stream;
use aam_data::{DistanceMatrix, Table, Tree};
use aam_run::RunError;
use aam_unifrac::unifrac;

/// A simulated study.
#[derive(Clone, Debug, PartialEq)]
pub struct Study {
    /// Reads per sample and ASV; ASVs are named by their sequence.
    pub table: Table,
    /// Reads of new samples, a tenth as many, from the same community; some of their ASVs may occur
    /// in no other sample.
    pub new: Table,
    /// The tree on which the ASVs evolved, with tips named by sequence. It includes ASVs that occur
    /// in no sample.
    pub tree: Tree,
    /// Metadata, in table order.
    pub metadata: StudyMetadata,
    /// UniFrac distances between the samples, of the requested metric.
    pub unifrac: DistanceMatrix,
    /// The parameters from which the counts were drawn.
    pub truth: Truth,
}

/// Metadata of a simulated study, one value per sample. Values may be missing.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyMetadata {
    /// The environmental gradient: mean 0, variance 1 over many samples.
    pub gradient: Vec<f64>,
    /// A measurement of the gradient: `7 + 0.8·gradient`, with a standard error of 0.2.
    pub ph: Vec<Option<f64>>,
    /// The habitat.
    pub habitat: Vec<Option<&'static str>>,
}

/// Simulates a study. Equal options give equal studies.
///
/// # Errors
/// An option that is out of range; the error names it.
pub fn simulate(options: &SimulateOptions) -> Result<Study, RunError> {
    options.check()?;
    check_memory(options)?;
    let seed = options.seed;
    let mut phylogeny = phylogeny::grow(options.asvs, &mut stream(seed, "simulate tree"));
    let sequences = sequences::evolve(
        &phylogeny,
        options.sequence_length,
        &mut stream(seed, "simulate sequences"),
    );
    phylogeny.name = sequences;
    let Community {
        table,
        new,
        metadata,
        truth,
    } = community::draw(&phylogeny, options)?;
    let tree = Tree::new(&phylogeny.parent, phylogeny.length, phylogeny.name)?;
    let unifrac = unifrac(&tree, &table, options.metric)?;
    Ok(Study {
        table,
        new,
        tree,
        metadata,
        unifrac,
        truth,
    })
}

/// Rejects a study whose distances and sequences do not fit in memory.
fn check_memory(options: &SimulateOptions) -> Result<(), RunError> {
    let distances = 16 * (options.samples as u64).pow(2);
    let sequences = 2 * options.asvs as u64 * options.sequence_length as u64;
    let (key, value) = match distances > sequences {
        true => ("samples", options.samples),
        false => ("asvs", options.asvs),
    };
    let needed = distances + sequences;
    match available() {
        Some(free) if needed > free => {
            let problem = format!(
                "the study requires {:.1} GB, but only {:.1} GB of memory are free",
                needed as f64 / 1e9,
                free as f64 / 1e9
            );
            Err(RunError::value(key, value.to_string(), problem))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
