//! Which daemon: the `docker` command's own rules for `DOCKER_HOST`, contexts and TLS material.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::error::Error;
use crate::hex::hex;
use crate::reading::{self, SETTINGS_FILE};

/// Where the daemon listens when nothing says otherwise.
const DEFAULT_SOCKET: &str = "/var/run/docker.sock";

/// What the caller found in the environment about the daemon. The names are those of the
/// [`docker` command](https://docs.docker.com/reference/cli/docker/#environment-variables).
#[derive(Debug, Clone, Default)]
pub struct DockerSettings {
    /// `DOCKER_HOST`, such as `unix:///run/docker.sock`, `tcp://host:2376` or `ssh://me@host`. Decides over contexts.
    pub host: Option<String>,
    /// `DOCKER_CONTEXT`: the name of a context made with `docker context create`.
    pub context: Option<String>,
    /// `DOCKER_CONFIG`, else `~/.docker`: holds `config.json` and the contexts.
    pub config_dir: Option<PathBuf>,
    /// Whether `DOCKER_TLS_VERIFY` is set: a `tcp://` host is spoken to with TLS.
    pub tls_verify: bool,
    /// `DOCKER_CERT_PATH`: the directory of `ca.pem`, `cert.pem` and `key.pem`; `config_dir` when unset.
    pub cert_path: Option<PathBuf>,
    /// `DOCKER_BUILDKIT`: `0` asks for the classic builder, `1` for BuildKit; unset lets the daemon's abilities decide.
    pub buildkit: Option<bool>,
    /// `PATH`, by whose absolute entries `ssh` is found.
    pub path: Option<String>,
    /// The names of variables that `ssh` has no business with.
    pub withheld: Vec<String>,
}

/// A daemon's address and how to speak to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A Unix socket.
    Unix(PathBuf),
    /// Plain TCP.
    Tcp(Address),
    /// TCP with TLS, usually with a client certificate.
    Tls(Address, TlsMaterial),
    /// `docker system dial-stdio` on another machine, through the `ssh` program.
    Ssh(SshTarget),
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A name or an address; IPv6 without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Files with TLS material; absent files are simply not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsMaterial {
    /// The directory of `ca.pem`, `cert.pem` and `key.pem`.
    pub directory: PathBuf,
    /// `SkipTLSVerify` of a context: any server certificate will do.
    pub skip_verify: bool,
}

/// What `ssh` is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshTarget {
    /// The login name, if the URL has one.
    pub user: Option<String>,
    /// The host or the alias from `ssh_config`.
    pub host: String,
    /// The port, if the URL has one.
    pub port: Option<u16>,
    /// A socket path on that machine, if it is not the default.
    pub socket: Option<String>,
    /// `PATH`, by whose absolute entries the program is found, and which it sees.
    pub path: Option<String>,
    /// The names of variables that it does not see.
    pub withheld: Vec<String>,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(address) | Self::Tls(address, _) => write!(f, "tcp://{address}"),
            Self::Ssh(target) => {
                f.write_str("ssh://")?;
                if let Some(user) = &target.user {
                    write!(f, "{user}@")?;
                }
                f.write_str(&target.host)?;
                if let Some(port) = target.port {
                    write!(f, ":{port}")?;
                }
                f.write_str(target.socket.as_deref().unwrap_or_default())
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl Endpoint {
    /// The daemon that the `docker` command would use: `DOCKER_HOST`, else `DOCKER_CONTEXT`, else `currentContext` of
    /// `config.json`, else the default socket.
    ///
    /// # Errors
    /// [`Error::Host`] for an address that is not understood, [`Error::ContextMissing`] and [`Error::Configuration`] for
    /// contexts that are absent or unreadable.
    pub fn resolve(settings: &DockerSettings) -> Result<Self, Error> {
        let mut endpoint = Self::named(settings)?;
        if let Self::Ssh(target) = &mut endpoint {
            target.path.clone_from(&settings.path);
            target.withheld.clone_from(&settings.withheld);
        }
        Ok(endpoint)
    }

    fn named(settings: &DockerSettings) -> Result<Self, Error> {
        if let Some(host) = settings.host.as_deref().filter(|host| !host.trim().is_empty()) {
            let directory = settings.cert_path.clone().or(settings.config_dir.clone());
            let tls = settings.tls_verify.then_some(directory).map(|directory| TlsMaterial {
                directory: directory.unwrap_or_else(|| PathBuf::from("/etc/docker")),
                skip_verify: false,
            });
            return parse_host(host.trim(), "DOCKER_HOST", tls);
        }
        if let Some(name) = settings.context.as_deref().filter(|name| !name.is_empty()) {
            return from_context(settings.config_dir.as_deref(), name, "DOCKER_CONTEXT");
        }
        let Some(config_dir) = settings.config_dir.as_deref() else {
            return Ok(Self::Unix(PathBuf::from(DEFAULT_SOCKET)));
        };
        match current_context(config_dir)? {
            Some(name) => {
                let origin = format!("currentContext of {}", config_dir.join("config.json").display());
                from_context(Some(config_dir), &name, &origin)
            }
            None => Ok(Self::Unix(PathBuf::from(DEFAULT_SOCKET))),
        }
    }
}

fn from_context(config_dir: Option<&Path>, name: &str, origin: &str) -> Result<Endpoint, Error> {
    if name == "default" {
        return Ok(Endpoint::Unix(PathBuf::from(DEFAULT_SOCKET)));
    }
    let id = hex(&Sha256::digest(name.as_bytes()));
    let missing = || Error::ContextMissing {
        name: name.to_owned(),
        origin: origin.to_owned(),
    };
    let contexts = config_dir.ok_or_else(missing)?.join("contexts");
    let path = contexts.join("meta").join(&id).join("meta.json");
    let text = read_if_present(&path)?.ok_or_else(missing)?;
    let meta: ContextMeta = parse_json(&path, &text)?;
    let Some(docker) = meta.endpoints.docker else {
        return Err(Error::Configuration {
            path,
            reason: "the context has no docker endpoint".to_owned(),
        });
    };
    let directory = contexts.join("tls").join(&id).join("docker");
    let tls = (docker.skip_tls_verify || directory.is_dir()).then_some(TlsMaterial {
        directory,
        skip_verify: docker.skip_tls_verify,
    });
    match docker.host.filter(|host| !host.is_empty()) {
        Some(host) => parse_host(&host, &format!("context {name}"), tls),
        None => Ok(Endpoint::Unix(PathBuf::from(DEFAULT_SOCKET))),
    }
}

fn current_context(config_dir: &Path) -> Result<Option<String>, Error> {
    let path = config_dir.join("config.json");
    let Some(text) = read_if_present(&path)? else {
        return Ok(None);
    };
    let config: ConfigFile = parse_json(&path, &text)?;
    Ok(config.current_context.filter(|name| !name.is_empty()))
}

fn read_if_present(path: &Path) -> Result<Option<String>, Error> {
    match reading::text(path, SETTINGS_FILE) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::Configuration {
            path: path.to_owned(),
            reason: error.to_string(),
        }),
    }
}

