//! Low-rank adapters (Hu et al., *LoRA: Low-rank adaptation of large language models*, 2022): a
//! frozen base whose transformers use `W + α/r · A B` instead of their weights `W`.

use burn::module::{Lora, Module, ModuleVisitor, Param, ParamGroup, ParamId};
use burn::tensor::Tensor;

use super::Base;

impl Base {
    /// Freezes the base, and adds trainable adapters of `rank` to the linear maps of the
    /// transformers. `A` is random and `B` is zero, so that the output is unchanged at first.
    pub fn with_adapters(self, rank: usize, alpha: f64) -> Self {
        let mut maps = LinearMaps::default();
        self.visit(&mut maps);
        let group = ParamGroup::from_ids(maps.ids);
        self.apply_lora(Lora::new(rank, alpha).set_param_group(group))
    }
}

/// The weights of the linear maps within transformers.
#[derive(Default)]
struct LinearMaps {
    ids: Vec<ParamId>,
    containers: Vec<String>,
}

impl ModuleVisitor for LinearMaps {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let mut containers = self.containers.iter();
        let linear = containers
            .next_back()
            .is_some_and(|own| own.ends_with(":Linear"));
        if D == 2 && linear && containers.any(|name| name.ends_with(":Transformer")) {
            self.ids.push(param.id);
        }
    }

    fn enter_module(&mut self, _name: &str, container: &str) {
        self.containers.push(container.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.containers.pop();
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use aam_api::Resolved;
    use aam_plugins as _;

    use crate::{ModelConfig, Preset, parameter_counts, parameter_ids};

    #[test]
    fn four_maps_of_each_layer_learn_through_adapters() {
        for (encoder, layers) in [("abundance", 2), ("attention", 6)] {
            let config = ModelConfig {
                sample_encoder: Resolved::built_in(encoder),
                dim: 16,
                heads: 2,
                asv_layers: 2,
                sample_layers: 2,
                encoder_layers: 2,
                ..ModelConfig::preset(Preset::Tiny).with_transformer()
            };
            let base = Base::init(&config, &Device::flex().autodiff()).unwrap();
            let before = parameter_ids(&base).len();
            let wide = config.transformer(1).feed_forward;
            let adapted = base.with_adapters(3, 3.0);
            assert_eq!(parameter_ids(&adapted).len(), before + 2 * 4 * layers);
            // Rows and columns of queries, keys and values, output, up and down.
            let sides = (16 + 48) + (16 + 16) + 2 * (16 + wide);
            assert_eq!(parameter_counts(&adapted).0, 3 * sides * layers);
        }
    }
}
