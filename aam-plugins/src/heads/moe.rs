//! Mixture of experts.

use aam_api::export::{Attribute, ExportedCategories, Graph, Value};
use aam_api::options::{Facts, Spelling};
use aam_api::{
    Head, HeadConfig, HeadContext, HeadInput, HeadKind, HeadOutput, Kind, Logged, Observation,
    PluginError,
};
use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::heads::mlp::{MlpHead, MlpHeadConfig};
use crate::layers::output_linear;

/// The value of `routing` with which the router sees the sample's embedding.
const EMBEDDING: &str = "embedding";

/// Mixture of experts: `y = Σ_e g_e MLP_e(x)`, a sum of perceptrons with weights `g` from a router.
///
/// `x` is the sample's embedding `[dim]`, each expert an `mlp` head. The router gives
/// `p = softmax(r W + b)` `[experts]`, where `r` is the sample's embedding or that of a categorical column.
/// Either all experts are used (`g = p`) or the `top-k` most probable: with two or more, `g` is `p` scaled
/// to a sum of 1 (Shazeer et al., *Outrageously large neural networks*, ICLR 2017), with one, `p` itself,
/// so that the router learns. The penalty `balance · experts · Σ_e f_e P_e`, where `f_e` is the fraction of
/// samples whose most probable expert is `e` and `P_e` the mean of `p_e`, is smallest if all experts are
/// used equally: Fedus et al., *Switch transformers*, JMLR 2022. The weights, scaled to a sum of 1, can be
/// extracted (`expert_share`, `[batch, 1, 1, experts]`), and a run reports the mean of each.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct MoeHeadConfig {
    /// Number of experts, at least 2.
    #[schemars(range(min = 2, max = 1_000))]
    pub experts: usize,
    /// Number of experts used per sample; if unset, all.
    #[schemars(range(min = 1, max = 1_000))]
    pub top_k: Option<usize>,
    /// Input of the router: `embedding` for the sample's embedding, or a categorical column.
    #[schemars(transform = Facts::new().spelling(Spelling::flag("moe-routing").chooses()))]
    pub routing: String,
    /// Weight of the penalty on uneven use of the experts, at least 0.
    #[schemars(range(min = 0.0))]
    pub balance: f64,
    /// Widths of the hidden layers of each expert, from the embedding to the output.
    #[schemars(inner(range(min = 1, max = 65_536)))]
    pub hidden: Vec<usize>,
    /// Probability that a hidden value is dropped in training, in [0, 1).
    #[schemars(
        range(min = 0.0), extend("exclusiveMaximum" = 1),
        transform = Facts::new().search(0.0, 0.5)
    )]
    pub dropout: f64,
}

impl Default for MoeHeadConfig {
    fn default() -> Self {
        let MlpHeadConfig { hidden, dropout } = MlpHeadConfig::default();
        Self {
            experts: 4,
            top_k: None,
            routing: EMBEDDING.to_owned(),
            balance: 0.01,
            hidden,
            dropout,
        }
    }
}

/// The head that [`MoeHeadConfig`] builds.
#[derive(Module, Debug)]
pub struct MoeHead {
    experts: Vec<MlpHead>,
    router: Linear,
    /// Position of the categorical column that the router sees, unless it sees the embedding.
    column: Option<usize>,
    /// Number of experts used per sample, if not all.
    top_k: Option<usize>,
    balance: f64,
    outputs_per_target: usize,
}

impl MoeHeadConfig {
    fn check(&self) -> Result<(), PluginError> {
        match self.top_k {
            Some(top_k) if top_k > self.experts => Err(PluginError::bad_option(
                HeadKind::NAME,
                Self::NAME,
                "top-k",
                format!("at most the number of experts, {}", self.experts),
                top_k,
            )),
            _ => Ok(()),
        }
    }

