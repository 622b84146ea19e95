//! Weights of the reference implementation, from a `.pt` checkpoint or a `.safetensors` file.
//!
//! The reference stores linear weights as `[out, in]`, stacks attention projections, and uses its
//! own names for everything; [`ReferenceWeights`] translates all three. Its older models have 6
//! tokens and its newer ones 7; if our model has more, the rows of the additional tokens keep their
//! initial values.

mod apply;
mod names;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aam_api::{Choice, Resolved};
use burn::module::Module;
use burn::store::pytorch_reader::{self, PytorchReader};
use safetensors::{Dtype, SafeTensors};

pub use apply::ImportReport;

use aam_core::memory::available;
use aam_data::bounded::{open_file, read_file};
use aam_data::tokens::VOCABULARY;
use aam_model::{
    Base, Compatibility, DistanceScale, ModelConfig, Predictor, PredictorConfig, Preset,
};

/// The key of the weights in a training checkpoint.
const STATE: &str = "model_state_dict.";
/// Number of parameters named in a message.
const SHOWN: usize = 3;

/// A file that is not a model of the reference, or not a suitable one.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", .path.display())]
pub struct ImportError {
    /// The file.
    pub path: PathBuf,
    /// The problem and its solution.
    pub problem: String,
}

/// The parameters in a file of the reference.
#[derive(Clone, Debug)]
pub struct ReferenceWeights {
    path: PathBuf,
    tensors: BTreeMap<String, Stored>,
}

/// The components of a predictor of the reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceComponents {
    /// The fusion.
    pub fusion: Choice,
    /// The head.
    pub head: Choice,
    /// Number of outputs of the head: targets × outputs per target.
    pub outputs: usize,
}

