//! Optimizers: how gradients change parameters.
//!
//! A component decides which optimizer the parameters of a group get: one of Burn's, or one that
//! implements Burn's [`Optimizer`]. The runtime does everything else: it scales and clips gradients,
//! assigns each parameter to its group, keeps, saves and restores the state of each, and multiplies the
//! learning rate of parts of the model.

use std::sync::Arc;

use burn::module::{Module, ModuleVisitor, Param, ParamGroup, ParamId};
use burn::optim::{ModuleOptimizer, Optimizer};
use burn::tensor::Tensor;
use serde_json::{Map, Value};

use crate::{Config, PluginError, Stage};

/// The role of a parameter in a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParameterRole {
    /// Matrices that multiply vectors and have more than one row and more than one column.
    Matrix,
    /// Other weights: matrices of one row or column, and tensors of more than two dimensions.
    OtherWeight,
    /// Norms, biases and embeddings, which need not be small.
    NormBiasEmbedding,
}

/// Parameters that are updated in the same way.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ParameterGroup {
    /// Their role.
    pub role: ParameterRole,
    /// Their weight decay per update, as a multiple of the learning rate; 0 for none.
    pub weight_decay: f64,
}

impl ParameterGroup {
    /// Parameters of a role and their weight decay.
    pub fn new(role: ParameterRole, weight_decay: f64) -> Self {
        Self { role, weight_decay }
    }
}

/// The optimizer of a group of parameters.
#[derive(Clone)]
pub struct GroupOptimizer {
    optimizer: Arc<dyn ErasedOptimizer>,
    elementwise: bool,
}

impl GroupOptimizer {
    /// An optimizer that updates each element of a parameter from its own gradient and its own state
    /// alone, with state tensors in the shape of the parameter. Ranks may therefore update slices of a
    /// parameter as 1-D tensors.
    pub fn elementwise(optimizer: impl Optimizer) -> Self {
        Self {
            optimizer: Arc::new(optimizer),
            elementwise: true,
        }
    }

    /// An optimizer that uses tensors as a whole: their shape, rows, columns or norm.
    pub fn of_tensors(optimizer: impl Optimizer) -> Self {
        Self {
            optimizer: Arc::new(optimizer),
            elementwise: false,
        }
    }

    /// Whether it updates each element independently.
    pub fn is_elementwise(&self) -> bool {
        self.elementwise
    }

    /// Shapes of its state tensors for a vector of `size` elements after one update.
    #[cfg(feature = "testing")]
    pub(crate) fn state_shapes(&self, size: usize) -> Vec<Vec<usize>> {
        self.optimizer.state_shapes(size)
    }
}

/// An optimizer of any type; Burn's own erased optimizer cannot start a [`ModuleOptimizer`].
trait ErasedOptimizer: Send + Sync {
    /// Uses this optimizer for all parameters.
    fn alone(&self) -> ModuleOptimizer;
    /// Uses this optimizer for the parameters in `ids`, and `others` for the rest.
    fn beside(&self, others: ModuleOptimizer, ids: Vec<ParamId>) -> ModuleOptimizer;
    #[cfg(feature = "testing")]
    fn state_shapes(&self, size: usize) -> Vec<Vec<usize>>;
}

impl<O: Optimizer> ErasedOptimizer for O {
    fn alone(&self) -> ModuleOptimizer {
        ModuleOptimizer::from(self.clone())
    }

    fn beside(&self, others: ModuleOptimizer, ids: Vec<ParamId>) -> ModuleOptimizer {
        others.with_group(ParamGroup::from_ids(ids), self.clone(), None)
    }

    #[cfg(feature = "testing")]
    fn state_shapes(&self, size: usize) -> Vec<Vec<usize>> {
        use burn::optim::{RecordState, StateSink};
        let ones = Tensor::<1>::ones([size], &Default::default());
        let mut sink = StateSink::default();
        if let (_, Some(state)) = self.step(0.1, ones.clone(), ones, None) {
            state.state_flatten("", &mut sink);
        }
        let tensors = sink.tensors.iter();
        tensors.map(|(_, data)| data.shape().to_vec()).collect()
    }
}

/// The options of an optimizer and how to build it.
pub trait OptimizerConfig: Config {
    /// The name by which users choose it, in kebab-case.
    const NAME: &'static str;
    /// Further names by which users may choose it.
    const ALIASES: &'static [&'static str] = &[];

    /// Returns the optimizer of the parameters in `group`.
    ///
    /// # Errors
    /// An option out of range ([`PluginError::bad_option`]).
    fn init(&self, group: &ParameterGroup) -> Result<GroupOptimizer, PluginError>;
}

/// The weight decay with which an optimizer is built.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct OptimizerContext {
    /// Weight decay, as a multiple of the learning rate.
    pub weight_decay: f64,
    /// Whether it also applies to norms, biases and embeddings.
    pub decay_everything: bool,
}

impl OptimizerContext {
    /// A weight decay, for the weights alone or for everything.
    pub fn new(weight_decay: f64, decay_everything: bool) -> Self {
        Self {
            weight_decay,
            decay_everything,
        }
    }

