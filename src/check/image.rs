//! An image that was built, held against what SageMaker pulls and runs.
//!
//! Sources: [your own training container](https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-dockerfile.html),
//! [what is mounted](https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html).

use serde_json::Value;

use super::dockerfile::{is_left_alone, is_mounted, is_tini};
use super::finding::Finding;
use super::request::Request;
use super::request::instances::{Accelerator, Gpu};
use super::rule::Rule;
use crate::engine::native::base::{Anatomy, Installed, Tree};
use crate::oci::Platform;
use crate::progress::size;

const SHELLS: [&str; 4] = ["sh", "bash", "ash", "dash"];
const INTERPRETERS: [&str; 3] = ["python", "python3", "bash"];
/// Where NVIDIA's driver is, if a package installed it: the container toolkit mounts the host's there.
const LIBRARIES: [&str; 5] = [
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/lib/x86_64-linux-gnu",
];
/// Parts of the driver, which its version follows: `libcuda.so.535.104.05`.
const DRIVER: [&str; 3] = ["libcuda.so.", "libnvidia-ml.so.", "libnvidia-ptxjitcompiler.so."];
/// Where the entry point is looked for when nothing says otherwise:
/// <https://github.com/moby/moby/blob/master/oci/defaults.go>.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const GIB: u64 = 1 << 30;
/// What a shell's command hands its arguments on by.
const ARGUMENTS: [&str; 6] = ["$@", "$*", "$0", "$1", "${@", "${1"];

/// An image, and how it is to be trained.
pub(crate) struct Seen<'a> {
    /// As it was named.
    pub(crate) name: &'a str,
    /// What is in it.
    pub(crate) image: &'a Anatomy,
    /// What is installed for its Python, where that is one to build on.
    pub(crate) installed: &'a [Installed],
    /// Whether it is in a registry, whose media types are those that SageMaker meets.
    pub(crate) is_in_registry: bool,
    /// Where it is to run.
    pub(crate) request: &'a Request<'a>,
}

/// An image that is for another platform than `wanted`, told before it was read.
pub(crate) fn other_platform(name: &str, wanted: &Platform, offered: &[String]) -> Finding {
    let offered = if offered.is_empty() {
        "no platform that it names".to_owned()
    } else {
        offered.join(", ")
    };
    Finding::new(
        Rule::ImagePlatform,
        format!("{name} is for {offered}, and the training runs {wanted}"),
        format!("Build it with --platform {wanted}: a machine with another processor builds for its own otherwise."),
    )
}

/// What is found in an image.
pub(crate) fn look(seen: &Seen<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(seen.format());
    found.extend(seen.entry_point());
    found.extend(seen.driver());
    found.extend(seen.below_opt_ml());
    found.extend(seen.size());
    found.extend(seen.cuda());
    found
}

