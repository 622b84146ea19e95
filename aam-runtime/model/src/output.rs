//! Transformations of head outputs that are values of the target: scaling by category, a learned
//! scale and shift, and an activation. All are off by default.

use std::collections::HashSet;
use std::fmt;

use aam_api::CategorySchema;
use aam_api::export::{Attribute, Graph, Value};
use burn::module::{Initializer, Module, Param, ParamId};
use burn::tensor::activation::{relu, sigmoid, softplus};
use burn::tensor::{Bool, Device, Int, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ModelError;
use super::parameters::parameter_ids;

/// Transformations of head outputs that are values of the target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct OutputConfig {
    /// Categorical columns with a scale and shift of the outputs for each level.
    pub conditional_scaling: Vec<String>,
    /// Whether each target has a learned scale and shift.
    pub learnable_scale: bool,
    /// The activation that maps outputs to the range of the target.
    pub activation: Activation,
}

/// The activation that maps outputs to the range of the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// No activation.
    #[default]
    None,
    /// max(x, 0).
    Relu,
    /// ln(1 + eˣ), above 0.
    Softplus,
    /// eˣ, above 0.
    Exp,
    /// 1 / (1 + e⁻ˣ), between 0 and 1.
    Sigmoid,
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Relu => "relu",
            Self::Softplus => "softplus",
            Self::Exp => "exp",
            Self::Sigmoid => "sigmoid",
        })
    }
}

/// The steps of an [`OutputConfig`].
#[derive(Module, Debug)]
pub struct OutputStage {
    conditional: Vec<ConditionalScale>,
    scale: Option<Param<Tensor<1>>>,
    bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    applies: Vec<bool>,
}

/// Scale and shift of every target for each level of a categorical column, `[levels, targets]`.
#[derive(Module, Debug)]
struct ConditionalScale {
    scale: Param<Tensor<2>>,
    bias: Param<Tensor<2>>,
    column: usize,
}

impl OutputStage {
    /// Creates the stage. `applies` says for each target whether outputs are its values. `None` if
    /// nothing would be changed.
    ///
    /// # Errors
    /// A column of `conditional_scaling` that is not one of the run's categorical columns.
    pub fn new(
        config: &OutputConfig,
        applies: &[bool],
        categories: &CategorySchema,
        device: &Device,
    ) -> Result<Option<Self>, ModelError> {
        let targets = applies.len();
        let mut conditional = Vec::new();
        for name in &config.conditional_scaling {
            let column = categories.position(name).ok_or_else(|| {
                let names: Vec<&str> = categories.columns.iter().map(|c| &*c.name).collect();
                let expected = match names.as_slice() {
                    [] => "categorical columns in the run".to_owned(),
                    names => format!("one of the categorical columns ({})", names.join(", ")),
                };
                ModelError::option("conditional-output-scaling", expected, name)
            })?;
            let shape = [categories.columns[column].levels, targets];
            conditional.push(ConditionalScale {
                scale: Initializer::Ones.init(shape, device),
                bias: Initializer::Zeros.init(shape, device),
                column,
            });
        }
        let nothing = conditional.is_empty()
            && !config.learnable_scale
            && config.activation == Activation::None;
        if nothing || !applies.contains(&true) {
            return Ok(None);
        }
        let learnable = |initializer: Initializer| {
            config
                .learnable_scale
                .then(|| initializer.init([targets], device))
        };
        Ok(Some(Self {
            conditional,
            scale: learnable(Initializer::Ones),
            bias: learnable(Initializer::Zeros),
            activation: config.activation,
            applies: applies.to_vec(),
        }))
    }

    /// The parameters of the scaling by category.
    pub fn category_parameters(&self) -> HashSet<ParamId> {
        parameter_ids(&self.conditional)
    }

