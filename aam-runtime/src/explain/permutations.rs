//! What is shuffled, exchanged and replaced in an explanation.

use aam_evaluation::evaluation::NETWORK;
use aam_run::RunError;
use aam_run::events::{Event, Observer};

use super::Explanation;
use super::attention::{AttentionFound, attention};
use super::bases::{self, BasesFound};
use super::clades::Clade;
use super::dependence::{Dependence, dependence};
use super::findings::GroupFound;
use super::folder::CURVES;
use super::importance::{Importance, Totals};
use super::inputs::{Exchange, InputsFound};
use super::labels::Labels;
use super::methods::Methods;
use super::names::Names;
use super::relatives::Relatives;
use super::shuffled::{Shuffled, Shuffling};

/// Number of groups of related ASVs that are shuffled.
const SHUFFLED_GROUPS: usize = 20;
/// Mean number of ASVs in a group of relatives.
const RELATIVES: usize = 5;

impl Explanation<'_> {
    /// The groups to shuffle, most important first: genera if known, otherwise closest relatives.
    pub(super) fn groups(
        &self,
        names: &Names,
        relatives: &Relatives,
        totals: &Totals<'_>,
    ) -> Vec<Clade> {
        let genera = names.genera();
        let groups: Vec<Clade> = match genera.is_empty() {
            false => genera
                .into_iter()
                .map(|(name, columns)| Clade { name, columns })
                .collect(),
            true => {
                let all: Vec<u32> = (0..self.samples.table.num_features() as u32).collect();
                let most = match relatives.known() {
                    0 => all.len(),
                    // One more group for those without known relatives.
                    known => known.div_ceil(RELATIVES) + 1,
                };
                let groups = relatives.groups(&all, most);
                let columns = groups
                    .into_iter()
                    .map(|group| group.iter().map(|&at| all[at]).collect());
                let named = columns.map(|columns: Vec<u32>| Clade {
                    name: match columns.len() {
                        1 => names.label(columns[0] as usize),
                        many if !relatives.knows(columns[0]) => format!("{many} rare ASVs"),
                        more => {
                            format!("{} and {} more", names.label(columns[0] as usize), more - 1)
                        }
                    },
                    columns,
                });
                named.collect()
            }
        };
        let found = GroupFound::all(groups, totals)
            .into_iter()
            .take(SHUFFLED_GROUPS);
        found
            .map(|group| Clade {
                name: group.name,
                columns: group.columns,
            })
            .collect()
    }

    /// How much worse the predictions get if each of `groups` is shuffled.
    pub(super) fn shuffle(
        &self,
        methods: &Methods<'_>,
        labels: &Labels,
        groups: &[Clade],
        observer: &mut dyn Observer,
    ) -> Result<Option<(Vec<Clade>, Shuffled)>, RunError> {
        let options = self.options;
        let shuffling = Shuffling {
            methods,
            table: &self.samples.table,
            labels,
            target: self.target,
            repeats: options.repeats,
            evaluations: options.evaluations / 10,
            seed: options.seed,
        };
        let columns: Vec<Vec<u32>> = groups.iter().map(|group| group.columns.clone()).collect();
        let total = columns.len() * options.repeats;
        let found = shuffling.of(&columns, |done| {
            observer.observe(&Event::Progress {
                what: "shuffling related ASVs",
                done,
                total,
            })
        })?;
        Ok(found.map(|found| (groups.to_vec(), found)))
    }

    /// How the prediction depends on the most important ASVs, the first in `order`.
    pub(super) fn dependences(
        &self,
        methods: &Methods<'_>,
        order: &[usize],
        importance: &[Importance],
    ) -> Result<Vec<(usize, Dependence)>, RunError> {
        let mut found = Vec::new();
        for &column in order.iter().take(CURVES.len()) {
            let output = importance[column].output;
            let of = dependence(methods, &self.samples.table, column as u32, output)?;
            found.extend(of.map(|of| (column, of)));
        }
        Ok(found)
    }

    /// The attention weights, if requested.
    pub(super) fn attention(
        &self,
        methods: &Methods<'_>,
        names: &Names,
        observer: &mut dyn Observer,
    ) -> Result<Option<AttentionFound>, RunError> {
        match self.options.attention {
            true => attention(methods, names, observer).map(Some),
            false => Ok(None),
        }
    }

    /// The importance of inputs besides single ASVs.
    pub(super) fn exchange(
        &self,
        methods: &Methods<'_>,
        labels: Option<&Labels>,
    ) -> Result<InputsFound, RunError> {
        let exchange = Exchange {
            methods,
            table: &self.samples.table,
            parts: &self.predictor.parts,
            labels,
            target: self.target,
            repeats: self.options.repeats,
            evaluations: self.options.evaluations / 10,
            seed: self.options.seed,
        };
        exchange.of()
    }

    /// The effects of the bases of the requested ASVs, the first of which are those in `order`.
    pub(super) fn bases(
        &self,
        methods: &Methods<'_>,
        names: &Names,
        order: &[usize],
        observer: &mut dyn Observer,
    ) -> Result<Vec<BasesFound>, RunError> {
        let columns = bases::columns(&self.options.bases, names, order)?;
        let others: Vec<&str> = methods.names().into_iter().skip(1).collect();
        let others: Vec<&str> = others.into_iter().filter(|name| *name != NETWORK).collect();
        if !columns.is_empty() && !others.is_empty() {
            observer.observe(&Event::Note(&format!(
                "--bases: only the network reads the bases of ASVs; the other members ({}) take each ASV as a whole, so the effects of bases are those on the network's prediction",
                others.join(", ")
            )))?;
        }
        let window = self.options.base_window;
        let found = columns
            .into_iter()
            .map(|column| bases::bases(methods, column, window, observer));
        found.collect()
    }
}
