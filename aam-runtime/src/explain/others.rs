//! Export of the results to other programs.

use std::path::Path;

use aam_data::artifact;
use aam_run::RunError;
use aam_run::run_directory::{write_whole, write_whole_bytes};
use aam_run::tsv_writer::write_table;

use super::findings::Findings;
use super::folder;

/// Colours of ASVs that raise and lower the prediction, and of those without a stable direction.
const COLOURS: [(&str, &str); 3] = [
    ("#d97706", "raises"),
    ("#2b6cb0", "lowers"),
    ("#b8c0c7", "not stable"),
];

/// Writes the files to the folder `path`.
///
/// # Errors
/// A file that cannot be written.
pub fn write(found: &Findings<'_>, path: &Path) -> Result<(), RunError> {
    write_whole(&path.join(folder::ITOL_BARS), &itol_bars(found))?;
    write_whole(&path.join(folder::ITOL_COLOURS), &itol_colours(found))?;
    empress(found, &path.join(folder::EMPRESS))?;
    let file = path.join(folder::ARTIFACT);
    let bytes = importance_artifact(found);
    let bytes = bytes.map_err(|error| RunError::write(&file)(std::io::Error::other(error)))?;
    write_whole_bytes(&file, &bytes)
}

/// A bar chart dataset for <https://itol.embl.de>, to be dragged onto a tree of the ASVs.
fn itol_bars(found: &Findings<'_>) -> String {
    let mut text = format!(
        "DATASET_SIMPLEBAR\nSEPARATOR TAB\nDATASET_LABEL\tImportance for {}\nCOLOR\t#2b6cb0\nDATA\n",
        plain(&found.explained.target)
    );
    for &column in &found.order {
        let size = found.importance[column].sizes[0];
        text.push_str(&format!("{}\t{size}\n", plain(&found.names.ids[column])));
    }
    text
}

/// A colour strip dataset for the same.
fn itol_colours(found: &Findings<'_>) -> String {
    let mut text = format!(
        "DATASET_COLORSTRIP\nSEPARATOR TAB\nDATASET_LABEL\tMore of it, for {}\nCOLOR\t#d97706\n",
        plain(&found.explained.target)
    );
    let colours = COLOURS.map(|(colour, _)| colour).join("\t");
    let labels = COLOURS.map(|(_, label)| label).join("\t");
    text.push_str(&format!(
        "LEGEND_TITLE\tMore of it\nLEGEND_SHAPES\t1\t1\t1\nLEGEND_COLORS\t{colours}\nLEGEND_LABELS\t{labels}\nDATA\n"
    ));
    for &column in &found.order {
        let importance = &found.importance[column];
        let (colour, label) = match (importance.stable, importance.slope > 0.0) {
            (false, _) => COLOURS[2],
            (true, true) => COLOURS[0],
            (true, false) => COLOURS[1],
        };
        let id = plain(&found.names.ids[column]);
        text.push_str(&format!("{id}\t{colour}\t{label}\n"));
    }
    text
}

/// Replaces characters that separate cells and lines.
fn plain(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
}

/// Feature metadata for EMPress and QIIME 2.
fn empress(found: &Findings<'_>, path: &Path) -> Result<(), RunError> {
    let columns = [
        "feature-id",
        "importance",
        "slope",
        "direction",
        "stable",
        "name",
    ];
    let rows = found.order.iter().map(|&column| {
        let of = &found.importance[column];
        let direction = match of.slope {
            slope if slope > 0.0 => "raises",
            slope if slope < 0.0 => "lowers",
            _ => "none",
        };
        vec![
            found.names.ids[column].clone(),
            of.sizes[0].to_string(),
            of.slope.to_string(),
            direction.to_owned(),
            if of.stable { "yes" } else { "no" }.to_owned(),
            found.names.label(column),
        ]
    });
    write_table(path, &columns, rows)
}

/// An artifact of type `FeatureData[Importance]`, as in q2-sample-classifier.
fn importance_artifact(
    found: &Findings<'_>,
) -> Result<Vec<u8>, impl std::error::Error + Send + Sync + use<>> {
    let mut text = "feature\timportance\n".to_owned();
    for &column in &found.order {
        let size = found.importance[column].sizes[0];
        text.push_str(&format!("{}\t{size}\n", plain(&found.names.ids[column])));
    }
    artifact(
        "FeatureData[Importance]",
        "ImportanceDirectoryFormat",
        ("importance.tsv", text.as_bytes()),
    )
}
