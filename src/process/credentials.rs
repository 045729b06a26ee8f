//! Which environment variables other code has no business with.

use crate::secret::without_url_credentials;

/// `environment` without what a setup.py has no business with: cloud and registry credentials, tokens, index settings.
pub(crate) fn without_credentials(environment: &[(String, String)]) -> Vec<(String, String)> {
    environment
        .iter()
        .filter(|(name, value)| !is_credential(name, value))
        .cloned()
        .collect()
}

/// Whether an installer of packages or the way to its index needs the variable, credentials included.
pub(crate) fn concerns_installer(name: &str) -> bool {
    let name = name.to_uppercase();
    name.starts_with("PIP_")
        || name.starts_with("UV_")
        || name.ends_with("_PROXY")
        || ["NETRC", "SSH_AUTH_SOCK"].contains(&name.as_str())
}

/// Whether the variable is a credential, or steers a program that setup.py has no business with.
pub(crate) fn is_credential(name: &str, value: &str) -> bool {
    const PREFIXES: [&str; 9] = [
        "AWS_", "PIP_", "UV_", "DOCKER_", "TWINE_", "GITHUB_", "GITLAB_", "SGBUILD_", "PYTHON",
    ];
    const SUFFIXES: [&str; 4] = ["_KEY", "_PAT", "_PASS", "_PWD"];
    const WORDS: [&str; 11] = [
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "CREDENTIAL",
        "APIKEY",
        "API_KEY",
        "ACCESS_KEY",
        "NETRC",
        "AUTH",
    ];
    let name = name.to_uppercase();
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
        || WORDS.iter().any(|word| name.contains(word))
        || without_url_credentials(value) != value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_do_not_reach_python() {
        let pairs = [
            ("AWS_PROFILE", "x"),
            ("MY_TOKEN", "x"),
            ("INDEX", "https://a:b@c/"),
            ("OPENAI_KEY", "x"),
            ("SSH_AUTH_SOCK", "/run/agent"),
            ("PATH", "/bin"),
            ("LANG", "C"),
        ];
        let given: Vec<_> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let left: Vec<_> = without_credentials(&given).into_iter().map(|(name, _)| name).collect();
        assert_eq!(left, ["PATH", "LANG"]);
    }
}
