//! The rules of one Rust file: sizes, words, and what may stand where.
//! It reads text laid out by rustfmt; it does not parse Rust and judges no meaning.

/// Longest function, from its `fn` to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;

/// Longest file, without its tests.
const FILE_LINES_MAX: usize = 500;

/// Words that stand nowhere; split, so that this file does not hold them.
const FORBIDDEN_WORDS: [&str; 8] = [
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("TO", "DO"),
    concat!("dbg", "!"),
    concat!("#[ig", "nore"),
    concat!("thread::", "sleep"),
    concat!("#[al", "low("),
    concat!("#![al", "low("),
];

/// What no test asks for, split likewise.
const READINGS_OF_TIME: [&str; 2] = [concat!("Instant", "::now"), concat!("SystemTime", "::now")];

/// Crates that must not be able to reach the operating system.
const PLACES_WITHOUT_STD: [&str; 2] = ["crates/carhop-kernel/src/", "crates/carhop-agent/src/"];

/// The only code that may meet time, chance and the environment (style: habit 2).
const OUTSIDE_WORLD: [&str; 4] = [
    "crates/carhop-server/src/clock.rs",
    "crates/carhop-server/src/entropy.rs",
    "crates/carhop-server/src/timers.rs",
    "xtask/src/",
];

/// A file and its path from the root of the repository.
pub struct Source<'a> {
    path: &'a str,
    lines: Vec<&'a str>,
    /// How many of the lines come before the tests.
    code_length: usize,
}

impl<'a> Source<'a> {
    /// Finds where the tests begin.
    pub fn new(path: &'a str, text: &'a str) -> Self {
        let lines: Vec<_> = text.lines().collect();
        let is_test = path.ends_with("/tests.rs")
            || path.ends_with("/vectors.rs")
            || path.split('/').any(|folder| folder == "tests" || folder == "benches");
        let tests_start = lines
            .windows(2)
            .position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod "))
            .unwrap_or(lines.len());
        Self { path, lines, code_length: if is_test { 0 } else { tests_start } }
    }

    /// Every broken rule, as `path:line: rule`.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !self.lines.first().is_some_and(|line| line.starts_with("//!")) {
            problems.push((1, "a file opens with `//!`".to_owned()));
        }
        if self.code_length > FILE_LINES_MAX {
            let length = self.code_length;
            problems.push((1, format!("{length} lines of code, at most {FILE_LINES_MAX}")));
        }
        for index in 0..self.lines.len() {
            let broken = [
                self.long_function(index),
                self.forbidden_word(index),
                self.reach_for_std(index),
                self.reach_for_the_outside_world(index),
                self.bare_module(index),
            ];
            problems.extend(broken.into_iter().flatten().map(|rule| (index + 1, rule)));
        }
        problems.iter().map(|(line, rule)| format!("{}:{line}: {rule}", self.path)).collect()
    }

    fn long_function(&self, start: usize) -> Option<String> {
        let (qualifiers, signature) = self.lines[start].split_once("fn ")?;
        if !qualifiers.split_whitespace().all(is_qualifier) {
            return None;
        }
        let name = signature.split(['(', '<']).next()?;
        let indent = qualifiers.len() - qualifiers.trim_start().len();
        let closing_brace = format!("{}}}", " ".repeat(indent));
        let rest = &self.lines[start..];
        let signature_end = rest.iter().position(|line| line.ends_with(['{', ';', '}']))?;
        if !rest[signature_end].ends_with('{') {
            return None;
        }
        let length = rest.iter().position(|line| line.starts_with(&closing_brace))? + 1;
        (length > FUNCTION_LINES_MAX)
            .then(|| format!("`{name}` has {length} lines, at most {FUNCTION_LINES_MAX}"))
    }

    fn forbidden_word(&self, index: usize) -> Option<String> {
        let word = FORBIDDEN_WORDS.iter().find(|word| has_word(self.lines[index], word))?;
        Some(format!("`{word}`"))
    }

    fn reach_for_std(&self, index: usize) -> Option<String> {
        let is_bound = PLACES_WITHOUT_STD.iter().any(|place| self.path.starts_with(place));
        let is_for_tests = index > 0 && self.lines[index - 1].trim() == "#[cfg(test)]";
        if !is_bound || is_for_tests || index >= self.code_length {
            return None;
        }
        let code = without_comment(self.lines[index]);
        let word = ["extern crate std", "std::"].iter().find(|word| has_word(code, word))?;
        Some(format!("`{word}` in a crate without it"))
    }

    /// Code never, tests only to ask where outside vectors lie, and never for the time.
    fn reach_for_the_outside_world(&self, index: usize) -> Option<String> {
        let is_exempt = OUTSIDE_WORLD.iter().any(|place| self.path.starts_with(place))
            || self.path.contains("/benches/");
        if is_exempt {
            return None;
        }
        let words: &[&str] =
            if index < self.code_length { &["disallowed_methods"] } else { &READINGS_OF_TIME };
        let code = without_comment(self.lines[index]);
        let word = words.iter().find(|word| has_word(code, word))?;
        Some(format!("`{word}` outside its places"))
    }

    /// A module in a file of its own is documented there; one within a file, above or inside it.
    fn bare_module(&self, index: usize) -> Option<String> {
        let line = self.lines[index].trim_start();
        if !line.starts_with("pub mod ") || !line.ends_with('{') {
            return None;
        }
        let mut above = self.lines[..index].iter().rev().map(|line| line.trim_start());
        let is_documented = above
            .find(|line| !line.starts_with("#["))
            .is_some_and(|line| line.starts_with("///"))
            || self.lines.get(index + 1).is_some_and(|line| line.trim_start().starts_with("//!"));
        (!is_documented).then(|| "an undocumented `pub mod`".to_owned())
    }
}

