//! `setup.cfg`: the declarative half of setuptools, turned into the keywords that `setup()` would have got.
//! <https://setuptools.pypa.io/en/latest/userguide/declarative_config.html>

mod commands;
mod option;

use std::path::Path;
use std::sync::Arc;

use super::attr::read_attr;
use super::data_files;
use super::descriptive::{KEYWORDS, contained, lines};
use super::error::Error;
use super::file_directive::read_files;
use super::find_packages::{Find, find_packages};
use super::ini::{self, IniOption, Section};
use super::source_file::SourceFile;
use super::surroundings::Surroundings;
use super::value::{Draft, Evaluated, Kind, Place, Value, string_map};
use commands::Effect;
use option::{dict, items, key, list, place, trimmed};

/// Reads the declarations of `setup.cfg`.
pub(crate) fn read(root: &Path, file: &SourceFile, around: &Arc<Surroundings>) -> Result<Draft, Error> {
    if file.marked {
        return Err(Error::SetupCfg {
            line: 1,
            message: "begins with a byte order mark, which setuptools does not read".to_owned(),
        });
    }
    let sections = ini::parse(&file.text)?;
    let mut reader = Reader {
        root,
        around,
        draft: Draft::default(),
        sections: &sections,
        found_below: None,
    };
    for section in &sections {
        reader.section(section)?;
    }
    reader.fill_package_dir();
    reader.version_last()?;
    Ok(reader.draft)
}

struct Reader<'a> {
    root: &'a Path,
    around: &'a Arc<Surroundings>,
    draft: Draft,
    sections: &'a [Section],
    /// Where `find:` looked, if not in the root.
    found_below: Option<(String, Place)>,
}

