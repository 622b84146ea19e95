//! A perceptron whose hidden layers are scaled and shifted depending on the categories.

use aam_api::dropout::drop;
use aam_api::export::{ExportedCategories, Graph, Value};
use aam_api::options::{Facts, Spelling};
use aam_api::{
    CategorySchema, Head, HeadConfig, HeadContext, HeadInput, HeadKind, HeadOutput, Kind,
    PluginError,
};
use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::layers::{Modulation, output_linear, xavier_linear};

/// Multi-layer perceptron whose hidden layers the categories scale and shift:
/// `hᵢ = dropout(max(0, γᵢ ⊙ (hᵢ₋₁ Wᵢ + bᵢ) + βᵢ))`, then `Linear`.
///
/// `h₀` is a sample's embedding `[dim]`; for the hidden width `wᵢ`, `γᵢ = c Gᵢ + gᵢ` and
/// `βᵢ = c Bᵢ + dᵢ`, both `[wᵢ]`, where `c` is the concatenation of the embeddings of the sample's
/// categories, without dropout. The meaning of a sample's values may thus depend on where it comes from.
/// Perez et al., *FiLM: Visual reasoning with a general conditioning layer*, AAAI 2018. `Gᵢ`, `Bᵢ` and
/// `dᵢ` are initialised with zeros and `gᵢ` with ones, so that initially it equals the `mlp` head. Needs
/// categorical columns and at least one hidden layer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct FilmHeadConfig {
    /// Widths of the hidden layers, from the embedding to the output.
    #[schemars(inner(range(min = 1, max = 65_536)))]
    pub hidden: Vec<usize>,
    /// Probability that a hidden value is dropped in training, in [0, 1).
    #[schemars(
        range(min = 0.0), extend("exclusiveMaximum" = 1),
        transform = Facts::new().search(0.0, 0.5)
    )]
    pub dropout: f64,
    /// Categorical columns that scale and shift; if empty, all columns of the run.
    #[schemars(transform = Facts::new().spelling(Spelling::flag("film-conditioning").chooses()))]
    pub columns: Vec<String>,
}

impl Default for FilmHeadConfig {
    fn default() -> Self {
        Self {
            hidden: vec![64],
            dropout: 0.0,
            columns: Vec::new(),
        }
    }
}

/// The head that [`FilmHeadConfig`] builds.
#[derive(Module, Debug)]
pub struct FilmHead {
    hidden: Vec<FilmLayer>,
    dropout: Dropout,
    output: Linear,
    outputs_per_target: usize,
    /// Positions of the columns that scale and shift.
    #[module(skip)]
    columns: Vec<usize>,
}

#[derive(Module, Debug)]
struct FilmLayer {
    linear: Linear,
    modulation: Modulation,
}

impl FilmHeadConfig {
    /// Positions of the columns in `schema`.
    fn positions(&self, schema: &CategorySchema) -> Result<Vec<usize>, PluginError> {
        if self.columns.is_empty() {
            return Ok((0..schema.columns.len()).collect());
        }
        let position = |name: &String| {
            schema.position(name).ok_or_else(|| {
                let known: Vec<&str> = schema.columns.iter().map(|c| c.name.as_str()).collect();
                let expected = format!("some of the categorical columns ({})", known.join(", "));
                PluginError::bad_option(HeadKind::NAME, Self::NAME, "columns", expected, name)
            })
        };
        self.columns.iter().map(position).collect()
    }
}

impl HeadConfig for FilmHeadConfig {
    const NAME: &'static str = "film";
    type Head = FilmHead;

    fn init(&self, context: &HeadContext, device: &Device) -> Result<FilmHead, PluginError> {
        context.expect_categories(Self::NAME)?;
        if self.hidden.is_empty() {
            return Err(PluginError::bad_option(
                HeadKind::NAME,
                Self::NAME,
                "hidden",
                "the width of at least one hidden layer, which the categories scale and shift",
                &self.hidden,
            ));
        }
        let columns = self.positions(&context.categories)?;
        let condition = columns
            .iter()
            .map(|&column| context.categories.columns[column].width)
            .sum();
        let mut width = context.dim;
        let mut hidden = Vec::with_capacity(self.hidden.len());
        for &next in &self.hidden {
            hidden.push(FilmLayer {
                linear: xavier_linear(width, next, device),
                modulation: Modulation::identity(condition, next, device),
            });
            width = next;
        }
        Ok(FilmHead {
            hidden,
            dropout: DropoutConfig::new(self.dropout).init(),
            output: output_linear(width, context.outputs(), device),
            outputs_per_target: context.outputs_per_target,
            columns,
        })
    }
}

