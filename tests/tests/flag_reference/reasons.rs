//! Why settings have the defaults they have, wherever these are not just "off".

/// Settings and the reason for their default.
pub const REASONS: &[(&str, &str)] = &[
    (
        "asv-chunk-size",
        "activations of so many ASVs stay in a processor's cache; results do not depend on it",
    ),
    (
        "asv-sampling",
        "the most abundant ASVs say most; the order of a table is arbitrary",
    ),
    ("attention-heads", "as in the reference"),
    ("attention-layers", "by the preset"),
    (
        "batch-size",
        "with abundance pooling a small study fits one batch; distances learn from many updates of 32",
    ),
    (
        "baseline-trees",
        "grown in seconds beside most trainings, and more trees change little",
    ),
    (
        "best-metric",
        "the metric of the task: a sum of losses is ruled by whichever is largest",
    ),
    ("categorical-columns", "metadata enter only as asked"),
    (
        "categorical-dropout",
        "as in the reference, where it is fixed",
    ),
    ("categorical-embed-dim", "as in the reference"),
    (
        "categorical-loss-weight-beta",
        "counts up to about a thousand samples matter, as in the paper on effective numbers",
    ),
    ("categorical-loss-weight-column", "as in the reference"),
    ("categorical-lr", "one rate does for all"),
    ("count-embedding", "abundance is half of the data"),
    ("count-scale", "raw counts span orders of magnitude"),
    (
        "count-weight",
        "the branch costs a stack of layers, and nothing uses its result",
    ),
    (
        "attn-implementation",
        "the fused kernel of a GPU is used where a check before the run finds it right",
    ),
    (
        "device",
        "a GPU where there is one and the build knows it, else the CPU",
    ),
    (
        "distance-scale",
        "starts where predicted distances are as large as the true ones",
    ),
    ("dropout", "by the preset"),
    ("embedding-dim", "by the preset"),
    (
        "epochs",
        "long enough on all studies of learning.md; a few seconds with abundance pooling",
    ),
    (
        "folds",
        "one split; `compare` has 5, where every sample is held out once and four fifths of them are still learnt from",
    ),
    (
        "freeze-base",
        "each ASV is then encoded once in the run; training it did not pay, see learning.md",
    ),
    (
        "fusion",
        "the plainest that uses categories, where there are any",
    ),
    ("gradient-accumulation-steps", "as in the reference"),
    (
        "halving",
        "few folds tell the worse half, and most of the time goes to the better one",
    ),
    ("end-lr", "as in the reference"),
    ("lr-steps", "as in the reference"),
    ("start-lr", "as in the reference"),
    (
        "sampler",
        "no worse than at random, and better from a few dozen trials on",
    ),
    ("trials", "an hour or less on a small study"),
    (
        "head",
        "no better head is certain on small studies, see learning.md",
    ),
    (
        "loss",
        "outliers count less than with mse; classes have their own",
    ),
    (
        "lr",
        "highest rate that was stable everywhere; the small problem of abundance pooling allows a high one",
    ),
    (
        "max-bp",
        "the length of common 16S amplicons, as in the reference",
    ),
    ("max-grad-norm", "one bad batch must not undo a run"),
    (
        "mixed-precision",
        "as in the reference; a CPU gains nothing from fewer bits, and a GPU only with large models",
    ),
    ("min-category-count", "no level is pooled unless asked"),
    ("nuc-mask-ratio", "as in the reference"),
    ("nuc-mask-strategy", "as in the reference"),
    (
        "nucleotide-batch-size",
        "many small updates learn more in the same time",
    ),
    (
        "nucleotide-steps",
        "accuracy hardly rises after that, see learning.md",
    ),
    (
        "nucleotide-weight",
        "1 in pre-training; 0 in training, where the target is what is asked for",
    ),
    ("optimizer", "as in the reference"),
    (
        "output-activation",
        "a transform of the target does more, and at no risk",
    ),
    (
        "patience",
        "checkpoints keep the best epoch, and a cosine is meant to be finished",
    ),
    (
        "pooling",
        "learns from a few dozen samples, see learning.md",
    ),
    (
        "preset",
        "trains in minutes on a laptop and is level with a Random Forest or above it",
    ),
    (
        "quantiles",
        "median and the central 80 %, as in the reference",
    ),
    ("rarefy-depth", "reads are thrown away only when asked for"),
    ("report", "it costs a fraction of a second, once"),
    (
        "scheduler",
        "as in the reference, with the warm-up done right",
    ),
    ("scheduler-eta-min", "as PyTorch has it"),
    ("scheduler-factor", "as in the reference"),
    ("scheduler-min-lr", "as PyTorch has it"),
    ("scheduler-patience", "as in the reference"),
    ("scheduler-t-mult", "as in the reference"),
    ("scheduler-t0", "as in the reference"),
    ("seed", "the same command gives the same result"),
    ("strategy", "one device"),
    (
        "target-layer-norm",
        "profiles of abundance pooling are standardised already",
    ),
    ("target-transform", "one outlier sets a min–max scale"),
    ("target-weight", "as in the reference"),
    (
        "stratify",
        "shares of rare classes would be left to chance; it has no effect on numbers",
    ),
    (
        "tensorboard",
        "as in the reference; it costs a few percent of a short training",
    ),
    ("test-size", "as in the reference"),
    (
        "token-limit",
        "as in the reference; few samples have more ASVs",
    ),
    ("unifrac-metric", "as in the reference"),
    (
        "unifrac-weight",
        "1 in pre-training; 0 in training, where the target is what is asked for",
    ),
    (
        "val-prediction-passes",
        "a sample whose ASVs all fit is the same each time",
    ),
    (
        "prediction-passes",
        "a sample whose ASVs all fit is the same each time",
    ),
    (
        "save-every",
        "a kill then costs minutes at most, and saving well below a hundredth of the time",
    ),
    (
        "keep-checkpoints",
        "the best and the last one are what is used; others only fill the disk",
    ),
    (
        "warmup",
        "a tenth fits every run; a fixed number would be longer than most",
    ),
    ("weight-decay", "by small comparisons, see learning.md"),
];

/// The reason for the default of `setting`.
pub fn of(setting: &str) -> Option<&'static str> {
    let mut rows = REASONS.iter();
    rows.find(|(name, _)| *name == setting).map(|(_, why)| *why)
}

/// Whether `command` cannot do without `setting`.
pub fn is_required(command: &str, setting: &str) -> bool {
    const ALWAYS: [&str; 6] = [
        "table",
        "metadata",
        "metadata-column",
        "output-dir",
        "model",
        "output",
    ];
    match (command, setting) {
        ("predict", "metadata") => false,
        ("unifrac", "tree") => true,
        _ => ALWAYS.contains(&setting),
    }
}

/// The default of a setting that has none of its own.
pub fn without(setting: &str) -> &'static str {
    match setting {
        "embedding-dim" | "attention-heads" | "attention-layers" | "dropout" | "pooling"
        | "distance-scale" => "by the preset",
        "epochs" | "batch-size" | "lr" | "weight-decay" | "freeze-base" | "target-layer-norm"
        | "count-embedding" | "count-scale" => "by the pooling",
        "best-metric" => "by the target",
        "folds" => "`1`",
        "categorical-loss-weight-column" => "the first of the categorical columns",
        "target-transform" => "`zscore`",
        _ => "none",
    }
}
