//! Test cases of the reference implementation on a device: given its weights, tokens and counts,
//! embeddings, nucleotides and distances must agree with its outputs.
//!
//! A case is a folder with `config.json`, `weights.safetensors`, `inputs/*.npy` and `outputs/*.npy`
//! (or `outputs_unmasked/` if the outputs are those of masked tokens), as in
//! `tests/fixtures/golden`. Only the base is computed: the heads of predictors are components,
//! which are covered by tests.

use std::fs;
use std::path::Path;

use aam_api::{NucleotideOutput, Resolved, SampleAsvs, SampleEncoderConfig, SampleView};
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use npyz::NpyFile;
use serde::Serialize;
use serde_json::Value;

use super::attention::TOLERANCE;
use crate::checkpoint::import_reference::ReferenceWeights;
use aam_core::io_words::unreadable;
use aam_model::device::caught;
use aam_model::{AttentionConfig, Base, Compatibility, DistanceScale, ModelConfig};

/// The difference of an output of a case.
#[derive(Clone, Debug, Serialize)]
pub struct GoldenReport {
    /// The folder of the case.
    pub case: String,
    /// The output.
    pub output: &'static str,
    /// Largest difference, relative to the largest value.
    pub difference: f64,
    /// Whether the difference is within [`TOLERANCE`].
    pub right: bool,
}

impl GoldenReport {
    /// Formats the result for people.
    pub fn in_words(&self) -> String {
        format!(
            "{} of {} differ by {:.1e}, where {TOLERANCE} is allowed",
            self.output, self.case, self.difference
        )
    }
}

/// Computes every case in `folder` on `device`.
///
/// # Errors
/// A folder without cases, or files that cannot be read; as a message.
pub fn run(folder: &Path, device: &Device) -> Result<Vec<GoldenReport>, String> {
    let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, &error).to_string())?;
    let mut cases: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("config.json").is_file())
        .collect();
    cases.sort();
    if cases.is_empty() {
        return Err(format!(
            "{}: no cases found, i.e. folders with config.json, weights.safetensors, inputs and outputs",
            folder.display()
        ));
    }
    let mut reports = Vec::new();
    for case in cases {
        let name = case.file_name().unwrap_or_default().to_string_lossy();
        reports.extend(run_case(&case, &name, device)?);
    }
    Ok(reports)
}

fn run_case(case: &Path, name: &str, device: &Device) -> Result<Vec<GoldenReport>, String> {
    let weights = ReferenceWeights::read(&case.join("weights.safetensors"))
        .map_err(|error| error.to_string())?;
    let base = Base::init(&config(case)?, device).map_err(|error| error.to_string())?;
    let (base, report) = weights.load_base(base).map_err(|error| error.to_string())?;
    if let Some(missing) = report.missing.first() {
        return Err(format!("{name}: weights.safetensors has no {missing}"));
    }
    let outputs = match case.join("outputs_unmasked").is_dir() {
        true => "outputs_unmasked",
        false => "outputs",
    };
    let asvs = match case.join(outputs).join("sample_embeddings.npy").exists() {
        true => "sample_embeddings",
        false => "base_embeddings",
    };
    let input = Input::read(case)?;
    let found = caught(|| input.outputs(&base.valid(), device))
        .flatten()
        .map_err(|problem| format!("{name}: {problem}"))?;
    let mut reports = Vec::new();
    for ((output, found), file) in [
        "embeddings of ASVs",
        "nucleotides",
        "embeddings of samples",
        "distances",
    ]
    .into_iter()
    .zip(found)
    .zip([asvs, "nuc_predictions", "embeddings", "pairwise_distances"])
    {
        let path = case.join(outputs).join(format!("{file}.npy"));
        if !path.exists() {
            continue;
        }
        let (_, mut expected) = array(&path)?;
        if output == "nucleotides" {
            expected = pick(&expected, &input.filled);
        }
        let difference = difference(&found, &expected);
        reports.push(GoldenReport {
            case: name.to_owned(),
            output,
            difference,
            right: difference <= TOLERANCE,
        });
    }
    match reports.is_empty() {
        true => Err(format!(
            "{}: no outputs to compare with; expected {outputs}/embeddings.npy or other outputs",
            case.display()
        )),
        false => Ok(reports),
    }
}

/// The shape of the model in `config.json` in the folder `case`, as built by the reference.
///
/// # Errors
/// A file that cannot be read or is not valid JSON; as a message.
pub fn config(case: &Path) -> Result<ModelConfig, String> {
    let path = case.join("config.json");
    let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error).to_string())?;
    let config: Value =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let kwargs = &config["kwargs"];
    let number = |name: &str| kwargs[name].as_u64().unwrap_or(0) as usize;
    Ok(ModelConfig {
        dim: number("embedding_dim"),
        heads: number("asv_num_heads"),
        asv_layers: number("asv_num_layers"),
        sample_layers: number("sample_num_layers"),
        encoder_layers: number("encoder_num_layers"),
        target_layers: number("target_num_layers"),
        count_layers: number("count_num_layers"),
        feed_forward: None,
        dropout: 0.0,
        category_dropout: 0.0,
        max_bp: number("max_bp"),
        token_limit: number("token_limit"),
        vocabulary: number("vocab_size"),
        count_embedding: Resolved::built_in(match kwargs["count_embedding_method"].as_str() {
            Some("add") => "add",
            Some("concat") => "concat",
            _ => "none",
        }),
        sample_encoder: Resolved::built_in(AttentionConfig::NAME),
        distance_scale: DistanceScale::Fixed,
        compatibility: Compatibility::reference(),
        ..ModelConfig::default().with_transformer()
    })
}