/// A stored tensor.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl ReferenceWeights {
    /// Reads a file. Its type is determined by its contents, not its name.
    ///
    /// # Errors
    /// A file that cannot be read, or that contains no weights.
    pub fn read(path: &Path) -> Result<Self, ImportError> {
        let fail = |problem: String| ImportError {
            path: path.to_owned(),
            problem,
        };
        open_file(path).map_err(|error| fail(error.to_string()))?;
        let is_safetensors = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("safetensors"));
        let tensors = match is_safetensors {
            true => read_safetensors(path),
            false => read_pytorch(path),
        };
        let tensors = tensors.map_err(fail)?;
        if !tensors
            .keys()
            .any(|name| name.contains("asv_encoder.token_embedding"))
        {
            return Err(fail(
                "expected a model of the reference implementation, found no \
                 'asv_encoder.token_embedding' among its tensors"
                    .to_owned(),
            ));
        }
        Ok(Self {
            path: path.to_owned(),
            tensors,
        })
    }

    /// The shape of the model in the file. The number of attention heads cannot be inferred from
    /// the weights and must be given (the reference's default is 4).
    ///
    /// # Errors
    /// Weights that lack a required part, or an invalid number of heads.
    pub fn model_config(&self, heads: usize) -> Result<ModelConfig, ImportError> {
        let ours = self.translated(&[]);
        let rows = |name: &str| self.shape(&ours, name).map(|shape| shape[0]);
        let tokens = self.shape(&ours, "base.asv_encoder.tokens.weight");
        let (Some(&[_, dim]), Some(positions)) =
            (tokens, rows("base.asv_encoder.positions.weight"))
        else {
            return Err(
                self.fail("expected tables of tokens and positions, found none or of another rank")
            );
        };
        let layers = |stack: &str| {
            let prefix = format!("{stack}.layers.");
            let numbers = ours.keys().filter_map(|name| {
                let (number, _) = name.strip_prefix(&prefix)?.split_once('.')?;
                number.parse::<usize>().ok()
            });
            numbers.max().map_or(0, |last| last + 1)
        };
        let count_embedding =
            match rows("base.samples.attention.sample_encoder.counts.embed.weight") {
                None => "none",
                Some(rows) if rows == 2 * dim => "film",
                Some(_)
                    if ours.contains_key(
                        "base.samples.attention.sample_encoder.counts.project.weight",
                    ) =>
                {
                    "concat"
                }
                Some(_) => "add",
            };
        let sample_positions = rows("base.samples.attention.sample_encoder.positions.weight");
        let preset = ModelConfig::preset(Preset::Base);
        let config = ModelConfig {
            dim,
            heads,
            asv_layers: layers("base.asv_encoder.transformer"),
            sample_layers: layers("base.samples.attention.sample_encoder.transformer"),
            encoder_layers: layers("base.samples.attention.encoder"),
            target_layers: layers("target.transformer"),
            count_layers: layers("counts.transformer"),
            feed_forward: rows("base.samples.attention.encoder.layers.0.expand.weight"),
            max_bp: positions.saturating_sub(1),
            token_limit: sample_positions.map_or(preset.token_limit, |n| n.saturating_sub(5)),
            vocabulary: VOCABULARY,
            count_embedding: Resolved::built_in(count_embedding),
            distance_scale: DistanceScale::Fixed,
            compatibility: Compatibility {
                sample_positions: sample_positions.is_some(),
                ambiguous_is_padding: true,
                ..Compatibility::default()
            },
            ..preset
        };
        config
            .validate()
            .map_err(|error| self.fail(error.to_string()))?;
        Ok(config)
    }

    /// The configuration of the predictor in the file in addition to base and components. Output
    /// activations cannot be inferred from the weights.
    pub fn predictor_config(&self) -> PredictorConfig {
        let ours = self.translated(&[]);
        let mut config = PredictorConfig {
            count_branch: ours.contains_key("counts.head.weight"),
            target_norm: ours.contains_key("norm.weight"),
            ..PredictorConfig::default()
        };
        config.output.learnable_scale = ours.contains_key("output.scale");
        config
    }

    /// Whether the file contains a predictor, as opposed to a pre-trained encoder.
    pub fn is_predictor(&self) -> bool {
        let ours = self.translated(&[]);
        ours.keys().any(|name| name.starts_with("head."))
    }

    /// The fusion and the head of the predictor in the file, with the options inferred from its
    /// weights, and the number of outputs of the head. `None` for a pre-trained encoder.
    pub fn components(&self) -> Option<ReferenceComponents> {
        let ours = self.translated(&[]);
        let rows = |name: &str| self.shape(&ours, name).map(|shape| shape[0]);
        let (_, head) = names::HEADS
            .iter()
            .find(|(sign, _)| ours.contains_key(*sign))?;
        let prefix = match ours.contains_key("head.mlp.output.weight") {
            true => "head.mlp",
            false => "head",
        };
        let mut head = Choice::named(*head);
        let hidden: Vec<usize> = (0..)
            .map_while(|i| rows(&format!("{prefix}.hidden.{i}.weight")))
            .collect();
        if !hidden.is_empty() {
            head.options.insert("hidden".to_owned(), hidden.into());
        }
        let found = names::FUSIONS
            .iter()
            .find(|(sign, ..)| ours.contains_key(*sign));
        let widths = self.categories().into_iter().map(|(.., width)| width);
        let projected = self.shape(&ours, "fusion.projection.weight");
        let alone = projected.is_some_and(|shape| shape.last() == Some(&widths.sum()));
        let mut fusion = Choice::named(match found {
            None => "none",
            Some(_) if alone => names::FUSION_OF_CATEGORIES,
            Some((_, name, _)) => name,
        });
        for option in found.map_or(&[][..], |(.., options)| options) {
            fusion.options.insert((*option).to_owned(), true.into());
        }
        if let Some(latents) = rows("fusion.latents") {
            let layers = (0..)
                .take_while(|i| ours.contains_key(&format!("fusion.layers.{i}.expand.weight")))
                .count();
            fusion.options.insert("latents".to_owned(), latents.into());
            fusion.options.insert("layers".to_owned(), layers.into());
        }
        Some(ReferenceComponents {
            fusion,
            head,
            outputs: rows(&format!("{prefix}.output.weight"))?,
        })
    }

    /// Name, number of levels and width of the categorical columns, in the order of the model's
    /// tables.
    pub fn categories(&self) -> Vec<(String, usize, usize)> {
        let ours = self.translated(&[]);
        let columns = names::category_names(&self.names());
        columns
            .into_iter()
            .enumerate()
            .filter_map(|(i, name)| {
                match self.shape(&ours, &format!("categories.tables.{i}.weight")) {
                    Some(&[levels, width]) => Some((name, levels, width)),
                    _ => None,
                }
            })
            .collect()
    }

    /// Loads the weights into a base, from a file of either kind of model.
    ///
    /// # Errors
    /// Parameters of another shape, or no parameters.
    pub fn load_base(&self, base: Base) -> Result<(Base, ImportReport), ImportError> {
        self.load(base, "base.", &[])
    }

    /// Loads the weights into a predictor; those of a pre-trained encoder into its base.
    /// `conditional` lists the columns of its conditional output scaling in order.
    ///
    /// # Errors
    /// Parameters of another shape, or no parameters.
    pub fn load_predictor(
        &self,
        predictor: Predictor,
        conditional: &[String],
    ) -> Result<(Predictor, ImportReport), ImportError> {
        self.load(predictor, "", conditional)
    }

    fn load<M: Module>(
        &self,
        module: M,
        prefix: &str,
        conditional: &[String],
    ) -> Result<(M, ImportReport), ImportError> {
        let ours = self.translated(conditional);
        let (module, report, misfits) = apply::apply(module, prefix, &ours, &self.tensors);
        if !misfits.is_empty() {
            let more = match misfits.len().saturating_sub(SHOWN) {
                0 => String::new(),
                more => format!("; and {more} more"),
            };
            return Err(self.fail(format!(
                "the model has other sizes than the file: {}{more}",
                misfits[..misfits.len().min(SHOWN)].join("; ")
            )));
        }
        if report.loaded == 0 {
            return Err(self.fail("no parameter in the file belongs to this model"));
        }
        Ok((module, report))
    }

    fn translated(&self, conditional: &[String]) -> BTreeMap<String, String> {
        names::translate(&self.names(), conditional)
    }

    fn names(&self) -> Vec<String> {
        self.tensors.keys().cloned().collect()
    }

    fn shape(&self, ours: &BTreeMap<String, String>, name: &str) -> Option<&[usize]> {
        let stored = self.tensors.get(ours.get(name)?)?;
        (!stored.shape.is_empty()).then_some(stored.shape.as_slice())
    }

    fn fail(&self, problem: impl Into<String>) -> ImportError {
        ImportError {
            path: self.path.clone(),
            problem: problem.into(),
        }
    }
}

