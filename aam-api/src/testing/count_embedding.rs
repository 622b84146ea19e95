//! Count embeddings.

use burn::tensor::{Device, Tensor};
use serde_json::{Map, Value};

use super::numbers::{Array, Numbers};
use super::subject::Subject;
use super::{Check, Conformance, DIM, ensure, plugin};
use crate::{BoxedCountEmbedding, CountEmbeddingContext, CountEmbeddingKind, Plugin};

const BATCH: usize = 3;
const SLOTS: usize = 4;

impl Conformance for CountEmbeddingKind {
    fn check(plugin: &Plugin<Self>, options: &Map<String, Value>) -> Check {
        let context = CountEmbeddingContext::new(DIM);
        let mut numbers = Numbers::new(6);
        let batches = (0..2).map(|_| {
            let mut abundances = numbers.array([BATCH, SLOTS, 1]);
            abundances
                .values
                .iter_mut()
                .for_each(|value| *value = value.abs());
            vec![numbers.array([BATCH, SLOTS, DIM]), abundances]
        });
        let subject = Subject {
            batches: batches.collect(),
            build: &|_| {
                plugin::build(plugin, options, &context)?
                    .ok_or_else(|| "refuses embeddings of an ordinary width".to_owned())
            },
            run: &run,
        };
        subject.check()?;
        check_alone(&subject)
    }
}

crate::register_suite!(CountEmbeddingKind);

fn run(embedding: &BoxedCountEmbedding, inputs: &[Tensor<3>]) -> Result<Vec<Tensor<3>>, String> {
    let joined = embedding.forward(inputs[0].clone(), inputs[1].clone());
    ensure!(
        joined.dims() == inputs[0].dims(),
        "embeddings have the shape {:?}, expected [batch, asvs, dim] = {:?}",
        joined.dims(),
        inputs[0].dims()
    );
    Ok(vec![joined])
}

/// Every ASV alone gives the same as among others.
fn check_alone(subject: &Subject<'_, BoxedCountEmbedding>) -> Check {
    let embedding = subject.component()?;
    let inputs = &subject.batches[0];
    let together = &subject.outputs(&embedding, inputs)?[0];
    let device = Device::default();
    for asv in 0..BATCH * SLOTS {
        let one = |array: &Array| {
            let [_, _, width] = array.shape;
            Array {
                shape: [1, 1, width],
                values: array.values[asv * width..(asv + 1) * width].to_vec(),
            }
        };
        let alone: Vec<Tensor<3>> = inputs
            .iter()
            .map(|input| one(input).tensor(&device))
            .collect();
        let alone = Array::read(&run(&embedding, &alone)?[0])?;
        one(together).check_close(&alone, &format!("ASV {asv} among others and alone"))?;
    }
    Ok(())
}
