//! What serve.py hands to a serving function, and what it answers.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::{Container, code, stderr, stdout};
use crate::support::Testbed;

const SERVER: &str = include_str!("../../../templates/serve.py");
const ASKING: &str = include_str!("invocations.py");

const SOURCE: &str = "
import asyncio
from typing import Any, Dict, List

def load(model_dir: str):
    return {'from': model_dir.rpartition('/')[2]}

def same(payload): return payload
def text(payload: str): return payload
def raw(payload: bytes): return payload[::-1]
def rows(payload: List[List[float]]): return [sum(row) for row in payload]
def items(payload: list): return payload
def fields(payload: Dict[str, Any]): return payload
def with_model(payload, model): return {**payload, **model}
def label(payload): return 'setosa'
def finished(payload): return '{\"finished\": 1}'
def number(payload: int): return payload
def three(payload, model, more): return payload
def not_a_number(payload): return float('nan')
def breaks(payload): return {}[payload]
def leaves(payload): raise SystemExit('no')
async def waits(payload):
    await asyncio.sleep(0)
    return payload
class Model:
    def __init__(self, model_dir): self.name = model_dir.rpartition('/')[2]
    def __call__(self, payload: dict): return {**payload, 'by': self.name}
";

/// What pandas makes of a request, and what is made of its tables.
const TABLES: &str = "
import pandas as pd

def load(model_dir: str): pass
def same(payload: pd.DataFrame): return payload
def seen(payload: pd.DataFrame):
    return {'columns': [str(name) for name in payload], 'types': [str(kind) for kind in payload.dtypes], 'rows': payload.values.tolist()}
def lacking(payload): return pd.DataFrame({'a': [1.5, None], 'b': pd.array([None, 2], dtype='Int64')})
def twice(payload): return pd.DataFrame([[1, 2]], columns=['a', 'a'])
";

fn container(object: &str) -> Container {
    container_of(SOURCE, object)
}

fn container_of(source: &str, object: &str) -> Container {
    let container = Container::serving(source, &format!("iris.train:{object}"), "iris.train:load");
    fs::write(container.path("program/serve.py"), SERVER).unwrap();
    fs::write(container.path("asking.py"), ASKING).unwrap();
    container
}

fn ask(object: &str, request: &Value) -> String {
    ask_of(&container(object), "python3", request)
}

