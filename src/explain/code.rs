//! The pages of the index of errors: one for every cause that has a cure of its own.

use std::io;

use serde::Serialize;

use super::plain::plain;

/// Declares [`Code`] and what is known of each: its variant, its code, the exit codes of its errors, and its page in `docs/errors/`.
macro_rules! codes {
    ($($subject:literal: $($variant:ident $code:literal [$($exit:literal),+],)+)+) => {
        /// What went wrong, as `error[…]` names it and `sgbuild explain` tells of it. Messages with one cause and one cure share a code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(
                #[doc = concat!("`", $code, "`, see `docs/errors/", $code, ".md`.")]
                $variant,
            )+)+
        }

        impl Code {
            /// Every code, in the order of the index.
            pub const ALL: &'static [Self] = &[$($(Self::$variant,)+)+];

            fn entry(self) -> &'static Entry {
                match self {
                    $($(Self::$variant => &Entry {
                        code: $code,
                        subject: $subject,
                        exit_codes: &[$($exit),+],
                        page: include_str!(concat!("../../docs/errors/", $code, ".md")),
                    },)+)+
                }
            }
        }
    };
}

/// What is known of a code.
struct Entry {
    code: &'static str,
    subject: &'static str,
    exit_codes: &'static [u8],
    page: &'static str,
}

codes! {
    "The project":
        NoProject "no-project" [1, 2],
        FileUnreadable "file-unreadable" [1],
        FileNotUtf8 "file-not-utf8" [1],
        FileNameNotUtf8 "file-name-not-utf8" [1],
        SyntaxError "syntax-error" [1],
        MetadataInvalid "metadata-invalid" [1],
        NoNameOrVersion "no-name-or-version" [1],
        NoBuildSystem "no-build-system" [1],
        SeveralPackagesFound "several-packages-found" [1],
        DeclaredFileMissing "declared-file-missing" [1],
        OutsideProject "outside-project" [1],
        DirectoryWithoutEnd "directory-without-end" [1],
        NeedsProjectCode "needs-project-code" [1],
        NotInstallable "not-installable" [1],
        FilesCollide "files-collide" [1],
        CheckFailed "check-failed" [1],
    "The training function":
        NoTrainingFunction "no-training-function" [1],
        SeveralTrainingFunctions "several-training-functions" [1],
        TrainingFunctionMissing "training-function-missing" [1],
        TrainingFunctionNotPacked "training-function-not-packed" [1],
    "Python, uv and the build backend":
        PythonUnusable "python-unusable" [1],
        UvUnusable "uv-unusable" [1],
        BuildRequirementsFailed "build-requirements-failed" [1],
        BuildBackendFailed "build-backend-failed" [1],
        BuildBackendTooSlow "build-backend-too-slow" [1],
        ArchiveRefused "archive-refused" [1],
    "Requirements":
        RequirementInvalid "requirement-invalid" [1],
        RequirementsLineInvalid "requirements-line-invalid" [1],
        CredentialsInRequirement "credentials-in-requirement" [1],
        LockFileUnreadable "lock-file-unreadable" [1],
        LockForAnotherPython "lock-for-another-python" [1],
        LockOutdated "lock-outdated" [1],
        RequirementsContradict "requirements-contradict" [1],
        HashMissing "hash-missing" [1],
        PackageFileChanged "package-file-changed" [1],
        UnknownExtra "unknown-extra" [1, 2],
        RequirementsUnresolved "requirements-unresolved" [1],
        NoWheelFits "no-wheel-fits" [1],
        PackageBuildFailed "package-build-failed" [1],
        NativeCannotInstall "native-cannot-install" [1],
        PackageIndexUnreachable "package-index-unreachable" [75],
        PackageIndexDenied "package-index-denied" [1],
    "Packages beside the project":
        NeighbourUnreadable "neighbour-unreadable" [1],
        NeighbourOutside "neighbour-outside" [1],
        NeighbourConflict "neighbour-conflict" [1],
        NeighbourCompiled "neighbour-compiled" [1],
        WorkspaceMemberUnknown "workspace-member-unknown" [1],
        IndexPerPackage "index-per-package" [1],
    "Settings":
        SettingUnknown "setting-unknown" [2],
        SettingInvalid "setting-invalid" [2],
        SettingNotForFiles "setting-not-for-files" [2],
        NamedFileUnreadable "named-file-unreadable" [1],
        DockerfileNotTrusted "dockerfile-not-trusted" [1],
        TemplateInvalid "template-invalid" [1],
        DockerfileValueInvalid "dockerfile-value-invalid" [1, 2],
        ImageNameInvalid "image-name-invalid" [1, 2],
        UnknownCode "unknown-code" [2],
    "The image's Python and base":
        PythonVersionInvalid "python-version-invalid" [1, 2],
        PythonExcluded "python-excluded" [1],
        PythonUnknown "python-unknown" [1],
        BaseImageNotFound "base-image-not-found" [1],
        BaseImageWithoutPython "base-image-without-python" [1],
        BaseImageUnsuited "base-image-unsuited" [1],
        ImageUnreadable "image-unreadable" [1],
        ImageForAnotherPlatform "image-for-another-platform" [1, 2],
    "Building the image":
        NeedsDocker "needs-docker" [1],
        BuildStepFailed "build-step-failed" [1],
        DistInTheWay "dist-in-the-way" [1],
        ChangedMeanwhile "changed-meanwhile" [1, 75],
        BuiltImageGone "built-image-gone" [1, 75],
        OutputUnusable "output-unusable" [1, 2],
    "Docker and podman":
        DockerUnreachable "docker-unreachable" [1, 75],
        DockerAddressInvalid "docker-address-invalid" [1, 2],
        DockerConfigUnusable "docker-config-unusable" [1],
        DockerTooOld "docker-too-old" [1],
        DockerLost "docker-lost" [75],
        DockerRefused "docker-refused" [1, 75],
        ServingFailed "serving-failed" [1],
    "Registries":
        RegistryUnreachable "registry-unreachable" [75],
        RegistryLogin "registry-login" [1],
        RegistryDenied "registry-denied" [1],
        RegistryAnswerOdd "registry-answer-odd" [1],
        CertificateNotTrusted "certificate-not-trusted" [1],
        RepositoryMissing "repository-missing" [1],
        TagTaken "tag-taken" [1],
        ImageFormatRefused "image-format-refused" [1],
        PushNotConfirmed "push-not-confirmed" [75],
        ImagesDiffer "images-differ" [1],
    "AWS":
        NoRegion "no-region" [1, 2],
        NoCredentials "no-credentials" [1, 75],
        CredentialsRefused "credentials-refused" [1],
        AccessDenied "access-denied" [1],
        AwsUnavailable "aws-unavailable" [75],
        AwsRefused "aws-refused" [1],
    "Training":
        TrainingSettingsMissing "training-settings-missing" [2],
        TrainingSettingsInvalid "training-settings-invalid" [1, 2],
        NothingPushed "nothing-pushed" [1],
        TrainingLambdaMissing "training-lambda-missing" [1],
        TrainingLambdaFailed "training-lambda-failed" [1],
        TrainingRequestRefused "training-request-refused" [1],
        NoTrainingData "no-training-data" [1],
        TrainingDataUnreadable "training-data-unreadable" [1],
        HyperparametersUnusable "hyperparameters-unusable" [1],
        QuotaExceeded "quota-exceeded" [1],
        RunIdTaken "run-id-taken" [1],
        TrainingJobFailed "training-job-failed" [1],
        TrainingJobNotFound "training-job-not-found" [1],
        RunTableUnusable "run-table-unusable" [1],
        RunUnknown "run-unknown" [1],
    "The pipeline":
        EarlierPhaseFailed "earlier-phase-failed" [1],
        StackMissing "stack-missing" [1],
        StackForeign "stack-foreign" [1],
        StackParameters "stack-parameters" [1, 2],
        StackBusy "stack-busy" [75],
        StackFailed "stack-failed" [1],
        NotConfirmed "not-confirmed" [1],
        ProgramUnsuited "program-unsuited" [1],
        BucketUnusable "bucket-unusable" [1],
        LambdaMisconfigured "lambda-misconfigured" [1],
    "This machine":
        DiskFull "disk-full" [1],
        NotWritable "not-writable" [1],
        CacheUnusable "cache-unusable" [1],
        CannotStart "cannot-start" [1],
        Interrupted "interrupted" [130],
}