    /// The parameters of a role with their weight decay.
    fn group(&self, role: ParameterRole) -> ParameterGroup {
        let spared = role == ParameterRole::NormBiasEmbedding && !self.decay_everything;
        ParameterGroup::new(role, if spared { 0.0 } else { self.weight_decay })
    }
}

/// The optimizers of all groups of parameters.
#[derive(Clone)]
pub struct GroupedOptimizer {
    matrices: GroupOptimizer,
    other_weights: GroupOptimizer,
    norms_biases_embeddings: GroupOptimizer,
}

impl GroupedOptimizer {
    fn init<C: OptimizerConfig>(
        config: &C,
        context: &OptimizerContext,
    ) -> Result<Self, PluginError> {
        let init = |role| config.init(&context.group(role));
        Ok(Self {
            matrices: init(ParameterRole::Matrix)?,
            other_weights: init(ParameterRole::OtherWeight)?,
            norms_biases_embeddings: init(ParameterRole::NormBiasEmbedding)?,
        })
    }

    /// Whether each element of a parameter is updated independently, so that ranks may update slices.
    pub fn is_elementwise(&self) -> bool {
        self.groups().iter().all(|group| group.is_elementwise())
    }

    /// Returns the optimizer of the parameters of `module`, with no state yet.
    pub fn for_module<M: Module>(&self, module: &M) -> ModuleOptimizer {
        let mut parameters = ByRole::default();
        module.visit(&mut parameters);
        let all = self.other_weights.optimizer.alone();
        let all = self
            .norms_biases_embeddings
            .optimizer
            .beside(all, parameters.norms_biases_embeddings);
        self.matrices.optimizer.beside(all, parameters.matrices)
    }

    pub(crate) fn groups(&self) -> [&GroupOptimizer; 3] {
        [
            &self.matrices,
            &self.other_weights,
            &self.norms_biases_embeddings,
        ]
    }
}

/// Sorts parameters by their role.
#[derive(Default)]
struct ByRole {
    matrices: Vec<ParamId>,
    norms_biases_embeddings: Vec<ParamId>,
    containers: Vec<String>,
}

impl ModuleVisitor for ByRole {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let mut containers = self.containers.iter();
        // Burn's embedding only, not a module that happens to have this name.
        let embedding = containers.any(|name| name == "Struct:Embedding");
        if D == 1 || embedding {
            self.norms_biases_embeddings.push(param.id);
        } else if D == 2 && param.lazy_shape().iter().all(|&side| side > 1) {
            self.matrices.push(param.id);
        }
    }

    fn enter_module(&mut self, _name: &str, container: &str) {
        self.containers.push(container.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.containers.pop();
    }
}

crate::define_kind! {
    /// The kind of optimizers. It has no component trait: the optimizers that a config returns for each
    /// group of parameters are combined here.
    pub struct OptimizerKind: Kind<Context = OptimizerContext, Component = GroupedOptimizer> {
        const NAME: &'static str = "optimizer";
        const SUMMARY: &'static str = "How gradients change parameters";
        const CHOSEN_IN: &'static [Stage] = &[Stage::Pretraining, Stage::Training];
        const PLACE: u32 = 70;

        fn default_component(_: &Map<String, Value>) -> Option<&'static str> {
            Some("adamw")
        }
    }

    fn build<C: OptimizerConfig>(C::NAME, C::ALIASES) = GroupedOptimizer::init;
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::{Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
    use burn::tensor::Device;

    #[derive(Module, Debug)]
    struct Model {
        embedding: Embedding,
        norm: LayerNorm,
        linear: Linear,
    }

    #[test]
    fn parameters_are_sorted_by_their_role() {
        let device = Device::default();
        let model = Model {
            embedding: EmbeddingConfig::new(3, 4).init(&device),
            norm: LayerNormConfig::new(4).init(&device),
            linear: LinearConfig::new(4, 2).init(&device),
        };
        let mut found = ByRole::default();
        model.visit(&mut found);
        assert_eq!(found.matrices, [model.linear.weight.id]);
        assert_eq!(found.norms_biases_embeddings.len(), 4);
        let embedding = &model.embedding.weight.id;
        assert!(found.norms_biases_embeddings.contains(embedding));
    }

    #[derive(Module, Debug)]
    struct SampleEmbedding {
        hidden: Linear,
        row: Linear,
    }

    #[test]
    fn a_layer_named_embedding_is_not_an_embedding() {
        let device = Device::default();
        let embedding = SampleEmbedding {
            hidden: LinearConfig::new(4, 2).init(&device),
            row: LinearConfig::new(1, 2).with_bias(false).init(&device),
        };
        let mut found = ByRole::default();
        embedding.visit(&mut found);
        let counts = (found.matrices.len(), found.norms_biases_embeddings.len());
        assert_eq!(counts, (1, 1));
    }

    #[test]
    fn the_decay_of_a_group_is_that_of_its_role() {
        let spared = OptimizerContext::new(0.5, false);
        assert_eq!(spared.group(ParameterRole::Matrix).weight_decay, 0.5);
        assert_eq!(spared.group(ParameterRole::OtherWeight).weight_decay, 0.5);
        let role = ParameterRole::NormBiasEmbedding;
        assert_eq!(spared.group(role).weight_decay, 0.0);
        assert_eq!(
            OptimizerContext::new(0.5, true).group(role).weight_decay,
            0.5
        );
    }
}