/// Asked by an interpreter, with whatever is installed beside it.
fn ask_of(container: &Container, python: &str, request: &Value) -> String {
    let mut command = Command::new(python);
    command
        .arg(container.path("asking.py"))
        .arg(container.path("program"))
        .arg(request.to_string())
        .env("PYTHONPATH", container.path("packages"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("MAX_CONTENT_LENGTH", "100");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{request}: {}", stderr(&output));
    stdout(&output).trim_end().to_owned()
}

/// `object` asked with a body of a type, and what is accepted.
fn answer(object: &str, form: &str, body: &str, accept: &str) -> String {
    ask(object, &json!({ "type": form, "body": body, "accept": accept }))
}

const JSON: &str = "application/json";
const CSV: &str = "text/csv";
const LINES: &str = "application/jsonlines";

#[test]
fn a_payload_is_what_the_annotation_says_or_the_form_gives() {
    for (object, form, body, expected) in [
        ("same", JSON, "{\"a\": [1]}", "200 application/json {\"a\": [1]}"),
        (
            "same",
            "application/vnd.iris+json; charset=utf-8",
            "3",
            "200 application/json 3",
        ),
        ("same", LINES, "1\n\n[2]\n", "200 application/jsonlines 1\n[2]"),
        (
            "same",
            CSV,
            "1,\"a,b\"\r\n2,c\r\n",
            "200 text/csv; charset=utf-8 1,\"a,b\"\n2,c",
        ),
        (
            "items",
            "text/csv; header=present",
            "a,b\n1,2\n",
            "200 application/json [{\"a\": \"1\", \"b\": \"2\"}]",
        ),
        ("same", "text/plain", "word", "200 text/plain; charset=utf-8 word"),
        ("same", "image/png", "word", "200 application/octet-stream word"),
        ("same", "", "word", "200 application/octet-stream word"),
        ("raw", JSON, "abc", "200 application/octet-stream cba"),
        ("text", CSV, "1,2", "200 text/csv; charset=utf-8 1,2"),
        ("rows", CSV, "1,2\n3,4\n", "200 text/csv; charset=utf-8 3.0\n7.0"),
        ("rows", JSON, "[[1, 2.5]]", "200 application/json [3.5]"),
        ("fields", JSON, "{\"a\": 1}", "200 application/json {\"a\": 1}"),
        ("with_model", JSON, "{}", "200 application/json {\"from\": \"model\"}"),
        ("Model", JSON, "{}", "200 application/json {\"by\": \"model\"}"),
        ("waits", JSON, "[1]", "200 application/json [1]"),
        ("label", JSON, "1", "200 application/json \"setosa\""),
        ("finished", JSON, "1", "200 application/json {\"finished\": 1}"),
    ] {
        assert_eq!(answer(object, form, body, ""), expected, "{object} of {form} {body}");
    }
}

#[test]
fn a_table_is_made_of_what_pandas_knows_and_of_nothing_that_it_would_fill_up() {
    let python = Testbed::get().variable("SGBUILD_TESTBED_PYTHON");
    let answer = |object: &str, form: &str, body: &str, accept: &str| {
        let request = json!({ "type": form, "body": body, "accept": accept });
        ask_of(&container_of(TABLES, object), python, &request)
    };
    let header = "text/csv; header=present";
    for (form, body, expected) in [
        (
            JSON,
            "[[1, 2.5], [3, 4]]",
            r#"["0", "1"], "types": ["int64", "float64"]"#,
        ),
        (
            JSON,
            r#"[{"a": 1, "b": 2}]"#,
            r#"["a", "b"], "types": ["int64", "int64"], "rows": [[1, 2]]"#,
        ),
        (
            JSON,
            r#"{"a": [1, 2], "b": [3, 4]}"#,
            r#"["a", "b"], "types": ["int64", "int64"], "rows": [[1, 3], [2, 4]]"#,
        ),
        (
            JSON,
            r#"{"columns": ["a", "b"], "data": [[1, 2]]}"#,
            r#"["a", "b"], "types": ["int64", "int64"], "rows": [[1, 2]]"#,
        ),
        (
            LINES,
            "{\"a\": 1}\n{\"a\": 2}\n",
            r#"["a"], "types": ["int64"], "rows": [[1], [2]]"#,
        ),
        (CSV, "1,2.5\n3,4\n", r#"["0", "1"], "types": ["int64", "float64"]"#),
        (
            header,
            "a,b\n1,x\n",
            r#"["a", "b"], "types": ["int64", "str"], "rows": [[1, "x"]]"#,
        ),
    ] {
        let said = answer("seen", form, body, JSON);
        assert!(
            said.starts_with("200 ") && said.contains(expected),
            "{form} {body}: {said}"
        );
    }
    for (form, body, why) in [
        (CSV, "1,2\n3\n", "it has not as many values in each row"),
        (JSON, "[[1, 2], [3]]", "it has not as many values in each row"),
        (JSON, r#"{"a": 1, "b": 2}"#, "a single row is a list of one object"),
        (JSON, "null", "it is null"),
        (JSON, "5", "the request is no DataFrame"),
        (header, "a,a\n1,2\n", "two columns of the request are called 'a'"),
    ] {
        let said = answer("seen", form, body, "");
        assert!(said.starts_with("400 ") && said.contains(why), "{form} {body}: {said}");
    }
    // A number is what it was, also beside others.
    for (form, body, expected) in [
        (
            CSV,
            "9007199254740993,0.5\n",
            "200 text/csv; charset=utf-8 9007199254740993,0.5\n",
        ),
        (header, "a,b\n1,\n2,0.5\n", "200 text/csv; charset=utf-8 1,\n2,0.5\n"),
        (
            JSON,
            r#"[{"a": 1, "b": "x"}]"#,
            r#"200 application/json [{"a": 1, "b": "x"}]"#,
        ),
    ] {
        assert_eq!(answer("same", form, body, ""), expected.trim_end(), "{form} {body}");
    }
    assert_eq!(
        answer("lacking", JSON, "1", CSV),
        "200 text/csv; charset=utf-8 1.5,\n,2"
    );
    assert!(answer("lacking", JSON, "1", "").starts_with("500 "));
    for form in [JSON, LINES] {
        let said = answer("twice", JSON, "1", form);
        assert!(
            said.starts_with("406 ") && said.contains("two columns of the table have one name"),
            "{said}"
        );
    }
    assert_eq!(answer("twice", JSON, "1", CSV), "200 text/csv; charset=utf-8 1,2");
}

#[test]
fn a_request_that_does_not_fit_is_refused_with_the_reason() {
    for (object, form, body, expected) in [
        (
            "same",
            JSON,
            "{",
            "400 application/json {\"error\": \"the request is no JSON: Expecting",
        ),
        (
            "same",
            LINES,
            "1\n{",
            "400 text/plain; charset=utf-8 line 2 of the request is no JSON",
        ),
        (
            "same",
            "text/plain; charset=ascii",
            "\u{e9}",
            "400 text/plain; charset=utf-8 the request is no ascii",
        ),
        (
            "same",
            "text/plain; charset=martian",
            "a",
            "400 text/plain; charset=utf-8 the request is no martian",
        ),
        (
            "same",
            CSV,
            "\"a\"b",
            "400 text/plain; charset=utf-8 the request is no CSV",
        ),
        (
            "items",
            "text/csv;header=present",
            "a,b\n1",
            "400 text/plain; charset=utf-8 row 2 of the request has not",
        ),
        (
            "rows",
            CSV,
            "1,x",
            "400 text/plain; charset=utf-8 the request is no list: could not convert",
        ),
        (
            "fields",
            JSON,
            "[]",
            "400 application/json {\"error\": \"the request is no dict: it is not an object",
        ),
        (
            "fields",
            CSV,
            "1",
            "400 text/plain; charset=utf-8 the request is no dict",
        ),
        (
            "items",
            "image/png",
            "1",
            "415 text/plain; charset=utf-8 image/png is not among what is taken",
        ),
        (
            "text",
            "application/x-npy",
            "1",
            "415 text/plain; charset=utf-8 application/x-npy is not among",
        ),
        (
            "same",
            JSON,
            &"1".repeat(101),
            "413 application/json {\"error\": \"the request has more than 100 bytes",
        ),
        ("breaks", JSON, "1", "500 application/json {\"error\": \"KeyError: 1\"}"),
        (
            "leaves",
            JSON,
            "1",
            "500 application/json {\"error\": \"SystemExit: no\"}",
        ),
        (
            "not_a_number",
            JSON,
            "1",
            "500 application/json {\"error\": \"application/json: Out of range",
        ),
    ] {
        let answered = answer(object, form, body, "");
        assert!(answered.starts_with(expected), "{object} of {form} {body}: {answered}");
    }
    let chunked = ask(
        "same",
        &json!({ "type": JSON, "body": "1".repeat(101), "has_length": false }),
    );
    assert!(chunked.starts_with("413 "), "{chunked}");
}

#[test]
fn an_answer_has_the_form_that_is_accepted() {
    for (accept, expected) in [
        ("*/*", "200 application/json [[1, 2], [3, 4]]"),
        ("text/csv", "200 text/csv; charset=utf-8 1,2\n3,4"),
        ("text/*", "200 text/csv; charset=utf-8 1,2\n3,4"),
        ("application/x-ndjson", "200 application/jsonlines [1, 2]\n[3, 4]"),
        ("image/png, text/csv;q=0.1", "200 text/csv; charset=utf-8 1,2\n3,4"),
        (
            "text/csv;q=0.1, application/json;q=0.2",
            "200 application/json [[1, 2], [3, 4]]",
        ),
        ("text/csv;q=0, */*", "200 application/json [[1, 2], [3, 4]]"),
        (
            "image/png",
            "406 application/json {\"error\": \"the answer cannot be image/png",
        ),
        (
            "text/plain",
            "406 application/json {\"error\": \"the answer cannot be text/plain: list is no text",
        ),
    ] {
        let answered = answer("same", JSON, "[[1, 2], [3, 4]]", accept);
        assert!(answered.starts_with(expected), "{accept}: {answered}");
    }
    assert!(answer("same", JSON, "{\"a\": 1}", "text/csv").starts_with("406 "));
}

#[test]
fn other_paths_and_methods_are_refused_and_ping_is_empty() {
    for (method, path, expected) in [
        ("GET", "/ping", "200 -"),
        ("HEAD", "/ping", "200 -"),
        ("POST", "/ping", "405 text/plain; charset=utf-8 /ping takes GET"),
        (
            "GET",
            "/invocations",
            "405 text/plain; charset=utf-8 /invocations takes POST",
        ),
        ("GET", "/", "404 text/plain; charset=utf-8 there is no /"),
    ] {
        let container = ask("same", &json!({ "method": method, "path": path }));
        assert!(container.starts_with(expected), "{method} {path}: {container}");
    }
}

#[test]
fn what_cannot_be_served_is_said_at_the_start() {
    let said = ask("number", &json!({}));
    assert!(said.contains("no request becomes <class 'int'>"), "{said}");
    let output = container("three").run(&["serve"]);
    assert_eq!(code(&output), 1);
    assert!(
        stderr(&output).contains("iris.train:three takes payload, model, more: a serving function takes"),
        "{output:?}"
    );
    // This machine's Python has no server.
    let output = container("same").run(&["serve"]);
    assert!(stderr(&output).contains("needs gunicorn to be served"), "{output:?}");
}

#[test]
fn a_server_of_its_own_is_called_and_a_payload_without_serve_py_is_explained() {
    let source = "def main():\n    print('serving')\ndef predict(payload):\n    return payload\n";
    let container = Container::with_entry_points(source, "", "iris.train:main", false);
    fs::write(container.path("program/serve.py"), SERVER).unwrap();
    let output = container.run(&["serve"]);
    assert_eq!(
        (code(&output), stdout(&output).as_str()),
        (0, "serving\n"),
        "{output:?}"
    );
    let alone = Container::with_entry_points(source, "", "iris.train:predict", false);
    let output = alone.run(&["serve"]);
    assert!(
        stderr(&output).contains("serve.py would serve it, and is not beside run.py"),
        "{output:?}"
    );
}