/// What a program reads of a page: `sgbuild explain --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Such as `docker-unreachable`.
    pub code: &'static str,
    /// What went wrong, in a sentence.
    pub title: &'static str,
    /// With which of these sgbuild ends then.
    pub exit_codes: &'static [u8],
}

impl Code {
    /// The code that is called `name`.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }

    /// About what could not be written: a full disk has a code of its own, whatever was written to it.
    #[must_use]
    pub fn of_unwritten(source: &io::Error, otherwise: Self) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => otherwise,
        }
    }

    /// In words with hyphens between them, as `error[…]` shows it.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.entry().code
    }

    /// Under which heading it is listed.
    #[must_use]
    pub fn subject(self) -> &'static str {
        self.entry().subject
    }

    /// The exit codes that errors of this code have.
    #[must_use]
    pub fn exit_codes(self) -> &'static [u8] {
        self.entry().exit_codes
    }

    /// The page, in Markdown.
    #[must_use]
    pub fn page(self) -> &'static str {
        self.entry().page
    }

    /// The page's heading.
    #[must_use]
    pub fn title(self) -> &'static str {
        let heading = self.page().lines().next().unwrap_or_default();
        heading.trim_start_matches("# ")
    }

    /// The page as a terminal shows it.
    #[must_use]
    pub fn plain_page(self) -> String {
        plain(self.page())
    }

    /// What a program reads of it.
    #[must_use]
    pub fn summary(self) -> Summary {
        Summary {
            code: self.name(),
            title: self.title(),
            exit_codes: self.exit_codes(),
        }
    }
}

#[cfg(test)]
mod tests;
