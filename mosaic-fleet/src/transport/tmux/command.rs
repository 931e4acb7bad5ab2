//! tmux commands as words, and their two spellings: process arguments and control-mode lines.

/// One tmux command: its name and arguments, unquoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command(Vec<String>);

impl Command {
    pub(super) fn new<S: Into<String>>(words: impl IntoIterator<Item = S>) -> Self {
        Command(words.into_iter().map(Into::into).collect())
    }

    /// Adds a word.
    pub(super) fn word(mut self, word: impl Into<String>) -> Self {
        self.0.push(word.into());
        self
    }

    /// As arguments of a process. A word that ends in `;` would split the command.
    pub(super) fn arguments(&self) -> impl Iterator<Item = String> + '_ {
        self.0.iter().map(|word| match word.strip_suffix(';') {
            Some(start) => format!("{start}\\;"),
            None => word.clone(),
        })
    }
}

/// Shorthand for literal words.
macro_rules! command {
    ($($word:expr),+ $(,)?) => {
        $crate::transport::tmux::command::Command::new([$(::std::string::String::from($word)),+])
    };
}
pub(super) use command;

/// Commands that run one after the other with nothing of another client between them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct CommandList(Vec<Command>);

impl CommandList {
    pub(super) fn new(commands: impl IntoIterator<Item = Command>) -> Self {
        CommandList(commands.into_iter().collect())
    }

    /// As one line of tmux's own language.
    pub(super) fn line(&self) -> String {
        let commands: Vec<String> = self
            .0
            .iter()
            .map(|command| {
                let words: Vec<String> = command.0.iter().map(|word| quoted(word)).collect();
                words.join(" ")
            })
            .collect();
        commands.join(" ; ")
    }

    /// As arguments of one process.
    pub(super) fn arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        for (number, command) in self.0.iter().enumerate() {
            if number > 0 {
                arguments.push(";".to_owned());
            }
            arguments.extend(command.arguments());
        }
        arguments
    }
}

/// `if-shell -F`: runs `yes` when the format `condition` holds for `target`, else `no`.
///
/// Every inner command needs its own `-t`: `if-shell` does not hand its target down.
pub(super) fn when(target: &str, condition: &str, yes: &CommandList, no: &CommandList) -> Command {
    command![
        "if-shell",
        "-F",
        "-t",
        target,
        condition,
        yes.line(),
        no.line()
    ]
}

/// A format that holds when every one of `conditions` does.
pub(super) fn all(conditions: &[String]) -> String {
    match conditions {
        [] => "1".to_owned(),
        [one] => one.clone(),
        // In halves: tmux expands only so many formats inside each other.
        more => {
            let (left, right) = more.split_at(more.len() / 2);
            format!("#{{&&:{},{}}}", all(left), all(right))
        }
    }
}

/// A word of tmux's language that stands for exactly `word`.
///
/// Printable ASCII stays but for what double quotes do not protect; all else becomes `\ooo`. A raw
/// 0xFF byte would end the token and a raw line end the line.
pub(super) fn quoted(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    let mut quoted = String::with_capacity(word.len() + 2);
    quoted.push('"');
    for byte in word.bytes() {
        if matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\' | b'$' | b'~') {
            quoted.push(char::from(byte));
        } else {
            quoted.push('\\');
            for shift in [6, 3, 0] {
                quoted.push(char::from(b'0' + ((byte >> shift) & 7)));
            }
        }
    }
    quoted.push('"');
    quoted
}

/// A text in which tmux expands nothing although it expands formats there (`#` starts them).
pub(super) fn literal(text: &str) -> String {
    text.replace('#', "##")
}

/// Undoes what `show-buffer` does to a text on a control connection.
pub(super) fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut left = text;
    while let Some(at) = left.iter().position(|byte| *byte == b'\\') {
        bytes.extend_from_slice(&left[..at]);
        let mut rest = left[at + 1..].iter();
        match rest.next() {
            Some(first @ b'0'..=b'3') => {
                let mut value = first - b'0';
                for _ in 0..2 {
                    let digit = rest.next().unwrap_or(&b'0');
                    value = value.wrapping_mul(8).wrapping_add(digit.wrapping_sub(b'0'));
                }
                bytes.push(value);
            }
            Some(b'a') => bytes.push(7),
            Some(b'b') => bytes.push(8),
            Some(b't') => bytes.push(b'\t'),
            Some(b'n') => bytes.push(b'\n'),
            Some(b'v') => bytes.push(11),
            Some(b'f') => bytes.push(12),
            Some(b'r') => bytes.push(b'\r'),
            Some(b's') => bytes.push(b' '),
            Some(other) => bytes.push(*other),
            None => bytes.push(b'\\'),
        }
        left = rest.as_slice();
    }
    bytes.extend_from_slice(left);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// tmux's own reading of a double-quoted word, as far as we use it.
    fn read_back(quoted: &str) -> Vec<u8> {
        match quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"')) {
            Some(inner) => unescaped(inner.as_bytes()),
            None => quoted.as_bytes().to_vec(),
        }
    }

    proptest! {
        #[test]
        fn a_quoted_word_is_one_line_of_ascii_and_reads_back(word in any::<String>()) {
            let quoted = quoted(&word);
            prop_assert!(quoted.bytes().all(|b| matches!(b, b' '..=b'~')));
            let inner = quoted.trim_matches('"');
            let forbidden = ['$', '~', '"'];
            prop_assert!(!inner.contains(forbidden));
            prop_assert_eq!(read_back(&quoted), word.into_bytes());
        }

        #[test]
        fn unescaping_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            unescaped(&bytes);
        }
    }

    #[test]
    fn a_trailing_semicolon_does_not_split_a_process_command() {
        let list = CommandList::new([command!["send", "a;"], command!["x"]]);
        assert_eq!(list.arguments(), ["send", "a\\;", ";", "x"]);
    }

    #[test]
    fn conditions_nest_in_pairs() {
        let three = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        assert_eq!(all(&three), "#{&&:a,#{&&:b,c}}");
    }
}
