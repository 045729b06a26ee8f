//! What an Amazon ECR host name says.

use crate::oci::Repository;

/// The parts of a private ECR registry's host name, `ACCOUNT.dkr.ecr.REGION.amazonaws.com`
/// ([Amazon ECR endpoints](https://docs.aws.amazon.com/general/latest/gr/ecr.html)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcrHost {
    /// Twelve digits.
    pub account: String,
    /// Such as `eu-central-1`.
    pub region: String,
    /// The host is a FIPS endpoint.
    pub fips: bool,
    /// The host answers on IPv6 too (`dkr-ecr`, `.on.aws`).
    pub dual_stack: bool,
}

/// The domains ECR registries live under, and whether hosts under it are the dual-stack kind.
const DOMAINS: [(&str, bool); 9] = [
    ("amazonaws.com", false),
    ("amazonaws.com.cn", false),
    ("amazonaws.eu", false),
    ("c2s.ic.gov", false),
    ("sc2s.sgov.gov", false),
    ("cloud.adc-e.uk", false),
    ("csp.hci.ic.gov", false),
    ("on.aws", true),
    ("on.amazonwebservices.com.cn", true),
];

impl EcrHost {
    /// What the host of `repository` says of itself; `None` for every other registry, the ECR public gallery included.
    #[must_use]
    pub fn of(repository: &Repository) -> Option<Self> {
        Self::parse(&repository.host)
    }

    /// Reads `host`; `None` where it is not a private ECR registry (a port makes it none: ECR has no other than 443).
    #[must_use]
    pub fn parse(host: &str) -> Option<Self> {
        let (account, rest) = host.split_once('.')?;
        if !is_account(account) {
            return None;
        }
        let (service, rest, dual_stack) = match rest.strip_prefix("dkr.") {
            Some(rest) => (rest.split_once('.')?.0, rest.split_once('.')?.1, false),
            None => (
                rest.strip_prefix("dkr-")?.split_once('.')?.0,
                rest.split_once('.')?.1,
                true,
            ),
        };
        let fips = match service {
            "ecr" => false,
            "ecr-fips" => true,
            _ => return None,
        };
        let (region, domain) = rest.split_once('.')?;
        if !is_region(region) || !DOMAINS.contains(&(domain, dual_stack)) {
            return None;
        }
        Some(Self {
            account: account.to_owned(),
            region: region.to_owned(),
            fips,
            dual_stack,
        })
    }

    /// The registry's ordinary host of `account` in `region`.
    #[must_use]
    pub fn host(account: &str, region: &str) -> String {
        format!("{account}.dkr.ecr.{region}.{}", domain_suffix(region))
    }

    /// The ARN of the repository `name` in this registry, as IAM policies name it.
    #[must_use]
    pub fn repository_arn(&self, name: &str) -> String {
        format!(
            "arn:{}:ecr:{}:{}:repository/{name}",
            partition(&self.region),
            self.region,
            self.account
        )
    }
}

/// Whether this is the id of an AWS account: twelve digits.
#[must_use]
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|c| c.is_ascii_digit())
}

/// Whether this may be the name of an AWS region: small letters and digits, joined by hyphens.
#[must_use]
pub fn is_region(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    text.len() <= 63 && text.contains('-') && text.split('-').all(is_word)
}

/// The [partition](https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html) that a
/// region belongs to, such as `aws` or `aws-cn`.
#[must_use]
pub fn partition(region: &str) -> &'static str {
    by_region(region).0
}

/// The domain under which a region's ECR registries live, such as `amazonaws.com`.
#[must_use]
pub fn domain_suffix(region: &str) -> &'static str {
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

    #[test]
    fn a_host_gives_account_and_region() {
        let host = EcrHost::parse("123456789012.dkr.ecr.eu-central-1.amazonaws.com").unwrap();
        assert_eq!(
            (host.account.as_str(), host.region.as_str(), host.fips),
            ("123456789012", "eu-central-1", false)
        );
        assert_eq!(
            host.repository_arn("team/iris"),
            "arn:aws:ecr:eu-central-1:123456789012:repository/team/iris"
        );
        assert!(
            EcrHost::parse("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com")
                .unwrap()
                .fips
        );
        assert_eq!(
            EcrHost::parse("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn")
                .unwrap()
                .repository_arn("a"),
            "arn:aws-cn:ecr:cn-north-1:123456789012:repository/a"
        );
        let dual = EcrHost::parse("123456789012.dkr-ecr.us-east-1.on.aws").unwrap();
        assert!(dual.dual_stack && !dual.fips);
        assert!(
            EcrHost::parse("123456789012.dkr-ecr-fips.us-east-1.on.aws")
                .unwrap()
                .fips
        );
    }

    #[test]
    fn look_alikes_are_not_ecr() {
        for host in [
            "public.ecr.aws",
            "docker.io",
            "12345678901.dkr.ecr.us-east-1.amazonaws.com",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.example",
            "123456789012.dkr.ecr.us-east-1.evil.example",
            "123456789012.dkr.ecr.amazonaws.com",
            "123456789012.dkr.s3.us-east-1.amazonaws.com",
            "123456789012.dkr-ecr.us-east-1.amazonaws.com",
            "123456789012.dkr.ecr.us-east-1.on.aws",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com:444",
        ] {
            assert_eq!(EcrHost::parse(host), None, "{host}");
        }
    }

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

    #[test]
    fn hosts_are_made_for_every_partition_and_read_back() {
        for (region, end) in [
            ("us-east-1", "us-east-1.amazonaws.com"),
            ("us-gov-east-1", "us-gov-east-1.amazonaws.com"),
            ("cn-northwest-1", "cn-northwest-1.amazonaws.com.cn"),
            ("us-iso-east-1", "us-iso-east-1.c2s.ic.gov"),
            ("us-isob-east-1", "us-isob-east-1.sc2s.sgov.gov"),
            ("eusc-de-east-1", "eusc-de-east-1.amazonaws.eu"),
        ] {
            let host = EcrHost::host("123456789012", region);
            assert_eq!(host, format!("123456789012.dkr.ecr.{end}"));
            assert_eq!(EcrHost::parse(&host).unwrap().region, region);
        }
    }
}