impl Head for FilmHead {
    fn forward(&self, input: HeadInput) -> HeadOutput {
        let condition = input.categories.map(|categories| {
            let columns = self.columns.iter();
            Tensor::cat(columns.map(|&i| categories.columns[i].clone()).collect(), 1)
        });
        let hidden = self.hidden.iter().fold(input.pooled, |x, layer| {
            let x = layer.linear.forward(x);
            let x = match &condition {
                None => x,
                Some(condition) => {
                    let (scale, shift) = layer.modulation.forward(condition.clone());
                    x * scale + shift
                }
            };
            drop(&self.dropout, relu(x))
        });
        HeadOutput::from_columns(self.output.forward(hidden), self.outputs_per_target)
    }

    fn export(
        &self,
        graph: &mut Graph,
        pooled: &Value,
        categories: Option<&ExportedCategories>,
    ) -> Option<Value> {
        let columns = self.columns.iter();
        let columns = categories.map(|categories| {
            columns
                .map(|&i| categories.columns[i].clone())
                .collect::<Vec<_>>()
        });
        let condition = columns.map(|columns| graph.concat(&columns, 1));
        let hidden = self.hidden.iter().fold(pooled.clone(), |x, layer| {
            let x = graph.linear(&x, &layer.linear);
            let x = match &condition {
                None => x,
                Some(condition) => layer.modulation.export(graph, &x, condition),
            };
            graph.map("Relu", &x)
        });
        Some(graph.linear(&hidden, &self.output))
    }
}

aam_api::register_head!(FilmHeadConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::{assert_close, categories, device, linear, matrix, schema};

    fn context() -> HeadContext {
        HeadContext::new(2, 1, 1).with_categories(schema())
    }

    fn refused(config: &FilmHeadConfig, context: &HeadContext) -> String {
        let error = config.init(context, &device()).expect_err("out of range");
        error.to_string()
    }

    fn values(head: &FilmHead, location: f32, season: f32) -> Tensor<3> {
        let input = HeadInput::new(matrix([[1.0, -2.0]]), Some(categories(location, season)));
        head.forward(input).values
    }

    #[test]
    fn is_initially_a_perceptron() {
        let mut head = FilmHeadConfig::default()
            .init(&context(), &device())
            .expect("the defaults are in range");
        head.output = crate::layers::xavier_linear(64, 1, &device());
        let x = head.hidden[0].linear.forward(matrix([[1.0, -2.0]]));
        let expected: Vec<f32> = head
            .output
            .forward(relu(x))
            .into_data()
            .try_to_vec()
            .expect("f32 values");
        assert_close(values(&head, 3.0, 5.0), &expected);
    }

    #[test]
    fn categories_scale_and_shift_before_relu() {
        let config = FilmHeadConfig {
            hidden: vec![2],
            columns: vec!["season".to_owned()],
            ..Default::default()
        };
        let mut head = config.init(&context(), &device()).expect("in range");
        head.hidden[0] = FilmLayer {
            linear: linear([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.5]),
            modulation: Modulation {
                scale: linear([[2.0, 0.0]], [1.0, 1.0]),
                shift: linear([[-1.0, 1.0]], [0.0, 0.0]),
            },
        };
        head.output = linear([[1.0], [10.0]], [0.25]);
        // Season 3: [1, -1.5] scaled by [7, 1], shifted by [-3, 3]: [4, 1.5].
        assert_close(values(&head, 99.0, 3.0), &[4.0 + 15.0 + 0.25]);
        // Season -1: scaled by [-1, 1], shifted by [1, -1]: [0, -2.5].
        assert_close(values(&head, 99.0, -1.0), &[0.25]);
    }

    #[test]
    fn requires_categorical_columns_and_a_hidden_layer() {
        let config = FilmHeadConfig::default();
        let without = context().with_categories(CategorySchema::default());
        assert_eq!(
            refused(&config, &without),
            "head 'film' needs categorical columns; name some with --categorical-columns"
        );
        let unknown = FilmHeadConfig {
            columns: vec!["site".to_owned()],
            ..config.clone()
        };
        assert_eq!(
            refused(&unknown, &context()),
            "head 'film', option 'columns': expected some of the categorical columns \
             (location, season), found 'site'"
        );
        let shallow = FilmHeadConfig {
            hidden: Vec::new(),
            ..config
        };
        assert_eq!(
            refused(&shallow, &context()),
            "head 'film', option 'hidden': expected the width of at least one hidden layer, \
             which the categories scale and shift, found []"
        );
    }
}
