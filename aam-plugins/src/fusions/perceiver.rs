//! A few learned latents that attend to the ASVs and the categories and give the sample's embedding.

use aam_api::dropout::drop;
use aam_api::export::{ExportedCategories, Graph, Value};
use aam_api::options::{Facts, Spelling};
use aam_api::{
    Attention, AttentionKeys, AttentionQueries, Categories, FusedAsvs, FusedPooled, Fusion,
    FusionConfig, FusionContext, FusionKind, Kind, Observation, PluginError,
};
use burn::module::{Module, Param};
use burn::nn::attention::{MhaInput, MultiHeadAttention};
use burn::nn::{
    Dropout, DropoutConfig, Initializer, LayerNorm, LayerNormConfig, Linear, LinearConfig,
};
use burn::tensor::activation::relu;
use burn::tensor::{Bool, Device, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::layers::{attention, check_heads, export_attention, xavier_linear};

/// A few learned latents attend to the ASVs and the categories and give the sample's embedding, in place
/// of the model's own transformer and pooling.
///
/// Latents `L` `[latents, dim]` attend to the inputs `[e W + b ; c V + a]` `[asvs + 1, dim]`:
/// `L₀ = LayerNorm(L + MHA(L, inputs))`. `layers` layers of self-attention among the latents follow,
/// `L ← L + MHA(LayerNorm(L))`, `L ← L + FFN(LayerNorm(L))`, with a ReLU and a hidden width of `4 dim`. The
/// sample's embedding is the mean of the latents times an output matrix, `[dim]`. The cost grows with the
/// number of ASVs times that of latents, not with the square of the number of ASVs. The weights of the
/// first attention can be extracted (`attention`, `[batch, heads, latents, asvs + 1]`). Jaegle et al.,
/// *Perceiver: general perception with iterative attention*, ICML 2021. Without categorical columns the
/// inputs are the ASVs alone.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct PerceiverFusionConfig {
    /// Number of latents.
    #[schemars(
        range(min = 1, max = 65_536),
        transform = Facts::new().spelling(Spelling::flag("perceiver-num-latents").chooses())
    )]
    pub latents: usize,
    /// Number of self-attention layers among the latents.
    #[schemars(range(max = 1_000), transform = Facts::new().spelling(Spelling::flag("perceiver-num-layers").chooses()))]
    pub layers: usize,
    /// Number of attention heads; must divide the embedding width.
    #[schemars(range(min = 1, max = 1_024))]
    pub heads: usize,
    /// Probability that an attention weight or a value is dropped in training, in [0, 1).
    #[schemars(
        range(min = 0.0), extend("exclusiveMaximum" = 1),
        transform = Facts::new().search(0.0, 0.5)
    )]
    pub dropout: f64,
    /// Let the latents attend to padding, too, as in weights imported from the Python AAM. The result then
    /// depends on how many ASVs the other samples of the batch have.
    pub attend_padding: bool,
}

impl Default for PerceiverFusionConfig {
    fn default() -> Self {
        Self {
            latents: 64,
            layers: 2,
            heads: 8,
            dropout: 0.1,
            attend_padding: false,
        }
    }
}

/// The fusion that [`PerceiverFusionConfig`] builds.
#[derive(Module, Debug)]
pub struct PerceiverFusion {
    latents: Param<Tensor<2>>,
    asv_projection: Linear,
    category_projection: Option<Linear>,
    cross_attention: MultiHeadAttention,
    cross_norm: LayerNorm,
    layers: Vec<LatentLayer>,
    output: Linear,
    attend_padding: bool,
}

/// Self-attention among the latents followed by a feed-forward network, both with pre-normalisation.
#[derive(Module, Debug)]
pub struct LatentLayer {
    attention_norm: LayerNorm,
    attention: MultiHeadAttention,
    feed_forward_norm: LayerNorm,
    expand: Linear,
    contract: Linear,
    dropout: Dropout,
}

