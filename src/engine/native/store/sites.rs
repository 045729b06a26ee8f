//! The hosts that wheels are fetched from: whom to trust, and who one is to whom. It is what uv is told on this machine.
//!
//! Sources: <https://docs.astral.sh/uv/concepts/authentication/http/>, <https://docs.astral.sh/uv/reference/environment/>.

mod keyring;
mod uv_toml;

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{NoProxy, Proxy};
use rustls::RootCertStore;
use tokio::sync::OnceCell;
use url::Url;

use super::Error;
use crate::process::{set_variable, variable};
use crate::progress::Progress;
use crate::reading::{self, SETTINGS_FILE};
use crate::secret::{Netrc, Secret};
use crate::uv::UvSettings;
use crate::uv::index::{self, DEFAULT_INDEXES, FIND_LINKS, INDEXES};
use crate::web::{self, Retry, platform_and, redirect, tls, trusting, with_causes};

const CONNECT: Duration = Duration::from_secs(15);
/// How long nothing may come, unless the user says otherwise: pip's own limit is a quarter of it.
const STALL: Duration = Duration::from_mins(1);

/// See the module. Nothing of it is read before the first file is fetched.
pub(crate) struct Sites {
    environment: Vec<(String, String)>,
    /// uv's files.
    configuration: Vec<PathBuf>,
    known: OnceCell<Known>,
    pub(super) retry: Retry,
}

/// What has been read.
pub(super) struct Known {
    checked: reqwest::Client,
    /// For the hosts that need not prove who they are.
    unchecked: Option<(Vec<String>, reqwest::Client)>,
    logins: Vec<Login>,
    netrc: Netrc,
}

/// Who one is to an index.
struct Login {
    index: Url,
    user: String,
    password: Secret,
}

impl Sites {
    /// As uv is told.
    pub(crate) fn of(uv: &UvSettings) -> Self {
        Self {
            environment: uv.environment.clone(),
            configuration: uv.configuration.clone(),
            known: OnceCell::new(),
            retry: Retry::default(),
        }
    }

    /// The same, where `hosts` need not prove who they are.
    pub(crate) fn trusting(&self, hosts: &[String]) -> Self {
        const HOSTS: &str = "UV_INSECURE_HOST";
        let mut environment = self.environment.clone();
        let told = variable(&environment, HOSTS).map(ToOwned::to_owned);
        let all: Vec<String> = told.into_iter().chain(hosts.iter().cloned()).collect();
        set_variable(&mut environment, HOSTS, all.join(" "));
        Self {
            environment,
            configuration: self.configuration.clone(),
            known: OnceCell::new(),
            retry: self.retry.clone(),
        }
    }

    /// What is known of them.
    ///
    /// # Errors
    /// There are no certificates to trust, or a proxy that is no URL.
    pub(super) async fn known(&self, progress: &dyn Progress) -> Result<&Known, Error> {
        let read = async || Known::of(&self.environment, &self.configuration, progress);
        self.known.get_or_try_init(read).await
    }
}

impl Known {
    fn of(environment: &[(String, String)], configuration: &[PathBuf], progress: &dyn Progress) -> Result<Self, Error> {
        let hosts: Vec<String> = variable(environment, "UV_INSECURE_HOST")
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_lowercase)
            .collect();
        let unchecked = if hosts.is_empty() {
            None
        } else {
            Some((hosts, client(environment, false)?))
        };
        Ok(Self {
            checked: client(environment, true)?,
            unchecked,
            logins: logins(environment, configuration, progress),
            netrc: netrc(environment),
        })
    }

    /// A request for `url`, with what authorizes it at that host. It goes to no other: the HTTP library takes it off where it is
    /// redirected.
    pub(super) fn get(&self, url: &Url) -> reqwest::RequestBuilder {
        let request = self.client(url).get(url.clone());
        match self.login(url) {
            Some((user, password)) => request.basic_auth(user, Some(password.expose())),
            None => request,
        }
    }

    /// The hosts that need not prove who they are.
    #[cfg(test)]
    pub(super) fn trusted(&self) -> &[String] {
        self.unchecked.as_ref().map_or(&[], |(hosts, _)| hosts)
    }

    /// Whether it is told who one is.
    pub(super) fn knows(&self, url: &Url) -> bool {
        self.login(url).is_some()
    }

    fn client(&self, url: &Url) -> &reqwest::Client {
        let host = url.host_str().unwrap_or_default();
        let with_port = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
        match &self.unchecked {
            Some((hosts, client)) if hosts.iter().any(|known| *known == host || *known == with_port) => client,
            _ => &self.checked,
        }
    }

    /// The nearest index's on the same host and port, else netrc's.
    fn login(&self, url: &Url) -> Option<(&str, Secret)> {
        let same_host = self.logins.iter().filter(|login| login.index.origin() == url.origin());
        let nearest = same_host.max_by_key(|login| in_common(login.index.path(), url.path()));
        if let Some(login) = nearest {
            return Some((&login.user, login.password.clone()));
        }
        self.netrc.login(url.host_str()?)
    }
}

