//! Samples for a trained model, prepared like those it was trained on.

use std::path::Path;
use std::sync::Arc;

use aam_core::text::counted;
use aam_data::{Conditions, Kinship, Metadata, Storage, Table, TokenOptions, TokenizedSequences};
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_study::{self as study, ReadsFiles};
use aam_train::checkpoint::manifest::DataPolicy;

/// Which samples to read, and from which files.
pub struct GivenReads<'a> {
    /// The files.
    pub files: ReadsFiles<'a>,
    /// Where the counts are stored.
    pub storage: Storage,
    /// A list of samples. Default: all.
    pub list: Option<&'a Path>,
    /// The metadata of the samples, if any.
    pub metadata: Option<&'a Metadata>,
    /// Conditions on the metadata.
    pub conditions: Option<&'a Conditions>,
}

impl GivenReads<'_> {
    /// Reads the samples with the sequences of their ASVs, or with the relations of features without
    /// sequences, under the `policy` of the training.
    ///
    /// # Errors
    /// Files that cannot be read, or that the model cannot use.
    pub fn read(
        &self,
        policy: &DataPolicy,
        kinship: Option<&Arc<Kinship>>,
        observer: &mut dyn Observer,
    ) -> Result<(Table, TokenizedSequences), RunError> {
        let notes = &mut |note: String| observer.observe(&Event::Note(&note));
        let files = ReadsFiles {
            orient: policy.orient,
            ..self.files
        };
        let mut table = study::read_files(files, &self.storage, notes)?;
        if let Some(list) = self.list {
            table = study::listed(table, list, notes)?;
        }
        if let Some(metadata) = self.metadata {
            study::tell_without_row(&table, metadata, notes)?;
            table = study::meeting(table, metadata, self.conditions, notes)?;
        }
        let table = study::rarefied(table, policy.rarefy_depth, policy.seed, notes)
            .map_err(|error| self.as_trained(error, policy))?;
        let table = table.drop_empty_features()?;
        if let Some(kinship) = kinship {
            study::note_related(&table, kinship, notes)?;
            let (ids, dim) = (table.feature_ids(), policy.max_bp / 2);
            let codes = TokenizedSequences::of_kinship(ids, kinship.clone(), dim);
            return Ok((table, codes));
        }
        let longest = table.feature_ids().iter().map(str::len).max().unwrap_or(0);
        let max_bp = policy.max_bp;
        if longest > max_bp {
            observer.observe(&Event::Warning(&format!(
                "the model was trained on sequences of up to {}, and the longest one here has {longest}: longer sequences are truncated",
                counted(max_bp, "base")
            )))?;
        }
        let options = TokenOptions {
            max_bp,
            truncate: true,
        };
        let notes = &mut |note: String| observer.observe(&Event::Note(&note));
        let sequences = study::tokenized(&table, &options, notes)
            .map_err(|error| self.as_trained(error, policy))?;
        Ok((table, sequences))
    }

    /// Removes advice on other settings from the error: samples are prepared as in training.
    fn as_trained(&self, error: RunError, policy: &DataPolicy) -> RunError {
        let RunError::Data(mut error) = error else {
            return error;
        };
        let help = error.help.as_deref().unwrap_or_default();
        if help.contains("--rarefy-depth") {
            let depth = policy.rarefy_depth.unwrap_or_default();
            error.help = Some(format!(
                "the model was trained on samples of {} each and predicts only samples with at least that many",
                counted(depth as usize, "read")
            ));
        }
        match self.files.table {
            Some(table) => error.file(table).into(),
            None => error.into(),
        }
    }
}
