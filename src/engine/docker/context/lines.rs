//! The Dockerfile lines of the project's own, as far as a base image is concerned that is made of them once: such a line must mean there
//! what it means in the whole Dockerfile, today and later.
//!
//! Source: <https://docs.docker.com/reference/dockerfile/>.

/// Variables that change what pip says or how it goes about it, and not what it installs.
const HARMLESS: [&str; 8] = [
    "PIP_DEFAULT_TIMEOUT",
    "PIP_DISABLE_PIP_VERSION_CHECK",
    "PIP_NO_CACHE_DIR",
    "PIP_NO_INPUT",
    "PIP_PROGRESS_BAR",
    "PIP_RETRIES",
    "PIP_ROOT_USER_ACTION",
    "PIP_TIMEOUT",
];

/// What is wrong with files of the build's context.
const CONTEXT: &str = "takes files of the build's context, which are the package's and its requirements'";

/// A line that only the whole Dockerfile can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The instruction, on one line.
    pub line: String,
    /// What is the matter: the end of the sentence.
    pub reason: &'static str,
}

/// Looks at every instruction.
///
/// # Errors
/// The first that is bound to the whole Dockerfile.
pub(super) fn check(lines: &[String]) -> Result<(), Bound> {
    let bound = |line: String| bound(&line).map(|reason| Bound { line, reason });
    instructions(lines).into_iter().find_map(bound).map_or(Ok(()), Err)
}

/// Every instruction as one line: continued lines joined, comments and here-documents left out.
fn instructions(lines: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let mut begun = String::new();
    let mut lines = lines.iter().flat_map(|text| text.lines());
    while let Some(line) = lines.next() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(continued) = line.strip_suffix('\\') {
            begun.push_str(continued);
            begun.push(' ');
            continue;
        }
        begun.push_str(line);
        let instruction = std::mem::take(&mut begun);
        for end in documents(&instruction) {
            // A document's own end is the first line that says so.
            lines.by_ref().find(|line| line.trim_start_matches('\t') == end);
        }
        found.push(instruction);
    }
    found.extend(Some(begun).filter(|begun| !begun.is_empty()));
    found
}

/// The ends of the [here-documents](https://docs.docker.com/reference/dockerfile/#here-documents) that begin in an instruction.
pub(super) fn documents(instruction: &str) -> Vec<String> {
    let (keyword, rest) = keyword(instruction);
    if !["RUN", "COPY", "ADD"].contains(&keyword.as_str()) {
        return Vec::new();
    }
    let words = rest.split_whitespace();
    let ends = words.filter_map(|word| {
        let end = word
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .strip_prefix("<<")?;
        let end = end.strip_prefix('-').unwrap_or(end).trim_matches(['"', '\'']);
        (!end.is_empty() && !end.contains('<')).then(|| end.to_owned())
    });
    ends.collect()
}

pub(super) fn keyword(instruction: &str) -> (String, &str) {
    let (keyword, rest) = instruction.split_once(char::is_whitespace).unwrap_or((instruction, ""));
    (keyword.to_ascii_uppercase(), rest.trim())
}

/// Why an instruction is bound to the whole Dockerfile; `None` where a base image can have it.
fn bound(instruction: &str) -> Option<&'static str> {
    let (keyword, rest) = keyword(instruction);
    match keyword.as_str() {
        "FROM" => Some("begins another stage, which has another base image"),
        "ONBUILD" => Some("is run in every image made of a base that has it"),
        "COPY" | "ADD" => copied(&keyword, rest),
        "RUN" => flags(rest).find_map(|flag| mounted(flag.strip_prefix("--mount=")?)),
        "ARG" | "ENV" => steering(rest).then_some("changes what pip installs, which a base image has no pip for"),
        _ => None,
    }
}

/// The flags with which an instruction begins.
fn flags(rest: &str) -> impl Iterator<Item = &str> {
    rest.split_whitespace().take_while(|word| word.starts_with("--"))
}

fn copied(keyword: &str, rest: &str) -> Option<&'static str> {
    if let Some(from) = flags(rest).find_map(|flag| flag.strip_prefix("--from=")) {
        return moving(from);
    }
    let has_checksum = flags(rest).any(|flag| flag.starts_with("--checksum="));
    let words: Vec<&str> = rest.split_whitespace().skip(flags(rest).count()).collect();
    // A list in JSON may be one word.
    let sources = match words.split_last() {
        Some((_, sources)) if !sources.is_empty() => sources,
        _ => return Some(CONTEXT),
    };
    sources.iter().find_map(|source| {
        let is_elsewhere = keyword == "ADD" && (source.contains("://") || source.starts_with("git@"));
        if source.starts_with("<<") || (is_elsewhere && has_checksum) {
            None
        } else if is_elsewhere {
            Some("fetches what may be another thing later, as no `--checksum` says what it is")
        } else {
            Some(CONTEXT)
        }
    })
}

