//! Excel and LibreOffice workbooks (`.xlsx`, `.ods`): the first non-empty sheet, as tab-separated
//! text.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{Data, DataRef, Ods, Reader, Xlsx};
use zip::ZipArchive;

use super::DataError;
use super::bounded::Bytes;
use super::qza::read_member;
use super::source::Source;

/// Maximum number of cells of a sheet.
const MOST_CELLS: usize = 1 << 25;
/// Maximum number of cells up to the last non-empty row and column, including empty ones.
const LARGEST: usize = 1 << 26;

/// The format of a workbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Xlsx,
    Ods,
}

/// The format of the workbook in an archive of the files `names`, if it is one.
pub fn kind(names: &[String]) -> Option<Format> {
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    if has("xl/workbook.xml") {
        Some(Format::Xlsx)
    } else if has("content.xml") && has("mimetype") {
        Some(Format::Ods)
    } else {
        None
    }
}

/// Reads the first non-empty sheet.
///
/// # Errors
/// The workbook is damaged or empty.
pub fn read(
    source: &Source,
    archive: &mut ZipArchive<Cursor<Bytes>>,
    format: Format,
) -> Result<(Source, Vec<String>), DataError> {
    let name = match format {
        Format::Xlsx => "an Excel workbook",
        Format::Ods => "an OpenDocument spreadsheet",
    };
    // Members that decompress to more than the limit are found before the workbook reader opens
    // them.
    let members: Vec<String> = archive
        .file_names()
        .filter_map(Result::ok)
        .filter(|member| member.ends_with(".xml"))
        .map(|member| member.into_owned())
        .collect();
    for member in members {
        read_member(source, archive, &member)?;
    }
    let unreadable = |why: String| {
        source
            .error(format!("is {name} that cannot be read: {why}"))
            .help("save the sheet as tab-separated text (UTF-8)")
    };
    let cursor = Cursor::new(source.bytes()?);
    let sheets = catch_unwind(AssertUnwindSafe(|| match format {
        Format::Xlsx => xlsx(cursor),
        Format::Ods => ods(cursor),
    }));
    let sheets = sheets
        .map_err(|_| unreadable("it is damaged".to_owned()))?
        .map_err(unreadable)?;
    let mut filled = sheets.into_iter().filter(|sheet| !sheet.cells.is_empty());
    let Some(first) = filled.next() else {
        return Err(unreadable("all its sheets are empty".to_owned()));
    };
    let others: Vec<String> = filled.map(|sheet| format!("'{}'", sheet.name)).collect();
    let mut notes = vec![format!("{name}; the sheet '{}' is read", first.name)];
    if !others.is_empty() {
        notes.push(format!(
            "its other sheets are not read: {}",
            others.join(", ")
        ));
    }
    let member = format!("sheet '{}'", first.name);
    let text = first
        .text()
        .ok_or_else(|| unreadable("the sheet is too large".to_owned()))?;
    let inner = Source::from_bytes(source.path(), Some(&member), text.into_bytes())?;
    Ok((inner, notes))
}

/// The non-empty cells of a sheet.
struct Sheet {
    name: String,
    /// Row, column and text.
    cells: Vec<(u32, u32, String)>,
}

impl Sheet {
    /// The sheet as tab-separated text; `None` if it would be too long.
    fn text(mut self) -> Option<String> {
        self.cells.sort();
        let columns = 1 + self.cells.iter().map(|cell| cell.1).max()?;
        let first = self.cells.first()?.0;
        let rows = 1 + self.cells.last()?.0 - first;
        if rows as usize * columns as usize > LARGEST {
            return None;
        }
        let mut text = String::new();
        let mut cells = self.cells.into_iter().peekable();
        for row in first..first + rows {
            for column in 0..columns {
                if column > 0 {
                    text.push('\t');
                }
                if let Some((.., cell)) = cells.next_if(|cell| (cell.0, cell.1) == (row, column)) {
                    text.push_str(&quoted(cell));
                }
            }
            text.push('\n');
        }
        Some(text)
    }
}

/// Quotes a cell if necessary.
fn quoted(cell: String) -> String {
    match cell.contains(['\t', '\n', '\r']) || cell.starts_with('"') {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    }
}

fn xlsx(cursor: Cursor<Bytes>) -> Result<Vec<Sheet>, String> {
    let mut book = Xlsx::new(cursor).map_err(|e| e.to_string())?;
    let mut sheets = Vec::new();
    let mut total = 0;
    for name in book.sheet_names() {
        let mut reader = book
            .worksheet_cells_reader(&name)
            .map_err(|e| e.to_string())?;
        let mut cells = Vec::new();
        while let Some(cell) = reader.next_cell().map_err(|e| e.to_string())? {
            let (row, column) = cell.get_position();
            let text = shown(&Data::from(DataRef::clone(cell.get_value())));
            if !text.is_empty() {
                cells.push((row, column, text));
            }
            total += 1;
            if total > MOST_CELLS {
                return Err("it has too many cells".to_owned());
            }
        }
        sheets.push(Sheet { name, cells });
    }
    Ok(sheets)
}