/// How many segments two paths begin with alike.
fn in_common(one: &str, other: &str) -> usize {
    let pairs = one.split('/').zip(other.split('/'));
    pairs.take_while(|(one, other)| one == other).count()
}

/// The logins in the indexes' URLs, and those that are told by an index's name. A password that only a keyring knows is asked for where uv
/// is to ask for it.
fn logins(environment: &[(String, String)], configuration: &[PathBuf], progress: &dyn Progress) -> Vec<Login> {
    let names = DEFAULT_INDEXES.iter().chain(&INDEXES).chain([&FIND_LINKS]);
    let values = names.filter_map(|name| variable(environment, name));
    let words = values.flat_map(|value| value.split([' ', ',', '\n', '\t']));
    let in_files = uv_toml::indexes(configuration);
    let words = words.chain(in_files.iter().map(String::as_str));
    let mut logins: Vec<_> = words.filter_map(|word| login(word, environment)).collect();
    if variable(environment, "UV_KEYRING_PROVIDER") == Some("subprocess") {
        for login in &mut logins {
            if login.password == Secret::default()
                && let Some(password) = keyring::password(&login.index, &login.user, environment, progress)
            {
                login.password = password;
            }
        }
    }
    logins
}

/// Of `https://user:password@host/simple`, or `name=https://host/simple` with variables for that name.
fn login(word: &str, environment: &[(String, String)]) -> Option<Login> {
    let (name, url) = index::name_and_url(word);
    let mut index = Url::parse(url).ok().filter(Url::has_host)?;
    let (user, password) = name
        .map(|name| index::credentials(environment, name))
        .unwrap_or_default();
    let decoded = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    let in_url = || Some(index.username()).filter(|user| !user.is_empty()).map(decoded);
    let user = user.map(ToOwned::to_owned).or_else(in_url);
    let password = password
        .map(ToOwned::to_owned)
        .or_else(|| index.password().map(decoded));
    if user.is_none() && password.is_none() {
        return None;
    }
    // It fails where there can be none.
    let _ = index.set_username("");
    let _ = index.set_password(None);
    Some(Login {
        index,
        user: user.unwrap_or_default(),
        password: Secret::new(password.unwrap_or_default()),
    })
}

fn netrc(environment: &[(String, String)]) -> Netrc {
    let named = variable(environment, "NETRC").map(Into::into);
    let path = named.or_else(|| Some(Path::new(variable(environment, "HOME")?).join(".netrc")));
    let text = path.and_then(|path| reading::text(&path, SETTINGS_FILE).ok());
    text.map(|text| Netrc::of(&text)).unwrap_or_default()
}

