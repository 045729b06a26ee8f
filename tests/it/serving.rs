//! Serving on this machine: the image as an endpoint runs it, with gunicorn of the index in it.

#![cfg(test)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Sandbox, Testbed, python};

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

/// The arguments of `serve --local` on a port; 0 is any that is free.
fn serve(port: &str) -> [&str; 8] {
    let base = Testbed::get().variable("SGBUILD_TESTBED_BASE");
    [
        "serve",
        "--local",
        "--port",
        port,
        "--engine",
        "native",
        "--base-image",
        base,
    ]
}

/// `serve --local` until it says where it serves.
fn serving(sandbox: &Sandbox, more: &[&str]) -> (Child, String) {
    let mut child = sandbox.spawn(&[&serve("0")[..], more].concat());
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

    // Nobody reads on, or somebody asks a program twice that does not listen.
    let command = |program| [&execute[..6], &["sh", "-c", program]].concat();
    let begun = Instant::now();
    let mut child = sandbox.spawn(&command("while :; do echo y; sleep 0.05; done"));
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut String::new())
        .unwrap();
    let (code, said) = ended(child);
    assert_eq!(code, Some(141), "{said}");
    let mut child = sandbox.spawn(&command("trap : TERM; echo y; while :; do sleep 0.05; done"));
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    interrupt(&child);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(child.try_wait().unwrap().is_none());
    interrupt(&child);
    assert_eq!(ended(child).0, Some(137));
    assert!(begun.elapsed() < Duration::from_secs(30));
}

/// A server of the package's own that leads whoever asks it to a port of this machine.
const LEADS_ELSEWHERE: &str = r#"
import http.server

def train(): pass

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(302)
        self.send_header("Location", "http://127.0.0.1:PORT/secret")
        self.end_headers()

def serve():
    http.server.HTTPServer(("", 8080), Handler).serve_forever()
"#;

#[test]
fn a_container_leads_its_ping_to_no_port_of_this_machine() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let sandbox = Sandbox::empty().with_testbed();
    let project = "[build-system]\nrequires = [\"setuptools\"]\n[project]\nname = \"leads\"\nversion = \"1.0\"\n\
                   [tool.setuptools]\npy-modules = [\"leads\"]\n\
                   [project.entry-points.\"sgbuild.train\"]\nt = \"leads:train\"\n\
                   [project.entry-points.\"sgbuild.serve\"]\nt = \"leads:serve\"\n";
    sandbox.write("pyproject.toml", project);
    sandbox.write("leads.py", &LEADS_ELSEWHERE.replace("PORT", &port));
    let mut child = sandbox.spawn(&serve("0"));
    let lines = BufReader::new(child.stderr.as_mut().unwrap()).lines();
    let asked = lines
        .map_while(Result::ok)
        .filter(|line| line.contains("GET /ping"))
        .take(3);
    assert_eq!(asked.count(), 3);
    sandbox.run(&serve(&port)).exits(1).says(&["--port PORT"]);
    assert!(listener.accept().is_err());
    for _ in 0..2 {
        interrupt(&child);
        std::thread::sleep(Duration::from_millis(200));
    }
    let (_, said) = ended(child);
    assert!(said.contains("Draining") && !said.contains("Healthy"), "{said}");
}

/// An ASGI app, which loads the model as it begins, and says which server it has.
const ASGI: &str = r#"
import asyncio

def train(): pass

model = []

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        model.append(open("/opt/ml/model/weights").read())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        print("the lifespan ends", flush=True)
        return await send({"type": "lifespan.shutdown.complete"})
    request = await receive()
    if request.get("body") == b"slow":
        await asyncio.sleep(1.5)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for part in (scope["path"], " ", model[0]):
        await send({"type": "http.response.body", "body": part.encode(), "more_body": True})
    await send({"type": "http.response.body", "body": b""})
"#;

