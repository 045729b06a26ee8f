//! The binary as a function, against a Runtime API that says what Lambda passes on of its invokers: nothing of it ends the process.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::emulator::payload;
use crate::support::faults::{Fault, Proxy};

/// Long enough for a debug binary on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
const FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:f";

/// An event as the Runtime API hands it out.
#[derive(Clone)]
pub(crate) struct Next {
    request_id: String,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
}

impl Next {
    pub(crate) fn of(body: impl Into<Vec<u8>>) -> Self {
        Self {
            request_id: "8f2c0000-0000-4000-8000-000000000000".to_owned(),
            headers: vec![
                ("Lambda-Runtime-Deadline-Ms", b"1795500000000".to_vec()),
                ("Lambda-Runtime-Invoked-Function-Arn", FUNCTION.into()),
                (
                    "Lambda-Runtime-Trace-Id",
                    b"Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0".to_vec(),
                ),
            ],
            body: body.into(),
        }
    }

    fn with(mut self, name: &'static str, value: &[u8]) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.to_vec()));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nLambda-Runtime-Aws-Request-Id: {}\r\n",
            self.body.len(),
            self.request_id
        )
        .into_bytes();
        for (name, value) in &self.headers {
            bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        bytes.extend(b"\r\n");
        bytes.extend(&self.body);
        bytes
    }
}

/// What the function answers: the path's last two parts and the body.
pub(crate) type Answer = (String, Value);

/// The Runtime API of one function process.
pub(crate) struct RuntimeApi {
    address: String,
    waiting: Arc<Mutex<VecDeque<Next>>>,
    answers: Receiver<Answer>,
}

impl RuntimeApi {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let waiting = Arc::new(Mutex::new(VecDeque::new()));
        let (sender, answers) = channel();
        let events = Arc::clone(&waiting);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (events, sender) = (Arc::clone(&events), sender.clone());
                std::thread::spawn(move || converse(stream.unwrap(), &events, &sender));
            }
        });
        Self {
            address,
            waiting,
            answers,
        }
    }

    pub(crate) fn send(&self, next: &Next) -> Answer {
        self.waiting.lock().unwrap().push_back(next.clone());
        self.answers.recv_timeout(PATIENCE).expect("the function answers")
    }
}

/// Answers the requests of one connection; `None` once it is closed.
fn converse(stream: TcpStream, events: &Mutex<VecDeque<Next>>, sender: &Sender<Answer>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let (line, length) = head(&mut reader)?;
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        if line.starts_with("GET /2018-06-01/runtime/invocation/next ") {
            let next = loop {
                if let Some(next) = events.lock().unwrap().pop_front() {
                    break next;
                }
                std::thread::sleep(Duration::from_millis(5));
            };
            // A function that has read enough of an event hangs up.
            stream.write_all(&next.bytes()).ok()?;
            continue;
        }
        stream
            .write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
            .ok()?;
        let path = line.split(' ').nth(1)?;
        let path = path.strip_prefix("/2018-06-01/runtime/invocation/").unwrap_or(path);
        sender
            .send((path.to_owned(), serde_json::from_slice(&body).ok()?))
            .ok()?;
    }
}

/// A request's first line, and the length of its body.
fn head(reader: &mut impl BufRead) -> Option<(String, usize)> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            return Some((first, length));
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
}

/// A function's process; it ends with its test.
pub(crate) struct Function(Child);

