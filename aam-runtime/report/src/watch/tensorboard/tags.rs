//! TensorBoard tags of the metrics of an epoch: the names of the reference implementation, where it
//! has the metric.

use aam_api::metric::is_held_out;
use aam_evaluation::metrics::Metric;

/// Charts of training and validation together, each with its two tags.
const PAIRS: [&str; 6] = [
    "TotalLoss",
    "TargetLoss",
    "CountLoss",
    "UniFracLoss",
    "NucLoss",
    "NucAccuracy",
];

/// The charts that show training and validation together.
pub fn layout() -> Vec<(String, Vec<String>)> {
    let charts = PAIRS.map(|name| {
        let tags = ["train", "val"].map(|side| format!("{name}/{side}"));
        (name.to_owned(), tags.to_vec())
    });
    charts.into()
}

/// Tags and values of the metrics of an epoch.
pub fn of(metrics: &[Metric]) -> Vec<(String, f64)> {
    let mut tags = Vec::with_capacity(2 * metrics.len());
    for metric in metrics {
        let name = metric.name.as_str();
        let tag = match (name, name.strip_prefix("observed:")) {
            ("observed:gate", _) => "gmu/gate_mean".to_owned(),
            (_, Some(name)) => format!("observed/{name}"),
            _ if is_held_out(name) => format!("val/{}", own_name(name)),
            _ => format!(
                "train/{}",
                own_name(name.strip_prefix("train_").unwrap_or(name))
            ),
        };
        tags.push((tag, metric.value));
    }
    let value = |name: &str| {
        let metric = metrics.iter().find(|metric| metric.name == name);
        metric.map(|metric| metric.value)
    };
    let squared = |name: &str| value(name).map(|root| root * root);
    tags.extend(squared("rmse").map(|mse| ("val/mse".to_owned(), mse)));
    // For pre-training, the reference uses no prefix for the metrics of distances.
    if value("r2").is_none() {
        for name in ["r2", "mae"] {
            let value = value(&format!("unifrac_{name}"));
            tags.extend(value.map(|value| (format!("val/{name}"), value)));
        }
        let mse = squared("unifrac_rmse");
        tags.extend(mse.map(|mse| ("val/mse".to_owned(), mse)));
    }
    let of_targets = value("train_target_loss").and(value("loss"));
    let pairs = [
        ("TotalLoss/train", value("train_loss")),
        ("TotalLoss/val", value("loss")),
        ("TargetLoss/train", value("train_target_loss")),
        ("TargetLoss/val", of_targets),
        ("CountLoss/train", value("train_count_loss")),
        ("UniFracLoss/train", value("train_unifrac_loss")),
        ("UniFracLoss/val", squared("unifrac_rmse")),
        ("NucLoss/train", value("train_nucleotide_loss")),
        ("NucLoss/val", value("nucleotide_loss")),
        ("NucAccuracy/val", value("nucleotide_accuracy")),
    ];
    for (tag, value) in pairs {
        tags.extend(value.map(|value| (tag.to_owned(), value)));
    }
    tags
}

/// The reference's name of a loss or metric.
fn own_name(name: &str) -> String {
    match name {
        "loss" => "total_loss".to_owned(),
        _ => name.replace("nucleotide_", "nuc_").replace(':', "/"),
    }
}

#[cfg(test)]
mod tests {
    use aam_api::metric::{Better, MetricInfo, MetricOf};

    use super::*;

    aam_api::describe_metrics!(
        MetricInfo::new("learning_rate", "learning rate", Better::Neither).of(MetricOf::Course),
    );

    #[test]
    fn tags_match_the_reference() {
        let metrics: Vec<Metric> = [
            ("learning_rate", 0.01),
            ("train_loss", 3.0),
            ("train_nucleotide_loss", 2.0),
            ("loss", 1.0),
            ("unifrac_r2", 0.5),
            ("unifrac_rmse", 0.5),
            ("nucleotide_accuracy", 0.75),
        ]
        .map(|(name, value)| Metric {
            name: name.to_owned(),
            value,
        })
        .into();
        let tags = of(&metrics);
        let expected = [
            ("train/learning_rate", 0.01),
            ("train/total_loss", 3.0),
            ("train/nuc_loss", 2.0),
            ("val/total_loss", 1.0),
            ("val/unifrac_r2", 0.5),
            ("val/r2", 0.5),
            ("val/mse", 0.25),
            ("val/nuc_accuracy", 0.75),
            ("TotalLoss/val", 1.0),
            ("UniFracLoss/val", 0.25),
            ("NucAccuracy/val", 0.75),
        ];
        for (tag, value) in expected {
            assert!(tags.contains(&(tag.to_owned(), value)), "{tag}: {tags:?}");
        }
        assert!(tags.iter().all(|(tag, _)| !tag.starts_with("TargetLoss")));
    }
}