fn parse_json<T: for<'de> Deserialize<'de>>(path: &Path, text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::Configuration {
        path: path.to_owned(),
        reason: format!("not valid JSON: {error}"),
    })
}

/// Reads a daemon address as the `docker` command does; a bare `host:port` means `tcp://`.
fn parse_host(host: &str, origin: &str, tls: Option<TlsMaterial>) -> Result<Endpoint, Error> {
    let malformed = |reason: &str| Error::Host {
        origin: origin.to_owned(),
        value: crate::secret::without_url_credentials(host),
        reason: reason.to_owned(),
    };
    let (scheme, rest) = host.split_once("://").unwrap_or(("tcp", host));
    match scheme {
        "unix" if rest.is_empty() => Ok(Endpoint::Unix(PathBuf::from(DEFAULT_SOCKET))),
        "unix" if rest.starts_with('/') => Ok(Endpoint::Unix(PathBuf::from(rest))),
        "unix" => Err(malformed(
            "the socket's path must be absolute, as in unix:///var/run/docker.sock",
        )),
        "tcp" | "http" | "https" => {
            let tls = if scheme == "https" && tls.is_none() {
                return Err(malformed("https:// needs DOCKER_TLS_VERIFY=1 with a tcp:// address"));
            } else {
                tls
            };
            let url = url::Url::parse(&format!("tcp://{rest}")).map_err(|error| malformed(&error.to_string()))?;
            if !matches!(url.path(), "" | "/") || url.query().is_some() || !url.username().is_empty() {
                return Err(malformed("only a host and a port are expected after the scheme"));
            }
            let name = url
                .host_str()
                .filter(|name| !name.is_empty())
                .ok_or_else(|| malformed("the host is missing"))?;
            let port = url.port().unwrap_or(if tls.is_some() { 2376 } else { 2375 });
            let address = Address {
                host: name.trim_matches(['[', ']']).to_owned(),
                port,
            };
            Ok(match tls {
                Some(material) => Endpoint::Tls(address, material),
                None => Endpoint::Tcp(address),
            })
        }
        "ssh" => {
            let url = url::Url::parse(host).map_err(|error| malformed(&error.to_string()))?;
            if url.password().is_some() {
                return Err(malformed("a password cannot be given in an ssh:// address; use a key"));
            }
            let name = url
                .host_str()
                .filter(|name| !name.is_empty())
                .ok_or_else(|| malformed("the host is missing"))?;
            if name.starts_with('-') || url.username().starts_with('-') {
                return Err(malformed("neither the host nor the user may start with a dash"));
            }
            Ok(Endpoint::Ssh(SshTarget {
                user: Some(url.username().to_owned()).filter(|user| !user.is_empty()),
                host: name.trim_matches(['[', ']']).to_owned(),
                port: url.port(),
                socket: Some(url.path().to_owned()).filter(|path| !matches!(path.as_str(), "" | "/")),
                path: None,
                withheld: Vec::new(),
            }))
        }
        _ => Err(malformed("known are unix://, tcp:// and ssh://")),
    }
}

