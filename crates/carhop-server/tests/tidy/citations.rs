//! What is cited can be looked up: requirements and sections of the papers that Carhop was written from.

use std::collections::BTreeSet;

/// What two pages explain.
pub struct Known {
    requirements: BTreeSet<String>,
    sections: BTreeSet<(Paper, String)>,
}

/// A paper whose sections are cited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Paper {
    Design,
    Standards,
}

impl Known {
    /// From `docs/requirements.md` and `docs/design-sections.md`.
    pub fn new(requirements: &str, sections: &str) -> Self {
        let families = requirements.lines().filter_map(|line| line.strip_prefix("## "));
        let families = families.map(|heading| format!("M-{}", &heading[..FAMILY_LETTERS]));
        let numbered = requirements.split("**").skip(1).step_by(2).map(str::to_owned);
        let mut paper = None;
        let mut known = BTreeSet::new();
        for line in sections.lines() {
            paper = match line {
                "## Design" => Some(Paper::Design),
                "## Standards" => Some(Paper::Standards),
                _ => paper,
            };
            let cell = line.strip_prefix("| §").and_then(|row| row.split('|').next());
            for section in cell.into_iter().flat_map(|cell| cell.split(',')) {
                let section = section.trim().trim_start_matches('§').to_owned();
                known.insert((paper.unwrap(), section));
            }
        }
        Self { requirements: families.chain(numbered).collect(), sections: known }
    }

    /// How many citations a text has, and those that nobody can look up.
    pub fn judge(&self, text: &str) -> (usize, Vec<String>) {
        let requirements = requirements_in(text);
        let sections = sections_in(text);
        let count = requirements.len() + sections.len();
        let mut unknown: Vec<String> = requirements
            .into_iter()
            .filter(|cited| !self.requirements.contains(*cited))
            .map(str::to_owned)
            .collect();
        let strange = sections.into_iter().filter(|cited| !self.sections.contains(cited));
        unknown.extend(strange.map(|(paper, section)| format!("{paper:?} §{section}")));
        (count, unknown)
    }
}

/// `M-TOK-3`, or a whole family as `M-UXP`.
fn requirements_in(text: &str) -> Vec<&str> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric();
    text.match_indices("M-")
        .filter(|(at, _)| *at == 0 || !is_word(&text.as_bytes()[at - 1]))
        .filter_map(|(at, _)| {
            let family = text.get(at + 2..at + 2 + FAMILY_LETTERS)?;
            let rest = &text[at + 2 + FAMILY_LETTERS..];
            let is_family = family.bytes().all(|byte| byte.is_ascii_uppercase())
                && !rest.bytes().next().is_some_and(|byte| is_word(&byte));
            let digits = rest.strip_prefix('-').map_or("", |rest| digits_of(rest, false));
            let length = if digits.is_empty() { 0 } else { 1 + digits.len() };
            is_family.then(|| &text[at..at + 2 + FAMILY_LETTERS + length])
        })
        .collect()
}

/// `design.md` and a section, or "standards, section 8"; more sections may follow.
fn sections_in(text: &str) -> Vec<(Paper, String)> {
    let lower = text.to_ascii_lowercase();
    let mut found = Vec::new();
    for (name, paper) in [("design", Paper::Design), ("standards", Paper::Standards)] {
        for (at, _) in lower.match_indices(name) {
            let mut rest = lower[at + name.len()..].trim_start_matches(".md");
            rest = rest.trim_start_matches('`').trim_start_matches([',', ':']);
            // A comment may have been wrapped here.
            rest = rest.trim_start_matches([' ', '\n', '/', '!']);
            while let Some(after) =
                ["§", "section "].iter().find_map(|mark| rest.strip_prefix(mark))
            {
                let section = digits_of(after, true);
                if section.is_empty() {
                    break;
                }
                found.push((paper, section.to_owned()));
                let after = &after[section.len()..];
                rest =
                    [", ", " and "].iter().find_map(|join| after.strip_prefix(join)).unwrap_or("");
            }
        }
    }
    found
}

/// The digits that a text begins with, and those behind single points.
fn digits_of(text: &str, has_points: bool) -> &str {
    let is_part = |character: char| character.is_ascii_digit() || (has_points && character == '.');
    let end = text.find(|character| !is_part(character)).unwrap_or(text.len());
    text[..end].trim_end_matches('.')
}

/// Letters of a family of requirements.
const FAMILY_LETTERS: usize = 3;

#[test]
fn a_citation_that_nobody_can_look_up_is_found() {
    let known = Known::new(
        "## TOK: tokens\n**M-TOK-1** says",
        "## Design\n| §2 | five rules |\n| §2.1, §3 | x |",
    );
    for (text, count, unknown) in [
        ("(M-TOK-1, M-TOK)", 2, vec![]),
        ("HTM-TOK-9 and M-TOKEN", 0, vec![]),
        ("M-TOK-2.", 1, vec!["M-TOK-2"]),
        ("M-XYZ", 1, vec!["M-XYZ"]),
        ("`design.md` §2.1, §3 and §4", 3, vec!["Design §4"]),
        ("Design: section 2.", 1, vec![]),
        ("//! design\n//! §9", 1, vec!["Design §9"]),
        ("standards §2", 1, vec!["Standards §2"]),
        ("a design of section", 0, vec![]),
    ] {
        let unknown: Vec<String> = unknown.into_iter().map(str::to_owned).collect();
        assert_eq!(known.judge(text), (count, unknown), "{text}");
    }
}
