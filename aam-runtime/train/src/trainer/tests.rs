//! Tests of the loop, with a model of one weight `w` whose loss is `w` times the mean of a batch's
//! rows: the gradient of a batch is that mean.

use std::cell::RefCell;

use aam_api::{Alone, Choice, Communicator, ScheduleKind, Updates};
use aam_plugins as _;
use burn::module::{Param, ParamId};
use burn::nn::{Linear, LinearConfig};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};

use super::*;
use crate::checkpoint::Manifest;
use crate::checkpoint::manifest::DataPolicy;
use crate::fingerprint::RunFingerprint;
use crate::objective::{Draws, Validated, metric};
use crate::parallel::Replica;
use crate::session;
use crate::training_batches::TrainingBatch;
use aam_model::{ModelConfig, Preset};
use aam_run::run_directory::{CONFIG, RunDirectory};
use aam_study::options::DataOptions;

#[derive(Debug)]
struct Single;

impl ParallelStrategy for Single {
    fn communicator(&self) -> &dyn Communicator {
        &Alone
    }
    fn device(&self) -> Device {
        Device::flex()
    }
    fn updates(&self, _: usize) -> Updates {
        Updates::Everywhere
    }
}

/// Records the gradient of each batch, and the weight at each validation.
#[derive(Default)]
struct Means {
    gradients: RefCell<Vec<f64>>,
    validated: RefCell<Vec<f64>>,
}

fn weight(linear: &Linear) -> f64 {
    f64::from(linear.weight.val().into_scalar::<f32>())
}

impl Objective for Means {
    type Model = Linear;

    fn gradients(
        &self,
        model: &Linear,
        batch: TrainingBatch,
        _: Draws,
        _: f64,
        _: Replica<'_>,
    ) -> Result<crate::objective::BatchResult, RunError> {
        let mean = batch.rows.iter().sum::<usize>() as f64 / batch.rows.len() as f64;
        self.gradients.borrow_mut().push(mean);
        let input = Tensor::<2>::from_data([[mean as f32]], &Device::flex().autodiff());
        let loss = model.forward(input).sum();
        Ok(crate::objective::BatchResult {
            gradients: GradientsParams::from_grads(loss.backward(), model),
            losses: vec![metric("train_loss", mean)],
        })
    }

    fn validate(&self, model: &Linear, _: Replica<'_>) -> Result<Validated, RunError> {
        self.validated.borrow_mut().push(weight(model));
        Ok(Validated {
            metrics: vec![metric("loss", weight(model))],
            compared: Vec::new(),
        })
    }

    fn names(&self, rows: &[usize]) -> Vec<String> {
        rows.iter().map(ToString::to_string).collect()
    }

    fn default_metric(&self) -> String {
        "loss".to_owned()
    }

    fn manifest(&self) -> Manifest {
        let policy: DataPolicy = session::policy(&DataOptions::default(), 150, 1);
        session::manifest(ModelConfig::preset(Preset::Tiny).with_transformer(), policy)
    }
}

/// Trains a weight of 1 on six rows in batches of two. Returns the record of the objective and the
/// last model.
fn trained(change: impl FnOnce(&mut OptimizationOptions)) -> (Means, f64) {
    trained_after(0.0, change)
}

/// The same with a warm-up before a constant learning rate.
fn trained_after(warmup: f64, change: impl FnOnce(&mut OptimizationOptions)) -> (Means, f64) {
    let mut options = OptimizationOptions {
        weight_decay: Some(0.0),
        max_grad_norm: None,
        batch_size: Some(2),
        epochs: Some(1),
        lr: Some(0.01),
        ..OptimizationOptions::default()
    };
    change(&mut options);
    let mut constant = Choice::named("constant");
    constant.options.insert("warmup".to_owned(), warmup.into());
    let components = Components::default()
        .with::<OptimizerKind>(Choice::named("sgd"))
        .with::<ScheduleKind>(constant);
    let place = tempfile::tempdir().unwrap();
    let mut nobody = |_: &Event<'_>| {};
    let plan = Plan::finetuning(true, &options);
    let run = RunDirectory::create(Some(place.path()), false).unwrap();
    run.write(CONFIG, "").unwrap();
    let trainer = Trainer {
        plan,
        options: &options,
        components: &components,
        best_metric: None,
        done: Done::default(),
        resumed: None,
        strategy: &Single,
        saving: Saving {
            run: &run,
            fingerprint: &RunFingerprint::default(),
            stage: 0,
            limits: plan.limits(&options),
        },
        observer: &mut nobody,
        interrupt: &AtomicBool::new(false),
    };
    let mut model = LinearConfig::new(1, 1)
        .with_bias(false)
        .init(&Device::flex().autodiff());
    let one = Tensor::ones([1, 1], &Device::flex().autodiff()).require_grad();
    model.weight = Param::initialized(ParamId::new(), one);
    let objective = Means::default();
    let sampling = Sampling {
        rows: &[1, 2, 4, 8, 16, 32],
        categories: None,
    };
    let trained = trainer.on_rank(&objective, model, &sampling).unwrap();
    (objective, weight(&trained.last))
}

/// The summed velocities of gradient descent with a momentum of 0.9.
fn moved(gradients: &[f64], rates: &[f64]) -> f64 {
    let mut velocity = 0.0;
    let steps = gradients.iter().zip(rates);
    let steps = steps.map(|(gradient, rate)| {
        velocity = 0.9 * velocity + gradient;
        rate * velocity
    });
    steps.sum()
}

#[track_caller]
fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
}

#[test]
fn left_over_batches_are_averaged_over_their_own_number() {
    let (seen, last) = trained(|options| options.gradient_accumulation_steps = 2);
    let [a, b, c] = seen.gradients.borrow()[..] else {
        panic!("three batches");
    };
    close(last, 1.0 - moved(&[(a + b) / 2.0, c], &[0.01, 0.01]));
}

#[test]
fn accumulated_batches_are_the_update_of_one_large_batch() {
    let (_, together) = trained(|options| options.gradient_accumulation_steps = 3);
    let (_, large) = trained(|options| options.batch_size = Some(6));
    close(together, large);
}

#[test]
fn left_over_batches_are_clipped_as_the_others_are() {
    let (_, last) = trained(|options| {
        options.gradient_accumulation_steps = 2;
        options.max_grad_norm = Some(0.5);
    });
    close(last, 1.0 - moved(&[0.5, 0.5], &[0.01, 0.01]));
}

#[test]
fn the_first_update_of_a_warmup_is_small() {
    let (seen, last) = trained_after(2.0, |_| {});
    let gradients = seen.gradients.borrow().clone();
    let rates = [1.0 / 3.0, 2.0 / 3.0, 1.0].map(|part| 0.01 * part);
    close(last, 1.0 - moved(&gradients, &rates));
}

#[test]
fn averaged_weights_are_evaluated_and_kept() {
    let (seen, last) = trained(|options| options.ema_decay = Some(0.5));
    let gradients = seen.gradients.borrow().clone();
    let weights: Vec<f64> = (1..=3)
        .map(|updates| 1.0 - moved(&gradients[..updates], &[0.01; 3]))
        .collect();
    let mut average = 1.0;
    for (weight, decay) in weights.iter().zip([2.0 / 11.0, 3.0 / 12.0, 4.0 / 13.0]) {
        average = decay * average + (1.0 - decay) * weight;
    }
    close(last, average);
    close(seen.validated.borrow()[0], average);
}
