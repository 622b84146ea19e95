//! `aam explain`: what drives the predictions of a model, ASV by ASV.

mod baseline;
mod changed;
mod dependence;
mod importance;
mod labels;
mod methods;
mod names;
mod relatives;
mod shuffled;
mod walks;

use aam_run::RunError;
use aam_run::events::{Event, Observer};
use aam_run::settings;
use aam_data::Storage;

use crate::given_reads::GivenReads;
use crate::loaded_predictor::{LoadedPredictor, ModelSource, PredictableSamples, needed_metadata};
use crate::options::ExplainOptions;

pub fn explain(options: &ExplainOptions, observer: &mut dyn Observer) -> Result<(), RunError> {
    settings::check(options)?;
    let source = ModelSource::of(options.model.as_deref(), &options.device)?;
    let conditions = options.selection.read(options.metadata.as_deref())?;
    let predictor = LoadedPredictor::read(&source, observer)?;
    let metadata = needed_metadata(options.metadata.as_deref(), conditions.as_ref(), &predictor.parts, observer)?;
    let given = GivenReads {
        files: options.given.files(),
        storage: Storage::Memory,
        list: options.selection.samples.as_deref(),
        metadata: metadata.as_ref(),
        conditions: conditions.as_ref(),
    };
    let samples = PredictableSamples::read(&given, metadata.as_ref(), &predictor, observer)?;
    let methods = methods::Methods::new(&predictor, &samples, 0, observer)?;
    let baseline = baseline::reads(&samples.table, options.baseline);
    let relatives = relatives::Relatives::of(&samples.table);
    let walks = walks::Walks {
        methods: &methods, table: &samples.table, baseline: &baseline, relatives: &relatives,
        orders: options.orders, evaluations: options.evaluations, seed: options.seed,
    };
    let rows: Vec<usize> = (0..samples.table.num_samples()).collect();
    println!("groups {} clades {}", walks.most_groups(rows.len()), relatives.clades().len());
    let all = walks.attribute(&rows, |done| observer.observe(&Event::Progress { what: "explaining samples", done, total: rows.len() }))?;
    let n: usize = all.iter().map(|a| a.asvs.len()).sum();
    println!("players {} apart {}", n as f64 / rows.len() as f64, all.iter().map(|a| a.apart).sum::<f64>() / rows.len() as f64);
    Ok(())
}
