//! What a page says at its top if the run is part of a cross-validation.

use maud::{Markup, html};

use aam_run::run_directory::{COMPARISON, REPORT, RunDirectory};

/// What the page of `run` does not show, if the run is a fold of a cross-validation, or trains on all
/// samples after it.
pub fn of_a_cross_validation(run: &RunDirectory) -> Markup {
    let path = run.path();
    let whole = path
        .parent()
        .filter(|parent| parent.join(COMPARISON).is_file());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let text = match whole {
        None => return html! {},
        Some(_) if name.starts_with("fold-") => {
            "This page is about the network alone: trained on the samples of all other folds, without \
             the other members of the model, and evaluated on those of this fold. "
        }
        Some(_) => {
            "This page is about the network alone, trained on all samples: none is held out, and the \
             other members of the model are not in it. "
        }
    };
    html! {
        p { (text) a href=(format!("../{REPORT}")) { "The report of the whole run" } " has the results of the model." }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_cross_validation_say_so() {
        let folder = tempfile::tempdir().unwrap();
        let said = |name: &str| {
            let path = folder.path().join(name);
            of_a_cross_validation(&RunDirectory::at(&path)).into_string()
        };
        assert_eq!(said("fold-1"), "");
        std::fs::write(folder.path().join(COMPARISON), "{}").unwrap();
        assert!(said("fold-1").contains("evaluated on those of this fold"));
        assert!(said("all-samples").contains("none is held out"));
        // The fold of one of the models that are compared.
        assert_eq!(said("mlp/fold-1"), "");
    }
}
