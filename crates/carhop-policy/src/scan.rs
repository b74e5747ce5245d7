//! A look at the text of policies before Cedar reads it: Cedar parses, checks and evaluates by recursion, and what nests or
//! chains without end would overflow the stack of the whole process.
//!
//! It judges no grammar: a text that passes may still be refused by Cedar, and is bounded then.

use thiserror::Error;

/// Why a text is not handed to Cedar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ScanError {
    /// More brackets and conditions inside each other than `NESTING_MAX`.
    #[error("a policy nests deeper than {NESTING_MAX}")]
    Nesting,
    /// More than `OPERATORS_MAX`.
    #[error("a policy has more than {OPERATORS_MAX} operators")]
    Operators,
}

/// How many policies a text has at most, if none of them nests or chains more than may be.
pub(crate) fn count_policies(text: &str) -> Result<usize, ScanError> {
    let mut bytes = text.bytes().peekable();
    let (mut policies, mut seen, mut word) = (0, Policy::default(), Vec::new());
    while let Some(byte) = bytes.next() {
        if byte.is_ascii_alphanumeric() || byte == b'_' {
            word.push(byte);
            continue;
        }
        seen.take_word(&word)?;
        word.clear();
        match byte {
            b'"' => skip_string(&mut bytes),
            b'/' if bytes.peek() == Some(&b'/') => {
                while bytes.next_if(|next| *next != b'\n').is_some() {}
            }
            b'(' | b'[' | b'{' => seen.open()?,
            b')' | b']' | b'}' => seen.depth = seen.depth.saturating_sub(1),
            b'|' | b'&' | b'!' | b'=' | b'<' | b'>' | b'+' | b'-' | b'*' | b'.' => {
                seen.operate()?;
            }
            b';' if seen.depth == 0 => {
                policies += 1;
                seen = Policy::default();
            }
            // Blanks, separators, and what Cedar will refuse.
            _ => {}
        }
    }
    seen.take_word(&word)?;
    Ok(policies)
}

fn skip_string(bytes: &mut impl Iterator<Item = u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            b'"' => return,
            _ => {}
        }
    }
}

/// What was seen of one policy so far.
#[derive(Default)]
struct Policy {
    /// Open brackets.
    depth: usize,
    /// Conditions: each holds all that follows it.
    conditions: usize,
    /// Signs and words that make an expression of two others.
    operators: usize,
}

impl Policy {
    fn open(&mut self) -> Result<(), ScanError> {
        self.depth += 1;
        self.check_nesting()
    }

    fn check_nesting(&self) -> Result<(), ScanError> {
        let nests = self.depth + self.conditions;
        if nests > NESTING_MAX { Err(ScanError::Nesting) } else { Ok(()) }
    }

    fn operate(&mut self) -> Result<(), ScanError> {
        self.operators += 1;
        if self.operators > OPERATORS_MAX { Err(ScanError::Operators) } else { Ok(()) }
    }

    fn take_word(&mut self, word: &[u8]) -> Result<(), ScanError> {
        match word {
            b"if" => {
                self.conditions += 1;
                self.check_nesting()
            }
            b"has" | b"in" | b"is" | b"like" | b"when" | b"unless" => self.operate(),
            _ => Ok(()),
        }
    }
}

/// Brackets and conditions inside each other, of one policy; the shipped ones have four.
pub const NESTING_MAX: usize = 32;
/// Signs of operators and the words among them, of one policy; `&&` are two. The shipped ones have up to forty.
pub const OPERATORS_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::{NESTING_MAX, OPERATORS_MAX, ScanError, count_policies};

    #[test]
    fn what_nests_or_chains_without_end_is_told_before_it_is_read() {
        let nested = |open: &str, times| format!("permit (a) when {{ {}", open.repeat(times));
        for open in ["(", "[", "{", "if ", "(if(", "[\"]\","] {
            let each = open.matches(['(', '[', '{']).count() + open.matches("if").count();
            let fits = (NESTING_MAX - 1) / each;
            assert_eq!(count_policies(&nested(open, fits)), Ok(0), "{open}");
            let more = count_policies(&nested(open, fits + 1));
            assert_eq!(more, Err(ScanError::Nesting), "{open}");
        }
        for chain in ["||", "&&", "!", "-", ".a", " has a", " like \"*\"", "==", " in [] "] {
            let text = format!("permit (a) when {{ a{} }};", chain.repeat(OPERATORS_MAX));
            assert_eq!(count_policies(&text), Err(ScanError::Operators), "{chain}");
        }
        let clauses = "when { true } unless { false } ".repeat(OPERATORS_MAX / 2);
        assert_eq!(count_policies(&format!("permit (a) {clauses};")), Ok(1));
        let one_more = format!("permit (a) {clauses} when {{ true }};");
        assert_eq!(count_policies(&one_more), Err(ScanError::Operators));
    }

    #[test]
    fn strings_and_comments_nest_nothing_and_each_policy_is_counted_afresh() {
        let quiet = [
            format!("// {}\npermit (a);", "(".repeat(99)),
            format!("@id(\"{}\") permit (a);", "([{ && ".repeat(99)),
            format!("@id(\"\\\"{}\") permit (a);", "(".repeat(99)),
        ];
        for text in quiet {
            assert_eq!(count_policies(&text), Ok(1), "{text}");
        }
        let policy = format!("permit (a) when {{ {} }};", "a || ".repeat(OPERATORS_MAX / 2 - 1));
        assert_eq!(count_policies(&policy.repeat(9)), Ok(9));
        // A separator inside brackets ends nothing.
        let hidden = "(;".repeat(NESTING_MAX + 1);
        assert_eq!(count_policies(&hidden), Err(ScanError::Nesting));
    }
}
