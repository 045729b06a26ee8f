//! `scripts`, as setuptools' `build_scripts` copies them: in a Python script the first line becomes `#!python`, in whose place an
//! installer writes its own interpreter.

use std::path::Path;

use super::Error;

/// How much of a script Python looks at, where its first line says that it is none of Python's.
const LOOKED_AT: usize = 8192;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The script that is installed in place of `script`, which was read from `path`.
///
/// # Errors
/// What setuptools fails at: it is empty, or not in the encoding that it says.
pub(super) fn installed(script: Vec<u8>, path: &Path) -> Result<Vec<u8>, Error> {
    let refused = |reason| Error::Script {
        path: path.to_owned(),
        reason,
    };
    let text = script.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&script);
    if text.is_empty() {
        return Err(refused("is empty"));
    }
    let end = text
        .iter()
        .position(|byte| matches!(byte, b'\n' | b'\r'))
        .unwrap_or(text.len());
    let options = options(&text[..end]);
    let read = if options.is_some() {
        text
    } else {
        &text[..text.len().min(LOOKED_AT)]
    };
    if !names_encoding(text) && !is_utf8(read, read.len() < text.len()) {
        return Err(refused("is not UTF-8 text"));
    }
    let Some(options) = options else {
        return Ok(script);
    };
    let mark = &script[..script.len() - text.len()];
    let rest = text[end..].strip_prefix(b"\r").unwrap_or(&text[end..]);
    let rest = rest.strip_prefix(b"\n").unwrap_or(rest);
    let mut installed = [mark, b"#!python", options, b"\n"].concat();
    unix_line_ends(rest, &mut installed);
    Ok(installed)
}

/// What follows the interpreter in the first line of a Python script: `^#!.*python[0-9.]*([ \t].*)?$`.
fn options(line: &[u8]) -> Option<&[u8]> {
    const PYTHON: &[u8] = b"python";
    let after = line.strip_prefix(b"#!")?;
    let starts = (0..after.len()).rev().filter(|at| after[*at..].starts_with(PYTHON));
    starts.map(|at| &after[at + PYTHON.len()..]).find_map(|rest| {
        let version = rest
            .iter()
            .take_while(|byte| byte.is_ascii_digit() || **byte == b'.')
            .count();
        let rest = &rest[version..];
        (rest.is_empty() || rest.starts_with(b" ") || rest.starts_with(b"\t")).then_some(rest)
    })
}

/// Whether one of the first two lines names an encoding ([PEP 263](https://peps.python.org/pep-0263/)). All that Python knows keep
/// ASCII as it is, which is all that is written here.
fn names_encoding(text: &[u8]) -> bool {
    let comments = text
        .split(|byte| *byte == b'\n')
        .take(2)
        .filter(|line| line.trim_ascii_start().starts_with(b"#"));
    let named = |line: &[u8]| {
        line.windows(b"coding".len() + 1)
            .any(|part| matches!(part, [b'c', b'o', b'd', b'i', b'n', b'g', b':' | b'=']))
    };
    comments.into_iter().any(named)
}

fn is_utf8(text: &[u8], is_cut: bool) -> bool {
    // Where it is cut, the last character may be incomplete.
    std::str::from_utf8(text).map_or_else(|error| is_cut && error.error_len().is_none(), |_| true)
}

/// Python reads every kind of line end and writes one.
fn unix_line_ends(text: &[u8], to: &mut Vec<u8>) {
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\r' {
            to.push(byte);
            continue;
        }
        to.push(b'\n');
        bytes.next_if_eq(&b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(script: &[u8]) -> String {
        let installed = installed(script.to_vec(), Path::new("run"));
        installed.map_or_else(
            |error| error.to_string(),
            |bytes| String::from_utf8_lossy(&bytes).into_owned(),
        )
    }

    #[test]
    fn a_python_script_gets_the_interpreter_of_its_installer() {
        assert_eq!(of(b"#!/usr/bin/env python3\nx\n"), "#!python\nx\n");
        assert_eq!(of(b"#!/usr/bin/python2.7 -u\nx"), "#!python -u\nx");
        assert_eq!(of(b"#!python"), "#!python\n");
        assert_eq!(of(b"#! /python -m pythonx\r\na\rb\r\n"), "#!python -m pythonx\na\nb\n");
        assert_eq!(of(b"\xef\xbb\xbf#!python\nx"), "\u{feff}#!python\nx");
    }

    #[test]
    fn another_stays_as_it_is() {
        for script in [
            "#!/bin/sh\r\nx\n",
            "print(1)\r\n",
            "#!/opt/pythonic/run\n",
            " #!python\n",
        ] {
            assert_eq!(of(script.as_bytes()), script);
        }
    }

    #[test]
    fn what_setuptools_fails_at_is_refused() {
        assert_eq!(of(b""), "run is empty, which setuptools takes for no script");
        assert_eq!(
            of(b"\x7fELF\xff"),
            "run is not UTF-8 text, which setuptools takes for no script"
        );
        assert_eq!(
            of(b"#!python\n# coding: latin-1\n\xe9"),
            "#!python\n# coding: latin-1\n\u{fffd}"
        );
    }
}
