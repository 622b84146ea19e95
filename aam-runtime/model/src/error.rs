//! Errors of a model's configuration.

use aam_api::PluginError;
use aam_api::options::BadValue;
use aam_run::RunError;

/// A model that cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// An option out of range.
    #[error("model option '{option}': expected {expected}, found {found}")]
    Option {
        /// The option.
        option: String,
        /// The allowed values.
        expected: String,
        /// The given value.
        found: String,
    },
    /// A component that cannot be built.
    #[error(transparent)]
    Component(Box<PluginError>),
}

impl From<PluginError> for ModelError {
    fn from(error: PluginError) -> Self {
        Self::Component(Box::new(error))
    }
}

impl From<BadValue> for ModelError {
    fn from(error: BadValue) -> Self {
        Self::option(error.option, error.expected, error.found)
    }
}

impl ModelError {
    /// Creates the error of an option out of range.
    pub fn option(
        option: impl Into<String>,
        expected: impl Into<String>,
        found: impl std::fmt::Display,
    ) -> Self {
        Self::Option {
            option: option.into(),
            expected: expected.into(),
            found: found.to_string(),
        }
    }
}

impl From<ModelError> for RunError {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Option {
                option,
                expected,
                found,
            } => Self::setting(option, format!("expected {expected}, found {found}")),
            ModelError::Component(error) => Self::Plugin(*error),
        }
    }
}
