//! Which environment variables are kept from other people's code.
//!
//! A name is read word by word, so that `AUTHOR_NAME`, `KEYBOARD` and `TOKENIZERS_PARALLELISM` are none, and `SSHPASS`, `CI_JOB_JWT`
//! and `OPENAIKEY` are. Whatever the name, a value that can only be a credential is one.

use crate::secret::has_url_credentials;

/// `environment` without what a setup.py should not see: credentials of clouds and registries, tokens, settings of package indexes.
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
        // git fetches for it, and these are one setting together.
        || name.starts_with("GIT_CONFIG_")
        || name.ends_with("_PROXY")
        || ["NETRC", "SSH_AUTH_SOCK"].contains(&name.as_str())
}

/// Whether the variable is a credential, or belongs to a program whose settings setup.py should not see.
pub(crate) fn is_credential(name: &str, value: &str) -> bool {
    let name = name.to_uppercase();
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || name
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(|word| is_telling(word, &name))
        || PAIRS.iter().any(|pair| name.contains(pair))
        || holds_credential(value)
}

/// How the variables of programs and services begin that a build should not see.
const PREFIXES: [&str; 31] = [
    "ACTIONS_",
    "AWS_",
    "AZURE_",
    "BASH_FUNC_",
    "CARGO_REGISTR",
    "CLOUDSDK_",
    "CODEBUILD_AUTH",
    "DATABRICKS_",
    "DOCKER_",
    "GCP_",
    "GH_",
    "GITHUB_",
    "GITLAB_",
    "GIT_CONFIG_",
    "GNUPG",
    "GOOGLE_",
    "GPG_",
    "HF_",
    "HUGGING",
    "KUBE",
    "NPM_",
    "OP_SERVICE",
    "PIP_",
    "PYTHON",
    "SGBUILD_",
    "SOPS_",
    "SSH_",
    "TWINE_",
    "UV_",
    "VAULT_",
    "WANDB_",
];

/// Words that mean a credential.
const WORDS: [&str; 38] = [
    "ASKPASS",
    "AUTH",
    "AUTHENTICATION",
    "AUTHORIZATION",
    "AUTHTOKEN",
    "BEARER",
    "CONNSTR",
    "COOKIE",
    "COOKIES",
    "CRED",
    "CREDS",
    "DSN",
    "HTPASSWD",
    "JWT",
    "KEY",
    "KEYS",
    "KEYSTORE",
    "KEYTAB",
    "NETRC",
    "OTP",
    "PASS",
    "PASSCODE",
    "PASSFILE",
    "PAT",
    "PEM",
    "PFX",
    "PGPASSFILE",
    "PIN",
    "PRIVATE",
    "PWD",
    "SALT",
    "SAS",
    "SESSION",
    "SIGNATURE",
    "SIGNING",
    "TOTP",
    "WEBHOOK",
    "WEBHOOKS",
];
/// What means a credential wherever it stands in a word.
const PARTS: [&str; 9] = [
    "ACCESSKEY",
    "APIKEY",
    "CREDENTIAL",
    "OAUTH",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "PRIVKEY",
    "SECRET",
];
/// What means a credential at the end of a longer word, such as `OPENAIKEY`.
const ENDS: [&str; 10] = [
    "AUTH", "COOKIE", "CREDS", "JWT", "KEY", "PASS", "PWD", "TOKEN", "TOKENS", "WEBHOOK",
];
/// Words that end like these and mean something else.
const INNOCENT: [&str; 12] = [
    "BYPASS",
    "COMPASS",
    "DONKEY",
    "HOCKEY",
    "HOTKEY",
    "JOCKEY",
    "MONKEY",
    "OLDPWD",
    "PASSKEY",
    "TURKEY",
    "UNDERPASS",
    "WHISKEY",
];
/// Pairs of words that mean a credential.
const PAIRS: [&str; 2] = ["CONNECTION_STRING", "CONN_STR"];

fn is_telling(word: &str, name: &str) -> bool {
    // The shell's own, and no part of another name.
    if INNOCENT.contains(&word) || name == "PWD" {
        return false;
    }
    WORDS.contains(&word)
        || PARTS.iter().any(|part| word.contains(part))
        || ENDS.iter().any(|end| word.ends_with(end))
        // Not those of TOKENIZERS.
        || (word.starts_with("TOKEN") && !word.starts_with("TOKENI"))
}

/// What tokens of well-known services begin with, and the shortest that one is.
const TOKENS: [(&str, usize); 30] = [
    ("AIza", 30),
    ("AKIA", 20),
    ("ASIA", 20),
    ("SG.", 30),
    ("dapi", 32),
    ("dckr_pat_", 20),
    ("dop_v1_", 20),
    ("eyJ", 30),
    ("gho_", 20),
    ("ghp_", 20),
    ("ghr_", 20),
    ("ghs_", 20),
    ("ghu_", 20),
    ("github_pat_", 20),
    ("gldt-", 16),
    ("glpat-", 16),
    ("glrt-", 16),
    ("glsa_", 20),
    ("hf_", 20),
    ("hvs.", 20),
    ("npm_", 30),
    ("pypi-", 30),
    ("rk_live_", 16),
    ("shpat_", 20),
    ("sk-", 20),
    ("sk_live_", 16),
    ("xoxa-", 16),
    ("xoxb-", 16),
    ("xoxp-", 16),
    ("ya29.", 20),
];
/// What stands before a credential in a longer value, in small letters.
const ANNOUNCED: [&str; 12] = [
    "accountkey=",
    "apikey=",
    "api_key=",
    "authorization:",
    "passwd=",
    "password=",
    "private key-----",
    "\"private_key\"",
    "pwd=",
    "secret=",
    "sharedaccesskey=",
    "token=",
];

