//! What the instructions of a Dockerfile are for: sgbuild's own say it in a comment above them, in the words of the user's package.
//!
//! A builder numbers its steps. Which instruction a number means follows from the Dockerfile that it was sent, and is believed only where the
//! builder counts as many steps, and this one is of the same kind; what a base image adds with `ONBUILD` is counted too. `BuildKit` does once what
//! several builds want at the same moment, and tells all of them the number that it has in one of them: there the instruction itself decides.

use std::sync::Arc;

use super::lines::{documents, keyword};

/// How the comment begins.
const MARK: &str = "# sgbuild: ";
/// What `BuildKit` numbers beside `FROM`; the others only change the image's config
/// ([`dispatch`](https://github.com/moby/buildkit/blob/master/frontend/dockerfile/dockerfile2llb/convert.go)).
const NUMBERED: [&str; 4] = ["ADD", "COPY", "RUN", "WORKDIR"];

/// A Dockerfile's instructions, in their order.
#[derive(Debug, Default)]
pub(in crate::engine::docker) struct Outline {
    instructions: Vec<Instruction>,
}

/// One instruction.
#[derive(Debug, PartialEq, Eq)]
struct Instruction {
    /// In upper case.
    keyword: String,
    /// In one line, as it was written.
    text: String,
    /// What it is for.
    words: Option<String>,
    /// The number of its stage; what stands before the first one is in none.
    stage: Option<usize>,
    /// The stage's name, in lower case, as builders have it: one for all of its instructions, however long it is.
    stage_name: Option<Arc<str>>,
}

/// What is told of a step: that of all instructions that are for the same, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine::docker) struct Purpose {
    /// Tells it from others of the same words: the first of its instructions.
    pub(in crate::engine::docker) first: usize,
    /// What is told.
    pub(in crate::engine::docker) title: String,
    /// How many of its steps the builder numbers.
    pub(in crate::engine::docker) steps: usize,
    /// The number of its stage.
    pub(in crate::engine::docker) stage: Option<usize>,
    /// Whether it begins a stage: what it takes is a base image.
    pub(in crate::engine::docker) is_base: bool,
    /// Whether it takes time, and is not just a word for the image's config.
    pub(in crate::engine::docker) is_work: bool,
}

impl Outline {
    /// Reads a Dockerfile.
    pub(in crate::engine::docker) fn read(dockerfile: &str) -> Self {
        let mut reader = Reader::default();
        let mut lines = dockerfile.lines();
        while let Some(line) = lines.next() {
            let Some(instruction) = reader.line(line.trim()) else {
                continue;
            };
            for end in documents(&instruction) {
                // A document's own end is the first line that says so.
                lines.by_ref().find(|line| line.trim_start_matches('\t') == end);
            }
            reader.add(&instruction);
        }
        Self {
            instructions: reader.found,
        }
    }

    /// What a step of `BuildKit`'s is for: `[stage-0 2/4] RUN x`, without the stage's name where there is only one.
    pub(in crate::engine::docker) fn of_vertex(&self, name: &str) -> Option<Purpose> {
        let (place, number, count, keyword) = numbered(name)?;
        let stages = self.instructions.iter().filter_map(|instruction| instruction.stage);
        if place.is_empty() && stages.max() != Some(0) {
            return None;
        }
        let is_numbered = |instruction: &Instruction| instruction.is_in(place) && instruction.is_work();
        let by_number = self.purpose(number, count, keyword, is_numbered);
        by_number.or_else(|| self.of_text(name.split_once("] ")?.1))
    }

    /// What the step of this text is for, whatever its number; `None` where it may be one of several.
    fn of_text(&self, text: &str) -> Option<Purpose> {
        let steps: Vec<_> = self.steps(Instruction::is_work);
        let mut places = (0..steps.len()).filter(|place| steps[*place].1.is_told_as(text));
        let (place, None) = (places.next()?, places.next()) else {
            return None;
        };
        Some(purpose_of(&steps, place))
    }

    /// What a step of the classic builder's, or of podman's, is for: `[2/12] RUN x`. Both number every instruction.
    pub(in crate::engine::docker) fn of_classic(&self, name: &str) -> Option<Purpose> {
        let (_, number, count, keyword) = numbered(name)?;
        self.purpose(number, count, keyword, |_| true)
    }