impl Function {
    pub(crate) fn start(handler: &str, api: &RuntimeApi, variables: &[(&str, &str)]) -> Self {
        let process = Command::new(env!("CARGO_BIN_EXE_sgbuild"))
            .env_clear()
            .envs([
                ("AWS_LAMBDA_RUNTIME_API", &*api.address),
                ("_HANDLER", handler),
                ("AWS_LAMBDA_FUNCTION_NAME", "f"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
                ("AWS_REGION", "eu-west-1"),
                ("AWS_ACCESS_KEY_ID", "test"),
                ("AWS_SECRET_ACCESS_KEY", "test"),
                ("AWS_EC2_METADATA_DISABLED", "true"),
                // Nothing listens there: what the function refuses, it refuses by itself.
                ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
            ])
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self(process)
    }

    /// The lines of its log, once it is ended.
    fn log(mut self) -> Vec<Value> {
        assert!(self.0.try_wait().unwrap().is_none(), "the process ended by itself");
        self.0.kill().unwrap();
        let mut text = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text.lines()
            .map(|line| {
                assert!(line.len() < 20_000, "{line}");
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect()
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn nothing_that_an_invoker_writes_ends_the_process() {
    let api = RuntimeApi::start();
    let function = Function::start("data_trigger", &api, &[("SGBUILD_PROJECT", "iris")]);
    let plain = || Next::of(r#"{"Event": "s3:TestEvent"}"#);
    let well = (
        "8f2c0000-0000-4000-8000-000000000000/response".to_owned(),
        json!({ "batchItemFailures": [] }),
    );
    assert_eq!(api.send(&plain()), well);

    let context = "Lambda-Runtime-Client-Context";
    let identity = "Lambda-Runtime-Cognito-Identity";
    for odd in [
        &b"{\"custom\": {\"a\": 1}}"[..],
        b"{",
        b"[]",
        b"7",
        b"\"x\"",
        b"{\"client\": {}}",
        b"\xff\xfe",
        b"",
    ] {
        assert_eq!(api.send(&plain().with(context, odd)), well, "{odd:?}");
        assert_eq!(api.send(&plain().with(identity, odd)), well, "{odd:?}");
        for header in [
            "Lambda-Runtime-Deadline-Ms",
            "Lambda-Runtime-Trace-Id",
            "Lambda-Runtime-Invoked-Function-Arn",
            "Lambda-Runtime-Aws-Tenant-Id",
            "Lambda-Runtime-Invocation-Id",
        ] {
            assert_eq!(api.send(&plain().with(header, odd)), well, "{header}: {odd:?}");
        }
    }
    let deep = format!("{{\"context\": {}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(api.send(&plain().with(context, deep.as_bytes())), well);

    let mut said = Vec::new();
    for body in [
        b"".to_vec(),
        b"hello".to_vec(),
        b"\xff\xfe".to_vec(),
        b"{\"Records\": [{\"s3\": ".to_vec(),
        "[".repeat(1_000_000).into_bytes(),
        format!("[{}0]", "0,".repeat(3_000_000)).into_bytes(),
        vec![b' '; 7 * 1024 * 1024],
        b"null".to_vec(),
        b"{\"Records\": \"x\"}".to_vec(),
    ] {
        let (path, answer) = api.send(&Next::of(body));
        assert!(path.ends_with("/error"), "{path}");
        said.push(format!("{}: {}", answer["errorType"], answer["errorMessage"]));
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
    "UnreadableEvent": "the event cannot be read: it is not valid JSON: EOF while parsing a value at line 1 column 0"
    "UnreadableEvent": "the event cannot be read: it is not valid JSON: expected value at line 1 column 1"
    "UnreadableEvent": "the event cannot be read: it is not UTF-8: invalid utf-8 sequence of 1 bytes from index 0"
    "UnreadableEvent": "the event cannot be read: it is not valid JSON: EOF while parsing a value at line 1 column 20"
    "UnreadableEvent": "the event cannot be read: it is not valid JSON: recursion limit exceeded at line 1 column 128"
    "UnreadableEvent": "the event cannot be read: it has more than 500000 values"
    "UnreadableEvent": "the event cannot be read: it has more than 6291456 bytes"
    "UnknownEvent": "the event is neither a batch of the queue nor an S3 notification: Records: missing; the event is null"
    "UnknownEvent": "the event is neither a batch of the queue nor an S3 notification: Records: must be a list, and is a string"
    "#);
    assert_eq!(api.send(&plain()), well);
    let log = function.log();
    assert!(
        log.iter()
            .all(|line| line["requestId"] == "8f2c0000-0000-4000-8000-000000000000"),
        "{log:?}"
    );
}

#[test]
fn a_function_without_a_stack_takes_roles_of_its_own_account_only() {
    let api = RuntimeApi::start();
    let function = Function::start("start_training", &api, &[]);
    let mut foreign = payload("r");
    foreign["role"] = json!("arn:aws:iam::999999999999:role/admin");
    let (path, answer) = api.send(&Next::of(foreign.to_string()));
    assert!(path.ends_with("/error"), "{path}");
    insta::assert_snapshot!(format!("{}: {}", answer["errorType"], answer["errorMessage"].as_str().unwrap()), @r#"
    "NotAllowed": this function does not train with that:
      role: `arn:aws:iam::999999999999:role/admin` is a role of the account 999999999999, and this function's account is 123456789012
    Train with the role, repository and buckets of the function's own stack: `sgbuild status` shows them.
    Or let the function's environment name what it may train with besides; its role needs permissions for that too.
    "#);
    assert_eq!(function.log().last().unwrap()["level"], "ERROR");
}

#[test]
fn a_function_of_a_stack_takes_what_the_stack_says() {
    let api = RuntimeApi::start();
    let variables = [
        ("SGBUILD_ALLOWED_ROLES", "arn:aws:iam::123456789012:role/training"),
        (
            "SGBUILD_ALLOWED_IMAGES",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris",
        ),
        ("SGBUILD_ALLOWED_INPUTS", "s3://iris-input/input/"),
        ("SGBUILD_ALLOWED_OUTPUTS", "s3://iris-output/"),
    ];
    let function = Function::start("start_training", &api, &variables);
    let mut said = Vec::new();
    for (field, value) in [
        ("role", "arn:aws:iam::123456789012:role/admin"),
        (
            "image",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris-evil@sha256:1f",
        ),
        ("source_bucket_uri", "s3://iris-input/input/../../iris-output/"),
        ("source_bucket_uri", "s3://iris-output/input/data/training/"),
        ("destination_bucket_uri", "s3://iris-input/"),
    ] {
        let mut hostile = payload("r");
        hostile[field] = json!(value);
        let (_, answer) = api.send(&Next::of(hostile.to_string()));
        let message = answer["errorMessage"].as_str().unwrap();
        said.push(format!(
            "{}: {}",
            answer["errorType"],
            message.lines().nth(1).unwrap().trim()
        ));
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
    "NotAllowed": role: `arn:aws:iam::123456789012:role/admin` is not what SGBUILD_ALLOWED_ROLES allows: it names arn:aws:iam::123456789012:role/training
    "NotAllowed": image: `123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris-evil@sha256:1f` is not what SGBUILD_ALLOWED_IMAGES allows: it names 123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris
    "InvalidPayload": source_bucket_uri: `s3://iris-input/input/../../iris-output/` is not an S3 URI: `.` and `..` are no folders of a bucket
    "NotAllowed": source_bucket_uri: `s3://iris-output/input/data/training/` is not what SGBUILD_ALLOWED_INPUTS allows: it names s3://iris-input/input/
    "NotAllowed": destination_bucket_uri: `s3://iris-input/` is not what SGBUILD_ALLOWED_OUTPUTS allows: it names s3://iris-output/
    "#);
    // The stack's own goes on, as far as there are services.
    let (_, answer) = api.send(&Next::of(payload("r").to_string()));
    assert_eq!(answer["errorType"], "Unavailable", "{answer}");
    drop(function);
}

#[test]
fn an_answer_of_aws_without_an_end_is_not_read_to_it() {
    let endless = Fault {
        matching: "?versions",
        status: 200,
        header: Some(("content-type", "text/xml")),
        body: " ".repeat(40 << 20).leak(),
        times: usize::MAX,
    };
    let aws = Proxy::start("http://127.0.0.1:9", vec![endless]);
    let api = RuntimeApi::start();
    let function = Function::start("start_training", &api, &[("AWS_ENDPOINT_URL", &aws.url())]);
    let (_, answer) = api.send(&Next::of(payload("r").to_string()));
    let message = answer["errorMessage"].as_str().unwrap();
    insta::assert_snapshot!(message.replace(&aws.address.to_string(), "[AWS]"), @r"
    cannot list s3://iris-input/input/data/training/ now: the answer of [AWS] is longer than 16777216 bytes
    Try again in a minute with the same run id: no second job is started.
    ");
    drop(function);
}
