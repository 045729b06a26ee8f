//! What follows from the name of an AWS region.

use aws_config::SdkConfig;

/// The region that `sdk_config` works in; empty where none is configured.
#[must_use]
pub(crate) fn configured(sdk_config: &SdkConfig) -> String {
    sdk_config.region().map(ToString::to_string).unwrap_or_default()
}

/// The region that an [ARN](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html) names; `None` of another text, and where it
/// names none.
#[must_use]
pub(crate) fn of_arn(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:")?
        .split(':')
        .nth(2)
        .filter(|region| !region.is_empty())
}

/// Whether this may be the name of an AWS region: small letters and digits, joined by hyphens.
#[must_use]
pub(crate) fn is_region(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    text.len() <= 63 && text.contains('-') && text.split('-').all(is_word)
}

/// The [partition](https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html) that a
/// region belongs to, such as `aws` or `aws-cn`.
#[must_use]
pub(crate) fn partition(region: &str) -> &'static str {
    by_region(region).0
}

/// The domain under which a region's ECR registries live, such as `amazonaws.com`.
#[must_use]
pub(crate) fn domain_suffix(region: &str) -> &'static str {
    by_region(region).1
}

fn by_region(region: &str) -> (&'static str, &'static str) {
    const PREFIXES: [(&str, &str, &str); 7] = [
        ("cn-", "aws-cn", "amazonaws.com.cn"),
        ("us-gov-", "aws-us-gov", "amazonaws.com"),
        ("us-iso-", "aws-iso", "c2s.ic.gov"),
        ("us-isob-", "aws-iso-b", "sc2s.sgov.gov"),
        ("eu-isoe-", "aws-iso-e", "cloud.adc-e.uk"),
        ("us-isof-", "aws-iso-f", "csp.hci.ic.gov"),
        ("eusc-", "aws-eusc", "amazonaws.eu"),
    ];
    PREFIXES
        .iter()
        .find(|(prefix, ..)| region.starts_with(prefix))
        .map_or(("aws", "amazonaws.com"), |(_, partition, suffix)| (partition, suffix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::is_account;

    #[test]
    fn a_region_is_one_label_of_a_host_and_an_account_twelve_digits() {
        for region in ["us-east-1", "us-gov-west-1", "eusc-de-east-1", "ap-southeast-7"] {
            assert!(is_region(region), "{region}");
        }
        for region in [
            "",
            "local",
            "us-east-1.",
            "x.evil.example/",
            "us-east-1/",
            "us-east-1@evil",
            "-a",
            "a-",
            "US-EAST-1",
            "us east-1",
            "us-east-1\n",
        ] {
            assert!(!is_region(region), "{region:?}");
        }
        assert!(is_account("123456789012"));
        for account in [
            "",
            "12345678901",
            "1234567890123",
            "12345678901a",
            "evil.example/",
            "１２３４５６７８９０１２",
        ] {
            assert!(!is_account(account), "{account:?}");
        }
    }
}
