//! Lets every ASV attend to the categories of its sample.

use aam_api::export::{ExportedCategories, Graph, Value};
use aam_api::options::Facts;
use aam_api::{
    Attention, AttentionKeys, AttentionQueries, Categories, FusedAsvs, FusedPooled, Fusion,
    FusionConfig, FusionContext, FusionKind, Kind, Observation, PluginError,
};
use burn::module::{Module, Param};
use burn::nn::attention::{MhaInput, MultiHeadAttention};
use burn::nn::{Initializer, LayerNorm, LayerNormConfig, Linear};
use burn::tensor::{Bool, Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::layers::{attention, check_heads, export_attention, xavier_linear};

/// Lets every ASV attend to the categories of its sample: `e'ₛ = LayerNorm(eₛ + MHA(eₛ, K))`.
///
/// `eₛ` `[dim]` is the embedding of ASV `s`; the keys and values `K` `[columns + 1, dim]` are one
/// token per categorical column, `tᵢ = cᵢ Wᵢ + bᵢ`, and a learned token that stands for no category, so
/// that an ASV may attend to nothing. Which categories affect an ASV thus depends on the ASV. The
/// attention weights can be extracted (`attention`, `[batch, heads, asvs, columns + 1]`). Multi-head
/// attention: Vaswani et al., *Attention is all you need*, NeurIPS 2017. Needs categorical columns.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct CrossAttentionFusionConfig {
    /// Number of attention heads; must divide the embedding width.
    #[schemars(range(min = 1, max = 1_024), transform = Facts::new().was("cross-attn-heads"))]
    pub heads: usize,
    /// Probability that an attention weight is dropped in training, in [0, 1).
    #[schemars(
        range(min = 0.0), extend("exclusiveMaximum" = 1),
        transform = Facts::new().search(0.0, 0.5)
    )]
    pub dropout: f64,
    /// Use one token for all columns together, as in weights imported from the Python AAM. The weight of a
    /// single key is always 1, so all ASVs of a sample receive the same.
    pub single_key: bool,
}

impl Default for CrossAttentionFusionConfig {
    fn default() -> Self {
        Self {
            heads: 8,
            dropout: 0.1,
            single_key: false,
        }
    }
}

/// The fusion that [`CrossAttentionFusionConfig`] builds.
#[derive(Module, Debug)]
pub struct CrossAttentionFusion {
    tokens: Vec<Linear>,
    null: Option<Param<Tensor<1>>>,
    attention: MultiHeadAttention,
    norm: LayerNorm,
}

impl FusionConfig for CrossAttentionFusionConfig {
    const NAME: &'static str = "cross-attention";
    const PUBLISHES_ATTENTION: bool = true;
    type Fusion = CrossAttentionFusion;

    fn init(
        &self,
        context: &FusionContext,
        device: &Device,
    ) -> Result<CrossAttentionFusion, PluginError> {
        let dim = context.dim;
        context.expect_categories(Self::NAME)?;
        check_heads(FusionKind::NAME, Self::NAME, self.heads, dim)?;
        let widths = match self.single_key {
            true => vec![context.categories.width()],
            false => context.categories.columns.iter().map(|c| c.width).collect(),
        };
        let null = Initializer::Normal {
            mean: 0.0,
            std: 0.02,
        };
        Ok(CrossAttentionFusion {
            tokens: widths
                .into_iter()
                .map(|width| xavier_linear(width, dim, device))
                .collect(),
            null: (!self.single_key).then(|| null.init([dim], device)),
            attention: attention(dim, self.heads, self.dropout, device),
            norm: LayerNormConfig::new(dim).init(device),
        })
    }
}

impl CrossAttentionFusion {
    /// Returns `[batch, keys, dim]` from the joined embeddings of the categories, `[batch, width]`.
    fn keys(&self, joined: Tensor<2>) -> Tensor<3> {
        let [batch, _] = joined.dims();
        let mut keys = Vec::with_capacity(self.tokens.len() + 1);
        let mut start = 0;
        for token in &self.tokens {
            let [width, _] = token.weight.dims();
            let column = joined.clone().narrow(1, start, width);
            keys.push(token.forward(column).unsqueeze_dim::<3>(1));
            start += width;
        }
        if let Some(null) = &self.null {
            let null = null.val();
            let [dim] = null.dims();
            keys.push(null.reshape([1, 1, dim]).expand([batch, 1, dim]));
        }
        Tensor::cat(keys, 1)
    }

    /// The same in `graph`.
    fn export_keys(&self, graph: &mut Graph, joined: &Value) -> Value {
        let mut keys = Vec::with_capacity(self.tokens.len() + 1);
        let mut start = 0;
        for token in &self.tokens {
            let [width, _] = token.weight.dims();
            let column = graph.columns(joined, start, start + width);
            let key = graph.linear(&column, token);
            keys.push(graph.unsqueeze(&key, 1));
            start += width;
        }
        if let (Some(null), Some(first)) = (&self.null, keys.first()) {
            // One for each sample.
            let zeros = graph.sub(first, first);
            let null = graph.tensor(&null.val());
            keys.push(graph.add(&zeros, &null));
        }
        graph.concat(&keys, 1)
    }
}