impl FusionConfig for PerceiverFusionConfig {
    const NAME: &'static str = "perceiver";
    const PUBLISHES_ATTENTION: bool = true;
    type Fusion = PerceiverFusion;

    fn init(
        &self,
        context: &FusionContext,
        device: &Device,
    ) -> Result<PerceiverFusion, PluginError> {
        let dim = context.dim;
        check_heads(FusionKind::NAME, Self::NAME, self.heads, dim)?;
        let latents = Initializer::Normal {
            mean: 0.0,
            std: 0.02,
        };
        let width = context.categories.width();
        let category_projection = (width > 0).then(|| xavier_linear(width, dim, device));
        Ok(PerceiverFusion {
            latents: latents.init([self.latents, dim], device),
            asv_projection: xavier_linear(dim, dim, device),
            category_projection,
            cross_attention: attention(dim, self.heads, self.dropout, device),
            cross_norm: LayerNormConfig::new(dim).init(device),
            layers: (0..self.layers)
                .map(|_| LatentLayer::new(dim, self, device))
                .collect(),
            output: xavier_linear(dim, dim, device),
            attend_padding: self.attend_padding,
        })
    }
}

impl LatentLayer {
    fn new(dim: usize, config: &PerceiverFusionConfig, device: &Device) -> Self {
        Self {
            attention_norm: LayerNormConfig::new(dim).init(device),
            attention: attention(dim, config.heads, config.dropout, device),
            feed_forward_norm: LayerNormConfig::new(dim).init(device),
            expand: LinearConfig::new(dim, 4 * dim).init(device),
            contract: LinearConfig::new(4 * dim, dim).init(device),
            dropout: DropoutConfig::new(config.dropout).init(),
        }
    }

    /// Maps `[batch, latents, dim]` to the same shape.
    fn forward(&self, latents: Tensor<3>) -> Tensor<3> {
        let input = MhaInput::self_attn(self.attention_norm.forward(latents.clone()));
        let attended = self.attention.forward(input).context;
        let latents = latents + drop(&self.dropout, attended);
        let normed = self.feed_forward_norm.forward(latents.clone());
        let hidden = drop(&self.dropout, relu(self.expand.forward(normed)));
        latents + drop(&self.dropout, self.contract.forward(hidden))
    }

    /// The same in `graph`.
    fn export(&self, graph: &mut Graph, latents: &Value) -> Value {
        let normed = graph.layer_norm(latents, &self.attention_norm);
        let attended = export_attention(graph, &self.attention, &normed, &normed);
        let latents = graph.add(latents, &attended);
        let normed = graph.layer_norm(&latents, &self.feed_forward_norm);
        let hidden = graph.linear(&normed, &self.expand);
        let hidden = graph.map("Relu", &hidden);
        let contracted = graph.linear(&hidden, &self.contract);
        graph.add(&latents, &contracted)
    }
}

