//! The table at the end.

/// A bar that a figure has to keep.
#[derive(Clone, Copy)]
pub enum Bar {
    AtMost(f64),
    AtLeast(f64),
    None,
}

impl Bar {
    fn judge(self, value: f64) -> String {
        match self {
            Self::AtMost(bar) => format!("≤ {bar:<5} {}", if value <= bar { "kept" } else { "MISSED" }),
            Self::AtLeast(bar) => format!("≥ {bar:<5} {}", if value >= bar { "kept" } else { "MISSED" }),
            Self::None => String::new(),
        }
    }
}

/// Rows of text, aligned when printed.
pub struct Table {
    title: String,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(title: impl Into<String>, head: &[&str]) -> Self {
        Self { title: title.into(), rows: vec![head.iter().map(|cell| (*cell).to_owned()).collect()] }
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub fn print(&self) {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        println!("\n{}", self.title);
        for (number, row) in self.rows.iter().enumerate() {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            println!("  {}", cells.collect::<Vec<_>>().join("  ").trim_end());
            if number == 0 {
                println!("  {}", "-".repeat(widths.iter().sum::<usize>() + 2 * columns.saturating_sub(1)));
            }
        }
    }
}

/// `value` and how it stands to its bar.
pub fn judged(value: f64, bar: Bar) -> [String; 2] {
    [format!("{value:.2}"), bar.judge(value)]
}
