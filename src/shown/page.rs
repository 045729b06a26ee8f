//! A text for people on stdout.

use std::fmt;

use unicode_width::UnicodeWidthStr as _;

use super::{block, cell};

/// Between two columns of a table.
const GAP: &str = "  ";
/// Where a field's value begins.
const FIELD: usize = 16;

/// Lines and tables for people. Whatever is put in is made safe to be shown, so that none of it can pass for another row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page(String);

impl Page {
    /// A page without a line.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text of one or several lines; later ones are indented.
    pub fn text(&mut self, text: &str) {
        self.push(&block(text, 4));
    }

    /// Adds what `name` is: one line.
    pub fn field(&mut self, name: &str, value: &str) {
        let row = format!("{:FIELD$}{}", cell(name), cell(value));
        self.push(&row);
    }

    /// Adds a line of cells, each as wide as `widths` says at least; the last one, for which no width is given, is as wide as it is.
    pub fn row<C: AsRef<str>>(&mut self, cells: &[C], widths: &[usize]) {
        let mut row = String::new();
        for (number, text) in cells.iter().enumerate() {
            let text = cell(text.as_ref());
            row.push_str(&text);
            let Some(width) = widths.get(number) else { continue };
            let missing = width.saturating_sub(text.width());
            row.extend(std::iter::repeat_n(' ', missing));
            row.push_str(GAP);
        }
        self.push(&row);
    }

    /// The widths of the rows' columns as they stand on a terminal. Cells wider than
    /// `longest` do not widen their column.
    #[must_use]
    pub fn widths<C: AsRef<str>, const N: usize>(rows: &[[C; N]], longest: usize) -> [usize; N] {
        let width = |row: &[C; N], column: usize| cell(row[column].as_ref()).width();
        std::array::from_fn(|column| {
            let widths = rows.iter().map(|row| width(row, column));
            widths.filter(|width| *width <= longest).max().unwrap_or(0)
        })
    }

    /// The widths of the columns of a table that may have any number of them.
    #[must_use]
    pub fn column_widths<C: AsRef<str>>(rows: &[Vec<C>]) -> Vec<usize> {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|text| cell(text.as_ref()).width()).max().unwrap_or(0)
        };
        (0..columns).map(width).collect()
    }

    /// Adds `text` with what it is about before it: its later lines stand below its first.
    pub fn entry(&mut self, before: &str, text: &str) {
        let before = cell(before);
        let shown = block(text, before.width() + 1);
        self.push(&format!("{before} {shown}"));
    }

    fn push(&mut self, row: &str) {
        self.0.push_str(row.trim_end());
        self.0.push('\n');
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
