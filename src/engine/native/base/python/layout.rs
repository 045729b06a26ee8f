//! Where pip installs and what `sys.path` is: as the Python of python.org and conda has it, or Debian's
//! ([`sysconfig`](https://docs.python.org/3/library/sysconfig.html#installation-paths),
//! [`site`](https://docs.python.org/3/library/site.html), [Debian's policy](https://www.debian.org/doc/packaging-manuals/python-policy/)).

use super::executable::Executable;
use super::{Image, has_suffix, join, normal, pip};
use crate::engine::native::base::Error;

/// The first release whose pip asks `sysconfig`, and not `distutils`, where to install
/// (<https://github.com/pypa/pip/blob/25.0/src/pip/_internal/locations/__init__.py>).
const ASKS_SYSCONFIG: (u16, u16) = (3, 10);

/// Where things are.
pub(super) struct Layout {
    pub(super) prefix: String,
    pub(super) site_packages: String,
    pub(super) scripts: String,
    pub(super) data: String,
    pub(super) include: String,
    /// The directories that `site` adds to the path, as far as they are there.
    sites: Vec<String>,
    standard_library: String,
    sees_user: bool,
    version: (u16, u16),
}

/// Whose Python it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Maker {
    /// As it is released: python.org's, conda's, uv's.
    Upstream,
    /// Debian's or Ubuntu's, which keeps what pip installs apart from what its packages install.
    Debian,
}

impl Layout {
    pub(super) fn find(image: &Image<'_>, executable: &Executable, pip: &pip::Settings) -> Result<Self, Error> {
        let standard_library = executable.standard_library();
        let maker = maker(image, executable, &standard_library)?;
        let (major, minor) = executable.version;
        let python = format!("python{major}.{minor}");
        let base = &executable.base_prefix;
        let prefixes: Vec<&str> = match &executable.environment {
            None => vec![base],
            Some(environment) if environment.sees_system => vec![&environment.prefix, base],
            Some(environment) => vec![&environment.prefix],
        };
        let is_environment = executable.environment.is_some();
        let sites = prefixes
            .iter()
            .flat_map(|prefix| sites(maker, prefix, &python, is_environment));
        let sees_user = executable
            .environment
            .as_ref()
            .is_none_or(|environment| environment.sees_system);
        let layout = Self {
            prefix: prefixes[0].to_owned(),
            site_packages: String::new(),
            scripts: String::new(),
            data: String::new(),
            include: String::new(),
            sites: sites.collect(),
            sees_user,
            version: executable.version,
            standard_library,
        };
        let prefix = layout.prefix.clone();
        let own = |path: &str| join(&prefix, path);
        // Python 3.7 is the last whose headers' directory names the kind of memory allocator.
        let include = if minor < 8 {
            format!("{python}m")
        } else {
            python.clone()
        };
        if is_environment {
            return Ok(Self {
                site_packages: own(&format!("lib/{python}/site-packages")),
                scripts: own("bin"),
                data: prefix.clone(),
                include: own(&format!("include/site/{python}")),
                ..layout
            });
        }
        refuse_managed(image, &layout.standard_library, pip)?;
        Ok(match maker {
            Maker::Upstream => Self {
                site_packages: own(&format!("lib/{python}/site-packages")),
                scripts: own("bin"),
                data: prefix.clone(),
                include: own(&format!("include/{include}")),
                ..layout
            },
            Maker::Debian => Self {
                site_packages: own(&format!("local/lib/{python}/dist-packages")),
                scripts: own("local/bin"),
                data: own("local"),
                include: if executable.version < ASKS_SYSCONFIG {
                    own(&format!("local/include/{include}"))
                } else {
                    own(&format!("include/{include}"))
                },
                ..layout
            },
        })
    }

    /// The directories of `sys.path`, in its order: PYTHONPATH, the standard library, the user's, those of `site` with what their `.pth`
    /// files add.
    pub(super) fn path(&self, image: &Image<'_>) -> Vec<String> {
        let mut path = Vec::new();
        let mut add = |directory: String| {
            if image.tree.is_directory(&directory) && !path.contains(&directory) {
                path.push(directory);
            }
        };
        for directory in image
            .variables
            .get("PYTHONPATH")
            .map_or_else(Vec::new, |list| image.variables.directories(list))
        {
            add(normal(&directory));
        }
        add(self.standard_library.clone());
        for site in self.user_site(image).into_iter().chain(self.sites.iter().cloned()) {
            let added = added(image, &site);
            add(site);
            added.into_iter().for_each(&mut add);
        }
        path
    }

