//! The suggested next command.

use std::path::Path;

use aam_data::IdsAre;
use aam_report::check::{CheckReport, ColumnFound, Next, TargetFound, ValuesAre};

use super::columns::names_ids;
use super::files::Study;
use super::target::is_processing;
use crate::options::CheckOptions;

/// Maximum number of columns suggested as targets.
const MOST_NAMED: usize = 12;
/// Fraction of the samples for which a suggested target column has values.
const NEARLY_ALL: f64 = 0.8;
/// Maximum number of classes of a suggested target column.
const FEW_CLASSES: usize = 12;

/// The suggested next command, for the files in `study`.
pub fn next(
    options: &CheckOptions,
    folder: Option<&Path>,
    study: &Study,
    report: &CheckReport,
) -> Next {
    let again = |columns: &[String], why: String| Next {
        why,
        arguments: check(options, folder, columns),
    };
    if report.stops() {
        let why = "fix the errors above, then check again".to_owned();
        return again(&options.metadata_column, why);
    }
    let Some((table, _)) = &study.table else {
        let mut next = again(
            &options.metadata_column,
            "everything else requires the table".to_owned(),
        );
        next.arguments
            .extend(["--table", "TABLE"].map(str::to_owned));
        return next;
    };
    let Some(metadata) = &study.metadata else {
        return pretrain(options, study, table);
    };
    if !report.targets.is_empty() {
        return Next {
            why: "learn to predict it, holding out every sample once".to_owned(),
            arguments: train(options, study, (table, metadata.file()), &report.targets),
        };
    }
    let can_be = |column: &&ColumnFound| column.kind.can_be_learned();
    let columns: Vec<&ColumnFound> = report.columns.iter().filter(can_be).collect();
    let first = columns.iter().find(|column| is_good(column));
    match first.or(columns.first()) {
        Some(first) => {
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            let more = match names.len() > MOST_NAMED {
                true => ", …",
                false => "",
            };
            let shown = names[..names.len().min(MOST_NAMED)].join(", ");
            let why = format!(
                "choose a column to predict and check it in more detail; these can be learned: {shown}{more}"
            );
            again(std::slice::from_ref(&first.name), why)
        }
        None => pretrain(options, study, table),
    }
}

/// Whether a column is a good first target.
fn is_good(column: &ColumnFound) -> bool {
    let all = column.known + column.missing;
    let filled = column.known as f64 >= NEARLY_ALL * all as f64;
    let plain = column.kind == ValuesAre::Numbers || column.distinct <= FEW_CLASSES;
    let studied = !(names_ids(&column.name) || is_processing(&column.name));
    filled && plain && studied && column.remarks.is_empty()
}

/// Flags with their values.
struct Arguments(Vec<String>);

impl Arguments {
    fn of(command: &str) -> Self {
        Self(vec![command.to_owned()])
    }

    fn value(&mut self, flag: &str, value: impl Into<String>) {
        self.0.extend([format!("--{flag}"), value.into()]);
    }

    fn path(&mut self, flag: &str, path: Option<&Path>) {
        if let Some(path) = path {
            self.value(flag, path.display().to_string());
        }
    }

    fn switch(&mut self, flag: &str, on: bool) {
        if on {
            self.0.push(format!("--{flag}"));
        }
    }
}

fn check(options: &CheckOptions, folder: Option<&Path>, columns: &[String]) -> Vec<String> {
    let mut arguments = Arguments::of("check");
    arguments
        .0
        .extend(folder.map(|folder| folder.display().to_string()));
    arguments.path("table", options.table.as_deref());
    arguments.switch("transpose", options.transpose);
    arguments.path("sequences", options.sequences.as_deref());
    arguments.path("tree", options.tree.as_deref());
    tree_options(options, &mut arguments);
    arguments.path("unifrac-matrix", options.unifrac_matrix.as_deref());
    arguments.path("unifrac-ids", options.unifrac_ids.as_deref());
    arguments.path("metadata", options.metadata.as_deref());
    for column in columns {
        arguments.value("metadata-column", column.trim());
    }
    arguments.switch("classifier", options.classifier);
    for word in &options.keep_class {
        arguments.value("keep-class", word.as_str());
    }
    if let Some(column) = &options.group_column {
        arguments.value("group-column", column.trim());
    }
    arguments.0
}

fn tree_options(options: &CheckOptions, arguments: &mut Arguments) {
    let tree = &options.tree_options;
    arguments.switch("drop-missing", tree.drop_missing);
    if let Some(length) = tree.missing_length {
        arguments.value("missing-length", length.to_string());
    }
    if let Some(root) = serde_json::to_value(tree.root)
        .ok()
        .as_ref()
        .and_then(|v| v.as_str())
    {
        arguments.value("root", root);
    }
}

fn train(
    options: &CheckOptions,
    study: &Study,
    (table, metadata): (&Path, &Path),
    targets: &[TargetFound],
) -> Vec<String> {
    let mut arguments = Arguments::of("train");
    arguments.path("table", Some(table));
    arguments.switch("transpose", study.transposed);
    arguments.path(
        "sequences",
        study.sequences.as_ref().map(|(path, _)| path.as_path()),
    );
    let names = study.table.as_ref().filter(|_| study.sequences.is_none());
    if let (Some((_, table)), Some((path, tree))) = (names, &study.tree) {
        let mut ids = table.feature_ids().iter();
        if IdsAre::of(table.feature_ids()) != IdsAre::Sequences
            && ids.any(|id| tree.tip(id).is_some())
        {
            arguments.path("tree", Some(path));
            tree_options(options, &mut arguments);
        }
    }
    arguments.path("metadata", Some(metadata));
    // Columns of the same kind are learned together.
    let classes = targets.iter().all(|target| target.classes);
    for target in targets.iter().filter(|target| target.classes == classes) {
        arguments.value("metadata-column", target.column.name.as_str());
    }
    arguments.switch("classifier", classes);
    for word in &options.keep_class {
        arguments.value("keep-class", word.as_str());
    }
    let mut groups = targets.iter().flat_map(|target| target.groups.first());
    let likely = groups.find(|group| group.likely).map(|group| &group.name);
    if let Some(column) = options.group_column.as_ref().or(likely) {
        arguments.value("group-column", column.trim());
    }
    arguments.value("output-dir", "trained");
    arguments.0
}

/// Suggests a pre-training if there is no metadata.
fn pretrain(options: &CheckOptions, study: &Study, table: &Path) -> Next {
    let mut arguments = Arguments::of("pretrain");
    arguments.path("table", Some(table));
    arguments.switch("transpose", study.transposed);
    arguments.path(
        "sequences",
        study.sequences.as_ref().map(|(path, _)| path.as_path()),
    );
    match (&study.tree, &study.distances) {
        (Some((tree, _)), _) => {
            arguments.path("tree", Some(tree));
            tree_options(options, &mut arguments);
        }
        (None, Some((path, distances))) => {
            arguments.path("unifrac-matrix", Some(path));
            arguments.path("unifrac-ids", distances.list.as_deref());
            if distances.values {
                arguments.value("objective", "faith-pd");
            }
        }
        (None, None) => arguments.value("objective", "bray-curtis"),
    }
    arguments.value("output-dir", "pretrained");
    Next {
        why: "learn embeddings of ASVs and samples; to make predictions, add --metadata".to_owned(),
        arguments: arguments.0,
    }
}
