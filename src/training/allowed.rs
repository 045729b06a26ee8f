//! What a function may be asked to train with. The stack says so in the function's environment.

use crate::aws::is_account;
use crate::shown::{first_of, quoted};

use super::vocabulary::{FURTHER, image_repository};
use super::{Training, fields};

/// The list that allows nothing.
const NONE: &str = "none";
const SUBNETS: &str = "VpcConfig.Subnets[]";
const SECURITY_GROUPS: &str = "VpcConfig.SecurityGroupIds[]";

/// Which roles, images, buckets, keys and networks are allowed; `None` is any.
///
/// Without a list of roles or of keys, every one of the function's own account is allowed. Nobody can
/// [pass](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html) a role of another account to SageMaker.
/// A list of subnets that has some is where every training is: one without a network is none of the function's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed {
    /// `SGBUILD_ALLOWED_ROLES`: the ARNs of training roles.
    pub roles: Option<Vec<String>>,
    /// `SGBUILD_ALLOWED_IMAGES`: repositories, whole, such as `123456789012.dkr.ecr.us-west-2.amazonaws.com/iris`.
    pub images: Option<Vec<String>>,
    /// `SGBUILD_ALLOWED_INPUTS`: where data comes from, such as `s3://bucket/input/`, and everything below.
    pub inputs: Option<Vec<String>>,
    /// `SGBUILD_ALLOWED_OUTPUTS`: where models go, such as `s3://bucket/`, and everything below.
    pub outputs: Option<Vec<String>>,
    /// `SGBUILD_ALLOWED_KEYS`: the ARNs of KMS keys.
    pub keys: Option<Vec<String>>,
    /// `SGBUILD_ALLOWED_SUBNETS`: their ids.
    pub subnets: Option<Vec<String>>,
    /// `SGBUILD_ALLOWED_SECURITY_GROUPS`: their ids.
    pub security_groups: Option<Vec<String>>,
    /// `SGBUILD_ALLOWED_TRAINING_PLANS`: their ARNs.
    pub training_plans: Option<Vec<String>>,
    /// The function's own account, where it is known.
    pub account: Option<String>,
}

