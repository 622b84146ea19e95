use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aam_api::metric::Subject;
use aam_api::{
    Learned, ObjectiveConfig, ObjectiveContext, PairDistances, PluginError, SampleObjective,
    SampleTable, Source, StudySource, Truth, testing,
};
use burn::tensor::Tensor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{check, verdict};

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Fault {
    #[default]
    None,
    NoSource,
    UnknownSubject,
    OneSided,
    NotHollow,
    OfTheOthers,
    AnotherTime,
    NoWayBack,
    Values,
    DetachedLoss,
}

/// Differences in depth between samples.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
struct FaultyConfig {
    /// The fault.
    fault: Fault,
}

const SUBJECT: Subject = Subject::new("depth", "depth");

aam_api::describe_metrics!(SUBJECT);

#[derive(Debug)]
struct Faulty(Fault);

#[derive(Debug)]
struct Depths {
    fault: Fault,
    table: Arc<dyn SampleTable>,
    number: usize,
}

impl ObjectiveConfig for FaultyConfig {
    const NAME: &'static str = "faulty";
    type Objective = Faulty;

    fn init(&self, _: &ObjectiveContext) -> Result<Faulty, PluginError> {
        Ok(Faulty(self.fault))
    }
}

impl SampleObjective for Faulty {
    fn learned(&self) -> Learned {
        Learned::Distances
    }

    fn sources(&self) -> &'static [Source] {
        match self.0 {
            Fault::NoSource => &[],
            _ => &[Source::Table],
        }
    }

    fn title(&self) -> String {
        "distances in depth".to_owned()
    }

    fn subject(&self) -> Subject {
        match self.0 {
            Fault::UnknownSubject => Subject::new("unknown", "depth"),
            _ => SUBJECT,
        }
    }

    fn truth(&self, study: &StudySource<'_>) -> Result<Truth, PluginError> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        if self.0 == Fault::Values {
            return Ok(Truth::Values(Vec::new()));
        }
        Ok(Truth::Distances(Box::new(Depths {
            fault: self.0,
            table: study.table.clone(),
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
        })))
    }

    fn note(&self) -> String {
        "distances in depth from the table".to_owned()
    }

    fn forward(&self, truth: f64) -> f64 {
        truth / (1.0 + truth)
    }

    fn inverse(&self, learned: f64) -> f64 {
        match self.0 {
            Fault::NoWayBack => learned,
            _ => learned / (1.0 - learned),
        }
    }

    fn own_loss(&self, predicted: Tensor<2>, truth: Tensor<2>) -> Option<Tensor<1>> {
        let apart = predicted - truth;
        Some(match self.0 {
            Fault::DetachedLoss => (apart.clone().detach() * apart).mean(),
            _ => apart.square().mean(),
        })
    }
}

impl PairDistances for Depths {
    fn between(&self, rows: &[usize]) -> Vec<f64> {
        let depth = |row: usize| self.table.depth(row) as f64;
        let most = rows.iter().map(|&row| depth(row)).fold(0.0, f64::max);
        let distance = |a: usize, b: usize| match self.fault {
            Fault::OneSided => (depth(a) - depth(b)).max(0.0),
            Fault::NotHollow => (depth(a) - depth(b)).abs() + 1.0,
            Fault::OfTheOthers => (depth(a) - depth(b)).abs() / most,
            Fault::AnotherTime => (depth(a) - depth(b)).abs() * (1 + self.number) as f64,
            _ => (depth(a) - depth(b)).abs(),
        };
        let pairs = rows.iter().flat_map(|&a| rows.iter().map(move |&b| (a, b)));
        pairs.map(|(a, b)| distance(a, b)).collect()
    }
}

#[test]
fn every_fault_is_named() {
    let says = |fault| verdict(move || testing::objective(&FaultyConfig { fault }));
    check(
        says,
        &[
            (Fault::None, "conforms"),
            (Fault::NoSource, "can be learned from nothing"),
            (Fault::UnknownSubject, "describe_metrics! does not register"),
            (Fault::OneSided, "in the other"),
            (
                Fault::NotHollow,
                "the distance between samples 0 and 0 is 1",
            ),
            (Fault::OfTheOthers, "among all samples and"),
            (Fault::AnotherTime, "other distances the second time"),
            (Fault::NoWayBack, "on the scale on which it is learned"),
            (Fault::Values, "learned contradicts what truth returns"),
            (Fault::DetachedLoss, "the gradient of parameter"),
        ],
    );
}