impl Fusion for PerceiverFusion {
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
        let asv = graph.linear(profiles, &self.asv_projection);
        let mut inputs = vec![graph.unsqueeze(&asv, 1)];
        if let (Some(projection), Some(categories)) = (&self.category_projection, categories) {
            let category = graph.linear(&categories.joined, projection);
            inputs.push(graph.unsqueeze(&category, 1));
        }
        let inputs = graph.concat(&inputs, 1);
        let latents = graph.tensor(&self.latents.val().unsqueeze::<3>());
        let attended = export_attention(graph, &self.cross_attention, &latents, &inputs);
        let sum = graph.add(&latents, &attended);
        let read = graph.layer_norm(&sum, &self.cross_norm);
        let layers = self.layers.iter();
        let refined = layers.fold(read, |latents, layer| layer.export(graph, &latents));
        let mean = graph.mean_of_rows(&refined);
        let mean = graph.in_rows_of(&mean, self.cross_attention.d_model);
        Some(graph.linear(&mean, &self.output))
    }

    fn fuse_asvs(
        &self,
        asvs: Tensor<3>,
        mask: Tensor<2, Bool>,
        categories: Option<&Categories>,
    ) -> FusedAsvs {
        let [batch, _, dim] = asvs.dims();
        let mut inputs = self.asv_projection.forward(asvs);
        let mut padding = mask.bool_not();
        let mut keys = vec![AttentionKeys::Asvs];
        if let (Some(projection), Some(categories)) = (&self.category_projection, categories) {
            let category = projection.forward(categories.joined.clone());
            inputs = Tensor::cat(vec![inputs, category.unsqueeze_dim::<3>(1)], 1);
            let kept = Tensor::<2, Bool>::full([batch, 1], false, &padding.device());
            padding = Tensor::cat(vec![padding, kept], 1);
            keys.push(AttentionKeys::AllColumns);
        }
        let latents = self.latents.val().unsqueeze::<3>().repeat_dim(0, batch);
        let mut input = MhaInput::new(latents.clone(), inputs.clone(), inputs);
        if !self.attend_padding {
            input = input.mask_pad(padding);
        }
        let attended = self.cross_attention.forward(input);
        let attention = Attention::new(AttentionQueries::Sample, keys);
        let weights = Observation::attention(attended.weights, attention);
        let read = self.cross_norm.forward(latents + attended.context);
        let refined = self
            .layers
            .iter()
            .fold(read, |latents, layer| layer.forward(latents));
        let mean = refined.mean_dim(1).reshape([batch, dim]);
        FusedAsvs::Pooled(self.output.forward(mean), vec![weights])
    }

    fn replaces_pooling(&self) -> bool {
        true
    }
}

aam_api::register_fusion!(PerceiverFusionConfig);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::{
        assert_close, asvs, categories, device, identity, linear, mask, scaled_identity, schema,
    };

    /// One latent of zeros, which attends equally to everything it may attend to.
    fn fusion(attend_padding: bool) -> PerceiverFusion {
        let config = PerceiverFusionConfig {
            latents: 1,
            layers: 0,
            heads: 1,
            attend_padding,
            ..Default::default()
        };
        let context = FusionContext::new(2).with_categories(schema());
        let mut fusion = config.init(&context, &device()).expect("1 divides 2");
        fusion.latents = Param::from_tensor(Tensor::zeros([1, 2], &device()));
        fusion.asv_projection = identity(2);
        fusion.category_projection = Some(linear([[1.0, 0.0], [0.0, 1.0]], [0.0; 2]));
        fusion.cross_attention.query = scaled_identity(2, 0.0);
        fusion.cross_attention.value = identity(2);
        fusion.cross_attention.output = identity(2);
        fusion.output = scaled_identity(2, 3.0);
        fusion
    }

    fn fuse(fusion: &PerceiverFusion) -> (Tensor<2>, Tensor<4>) {
        let asvs = asvs([[4.0, 0.0], [2.0, 0.0], [0.0, 90.0]]);
        let present = mask([true, true, false]);
        match fusion.fuse_asvs(asvs, present, Some(&categories(0.0, 3.0))) {
            FusedAsvs::Pooled(pooled, mut seen) => (pooled, seen.remove(0).values),
            FusedAsvs::Asvs(..) => panic!("it replaces pooling"),
        }
    }

    #[test]
    fn latents_attend_to_asvs_and_categories_but_not_to_padding() {
        let (pooled, weights) = fuse(&fusion(false));
        let third = 1.0 / 3.0;
        assert_close(weights, &[third, third, 0.0, third]);
        // The mean of [4, 0], [2, 0] and [0, 3] is [2, 1]; normalised ±1 and times 3.
        let normed = 3.0 * 0.5 / (0.25f32 + 1e-5).sqrt();
        assert_close(pooled, &[normed, -normed]);
    }

    #[test]
    fn padding_is_attended_to_if_requested() {
        let (_, weights) = fuse(&fusion(true));
        assert_close(weights, &[0.25; 4]);
    }
}
