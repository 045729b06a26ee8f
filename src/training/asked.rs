//! What a run was asked to be: by it a run that is delivered again is told from another one that took the same run id.

/// What a payload asks for, beside the run id. `None` is unknown, and says nothing.
///
/// Hyperparameters and the objects of the input are left out: they are read when the job is created, and may be others by now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// The image, by digest.
    pub image: String,
    /// The commit.
    pub commit: Option<String>,
    /// ARN of the role that SageMaker assumes.
    pub role: Option<String>,
    /// The training channel's S3 prefix.
    pub input: Option<String>,
    /// The S3 prefix for the model artifact.
    pub output: Option<String>,
    /// Such as `ml.m5.large`.
    pub instance_type: Option<String>,
    /// Instances.
    pub instance_count: Option<i32>,
    /// GiB.
    pub volume_gib: Option<i32>,
    /// Seconds.
    pub max_runtime_seconds: Option<i32>,
}

impl Asked {
    /// What tells `self`, which was before, from `ours`; `None` where nothing does.
    #[must_use]
    pub fn difference(&self, ours: &Self) -> Option<String> {
        let facts = self.facts().into_iter().zip(ours.facts());
        facts
            .filter_map(|((what, theirs), (_, ours))| Some((what, theirs?, ours?)))
            .find(|(_, theirs, ours)| theirs != ours)
            .map(|(what, theirs, ours)| format!("its {what} is {theirs}, ours is {ours}"))
    }

    fn facts(&self) -> [(&'static str, Option<String>); 9] {
        let number = |number: Option<i32>| number.map(|number| number.to_string());
        [
            ("image", Some(self.image.clone())),
            ("commit", self.commit.clone()),
            ("role", self.role.clone()),
            ("input", self.input.clone()),
            ("output", self.output.clone()),
            ("instance type", self.instance_type.clone()),
            ("number of instances", number(self.instance_count)),
            ("volume size", number(self.volume_gib)),
            ("longest run", number(self.max_runtime_seconds)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named_and_what_is_unknown_is_none() {
        let ours = Asked {
            image: "iris@sha256:1f".to_owned(),
            role: Some("arn:aws:iam::123456789012:role/training".to_owned()),
            instance_count: Some(1),
            ..Asked::default()
        };
        assert_eq!(ours.difference(&ours), None);
        let older = Asked {
            image: ours.image.clone(),
            ..Asked::default()
        };
        assert_eq!(older.difference(&ours), None);
        let more = Asked {
            instance_count: Some(2),
            ..ours.clone()
        };
        assert_eq!(
            more.difference(&ours).as_deref(),
            Some("its number of instances is 2, ours is 1")
        );
        let other = Asked {
            image: "iris@sha256:2e".to_owned(),
            ..more
        };
        assert_eq!(
            other.difference(&ours).as_deref(),
            Some("its image is iris@sha256:2e, ours is iris@sha256:1f")
        );
    }
}