fn holds_credential(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    lower.starts_with("bearer ")
        || lower.starts_with("basic ")
        || ANNOUNCED.iter().any(|before| lower.contains(before))
        || value
            .split(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c)))
            .any(is_token)
        || has_url_credentials(value)
}

fn is_token(word: &str) -> bool {
    let known = |(begin, shortest): &(&str, usize)| word.starts_with(begin) && word.len() >= *shortest;
    TOKENS.iter().any(known)
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

    #[test]
    fn names_of_credentials() {
        for name in [
            "SSHPASS",
            "CI_JOB_JWT",
            "CI_JOB_JWT_V2",
            "BEARER",
            "MY_BEARER",
            "OPENAIKEY",
            "GHTOKEN",
            "SENTRY_DSN",
            "DB_CONNECTION_STRING",
            "SLACK_WEBHOOK_URL",
            "COOKIE",
            "SESSION_COOKIE",
            "AZDO_PAT",
            "PRIVATE_PEM",
            "SIGNING_CERT",
            "USER_PIN",
            "DEVICE_OTP",
            "HASH_SALT",
            "VAULT_ADDR",
            "npm_config_//registry/:_authToken",
            "CARGO_REGISTRIES_X_INDEX",
            "HF_HOME",
            "WANDB_MODE",
            "DATABRICKS_HOST",
            "AZURE_CLIENT_ID",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "GCP_PROJECT",
            "KUBECONFIG",
            "SSH_ASKPASS",
            "GPG_TTY",
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            "CODEBUILD_AUTH_TOKEN",
            "BASH_FUNC_x%%",
            "GIT_CONFIG_VALUE_0",
            "REDISCLI_AUTH",
            "PGPASSWORD",
            "PGPASSFILE",
            "MYSQL_PWD",
            "DBPWD",
            "STORAGE_SAS",
            "my-token",
            "app.secret",
            "OAUTH2_CLIENT",
            "XAUTHTOKEN",
            "SYSTEM_ACCESSTOKEN",
            "GH_HOST",
            "MY_PRIVATE",
            "LICENSE_KEY_FILE",
            "NETRC",
        ] {
            assert!(is_credential(name, "x"), "{name}");
        }
    }

    #[test]
    fn what_a_build_needs_is_seen() {
        for name in [
            "MAX_JOBS",
            "CC",
            "CFLAGS",
            "KEYBOARD",
            "MONKEY",
            "MONKEY_PATCH",
            "AUTHOR_NAME",
            "GIT_AUTHOR_NAME",
            "PWD",
            "OLDPWD",
            "HOME",
            "TOKENIZERS_PARALLELISM",
            "BYPASS_CACHE",
            "COMPASS",
            "PATTERN",
            "PATH",
            "LD_LIBRARY_PATH",
            "CUDA_HOME",
            "TORCH_CUDA_ARCH_LIST",
            "SETUPTOOLS_SCM_PRETEND_VERSION",
            "SSL_CERT_FILE",
            "CODEBUILD_BUILD_NUMBER",
            "CI",
            "CI_JOB_ID",
            "PINNED",
            "SPIN",
            "DISPLAY",
            "SOURCE_DATE_EPOCH",
            "PKG_CONFIG_PATH",
            "PRIVATELY",
            "KEYWORDS",
            "TERM",
            "LC_ALL",
            "CMAKE_ARGS",
            "RUSTFLAGS",
        ] {
            assert!(!is_credential(name, "1"), "{name}");
        }
    }

    #[test]
    fn values_that_can_only_be_credentials() {
        for value in [
            "-----BEGIN OPENSSH PRIVATE KEY-----\nabc",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
            "ghp_0123456789abcdefghijABCDEFGHIJ012345",
            "--token=glpat-0123456789abcdefghij",
            "AKIAIOSFODNN7EXAMPLE",
            "xoxb-0123456789-0123456789",
            "Bearer abc",
            "Authorization: Basic bWU6cHc=",
            "Server=db;User=me;Password=hunter2",
            "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=YWJj",
            "{\"type\": \"service_account\", \"private_key\": \"x\"}",
            "https://me:pa\"ss@host/",
            "me:hunter2@proxy:3128",
        ] {
            assert!(is_credential("HARMLESS", value), "{value}");
        }
        for value in [
            "/usr/bin:/bin",
            "-O2 -g",
            "sk-short",
            "eyJ",
            "https://host.example/simple",
            "registry.example/app:1.0@sha256:0123",
            "-----BEGIN CERTIFICATE-----\nabc",
            "me@host.example",
        ] {
            assert!(!is_credential("HARMLESS", value), "{value}");
        }
    }
}
