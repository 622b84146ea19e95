//! What can be wrong with a model's configuration.

use aam_api::PluginError;

/// A model that cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// An option out of range.
    #[error("model option '{option}': expected {expected}, found {found}")]
    Option {
        /// The option.
        option: &'static str,
        /// What is allowed.
        expected: String,
        /// What was given.
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

impl ModelError {
    pub(crate) fn option(
        option: &'static str,
        expected: impl Into<String>,
        found: impl std::fmt::Display,
    ) -> Self {
        Self::Option {
            option,
            expected: expected.into(),
            found: found.to_string(),
        }
    }
}
