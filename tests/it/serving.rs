//! Serving on this machine: the image as an endpoint runs it, with gunicorn of the index in it.

#![cfg(test)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Sandbox, Testbed};

const PROJECT: &str = r#"
[build-system]
requires = ["setuptools"]
[project]
name = "served"
version = "1.0"
[tool.setuptools]
py-modules = ["served"]
[project.entry-points."sgbuild.train"]
first = "served:first"
second = "served:second"
[project.entry-points."baklava.predict"]
served = "served:predict"
[project.entry-points."baklava.initialize"]
served = "served:load"
"#;

const MODULE: &str = r#"
import os, time

def first(): pass
def second(): pass

def load(model_dir):
    with open(os.path.join(model_dir, "weights")) as file:
        return file.read()

def predict(payload, model):
    if payload == "slow":
        time.sleep(1.5)
    if payload == "die":
        os._exit(9)
    return {"payload": payload, "model": model}
"#;

fn project() -> Sandbox {
    let sandbox = Sandbox::empty().with_testbed();
    sandbox.write("pyproject.toml", PROJECT);
    sandbox.write("served.py", MODULE);
    sandbox.write("model/weights", "w1");
    sandbox.with("SGBUILD_TRAIN", "second")
}

/// `serve --local` until it says where it serves.
fn serving(sandbox: &Sandbox, more: &[&str]) -> (Child, String) {
    let base = Testbed::get().variable("SGBUILD_TESTBED_BASE");
    let arguments = [
        "serve",
        "--local",
        "--port",
        "0",
        "--engine",
        "native",
        "--base-image",
        base,
    ];
    let mut child = sandbox.spawn(&[&arguments[..], more].concat());
    let mut address = String::new();
    let stdout = child.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut address).unwrap();
    (child, address.trim().to_owned())
}

fn interrupt(child: &Child) {
    kill_process(Pid::from_child(child), Signal::INT).unwrap();
}

/// Its exit code, and what it said.
fn ended(mut child: Child) -> (Option<i32>, String) {
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (child.wait().unwrap().code(), said)
}

async fn post(address: &str, body: &str) -> Result<String, reqwest::Error> {
    let asked = crate::support::http().build()?.post(format!("{address}/invocations"));
    let asked = asked.header("Content-Type", "application/json").body(body.to_owned());
    asked.send().await?.text().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_is_served_with_its_model_until_ctrl_c_and_finishes_what_it_is_at() {
    let sandbox = project();
    let (child, address) = serving(&sandbox, &["--model", "model"]);
    assert_eq!(
        post(&address, "[1]").await.unwrap(),
        r#"{"payload": [1], "model": "w1"}"#
    );
    // A worker that dies takes its request with it, and is replaced.
    assert!(post(&address, "\"die\"").await.is_err());
    assert!(post(&address, "2").await.unwrap().contains("\"payload\": 2"));

    let slow = tokio::spawn({
        let address = address.clone();
        async move { post(&address, "\"slow\"").await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let begun = Instant::now();
    interrupt(&child);
    assert!(slow.await.unwrap().unwrap().contains("slow"));
    let (code, said) = ended(child);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Drained in") && said.contains("exit code 0"), "{said}");
    assert!(said.contains("sgbuild/served:1.0-second"), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(15), "{said}");

    // What is not there ends it with the reason.
    let (child, address) = serving(&sandbox, &[]);
    let (code, said) = ended(child);
    assert_eq!((address.as_str(), code), ("", Some(1)), "{said}");
    assert!(
        said.contains("error[serving-failed]") && said.contains("No such file"),
        "{said}"
    );

    let base = Testbed::get().variable("SGBUILD_TESTBED_BASE");
    let program = "import gunicorn, served, sys; print('here'); sys.exit(7)";
    let execute = [
        "execute",
        "--engine",
        "native",
        "--base-image",
        base,
        "--",
        "python",
        "-c",
        program,
    ];
    let ran = sandbox.run(&execute).exits(7);
    assert_eq!(ran.stdout, "here\n");
    assert!(!ran.stderr.contains("error"), "{}", ran.stderr);
}