    /// Position and width of the column that the router sees, unless it sees the embedding.
    fn column(&self, context: &HeadContext) -> Result<Option<(usize, usize)>, PluginError> {
        if self.routing == EMBEDDING {
            return Ok(None);
        }
        context.expect_categories(Self::NAME)?;
        let schema = &context.categories;
        match schema.position(&self.routing) {
            Some(position) => Ok(Some((position, schema.columns[position].width))),
            None => {
                let known: Vec<&str> = schema.columns.iter().map(|c| c.name.as_str()).collect();
                let known = known.join(", ");
                Err(PluginError::bad_option(
                    HeadKind::NAME,
                    Self::NAME,
                    "routing",
                    format!("'{EMBEDDING}' or one of the categorical columns ({known})"),
                    &self.routing,
                ))
            }
        }
    }
}

impl HeadConfig for MoeHeadConfig {
    const NAME: &'static str = "moe";
    type Head = MoeHead;

    fn init(&self, context: &HeadContext, device: &Device) -> Result<MoeHead, PluginError> {
        self.check()?;
        let column = self.column(context)?;
        let expert = MlpHeadConfig {
            hidden: self.hidden.clone(),
            dropout: self.dropout,
        };
        let experts = (0..self.experts).map(|_| expert.init(context, device));
        let seen = column.map_or(context.dim, |(_, width)| width);
        Ok(MoeHead {
            experts: experts.collect::<Result<_, _>>()?,
            router: output_linear(seen, self.experts, device),
            column: column.map(|(position, _)| position),
            top_k: self.top_k.filter(|&top_k| top_k < self.experts),
            balance: self.balance,
            outputs_per_target: context.outputs_per_target,
        })
    }
}

impl MoeHead {
    /// Returns the probabilities of the experts, `[batch, experts]`.
    fn route(&self, input: &HeadInput) -> Tensor<2> {
        let scores = match (self.column, &input.categories) {
            (None, _) => self.router.forward(input.pooled.clone()),
            (Some(column), Some(categories)) => {
                self.router.forward(categories.columns[column].clone())
            }
            (Some(_), None) => {
                let [batch, _] = input.pooled.dims();
                let [width, _] = self.router.weight.dims();
                let unknown = Tensor::<2>::zeros([batch, width], &input.pooled.device());
                self.router.forward(unknown)
            }
        };
        softmax(scores, 1)
    }

    /// Returns the weights of the experts, `[batch, experts]`, given their probabilities.
    fn weights(&self, probabilities: Tensor<2>) -> Tensor<2> {
        let Some(top_k) = self.top_k else {
            return probabilities;
        };
        let [_, experts] = probabilities.dims();
        let fixed = probabilities.clone().detach();
        let (_, likeliest) = fixed.topk_with_indices(top_k, 1);
        let likeliest = likeliest.one_hot::<3>(experts).float().sum_dim(1);
        let chosen = probabilities * likeliest.squeeze_dim::<2>(1);
        match top_k {
            1 => chosen,
            _ => shares(chosen),
        }
    }

    /// Returns the penalty on uneven use, `[1]`.
    fn penalty(&self, probabilities: Tensor<2>) -> Tensor<1> {
        let [_, experts] = probabilities.dims();
        let likeliest = probabilities.clone().detach().argmax(1).squeeze_dim::<1>(1);
        let used = likeliest.one_hot::<2>(experts).float().mean_dim(0);
        let products = used * probabilities.mean_dim(0);
        products.sum().mul_scalar(self.balance * experts as f64)
    }
}

impl MoeHead {
    /// The probabilities of the experts in `graph`.
    fn export_route(
        &self,
        graph: &mut Graph,
        pooled: &Value,
        categories: Option<&ExportedCategories>,
    ) -> Option<Value> {
        let seen = match self.column {
            None => pooled,
            Some(column) => categories?.columns.get(column)?,
        };
        let scores = graph.linear(seen, &self.router);
        Some(graph.softmax(&scores))
    }

