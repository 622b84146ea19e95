//! How the user gave a setting, for messages about it.

use clap::ArgMatches;

use super::file::FileSettings;
use super::flags::{self, Given};
use super::{read_file, resume};
use crate::failure::Failure;
use crate::jobs::Job;

/// Names the settings in `failure` as the user gave them: by the flag that was typed, or by the file
/// and its key.
pub fn as_given(job: &Job, matches: &ArgMatches, failure: Failure) -> Failure {
    let given = flags::collect(job, matches);
    let file = read_file(job, matches);
    let (Ok((given, _)), Ok(file)) = (given, file) else {
        return failure;
    };
    let recorded = resume::recorded(job, &given, &file).ok().flatten();
    failure.with_settings(|key, value| {
        let flag = |weak: bool| {
            let mut given = given.iter();
            let given = given.find(|given| given.setting == key && given.weak == weak)?;
            Some(typed(given, value))
        };
        let filed = |file: &FileSettings| in_file(file, key, value);
        let own = flag(false).or_else(|| filed(&file)).or_else(|| flag(true));
        own.or_else(|| recorded.as_ref().and_then(filed))
    })
}

fn typed(given: &Given, value: Option<&str>) -> String {
    match value.filter(|_| given.has_value) {
        Some(value) => format!("{} {value}", given.spelled),
        None => given.spelled.clone(),
    }
}

/// Where `file` sets `key`, if it does.
fn in_file(file: &FileSettings, key: &str, value: Option<&str>) -> Option<String> {
    let value = value.map_or(String::new(), |value| format!(" = {value}"));
    if file.options.contains_key(key) {
        return Some(format!("{}: key '{key}'{value}", file.name));
    }
    let (kind, option) = key.split_once('.').unwrap_or((key, "name"));
    let table = file.components.iter().find(|table| table.kind == kind)?;
    let is_there = match option {
        "name" => table.name.is_some(),
        option => table.options.contains_key(option),
    };
    is_there.then(|| format!("{}: [{kind}], key '{option}'{value}", file.name))
}
