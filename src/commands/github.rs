//! The GitHub repository that a checkout came from, and what may read it.

use crate::settings::Environment;

/// Where git's remote points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remote {
    pub(super) host: String,
    pub(super) owner: String,
    pub(super) repository: String,
}

impl Remote {
    /// Reads `https://HOST/OWNER/REPOSITORY.git`, `ssh://git@HOST/…` and `git@HOST:OWNER/REPOSITORY`.
    pub(super) fn parse(url: &str) -> Option<Self> {
        let (host, path) = match url.split_once("://") {
            Some((_, rest)) => rest.split_once('/')?,
            None => url.split_once(':')?,
        };
        let host = host.rsplit('@').next()?.split(':').next()?;
        let (owner, repository) = path.trim_matches('/').split_once('/')?;
        let repository = repository.strip_suffix(".git").unwrap_or(repository);
        let is_plain = !host.is_empty() && !owner.is_empty() && !repository.is_empty() && !repository.contains('/');
        is_plain.then(|| Self {
            host: host.to_owned(),
            owner: owner.to_owned(),
            repository: repository.to_owned(),
        })
    }

    /// The server that CodeBuild would fetch from. `None` where the host is no domain, but a name of this machine's SSH configuration
    /// (`github-work`, `github.com-work`), which says nothing to others.
    pub(super) fn server(&self) -> Option<&str> {
        match self.host.as_str() {
            // GitHub's SSH behind a firewall:
            // https://docs.github.com/en/authentication/troubleshooting-ssh/using-ssh-over-the-https-port
            "ssh.github.com" | "www.github.com" => Some("github.com"),
            host => {
                let (_, top) = host.rsplit_once('.')?;
                let is_domain = !top.is_empty() && top.bytes().all(|byte| byte.is_ascii_alphanumeric());
                is_domain.then_some(host)
            }
        }
    }
}

/// The token of the environment. It is no setting, so that no file holds it and `sgbuild settings` does not show it.
pub(super) fn token(environment: &Environment) -> Option<&str> {
    environment
        .get("SGBUILD_GITHUB_TOKEN")
        .or_else(|| environment.get("GITHUB_TOKEN"))
}

/// A name of small letters, digits and single hyphens that begins with a letter, at most `length` long: what bucket,
/// repository, function and job names all allow.
pub(super) fn plain_name(name: &str, length: usize) -> String {
    let mut plain = String::new();
    for character in name.chars().map(|c| c.to_ascii_lowercase()) {
        if character.is_ascii_alphanumeric() {
            plain.push(character);
        } else if !plain.is_empty() && !plain.ends_with('-') {
            plain.push('-');
        }
    }
    let begins = plain.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(plain.len());
    let kept: String = plain.chars().skip(begins).take(length).collect();
    match kept.trim_end_matches('-') {
        "" => "sgbuild".to_owned(),
        kept => kept.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remotes_of_every_form() {
        for url in [
            "https://github.com/acme/Iris_classifier.git",
            "https://github.com/acme/Iris_classifier/",
            "git@github.com:acme/Iris_classifier.git",
            "ssh://git@github.com:22/acme/Iris_classifier.git",
        ] {
            let remote = Remote::parse(url).unwrap();
            assert_eq!(
                (remote.host.as_str(), remote.owner.as_str(), remote.repository.as_str()),
                ("github.com", "acme", "Iris_classifier"),
                "{url}"
            );
        }
        for url in ["/srv/git/iris.git", "../iris", "https://gitlab.example/a/b/c.git"] {
            assert_eq!(Remote::parse(url), None, "{url}");
        }
    }

    #[test]
    fn a_name_of_ssh_is_no_server() {
        for (url, server) in [
            ("https://github.com/acme/iris.git", Some("github.com")),
            ("ssh://git@ssh.github.com:443/acme/iris.git", Some("github.com")),
            ("git@github.acme.example:acme/iris.git", Some("github.acme.example")),
            ("https://10.0.0.7/acme/iris.git", Some("10.0.0.7")),
            ("git@github-work:acme/iris.git", None),
            ("git@github.com-work:acme/iris.git", None),
            ("ssh://git@work/acme/iris", None),
            ("git@github.:acme/iris", None),
        ] {
            let remote = Remote::parse(url).unwrap();
            assert_eq!(remote.server(), server, "{url}");
        }
    }

    #[test]
    fn plain_names_fit_everywhere() {
        assert_eq!(plain_name("Iris_Classifier", 22), "iris-classifier");
        assert_eq!(
            plain_name("2024--forecast of demand, north", 22),
            "forecast-of-demand-nor"
        );
        assert_eq!(plain_name("a-2-3-4-5-6-7-8-9-10-11-12", 22), "a-2-3-4-5-6-7-8-9-10-1");
        assert_eq!(plain_name("___", 22), "sgbuild");
    }
}