    /// The directory of the packages that root installed for himself.
    fn user_site(&self, image: &Image<'_>) -> Option<String> {
        if !self.sees_user || image.variables.get("PYTHONNOUSERSITE").is_some() {
            return None;
        }
        let home = image.variables.get("HOME").unwrap_or("/root");
        let base = image
            .variables
            .get("PYTHONUSERBASE")
            .map_or_else(|| join(home, ".local"), str::to_owned);
        let (major, minor) = self.version;
        Some(join(&base, &format!("lib/python{major}.{minor}/site-packages")))
    }
}

/// Whose Python it is, by what its standard library says of where things are installed.
fn maker(image: &Image<'_>, executable: &Executable, library: &str) -> Result<Maker, Error> {
    let unknown = |reason: String| image.unknown(&executable.path, reason);
    let source = ["sysconfig.py", "sysconfig/__init__.py"]
        .into_iter()
        .find_map(|name| image.kept(&join(library, name)));
    let Some(sysconfig) = source else {
        return Err(unknown(format!(
            "{library}/sysconfig.py, which says where things are installed, is not there"
        )));
    };
    let Some(site) = image.kept(&join(library, "site.py")) else {
        return Err(unknown(format!(
            "{library}/site.py, which says where modules are found, is not there"
        )));
    };
    if image.kept(&join(library, "orig-prefix.txt")).is_some() {
        return Err(unknown("it is in an environment of a virtualenv before 20".to_owned()));
    }
    if sysconfig.contains("rpm_prefix") {
        return Err(unknown(
            "it is Fedora's or one like it, which installs elsewhere than others".to_owned(),
        ));
    }
    let is_debian = site.contains("dist-packages");
    let knows_local = sysconfig.contains("posix_local");
    if executable.version >= ASKS_SYSCONFIG && is_debian != knows_local {
        return Err(unknown(
            "its site.py and its sysconfig.py do not agree on where packages are".to_owned(),
        ));
    }
    Ok(if is_debian { Maker::Debian } else { Maker::Upstream })
}

/// The directories that `site` adds for a prefix.
fn sites(maker: Maker, prefix: &str, python: &str, is_environment: bool) -> Vec<String> {
    let below = |paths: &[String]| paths.iter().map(|path| join(prefix, path)).collect();
    let released = format!("lib/{python}/site-packages");
    let debian = [
        format!("local/lib/{python}/dist-packages"),
        "lib/python3/dist-packages".to_owned(),
        format!("lib/{python}/dist-packages"),
    ];
    match maker {
        Maker::Upstream => below(&[released]),
        Maker::Debian if is_environment => below(&[&[released][..], &debian].concat()),
        Maker::Debian => below(&debian),
    }
}

/// What the `.pth` files of a directory add: each line that is no comment and no code is a directory, if it is there.
fn added(image: &Image<'_>, site: &str) -> Vec<String> {
    let names = image.tree.names(site);
    let files = names
        .into_iter()
        .filter(|name| has_suffix(name, "pth") && !name.starts_with('.'));
    let texts = files.filter_map(|name| image.kept(&join(site, name)));
    let lines = texts.flat_map(str::lines).map(str::trim_end);
    let paths = lines.filter(|line| {
        let is_code = line.starts_with("import ") || line.starts_with("import\t");
        !line.trim().is_empty() && !line.starts_with('#') && !is_code
    });
    paths.map(|path| normal(&join(site, path))).collect()
}

/// Refuses a Python that its distribution manages
/// ([the specification](https://packaging.python.org/en/latest/specifications/externally-managed-environments/)).
fn refuse_managed(image: &Image<'_>, library: &str, pip: &pip::Settings) -> Result<(), Error> {
    let marker = join(library, "EXTERNALLY-MANAGED");
    if image.tree.is_file(&marker) && !pip.may_break_system(image) {
        return Err(Error::Managed {
            image: image.name.to_owned(),
            marker,
        });
    }
    Ok(())
}
