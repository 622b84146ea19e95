//! What an explanation shuffles, and what else a prediction depends on.

use std::collections::HashSet;

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
use super::importance::Importance;
use super::methods::Methods;
use super::names::Names;
use super::shuffled::{CLADE, ShuffledGroup};

/// Maximum number of ASVs, of genera and of clades that are shuffled.
const MOST_SHUFFLED: usize = 20;
/// Maximum number of ASVs of a clade that is shuffled.
const LARGEST_CLADE: usize = 10;

/// The ASVs, genera and clades to shuffle, the most important of each first. Of the nested clades, the largest
/// ones of up to ten ASVs are taken, which have no ASV in common.
pub fn groups(
    names: &Names,
    order: &[usize],
    genera: &[GroupFound],
    clades: &[GroupFound],
) -> Vec<ShuffledGroup> {
    let group = |kind, name: &str, columns: &[u32]| ShuffledGroup {
        kind,
        of: Clade {
            name: name.to_owned(),
            columns: columns.to_vec(),
        },
    };
    let asvs = order.iter().take(MOST_SHUFFLED);
    let asvs = asvs.map(|&column| group("ASV", &names.label(column), &[column as u32]));
    let genera = genera.iter().take(MOST_SHUFFLED);
    let genera = genera.map(|genus| group("genus", &genus.name, &genus.columns));
    let mut small: Vec<&GroupFound> = clades
        .iter()
        .filter(|clade| clade.columns.len() <= LARGEST_CLADE)
        .collect();
    small.sort_by_key(|clade| std::cmp::Reverse(clade.columns.len()));
    let mut taken = HashSet::new();
    small.retain(|clade| clade.columns.iter().all(|column| taken.insert(*column)));
    let kept: HashSet<&[u32]> = small.iter().map(|clade| clade.columns.as_slice()).collect();
    let clades = clades
        .iter()
        .filter(|clade| kept.contains(clade.columns.as_slice()));
    let clades = clades.take(MOST_SHUFFLED);
    let clades = clades.map(|clade| group(CLADE, &clade.name, &clade.columns));
    asvs.chain(genera).chain(clades).collect()
}

impl Explanation<'_> {
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
                "--bases: only the network reads the bases of ASVs; the other members ({}) treat each ASV as a whole, so the effects of bases are those on the network's prediction",
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