fn ods(cursor: Cursor<Bytes>) -> Result<Vec<Sheet>, String> {
    let mut book = Ods::new(cursor).map_err(|e| e.to_string())?;
    let mut sheets = Vec::new();
    for name in book.sheet_names() {
        let range = book.worksheet_range(&name).map_err(|e| e.to_string())?;
        let (row, column) = range.start().unwrap_or_default();
        let cells = range
            .used_cells()
            .map(|(r, c, cell)| (row + r as u32, column + c as u32, shown(cell)))
            .filter(|(.., text)| !text.is_empty())
            .collect();
        sheets.push(Sheet { name, cells });
    }
    Ok(sheets)
}

/// Formats a cell as a spreadsheet shows it in the default format.
fn shown(cell: &Data) -> String {
    match cell {
        Data::Empty => String::new(),
        Data::Int(number) => number.to_string(),
        Data::Float(number) => number.to_string(),
        Data::Bool(true) => "TRUE".to_owned(),
        Data::Bool(false) => "FALSE".to_owned(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::DateTime(date) => {
            let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
            match (hour, minute, second) {
                (0, 0, 0) => format!("{year:04}-{month:02}-{day:02}"),
                _ => format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"),
            }
        }
        Data::Error(error) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use crate::{read_metadata, read_table};

    /// A workbook with one sheet, whose cells are given as XML.
    fn workbook(sheet: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut archive = zip::ZipWriter::new(file.reopen().unwrap());
        let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
        let of = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
        let package = "http://schemas.openxmlformats.org/package/2006/relationships";
        for (name, text) in [
            (
                "_rels/.rels",
                format!(
                    "<Relationships xmlns=\"{package}\"><Relationship Id=\"rId1\" \
                     Type=\"{of}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
                ),
            ),
            (
                "xl/workbook.xml",
                format!(
                    "<workbook xmlns=\"{main}\" xmlns:r=\"{of}\"><sheets><sheet name=\"data\" \
                     sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
                ),
            ),
            (
                "xl/_rels/workbook.xml.rels",
                format!(
                    "<Relationships xmlns=\"{package}\"><Relationship Id=\"rId1\" \
                     Type=\"{of}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
                ),
            ),
            (
                "xl/worksheets/sheet1.xml",
                format!("<worksheet xmlns=\"{main}\"><sheetData>{sheet}</sheetData></worksheet>"),
            ),
        ] {
            let options = zip::write::SimpleFileOptions::default();
            archive.start_file(name, options).unwrap();
            archive.write_all(text.as_bytes()).unwrap();
        }
        archive.finish().unwrap();
        file
    }

    fn rows(rows: &[&[&str]]) -> String {
        let cell = |row: usize, column: usize, text: &str| {
            let place = format!("{}{}", (b'A' + column as u8) as char, row + 1);
            match text.parse::<f64>() {
                Ok(_) => format!("<c r=\"{place}\"><v>{text}</v></c>"),
                Err(_) if text.is_empty() => String::new(),
                Err(_) => {
                    format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
                }
            }
        };
        rows.iter()
            .enumerate()
            .map(|(r, cells)| {
                let cells = cells.iter().enumerate();
                let cells: String = cells.map(|(c, text)| cell(r, c, text)).collect();
                format!("<row r=\"{}\">{cells}</row>", r + 1)
            })
            .collect()
    }

    #[test]
    fn sheets_are_read_as_text() {
        let file = workbook(&rows(&[
            &["sample-id", "ph", "habitat"],
            &["1", "6.5", "a b"],
            &["s2", "", "\"x"],
        ]));
        let metadata = read_metadata(file.path()).unwrap();
        assert_eq!(metadata.ids(), ["1", "s2"]);
        assert_eq!(
            metadata.column("ph").unwrap().values,
            [Some("6.5".into()), None]
        );
        assert!(
            metadata.notes()[0].contains("the sheet 'data'"),
            "{:?}",
            metadata.notes()
        );
        let file = workbook(&rows(&[&["#OTU ID", "s1", "s2"], &["A", "3", "0"]]));
        assert_eq!(
            read_table(file.path()).unwrap().row(0),
            (&[0][..], &[3][..])
        );
    }

    #[test]
    fn cells_far_away_and_damage_are_refused() {
        let file = workbook(
            "<row r=\"1\"><c r=\"A1\"><v>1</v></c></row>\
             <row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row>",
        );
        let error = read_table(file.path()).unwrap_err().to_string();
        assert!(error.contains("too large"), "{error}");
        let error = read_table(workbook("<row><c r=\"?\"/>").path())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("cannot be read") || error.contains("sheets are empty"),
            "{error}"
        );
    }
}
