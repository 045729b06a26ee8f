//! A Dockerfile, or a template of one, as its instructions: [the reference](https://docs.docker.com/reference/dockerfile/).

/// The longest name of a base image that arguments come to, in bytes: each may double it. References end at some four hundred.
const LONGEST_BASE: usize = 4096;

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Instruction {
    /// In capitals.
    pub(super) word: String,
    /// What follows, continued lines joined by blanks.
    pub(super) rest: String,
    /// Of its first line, from 1.
    pub(super) line: usize,
    /// Its first line as it stands there, if that is all of it.
    pub(super) whole: Option<String>,
}

/// A stage: what it is made from, and its instructions.
#[derive(Debug, Default)]
struct Stage {
    name: Option<String>,
    base: String,
    instructions: Vec<Instruction>,
}

/// A Dockerfile.
#[derive(Debug)]
pub(super) struct Parsed {
    /// The instructions that the last stage comes to, with those of the stages that it is made from.
    pub(super) instructions: Vec<Instruction>,
    /// The image below them; `None` where it is computed.
    pub(super) base: Option<String>,
}

/// How an `ENTRYPOINT` or a `COPY` is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// A list in JSON.
    Exec(Vec<String>),
    /// A line for a shell.
    Shell(String),
    /// What a template or a variable fills in.
    Unknown,
}

impl Instruction {
    /// The form of its arguments.
    pub(super) fn form(&self) -> Form {
        let rest = self.rest.trim();
        if is_computed(rest) {
            return Form::Unknown;
        }
        match serde_json::from_str(rest) {
            Ok(list) => Form::Exec(list),
            Err(_) => Form::Shell(rest.to_owned()),
        }
    }

    /// The options (`--chown=…`) of `COPY` or `ADD`, and the paths behind them, the last of which is where they go.
    pub(super) fn copied(&self) -> (Vec<&str>, Vec<String>) {
        let mut rest = self.rest.trim();
        let mut options = Vec::new();
        while let Some(after) = rest.strip_prefix("--") {
            let end = after.find(char::is_whitespace).unwrap_or(after.len());
            options.push(&after[..end]);
            rest = after[end..].trim_start();
        }
        let paths = serde_json::from_str(rest).unwrap_or_else(|_| {
            rest.split_whitespace()
                .map(|path| path.trim_matches(['"', '\'']).to_owned())
                .collect()
        });
        (options, paths)
    }
}

/// Whether a template's or a build's value is still to be filled in.
pub(super) fn is_computed(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains('$')
}

impl Parsed {
    /// Reads a text; `None` where it has no stage.
    pub(super) fn of(text: &str) -> Option<Self> {
        let mut stages: Vec<Stage> = Vec::new();
        let mut arguments: Vec<(String, String)> = Vec::new();
        for instruction in instructions(text) {
            if instruction.word == "FROM" {
                stages.push(stage(&instruction.rest, &arguments));
            } else if let Some(stage) = stages.last_mut() {
                stage.instructions.push(instruction);
            } else if let Some((name, value)) = instruction.rest.split_once('=').filter(|_| instruction.word == "ARG") {
                arguments.push((
                    name.trim().to_owned(),
                    value.trim().trim_matches(['"', '\'']).to_owned(),
                ));
            }
        }
        let mut stage = stages.pop()?;
        let mut below = Vec::new();
        while let Some(at) = stages
            .iter()
            .rposition(|other| other.name.as_deref() == Some(&stage.base.to_lowercase()))
        {
            stages.truncate(at + 1);
            below.push(std::mem::replace(&mut stage, stages.pop()?));
        }
        let base = Some(stage.base).filter(|base| !is_computed(base));
        let mut instructions = stage.instructions;
        for above in below.into_iter().rev() {
            instructions.extend(above.instructions);
        }
        Some(Self { instructions, base })
    }

    /// The last instruction of that name.
    pub(super) fn last(&self, word: &str) -> Option<&Instruction> {
        self.instructions.iter().rfind(|instruction| instruction.word == word)
    }
}

/// `[--platform=…] image [AS name]`.
fn stage(rest: &str, arguments: &[(String, String)]) -> Stage {
    let words: Vec<&str> = rest.split_whitespace().filter(|word| !word.starts_with("--")).collect();
    let mut base = words.first().map(|word| (*word).to_owned()).unwrap_or_default();
    for (name, value) in arguments {
        for written in [format!("${{{name}}}"), format!("${name}")] {
            // What is longer is no image's name, and stays computed.
            if base.len() <= LONGEST_BASE && value.len() <= LONGEST_BASE && base.contains(&written) {
                base = base.replace(&written, value);
            }
        }
    }
    let name = match words[..] {
        [_, word, name] if word.eq_ignore_ascii_case("as") => Some(name.to_lowercase()),
        _ => None,
    };
    Stage {
        name,
        base,
        instructions: Vec::new(),
    }
}

