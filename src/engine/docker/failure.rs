//! What the daemon's and registries' messages mean. They are plain text: the words are those of dockerd 20.10 to 29,
//! `BuildKit`, containerd, podman 5, the distribution registry and ECR.

use super::Program;
use super::error::Error;
use crate::image::ImagePlan;

/// Whether a message tells of a full disk.
pub(crate) fn is_disk_full(message: &str) -> bool {
    contains(message, &["no space left on device", "disk quota exceeded"])
}

/// A failed build that has no failed step of its own, or whose step is the base image's.
pub(crate) fn of_build(message: &str, plan: &ImagePlan) -> Error {
    let daemon = Program::default();
    let base = plan.base.to_string();
    let message = without_wrapping(message).to_owned();
    if is_disk_full(&message) {
        return Error::DiskFull { daemon, message };
    }
    if is_platform(&message) {
        return Error::Platform {
            daemon,
            wanted: plan.platform.to_string(),
            message,
        };
    }
    // What came is whole, and cannot be read.
    if contains(&message, &["failed to register layer"]) {
        return Error::BaseImage {
            daemon,
            image: base,
            message,
        };
    }
    // Also the token service of a registry can be out of reach.
    let is_refused = contains(&message, &["401", "403", "unauthorized", "denied"]);
    if contains(&message, &["failed to authorize"]) && is_network(&message) && !is_refused {
        return Error::BaseRegistry {
            daemon,
            image: base,
            message,
        };
    }
    if is_absent_or_denied(&message) && !contains(&message, &["failed to compute cache key", "COPY failed"]) {
        return Error::BaseImage {
            daemon,
            image: base,
            message,
        };
    }
    if is_network(&message) {
        return Error::BaseRegistry {
            daemon,
            image: base,
            message,
        };
    }
    if contains(
        &message,
        &[
            "context canceled",
            "context cancelled",
            "transport is closing",
            "no active session",
        ],
    ) {
        return Error::Lost {
            daemon,
            during: "building the image".to_owned(),
            reason: message,
        };
    }
    Error::Build { message }
}

/// The message without the names of `BuildKit`'s layers that it passed through.
fn without_wrapping(message: &str) -> &str {
    let wrappings = [
        "failed to solve with frontend dockerfile.v0: ",
        "failed to solve: ",
        "creating build container: ",
        "failed to create LLB definition: ",
        "failed to build LLB: ",
        "rpc error: code = Unknown desc = ",
    ];
    match wrappings.iter().find_map(|wrapping| message.strip_prefix(wrapping)) {
        Some(rest) => without_wrapping(rest),
        None => message,
    }
}

/// A step that failed: the daemon's fault in some cases, else the step's own.
pub(crate) fn of_step(step: String, output: Vec<String>, message: String, plan: &ImagePlan) -> Error {
    let daemon = Program::default();
    let is_base =
        step.starts_with("FROM ") || step.starts_with("[internal]") || step.starts_with("resolve image config");
    if is_base {
        return of_build(&message, plan);
    }
    if let Some(message) = unknown_instruction(&message) {
        return Error::Build { message };
    }
    if is_disk_full(&message) || output.iter().any(|line| is_disk_full(line)) {
        let line = output.iter().rev().find(|line| is_disk_full(line)).cloned();
        return Error::DiskFull {
            daemon,
            message: line.unwrap_or(message),
        };
    }
    Error::Step { step, output, message }
}

/// What podman calls a step, and is none: it reads the Dockerfile on the way.
fn unknown_instruction(message: &str) -> Option<String> {
    let (_, said) = message.split_once("Build error: Unknown instruction: ")?;
    let (instruction, _) = said.split_once(" &")?;
    Some(format!("unknown instruction: {}", instruction.trim_matches('"')))
}

/// A failed push.
pub(crate) fn of_push(message: &str, target: &str) -> Error {
    let daemon = Program::default();
    let (target, message) = (target.to_owned(), message.to_owned());
    if is_disk_full(&message) {
        return Error::DiskFull { daemon, message };
    }
    if contains(
        &message,
        &[
            "denied",
            "unauthorized",
            "no basic auth credentials",
            "authentication required",
            "403 forbidden",
            "code: 401",
            "code 401",
            "not authorized",
        ],
    ) {
        return Error::PushDenied {
            daemon,
            target,
            message,
        };
    }
    if is_network(&message) {
        return Error::PushInterrupted {
            daemon,
            target,
            message,
        };
    }
    Error::Push { target, message }
}

fn is_platform(message: &str) -> bool {
    contains(
        message,
        &[
            "no match for platform",
            "no matching manifest for",
            "no image found in manifest list for",
            "no image found in image index for",
            "unknown operating system or architecture",
            "does not match the specified platform",
            "does not match the detected host platform",
        ],
    )
}

fn is_absent_or_denied(message: &str) -> bool {
    contains(
        message,
        &[
            "pull access denied",
            "repository does not exist",
            "manifest unknown",
            "not found: manifest",
            ": not found",
            "name unknown",
            "no basic auth credentials",
            "authentication required",
            "unauthorized",
            "authorization failed",
            "failed to authorize",
            "denied:",
            "403 forbidden",
            "401 unauthorized",
            "invalid reference format",
            "repository name must",
        ],
    )
}

