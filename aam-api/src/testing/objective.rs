//! Pre-training objectives, on a small study.

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use serde_json::{Map, Value};

use super::gradient;
use super::numbers::{Array, Numbers};
use super::study::{Counts, Halves, Pairs, SAMPLES};
use super::subject::Subject;
use super::{Check, Conformance, ensure, plugin};
use crate::metric::subjects;
use crate::{
    Learned, ObjectiveContext, ObjectiveKind, PairDistances, Plugin, SampleObjective, Source,
    StudySource, Truth,
};

impl Conformance for ObjectiveKind {
    fn check(plugin: &Plugin<Self>, options: &Map<String, Value>) -> Check {
        ensure!(
            plugin
                .options()
                .iter()
                .all(|option| option.name != "weight"),
            "has an option 'weight', which is that of the objective among several"
        );
        let context = ObjectiveContext::default();
        let Some(objective) = plugin::build(plugin, options, &context)? else {
            return Err("refuses to be built without a study".to_owned());
        };
        let objective = objective.as_ref();
        let sources = objective.sources();
        ensure!(!sources.is_empty(), "can be learned from nothing");
        check_subject(objective)?;
        ensure!(!objective.title().is_empty(), "has no title");
        check_own_loss(objective)?;
        if sources == [Source::File] {
            return Ok(());
        }
        let table = Counts::new();
        let tree = Pairs(table.clone());
        let study = StudySource::new(table, sources.contains(&Source::Tree).then_some(&tree));
        let study = match sources.contains(&Source::Taxonomy) {
            true => study.with_taxonomy(&Halves),
            false => study,
        };
        let truth = || {
            objective
                .truth(&study)
                .map_err(|error| format!("has no truth: {error}"))
        };
        let (first, second) = (truth()?, truth()?);
        ensure!(
            first.learned() == objective.learned(),
            "learned contradicts what truth returns"
        );
        match (first, second) {
            (Truth::Distances(first), Truth::Distances(second)) => {
                check_distances(first.as_ref(), second.as_ref())?;
                let all: Vec<usize> = (0..SAMPLES).collect();
                check_scale(objective, &first.between(&all))
            }
            (Truth::Values(first), Truth::Values(second)) => {
                ensure!(
                    first.len() == SAMPLES,
                    "gives {} values for {SAMPLES} samples",
                    first.len()
                );
                ensure!(
                    first == second,
                    "the same study gives other values the second time"
                );
                check_scale(objective, &first)
            }
            _ => Err("is first a distance and then a value".to_owned()),
        }
    }
}

crate::register_suite!(ObjectiveKind);

/// Its metrics have a valid name and a title.
fn check_subject(objective: &dyn SampleObjective) -> Check {
    let subject = objective.subject();
    let name = subject.name;
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    ensure!(
        !name.is_empty() && name.chars().all(allowed),
        "the name of its metrics, '{name}', is not of lower-case letters, digits and _"
    );
    ensure!(!subject.title.is_empty(), "its metrics have no title");
    ensure!(
        subjects().any(|known| *known == subject),
        "describe_metrics! does not register its subject, '{name}'"
    );
    Ok(())
}

fn check_distances(distances: &dyn PairDistances, again: &dyn PairDistances) -> Check {
    let all: Vec<usize> = (0..SAMPLES).collect();
    let whole = distances.between(&all);
    ensure!(
        whole.len() == SAMPLES * SAMPLES,
        "gives {} distances between {SAMPLES} samples",
        whole.len()
    );
    ensure!(
        whole == again.between(&all),
        "the same study gives other distances the second time"
    );
    for i in 0..SAMPLES {
        for j in 0..SAMPLES {
            let distance = whole[i * SAMPLES + j];
            let place = format!("the distance between samples {i} and {j} is {distance}");
            ensure!(distance.is_finite() && distance >= 0.0, "{place}");
            ensure!(i != j || distance == 0.0, "{place}");
            ensure!(
                distance == whole[j * SAMPLES + i],
                "{place} in one direction, {} in the other",
                whole[j * SAMPLES + i]
            );
        }
    }
    let some = [4, 0, 7, 4];
    let part = distances.between(&some);
    for (i, &a) in some.iter().enumerate() {
        for (j, &b) in some.iter().enumerate() {
            let (one, other) = (part[i * some.len() + j], whole[a * SAMPLES + b]);
            ensure!(
                one == other,
                "the distance between samples {a} and {b} is {other} among all samples and {one} among some"
            );
        }
    }
    Ok(())
}

/// The scale on which it is learned is invertible.
fn check_scale(objective: &dyn SampleObjective, truth: &[f64]) -> Check {
    for &value in truth {
        ensure!(value.is_finite(), "a true value is {value}");
        let learned = objective.forward(value);
        let back = objective.inverse(learned);
        ensure!(
            learned.is_finite() && (back - value).abs() <= 1e-9 * value.abs().max(1.0),
            "{value} becomes {learned} on the scale on which it is learned, and {back} when inverted"
        );
    }
    Ok(())
}

/// A custom loss is a finite number, and its gradient is correct.
fn check_own_loss(objective: &dyn SampleObjective) -> Check {
    const BATCH: usize = 5;
    let mut numbers = Numbers::new(12);
    let width = match objective.learned() {
        Learned::Distances => BATCH,
        Learned::Values => 1,
    };
    let mut draw = |_| {
        let mut values = vec![0.0; BATCH * width];
        for i in 0..BATCH {
            for j in 0..width {
                let value = 0.1 + 0.8 * numbers.uniform();
                match objective.learned() {
                    Learned::Values => values[i] = value,
                    Learned::Distances if j > i => {
                        values[i * BATCH + j] = value;
                        values[j * BATCH + i] = value;
                    }
                    Learned::Distances => {}
                }
            }
        }
        TensorData::new(values, [BATCH, width])
    };
    let [predicted, truth] = [0, 1].map(&mut draw);
    let loss = |predicted: Tensor<2>| {
        let truth = Tensor::from_data(truth.clone(), &predicted.device());
        objective.own_loss(predicted, truth)
    };
    if loss(Tensor::from_data(predicted.clone(), &Device::default())).is_none() {
        return Ok(());
    }
    let run = |predicted: &Param<Tensor<2>>, _: &[Tensor<3>]| {
        let Some(loss) = loss(predicted.val()) else {
            return Err("returns a loss of its own once and none later".to_owned());
        };
        Ok(vec![loss.reshape([1, 1, 1])])
    };
    let subject = Subject {
        build: &|device| {
            Ok(Param::from_tensor(Tensor::from_data(
                predicted.clone(),
                device,
            )))
        },
        run: &run,
        batches: vec![Vec::new()],
    };
    let found = subject.outputs(&subject.component()?, &[])?;
    found
        .iter()
        .try_for_each(|loss: &Array| loss.check_finite("its loss"))?;
    gradient::check(&subject)
}
