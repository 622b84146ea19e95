//! Loads stored tensors into the parameters of a module.

use std::collections::{BTreeMap, BTreeSet};

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};

use super::Stored;

/// The result of loading a file into a module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Parameters that were loaded.
    pub loaded: usize,
    /// Parameters of the module that the file lacks; they keep their initial values.
    pub missing: Vec<String>,
    /// Tensors of the file that the module does not have.
    pub unused: Vec<String>,
}

/// Attention projections that a file may store as one tensor, in this order.
const STACKED: [&str; 3] = ["query", "key", "value"];
/// Parameters with one entry per token along a dimension, of which a file may have fewer.
const PER_TOKEN: [(&str, usize); 3] = [
    ("base.asv_encoder.tokens.weight", 0),
    ("base.asv_encoder.nucleotides.weight", 1),
    ("base.asv_encoder.nucleotides.bias", 0),
];

/// Loads the parameters of `module`, whose paths start with `prefix`, using `names` (our path to
/// the name in the file). The third result lists mismatches.
pub(super) fn apply<M: Module>(
    module: M,
    prefix: &str,
    names: &BTreeMap<String, String>,
    tensors: &BTreeMap<String, Stored>,
) -> (M, ImportReport, Vec<String>) {
    let mut apply = Apply {
        names,
        tensors,
        path: prefix
            .trim_end_matches('.')
            .split('.')
            .filter(|s| !s.is_empty())
            .map(str::to_owned)
            .collect(),
        kinds: Vec::new(),
        used: BTreeSet::new(),
        report: ImportReport::default(),
        misfits: Vec::new(),
    };
    let module = module.map(&mut apply);
    let Apply {
        used,
        mut report,
        misfits,
        ..
    } = apply;
    report.unused = tensors
        .keys()
        .filter(|name| !used.contains(*name))
        .cloned()
        .collect();
    (module, report, misfits)
}

struct Apply<'a> {
    names: &'a BTreeMap<String, String>,
    tensors: &'a BTreeMap<String, Stored>,
    path: Vec<String>,
    kinds: Vec<String>,
    used: BTreeSet<String>,
    report: ImportReport,
    misfits: Vec<String>,
}

impl Apply<'_> {
    /// The path under which the file may have the current parameter.
    fn stored_path(&self) -> String {
        let mut path = self.path.clone();
        if self
            .kinds
            .last()
            .is_some_and(|kind| kind.ends_with("LayerNorm"))
            && let Some(last) = path.last_mut()
        {
            *last = match last.as_str() {
                "gamma" => "weight".to_owned(),
                "beta" => "bias".to_owned(),
                other => other.to_owned(),
            };
        }
        path.join(".")
    }

    fn find(&mut self, path: &str) -> Option<Stored> {
        if let Some(stored) = self.take(path) {
            return Some(stored);
        }
        let mut segments: Vec<&str> = path.split('.').collect();
        let place = segments.len().checked_sub(2)?;
        let third = STACKED.iter().position(|&name| name == segments[place])?;
        segments[place] = "qkv";
        let stacked = self.take(&segments.join("."))?;
        let rows = stacked.shape.first()? / 3;
        let size = stacked.values.len() / 3;
        let mut shape = stacked.shape;
        shape[0] = rows;
        Some(Stored {
            shape,
            values: stacked.values[third * size..(third + 1) * size].to_vec(),
        })
    }

    fn take(&mut self, path: &str) -> Option<Stored> {
        let name = self.names.get(path)?;
        let stored = self.tensors.get(name)?;
        self.used.insert(name.clone());
        Some(stored.clone())
    }

    fn is_linear_weight(&self) -> bool {
        self.kinds
            .last()
            .is_some_and(|kind| kind.ends_with("Linear"))
            && self.path.last().is_some_and(|name| name == "weight")
    }
}

impl ModuleMapper for Apply<'_> {
    fn enter_module(&mut self, name: &str, kind: &str) {
        self.path.push(name.to_owned());
        self.kinds.push(kind.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
        self.kinds.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let path = self.stored_path();
        let Some(mut stored) = self.find(&path) else {
            self.report.missing.push(self.path.join("."));
            return param;
        };
        if self.is_linear_weight() && stored.shape.len() == 2 {
            stored = transposed(&stored);
        }
        let shape = param.lazy_shape().to_vec();
        if stored.shape != shape {
            if has_fewer_tokens(&path, &stored.shape, &shape) {
                let mut values = param.val().into_data().iter::<f32>().collect::<Vec<_>>();
                write_corner(&stored, &shape, &mut values);
                stored = Stored { shape, values };
            } else {
                self.misfits.push(format!(
                    "'{}' is {shape:?}, in the file {:?}",
                    self.path.join("."),
                    stored.shape
                ));
                return param;
            }
        }
        self.report.loaded += 1;
        let data = TensorData::new(stored.values, stored.shape);
        let tensor = Tensor::from_data(data, &param.lazy_device());
        let id = param.id;
        param.transform_for_load(tensor, id)
    }
}

fn transposed(stored: &Stored) -> Stored {
    let (rows, columns) = (stored.shape[0], stored.shape[1]);
    let values = (0..rows * columns)
        .map(|i| stored.values[(i % rows) * columns + i / rows])
        .collect();
    Stored {
        shape: vec![columns, rows],
        values,
    }
}

fn has_fewer_tokens(path: &str, stored: &[usize], shape: &[usize]) -> bool {
    let Some((_, along)) = PER_TOKEN.iter().find(|(name, _)| *name == path) else {
        return false;
    };
    stored.len() == shape.len()
        && (0..shape.len()).all(|i| stored[i] == shape[i] || i == *along && stored[i] < shape[i])
}

/// Overwrites the first rows and columns of a vector or matrix.
fn write_corner(stored: &Stored, shape: &[usize], values: &mut [f32]) {
    let width = *shape.last().unwrap_or(&1);
    let part = *stored.shape.last().unwrap_or(&1);
    for (row, new) in values.chunks_mut(width).zip(stored.values.chunks(part)) {
        row[..part].copy_from_slice(new);
    }
}
