//! A component whose type is chosen at run time is an ordinary Burn module: a model that contains
//! one trains, prints, counts, saves under ordinary names and loads bit-equal.

use aam_api::{BoxedHead, Choice, HeadContext, HeadInput, HeadKind, Registry};
use aam_plugins as _;
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::store::{ModuleSnapshot, SafetensorsStore};
use burn::tensor::{Device, Tensor};
use serde_json::{Value, json};

#[derive(Module, Debug)]
struct Model {
    body: Linear,
    head: BoxedHead,
}

impl Model {
    fn new(head: &str, options: Value, device: &Device) -> Self {
        let context = HeadContext::new(8, 1, 1);
        let heads = Registry::<HeadKind>::load().expect("no duplicates");
        let choice = Choice {
            name: head.to_owned(),
            options: options.as_object().cloned().unwrap_or_default(),
        };
        let resolved = heads.resolve(&choice).expect("valid options");
        Self {
            body: LinearConfig::new(3, 8).init(device),
            head: heads
                .build(&resolved, &context, device)
                .expect("the context has all it needs"),
        }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let output = self
            .head
            .forward(HeadInput::new(self.body.forward(x).tanh(), None));
        output.values.squeeze_dim(2)
    }
}

fn inputs(device: &Device) -> Tensor<2> {
    let values = (0..48).map(|i| ((i * 37 % 101) as f32 / 50.0) - 1.0);
    Tensor::<1>::from_floats(values.collect::<Vec<_>>().as_slice(), device).reshape([16, 3])
}

fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("f32 values")
}

#[test]
fn trains() {
    let device = Device::default().autodiff();
    for head in ["linear", "mlp", "residual"] {
        let mut model = Model::new(head, json!({}), &device);
        let mut optimizer = AdamConfig::new().init();
        let x = inputs(&device);
        let target = x.clone().narrow(1, 0, 1) - x.clone().narrow(1, 1, 1);
        let mut losses = Vec::new();
        for _ in 0..200 {
            let error = model.forward(x.clone()) - target.clone();
            let loss = (error.clone() * error).mean();
            losses.push(loss.clone().into_scalar::<f32>());
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            model = optimizer.step(0.02, model, gradients);
        }
        let (first, last) = (losses[0], losses[199]);
        assert!(last < 0.05 * first, "{head}: from {first} to {last}");
    }
}

#[test]
fn dropout_acts_in_training_and_not_outside() {
    let device = Device::default().autodiff();
    let model = Model::new("mlp", json!({"hidden": [64], "dropout": 0.5}), &device);
    let twice = |model: &Model, device: &Device| {
        let run = || values(model.forward(inputs(device)));
        (run(), run())
    };
    let (first, second) = twice(&model, &device);
    assert_ne!(first, second, "in training");

    let plain = Device::default();
    let (first, second) = twice(&model.valid(), &plain);
    assert_eq!(first, second, "outside training");

    let (first, second) = twice(&model.clone().freeze(), &device);
    assert_eq!(first, second, "frozen");

    let (first, second) = twice(&model.valid().train(), &device);
    assert_ne!(first, second, "in training again");
}

#[test]
fn frozen_parameters_get_no_gradient() {
    let device = Device::default().autodiff();
    let mut model = Model::new("mlp", json!({}), &device);
    model.head = model.head.freeze();
    let loss = model.forward(inputs(&device)).sum();
    let gradients = GradientsParams::from_grads(loss.backward(), &model);
    assert_eq!(gradients.len(), 2, "weight and bias of the body");
}

#[test]
fn prints_and_counts() {
    let model = Model::new("mlp", json!({"hidden": [5]}), &Device::default());
    assert_eq!(model.num_params(), (3 * 8 + 8) + (8 * 5 + 5) + (5 + 1));
    let text = model.to_string();
    for expected in [
        "body: Linear",
        "head: MlpHead",
        "d_input: 8, d_output: 5",
        "params: 83",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
}

#[test]
fn saves_under_ordinary_names_and_loads_bit_equal() {
    let device = Device::default();
    let options = json!({"hidden": [5, 4], "dropout": 0.1});
    let model = Model::new("residual", options.clone(), &device);
    let mut store = SafetensorsStore::from_bytes(None);
    model.save_into(&mut store).expect("it saves to memory");
    let bytes = store.get_bytes().expect("it has saved");

    let file = safetensors::SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let mut names = file.names();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "body.bias",
            "body.weight",
            "head.mlp.hidden.0.bias",
            "head.mlp.hidden.0.weight",
            "head.mlp.hidden.1.bias",
            "head.mlp.hidden.1.weight",
            "head.mlp.output.bias",
            "head.mlp.output.weight",
            "head.skip.bias",
            "head.skip.weight",
        ]
    );

    let mut loaded = Model::new("residual", options, &device);
    let x = inputs(&device);
    let expected = values(model.forward(x.clone()));
    assert_ne!(
        values(loaded.forward(x.clone())),
        expected,
        "other weights at first"
    );
    let mut store = SafetensorsStore::from_bytes(Some(bytes));
    let result = loaded.load_from(&mut store).expect("the same model");
    assert_eq!(result.applied.len(), 10);
    assert_eq!(values(loaded.forward(x)), expected);
}
