//! What is said on standard output. Whoever stops reading has heard enough: the program ends as if a signal had ended it,
//! and does not panic as `std` does.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};

/// Prints a line, in the place of the one in `std`.
macro_rules! println {
    ($($argument:tt)*) => { $crate::out::line(format_args!($($argument)*)) };
}

/// Prints a line.
pub(crate) fn line(text: Arguments<'_>) {
    let written = writeln!(std::io::stdout().lock(), "{text}");
    if written.is_err_and(|error| error.kind() == ErrorKind::BrokenPipe) {
        std::process::exit(ENDED_BY_SIGPIPE);
    }
}

/// What a shell shows of a program that `SIGPIPE` ended.
const ENDED_BY_SIGPIPE: i32 = 128 + 13;