    fn purpose(
        &self,
        number: usize,
        count: usize,
        keyword: &str,
        is_numbered: impl Fn(&Instruction) -> bool,
    ) -> Option<Purpose> {
        let steps = self.steps(is_numbered);
        let place = number.checked_sub(1)?;
        let (_, instruction) = steps.get(place).filter(|_| steps.len() == count)?;
        let is_it = instruction.keyword.eq_ignore_ascii_case(keyword);
        is_it.then(|| purpose_of(&steps, place))
    }

    /// The instructions that are meant, with their numbers in the Dockerfile.
    fn steps(&self, is_meant: impl Fn(&Instruction) -> bool) -> Vec<(usize, &Instruction)> {
        let instructions = self.instructions.iter().enumerate();
        instructions.filter(|(_, instruction)| is_meant(instruction)).collect()
    }
}

/// What the step at `place` is for, with those beside it that are for the same.
fn purpose_of(steps: &[(usize, &Instruction)], place: usize) -> Purpose {
    let instruction = steps[place].1;
    let is_same = |step: &&(usize, &Instruction)| {
        let other = step.1;
        instruction.words.is_some() && other.words == instruction.words && other.stage == instruction.stage
    };
    let before = steps[..place].iter().rev().take_while(is_same).count();
    let after = steps[place + 1..].iter().take_while(is_same).count();
    Purpose {
        first: steps[place - before].0,
        title: instruction.words.clone().unwrap_or_else(|| instruction.text.clone()),
        steps: before + 1 + after,
        stage: instruction.stage,
        is_base: instruction.keyword == "FROM",
        is_work: instruction.is_work(),
    }
}

impl Instruction {
    /// Whether a builder's text of a step is this one's: `FROM` there has the image's whole name, perhaps with its digest, and nothing else.
    fn is_told_as(&self, text: &str) -> bool {
        let words: Vec<&str> = text.split_whitespace().collect();
        if self.keyword != "FROM" {
            return words.join(" ") == self.text;
        }
        let image = self.text.split(' ').skip(1).find(|word| !word.starts_with("--"));
        let (Some(image), ["FROM", told]) = (image, words.as_slice()) else {
            return false;
        };
        let told = told.split('@').next().unwrap_or_default();
        let places = ["", "docker.io/", "docker.io/library/"];
        places.into_iter().any(|place| told.strip_prefix(place) == Some(image))
    }

    /// Whether it is in the stage of this name; any, where there is no name.
    fn is_in(&self, place: &str) -> bool {
        let Some(stage) = self.stage else { return false };
        let place = place.to_lowercase();
        place.is_empty() || self.stage_name.as_deref().unwrap_or(&format!("stage-{stage}")) == place
    }

    fn is_work(&self) -> bool {
        self.keyword == "FROM" || NUMBERED.contains(&&*self.keyword)
    }
}

/// `[stage-0 2/4] RUN x` as the place, the number, how many there are, and the instruction's keyword.
fn numbered(name: &str) -> Option<(&str, usize, usize, &str)> {
    let (place, instruction) = name.strip_prefix('[')?.split_once("] ")?;
    let (place, number) = place.rsplit_once(' ').unwrap_or(("", place));
    let (number, count) = number.split_once('/')?;
    let keyword = instruction.split_whitespace().next()?;
    Some((place.trim(), number.parse().ok()?, count.parse().ok()?, keyword))
}

/// Reads line by line.
#[derive(Default)]
struct Reader {
    begun: String,
    words: Option<String>,
    stage: Option<usize>,
    stage_name: Option<Arc<str>>,
    found: Vec<Instruction>,
}

impl Reader {
    /// Takes a line; the instruction that ends with it.
    fn line(&mut self, line: &str) -> Option<String> {
        if line.starts_with('#') {
            if let Some(words) = line.strip_prefix(MARK).filter(|_| self.begun.is_empty()) {
                self.words = Some(words.to_owned());
            }
            return None;
        }
        if line.is_empty() {
            return None;
        }
        if let Some(continued) = line.strip_suffix('\\') {
            self.begun.push_str(continued);
            self.begun.push(' ');
            return None;
        }
        self.begun.push_str(line);
        Some(std::mem::take(&mut self.begun))
    }

    fn add(&mut self, instruction: &str) {
        let (keyword, rest) = keyword(instruction);
        if keyword == "FROM" {
            self.stage = Some(self.stage.map_or(0, |stage| stage + 1));
            let words: Vec<&str> = rest.split_whitespace().collect();
            self.stage_name = match words.as_slice() {
                [.., named, name] if named.eq_ignore_ascii_case("as") => Some(name.to_lowercase().into()),
                _ => None,
            };
        }
        self.found.push(Instruction {
            text: instruction.split_whitespace().collect::<Vec<_>>().join(" "),
            keyword,
            words: self.words.take(),
            stage: self.stage,
            stage_name: self.stage_name.clone(),
        });
    }
}

