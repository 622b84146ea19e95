//! Strategies with one rank.

use burn::module::Param;
use burn::nn::{Linear, LinearConfig};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use serde_json::{Map, Value};

use super::numbers::{Array, Numbers};
use super::{Check, ensure, plugin};
use crate::{Plugin, StrategyContext, StrategyKind};

pub(super) fn check(plugin: &Plugin<StrategyKind>, options: &Map<String, Value>) -> Check {
    let options = plugin::resolve(plugin, options)?;
    let device = Device::default().autodiff();
    let context = StrategyContext {
        devices: vec![device.clone()],
    };
    let strategy = plugin
        .build(&options, &context, &device)
        .map_err(|error| format!("cannot be built for one device: {error}"))?;
    let failed = |error: crate::PluginError| error.to_string();

    ensure!(
        strategy.size() == 1 && strategy.rank() == 0,
        "rank {} of {}, expected rank 0 of 1",
        strategy.rank(),
        strategy.size()
    );
    ensure!(strategy.device() == device, "computes on another device");

    let sums = strategy.sum(vec![1.5, -2.0]).map_err(failed)?;
    ensure!(sums == [1.5, -2.0], "sums [1.5, -2] to {sums:?}");
    let bytes = strategy.broadcast(vec![1, 2, 3]).map_err(failed)?;
    ensure!(bytes == [1, 2, 3], "broadcasts [1, 2, 3] as {bytes:?}");

    let local = Numbers::new(4).array([1, 5, 3]);
    let layer: Linear = LinearConfig::new(3, 2).init(&device);
    let embeddings = |weight: &Param<Tensor<2>>| -> Tensor<2> {
        let input: Tensor<2> = local.tensor(&device).squeeze_dim(0);
        input.matmul(weight.val())
    };
    let expected = embeddings(&layer.weight);
    let gathered = strategy.gather(expected.clone()).map_err(failed)?;
    let read = |tensor: &Tensor<2>| Array::read(&tensor.clone().unsqueeze_dim(0));
    ensure!(
        read(&gathered)? == read(&expected)?,
        "gathering one rank changes its embeddings"
    );

    let gradients = |loss: Tensor<2>| GradientsParams::from_grads(loss.sum().backward(), &layer);
    let expected = gradients(embeddings(&layer.weight));
    let summed = strategy
        .sum_gradients(gradients(gathered))
        .map_err(failed)?;
    let of_weight = |all: &GradientsParams| all.get::<2>(layer.weight.id);
    match (of_weight(&expected), of_weight(&summed)) {
        (Some(expected), Some(summed)) => read(&expected)?
            .check_close(&read(&summed)?, "gradients alone and summed over one rank"),
        _ => Err("no gradient flows through what it gathers".to_owned()),
    }
}
