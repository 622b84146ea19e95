//! Two components of the same kind and name are rejected, naming the crates of both.
//!
//! This is a separate test because linked components cannot be unlinked.

use aam_api::{
    FusionKind, Head, HeadConfig, HeadContext, HeadInput, HeadKind, HeadOutput, PluginError,
    Registry,
};
use aam_plugins as _;
use burn::module::Module;
use burn::tensor::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Another head named `mlp`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
struct OtherMlpConfig {}

#[derive(Module, Debug)]
struct OtherMlp;

impl HeadConfig for OtherMlpConfig {
    const NAME: &'static str = "mlp";
    type Head = OtherMlp;

    fn init(&self, _context: &HeadContext, _device: &Device) -> Result<OtherMlp, PluginError> {
        Ok(OtherMlp)
    }
}

impl Head for OtherMlp {
    fn forward(&self, input: HeadInput) -> HeadOutput {
        HeadOutput::from_columns(input.pooled, 1)
    }
}

aam_api::register_head!(OtherMlpConfig);

#[test]
fn a_name_taken_twice_is_refused() {
    let version = env!("CARGO_PKG_VERSION");
    let error = match Registry::<HeadKind>::load() {
        Ok(_) => panic!("two heads are called mlp"),
        Err(error) => error,
    };
    assert_eq!(
        error.to_string(),
        format!(
            "the head 'mlp' is registered twice, by aam-plugins {version} and by \
             aam-tests {version}; a program can link only one of them"
        )
    );
    assert!(
        Registry::<FusionKind>::load().is_ok(),
        "other kinds are not concerned"
    );
}