/// A Dockerfile without what only tells of it.
#[must_use]
pub fn without_words(dockerfile: &str) -> String {
    let lines = dockerfile.split_inclusive('\n');
    lines.filter(|line| !line.starts_with(MARK)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "\
# Training image
# sgbuild: Base image python:3.11-slim
# hadolint ignore=DL3029
FROM --platform=linux/amd64 python:3.11-slim
ENV A=1
RUN <<END
RUN nothing
END
RUN apt-get update \\
    # a comment
    && apt-get install x
# sgbuild: Installing 7 requirements
RUN --mount=type=bind,source=a,target=/a pip install
# sgbuild: Installing iris 1.0
COPY run.py /run.py
# sgbuild: Installing iris 1.0
RUN pip install iris
LABEL a=b
";

    fn told(purpose: Option<Purpose>) -> String {
        purpose.map_or_else(String::new, |purpose| format!("{}, {}", purpose.title, purpose.steps))
    }

    #[test]
    fn a_numbered_step_is_found_in_the_dockerfile() {
        let outline = Outline::read(OURS);
        for place in ["stage-0 ", ""] {
            let step = |rest: &str| told(outline.of_vertex(&format!("[{place}{rest}")));
            assert_eq!(step("1/6] FROM python@sha256:0"), "Base image python:3.11-slim, 1");
            assert_eq!(step("2/6] RUN <<END (RUN nothing)"), "RUN <<END, 1");
            assert_eq!(step("3/6] RUN apt-get"), "RUN apt-get update && apt-get install x, 1");
            assert_eq!(step("4/6] RUN pip"), "Installing 7 requirements, 1");
            assert_eq!(step("5/6] COPY run.py /run.py"), "Installing iris 1.0, 2");
            assert_eq!(step("6/6] RUN pip"), "Installing iris 1.0, 2");
        }
        let pip = outline.of_classic("[5/8] RUN pip");
        assert_eq!(told(pip), "Installing 7 requirements, 1");
        let label = outline.of_classic("[8/8] LABEL a=b").unwrap();
        assert!(!label.is_work);
    }

    #[test]
    fn what_is_counted_otherwise_is_not_believed() {
        let outline = Outline::read(OURS);
        for name in [
            "[stage-0 2/7] RUN x",
            "[stage-0 2/6] COPY x",
            "[stage-1 2/6] RUN x",
            "[stage-0 9/6] RUN x",
            "[stage-0 0/6] RUN x",
            "[internal] load metadata",
            "exporting to image",
            "[stage-0 2/6]",
        ] {
            assert_eq!(outline.of_vertex(name), None, "{name}");
        }
    }

    #[test]
    fn a_step_that_another_build_numbered_is_known_by_its_text() {
        let outline = Outline::read(OURS);
        for (name, expected) in [
            (
                "[1/3] FROM docker.io/library/python:3.11-slim@sha256:0",
                "Base image python:3.11-slim, 1",
            ),
            ("[base 1/2] FROM python:3.11-slim", "Base image python:3.11-slim, 1"),
            ("[stage-0 2/9] COPY run.py  /run.py", "Installing iris 1.0, 2"),
            ("[8/9] RUN pip install iris", "Installing iris 1.0, 2"),
            ("[1/3] FROM python:3.11", ""),
            ("[2/9] RUN pip install other", ""),
        ] {
            assert_eq!(told(outline.of_vertex(name)), expected, "{name}");
        }
        let twice = Outline::read("FROM a\nRUN one\nRUN one\n");
        assert_eq!(told(twice.of_vertex("[2/9] RUN one")), "");
    }

    #[test]
    fn stages_are_told_apart_by_their_names() {
        let text = "ARG X=1\nFROM a AS Build\nRUN one\nFROM b\nRUN two\n";
        let outline = Outline::read(text);
        assert_eq!(told(outline.of_vertex("[build 2/2] RUN one")), "RUN one, 1");
        assert_eq!(told(outline.of_vertex("[stage-1 2/2] RUN two")), "RUN two, 1");
        assert_eq!(told(outline.of_vertex("[2/2] RUN two")), "");
        assert_eq!(told(outline.of_classic("[5/5] RUN two")), "RUN two, 1");
    }

    #[test]
    fn the_words_alone_are_left_out() {
        assert_eq!(without_words("# a\n# sgbuild: b\nFROM c\n"), "# a\nFROM c\n");
    }
}
