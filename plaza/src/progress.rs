//! What the person who started Plaza gets to read, on standard error.

use std::fmt::Display;
use std::io::Write as _;

use postgres::embedded::Progress;

/// Writes a line to standard error. Nobody may be listening there; that is no reason to fail.
pub fn say(line: impl Display) {
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}

/// Writes a line of a command's result to standard output.
pub fn result(line: impl Display) {
    drop(writeln!(std::io::stdout().lock(), "{line}"));
}

/// Progress of long steps, a line each.
pub fn lines() -> Progress {
    Progress::new(|step| say(format_args!("  {step}")))
}