/// A record with an artifact, and the artifact: a table of the test's own.
const RECORDED: &str = r#"
import boto3, io, tarfile
table, bucket = "TABLE", "BUCKET"
database = boto3.client("dynamodb")
key = "training_job_name"
database.create_table(
    TableName=table, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}])
archive = io.BytesIO()
with tarfile.open(fileobj=archive, mode="w:gz") as tar:
    info = tarfile.TarInfo("weights")
    info.size = 8
    tar.addfile(info, io.BytesIO(b"recorded"))
boto3.client("s3").put_object(Bucket=bucket, Key=table + "/model.tar.gz", Body=archive.getvalue())
texts = {key: "asgi-1", "run_id": "first", "image": "host/asgi@sha256:0123456789abcdef", "instance_type": "ml.m5.large",
         "input_bucket": bucket, "recorded_at": "2026-11-24T04:12:05Z", "job_status": "Completed",
         "artifact": f"s3://{bucket}/{table}/model.tar.gz"}
numbers = dict.fromkeys(["instance_count", "volume_in_gb", "max_runtime_seconds"], "1")
database.put_item(TableName=table, Item={**{name: {"S": text} for name, text in texts.items()},
                                         **{name: {"N": number} for name, number in numbers.items()}})
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_asgi_app_serves_a_recorded_runs_model_under_either_server() {
    let table = format!("serving-{}", uuid::Uuid::new_v4().simple());
    let bucket = Testbed::get().variable("SGBUILD_TESTBED_OUTPUT_BUCKET");
    python(&RECORDED.replace("TABLE", &table).replace("BUCKET", bucket));
    for (name, requirements) in [("asgi-own", ""), ("asgi-uvicorn", "\"gunicorn==23.0.0\", \"uvicorn\"")] {
        let sandbox = Sandbox::empty().with_testbed().with("SGBUILD_TABLE", &table);
        let project = format!(
            "[build-system]\nrequires = [\"setuptools\"]\n[project]\nname = \"{name}\"\nversion = \"1.0\"\n\
             dependencies = [{requirements}]\n[tool.setuptools]\npy-modules = [\"served\"]\n\
             [project.entry-points.\"sgbuild.train\"]\nt = \"served:train\"\n\
             [project.entry-points.\"sgbuild.serve\"]\nt = \"served:app\"\n"
        );
        sandbox.write("pyproject.toml", &project);
        sandbox.write("served.py", ASGI);
        let (child, address) = serving(&sandbox, &["--run", "asgi-1"]);
        let answered = tokio::spawn({
            let address = address.clone();
            async move { post(&address, "slow").await }
        });
        assert_eq!(post(&address, "1").await.unwrap(), "/invocations recorded", "{name}");
        tokio::time::sleep(Duration::from_millis(300)).await;
        interrupt(&child);
        assert_eq!(answered.await.unwrap().unwrap(), "/invocations recorded", "{name}");
        let (code, said) = ended(child);
        assert_eq!(code, Some(0), "{said}");
        assert!(
            said.contains("the lifespan ends") && said.contains("exit code 0"),
            "{said}"
        );
    }
    let sandbox = project().with("SGBUILD_TABLE", &table);
    let unknown = ["serve", "--local", "--run", "asgi-2"];
    sandbox.run(&unknown).exits(1).says(&["asgi-2"]);
    // What a record says of this machine is nothing that a container is given.
    let names_a_directory = format!(
        "import boto3\ndatabase = boto3.client('dynamodb')\n\
         item = database.get_item(TableName='{table}', Key={{'training_job_name': {{'S': 'asgi-1'}}}})['Item']\n\
         item['training_job_name']['S'], item['artifact']['S'] = 'asgi-here', '/etc'\n\
         database.put_item(TableName='{table}', Item=item)"
    );
    python(&names_a_directory);
    let here = ["serve", "--local", "--run", "asgi-here"];
    sandbox.run(&here).exits(1).says(&["asgi-here"]);
    python(&format!(
        "import boto3\nboto3.client('dynamodb').delete_table(TableName='{table}')"
    ));
}
