//! Tables: a line a thing, columns as wide as they need to be; on a terminal that is too narrow for that, things of several
//! lines. What reads a pipe gets a line a thing, always.

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use console::Style;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, ReflectMessage, Value};

use super::{Paper, columns, text::inline};

/// Words of states and severities that want somebody's attention.
const BAD: &[&str] = &["FAILED", "TIMED_OUT", "EXPIRED", "ABORTED", "PARTIAL", "ERROR"];

/// Blanks between columns.
const GAP: u16 = 2;

/// What a line between two rows is made of, by which rows of several lines are told apart. It is not shown, and no value has
/// it: `clean` lets no control characters pass.
const BETWEEN: char = '\u{1}';
const BETWEEN_ROWS: LineStyle = LineStyle::none().fill(BETWEEN);

pub(super) fn of(field: &FieldDescriptor, things: &[Value], paper: Paper) -> String {
    let things: Vec<&DynamicMessage> = things.iter().filter_map(Value::as_message).collect();
    let Some(columns) = columns::of(field) else { return generic(field, &things, paper) };
    let rows = things.iter().map(|thing| columns.iter().map(|(_, from)| value(thing, from)).collect()).collect();
    render(columns.iter().map(|(heading, _)| (*heading).to_owned()).collect(), rows, paper)
}

/// A thing that comes by itself, on a line of its own.
pub(in crate::cli::client) fn line(field: &FieldDescriptor, thing: &DynamicMessage, paper: Paper) -> String {
    let columns = columns::of(field).unwrap_or_default();
    let cells: Vec<String> =
        columns.iter().map(|(_, from)| value(thing, from)).filter(|cell| !cell.is_empty()).collect();
    let is_bad = cells.iter().any(|cell| BAD.contains(&cell.as_str()));
    let style = if is_bad { Style::new().red() } else { Style::new() };
    format!("{}\n", style.force_styling(paper.colour).apply_to(cells.join("  ")))
}

/// Things that nobody has chosen columns for: all their fields.
fn generic(field: &FieldDescriptor, things: &[&DynamicMessage], paper: Paper) -> String {
    let Kind::Message(kind) = field.kind() else { return String::new() };
    let fields: Vec<String> = kind.fields().map(|field| field.name().to_owned()).collect();
    let rows = things.iter().map(|thing| fields.iter().map(|field| value(thing, field)).collect()).collect();
    render(fields.iter().map(|field| field.replace('_', " ").to_uppercase()).collect(), rows, paper)
}

fn value(thing: &DynamicMessage, from: &str) -> String {
    let mut texts = from.split('|').filter_map(|path| reached(thing, path));
    texts.find(|text| !text.is_empty()).unwrap_or_default()
}

/// What stands at a path in a thing; none when a message or value on the way is absent.
fn reached(thing: &DynamicMessage, path: &str) -> Option<String> {
    let (name, below) = path.split_once('.').map_or((path, None), |(name, below)| (name, Some(below)));
    let field = thing.descriptor().get_field_by_name(name)?;
    if field.supports_presence() && !thing.has_field(&field) {
        return None;
    }
    let value = thing.get_field(&field);
    match below {
        Some(below) => reached(value.as_message()?, below),
        None => Some(inline(&field, &value)),
    }
}

fn render(headings: Vec<String>, rows: Vec<Vec<String>>, paper: Paper) -> String {
    // A column that says nothing of any thing only takes room.
    let says: Vec<bool> = (0..headings.len()).map(|at| rows.iter().any(|row| !row[at].is_empty())).collect();
    let keep = |row: Vec<String>| row.into_iter().zip(&says).filter(|(_, says)| **says).map(|(cell, _)| cell);
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(BETWEEN_ROWS).row_separator(BETWEEN_ROWS));
    let width = paper.width.and_then(|width| u16::try_from(width).ok());
    match width {
        // The padding after the last column is cut off again.
        Some(width) => table.set_width(width.saturating_add(GAP)).set_content_arrangement(ContentArrangement::Dynamic),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    table.set_header(keep(headings));
    let bad: Vec<bool> = rows.iter().map(|row| row.iter().any(|cell| BAD.contains(&cell.as_str()))).collect();
    for row in rows {
        table.add_row(keep(row));
    }
    for at in 0..table.column_count() {
        if let Some(column) = table.column_mut(at) {
            column.set_padding((0, GAP));
        }
    }
    let mut text = String::new();
    // The headings, then row by row.
    let mut row = 0_usize;
    for line in table.lines() {
        let line = line.trim_end();
        if line.starts_with(BETWEEN) {
            row += 1;
            continue;
        }
        let style = match row.checked_sub(1).and_then(|row| bad.get(row)) {
            None => Style::new().bold(),
            Some(true) => Style::new().red(),
            Some(false) => Style::new(),
        };
        text.push_str(&style.force_styling(paper.colour).apply_to(line).to_string());
        text.push('\n');
    }
    text
}
