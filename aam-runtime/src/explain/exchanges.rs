//! What shuffling ASVs costs, and what exchanging other inputs changes and costs, over all models that predict
//! the samples.

use aam_core::text::{agreeing, counted};
use aam_data::Metadata;
use aam_run::RunError;
use aam_run::events::{Event, Observer};

use super::Explanation;
use super::costs::{Costs, Judge, Losses};
use super::held_out::Division;
use super::inputs::{Exchange, Exchanged, InputsFound, inputs};
use super::labels::Labels;
use super::methods::Methods;
use super::relatives::Relatives;
use super::shuffled::{Shuffled, ShuffledGroup, Shuffling};
use super::worst::{Worst, worst};

/// The fraction of the evaluations that shuffling takes, and that exchanging other inputs takes.
const OF_SHUFFLING: u64 = 4;
const OF_EXCHANGING: u64 = 10;

/// Both changes, with the metric for the samples of each, if it is defined.
struct Changes<'a> {
    exchange: Exchange<'a>,
    of_exchanging: Option<Judge<'a>>,
    shuffling: Shuffling<'a>,
    of_shuffling: Option<Judge<'a>>,
    /// What explains the largest errors.
    labels: &'a Labels,
    relatives: &'a Relatives,
}

/// The result of all of them.
pub struct Exchanges {
    /// What shuffling costs, if the target is known.
    pub shuffled: Option<Shuffled>,
    /// What exchanging other inputs changes and costs.
    pub inputs: InputsFound,
    /// The held-out samples with the largest errors.
    pub worst: Vec<Worst>,
}

/// The losses of all models, and the samples with the largest errors of each.
#[derive(Default)]
struct OfModels {
    exchanged: Vec<Losses>,
    shuffled: Vec<Losses>,
    worst: Vec<Worst>,
}

impl Explanation<'_> {
    /// What shuffling each of `groups` costs, what exchanging other inputs changes and costs, and the largest
    /// errors of held-out samples.
    pub(super) fn exchange(
        &self,
        (methods, relatives): (&Methods<'_>, &Relatives),
        labels: Option<&Labels>,
        groups: Vec<ShuffledGroup>,
        metadata: Option<&Metadata>,
        observer: &mut dyn Observer,
    ) -> Result<Exchanges, RunError> {
        let (options, predictor) = (self.options, self.predictor);
        let (table, seed) = (&*self.samples.table, options.seed);
        let share = |fraction: u64| (options.repeats, options.evaluations / fraction);
        let (explained, target) = ((methods, &predictor.parts), self.target);
        let inputs = inputs(methods, &predictor.parts, target);
        let exchange = |rows: Vec<usize>| {
            let inputs = (inputs.as_slice(), target);
            Exchange::new(table, inputs, rows, share(OF_EXCHANGING), seed)
        };
        let Some(labels) = labels else {
            let exchange = exchange((0..table.num_samples()).collect());
            let exchanged = exchange.of(explained, None, exchange.rows())?;
            return Ok(Exchanges {
                shuffled: None,
                inputs: exchange.found(exchanged.as_ref(), None),
                worst: Vec::new(),
            });
        };
        let division = Division::new(self.source, predictor, table, &labels.rows)?;
        note(&division, labels, observer)?;
        let rows = division.rows();
        let exchange = exchange(rows.clone());
        let shuffling = Shuffling::new(table, &groups, rows, share(OF_SHUFFLING), seed);
        let changes = Changes {
            of_exchanging: Judge::new(labels, exchange.rows(), target),
            of_shuffling: Judge::new(labels, shuffling.rows(), target),
            exchange,
            shuffling,
            labels,
            relatives,
        };
        let judge = changes.of_exchanging.as_ref();
        let exchanged = changes
            .exchange
            .of(explained, judge, changes.exchange.rows())?;
        let total = groups.len() * options.repeats * division.models();
        let places = (&division, total);
        let found = self.of_models(
            &changes,
            places,
            exchanged.as_ref(),
            methods,
            metadata,
            observer,
        )?;
        let costs = |judge: Option<&Judge<'_>>, losses: &[Losses], number| {
            let judge = judge.filter(|_| !losses.is_empty())?;
            Some(Costs::of(judge, losses, number, division.held_out))
        };
        let of_inputs = costs(judge, &found.exchanged, inputs.len());
        let costs = costs(changes.of_shuffling.as_ref(), &found.shuffled, groups.len());
        Ok(Exchanges {
            inputs: changes
                .exchange
                .found(exchanged.as_ref(), of_inputs.as_ref()),
            worst: worst(found.worst),
            shuffled: costs.map(|costs| Shuffled { groups, costs }),
        })
    }

    /// What each model of the division finds in the samples that it predicts. `exchanged` are the predictions
    /// of the explained model for all samples.
    fn of_models(
        &self,
        changes: &Changes<'_>,
        (division, total): (&Division, usize),
        exchanged: Option<&Exchanged>,
        methods: &Methods<'_>,
        metadata: Option<&Metadata>,
        observer: &mut dyn Observer,
    ) -> Result<OfModels, RunError> {
        let (mut all, mut done) = (OfModels::default(), 0);
        self.with_models(
            division,
            methods,
            metadata,
            observer,
            |model, own, observer| {
                if let Some(judge) = &changes.of_exchanging {
                    let found = match division.folds() {
                        0 => exchanged.and_then(|exchanged| exchanged.losses.clone()),
                        _ => {
                            let found = changes.exchange.of(model, Some(judge), own)?;
                            found.and_then(|found| found.losses)
                        }
                    };
                    all.exchanged.extend(found);
                }
                if let Some(judge) = &changes.of_shuffling {
                    let found = changes.shuffling.losses(model.0, judge, own, || {
                        done += 1;
                        observer.observe(&Event::Progress {
                            what: "shuffling ASVs",
                            done,
                            total,
                        })
                    })?;
                    all.shuffled.extend(found);
                }
                if division.held_out {
                    let (labels, relatives) = (changes.labels, changes.relatives);
                    all.worst
                        .extend(self.worst_of(model.0, labels, relatives, own)?);
                }
                Ok(())
            },
        )?;
        Ok(all)
    }
}

/// Says which models predict the samples whose reads are shuffled.
fn note(division: &Division, labels: &Labels, observer: &mut dyn Observer) -> Result<(), RunError> {
    let left_out = labels.rows.len() - division.rows().len();
    if division.folds() > 0 {
        observer.observe(&Event::Note(&format!(
            "costs of shuffling are on held-out samples, each predicted by {} that did not see it",
            match division.folds() {
                1 => "a model".to_owned(),
                folds => format!("the one of {folds} models"),
            }
        )))?;
    }
    if left_out > 0 {
        observer.observe(&Event::Note(&format!(
            "{} {} not shuffled: no model of the run predicts {} without having seen {}",
            counted(left_out, "sample"),
            agreeing(left_out, "is", "are"),
            agreeing(left_out, "it", "them"),
            agreeing(left_out, "it", "them")
        )))?;
    }
    Ok(())
}