impl Fusion for CrossAttentionFusion {
    fn fuse_profile(&self, profiles: Tensor<2>, categories: Option<&Categories>) -> FusedPooled {
        let [batch, _] = profiles.dims();
        let present = Tensor::<2, Bool>::full([batch, 1], true, &profiles.device());
        let one_asv = profiles.unsqueeze_dim(1);
        self.fuse_asvs(one_asv, present, categories).of_one_asv()
    }

    fn export_profile(
        &self,
        graph: &mut Graph,
        profiles: &Value,
        categories: Option<&ExportedCategories>,
    ) -> Option<Value> {
        let Some(categories) = categories else {
            return Some(profiles.clone());
        };
        let keys = self.export_keys(graph, &categories.joined);
        let one_asv = graph.unsqueeze(profiles, 1);
        let attended = export_attention(graph, &self.attention, &one_asv, &keys);
        let sum = graph.add(&one_asv, &attended);
        let fused = graph.layer_norm(&sum, &self.norm);
        Some(graph.in_rows_of(&fused, self.attention.d_model))
    }

    fn fuse_asvs(
        &self,
        asvs: Tensor<3>,
        _mask: Tensor<2, Bool>,
        categories: Option<&Categories>,
    ) -> FusedAsvs {
        let Some(categories) = categories else {
            return FusedAsvs::Asvs(asvs, Vec::new());
        };
        let keys = self.keys(categories.joined.clone());
        let input = MhaInput::new(asvs.clone(), keys.clone(), keys);
        let attended = self.attention.forward(input);
        let keys = match &self.null {
            Some(_) => vec![AttentionKeys::EachColumn, AttentionKeys::Nothing],
            None => vec![AttentionKeys::AllColumns],
        };
        let attention = Attention::new(AttentionQueries::Asvs, keys);
        let weights = Observation::attention(attended.weights, attention);
        let fused = self.norm.forward(asvs + attended.context);
        FusedAsvs::Asvs(fused, vec![weights])
    }
}

aam_api::register_fusion!(CrossAttentionFusionConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::{
        assert_close, asvs, categories, device, identity, linear, mask, scaled_identity, schema,
    };

    fn fusion(config: CrossAttentionFusionConfig) -> CrossAttentionFusion {
        let context = FusionContext::new(2).with_categories(schema());
        let mut fusion = config.init(&context, &device()).expect("1 divides 2");
        fusion.attention.query = scaled_identity(2, 2f32.sqrt());
        fusion.attention.key = identity(2);
        fusion.attention.value = identity(2);
        fusion.attention.output = identity(2);
        fusion
    }

    fn fuse(fusion: &CrossAttentionFusion, rows: [[f32; 2]; 2]) -> (Tensor<3>, Tensor<4>) {
        let categories = categories(1.0, 1.0);
        match fusion.fuse_asvs(asvs(rows), mask([true, true]), Some(&categories)) {
            FusedAsvs::Asvs(fused, mut seen) => (fused, seen.remove(0).values),
            FusedAsvs::Pooled(..) => panic!("it leaves pooling to the model"),
        }
    }

    #[test]
    fn each_asv_weighs_columns_and_null_token_separately() {
        let ln = f32::ln;
        let mut fusion = fusion(CrossAttentionFusionConfig {
            heads: 1,
            ..Default::default()
        });
        // Scores are dot products of ASV and token; the tokens are [ln 2, 0], [0, ln 3] and null [0, 0].
        fusion.tokens = vec![
            linear([[ln(2.0), 0.0]], [0.0; 2]),
            linear([[0.0, ln(3.0)]], [0.0; 2]),
        ];
        fusion.null = Some(Param::from_tensor(Tensor::zeros([2], &device())));
        let (fused, weights) = fuse(&fusion, [[1.0, 0.0], [0.0, 1.0]]);
        assert_eq!(weights.dims(), [1, 1, 2, 3]);
        assert_close(weights, &[0.5, 0.25, 0.25, 0.2, 0.6, 0.2]);
        // A LayerNorm of two values a > b is ±1 up to its epsilon.
        let first = 1.0 + 0.5 * ln(2.0) - 0.25 * ln(3.0);
        let second = 0.2 * ln(2.0) - (1.0 + 0.6 * ln(3.0));
        let normed = |difference: f32| {
            let half = difference / 2.0;
            half / (half * half + 1e-5).sqrt()
        };
        let (a, b) = (normed(first), normed(second));
        assert_close(fused, &[a, -a, b, -b]);
    }

    #[test]
    fn the_weight_of_a_single_key_is_one() {
        let fusion = fusion(CrossAttentionFusionConfig {
            heads: 2,
            single_key: true,
            ..Default::default()
        });
        let (_, weights) = fuse(&fusion, [[1.0, 0.0], [0.0, 1.0]]);
        assert_eq!(weights.dims(), [1, 2, 2, 1]);
        assert_close(weights, &[1.0; 4]);
    }

    #[test]
    fn refuses_heads_that_do_not_divide_the_width() {
        let context = FusionContext::new(12).with_categories(schema());
        let error = CrossAttentionFusionConfig::default()
            .init(&context, &device())
            .expect_err("8 does not divide 12");
        assert_eq!(
            error.to_string(),
            "fusion 'cross-attention', option 'heads': \
             expected a divisor of the embedding's width, 12, found 8"
        );
    }
}
