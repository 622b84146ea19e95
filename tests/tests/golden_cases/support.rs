//! Loads a case of `fixtures/golden` and compares results with it.

use std::fs;
use std::path::{Path, PathBuf};

use aam_api::{
    BoxedLoss, CategoryColumn, CategorySchema, Choice, FusionKind, HeadKind, LossContext, LossKind,
    Registry, Resolved, SampleAsvs, SampleView, nucleotide_loss,
};
use aam_plugins as _;
use aam_runtime::model::{Base, ModelConfig, ModelInput};
use aam_runtime::train::checkpoint::import_reference::ReferenceWeights;
use aam_runtime::train::doctor::golden;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};
use serde_json::{Map, Value};

/// A case.
pub struct Case {
    directory: PathBuf,
}

/// `[batch, asvs]` of a case, and the rows of its ASVs.
pub struct Tokens {
    /// `[batch × asvs, length]` without the rows that are entirely padding.
    pub rows: Tensor<2, Int>,
    /// Whether a slot contains an ASV.
    pub filled: Vec<bool>,
    /// Number of samples.
    pub batch: usize,
    /// Number of slots per sample.
    pub slots: usize,
}

impl Case {
    /// The case `name`.
    pub fn new(name: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self {
            directory: root.join("fixtures/golden").join(name),
        }
    }

    /// A file of the case.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The weights under `name`.
    pub fn weights(&self, name: &str) -> ReferenceWeights {
        ReferenceWeights::read(&self.path(name)).unwrap()
    }

    /// A JSON file.
    pub fn json(&self, name: &str) -> Value {
        serde_json::from_str(&fs::read_to_string(self.path(name)).unwrap()).unwrap()
    }

    /// A value in `losses.json`.
    pub fn expected(&self, mode: &str, term: &str) -> f64 {
        self.json("losses.json")[mode][term].as_f64().unwrap()
    }

    /// Shape and values of an array.
    pub fn array(&self, name: &str) -> (Vec<usize>, Vec<f64>) {
        let bytes = fs::read(self.path(&format!("{name}.npy"))).unwrap();
        let file = npyz::NpyFile::new(&bytes[..]).unwrap();
        let shape = file.shape().iter().map(|&n| n as usize).collect();
        let values = match file.dtype().descr().trim_matches('\'') {
            "<f4" => file
                .into_vec::<f32>()
                .unwrap()
                .into_iter()
                .map(f64::from)
                .collect(),
            "<f8" => file.into_vec::<f64>().unwrap(),
            "<i8" => file
                .into_vec::<i64>()
                .unwrap()
                .into_iter()
                .map(|v| v as f64)
                .collect(),
            "|b1" => file
                .into_vec::<bool>()
                .unwrap()
                .into_iter()
                .map(|v| f64::from(u8::from(v)))
                .collect(),
            other => panic!("{name}: {other}"),
        };
        (shape, values)
    }

