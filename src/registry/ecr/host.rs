//! What an Amazon ECR host name says.

use crate::aws::is_account;
use crate::aws::region::{domain_suffix, is_region, partition};
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
