//! What is packed and should not be: credentials, private keys, large weights, pointers of Git LFS.

use super::files::Content;
use super::secrets;
use crate::check::finding::{Finding, Place};
use crate::check::rule::Rule;
use crate::progress::size;

/// The files that the frameworks keep a model's weights in.
const WEIGHTS: [&str; 19] = [
    "bin",
    "caffemodel",
    "ckpt",
    "gguf",
    "h5",
    "hdf5",
    "joblib",
    "keras",
    "model",
    "msgpack",
    "npy",
    "npz",
    "onnx",
    "pb",
    "pickle",
    "pkl",
    "pt",
    "pth",
    "safetensors",
];
/// From here on weights have a better place.
const LARGE_WEIGHTS: u64 = 10_000_000;
/// From here on anything has.
const LARGE: u64 = 100_000_000;

/// The first line of a pointer, and what else it has:
/// [the specification](https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md).
const POINTER: &str = "version https://git-lfs.github.com/spec/v1\n";
const POINTER_OID: &str = "\noid sha256:";
/// The specification's own limit.
const LARGEST_POINTER: u64 = 1024;

/// Files that hold passwords by their names alone.
const PRIVATE: [&str; 8] = [
    ".env",
    ".git-credentials",
    ".netrc",
    ".pypirc",
    "_netrc",
    "id_ecdsa",
    "id_ed25519",
    "id_rsa",
];

/// Looks at one file; `is_certain` says whether it is certainly packed.
pub(super) fn look_at(path: &str, content: &Content, is_certain: bool, found: &mut Vec<Finding>) {
    found.extend(pointer(path, content, is_certain));
    found.extend(large(path, content.size));
    let private = private_name(path);
    if private.is_some() {
        found.extend(private);
    } else if let Some(text) = &content.text {
        found.extend(secrets::in_text(path, text, is_certain));
    }
}

fn pointer(path: &str, content: &Content, is_certain: bool) -> Option<Finding> {
    let text = content.text.as_ref().filter(|_| content.size < LARGEST_POINTER)?;
    let is_pointer = text.starts_with(POINTER) && text.contains(POINTER_OID) && text.contains("\nsize ");
    let size_said = text.split("\nsize ").nth(1).and_then(|rest| rest.trim().parse().ok());
    let of = size_said
        .map(|bytes: u64| format!(" of {}", size(bytes)))
        .unwrap_or_default();
    is_pointer.then(|| {
        Finding::new(
            Rule::LfsPointer,
            format!("{path} is a pointer to a file{of} that Git LFS keeps, and that pointer is what is packed"),
            "Run `git lfs pull`; in CI, check out with LFS (`lfs: true` of actions/checkout).",
        )
        .at(Place::line(path, 1))
        .certain(is_certain)
    })
}

fn large(path: &str, bytes: u64) -> Option<Finding> {
    let extension = path
        .rsplit_once('.')
        .map_or("", |(_, extension)| extension)
        .to_lowercase();
    let is_weights = WEIGHTS.contains(&extension.as_str());
    if bytes < LARGE && !(is_weights && bytes >= LARGE_WEIGHTS) {
        return None;
    }
    let what = if is_weights {
        "look like a model's weights"
    } else {
        "are in the package"
    };
    Some(
        Finding::new(
            Rule::WeightsInPackage,
            format!("{} {what}, and are sent with every change of the code", size(bytes)),
            "Keep it in S3, as a channel of the training, and leave it out of the package.",
        )
        .at(Place::file(path)),
    )
}

fn private_name(path: &str) -> Option<Finding> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_aws = path.ends_with(".aws/credentials") || path == ".aws/credentials";
    (is_aws || PRIVATE.contains(&name)).then(|| {
        Finding::new(
            Rule::PrivateFileInPackage,
            format!("{name} holds passwords or keys, by its name, and is packed"),
            "Leave it out of the package; give the training what it needs by its role, or through Secrets Manager.",
        )
        .at(Place::file(path))
    })
}
