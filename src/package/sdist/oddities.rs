//! What is packed by accident more often than on purpose.

use crate::package::files::Selected;
use crate::progress::Progress;

/// Larger sdists are warned of, in bytes: everything in it goes to the image's build and into a layer.
const BIG: u64 = 500 * 1000 * 1000;
/// Smaller files that look like model weights may be a test's, in bytes.
const SMALL_WEIGHTS: u64 = 1000 * 1000;
/// How many of the largest files are named.
const SHOWN: usize = 10;

const WEIGHTS: [&str; 10] = [
    ".pt",
    ".pth",
    ".ckpt",
    ".safetensors",
    ".onnx",
    ".h5",
    ".hdf5",
    ".gguf",
    ".tflite",
    ".joblib",
];
const CREDENTIALS: [&str; 6] = [".env", ".netrc", ".pypirc", "id_rsa", "id_ed25519", ".git-credentials"];

/// Warns of a big sdist (with its largest files), of model weights, of files that hold credentials, and of `.git`.
pub(crate) fn warn(files: &[Selected], progress: &dyn Progress) {
    let total: u64 = files.iter().map(|file| file.size).sum();
    let mut largest: Vec<&Selected> = files.iter().collect();
    largest.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.path.cmp(&b.path)));
    if total > BIG {
        let listed: Vec<String> = largest.iter().take(SHOWN).map(|file| shown(file)).collect();
        progress.warn(&format!(
            "the source distribution packs {} in {} files, all of which goes into the image. The largest:\n{}",
            bytes(total),
            files.len(),
            listed.join("\n")
        ));
    }
    let weights: Vec<&Selected> = largest.into_iter().filter(|file| is_weights(file)).collect();
    if !weights.is_empty() {
        let listed: Vec<String> = weights.iter().take(SHOWN).map(|file| shown(file)).collect();
        progress.warn(&format!(
            "what looks like model weights is packed; a training job reads its data from S3 instead:\n{}",
            listed.join("\n")
        ));
    }
    for file in files {
        let name = file.path.rsplit('/').next().unwrap_or(&file.path);
        if CREDENTIALS.contains(&name) || file.path.ends_with(".aws/credentials") {
            progress.warn(&format!(
                "{} is packed, and may hold credentials; leave it out in MANIFEST.in",
                file.path
            ));
        }
        // The directory is always left out; a worktree's or submodule's `.git` is a file.
        if name == ".git" {
            progress.warn(&format!(
                "{} is packed, which only means something to git; leave it out in MANIFEST.in",
                file.path
            ));
        }
    }
}

fn is_weights(file: &Selected) -> bool {
    let path = file.path.to_ascii_lowercase();
    file.size >= SMALL_WEIGHTS && WEIGHTS.iter().any(|extension| path.ends_with(extension))
}

fn shown(file: &Selected) -> String {
    format!("  {:>9}  {}", bytes(file.size), file.path)
}

/// A size as people read it, in powers of 1000.
fn bytes(size: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "kB")];
    let Some((unit, name)) = units.into_iter().find(|(unit, _)| size >= *unit) else {
        return format!("{size} B");
    };
    format!("{}.{} {name}", size / unit, size % unit * 10 / unit)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::progress::{Silent, Task};

    #[derive(Default)]
    struct Warnings(Mutex<Vec<String>>);

    impl Progress for Warnings {
        fn step(&self, _: &str) {}
        fn detail(&self, _: &str) {}
        fn warn(&self, text: &str) {
            self.0.lock().unwrap().push(text.to_owned());
        }
        fn task(&self, _: &str, _: Option<u64>) -> Box<dyn Task> {
            Box::new(Silent)
        }
    }

    fn warnings(files: &[(&str, u64)]) -> Vec<String> {
        let files: Vec<Selected> = files
            .iter()
            .map(|(path, size)| Selected {
                path: (*path).to_owned(),
                size: *size,
            })
            .collect();
        let heard = Warnings::default();
        warn(&files, &heard);
        heard.0.into_inner().unwrap()
    }

    #[test]
    fn an_ordinary_sdist_is_not_remarked_on() {
        assert_eq!(
            warnings(&[("setup.py", 200), ("tests/tiny.pt", 900), ("data.csv", 90_000_000)]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_big_one_names_its_ten_largest() {
        let names: Vec<String> = (10..22).map(|n| format!("d/{n}.csv")).collect();
        let files: Vec<(&str, u64)> = names
            .iter()
            .zip(1..)
            .map(|(name, n)| (name.as_str(), n * 10_000_000))
            .collect();
        let found = warnings(&files);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("packs 780.0 MB in 12 files"), "{}", found[0]);
        assert!(found[0].contains("\n   120.0 MB  d/21.csv\n"), "{}", found[0]);
        assert_eq!(found[0].lines().count(), 11);
    }

    #[test]
    fn weights_credentials_and_git_are_named() {
        let found = warnings(&[("m/best.PT", 2_000_000), (".env", 20), ("sub/.git", 30)]);
        assert_eq!(found.len(), 3);
        assert!(found[0].contains("2.0 MB  m/best.PT"), "{}", found[0]);
        assert!(
            found[1].starts_with(".env is packed, and may hold credentials"),
            "{}",
            found[1]
        );
        assert!(found[2].starts_with("sub/.git is packed"), "{}", found[2]);
    }
}
