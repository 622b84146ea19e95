//! Errors of components, worded so that the user can correct them.

/// A problem with a component's name, options or requirements.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PluginError {
    /// No component of this name is linked into the program.
    #[error("unknown {kind} '{name}'{}; available: {}", nearest_hint(.nearest), .available.join(", "))]
    UnknownName {
        /// Kind of component.
        kind: &'static str,
        /// The name asked for.
        name: String,
        /// The most similar name.
        nearest: Option<String>,
        /// All available names.
        available: Vec<String>,
    },
    /// No component of the kind was chosen.
    #[error("--{kind} is missing: choose one by name")]
    NotChosen {
        /// Kind of component.
        kind: &'static str,
    },
    /// The component that a checkpoint was trained with is not linked into the program.
    #[error(
        "the {kind} '{name}' comes from the crate {provider} {version}, which this program was built without; \
         build one with it (add the crate to its dependencies and `use {} as _;` to its main.rs)",
        .provider.replace('-', "_")
    )]
    NotLinked {
        /// Kind of component.
        kind: &'static str,
        /// Its name.
        name: String,
        /// The crate that supplied it.
        provider: String,
        /// The version of that crate.
        version: String,
    },
    /// Two crates register the same name.
    #[error(
        "the {kind} '{name}' is registered twice, by {first} and by {second}; a program can link only one of them"
    )]
    Duplicate {
        /// Kind of component.
        kind: &'static str,
        /// The name.
        name: &'static str,
        /// One provider, with version.
        first: String,
        /// The other provider, with version.
        second: String,
    },
    /// The component has no such option.
    #[error(
        "{kind} '{component}' has no option '{option}'{}{}; its options: {}",
        nearest_hint(.nearest),
        foreign_hint(.kind, .others),
        if .available.is_empty() { "none".to_owned() } else { .available.join(", ") }
    )]
    UnknownOption {
        /// Kind of component.
        kind: &'static str,
        /// Name of the component.
        component: String,
        /// The option asked for.
        option: Box<str>,
        /// The most similar option of the component.
        nearest: Option<String>,
        /// Other components of the kind that have the option.
        others: Vec<String>,
        /// All options of the component.
        available: Box<[String]>,
    },
    /// The value of an option has the wrong type or is out of range.
    #[error("{kind} '{component}', option '{option}': expected {expected}, found {found}")]
    BadOption {
        /// Kind of component.
        kind: &'static str,
        /// Name of the component.
        component: String,
        /// The option.
        option: String,
        /// What is allowed.
        expected: String,
        /// What was given.
        found: String,
    },
    /// The options as a whole cannot be read.
    #[error("{kind} '{component}': {problem}")]
    BadOptions {
        /// Kind of component.
        kind: &'static str,
        /// Name of the component.
        component: String,
        /// What is wrong.
        problem: String,
    },
    /// The component needs something that the run does not provide.
    #[error("{component} needs {what}")]
    Needs {
        /// Kind and name of the component.
        component: String,
        /// What it needs and how to provide it.
        what: String,
    },
    /// The component cannot do what the run asks of it.
    #[error("{component} cannot {what}")]
    Cannot {
        /// Kind and name of the component.
        component: String,
        /// What it cannot do, why, and what to do instead.
        what: String,
    },
    /// Something is wrong with the files of the study.
    #[error("{problem}{}", .help.as_ref().map_or(String::new(), |help| format!("\n  help: {help}")))]
    Study {
        /// What was expected and what was found.
        problem: String,
        /// What the user can do.
        help: Option<String>,
    },
    /// The saved state in a checkpoint does not belong to the component.
    #[error("the saved state of {component} cannot be read: {problem}")]
    BadState {
        /// Kind and name of the component.
        component: String,
        /// What is wrong.
        problem: String,
    },
    /// A component returned predictions that are not numbers or not of the right shape.
    #[error("the predictions of {component} cannot be used: {problem}")]
    BadPredictions {
        /// Kind and name of the component.
        component: String,
        /// What is wrong.
        problem: String,
    },
    /// A rank of several failed or cannot be reached.
    #[error("rank {rank} of {size}: {problem}")]
    Communication {
        /// The rank.
        rank: usize,
        /// Number of ranks.
        size: usize,
        /// What happened.
        problem: String,
    },
}

impl PluginError {
    /// An option out of range; `component` is the kind and name, for example `head mlp`.
    pub fn bad_option(
        kind: &'static str,
        component: &str,
        option: &str,
        expected: impl Into<String>,
        found: impl std::fmt::Debug,
    ) -> Self {
        let found = format!("{found:?}");
        let text = found
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        Self::BadOption {
            kind,
            component: component.to_owned(),
            option: option.to_owned(),
            expected: expected.into(),
            found: match text {
                Some(text) => format!("'{text}'"),
                None => found,
            },
        }
    }

    /// The setting at fault, if it is one: a kind, or one of its options as `kind.option`.
    pub fn setting(&self) -> Option<String> {
        match self {
            Self::UnknownName { kind, .. } => Some((*kind).to_owned()),
            Self::UnknownOption { kind, option, .. } => Some(format!("{kind}.{option}")),
            Self::BadOption { kind, option, .. } => Some(format!("{kind}.{option}")),
            _ => None,
        }
    }

    /// Something the run does not provide, and how to provide it.
    pub fn needs(kind: &'static str, component: &str, what: impl Into<String>) -> Self {
        Self::Needs {
            component: format!("{kind} '{component}'"),
            what: what.into(),
        }
    }

    /// Something that a component cannot do; `component` is shown to users, such as `head 'mlp'`.
    pub fn cannot(component: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Cannot {
            component: component.into(),
            what: what.into(),
        }
    }

    /// A component that has no form in ONNX ([`export`](crate::export)).
    pub fn not_exported(kind: &'static str, name: &str) -> Self {
        let what = format!(
            "be exported to ONNX; train with another one (`aam plugins list {kind}`), or predict with `aam predict`"
        );
        Self::cannot(format!("{kind} '{name}'"), what)
    }

    /// Something wrong with the files of a study.
    pub fn study(problem: impl Into<String>) -> Self {
        Self::Study {
            problem: problem.into(),
            help: None,
        }
    }

    /// A saved state in a checkpoint that does not belong to the component.
    pub fn bad_state(kind: &'static str, component: &str, problem: impl Into<String>) -> Self {
        Self::BadState {
            component: format!("{kind} '{component}'"),
            problem: problem.into(),
        }
    }
}

fn nearest_hint(nearest: &Option<String>) -> String {
    match nearest {
        Some(name) => format!(" (did you mean '{name}'?)"),
        None => String::new(),
    }
}

fn foreign_hint(kind: &str, others: &[String]) -> String {
    match others {
        [] => String::new(),
        names => format!(" (it belongs to {kind} {})", names.join(", ")),
    }
}

/// The candidate most similar to `name`, if it is similar enough for `name` to be a typing error.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    /// Longer inputs are not names, and comparing them is slow.
    const LONGEST: usize = 200;
    if name.len() > LONGEST {
        return None;
    }
    let lower = name.to_lowercase();
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| {
            let other = candidate.to_lowercase();
            // Jaro–Winkler rates two swapped letters in a short name too low.
            let slip = lower.len() > 2 && strsim::damerau_levenshtein(&lower, &other) == 1;
            let similarity = strsim::jaro_winkler(&lower, &other);
            (
                if slip {
                    similarity.max(0.9)
                } else {
                    similarity
                },
                candidate,
            )
        })
        .filter(|(similarity, _)| *similarity > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate.to_owned())
}
