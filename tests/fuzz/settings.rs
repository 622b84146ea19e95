//! Settings, and the prediction files that a run reads back.

use aam_cli::{jobs, settings};
use aam_runtime::run::named_values::NamedValues;
use aam_runtime::run::predictions::{self, TargetColumn};

use super::{Target, as_file};

pub const CONFIGURATION: Target = Target {
    name: "configuration",
    seeds: || {
        let train = "# Settings of a run; `aam train --config` reads them.\ncommand = \"train\"\n\
                     patience = \"none\"\ntable = \"t.biom\"\nmetadata-column = [\"ph\"]\nlr = 0.003\n\
                     epochs = 20\nfolds = 5\n\n[head]\nname = \"mlp\"\nhidden = [64, 32]\n\
                     dropout = 0.1\n\n[fusion]\nname = \"none\"\n\n[schedule]\nname = \"cosine\"\n";
        let others = "table = \"t\"\nbatch-size = 32\ninterval = [0.9]\nfusion = \"none\"\n";
        vec![train.into(), others.into(), b"head = \"linear\"\n".to_vec()]
    },
    run: |bytes| {
        thread_local! {
            static TRAIN: jobs::Job = jobs::named("train").ok().flatten().expect("a command");
        }
        let text = String::from_utf8_lossy(bytes);
        TRAIN.with(|train| settings::check_text(train, &text).is_ok())
    },
};

pub const NAMED_VALUES: Target = Target {
    name: "named_values",
    seeds: || {
        vec![
            br#"{"gut": 2, "skin": 0.5}"#.to_vec(),
            br#"{"a": {"b": [1, null, true]}, "c": "d"}"#.to_vec(),
            b"gut = 2\nskin = 0.5\n[more]\nx = [1, 2]\n".to_vec(),
        ]
    },
    run: |bytes| {
        let ending = match bytes.first() {
            Some(b'{' | b'[') => ".json",
            _ => ".toml",
        };
        let file = as_file(bytes, ending, |path| {
            let values = NamedValues::Text(path.display().to_string());
            values.read("target-weights", &["none"]).is_ok()
        });
        let text = NamedValues::Text(String::from_utf8_lossy(bytes).into_owned());
        text.read("target-weights", &["none"]).is_ok() || file
    },
};

pub const PREDICTIONS: Target = Target {
    name: "predictions",
    seeds: || {
        vec![
            b"sample-id\tprediction\tlower\tupper\ns1\t1.5\t1\t2\n\"s\t2\"\t3\t-inf\tinf\n"
                .to_vec(),
            b"sample-id\tprediction\tprobability a\tprobability b\ns1\ta\t0.75\t0.25\n".to_vec(),
        ]
    },
    run: |bytes| {
        let classes = ["a".to_owned(), "b".to_owned()];
        as_file(bytes, "", |path| {
            [None, Some(&classes[..])].into_iter().any(|classes| {
                let column = TargetColumn {
                    name: "ph",
                    classes,
                };
                predictions::read(path, &[column]).is_ok()
            })
        })
    },
};
