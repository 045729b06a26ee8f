//! What texts of the further fields must look like, as [`rules`](super::rules) say it of what every training has.

use crate::aws::is_account;
use crate::shown::quoted;

/// The name of a channel ([Channel](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Channel.html)).
pub(crate) fn channel_name(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if (1..=64).contains(&name.len()) && name.chars().all(allowed) {
        return Ok(());
    }
    Err(format!(
        "{} is not a channel's name: 1 to 64 letters, digits and . _ -",
        quoted(name)
    ))
}

/// A KMS key: its id, its ARN, or its alias.
pub(crate) fn kms_key(key: &str) -> Result<(), String> {
    let word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "/_-".contains(c));
    let is_arn = || match key.split(':').collect::<Vec<_>>()[..] {
        ["arn", _, "kms", _, account, resource] => {
            let name = resource.strip_prefix("key/").or(resource.strip_prefix("alias/"));
            is_account(account) && name.is_some_and(word)
        }
        _ => false,
    };
    let name = key.strip_prefix("alias/").unwrap_or(key);
    if word(name) || is_arn() {
        return Ok(());
    }
    Err(format!(
        "{} is not a KMS key: its id, its ARN, or alias/NAME",
        quoted(key)
    ))
}

/// The id of a subnet.
pub(crate) fn subnet(id: &str) -> Result<(), String> {
    resource_id(id, "subnet-", "a subnet")
}

/// The id of a security group.
pub(crate) fn security_group(id: &str) -> Result<(), String> {
    resource_id(id, "sg-", "a security group")
}

/// EC2's ids: what they are of, and hexadecimal digits.
fn resource_id(id: &str, prefix: &str, what: &str) -> Result<(), String> {
    let digits = id.strip_prefix(prefix).unwrap_or_default();
    if (8..=17).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err(format!(
        "{} is not the id of {what}, such as {prefix}0a1b2c3d4e5f60718",
        quoted(id)
    ))
}

/// The ARN of a [training plan](https://docs.aws.amazon.com/sagemaker/latest/dg/reserve-capacity-with-training-plans.html).
pub(crate) fn training_plan(arn: &str) -> Result<(), String> {
    match arn.split(':').collect::<Vec<_>>()[..] {
        ["arn", _, "sagemaker", _, account, plan] if is_account(account) && plan.starts_with("training-plan/") => {
            Ok(())
        }
        _ => Err(format!(
            "{} is not the ARN of a training plan, such as arn:aws:sagemaker:us-west-2:123456789012:training-plan/mine",
            quoted(arn)
        )),
    }
}

/// A directory of the training container.
pub(crate) fn container_path(path: &str) -> Result<(), String> {
    if path.starts_with('/') {
        return Ok(());
    }
    Err(format!(
        "{} is not a directory of the container: it begins with /",
        quoted(path)
    ))
}

/// The name of a variable in the training container.
pub(crate) fn variable_name(name: &str) -> Result<(), String> {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    if (1..=512).contains(&name.len())
        && name.starts_with(letter)
        && name.chars().all(|c| letter(c) || c.is_ascii_digit())
    {
        return Ok(());
    }
    Err(format!(
        "{} is not a variable's name: letters, digits and _",
        quoted(name)
    ))
}

/// Key or value of a [tag](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Tag.html).
pub(crate) fn tag_text(text: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_alphanumeric() || c.is_whitespace() && !c.is_control() || "_.:/=+-@".contains(c);
    if text.chars().all(allowed) {
        return Ok(());
    }
    Err(format!(
        "{} is not a text of a tag: letters, digits, blanks and _ . : / = + - @",
        quoted(text)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        for good in [
            "1234abcd-12ab-34cd-56ef-1234567890ab",
            "alias/models",
            "arn:aws:kms:us-west-2:111122223333:key/1234abcd",
            "arn:aws-cn:kms:cn-north-1:111122223333:alias/a/b",
        ] {
            assert_eq!(kms_key(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "alias/",
            "my key",
            "arn:aws:kms:us-west-2:1:key/a",
            "arn:aws:s3:::b",
            "arn:aws:kms:x:111122223333:role/a",
        ] {
            assert!(kms_key(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ids_and_plans() {
        assert!(subnet("subnet-0a1b2c3d").is_ok() && security_group("sg-0a1b2c3d4e5f60718").is_ok());
        for bad in [
            "",
            "subnet-",
            "subnet-0a1b",
            "vpc-0a1b2c3d",
            "sg-0a1b2c3d",
            "subnet-0a1b2c3g",
            "subnet-0a1b2c3d,subnet-0a1b2c3e",
        ] {
            assert!(subnet(bad).is_err(), "{bad}");
        }
        assert!(training_plan("arn:aws:sagemaker:us-west-2:123456789012:training-plan/mine").is_ok());
        assert!(training_plan("arn:aws:sagemaker:us-west-2:123456789012:training-job/mine").is_err());
        assert!(training_plan("mine").is_err());
    }

    #[test]
    fn names_and_paths() {
        assert!(
            channel_name("a.b-c_1").is_ok() && channel_name(&"c".repeat(65)).is_err() && channel_name("a/b").is_err()
        );
        assert!(variable_name("_A1").is_ok() && variable_name("1A").is_err() && variable_name("").is_err());
        assert!(container_path("/opt/ml/saved").is_ok() && container_path("saved").is_err());
        assert!(tag_text("Größe 1 +-=._:/@").is_ok() && tag_text("a&b").is_err() && tag_text("a\tb").is_err());
    }
}