impl Allowed {
    /// Reads the lists through `get`: entries with blanks between them. A list without an entry, or `none`, allows nothing.
    #[must_use]
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let list = |name: &str| {
            let text = get(name)?;
            let entries = text.split_whitespace().filter(|entry| *entry != NONE);
            Some(entries.map(ToOwned::to_owned).collect::<Vec<_>>())
        };
        Self {
            roles: list("SGBUILD_ALLOWED_ROLES"),
            images: list("SGBUILD_ALLOWED_IMAGES"),
            inputs: list("SGBUILD_ALLOWED_INPUTS"),
            outputs: list("SGBUILD_ALLOWED_OUTPUTS"),
            keys: list("SGBUILD_ALLOWED_KEYS"),
            subnets: list("SGBUILD_ALLOWED_SUBNETS"),
            security_groups: list("SGBUILD_ALLOWED_SECURITY_GROUPS"),
            training_plans: list("SGBUILD_ALLOWED_TRAINING_PLANS"),
            account: None,
        }
    }

    /// What a function with this ARN may be asked: `arn:aws:lambda:REGION:ACCOUNT:function:NAME`.
    #[must_use]
    pub fn of_function(&self, arn: Option<&str>) -> Self {
        Self {
            account: arn.and_then(account_of).map(ToOwned::to_owned),
            ..self.clone()
        }
    }

    /// The same for a training that is not whole yet: what it does not say is not refused.
    #[must_use]
    pub(crate) fn for_what_is_said(mut self, training: &Training) -> Self {
        let said = |text: &str, list: Option<Vec<String>>| list.filter(|_| !text.is_empty());
        self.roles = said(&training.role, self.roles);
        self.images = said(&training.image, self.images);
        self.inputs = said(&training.input, self.inputs);
        self.outputs = said(&training.output, self.outputs);
        self
    }

    /// Every field of a payload that names what is not allowed, each as one line.
    pub(crate) fn problems(&self, training: &Training) -> Vec<String> {
        let checks = [
            ("source_bucket_uri", self.input(&training.input)),
            ("destination_bucket_uri", self.output(&training.output)),
            ("image", self.image(&training.image)),
            ("role", self.role(&training.role)),
        ];
        let refused = checks
            .into_iter()
            .filter_map(|(field, outcome)| Some((field, outcome.err()?)));
        let mut problems: Vec<String> = refused.map(|(field, problem)| format!("{field}: {problem}")).collect();
        problems.extend(first_of(self.further_problems(training)));
        problems
    }

    /// What the further fields name that is not allowed, wherever in them it is.
    fn further_problems(&self, training: &Training) -> Vec<String> {
        let leaves = training.further.as_ref().map(fields::leaves).unwrap_or_default();
        let is_in_network = leaves.iter().any(|leaf| leaf.path == SUBNETS);
        let refused = leaves.iter().filter_map(|leaf| {
            let problem = self.further_text(&leaf.path, leaf.value.as_str()?).err()?;
            Some(format!("{FURTHER}: {}: {problem}", leaf.place))
        });
        let mut problems: Vec<String> = refused.collect();
        if let Some([first, ..]) = self.subnets.as_deref().filter(|_| !is_in_network) {
            problems.push(format!(
                "{FURTHER}: VpcConfig: missing; SGBUILD_ALLOWED_SUBNETS has every training in a network, such as that of {first}"
            ));
        }
        problems
    }

    /// Whether the text at the field `path` may be there.
    fn further_text(&self, path: &str, text: &str) -> Result<(), String> {
        let same = |text: &str, allowed: &str| text == allowed;
        let name = path.rsplit('.').next().unwrap_or_default();
        match name {
            _ if path == SUBNETS => among(text, self.subnets.as_deref(), "SGBUILD_ALLOWED_SUBNETS", same),
            _ if path == SECURITY_GROUPS => among(
                text,
                self.security_groups.as_deref(),
                "SGBUILD_ALLOWED_SECURITY_GROUPS",
                same,
            ),
            "TrainingPlanArn" | "TrainingPlanArns[]" => {
                among(
                    text,
                    self.training_plans.as_deref(),
                    "SGBUILD_ALLOWED_TRAINING_PLANS",
                    same,
                )?;
                self.own(text)
            }
            "KmsKeyId" | "VolumeKmsKeyId" => {
                among(text, self.keys.as_deref(), "SGBUILD_ALLOWED_KEYS", same)?;
                self.own(text)
            }
            "RuleEvaluatorImage" => self.image(text),
            "S3OutputPath" => self.output(text),
            _ if path == "CheckpointConfig.S3Uri" => self.output(text),
            "S3Uri" => self.input(text),
            _ if path.ends_with("Parameters{}") && text.starts_with("s3://") => {
                self.input(text).or_else(|_| self.output(text))
            }
            _ if name.ends_with("Arn") => self.own(text),
            // What is told to the container is bounded by its role.
            _ => Ok(()),
        }
    }

    /// Whether an ARN is of the function's own account; any other text is.
    fn own(&self, text: &str) -> Result<(), String> {
        match (account_of(text), self.account.as_deref()) {
            (Some(theirs), Some(own)) if theirs != own => Err(format!(
                "{} is of the account {theirs}, and this function's account is {own}",
                quoted(text)
            )),
            _ => Ok(()),
        }
    }

    /// Whether data may come from `uri`.
    pub(crate) fn input(&self, uri: &str) -> Result<(), String> {
        among(uri, self.inputs.as_deref(), "SGBUILD_ALLOWED_INPUTS", is_below)
    }

    /// Whether models may go to `uri`.
    pub(crate) fn output(&self, uri: &str) -> Result<(), String> {
        among(uri, self.outputs.as_deref(), "SGBUILD_ALLOWED_OUTPUTS", is_below)
    }

    fn image(&self, image: &str) -> Result<(), String> {
        among(
            image,
            self.images.as_deref(),
            "SGBUILD_ALLOWED_IMAGES",
            |image, allowed| image_repository(image) == allowed,
        )
    }

    fn role(&self, role: &str) -> Result<(), String> {
        if self.roles.is_some() {
            return among(role, self.roles.as_deref(), "SGBUILD_ALLOWED_ROLES", |role, allowed| {
                role == allowed
            });
        }
        match (account_of(role), self.account.as_deref()) {
            (Some(theirs), Some(own)) if theirs != own => Err(format!(
                "{} is a role of the account {theirs}, and this function's account is {own}",
                quoted(role)
            )),
            _ => Ok(()),
        }
    }
}