    /// The weights of the experts in `graph`, given their probabilities.
    fn export_weights(&self, graph: &mut Graph, probabilities: Value) -> Value {
        let Some(top_k) = self.top_k else {
            return probabilities;
        };
        let number = graph.constant(&[1], &[top_k as i64]);
        let axis = vec![("axis", Attribute::Int(1))];
        let (_, likeliest) = graph.apply_for_two("TopK", &[&probabilities, &number], axis);
        let likeliest = graph.one_hot(&likeliest, self.experts.len());
        let axis = graph.constant(&[1], &[1i64]);
        let removed = vec![("keepdims", Attribute::Int(0))];
        let likeliest = graph.apply("ReduceSum", &[&likeliest, &axis], removed);
        let chosen = graph.mul(&probabilities, &likeliest);
        if top_k == 1 {
            return chosen;
        }
        let sum = graph.sum_of_rows(&chosen);
        graph.div(&chosen, &sum)
    }
}

/// Scales `weights` `[batch, experts]` to a sum of 1 per sample.
fn shares(weights: Tensor<2>) -> Tensor<2> {
    let sum = weights.clone().sum_dim(1);
    weights / sum
}

impl Head for MoeHead {
    fn forward(&self, input: HeadInput) -> HeadOutput {
        let probabilities = self.route(&input);
        let penalty = (self.balance > 0.0).then(|| self.penalty(probabilities.clone()));
        let weights = self.weights(probabilities);
        let experts = self.experts.iter();
        let columns = experts.map(|expert| expert.columns(input.pooled.clone()));
        let columns = Tensor::stack::<3>(columns.collect(), 1);
        let columns = (columns * weights.clone().unsqueeze_dim(2)).sum_dim(1);
        let [batch, experts] = weights.dims();
        HeadOutput::from_columns(columns.squeeze_dim(1), self.outputs_per_target)
            .with_penalty(penalty)
            .with_observations(vec![Observation::new(
                "expert_share",
                shares(weights).reshape([batch, 1, 1, experts]),
                Logged::Each,
            )])
    }

    fn export(
        &self,
        graph: &mut Graph,
        pooled: &Value,
        categories: Option<&ExportedCategories>,
    ) -> Option<Value> {
        let probabilities = self.export_route(graph, pooled, categories)?;
        let weights = self.export_weights(graph, probabilities);
        let mut sum: Option<Value> = None;
        for (place, expert) in self.experts.iter().enumerate() {
            let columns = expert.export_columns(graph, pooled);
            let weight = graph.columns(&weights, place, place + 1);
            let weighted = graph.mul(&columns, &weight);
            sum = Some(match sum {
                None => weighted,
                Some(sum) => graph.add(&sum, &weighted),
            });
        }
        sum
    }
}

aam_api::register_head!(MoeHeadConfig);

#[cfg(test)]
mod tests {
    use aam_api::CategorySchema;
    use serde_json::json;

    use super::*;
    use crate::known::{assert_close, categories, device, linear, matrix, schema};

    fn context() -> HeadContext {
        HeadContext::new(1, 1, 1)
    }

    /// Experts that give 8, 80 and 800, with the probabilities 1/2, 3/8 and 1/8.
    fn head(top_k: Option<usize>) -> MoeHead {
        let config = MoeHeadConfig {
            experts: 3,
            top_k,
            balance: 2.0,
            hidden: Vec::new(),
            ..Default::default()
        };
        let mut head = config.init(&context(), &device()).expect("in range");
        for (expert, value) in head.experts.iter_mut().zip([8.0, 80.0, 800.0]) {
            expert.set_output(linear([[value]], [0.0]));
        }
        head.router = linear([[4f32.ln(), 3f32.ln(), 0.0]], [0.0; 3]);
        head
    }

    fn forward(head: &MoeHead, pooled: Tensor<2>) -> HeadOutput {
        head.forward(HeadInput::new(pooled, None))
    }

