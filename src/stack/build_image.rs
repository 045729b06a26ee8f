//! The images that CodeBuild builds in, by what their names say.

/// What AWS called its images before 2019: one for each language, on Ubuntu 14.04
/// ([as its own tool deprecated them](https://github.com/aws/aws-cdk/issues/5229)).
const BY_LANGUAGE: [&str; 13] = [
    "android-java-7",
    "android-java-8",
    "docker",
    "dot-net",
    "eb-java-7-amazonlinux-64",
    "eb-java-8-amazonlinux-64",
    "golang",
    "java",
    "nodejs",
    "php",
    "python",
    "ruby",
    "ubuntu-base",
];

/// Those that AWS neither keeps at hand nor updates
/// ([deprecated images](https://docs.aws.amazon.com/codebuild/latest/userguide/deprecated-images.html)), and their elder ones.
const DEPRECATED: [&str; 7] = [
    "amazonlinux2-x86_64-standard:1.0",
    "amazonlinux2-x86_64-standard:2.0",
    "amazonlinux2-x86_64-standard:3.0",
    "standard:1.0",
    "standard:2.0",
    "standard:3.0",
    "standard:4.0",
];

/// What is to be said of a build image of AWS's before a stack is made with it: `None` of one that AWS may well offer, and of
/// everybody else's.
#[must_use]
pub fn concern_about(image: &str) -> Option<String> {
    let name = image.strip_prefix("aws/codebuild/")?;
    let (family, _) = name.split_once(':').unwrap_or((name, ""));
    // `standard:4.0-22.10.27` is a release of `standard:4.0`.
    let is_deprecated = DEPRECATED.iter().any(|known| {
        let release = name.strip_prefix(known);
        release.is_some_and(|release| release.is_empty() || release.starts_with('-'))
    });
    let why = if BY_LANGUAGE.contains(&family) {
        "AWS replaced its images by language, of Ubuntu 14.04, in 2019: a build may not start in it, nor sgbuild"
    } else if is_deprecated {
        "AWS has deprecated it: it is not updated, and fetched anew for each build"
    } else if family.contains("aarch64") {
        "it is for Arm, and builds run on x86-64, as SageMaker's training instances do"
    } else if family.contains("lambda") || family.contains("windows") || family.contains("macos") {
        "builds need Linux in a container with a Docker daemon"
    } else {
        return None;
    };
    Some(format!(
        "the build image {image}: {why}. Without `--build-image` it is AWS's current Amazon Linux"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_aws_no_longer_offers_is_told_of() {
        for (image, says) in [
            ("aws/codebuild/python:3.6.5-1.3.2", "Ubuntu 14.04"),
            ("aws/codebuild/docker:17.09.0", "Ubuntu 14.04"),
            ("aws/codebuild/standard:4.0", "deprecated"),
            ("aws/codebuild/standard:1.0-1.8.0", "deprecated"),
            ("aws/codebuild/amazonlinux2-x86_64-standard:3.0", "deprecated"),
            ("aws/codebuild/amazonlinux-aarch64-standard:3.0", "Arm"),
            ("aws/codebuild/amazonlinux-x86_64-lambda-standard:python3.12", "Docker"),
            ("aws/codebuild/windows-base:2019-1.0", "Docker"),
        ] {
            let concern = concern_about(image).unwrap_or_default();
            assert!(concern.contains(image) && concern.contains(says), "{image}: {concern}");
        }
    }

    #[test]
    fn others_are_not() {
        for image in [
            "aws/codebuild/amazonlinux-x86_64-standard:5.0",
            "aws/codebuild/standard:7.0",
            "aws/codebuild/standard:40.0",
            "aws/codebuild/amazonlinux-x86_64-standard:9.0",
            "public.ecr.aws/docker/library/python:3.12",
            "123456789012.dkr.ecr.us-west-2.amazonaws.com/aws/codebuild/python:1",
            "",
        ] {
            assert_eq!(concern_about(image), None, "{image}");
        }
    }
}
