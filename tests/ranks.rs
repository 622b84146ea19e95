//! Runs on several ranks and on a single rank, for tests that compare them.

use std::path::Path;

use safetensors::SafeTensors;

use crate::Aam;

/// Creates a study with 48 training and 12 validation samples.
pub const RANKS_STUDY: &str = "simulate --samples 60 --asvs 60 --sequence-length 30 \
                               --richness 20 --depth 300 --output-dir study";

/// A small model without dropout. The last batch of an epoch has three samples, fewer than there
/// are ranks.
pub const TINY: &str = "--embedding-dim 16 --attention-heads 2 --attention-layers 1 --dropout 0 \
                        --batch-size 9 --asv-chunk-size 16 --threads 2 --quiet";

/// Training configurations by name; together they cover every term of the loss.
pub const JOBS: [(&str, &str); 5] = [
    (
        "pretrain",
        "pretrain --table study/table.biom --tree study/tree.nwk --pooling attention",
    ),
    (
        "train",
        "train --test-size 0.2 --members network --table study/table.biom --tree study/tree.nwk --metadata study/metadata.tsv \
         --metadata-column ph --pooling attention --no-freeze-base --unifrac-weight 0.5 \
         --nucleotide-weight 0.3 --count-weight 0.4 --head moe --head.balance 1 --head.dropout 0 \
         --categorical-columns habitat --categorical-dropout 0 --fusion concat --baseline-trees 0",
    ),
    (
        "train-frozen",
        "train --test-size 0.2 --members network --table study/table.biom --metadata study/metadata.tsv --metadata-column ph \
         --pooling attention --freeze-base --categorical-columns habitat --categorical-dropout 0 \
         --head mlp --head.dropout 0 --categorical-loss-weights auto --max-grad-norm 0.1 \
         --baseline-trees 0",
    ),
    (
        "pretrain-on-nucleotides",
        "pretrain --table study/table.biom --unifrac-weight 0 --nucleotide-steps 20 \
         --nucleotide-batch-size 7 --gradient-accumulation-steps 2",
    ),
    (
        "pretrain-on-distances",
        "pretrain --table study/table.biom --tree study/tree.nwk --nucleotide-weight 0",
    ),
];

/// Runs in a folder, and the distances between them.
pub struct Runs<'a>(pub &'a Aam);

impl Runs<'_> {
    /// The weights of the run `name` after its last epoch, concatenated.
    pub fn weights(&self, name: &str) -> Vec<f32> {
        let path = self.0.path(&format!("{name}/checkpoints/last"));
        let entries = std::fs::read_dir(&path).expect("a checkpoint").flatten();
        let is_weights = |path: &Path| path.extension().is_some_and(|end| end == "safetensors");
        let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
        files.retain(|path| is_weights(path));
        files.sort();
        let mut values = Vec::new();
        for file in files {
            let bytes = std::fs::read(file).expect("weights");
            let tensors = SafeTensors::deserialize(&bytes).expect("tensors");
            let mut names = tensors.names();
            names.sort_unstable();
            for name in names {
                let tensor = tensors.tensor(name).expect("a tensor");
                if tensor.dtype() == safetensors::Dtype::F32 {
                    let numbers = tensor.data().as_chunks::<4>().0;
                    values.extend(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)));
                }
            }
        }
        values
    }

    /// A weight tensor of the run `name` after its last epoch.
    pub fn tensor(&self, name: &str, tensor: &str) -> Vec<f32> {
        let file = format!("{name}/checkpoints/last/model.safetensors");
        let bytes = std::fs::read(self.0.path(&file)).expect("weights");
        let tensors = SafeTensors::deserialize(&bytes).expect("tensors");
        let found = tensors.tensor(tensor).expect("a tensor of that name");
        let numbers = found.data().as_chunks::<4>().0;
        let numbers = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes));
        numbers.collect()
    }

    /// Distance of the weights of `other` from those of `run`, relative to the distance of the
    /// latter from `start`.
    pub fn apart(&self, start: &[f32], run: &str, other: &str) -> f64 {
        let (run, other) = (self.weights(run), self.weights(other));
        let length = |a: &[f32], b: &[f32]| {
            assert_eq!(a.len(), b.len());
            let squares = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2));
            squares.sum::<f64>().sqrt()
        };
        length(&run, &other) / length(&run, start)
    }

    /// The largest difference between the metrics of two runs, relative for metrics above 1; the
    /// best epoch must be the same.
    pub fn metrics_apart(&self, run: &str, other: &str) -> f64 {
        let read = |name: &str| self.0.read(&format!("{name}/metrics.tsv"));
        let (run, other) = (read(run), read(other));
        assert_eq!(run.lines().next(), other.lines().next());
        assert_eq!(run.lines().count(), other.lines().count());
        let cells = |text: &str| -> Vec<f64> {
            let lines = text.lines().skip(1);
            let cells = lines.flat_map(|line| line.split('\t'));
            cells
                .map(|cell| cell.parse().unwrap_or(f64::from(cell == "true")))
                .collect()
        };
        let pairs = cells(&run).into_iter().zip(cells(&other));
        let apart = pairs.map(|(a, b)| (a - b).abs() / a.abs().max(1.0));
        apart.fold(0.0, f64::max)
    }
}
