//! Which of the samples in its files a command uses.

use std::path::{Path, PathBuf};

use aam_api::options::{Facts, FileUse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use aam_data::Conditions;
use aam_run::RunError;

/// Which of the samples in its files a command uses: those of a list, those whose metadata meet
/// conditions, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case")]
pub struct SelectionOptions {
    /// File of sample ids to use, one per line. Default: all samples.
    #[schemars(transform = Facts::new().common().file(FileUse::Read))]
    pub samples: Option<PathBuf>,
    /// Use only samples whose metadata meet conditions such as mom_child=C, ph>=6 or site in (gut,
    /// skin). Join conditions with and, or repeat the flag. Quote names and values that contain
    /// blanks.
    #[serde(rename = "where")]
    #[schemars(transform = Facts::new().common().joined(" and "))]
    pub conditions: Option<String>,
}

/// The option that holds the conditions.
const WHERE: &str = "where";

impl SelectionOptions {
    /// Parses the conditions, for samples described by the file `metadata`.
    ///
    /// # Errors
    /// Text that is not a condition, or conditions without metadata.
    pub fn read(&self, metadata: Option<&Path>) -> Result<Option<Conditions>, RunError> {
        let Some(text) = &self.conditions else {
            return Ok(None);
        };
        let conditions = Conditions::parse(text).map_err(|error| {
            let help = error.help.map(|help| format!("\n  help: {help}"));
            let problem = error.problem + &help.unwrap_or_default();
            RunError::value(WHERE, text, problem)
        })?;
        match metadata {
            Some(_) => Ok(Some(conditions)),
            None => Err(RunError::missing(
                "metadata",
                format!("--{WHERE} chooses samples by it"),
            )),
        }
    }

    /// The same for a command that uses metadata for nothing else.
    ///
    /// # Errors
    /// Those of [`read`](Self::read), or metadata without conditions.
    pub fn read_alone(&self, metadata: Option<&Path>) -> Result<Option<Conditions>, RunError> {
        let conditions = self.read(metadata)?;
        match (&conditions, metadata) {
            (None, Some(path)) => Err(RunError::value(
                "metadata",
                path.display().to_string(),
                format!("it only serves --{WHERE} here: give conditions, or leave it out"),
            )),
            _ => Ok(conditions),
        }
    }
}