    /// An array as a tensor.
    pub fn tensor<const D: usize>(&self, name: &str) -> Tensor<D> {
        let (shape, values) = self.array(name);
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    /// A column of shape `[batch, 1]` or `[batch]` as `[batch, 1]`.
    pub fn column(&self, name: &str) -> Tensor<2> {
        let (shape, values) = self.array(name);
        let columns = shape.get(1).copied().unwrap_or(1);
        let shape = [shape[0], columns];
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    /// The tokens, with the token of masked bases where `mask` is set.
    pub fn tokens(&self, masked: bool) -> Tokens {
        let (shape, mut values) = self.array("inputs/tokens");
        if masked {
            let (_, mask) = self.array("inputs/mask_indices");
            for (token, mask) in values.iter_mut().zip(mask) {
                if mask == 1.0 {
                    *token = 6.0;
                }
            }
        }
        let (batch, slots, length) = (shape[0], shape[1], shape[2]);
        let filled: Vec<bool> = values
            .chunks(length)
            .map(|row| row.iter().any(|&token| token > 0.0))
            .collect();
        Tokens {
            rows: self.rows(&values, &filled, length),
            filled,
            batch,
            slots,
        }
    }

    fn rows(&self, values: &[f64], filled: &[bool], length: usize) -> Tensor<2, Int> {
        let rows = pick(values, filled, length);
        let number = rows.len() / length;
        let rows: Vec<i32> = rows.into_iter().map(|token| token as i32).collect();
        Tensor::from_data(TensorData::new(rows, [number, length]), &Device::flex())
    }

    /// The input of the model, with categories in the order of their names.
    pub fn input(&self, tokens: &Tokens, categories: &[&str]) -> ModelInput {
        let device = Device::flex();
        let shape = [tokens.batch, tokens.slots];
        let mut next = 0;
        let index: Vec<i32> = tokens
            .filled
            .iter()
            .map(|&filled| {
                next += i32::from(filled);
                (next - 1).max(0)
            })
            .collect();
        let counts = match self.path("inputs/counts.npy").exists() {
            true => self.tensor::<3>("inputs/counts").squeeze_dim(2),
            false => Tensor::zeros(shape, &device),
        };
        let ids: Vec<Tensor<2, Int>> = categories
            .iter()
            .map(|name| self.column(&format!("inputs/categorical_ids.{name}")).int())
            .collect();
        ModelInput {
            groups: vec![tokens.rows.clone()],
            samples: SampleAsvs {
                index: Tensor::from_data(TensorData::new(index, shape), &device),
                mask: Tensor::from_data(TensorData::new(tokens.filled.clone(), shape), &device),
                counts,
            },
            categories: (!ids.is_empty()).then(|| Tensor::cat(ids, 1)),
        }
    }

    /// The shape of the model in `config.json`, as built by the reference.
    pub fn model_config(&self) -> ModelConfig {
        golden::config(&self.directory).unwrap()
    }

    /// Compares `[batch × asvs, …]` at the slots that contain an ASV.
    pub fn check_rows<const D: usize>(&self, name: &str, found: Tensor<D>, tokens: &Tokens) {
        let (_, expected) = self.array(name);
        let size = expected.len() / tokens.filled.len();
        check(name, values(found), &pick(&expected, &tokens.filled, size));
    }

    /// Compares a whole array.
    pub fn check<const D: usize>(&self, name: &str, found: Tensor<D>) {
        check(name, values(found), &self.array(name).1);
    }

    /// Compares a term of the loss.
    pub fn check_loss(&self, mode: &str, term: &str, found: Tensor<1>) {
        let (found, expected) = (
            f64::from(found.into_scalar::<f32>()),
            self.expected(mode, term),
        );
        println!("{term}: {found} expected {expected}");
        assert!(
            (found - expected).abs() < 1e-5,
            "{term}: {found}, expected {expected}"
        );
    }

    /// Compares the L2 norm of the gradient of `module`.
    pub fn check_gradient<M: Module>(&self, mode: &str, module: &M, gradients: &Gradients) {
        let (found, expected) = (norm(module, gradients), self.expected(mode, "grad_norm"));
        println!("gradient: {found} expected {expected}");
        assert!(
            (found / expected - 1.0).abs() < 1e-4,
            "gradient {found}, expected {expected}"
        );
    }

    /// Mean cross-entropy of the nucleotides of the ASVs at the positions in the file `selected`;
    /// without it, at all positions except padding.
    pub fn nucleotides(
        &self,
        logits: Tensor<3>,
        clean: &Tokens,
        selected: Option<&str>,
    ) -> Tensor<1> {
        let not_padding = clean.rows.clone().greater_elem(0);
        let selected = match selected {
            None => not_padding,
            Some(name) => {
                let (shape, values) = self.array(name);
                let rows = self.rows(&values, &clean.filled, shape[2]);
                rows.equal_elem(1).bool_and(not_padding)
            }
        };
        let (sum, number) = nucleotide_loss(logits, clean.rows.clone(), selected);
        sum / number
    }
}

/// Embeddings of the ASVs in their samples, `[batch, asvs, dim]`, and of the samples, `[batch,
/// dim]`, from those of the distinct ASVs.
pub fn in_samples(base: &Base, asvs: Tensor<2>, input: &ModelInput) -> (Tensor<3>, Tensor<2>) {
    let view = base.view(asvs.clone(), &input.samples);
    let SampleView::Asvs(contextual) = view.clone() else {
        panic!("the reference keeps ASVs apart");
    };
    let samples = base.embed_view(view, asvs, &input.samples);
    (contextual, samples)
}

/// The rows of `size` values for which `filled` is true.
fn pick(values: &[f64], filled: &[bool], size: usize) -> Vec<f64> {
    values
        .chunks(size)
        .zip(filled)
        .filter(|&(_, &filled)| filled)
        .flat_map(|(row, _)| row.to_vec())
        .collect()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// Tolerance: 1e-4 of the value, or of the typical value if it is near zero.
fn check(name: &str, found: Vec<f64>, expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{name}: number of values");
    let squares: f64 = expected.iter().map(|v| v * v).sum();
    let typical = (squares / expected.len() as f64).sqrt();
    let mut worst: f64 = 0.0;
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (found - expected).abs();
        worst = worst.max(error / typical);
        let allowed = 1e-4 * expected.abs().max(0.1 * typical);
        assert!(
            error <= allowed,
            "{name}[{i}]: {found}, expected {expected}"
        );
    }
    println!("{name}: largest error {worst:.1e} of the typical value");
}

/// L2 norm of the gradients of all parameters.
pub fn norm<M: Module>(module: &M, gradients: &Gradients) -> f64 {
    struct Squares<'a>(&'a Gradients, f64);
    impl ModuleVisitor for Squares<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = param.val().grad(self.0) {
                self.1 += gradient
                    .into_data()
                    .iter::<f64>()
                    .map(|v| v * v)
                    .sum::<f64>();
            }
        }
    }
    let mut squares = Squares(gradients, 0.0);
    module.visit(&mut squares);
    squares.1.sqrt()
}