    /// Transforms `[batch, targets, outputs]` to the same shape; `ids` is `[batch, columns]`.
    pub fn forward(&self, values: Tensor<3>, ids: Option<Tensor<2, Int>>) -> Tensor<3> {
        let [batch, targets, outputs] = values.dims();
        let mut y = values.clone();
        if let Some(ids) = ids {
            for step in &self.conditional {
                let id = ids.clone().slice([0..batch, step.column..step.column + 1]);
                let id = id.reshape([batch]);
                let row = |table: &Param<Tensor<2>>| -> Tensor<3> {
                    table.val().select(0, id.clone()).unsqueeze_dim(2)
                };
                y = y * row(&step.scale) + row(&step.bias);
            }
        }
        if let (Some(scale), Some(bias)) = (&self.scale, &self.bias) {
            let shape = [1, targets, 1];
            y = y * scale.val().reshape(shape) + bias.val().reshape(shape);
        }
        y = match self.activation {
            Activation::None => y,
            Activation::Relu => relu(y),
            Activation::Softplus => softplus(y, 1.0),
            Activation::Exp => y.exp(),
            Activation::Sigmoid => sigmoid(y),
        };
        if self.applies.iter().all(|&applies| applies) {
            return y;
        }
        let applies = Tensor::<1, Bool>::from_data(self.applies.as_slice(), &y.device());
        let applies = applies
            .reshape([1, targets, 1])
            .expand([batch, targets, outputs]);
        values.mask_where(applies, y)
    }

    /// The same in `graph`, for values `[batch, targets * outputs]`; `ids` are 64-bit integers.
    pub(crate) fn export(
        &self,
        graph: &mut Graph,
        values: &Value,
        ids: Option<&Value>,
        outputs: usize,
    ) -> Value {
        let mut y = values.clone();
        let steps = ids.map(|ids| self.conditional.iter().map(move |step| (step, ids)));
        for (step, ids) in steps.into_iter().flatten() {
            let place = graph.scalar(step.column as i64);
            let axis = vec![("axis", Attribute::Int(1))];
            let ids = graph.apply("Gather", &[ids, &place], axis);
            let mut row = |table: &Param<Tensor<2>>| {
                let table = graph.tensor(&for_each_output(table.val(), outputs));
                graph.rows_at(&table, &ids)
            };
            let (scale, bias) = (row(&step.scale), row(&step.bias));
            let scaled = graph.mul(&y, &scale);
            y = graph.add(&scaled, &bias);
        }
        if let (Some(scale), Some(bias)) = (&self.scale, &self.bias) {
            let [scale, bias] = [scale, bias].map(|of_targets| {
                let of_targets = of_targets.val().unsqueeze_dim(0);
                graph.tensor(&for_each_output(of_targets, outputs))
            });
            let scaled = graph.mul(&y, &scale);
            y = graph.add(&scaled, &bias);
        }
        y = match self.activation {
            Activation::None => y,
            Activation::Relu => graph.map("Relu", &y),
            Activation::Softplus => graph.map("Softplus", &y),
            Activation::Exp => graph.map("Exp", &y),
            Activation::Sigmoid => graph.map("Sigmoid", &y),
        };
        if self.applies.iter().all(|&applies| applies) {
            return y;
        }
        let applies = self.applies.iter();
        let applies = applies.flat_map(|&applies| std::iter::repeat_n(i64::from(applies), outputs));
        let applies: Vec<i64> = applies.collect();
        let applies = graph.constant(&[1, applies.len()], &applies);
        let zero = graph.scalar(0i64);
        let applies = graph.apply("Greater", &[&applies, &zero], vec![]);
        graph.apply("Where", &[&applies, &y, values], vec![])
    }
}

/// What belongs to each target, `[rows, targets]`, for each of its `outputs`, `[rows, targets * outputs]`.
fn for_each_output(of_targets: Tensor<2>, outputs: usize) -> Tensor<2> {
    let [rows, targets] = of_targets.dims();
    let repeated = of_targets
        .unsqueeze_dim::<3>(2)
        .expand([rows, targets, outputs]);
    repeated.reshape([rows, targets * outputs])
}
