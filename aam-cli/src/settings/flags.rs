//! Settings from the flags of the command line, not parsed yet.

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::reference;
use crate::failure::Failure;
use crate::jobs::Job;

/// A setting given by a flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The setting: an option, a kind of component, or `kind.option`.
    pub setting: String,
    /// Its text.
    pub text: String,
    /// The flag as the user wrote it.
    pub spelled: String,
    /// Whether the text is the flag's value rather than implied by the flag.
    pub has_value: bool,
    /// Whether it yields to any other source.
    pub weak: bool,
    /// Whether it is ignored if the chosen component has no such option.
    pub passes: bool,
}

impl Given {
    /// A setting that yields to no other source.
    pub(super) fn strong(setting: &str, text: &str, spelled: &str) -> Self {
        Self {
            setting: setting.to_owned(),
            text: text.to_owned(),
            spelled: spelled.to_owned(),
            has_value: true,
            weak: false,
            passes: false,
        }
    }
}

/// Collects everything that flags set, and remarks for the user.
///
/// # Errors
/// A flag of the reference implementation is not supported, or two flags contradict each other.
pub(super) fn collect(
    job: &Job,
    matches: &ArgMatches,
) -> Result<(Vec<Given>, Vec<String>), Failure> {
    let mut all: Vec<Given> = Vec::new();
    for option in job.options() {
        if option.is_switch() && matches.get_flag(&format!("no-{}", option.name)) {
            let spelled = format!("--no-{}", option.name);
            all.push(Given::strong(&option.name, "false", &spelled));
        }
        all.extend(given(&option.name, option.joint().unwrap_or(","), matches));
    }
    for (kind, _) in &job.kinds {
        let prefix = format!("{}.", kind.name);
        all.extend(given(kind.name, ",", matches));
        let options = matches.ids().filter(|id| id.as_str().starts_with(&prefix));
        all.extend(options.filter_map(|id| given(id.as_str(), ",", matches)));
    }
    let (theirs, remarks) = reference::given_in(job, matches)?;
    all.extend(theirs);
    Ok((without_repeats(all)?, remarks))
}

/// The setting `name`, if flags give it; `joint` joins the texts of several flags.
fn given(name: &str, joint: &str, matches: &ArgMatches) -> Option<Given> {
    if matches.value_source(name) != Some(ValueSource::CommandLine) {
        return None;
    }
    let texts: Vec<&str> = matches
        .get_many::<String>(name)?
        .map(String::as_str)
        .collect();
    Some(Given::strong(
        name,
        &texts.join(joint),
        &format!("--{name}"),
    ))
}

/// Drops settings that yield to others, and rejects contradictions.
fn without_repeats(all: Vec<Given>) -> Result<Vec<Given>, Failure> {
    let mut kept: Vec<Given> = Vec::new();
    let (weak, strong): (Vec<Given>, Vec<Given>) = all.into_iter().partition(|given| given.weak);
    for given in strong {
        match kept.iter().find(|other| other.setting == given.setting) {
            Some(other) if other.text == given.text => {}
            Some(other) => {
                return Err(Failure::usage(format!(
                    "{} and {} contradict each other",
                    other.spelled, given.spelled
                )));
            }
            None => kept.push(given),
        }
    }
    for given in weak {
        if !kept.iter().any(|other| other.setting == given.setting) {
            kept.push(given);
        }
    }
    Ok(kept)
}