fn is_network(message: &str) -> bool {
    let ends = message.trim_end().to_lowercase();
    // Names of repositories and packages may hold these letters.
    let is_cut = ends == "eof" || ends.ends_with(": eof") || ends.ends_with("unexpected eof");
    is_cut
        || contains(
            message,
            &[
                "i/o timeout",
                "handshake timeout",
                "timeout exceeded",
                "request canceled",
                "timeout awaiting",
                "timed out",
                "unexpected eof",
                ": eof",
                "connection reset",
                "connection refused",
                "no such host",
                "broken pipe",
                "network is unreachable",
                "no route to host",
                "server misbehaving",
                "temporary failure",
                "toomanyrequests",
                "too many requests",
                "500 internal server error",
                "502 bad gateway",
                "503 service unavailable",
                "504 gateway time",
                "internal server error",
                "service unavailable",
            ],
        )
}

fn contains(message: &str, needles: &[&str]) -> bool {
    let message = message.to_ascii_lowercase();
    needles
        .iter()
        .any(|needle| message.contains(&needle.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::docker::context::tests::plan;
    use crate::explain::{Explain as _, Fault};

    #[test]
    fn build_messages_are_told_apart() {
        let plan = ImagePlan {
            base: "docker.io/library/python:3.11".parse().unwrap(),
            ..plan()
        };
        let of = |message: &str| of_build(message, &plan);
        assert!(matches!(
            of(
                "failed to solve with frontend dockerfile.v0: failed to create LLB definition: pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed"
            ),
            Error::BaseImage { .. }
        ));
        assert!(matches!(
            of("failed to solve: python:9: docker.io/library/python:9: not found"),
            Error::BaseImage { .. }
        ));
        // Docker 20.10 of layers in zstd.
        assert!(matches!(
            of("failed to register layer: Error processing tar file(exit status 1): unexpected EOF"),
            Error::BaseImage { .. }
        ));
        assert!(matches!(
            of(
                "creating build container: initializing source docker://127.0.0.1:5000/x:1: reading manifest 1 in 127.0.0.1:5000/x: authentication required"
            ),
            Error::BaseImage { .. }
        ));
        assert!(matches!(
            of(
                "creating build container: choosing an image from manifest list docker://python:3: no image found in image index for architecture \"arm64\", variant \"\", OS \"linux\""
            ),
            Error::Platform { .. }
        ));
        assert!(matches!(
            of("failed to solve: no match for platform in manifest sha256:12: not found"),
            Error::Platform { .. }
        ));
        assert!(matches!(
            of(
                "failed to do request: Head \"https://registry-1.docker.io/v2/library/python/manifests/3\": dial tcp: lookup registry-1.docker.io: no such host"
            ),
            Error::BaseRegistry { .. }
        ));
        assert!(matches!(
            of("failed to authorize: failed to fetch anonymous token: Get \"https://auth.example/token\": EOF"),
            Error::BaseRegistry { .. }
        ));
        // ECR Public, where more than one image a second is asked for: buildspec.yml goes by the exit code.
        let counted = of(
            "failed to solve: public.ecr.aws/docker/library/python:3.12-slim: failed to resolve source metadata for public.ecr.aws/docker/library/python:3.12-slim: unexpected status from HEAD request to https://public.ecr.aws/v2/docker/library/python/manifests/3.12-slim: 429 Too Many Requests - Server message: toomanyrequests: Rate exceeded",
        );
        assert_eq!(counted.advice().fault, Fault::Temporary, "{counted}");
        assert!(matches!(
            of("write /var/lib/docker/tmp/x: no space left on device"),
            Error::DiskFull { .. }
        ));
        assert!(matches!(
            of("dockerfile parse error line 3: unknown instruction: RUNN"),
            Error::Build { .. }
        ));
        assert!(matches!(
            of("failed to compute cache key: \"/a.txt\" not found: not found"),
            Error::Build { .. }
        ));
    }

    #[test]
    fn push_messages_are_told_apart() {
        let fault = |message: &str| of_push(message, "host/repo:1").advice().fault;
        for message in [
            "denied: User: x is not authorized to perform: ecr:InitiateLayerUpload",
            "no basic auth credentials",
            "unauthorized: authentication required",
        ] {
            assert!(
                matches!(of_push(message, "host/repo:1"), Error::PushDenied { .. }),
                "{message}"
            );
        }
        for message in [
            "EOF",
            "received unexpected HTTP status: 503 Service Unavailable",
            "dial tcp 1.2.3.4:443: i/o timeout",
            "dial tcp 127.0.0.1:44013: connect: connection refused",
            "write: connection reset by peer",
        ] {
            assert_eq!(fault(message), Fault::Temporary, "{message}");
        }
        for message in [
            "tag invalid: The image tag '1' already exists",
            "name unknown: the repository with name 'geofence-timeout' does not exist",
        ] {
            assert_eq!(fault(message), Fault::User, "{message}");
        }
    }
}