fn read_safetensors(path: &Path) -> Result<BTreeMap<String, Stored>, String> {
    let room = available().unwrap_or(u64::MAX);
    let bytes = read_file(path, room).map_err(|error| error.to_string())?;
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|error| format!("expected a safetensors file: {error}"))?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.iter() {
        let data = view.data();
        let values = match view.dtype() {
            Dtype::F32 => floats(data, f32::from_ne_bytes),
            Dtype::F64 => floats(data, |bytes| f64::from_ne_bytes(bytes) as f32),
            Dtype::BF16 => floats(data, bf16),
            // Counters and masks, which the model does not have.
            Dtype::I64 | Dtype::I32 | Dtype::BOOL => continue,
            other => {
                return Err(format!(
                    "tensor '{name}': expected F32, F64 or BF16, found {other:?}"
                ));
            }
        };
        let shape = view.shape().to_vec();
        tensors.insert(name.to_owned(), Stored { shape, values });
    }
    Ok(tensors)
}

fn read_pytorch(path: &Path) -> Result<BTreeMap<String, Stored>, String> {
    let reader = PytorchReader::new(path)
        .map_err(|error| format!("expected a PyTorch checkpoint: {error}"))?;
    let nested = reader.tensors().keys().any(|name| name.starts_with(STATE));
    let mut tensors = BTreeMap::new();
    for (name, tensor) in reader.tensors() {
        let name = match (nested, name.strip_prefix(STATE)) {
            (true, None) => continue,
            (_, stripped) => stripped.unwrap_or(name),
        };
        let read = || {
            tensor
                .read()
                .map_err(|error| format!("tensor '{name}': {error}"))
        };
        let values = match tensor.dtype() {
            pytorch_reader::DType::F32 => floats(&read()?, f32::from_ne_bytes),
            pytorch_reader::DType::F64 => {
                floats(&read()?, |bytes| f64::from_ne_bytes(bytes) as f32)
            }
            pytorch_reader::DType::BF16 => floats(&read()?, bf16),
            _ => continue,
        };
        let shape = tensor.shape().to_vec();
        tensors.insert(name.to_owned(), Stored { shape, values });
    }
    Ok(tensors)
}

fn bf16(bytes: [u8; 2]) -> f32 {
    f32::from_bits(u32::from(u16::from_ne_bytes(bytes)) << 16)
}

fn floats<const N: usize>(bytes: &[u8], value: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let (values, _) = bytes.as_chunks::<N>();
    values.iter().map(|&bytes| value(bytes)).collect()
}