fn mounted(mount: &str) -> Option<&'static str> {
    let field = |name: &str| {
        mount
            .split(',')
            .find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
    };
    let from = field("from").map(moving);
    match field("type").unwrap_or("bind") {
        "secret" | "ssh" => Some("mounts a secret, and a base image is made without any"),
        "bind" => from.unwrap_or(Some(CONTEXT)),
        _ => from.flatten(),
    }
}

/// What is wrong with the image that an instruction takes something of.
fn moving(image: &str) -> Option<&'static str> {
    let is_one = image.contains("@sha256:") && !image.contains('$');
    (!is_one).then_some("takes files of an image or stage that may be another one later, as no digest says which it is")
}

/// Whether a variable is set that has pip install something else.
fn steering(rest: &str) -> bool {
    let names = rest
        .split_whitespace()
        .map(|word| word.split('=').next().unwrap_or(word));
    names
        .map(str::to_ascii_uppercase)
        .any(|name| name.starts_with("PIP_") && !HARMLESS.contains(&name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(lines: &[&str]) -> Option<(String, &'static str)> {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        check(&lines).err().map(|bound| (bound.line, bound.reason))
    }

    const SUM: &str = "sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d";

    #[test]
    fn what_a_base_can_have() {
        let from = format!("COPY --from=public.ecr.aws/x/tool@{SUM} /tool /usr/bin/");
        let add = format!("ADD --checksum={SUM} https://example.com/x.tar.gz /opt/");
        let mount = format!("RUN --mount=from=tool@{SUM},target=/t --mount=type=cache,target=/c cp /t/x /x");
        for lines in [
            &[
                "RUN apt-get update && \\",
                "  # COPY is not one here",
                "  COPY x",
                "USER someone",
            ][..],
            &[
                "RUN <<EOF",
                "COPY a b",
                "ONBUILD RUN x",
                "EOF",
                "ENV A=1 PIP_NO_CACHE_DIR=1",
                "ARG DEBIAN_FRONTEND=noninteractive",
            ],
            &["COPY <<-\"a.txt\" /etc/a", "\tFROM nothing", "\ta.txt", "WORKDIR /x"],
            &["run echo $((1<<2)) <<<word", "LABEL a=\"COPY x y\"", "# FROM x"],
            &[&from, &add, &mount],
            &["RUN a\nRUN b"],
        ] {
            assert_eq!(refused(lines), None);
        }
    }

    #[test]
    fn what_is_bound_to_the_whole_dockerfile() {
        for (lines, line, reason) in [
            (
                &["COPY run.py /x"][..],
                "COPY run.py /x",
                "files of the build's context",
            ),
            (
                &["copy \\", "# a", "--chown=1 [\"a\", \"/b\"]"],
                "copy  --chown=1 [\"a\", \"/b\"]",
                "context",
            ),
            (&["RUN a\nADD . /x"], "ADD . /x", "context"),
            (
                &["ADD https://example.com/x /x"],
                "ADD https://example.com/x /x",
                "--checksum",
            ),
            (&["COPY --from=tool:1 /a /b"], "COPY --from=tool:1 /a /b", "digest"),
            (
                &["COPY --chown=1 --from=$TOOL@sha256:0 a b"],
                "COPY --chown=1 --from=$TOOL@sha256:0 a b",
                "digest",
            ),
            (
                &["RUN --mount=type=secret,id=netrc x"],
                "RUN --mount=type=secret,id=netrc x",
                "secret",
            ),
            (
                &["RUN --network=none --mount=target=/x y"],
                "RUN --network=none --mount=target=/x y",
                "context",
            ),
            (
                &["RUN --mount=type=cache,from=a,target=/x y"],
                "RUN --mount=type=cache,from=a,target=/x y",
                "digest",
            ),
            (&["COPY [\"a\",\"/b\"]"], "COPY [\"a\",\"/b\"]", "context"),
            (&["FROM x"], "FROM x", "stage"),
            (
                &["RUN <<EOF", "x", "EOF", "ONBUILD RUN x"],
                "ONBUILD RUN x",
                "every image",
            ),
            (&["ENV A=1 PIP_INDEX_URL=x"], "ENV A=1 PIP_INDEX_URL=x", "pip"),
            (&["ARG pip_extra_index_url"], "ARG pip_extra_index_url", "pip"),
            (&["RUN x", "COPY a \\"], "COPY a  ", "context"),
        ] {
            let (found, why) = refused(lines).unwrap();
            assert_eq!(found.trim(), line.trim());
            assert!(why.contains(reason), "{line}: {why}");
        }
    }
}