/// The tokens of a case: `[batch, slots, length]`, without slots of only padding.
struct Input {
    rows: Vec<i32>,
    filled: Vec<bool>,
    counts: Vec<f64>,
    shape: [usize; 3],
}

impl Input {
    fn read(case: &Path) -> Result<Self, String> {
        let path = case.join("inputs/tokens.npy");
        let (shape, values) = array(&path)?;
        let shape: [usize; 3] = shape
            .try_into()
            .map_err(|_| format!("{}: expected three axes", path.display()))?;
        let rows = || values.chunks(shape[2].max(1));
        let filled: Vec<bool> = rows().map(|row| row.iter().any(|&v| v > 0.0)).collect();
        let kept = rows().zip(&filled).filter(|&(_, &filled)| filled);
        let rows = kept.flat_map(|(row, _)| row.iter().map(|&v| v as i32));
        let path = case.join("inputs/counts.npy");
        let counts = match path.exists() {
            true => array(&path)?.1,
            false => vec![0.0; filled.len()],
        };
        if counts.len() != filled.len() {
            return Err(format!("{}: expected a count for each ASV", path.display()));
        }
        Ok(Self {
            rows: rows.collect(),
            counts,
            filled,
            shape,
        })
    }

    /// Embeddings of ASVs within samples, nucleotide logits, sample embeddings, and distances.
    fn outputs(&self, base: &Base, device: &Device) -> Result<[Vec<f64>; 4], String> {
        let [batch, slots, length] = self.shape;
        let number = self.rows.len() / length.max(1);
        let tokens =
            Tensor::from_data(TensorData::new(self.rows.clone(), [number, length]), device);
        let encoded = base.predict_nucleotides(tokens);
        let NucleotideOutput { embeddings, logits } = encoded.map_err(|error| error.to_string())?;
        let mut next = 0;
        let index: Vec<i32> = self
            .filled
            .iter()
            .map(|&filled| {
                next += i32::from(filled);
                (next - 1).max(0)
            })
            .collect();
        let input = SampleAsvs {
            index: Tensor::from_data(TensorData::new(index, [batch, slots]), device),
            mask: Tensor::from_data(TensorData::new(self.filled.clone(), [batch, slots]), device),
            counts: Tensor::from_data(TensorData::new(self.counts.clone(), [batch, slots]), device),
        };
        let contextual = match base.view(embeddings.clone(), &input) {
            SampleView::Asvs(contextual) => values(contextual),
            SampleView::Profiles(_) => Vec::new(),
        };
        let samples = base.embed_samples(embeddings, &input);
        let distances = base.distances(0, samples.clone());
        let distances = distances.map_err(|error| error.to_string())?;
        Ok([
            contextual,
            values(logits),
            values(samples),
            values(distances),
        ])
    }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// The rows of `values` where `filled` is true.
fn pick(values: &[f64], filled: &[bool]) -> Vec<f64> {
    let size = values.len() / filled.len().max(1);
    let rows = values.chunks(size.max(1)).zip(filled);
    rows.filter(|&(_, &filled)| filled)
        .flat_map(|(row, _)| row.to_vec())
        .collect()
}

/// Infinite if the lengths differ or values are not finite.
fn difference(found: &[f64], expected: &[f64]) -> f64 {
    if found.len() != expected.len() || found.iter().any(|value| !value.is_finite()) {
        return f64::INFINITY;
    }
    let largest = expected
        .iter()
        .fold(f64::MIN_POSITIVE, |a, b| a.max(b.abs()));
    let pairs = found.iter().zip(expected);
    pairs.fold(0.0, |worst: f64, (a, b)| worst.max((a - b).abs())) / largest
}

fn array(path: &Path) -> Result<(Vec<usize>, Vec<f64>), String> {
    let failed = |error: std::io::Error| unreadable(path, &error).to_string();
    let bytes = fs::read(path).map_err(failed)?;
    let file = NpyFile::new(&bytes[..]).map_err(failed)?;
    let shape = file.shape().iter().map(|&n| n as usize).collect();
    let values = match file.dtype().descr().trim_matches('\'') {
        "<f4" => file
            .into_vec::<f32>()
            .map_err(failed)?
            .into_iter()
            .map(f64::from)
            .collect(),
        "<f8" => file.into_vec::<f64>().map_err(failed)?,
        "<i8" => file
            .into_vec::<i64>()
            .map_err(failed)?
            .into_iter()
            .map(|value| value as f64)
            .collect(),
        other => return Err(format!("{}: numbers of type {other}", path.display())),
    };
    Ok((shape, values))
}
