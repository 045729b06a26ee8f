//! The rules that there are, one row a rule: id, name, severity, and what it finds in a sentence. Each has a page in `docs/rules/`.

use serde::Serialize;

use super::finding::Severity;

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// The Python project, and what of it gets into the image.
    Project,
    /// A Dockerfile, or a template of one, that the user wrote.
    Dockerfile,
    /// An image that was built.
    Image,
    /// The training that is asked for.
    Request,
    /// What is in the AWS account; only with `--aws`.
    Aws,
    /// The exceptions themselves.
    Check,
}

impl Group {
    /// As `--help` and the index of the rules name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Dockerfile => "dockerfile",
            Self::Image => "image",
            Self::Request => "request",
            Self::Aws => "aws",
            Self::Check => "check",
        }
    }
}

/// Declares [`Rule`] and what is known of each.
macro_rules! rules {
    ($([$group:ident] $($variant:ident $id:literal $name:literal $severity:ident $summary:literal;)+)+) => {
        /// One thing that `sgbuild check` looks for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $($(
                #[doc = concat!("`", $id, "`: ", $summary, ".")]
                $variant,
            )+)+
        }

        impl Rule {
            /// Every rule, by its id.
            pub const ALL: &'static [Self] = &[$($(Self::$variant,)+)+];

            fn entry(self) -> &'static Entry {
                match self {
                    $($(Self::$variant => &Entry {
                        id: $id,
                        name: $name,
                        group: Group::$group,
                        severity: Severity::$severity,
                        summary: $summary,
                        page: include_str!(concat!("../../docs/rules/", $id, ".md")),
                    },)+)+
                }
            }
        }
    };
}

struct Entry {
    id: &'static str,
    name: &'static str,
    group: Group,
    severity: Severity,
    summary: &'static str,
    page: &'static str,
}

rules! {
    [Project]
        ProjectUnreadable "SGB001" "project-unreadable" Error "The project cannot be read";
        DynamicProject "SGB002" "dynamic-project" Warning "Only the project's own code can tell what the project is";
        NoTrainingFunction "SGB003" "no-training-function" Error "The package declares no function that trains";
        SeveralTrainingFunctions "SGB004" "several-training-functions" Error "Several functions are declared to train";
        FunctionNotPacked "SGB005" "function-not-packed" Error "The training function is not in the package";
        ImportNotRequired "SGB006" "import-not-required" Warning "A module is imported that no requirement brings";
        UnpinnedRequirements "SGB007" "unpinned-requirements" Warning "Nothing says which versions are installed";
        CredentialsInPackage "SGB008" "credentials-in-package" Error "The package holds credentials";
        PrivateFileInPackage "SGB009" "private-file-in-package" Warning "The package holds a private key or a file of secrets";
        WeightsInPackage "SGB010" "weights-in-package" Warning "The package holds large weights or data";
        LfsPointer "SGB011" "lfs-pointer" Error "A packed file is a pointer of Git LFS, without its content";
        ModuleUnreadable "SGB012" "module-unreadable" Warning "A packed module is not Python that can be read";
    [Dockerfile]
        InitEntryPoint "SGB101" "init-entry-point" Error "The entry point is an init such as tini";
        ShellEntryPoint "SGB102" "shell-entry-point" Error "The entry point is in shell form";
        ContentBelowOptMl "SGB103" "content-below-opt-ml" Error "Files are put where SageMaker mounts its own";
        NoTrainCommand "SGB104" "no-train-command" Error "Nothing answers the argument train";
        UserCannotWrite "SGB105" "user-cannot-write" Warning "The container's user is not root, and files are root's";
        DriverInstalled "SGB106" "driver-installed" Warning "An NVIDIA driver is installed";
        DockerfileUnreadable "SGB107" "dockerfile-unreadable" Error "A Dockerfile cannot be read";
    [Image]
        ImagePlatform "SGB201" "image-platform" Error "The image is for other machines than the instances";
        ImageFormat "SGB202" "image-format" Error "The image is in a format that SageMaker refuses";
        ImageEntryPoint "SGB203" "image-entry-point" Error "The image does not answer the argument train";
        ImageDriver "SGB204" "image-driver" Warning "The image holds libraries of the NVIDIA driver";
        ImageSize "SGB205" "image-size" Error "The image is larger than the instances' volume";
        ImageCuda "SGB206" "image-cuda" Error "The image's CUDA does not run on the instances' GPU";
        ImageBelowOptMl "SGB207" "image-below-opt-ml" Error "The image has files where SageMaker mounts its own";
    [Request]
        RequestInvalid "SGB301" "request-invalid" Error "SageMaker would refuse the training request";
        InstanceArchitecture "SGB302" "instance-architecture" Error "The instances have another processor than the image";
        CpuBuildOnGpu "SGB303" "cpu-build-on-gpu" Warning "A build for CPUs is required, and the instances have accelerators";
        NeuronMissing "SGB304" "neuron-missing" Warning "The instances have Trainium, and nothing that uses it is required";
        RegionMismatch "SGB305" "region-mismatch" Error "The image and the training are in different regions";
        HyperparametersInvalid "SGB306" "hyperparameters-invalid" Error "SageMaker would refuse the hyperparameters";
        MetricFindsNothing "SGB307" "metric-finds-nothing" Warning "A metric's expression finds nothing in the log";
        MetricNotTried "SGB308" "metric-not-tried" Warning "A metric's expression cannot be tried";
    [Aws]
        FunctionMissing "SGB401" "function-missing" Error "The training function does not exist";
        BucketUnusable "SGB402" "bucket-unusable" Error "A bucket is not there, or may not be read";
        BucketRegion "SGB403" "bucket-region" Error "A bucket is in another region than the training";
        RepositoryMissing "SGB404" "repository-missing" Warning "The repository does not exist yet";
        AwsNotAsked "SGB405" "aws-not-asked" Warning "AWS did not answer what was asked";
        PassRoleDenied "SGB406" "pass-role-denied" Error "The training function may not pass the training's role to SageMaker";
        RoleUnusable "SGB407" "role-unusable" Error "The training's role does not exist, or is not for SageMaker";
        QuotaExceeded "SGB408" "quota-exceeded" Error "The training asks for more than the account's quotas allow";
        FunctionRefuses "SGB409" "function-refuses" Error "The training function allows no such training";
    [Check]
        ExceptionWithoutReason "SGB901" "exception-without-reason" Error "An exception says no reason, or names no rule";
        ExceptionUnused "SGB902" "exception-unused" Warning "An exception matches nothing";
}

impl Rule {
    /// The rule with this id, or of this name.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        let is_it = |rule: &&Self| rule.id().eq_ignore_ascii_case(text) || rule.name() == text;
        Self::ALL.iter().find(is_it).copied()
    }

    /// Such as `SGB001`.
    #[must_use]
    pub fn id(self) -> &'static str {
        self.entry().id
    }

    /// In words with hyphens between them.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// What it is about.
    #[must_use]
    pub fn group(self) -> Group {
        self.entry().group
    }

    /// How its findings are told; one that is not certain is told as a warning all the same.
    #[must_use]
    pub fn severity(self) -> Severity {
        self.entry().severity
    }

    /// What it finds, in a sentence without a full stop.
    #[must_use]
    pub fn summary(self) -> &'static str {
        self.entry().summary
    }

    /// Its page, in Markdown.
    #[must_use]
    pub fn page(self) -> &'static str {
        self.entry().page
    }
}
