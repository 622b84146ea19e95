//! Cross-fitting: what is fitted to predictions is applied only to others.

use std::collections::BTreeMap;

use crate::results::{HeldOut, RawColumn, TargetPrediction};

/// What was fitted to each target, for every fold without the samples of that fold.
#[derive(Debug)]
pub(crate) struct CrossFitted<'a, F> {
    /// Fold of each row of the table.
    folds: &'a [String],
    of: BTreeMap<&'a str, Vec<F>>,
}

impl<'a, F> CrossFitted<'a, F> {
    /// Fits each of `targets` to `samples`, for every fold to the samples of the others; `folds` is
    /// the fold of each row of the table.
    pub(crate) fn new(
        targets: &[RawColumn],
        samples: &[HeldOut],
        folds: &'a [String],
        fit: impl Fn(&RawColumn, usize, &[&HeldOut]) -> F,
    ) -> Self {
        let mut of = BTreeMap::new();
        for sample in samples {
            let fold = folds[sample.row].as_str();
            of.entry(fold).or_insert_with(|| {
                let others = samples.iter().filter(|other| folds[other.row] != fold);
                let others: Vec<&HeldOut> = others.collect();
                let columns = targets.iter().enumerate();
                columns
                    .map(|(target, column)| fit(column, target, &others))
                    .collect()
            });
        }
        Self { folds, of }
    }

    /// Changes every prediction of `samples` by what was fitted without its fold.
    pub(crate) fn applied(
        &self,
        samples: &[HeldOut],
        change: impl Fn(&F, &mut TargetPrediction),
    ) -> Vec<HeldOut> {
        let mut changed = samples.to_vec();
        for sample in &mut changed {
            let fits = self.of.get(self.folds[sample.row].as_str());
            let fits = fits.into_iter().flatten();
            fits.zip(&mut sample.predictions)
                .for_each(|(fit, prediction)| change(fit, prediction));
        }
        changed
    }
}
