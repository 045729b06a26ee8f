//! What SageMaker's instance types are, by their names: processor and accelerator.
//!
//! Sources: [naming](https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html),
//! [accelerated instances](https://docs.aws.amazon.com/ec2/latest/instancetypes/ac.html),
//! [compute capabilities](https://developer.nvidia.com/cuda-gpus).

/// What an instance computes with beside its processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::check) enum Accelerator {
    /// Nothing, or nothing that is known.
    None,
    /// A GPU of NVIDIA's.
    Nvidia(Gpu),
    /// AWS's own: Trainium, Inferentia.
    Neuron,
}

/// A GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::check) struct Gpu {
    /// As NVIDIA calls it.
    pub(in crate::check) name: &'static str,
    /// Its architecture.
    pub(in crate::check) architecture: &'static str,
    /// The last major version of CUDA that it runs, where a newer one is known not to
    /// ([CUDA 12](https://docs.nvidia.com/cuda/archive/12.0.0/cuda-toolkit-release-notes/index.html) has no Kepler,
    /// [CUDA 13](https://docs.nvidia.com/cuda/archive/13.0.0/cuda-toolkit-release-notes/index.html) no Maxwell, Pascal and Volta).
    pub(in crate::check) last_cuda: Option<u32>,
    /// The first version of CUDA that knows it, as major and minor.
    pub(in crate::check) first_cuda: (u32, u32),
}

/// An instance type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::check) struct Instance {
    /// Such as `amd64`.
    pub(in crate::check) architecture: &'static str,
    /// What it has.
    pub(in crate::check) accelerator: Accelerator,
}

const fn gpu(
    name: &'static str,
    architecture: &'static str,
    last_cuda: Option<u32>,
    first_cuda: (u32, u32),
) -> Accelerator {
    Accelerator::Nvidia(Gpu {
        name,
        architecture,
        last_cuda,
        first_cuda,
    })
}

/// Families with accelerators; the first whose name begins the type's counts.
const FAMILIES: [(&str, Accelerator); 16] = [
    ("p2", gpu("K80", "Kepler", Some(11), (6, 0))),
    ("p3", gpu("V100", "Volta", Some(12), (9, 0))),
    ("p4", gpu("A100", "Ampere", None, (11, 0))),
    ("p5", gpu("H100", "Hopper", None, (11, 8))),
    ("p6", gpu("B200", "Blackwell", None, (12, 8))),
    ("g3", gpu("M60", "Maxwell", Some(12), (6, 0))),
    ("g4dn", gpu("T4", "Turing", None, (10, 0))),
    ("g5g", gpu("T4G", "Turing", None, (10, 0))),
    ("g5", gpu("A10G", "Ampere", None, (11, 1))),
    ("g6e", gpu("L40S", "Ada", None, (11, 8))),
    ("g6", gpu("L4", "Ada", None, (11, 8))),
    ("gr6", gpu("L4", "Ada", None, (11, 8))),
    ("g7", gpu("RTX PRO 6000", "Blackwell", None, (12, 8))),
    ("trn", Accelerator::Neuron),
    ("inf", Accelerator::Neuron),
    ("dl", Accelerator::None),
];

impl Instance {
    /// What `ml.p3.2xlarge` is; `None` where the name is none of that form.
    pub(in crate::check) fn of(name: &str) -> Option<Self> {
        let family = name.strip_prefix("ml.")?.split_once('.')?.0;
        let letters = family.find(|c: char| c.is_ascii_digit())?;
        let (kind, rest) = family.split_at(letters);
        let attributes = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let (attributes, of_gpu) = attributes.split_once('-').unwrap_or((attributes, ""));
        // A `g` among the attributes is Graviton; NVIDIA's Grace is named by the GPU beside it.
        let is_arm = attributes.contains('g') || of_gpu.starts_with("gb") || (kind == "a" && rest.starts_with('1'));
        let accelerator = FAMILIES.iter().find(|(begins, _)| family.starts_with(begins));
        Some(Self {
            architecture: if is_arm { "arm64" } else { "amd64" },
            accelerator: accelerator.map_or(Accelerator::None, |(_, accelerator)| *accelerator),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_and_accelerators_by_name() {
        for (name, architecture, accelerator) in [
            ("ml.m5.large", "amd64", "none"),
            ("ml.m6g.large", "arm64", "none"),
            ("ml.c7gn.xlarge", "arm64", "none"),
            ("ml.g5.xlarge", "amd64", "A10G"),
            ("ml.g5g.xlarge", "arm64", "T4G"),
            ("ml.g6e.xlarge", "amd64", "L40S"),
            ("ml.gr6.4xlarge", "amd64", "L4"),
            ("ml.g4dn.xlarge", "amd64", "T4"),
            ("ml.g4ad.xlarge", "amd64", "none"),
            ("ml.p3dn.24xlarge", "amd64", "V100"),
            ("ml.p6-b200.48xlarge", "amd64", "B200"),
            ("ml.p6e-gb200.36xlarge", "arm64", "B200"),
            ("ml.trn1n.32xlarge", "amd64", "neuron"),
            ("ml.r7i.large", "amd64", "none"),
        ] {
            let instance = Instance::of(name).unwrap();
            let has = match instance.accelerator {
                Accelerator::None => "none",
                Accelerator::Neuron => "neuron",
                Accelerator::Nvidia(gpu) => gpu.name,
            };
            assert_eq!((instance.architecture, has), (architecture, accelerator), "{name}");
        }
        assert_eq!(Instance::of("local"), None);
        assert_eq!(Instance::of("ml.large"), None);
    }
}