impl Seen<'_> {
    fn said(&self, key: &str) -> Vec<String> {
        let list = self
            .image
            .config
            .get("config")
            .and_then(|config| config.get(key))
            .and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    }

    fn variable(&self, name: &str) -> Option<String> {
        let variables = self.said("Env");
        let value = variables
            .iter()
            .rev()
            .find_map(|one| one.split_once('=').filter(|(key, _)| *key == name));
        value.map(|(_, value)| value.to_owned())
    }

    fn format(&self) -> Option<Finding> {
        let oci = self
            .image
            .layers
            .iter()
            .find(|layer| layer.media_type.starts_with("application/vnd.oci."))?;
        self.is_in_registry.then(|| {
            Finding::new(
                Rule::ImageFormat,
                format!("{} is in OCI's format ({}), and SageMaker takes Docker's schema 2", self.name, oci.media_type),
                "Push it with `sgbuild push`, or build it with `docker buildx build --provenance=false --output type=registry,oci-mediatypes=false`.",
            )
        })
    }

    fn entry_point(&self) -> Option<Finding> {
        let entry = self.said("Entrypoint");
        let name = self.name;
        let (message, advice) = match &entry[..] {
            [first, ..] if is_tini(first) => (
                format!(
                    "the entry point of {name} is {first}, which AWS says is confused by the arguments train and serve"
                ),
                "Name the program itself as the entry point.",
            ),
            [shell, option, command, ..] if option == "-c" && SHELLS.contains(&last(shell)) => {
                return self.shell(command, &entry.join(" "));
            }
            [] if !self.has_program("train") => (
                format!("{name} has no entry point, and no program `train` for SageMaker to run"),
                "Add ENTRYPOINT [\"python\", \"train.py\"]; CMD is not used in a training.",
            ),
            [one] if INTERPRETERS.contains(&last(one)) && !self.is_in_work_directory("train") => (
                format!(
                    "the entry point of {name} is {one} alone, which takes the argument train for the name of a file"
                ),
                "Name the program that trains: [\"python\", \"train.py\"].",
            ),
            [program, ..] if program.contains('/') && !self.exists(program) => (
                format!("the entry point of {name} is {program}, which is not in the image"),
                "Copy it into the image, or name what is there.",
            ),
            _ => return None,
        };
        Some(Finding::new(Rule::ImageEntryPoint, message, advice))
    }

    /// A command for a shell, which is never the argument's and seldom the signal's, unless it takes care of both.
    fn shell(&self, command: &str, entry: &str) -> Option<Finding> {
        let takes_argument = ARGUMENTS.iter().any(|one| command.contains(one));
        let is_replaced = command.split_whitespace().any(|word| word == "exec");
        if takes_argument && is_replaced {
            return None;
        }
        let finding = Finding::new(
            Rule::ImageEntryPoint,
            format!("the entry point of {} is in shell form: {entry}", self.name),
            "Write ENTRYPOINT as a list: [\"python\", \"train.py\"]. A shell hands on neither the argument train nor SIGTERM.",
        );
        Some(finding.certain(!takes_argument && !is_replaced))
    }

    fn tree(&self) -> &Tree {
        &self.image.tree
    }

    fn work_directory(&self) -> String {
        let config = self.image.config.get("config");
        let said = config
            .and_then(|config| config.get("WorkingDir"))
            .and_then(Value::as_str)
            .unwrap_or_default();
        format!("/{}", said.trim_matches('/'))
    }

    fn is_in_work_directory(&self, name: &str) -> bool {
        self.tree()
            .is_file(&format!("{}/{name}", self.work_directory().trim_end_matches('/')))
    }

    fn exists(&self, program: &str) -> bool {
        if program.starts_with('/') {
            return self.tree().is_file(program);
        }
        self.is_in_work_directory(program.trim_start_matches("./"))
    }

    fn has_program(&self, name: &str) -> bool {
        let path = self.variable("PATH").unwrap_or_else(|| PATH.to_owned());
        path.split(':').any(|directory| {
            self.tree()
                .is_file(&format!("{}/{name}", directory.trim_end_matches('/')))
        })
    }

    fn driver(&self) -> Option<Finding> {
        // A driver's libraries have its whole version; `libcuda.so.1` alone is a link that the toolkit makes.
        let is_part = |name: &&str| {
            DRIVER
                .iter()
                .any(|part| name.strip_prefix(part).is_some_and(|version| version.contains('.')))
        };
        let found = LIBRARIES.iter().find_map(|directory| {
            let names = self.tree().names(directory);
            names
                .into_iter()
                .find(is_part)
                .map(|name| format!("{directory}/{name}"))
        })?;
        Some(Finding::new(
            Rule::ImageDriver,
            format!(
                "{} holds the NVIDIA driver's {found}, which may be loaded instead of that of the instance",
                self.name
            ),
            "Install the CUDA toolkit without the driver: no nvidia-driver-*, libnvidia-* or cuda-drivers.",
        ))
    }

    fn below_opt_ml(&self) -> Option<Finding> {
        let mut left = vec!["/opt/ml".to_owned()];
        while let Some(directory) = left.pop() {
            for name in self.tree().names(&directory) {
                let path = format!("{directory}/{name}");
                if self.tree().kind(&path) == Some(crate::engine::native::base::Kind::Directory) {
                    left.push(path);
                } else if !is_left_alone(&path) {
                    return Some(
                        Finding::new(
                            Rule::ImageBelowOptMl,
                            format!("{} has {path}, and /opt/ml is SageMaker's", self.name),
                            "Put it elsewhere in the image, such as /opt/program.",
                        )
                        .certain(is_mounted(&path)),
                    );
                }
            }
        }
        None
    }

    /// The volume holds the image, its layers as they came, the data and the model.
    fn size(&self) -> Option<Finding> {
        let volume = self.request.volume()?;
        let unpacked: u64 = self.image.layers.iter().map(|layer| layer.unpacked).sum();
        let room = volume.saturating_mul(GIB);
        let (is_certain, message) = if unpacked >= room {
            (
                true,
                format!(
                    "{} takes {} unpacked, and the volume has {volume} GiB",
                    self.name,
                    size(unpacked)
                ),
            )
        } else if unpacked.saturating_mul(10) >= room.saturating_mul(8) {
            (
                false,
                format!(
                    "{} takes {} unpacked of a volume of {volume} GiB: little is left for data and model",
                    self.name,
                    size(unpacked)
                ),
            )
        } else {
            return None;
        };
        let finding = Finding::new(
            Rule::ImageSize,
            message,
            "Raise `volume-size`, or make the image smaller.",
        );
        Some(finding.certain(is_certain))
    }

    fn cuda(&self) -> Option<Finding> {
        let (major, minor, told_by) = self.cuda_version()?;
        let version = format!("CUDA {major}.{minor} ({told_by})");
        for (name, instance) in self.request.instances() {
            let Accelerator::Nvidia(gpu) = instance.accelerator else {
                continue;
            };
            let Gpu {
                name: gpu_name,
                architecture,
                ..
            } = gpu;
            if let Some(last) = gpu.last_cuda.filter(|last| major > *last) {
                return Some(Finding::new(
                    Rule::ImageCuda,
                    format!(
                        "{} has {version}, which does not run on the {gpu_name} ({architecture}) of {name}: CUDA {last} is the last that does",
                        self.name
                    ),
                    format!("Install the build for CUDA {last}, or take newer instances."),
                ));
            }
            if (major, minor) < gpu.first_cuda {
                let (first, part) = gpu.first_cuda;
                return Some(
                    Finding::new(
                        Rule::ImageCuda,
                        format!("{} has {version}, which is older than the {gpu_name} ({architecture}) of {name}: CUDA {first}.{part} is the first that knows it", self.name),
                        format!("Install a build for CUDA {first}.{part} or newer."),
                    )
                    .certain(false),
                );
            }
        }
        None
    }

    /// The CUDA that the image's Python uses, else the toolkit's.
    fn cuda_version(&self) -> Option<(u32, u32, String)> {
        let wheel = self
            .installed
            .iter()
            .find(|one| one.name.replace('_', "-").starts_with("nvidia-cuda-runtime"));
        if let Some((major, minor)) = wheel.and_then(|one| version(&one.version)) {
            return Some((major, minor, wheel.map(|one| one.name.clone()).unwrap_or_default()));
        }
        if let Some((major, minor)) = self.variable("CUDA_VERSION").as_deref().and_then(version) {
            return Some((major, minor, "CUDA_VERSION".to_owned()));
        }
        let toolkit = |name: &str| {
            version(name.strip_prefix("cuda-")?).map(|(major, minor)| (major, minor, format!("/usr/local/{name}")))
        };
        self.tree().names("/usr/local").into_iter().filter_map(toolkit).max()
    }
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}