fn instructions(text: &str) -> Vec<Instruction> {
    let mut found: Vec<Instruction> = Vec::new();
    // A mark of the byte order is no part of the first word.
    let mut lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let trimmed = line.trim();
        // Comments, and a template's own lines.
        if trimmed.is_empty() || trimmed.starts_with(['#', '{']) {
            continue;
        }
        let mut whole = trimmed.to_owned();
        let mut is_continued = false;
        while whole.ends_with('\\') {
            whole.pop();
            whole.truncate(whole.trim_end().len());
            is_continued = true;
            // Comments and empty lines do not end a continued one.
            let next = lines.find(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
            let Some((_, next)) = next else { break };
            whole.push(' ');
            whole.push_str(next.trim());
        }
        for end in heredocs(&whole) {
            // What has no end is none: `1<<n` in a program's text, for example.
            let Some(length) = lines.clone().position(|(_, line)| line.trim() == end) else {
                continue;
            };
            is_continued = true;
            for (_, line) in lines.by_ref().take(length) {
                whole.push(' ');
                whole.push_str(line.trim());
            }
            lines.next();
        }
        let (word, rest) = whole.split_once(char::is_whitespace).unwrap_or((&whole, ""));
        if word.bytes().all(|c| c.is_ascii_alphabetic()) {
            found.push(Instruction {
                word: word.to_uppercase(),
                rest: rest.trim().to_owned(),
                line: index + 1,
                whole: (!is_continued).then(|| line.to_owned()),
            });
        }
    }
    found
}

/// What ends the here-documents of a line: `<<EOF`, `<<-'EOF'`.
fn heredocs(line: &str) -> Vec<String> {
    let is_for_them = ["RUN", "COPY", "ADD"]
        .iter()
        .any(|word| line.to_uppercase().starts_with(word));
    let begun = line.match_indices("<<").filter(|_| is_for_them);
    let word = begun.filter_map(|(at, _)| {
        let rest = line[at + 2..].trim_start_matches('-').trim_start_matches(['"', '\'']);
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        let is_word = rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        is_word.then(|| rest[..end].to_owned())
    });
    word.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_to_grow_does_not() {
        let doubling = "ARG A=$A$A\n".repeat(64) + "FROM $A\n";
        assert_eq!(Parsed::of(&doubling).unwrap().base, None);
        // One instruction of a megabyte, and one that every line of the file belongs to.
        let continued = format!("FROM a\nRUN {}", "x \\\n".repeat(300_000));
        let begun = std::time::Instant::now();
        assert_eq!(Parsed::of(&continued).unwrap().instructions.len(), 1);
        assert!(
            begun.elapsed() < std::time::Duration::from_secs(10),
            "{:?}",
            begun.elapsed()
        );
    }

    #[test]
    fn the_last_stage_with_those_below_it() {
        let text = "ARG PY=3.11\nFROM python:${PY} AS base\nENTRYPOINT [\"a\"]\nFROM node AS web\nRUN b\nFROM base\nRUN c \\\n # no\n  d\n";
        let parsed = Parsed::of(text).unwrap();
        assert_eq!(parsed.base.as_deref(), Some("python:3.11"));
        let said: Vec<_> = parsed
            .instructions
            .iter()
            .map(|one| (one.line, one.rest.as_str()))
            .collect();
        assert_eq!(said, [(3, "[\"a\"]"), (7, "c d")]);
        assert_eq!(
            parsed.last("ENTRYPOINT").unwrap().form(),
            Form::Exec(vec!["a".to_owned()])
        );
        assert!(Parsed::of("RUN nothing\n").is_none());
    }

    #[test]
    fn here_documents_and_templates_are_passed_over() {
        let text = "FROM {{ base }}\n{% if x %}\nRUN <<EOF\nENTRYPOINT no\nEOF\n{% endif %}\nENTRYPOINT {{ entrypoint | tojson }}\n";
        let parsed = Parsed::of(text).unwrap();
        assert_eq!(parsed.base, None);
        assert_eq!(parsed.instructions.len(), 2);
        assert_eq!(parsed.last("ENTRYPOINT").unwrap().form(), Form::Unknown);
    }

    #[test]
    fn what_is_copied_where() {
        let parsed = Parsed::of("FROM a\nCOPY --chown=1:1 --link a b /c/\nADD [\"a b\", \"/d\"]\n").unwrap();
        assert_eq!(
            parsed.instructions[0].copied(),
            (
                vec!["chown=1:1", "link"],
                vec!["a".to_owned(), "b".to_owned(), "/c/".to_owned()]
            )
        );
        assert_eq!(parsed.instructions[1].copied().1, ["a b", "/d"]);
    }
}
