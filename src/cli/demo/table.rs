//! What arrived, from whom, at whom, and as what, against what the dialects' files declare. In: arrivals. Out: the table
//! that ends the demo, and whether all is as declared.

use super::client::Arrival;
use super::screen::Screen;

/// Every ordered pair, by the places of the clients.
pub struct Table {
    names: Vec<String>,
    cells: Vec<Vec<Cell>>,
}

#[derive(Clone)]
struct Cell {
    words: Option<Arrival>,
    file: Option<Arrival>,
    /// As what the file must arrive.
    declared: Arrival,
}

impl Cell {
    fn is_as_declared(&self) -> bool {
        self.words == Some(Arrival::Words) && self.file == Some(self.declared)
    }
}

/// What of a client's turn a cell is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    Words,
    File,
}

impl Sent {
    /// As what it arrives where nothing is lost.
    pub fn unchanged(self) -> Arrival {
        match self {
            Sent::Words => Arrival::Words,
            Sent::File => Arrival::File,
        }
    }
}

impl Table {
    /// A table in which nothing has arrived yet; `declared` says as what a file goes from one to the other.
    pub fn new(names: Vec<String>, declared: impl Fn(usize, usize) -> Arrival) -> Self {
        let cell = |from, to| Cell { words: None, file: None, declared: declared(from, to) };
        let cells = (0..names.len()).map(|from| (0..names.len()).map(|to| cell(from, to)).collect()).collect();
        Table { names, cells }
    }

    pub fn note(&mut self, from: usize, to: usize, sent: Sent, arrival: Arrival) {
        let cell = &mut self.cells[from][to];
        match sent {
            Sent::Words => cell.words = Some(arrival),
            Sent::File => cell.file = Some(arrival),
        }
    }

    pub fn is_as_declared(&self) -> bool {
        self.cells.iter().flatten().all(Cell::is_as_declared)
    }

    pub fn print(&self, screen: &Screen<'_>) {
        let width = self.names.iter().map(String::len).max().unwrap_or(0).max(LONGEST_CELL);
        let head = self.names.iter().map(|name| format!("  {name:width$}")).collect::<String>();
        screen.line(&format!("  {:width$}{head}", "from \\ to"));
        for (name, row) in self.names.iter().zip(&self.cells) {
            let cells = row.iter().map(|cell| format!("  {}", paint(screen, cell, width))).collect::<String>();
            screen.line(&format!("  {name:width$}{cells}"));
        }
        let cells = self.cells.iter().flatten();
        let (right, all) = (cells.clone().filter(|cell| cell.is_as_declared()).count(), cells.count());
        screen.line("");
        screen.line(&format!("  {right} of {all} as the dialects declare"));
    }
}

/// `text, degraded`, the longest text of a cell, and a mark of what is not as declared.
const LONGEST_CELL: usize = "text, degraded !".len();

fn paint(screen: &Screen<'_>, cell: &Cell, width: usize) -> String {
    let words = match cell.words {
        Some(Arrival::Words) => "text",
        Some(Arrival::File) => "file?",
        None => "-",
    };
    let file = match cell.file {
        Some(Arrival::File) => "file",
        Some(Arrival::Words) => "degraded",
        None => "-",
    };
    let mark = if cell.is_as_declared() { "" } else { " !" };
    let text = format!("{:width$}", format!("{words}, {file}{mark}"));
    match (cell.is_as_declared(), cell.file) {
        (false, _) => screen.paint("31", &text),
        (true, Some(Arrival::Words)) => screen.paint("33", &text),
        (true, _) => screen.paint("32", &text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let names = vec!["one".to_owned(), "two".to_owned()];
        Table::new(names, |from, to| if from < to { Arrival::Words } else { Arrival::File })
    }

    fn complete(table: &mut Table) {
        for from in 0..2 {
            for to in 0..2 {
                table.note(from, to, Sent::Words, Arrival::Words);
                table.note(from, to, Sent::File, if from < to { Arrival::Words } else { Arrival::File });
            }
        }
    }

    #[test]
    fn is_as_declared_when_every_cell_is() {
        let mut table = table();
        assert!(!table.is_as_declared());
        complete(&mut table);
        assert!(table.is_as_declared());
    }

    #[test]
    fn a_file_that_should_have_been_degraded_is_not_as_declared() {
        let mut table = table();
        complete(&mut table);
        table.note(0, 1, Sent::File, Arrival::File);
        assert!(!table.is_as_declared());
    }
}