impl Reader<'_> {
    fn section(&mut self, section: &Section) -> Result<(), Error> {
        match section.name.as_str() {
            "metadata" => section.options.iter().try_for_each(|option| self.metadata(option)),
            "options" => section.options.iter().try_for_each(|option| self.option(option)),
            "options.extras_require" => self.extras(section),
            "options.entry_points" => {
                self.dict_of_lists("entry_points", section);
                Ok(())
            }
            "options.package_data" => {
                self.package_data("package_data", section);
                Ok(())
            }
            "options.exclude_package_data" => {
                self.package_data("exclude_package_data", section);
                Ok(())
            }
            "options.data_files" => {
                self.dict_of_lists("data_files", section);
                self.expand_data_files()
            }
            "options.packages.find" => Ok(()),
            "egg_info" | "dist_info" => {
                self.egg_info(section);
                Ok(())
            }
            name if name.starts_with("metadata") || name.starts_with("options") => {
                self.draft.give_up(
                    &format!("[{name}]"),
                    place(section.line),
                    "is not a section setuptools documents",
                );
                Ok(())
            }
            _ => {
                self.command(section);
                Ok(())
            }
        }
    }

    /// Options of a command, which may change the wheel.
    fn command(&mut self, section: &Section) {
        for option in &section.options {
            match commands::effect(section, option) {
                Effect::None => {}
                Effect::Universal => self.draft.universal = true,
                Effect::Other => {
                    let at = place(option.line);
                    let reason = format!("{at}: {} is an option of setuptools' {}", option.key, section.name);
                    self.draft.backend_wheel.get_or_insert(reason);
                }
            }
        }
    }

    /// `tag_build` and `tag_date` change the version that setuptools writes.
    fn egg_info(&mut self, section: &Section) {
        for option in &section.options {
            let value = option.text();
            let off = matches!(value.to_lowercase().as_str(), "" | "0" | "false" | "no" | "off");
            if matches!(key(option).as_str(), "tag_build" | "tag_date") && !off {
                self.draft.give_up(
                    &format!("{} = {value}", option.key),
                    place(option.line),
                    "changes the version",
                );
            }
        }
    }

    fn metadata(&mut self, option: &IniOption) -> Result<(), Error> {
        let at = place(option.line);
        match unaliased(&key(option)) {
            key @ ("description" | "long_description") => {
                let text = self.file_or_text(option);
                self.set_evaluated(key, contained(text, &option.text(), at)?);
            }
            "classifiers" => self.classifiers(option)?,
            "license" if option.text().starts_with("file:") => {
                self.draft
                    .give_up(&format!("license = {}", option.text()), at, "may not name a file");
            }
            "project_urls" => self.project_urls(option),
            "provides_extras" => self.draft.give_up("provides_extras", at, "is setuptools' own"),
            key @ ("keywords" | "platforms" | "provides" | "obsoletes" | "license_files") => {
                self.set(key, list(option, ','));
            }
            // setuptools makes a list of the text's characters.
            "requires" => self.set("requires", Value::str(option.text(), at)),
            key if key == "name" || key == "license_file" || KEYWORDS.contains(&key) => {
                self.set(key, Value::str(option.text(), at));
            }
            // `version` is read last: `attr:` needs package_dir.
            _ => {}
        }
        Ok(())
    }

    fn classifiers(&mut self, option: &IniOption) -> Result<(), Error> {
        if !option.text().starts_with("file:") {
            self.set("classifiers", list(option, ','));
            return Ok(());
        }
        let at = place(option.line);
        let read = contained(self.file_or_text(option), &option.text(), at)?;
        let listed = read.and_then(|value| {
            let text = value.as_str().unwrap_or_default();
            if !text.contains('\n') {
                return Ok(trimmed(text.split(','), at));
            }
            let all = lines(text, &option.text(), at)?;
            let all = all.items().unwrap_or_default();
            Ok(trimmed(all.iter().filter_map(Value::as_str), at))
        });
        self.set_evaluated("classifiers", listed);
        Ok(())
    }

    /// setuptools refuses an item that is no `label = URL`, unless setup.py gives other URLs.
    fn project_urls(&mut self, option: &IniOption) {
        match dict(option) {
            Ok(urls) => self.set("project_urls", urls),
            Err(error) => self
                .draft
                .give_up("project_urls", place(option.line), &format!("is not a dict: {error}")),
        }
    }

    fn option(&mut self, option: &IniOption) -> Result<(), Error> {
        let key = key(option);
        match key.as_str() {
            "packages" => self.packages(option)?,
            "py_modules" | "scripts" => self.set(&key, list(option, ',')),
            "setup_requires" => self.set(&key, list(option, ';')),
            "package_dir" => {
                let dict = dict(option)?;
                self.set("package_dir", dict);
            }
            "install_requires" => {
                let requirements = self.requirements(option)?;
                self.set(&key, requirements);
            }
            "python_requires" => self.set(&key, Value::str(option.text(), place(option.line))),
            "include_package_data" | "zip_safe" => {
                let on = matches!(option.text().to_lowercase().as_str(), "1" | "true" | "yes");
                self.set(&key, Value::new(Kind::Bool(on), place(option.line)));
            }
            "entry_points" => {
                let text = self.file_or_text(option)?;
                self.set(&key, Value::str(text, place(option.line)));
            }
            "namespace_packages" | "eager_resources" => {
                let reason = format!("{}: setuptools writes a file of its own for {key}", place(option.line));
                self.draft.backend_sdist.get_or_insert(reason);
            }
            "cmdclass" => self
                .draft
                .give_up("cmdclass", place(option.line), "names commands of the project's own"),
            _ => {}
        }
        Ok(())
    }

    /// Sets a field that has no value yet: as in setuptools, the first declaration that is not empty stays.
    fn set(&mut self, key: &str, value: Value) {
        self.set_evaluated(key, Ok(value));
    }

    fn set_evaluated(&mut self, key: &str, evaluated: Evaluated) {
        if !self.draft.inhabited(key) {
            self.draft.fields.insert(key.to_owned(), evaluated);
        }
    }

    fn packages(&mut self, option: &IniOption) -> Result<(), Error> {
        let namespaces = match option.text().trim() {
            "find:" => false,
            "find_namespace:" => true,
            _ => {
                self.set("packages", list(option, ','));
                return Ok(());
            }
        };
        let mut find = Find {
            namespaces,
            ..Find::default()
        };
        let options = self
            .sections
            .iter()
            .filter(|s| s.name == "options.packages.find")
            .flat_map(|s| &s.options);
        for given in options {
            let items: Vec<String> = items(given, ',').into_iter().map(|(_, text)| text).collect();
            match key(given).as_str() {
                _ if items.is_empty() => {}
                "where" => find.place.clone_from(&items[0]),
                "include" => find.include = items,
                "exclude" => find.exclude = items,
                _ => {}
            }
        }
        let at = place(option.line);
        let found = find_packages(self.root, &find)?;
        let found = found.into_iter().map(|name| Value::str(name, at)).collect();
        self.set("packages", Value::new(Kind::List(found), at));
        if !matches!(find.place.as_str(), "." | "") {
            self.found_below = Some((find.place, at));
        }
        Ok(())
    }

    fn extras(&mut self, section: &Section) -> Result<(), Error> {
        let mut entries = Vec::new();
        for option in &section.options {
            entries.push((
                Value::str(option.key.clone(), place(option.line)),
                self.requirements(option)?,
            ));
        }
        self.set("extras_require", Value::new(Kind::Dict(entries), place(section.line)));
        Ok(())
    }

    fn dict_of_lists(&mut self, key: &str, section: &Section) {
        let entry = |option: &IniOption| (Value::str(option.key.clone(), place(option.line)), list(option, ','));
        let entries = section.options.iter().map(entry).collect();
        self.set(key, Value::new(Kind::Dict(entries), place(section.line)));
    }

    fn package_data(&mut self, key: &str, section: &Section) {
        self.dict_of_lists(key, section);
        if let Some(Ok(declared)) = self.draft.fields.get_mut(key) {
            data_files::name_all_packages(declared);
        }
    }

    fn expand_data_files(&mut self) -> Result<(), Error> {
        if let Some(Ok(declared)) = self.draft.fields.remove("data_files") {
            self.draft.set("data_files", data_files::expanded(self.root, declared)?);
        }
        Ok(())
    }

    fn requirements(&mut self, option: &IniOption) -> Result<Value, Error> {
        if !option.text().starts_with("file:") {
            let mut value = list(option, ';');
            if let Kind::List(items) = &mut value.kind {
                items.retain(|item| item.as_str().is_some_and(|text| !text.starts_with('#')));
            }
            return Ok(value);
        }
        let at = place(option.line);
        let text = self.file_or_text(option)?;
        let chunks: Vec<&str> = if text.contains('\n') {
            text.lines().collect()
        } else {
            text.split(';').collect()
        };
        let kept = chunks
            .iter()
            .map(|c| c.trim())
            .filter(|c| !c.is_empty() && !c.starts_with('#'));
        Ok(Value::new(Kind::List(kept.map(|c| Value::str(c, at)).collect()), at))
    }

    fn file_or_text(&mut self, option: &IniOption) -> Result<String, Error> {
        let text = option.text();
        let Some(names) = text.strip_prefix("file:") else {
            return Ok(text);
        };
        let names: Vec<&str> = names.split(',').map(str::trim).collect();
        let (text, read) = read_files(self.root, &names, place(option.line))?;
        self.draft.referenced.extend(read);
        Ok(text)
    }

    /// setuptools takes `where` of `find:` as the package directory unless one is given.
    fn fill_package_dir(&mut self) {
        if let Some((found, at)) = self.found_below.take() {
            let entry = (Value::str("", at), Value::str(found, at));
            self.set("package_dir", Value::new(Kind::Dict(vec![entry]), at));
        }
    }

    fn version_last(&mut self) -> Result<(), Error> {
        let mut options = self
            .sections
            .iter()
            .filter(|s| s.name == "metadata")
            .flat_map(|s| &s.options);
        let Some(option) = options.rfind(|o| key(o) == "version") else {
            return Ok(());
        };
        let at = place(option.line);
        let text = option.text();
        let Some(path) = text.strip_prefix("attr:") else {
            let version = self.file_or_text(option)?;
            self.set("version", Value::str(version.trim(), at));
            return Ok(());
        };
        self.draft.version_attr = Some(at);
        let mut package_dir = string_map(self.draft.fields.get("package_dir"));
        let listed = ["packages", "py_modules", "package_dir"]
            .iter()
            .any(|key| self.draft.inhabited(key));
        if !listed && self.root.join("src").is_dir() {
            package_dir.insert(String::new(), "src".to_owned());
        }
        let evaluated = read_attr(
            self.root,
            path.trim(),
            &package_dir,
            at,
            &mut self.draft.needs,
            self.around,
        )?;
        self.draft.fields.insert("version".to_owned(), evaluated);
        Ok(())
    }
}

/// The key's usual name.
fn unaliased(key: &str) -> &str {
    match key {
        "summary" => "description",
        "home_page" => "url",
        "classifier" => "classifiers",
        "platform" => "platforms",
        other => other,
    }
}