fn client(environment: &[(String, String)], is_checked: bool) -> Result<reqwest::Client, Error> {
    let failed = |error: &reqwest::Error| Error::Setup {
        reason: with_causes(error),
    };
    let mut client = web::client()
        .user_agent(concat!("sgbuild/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .read_timeout(stall(environment))
        .redirect(Policy::custom(redirect))
        .no_proxy();
    for proxy in proxies(environment).map_err(|error| failed(&error))? {
        client = client.proxy(proxy);
    }
    if is_checked {
        let tls = tls(roots(environment)).map_err(|error| Error::Setup {
            reason: error.to_string(),
        })?;
        client = client.tls_backend_preconfigured(tls);
    } else {
        client = client.tls_danger_accept_invalid_certs(true);
    }
    client.build().map_err(|error| failed(&error))
}

/// The certificates that uv is told of, else the platform's.
fn roots(environment: &[(String, String)]) -> RootCertStore {
    let path = |name| variable(environment, name).map(Path::new);
    match (path("SSL_CERT_FILE"), path("SSL_CERT_DIR")) {
        (None, None) => platform_and(Vec::new()),
        (file, directory) => trusting(rustls_native_certs::load_certs_from_paths(file, directory).certs),
    }
}

fn stall(environment: &[(String, String)]) -> Duration {
    let names = ["UV_HTTP_TIMEOUT", "UV_REQUEST_TIMEOUT", "HTTP_TIMEOUT"];
    let told = names
        .iter()
        .find_map(|name| variable(environment, name)?.trim().parse().ok());
    told.map_or(STALL, Duration::from_secs)
}

/// The proxies of the usual variables, in either case.
fn proxies(environment: &[(String, String)]) -> Result<Vec<Proxy>, reqwest::Error> {
    let told = |name: &str| variable(environment, name).or_else(|| variable(environment, &name.to_lowercase()));
    let except = told("NO_PROXY").and_then(NoProxy::from_string);
    let mut proxies = Vec::new();
    if let Some(url) = told("HTTPS_PROXY") {
        proxies.push(Proxy::https(url)?);
    }
    if let Some(url) = told("HTTP_PROXY") {
        proxies.push(Proxy::http(url)?);
    }
    if let Some(url) = told("ALL_PROXY") {
        proxies.push(Proxy::all(url)?);
    }
    Ok(proxies
        .into_iter()
        .map(|proxy| proxy.no_proxy(except.clone()))
        .collect())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::progress::Silent;

    fn known(pairs: &[(&str, &str)]) -> Known {
        let environment: Vec<_> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Known::of(&environment, &[], &Silent).unwrap()
    }

    fn login(known: &Known, url: &str) -> Option<String> {
        let url = Url::parse(url).unwrap();
        let (user, password) = known.login(&url)?;
        Some(format!("{user}:{}", password.expose()))
    }

    #[test]
    fn each_host_hears_who_one_is_to_it_and_no_other_does() {
        let known = known(&[
            ("UV_DEFAULT_INDEX", "https://me:p%40ss@a.example/simple"),
            (
                "UV_INDEX",
                "own=https://b.example/one/simple https://two:2@b.example/two/simple",
            ),
            ("UV_INDEX_OWN_USERNAME", "one"),
            ("UV_INDEX_OWN_PASSWORD", "1"),
            ("UV_FIND_LINKS", "/wheels,https://tok@c.example/links"),
        ]);
        for (url, told) in [
            ("https://a.example/files/x.whl", Some("me:p@ss")),
            ("https://a.example:8443/files/x.whl", None),
            ("http://a.example/files/x.whl", None),
            ("https://files.example/x.whl", None),
            ("https://b.example/two/x.whl", Some("two:2")),
            ("https://b.example/one/x.whl", Some("one:1")),
            ("https://c.example/x.whl", Some("tok:")),
        ] {
            assert_eq!(login(&known, url).as_deref(), told, "{url}");
        }
    }

    #[test]
    fn the_users_own_configuration_counts() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, "[[index]]\nname = 'own'\nurl = 'https://a.example/simple'\n").unwrap();
        let uv = UvSettings {
            environment: vec![("UV_INDEX_OWN_PASSWORD".to_owned(), "1".to_owned())],
            configuration: vec![file.path().to_owned()],
            ..UvSettings::default()
        };
        let sites = Sites::of(&uv);
        let known = Known::of(&sites.environment, &sites.configuration, &Silent).unwrap();
        assert_eq!(login(&known, "https://a.example/x").as_deref(), Some(":1"));
    }

    #[test]
    fn netrc_tells_where_no_index_does() {
        let home = tempfile::tempdir().unwrap();
        fs::write(
            home.path().join(".netrc"),
            "machine a.example login n password 1\nmachine b.example login m password 2\n",
        )
        .unwrap();
        let known = known(&[
            ("HOME", home.path().to_str().unwrap()),
            ("UV_DEFAULT_INDEX", "https://me:pw@a.example/simple"),
        ]);
        assert_eq!(login(&known, "https://a.example/x").as_deref(), Some("me:pw"));
        assert_eq!(login(&known, "https://b.example/x").as_deref(), Some("m:2"));
        assert_eq!(login(&known, "https://c.example/x"), None);
    }

    #[test]
    fn a_proxy_that_is_none_is_told() {
        let environment = [("HTTPS_PROXY".to_owned(), "::".to_owned())];
        assert!(proxies(&environment).is_err());
        assert_eq!(
            stall(&[("UV_HTTP_TIMEOUT".to_owned(), "7".to_owned())]),
            Duration::from_secs(7)
        );
    }

    #[test]
    fn a_keyring_is_asked_where_uv_would_ask_it() {
        let programs = tempfile::tempdir().unwrap();
        let keyring = programs.path().join("keyring");
        fs::write(
            &keyring,
            "#!/bin/sh\n[ \"$1 $2 $3\" = \"get a.example me\" ] && echo hunter2\n",
        )
        .unwrap();
        fs::set_permissions(&keyring, fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:/usr/bin:/bin", programs.path().display());
        let mut told = vec![
            ("PATH", path.as_str()),
            ("UV_DEFAULT_INDEX", "https://me@a.example/simple"),
        ];
        assert_eq!(login(&known(&told), "https://a.example/x").as_deref(), Some("me:"));
        told.push(("UV_KEYRING_PROVIDER", "subprocess"));
        assert_eq!(
            login(&known(&told), "https://a.example/x").as_deref(),
            Some("me:hunter2")
        );
    }
}
