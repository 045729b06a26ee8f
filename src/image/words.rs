//! What is told of an image while it is made, in the words of its package: the same whoever makes it.

use serde::Serialize;

use super::{BaseImage, ImagePlan};

/// Where the official images are, which everybody knows without.
const OFFICIAL: [&str; 2] = ["public.ecr.aws/docker/library/", "docker.io/library/"];

/// The parts of an image's making, as they are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Words {
    /// `Base image python:3.11-slim`.
    pub base: String,
    /// `Installing 2 system packages`.
    pub system_packages: String,
    /// `Installing 7 requirements`.
    pub requirements: String,
    /// `Installing iris-classifier 1.0.0`.
    pub package: String,
}

impl Words {
    /// Those of `plan`.
    #[must_use]
    pub fn of(plan: &ImagePlan) -> Self {
        let requirements = plan.requirements.iter().filter(|line| is_requirement(line)).count();
        let beside = match plan.neighbours.as_slice() {
            [] => String::new(),
            [one] => format!(" with {} {}", one.name, one.version),
            several => format!(" with {} packages beside it", several.len()),
        };
        Self {
            base: base(&plan.base),
            system_packages: format!(
                "Installing {}",
                counted(plan.only_docker.system_packages.len(), "system package")
            ),
            requirements: format!("Installing {}", counted(requirements, "requirement")),
            package: format!("Installing {} {}{beside}", plan.name, plan.version),
        }
    }
}

/// What is told of reading a base image.
#[must_use]
pub fn base(image: &BaseImage) -> String {
    let name = image.in_dockerfile().unwrap_or_else(|| image.to_string());
    let known = OFFICIAL.iter().find_map(|place| name.strip_prefix(place));
    format!("Base image {}", known.unwrap_or(&name))
}

/// Whether a line of `requirements.txt` requires something: comments and options do not.
fn is_requirement(line: &str) -> bool {
    !line.trim().is_empty() && !line.trim_start().starts_with(['#', '-'])
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_requires_nothing_is_not_counted() {
        let lines = [
            "six==1 \\\n    --hash=sha256:0",
            "# of setup.py",
            "--index-url https://x/",
            " ",
            "a @ file:///b",
        ];
        assert_eq!(lines.into_iter().filter(|line| is_requirement(line)).count(), 2);
        assert_eq!(counted(1, "requirement"), "1 requirement");
        assert_eq!(counted(0, "requirement"), "0 requirements");
    }

    #[test]
    fn an_official_image_has_the_name_that_everybody_knows() {
        for (named, told) in [
            (
                "public.ecr.aws/docker/library/python:3.11-slim",
                "Base image python:3.11-slim",
            ),
            ("python:3.12", "Base image python:3.12"),
            (
                "registry.example/team/python:1",
                "Base image registry.example/team/python:1",
            ),
            ("oci:base", "Base image oci:base"),
        ] {
            assert_eq!(base(&named.parse().unwrap()), told);
        }
    }
}