/// Compares the gradient of each parameter of `module` with the parameter of `expected`.
pub fn check_gradients<M: Module>(module: &M, gradients: &Gradients, expected: &M) {
    struct Collect<'a>(Option<&'a Gradients>, Vec<Vec<f64>>);
    impl ModuleVisitor for Collect<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let value = match self.0 {
                Some(gradients) => param.val().grad(gradients),
                None => Some(param.val()),
            };
            self.1.push(value.map(values).unwrap_or_default());
        }
    }
    let mut found = Collect(Some(gradients), Vec::new());
    module.visit(&mut found);
    let mut wanted = Collect(None, Vec::new());
    expected.visit(&mut wanted);
    assert_eq!(found.1.len(), wanted.1.len());
    let mut compared = 0;
    for (found, wanted) in found
        .1
        .iter()
        .zip(&wanted.1)
        .filter(|(found, _)| !found.is_empty())
    {
        let largest = wanted
            .iter()
            .fold(1e-3, |largest: f64, v| largest.max(v.abs()));
        for (found, wanted) in found.iter().zip(wanted) {
            assert!(
                (found - wanted).abs() < 1e-4 * largest,
                "{found}, expected {wanted}"
            );
        }
        compared += 1;
    }
    println!("gradients of {compared} of {} parameters", wanted.1.len());
    assert!(compared > 100, "{compared}");
}

fn choice(name: &str, options: Value) -> Choice {
    let options: Map<String, Value> = options.as_object().cloned().unwrap_or_default();
    Choice {
        options,
        ..Choice::named(name)
    }
}

/// A head by name.
pub fn head(name: &str, options: Value) -> Resolved {
    let registry = Registry::<HeadKind>::load().unwrap();
    registry.resolve(&choice(name, options)).unwrap()
}

/// A fusion by name.
pub fn fusion(name: &str, options: Value) -> Resolved {
    let registry = Registry::<FusionKind>::load().unwrap();
    registry.resolve(&choice(name, options)).unwrap()
}

/// A loss by name.
pub fn loss(name: &str, options: Value) -> BoxedLoss {
    let registry = Registry::<LossKind>::load().unwrap();
    let resolved = registry.resolve(&choice(name, options)).unwrap();
    let context = LossContext::number();
    registry
        .build(&resolved, &context, &Device::flex())
        .unwrap()
}

/// The categorical columns of the cases, of width 6.
pub fn schema(columns: &[(&str, usize)]) -> CategorySchema {
    let column = |&(name, levels): &(&str, usize)| CategoryColumn::new(name, levels, 6);
    CategorySchema::new(columns.iter().map(column).collect())
}