fn is_qualifier(word: &str) -> bool {
    ["const", "async", "unsafe", "extern", "\"C\""].contains(&word) || word.starts_with("pub")
}

fn without_comment(line: &str) -> &str {
    line.split_once("//").map_or(line, |(code, _)| code)
}

/// Whether the word stands in the line on its own, not as part of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    let continues = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(start, _)| {
        let end = start + word.len();
        let grows_left = word.starts_with(continues) && line[..start].ends_with(continues);
        let grows_right = word.ends_with(continues) && line[end..].starts_with(continues);
        !grows_left && !grows_right
    })
}

/// One row per rule that breaks it, between rows that break nothing.
#[test]
fn a_planted_violation_is_found() {
    let app = "crates/carhop-app/src/lib.rs";
    let rows: [(&str, &str, &[&str]); 18] = [
        (app, "fn a() {}\n", &[]),
        (app, "// FIXED, not mktemp.XXXXXX\n", &[]),
        (app, concat!("// TO", "DO: b\n"), &[concat!("2: `TO", "DO`")]),
        (app, concat!("    #[ig", "nore = \"slow\"]\n"), &[concat!("2: `#[ig", "nore`")]),
        (app, concat!("    dbg", "!(1);\n"), &[concat!("2: `dbg", "!`")]),
        (app, concat!("std::thread::", "sleep(b);\n"), &[concat!("2: `thread::", "sleep`")]),
        (app, concat!("#[al", "low(dead_code)]\n"), &[concat!("2: `#[al", "low(`")]),
        (KERNEL, "extern crate std;\n", &["2: `extern crate std` in a crate without it"]),
        (KERNEL, "use std::fmt;\n", &["2: `std::` in a crate without it"]),
        (KERNEL, "use core::fmt; // not std::fmt\n", &[]),
        (KERNEL, "#[cfg(test)]\nextern crate std;\n", &[]),
        ("crates/carhop-kernel/tests/a.rs", "use std::fmt;\n", &[]),
        (app, EXPECTATION, &["2: `disallowed_methods` outside its places"]),
        (OUTSIDE_WORLD[0], EXPECTATION, &[]),
        ("crates/carhop-app/tests/a.rs", EXPECTATION, &[]),
        (
            "crates/carhop-app/tests/a.rs",
            concat!("Instant", "::now();\n"),
            &[concat!("2: `Instant", "::now` outside its places")],
        ),
        (app, "pub mod a {\n}\n", &["2: an undocumented `pub mod`"]),
        (app, "/// B.\n#[cfg(unix)]\npub mod a {\n}\npub mod b;\n", &[]),
    ];
    for (path, text, expected) in rows {
        assert_problems(path, &format!("//! A.\n{text}"), expected);
    }
}

#[test]
fn a_file_without_its_opening_words_is_found() {
    for text in ["", "fn a() {}\n", "\n//! Late.\n"] {
        assert_problems(KERNEL, text, &["1: a file opens with `//!`"]);
    }
}

#[test]
fn sizes_are_measured_to_the_line() {
    let function =
        |lines: usize| format!("//! A.\n    fn a() {{\n{}    }}\n", "b();\n".repeat(lines - 2));
    assert_problems(KERNEL, &function(70), &[]);
    assert_problems(KERNEL, &function(71), &["2: `a` has 71 lines, at most 70"]);

    let file = |lines: usize| format!("//! A.\n{}", "const A: u8 = 1;\n".repeat(lines - 1));
    assert_problems(KERNEL, &file(500), &[]);
    assert_problems(KERNEL, &file(501), &["1: 501 lines of code, at most 500"]);
    assert_problems("crates/carhop-kernel/tests/a.rs", &file(501), &[]);
    assert_problems(KERNEL, &format!("{}#[cfg(test)]\nmod tests {{}}\n", file(500)), &[]);
}

fn assert_problems(path: &str, text: &str, expected: &[&str]) {
    let expected: Vec<_> = expected.iter().map(|problem| format!("{path}:{problem}")).collect();
    assert_eq!(Source::new(path, text).problems(), expected, "{text:.80}");
}

const KERNEL: &str = "crates/carhop-kernel/src/lib.rs";
const EXPECTATION: &str = "#[expect(clippy::disallowed_methods, reason = \"b\")]\nfn a() {}\n";