#[derive(Deserialize)]
struct ConfigFile {
    #[serde(rename = "currentContext")]
    current_context: Option<String>,
}

#[derive(Deserialize)]
struct ContextMeta {
    #[serde(rename = "Endpoints", default)]
    endpoints: ContextEndpoints,
}

#[derive(Deserialize, Default)]
struct ContextEndpoints {
    docker: Option<ContextDocker>,
}

#[derive(Deserialize)]
struct ContextDocker {
    #[serde(rename = "Host")]
    host: Option<String>,
    #[serde(rename = "SkipTLSVerify", default)]
    skip_tls_verify: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(directory: &Path) -> DockerSettings {
        DockerSettings {
            config_dir: Some(directory.to_owned()),
            ..DockerSettings::default()
        }
    }

    fn add_context(directory: &Path, name: &str, host: &str) -> PathBuf {
        let id = hex(&Sha256::digest(name.as_bytes()));
        let meta = directory.join("contexts/meta").join(&id);
        std::fs::create_dir_all(&meta).unwrap();
        let text = serde_json::json!({"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": false}}});
        std::fs::write(meta.join("meta.json"), text.to_string()).unwrap();
        directory.join("contexts/tls").join(id).join("docker")
    }

    #[test]
    fn the_order_is_host_then_context_then_current_context_then_the_socket() {
        let directory = tempfile::tempdir().unwrap();
        let mut settings = settings(directory.path());
        assert_eq!(
            Endpoint::resolve(&settings).unwrap().to_string(),
            "unix:///var/run/docker.sock"
        );

        add_context(directory.path(), "current", "unix:///current.sock");
        std::fs::write(
            directory.path().join("config.json"),
            r#"{"auths": {}, "currentContext": "current"}"#,
        )
        .unwrap();
        assert_eq!(
            Endpoint::resolve(&settings).unwrap(),
            Endpoint::Unix("/current.sock".into())
        );

        add_context(directory.path(), "named", "ssh://me@build.example:2222");
        settings.context = Some("named".to_owned());
        assert_eq!(
            Endpoint::resolve(&settings).unwrap().to_string(),
            "ssh://me@build.example:2222"
        );
        settings.context = Some("default".to_owned());
        assert_eq!(
            Endpoint::resolve(&settings).unwrap().to_string(),
            "unix:///var/run/docker.sock"
        );

        settings.host = Some("tcp://127.0.0.1".to_owned());
        assert_eq!(
            Endpoint::resolve(&settings).unwrap().to_string(),
            "tcp://127.0.0.1:2375"
        );
    }

    #[test]
    fn tls_material_belongs_to_the_host_or_the_context() {
        let directory = tempfile::tempdir().unwrap();
        let mut settings = settings(directory.path());
        let material = add_context(directory.path(), "remote", "tcp://build.example:2376");
        std::fs::create_dir_all(&material).unwrap();
        settings.context = Some("remote".to_owned());
        let address = Address {
            host: "build.example".to_owned(),
            port: 2376,
        };
        let expected = TlsMaterial {
            directory: material,
            skip_verify: false,
        };
        assert_eq!(
            Endpoint::resolve(&settings).unwrap(),
            Endpoint::Tls(address.clone(), expected)
        );

        settings.host = Some("tcp://build.example".to_owned());
        settings.tls_verify = true;
        let expected = TlsMaterial {
            directory: directory.path().to_owned(),
            skip_verify: false,
        };
        assert_eq!(Endpoint::resolve(&settings).unwrap(), Endpoint::Tls(address, expected));
    }

    #[test]
    fn a_missing_context_is_named_with_where_it_was_set() {
        let directory = tempfile::tempdir().unwrap();
        let mut settings = settings(directory.path());
        settings.context = Some("gone".to_owned());
        let error = Endpoint::resolve(&settings).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the docker context gone (from DOCKER_CONTEXT) does not exist"
        );
        std::fs::write(directory.path().join("config.json"), "{").unwrap();
        settings.context = None;
        assert!(matches!(Endpoint::resolve(&settings), Err(Error::Configuration { .. })));
    }

    #[test]
    fn malformed_hosts_are_refused_without_showing_a_password() {
        for (host, reason) in [
            ("unix://relative.sock", "absolute"),
            ("ftp://host", "known are"),
            ("tcp://", "host"),
            ("tcp://host:port", "port"),
            ("tcp://host/prefix", "only a host"),
            ("ssh://me:hunter2@host", "password"),
            ("ssh://-oProxyCommand=x", "dash"),
        ] {
            let error = parse_host(host, "DOCKER_HOST", None).unwrap_err().to_string();
            assert!(error.contains(reason), "{host}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert_eq!(
            parse_host("10.0.0.1:99", "DOCKER_HOST", None).unwrap().to_string(),
            "tcp://10.0.0.1:99"
        );
        assert_eq!(
            parse_host("tcp://[::1]:99", "DOCKER_HOST", None).unwrap().to_string(),
            "tcp://[::1]:99"
        );
    }
}