fn among(
    value: &str,
    allowed: Option<&[String]>,
    variable: &str,
    matches: impl Fn(&str, &str) -> bool,
) -> Result<(), String> {
    let Some(allowed) = allowed else { return Ok(()) };
    if allowed.iter().any(|each| matches(value, each)) {
        return Ok(());
    }
    let listed = match allowed {
        [] => "is empty".to_owned(),
        some => format!("names {}", some.join(" ")),
    };
    Err(format!("{} is not what {variable} allows: it {listed}", quoted(value)))
}

/// Whether `uri` is `root`, or below it: `s3://b/input2` is not below `s3://b/input`.
fn is_below(uri: &str, root: &str) -> bool {
    let folder = |uri: &str| format!("{}/", uri.trim_end_matches('/'));
    folder(uri).starts_with(&folder(root))
}

/// The account in an ARN, `arn:partition:service:region:ACCOUNT:…`.
fn account_of(arn: &str) -> Option<&str> {
    let account = arn.strip_prefix("arn:")?.split(':').nth(3)?;
    Some(account).filter(|account| is_account(account))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:start-training";

    fn allowed(variables: &[(&str, &str)]) -> Allowed {
        let variables: std::collections::HashMap<&str, &str> = variables.iter().copied().collect();
        Allowed::read(|name| variables.get(name).map(|value| (*value).to_owned()))
    }

    #[test]
    fn what_is_below_a_folder_is_allowed_and_its_neighbours_are_not() {
        let allowed = allowed(&[("SGBUILD_ALLOWED_INPUTS", "s3://iris/input/ s3://other")]);
        for good in [
            "s3://iris/input",
            "s3://iris/input/data/training/",
            "s3://other",
            "s3://other/a",
        ] {
            assert_eq!(allowed.input(good), Ok(()), "{good}");
        }
        for bad in [
            "s3://iris/",
            "s3://iris/input2/",
            "s3://iris2/input/",
            "s3://others/",
            "S3://iris/input/",
        ] {
            assert!(allowed.input(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_image_is_of_the_repository_or_it_is_not() {
        let host = "123456789012.dkr.ecr.us-west-2.amazonaws.com";
        let allowed = allowed(&[("SGBUILD_ALLOWED_IMAGES", &format!("{host}/iris localhost:5000/iris"))]);
        for good in ["iris", "iris:1", "iris@sha256:00", "iris:1@sha256:00"] {
            assert_eq!(allowed.image(&format!("{host}/{good}")), Ok(()), "{good}");
            assert_eq!(allowed.image(&format!("localhost:5000/{good}")), Ok(()), "{good}");
        }
        for bad in ["iris2:1", "iris/evil:1", "evil@sha256:00", "IRIS"] {
            assert!(allowed.image(&format!("{host}/{bad}")).is_err(), "{bad}");
        }
        assert!(
            allowed
                .image("210987654321.dkr.ecr.us-west-2.amazonaws.com/iris")
                .is_err()
        );
        assert!(allowed.image(&format!("evil.example/{host}/iris")).is_err());
    }

    #[test]
    fn without_a_list_a_role_is_of_the_functions_own_account() {
        let open = allowed(&[]).of_function(Some(FUNCTION));
        assert_eq!(open.role("arn:aws:iam::123456789012:role/training"), Ok(()));
        assert_eq!(
            open.role("arn:aws:iam::999999999999:role/admin").unwrap_err(),
            "`arn:aws:iam::999999999999:role/admin` is a role of the account 999999999999, and this function's account is \
             123456789012"
        );
        assert_eq!(open.image("elsewhere/iris"), Ok(()));
        // The function's own ARN is not always known.
        for unknown in [None, Some(""), Some("arn:aws:lambda:eu-west-1:1:function:x")] {
            assert_eq!(allowed(&[]).of_function(unknown).account, None);
        }
    }

    #[test]
    fn a_list_decides_alone_and_an_empty_one_allows_nothing() {
        let role = "arn:aws:iam::123456789012:role/training";
        let listed = allowed(&[("SGBUILD_ALLOWED_ROLES", role)]).of_function(Some(FUNCTION));
        assert_eq!(listed.role(role), Ok(()));
        assert!(listed.role("arn:aws:iam::123456789012:role/training2").is_err());
        let none = allowed(&[("SGBUILD_ALLOWED_ROLES", " ")]);
        assert!(
            none.role(role)
                .unwrap_err()
                .ends_with("SGBUILD_ALLOWED_ROLES allows: it is empty")
        );
    }
}