    #[test]
    fn weights_all_experts_or_the_most_probable() {
        for (top_k, shares, value) in [
            (None, [0.5, 0.375, 0.125], 134.0),
            (Some(3), [0.5, 0.375, 0.125], 134.0),
            (Some(2), [4.0 / 7.0, 3.0 / 7.0, 0.0], 272.0 / 7.0),
            (Some(1), [1.0, 0.0, 0.0], 4.0),
        ] {
            let mut output = forward(&head(top_k), matrix([[1.0]]));
            assert_close(output.observations.remove(0).values, &shares);
            assert_close(output.values, &[value]);
        }
    }

    #[test]
    fn ties_between_experts_select_the_requested_number() {
        let mut output = forward(&head(Some(2)), matrix([[0.0]]));
        let shares = output.observations.remove(0).values.into_data();
        let shares: Vec<f32> = shares.try_to_vec().expect("f32 values");
        assert_eq!(shares.iter().filter(|share| **share == 0.5).count(), 2);
    }

    #[test]
    fn uneven_use_is_penalized() {
        let penalty = |pooled| forward(&head(None), pooled).penalty.expect("balance is 2");
        // All go to the first expert: 2 · 3 · 1 · 1/2.
        assert_close(penalty(matrix([[1.0], [1.0]])), &[3.0]);
        // For -1 the order of the scores is reversed: 3/19, 4/19 and 12/19.
        let expected = 6.0 * 0.5 * ((0.5 + 3.0 / 19.0) / 2.0 + (0.125 + 12.0 / 19.0) / 2.0);
        assert_close(penalty(matrix([[1.0], [-1.0]])), &[expected]);
        let mut unbalanced = head(None);
        unbalanced.balance = 0.0;
        assert!(forward(&unbalanced, matrix([[1.0]])).penalty.is_none());
    }

    #[test]
    fn a_categorical_column_can_route() {
        let config = MoeHeadConfig {
            experts: 2,
            routing: "season".to_owned(),
            ..Default::default()
        };
        let with_categories = context().with_categories(schema());
        let mut head = config.init(&with_categories, &device()).expect("in range");
        head.router = linear([[9f32.ln(), 0.0]], [0.0; 2]);
        let weights = |categories| {
            let pooled = matrix([[5.0]]);
            let mut output = head.forward(HeadInput::new(pooled, categories));
            output.observations.remove(0).values
        };
        assert_close(weights(Some(categories(77.0, 1.0))), &[0.9, 0.1]);
        assert_close(weights(Some(categories(77.0, -1.0))), &[0.1, 0.9]);
        assert_close(weights(None), &[0.5, 0.5]);
    }

    #[test]
    fn refuses_invalid_options() {
        let refused = |config: MoeHeadConfig, categories: CategorySchema| {
            let context = context().with_categories(categories);
            let error = config.init(&context, &device()).expect_err("out of range");
            error.to_string()
        };
        let default = MoeHeadConfig::default;
        let site = || MoeHeadConfig {
            routing: "site".to_owned(),
            ..default()
        };
        let none = CategorySchema::default;
        assert_eq!(
            refused(site(), none()),
            "head 'moe' needs categorical columns; name some with --categorical-columns"
        );
        assert_eq!(
            refused(site(), schema()),
            "head 'moe', option 'routing': expected 'embedding' or one of the categorical columns \
             (location, season), found 'site'"
        );
        let five = MoeHeadConfig {
            top_k: Some(5),
            ..default()
        };
        assert_eq!(
            refused(five, none()),
            "head 'moe', option 'top-k': expected at most the number of experts, 4, found 5"
        );
        for (option, value) in [
            ("experts", json!(1)),
            ("top-k", json!(0)),
            ("balance", json!(-1)),
        ] {
            let error = crate::known::refused::<HeadKind>("moe", json!({option: value}));
            assert!(
                error.contains(&format!("option '{option}': expected")),
                "{error}"
            );
        }
    }
}
