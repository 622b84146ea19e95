//! The ASVs that an exported model reads.

use aam_data::{Ids, Storage, Table, TokenOptions, TokenizedSequences};
use aam_model::batch::Batcher;
use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_study::ids_in_file;
use aam_train::checkpoint::manifest::DataPolicy;
use aam_train::embedding_cache::EmbeddingCache;
use aam_train::encoding::Embeddings;
use burn::tensor::Tensor;

use crate::given_reads::GivenReads;
use crate::loaded_predictor::{CHUNK, LoadedPredictor};
use crate::options::ExportOptions;

/// The ASVs that an exported model reads, in the order of its input.
pub struct Vocabulary {
    table: Table,
    sequences: TokenizedSequences,
    /// What the user's files call them, if that is not their sequence.
    pub ids: Option<Vec<String>>,
}

impl Vocabulary {
    /// The ASVs of the table that `options` name, or those that the learners of `predictor` know.
    ///
    /// # Errors
    /// Files that cannot be read, or neither a table nor learners.
    pub fn read(
        options: &ExportOptions,
        predictor: &LoadedPredictor,
        observer: &mut dyn Observer,
    ) -> Result<Self, RunError> {
        match options.table {
            Some(_) => Self::of_table(options, predictor, observer),
            None => Self::of_learners(predictor, observer),
        }
    }

    fn of_table(
        options: &ExportOptions,
        predictor: &LoadedPredictor,
        observer: &mut dyn Observer,
    ) -> Result<Self, RunError> {
        let given = GivenReads {
            files: options.files(),
            storage: Storage::Memory,
            list: None,
            metadata: None,
            conditions: None,
        };
        let policy = DataPolicy {
            // It would drop ASVs.
            rarefy_depth: None,
            ..predictor.policy.clone()
        };
        let (table, sequences) = given.read(&policy, predictor.kinship.as_ref(), observer)?;
        let ids = match options.sequences.as_deref() {
            Some(path) => Some(ids_in_file(&table, Some(path))?),
            None => None,
        };
        Ok(Self {
            table,
            sequences,
            ids,
        })
    }

    fn of_learners(
        predictor: &LoadedPredictor,
        observer: &mut dyn Observer,
    ) -> Result<Self, RunError> {
        let members = predictor.members.as_ref();
        let asvs = members.map_or(&[][..], |members| members.asvs());
        if asvs.is_empty() {
            return Err(RunError::missing(
                "table",
                "the network reads any sequence, and the checkpoint has no list of ASVs; name a table with the ASVs that the exported model is to read, for example the one used in training",
            ));
        }
        let number = asvs.len();
        observer.observe(&Event::Note(&format!(
            "the exported model reads the {number} ASVs that the members other than the network know; --table names others"
        )))?;
        // One sample that has all of them.
        let cells: Vec<(u32, u32, u32)> = (0..number as u32).map(|asv| (0, asv, 1)).collect();
        let sample = vec!["vocabulary".to_owned()];
        let table = Table::from_triplets(sample, asvs.to_vec(), &cells)?;
        let max_bp = predictor.policy.max_bp;
        let sequences = match &predictor.kinship {
            Some(kinship) => {
                let ids = table.feature_ids();
                TokenizedSequences::of_kinship(ids, kinship.clone(), max_bp / 2)
            }
            None => {
                let truncate = true;
                let options = TokenOptions { max_bp, truncate };
                TokenizedSequences::of(table.feature_ids(), &options)?
            }
        };
        Ok(Self {
            table,
            sequences,
            ids: None,
        })
    }

    /// Their names in the model: sequences, if they have any.
    pub fn asvs(&self) -> &Ids {
        self.table.feature_ids()
    }

    /// Their embeddings, `[asvs, dim]`.
    ///
    /// # Errors
    /// Those of the observer.
    pub fn embeddings(
        &self,
        predictor: &LoadedPredictor,
        options: &ExportOptions,
        observer: &mut dyn Observer,
    ) -> Result<Tensor<2>, RunError> {
        let batcher = Batcher {
            table: &self.table,
            sequences: &self.sequences,
            limit: predictor.policy.token_limit,
            sampling: predictor.policy.asv_sampling,
            chunk: CHUNK,
        };
        let rows: Vec<usize> = (0..self.table.num_samples()).collect();
        let cache = EmbeddingCache::of(&options.embedding_cache, &predictor.asv_encoder);
        let place = (&predictor.device, &cache);
        let base = &predictor.model.predictor.base;
        let found = Embeddings::of_samples(base, &batcher, &rows, place, |done, total| {
            observer.observe(&Event::Progress {
                what: "encoding ASVs",
                done,
                total,
            })
        })?;
        Ok(found.in_order())
    }
}
