//! `sgbuild diff`: what differs between two pushed images.

use indicatif::DecimalBytes;
use serde_json::Value;

use super::job::auth_settings;
use super::{Checkout, CommandError, Print, json, target};
use crate::cli;
use crate::comparison::{self, Compared, Comparison, FileChange, Layer, Row, Settings, Side};
use crate::error::Error;
use crate::oci::{Platform, Reference};
use crate::registry::auth;
use crate::registry::client::ClientSettings;
use crate::shown::{Data, Page};

/// So many rows of files are read at a glance.
const ROWS: usize = 40;
/// So much of a digest tells it from others.
const SHORT: usize = 12;

pub(super) async fn run(arguments: &cli::Diff, checkout: &Checkout<'_>, print: &Print<'_>) -> Result<Data, Error> {
    let platform = platform(checkout)?;
    let (a, b) = (side(&arguments.a, checkout).await?, side(&arguments.b, checkout).await?);
    let settings = Settings {
        platform: &platform,
        client: &ClientSettings::default(),
        cache_dir: &checkout.settings.environment().cache_dir(),
    };
    let compared = comparison::compare(&a, &b, &settings, checkout.progress).await?;
    let shown = if arguments.json.json {
        json(&compared)
    } else {
        Data::Page(page(&compared, arguments.files))
    };
    if arguments.exit_code && !compared.equal {
        print(&shown).map_err(CommandError::Stdout)?;
        return Err(CommandError::ImagesDiffer.into());
    }
    Ok(shown)
}

/// Which of several images of a name is meant.
fn platform(checkout: &Checkout<'_>) -> Result<Platform, CommandError> {
    let set = checkout.settings.image_as_set().platform;
    set.parse().map_err(CommandError::NoPlatform)
}

async fn side(text: &str, checkout: &Checkout<'_>) -> Result<Side, Error> {
    let reference: Reference = target::image(text, checkout).await?;
    let settings = auth_settings(checkout, Some(&reference.repository)).await;
    Ok(Side {
        credentials: auth::credentials(&reference.repository, &settings).await?,
        reference,
    })
}

fn page(compared: &Comparison, every_file: bool) -> Page {
    let mut page = Page::new();
    head(&mut page, "A", &compared.a);
    head(&mut page, "B", &compared.b);
    page.text(&base(compared));
    if compared.a.digest == compared.b.digest {
        page.text("It is one image.");
        return page;
    }
    if compared.equal {
        page.text("Requirements, settings and files are the same.");
    }
    requirements(&mut page, compared);
    settings(&mut page, compared);
    files(&mut page, compared, every_file);
    layers(&mut page, compared);
    page
}

fn head(page: &mut Page, name: &str, image: &Compared) {
    let Compared {
        image,
        digest,
        platform,
        size,
        layers,
    } = image;
    let digest = if image.digest.is_some() {
        String::new()
    } else {
        format!("@{digest}")
    };
    let (size, count) = (DecimalBytes(*size), layers.len());
    page.entry(name, &format!("{image}{digest}\n{platform}, {size} in {count} layers"));
}

fn base(compared: &Comparison) -> String {
    match compared.shared_from_below {
        0 => "Base: another one, no layer from the lowest on is the same.".to_owned(),
        1 => "Base: the lowest layer is the same.".to_owned(),
        count => format!("Base: the lowest {count} layers are the same."),
    }
}

fn requirements(page: &mut Page, compared: &Comparison) {
    if compared.requirements.is_empty() {
        return;
    }
    page.text("Requirements:");
    let mut directories: Vec<&str> = compared.requirements.iter().map(|one| one.directory.as_str()).collect();
    directories.dedup();
    // Where it is installed is told where that makes a difference.
    let is_told = directories.len() > 1;
    let rows: Vec<[String; 3]> = compared
        .requirements
        .iter()
        .map(|one| {
            let at = if is_told {
                format!("  in {}", one.directory)
            } else {
                String::new()
            };
            let version = match (&one.a, &one.b) {
                (Some(a), Some(b)) => format!("{a} -> {b}"),
                (a, b) => a.as_ref().or(b.as_ref()).cloned().unwrap_or_default(),
            };
            [
                sign(one.a.is_some(), one.b.is_some()).to_owned(),
                one.name.clone(),
                version + &at,
            ]
        })
        .collect();
    table(page, &rows);
}

fn settings(page: &mut Page, compared: &Comparison) {
    if compared.config.is_empty() {
        return;
    }
    page.text("Settings:");
    let rows: Vec<[String; 3]> = compared
        .config
        .iter()
        .map(|one| {
            let value = match (&one.a, &one.b) {
                (Some(a), Some(b)) => format!("{} -> {}", text(a), text(b)),
                (a, b) => a.as_ref().or(b.as_ref()).map(text).unwrap_or_default(),
            };
            [
                sign(one.a.is_some(), one.b.is_some()).to_owned(),
                one.name.clone(),
                value,
            ]
        })
        .collect();
    table(page, &rows);
}

/// A value as people write it.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn files(page: &mut Page, compared: &Comparison, every_file: bool) {
    let all = &compared.files;
    if all.is_empty() {
        return;
    }
    let count = |of: fn(&FileChange) -> bool| all.iter().filter(|change| of(change)).count();
    let added = count(|change| change.a.is_none());
    let removed = count(|change| change.b.is_none());
    let changed = all.len() - added - removed;
    page.text(&format!("Files: {added} added, {removed} removed, {changed} changed"));
    let most = if every_file { usize::MAX } else { ROWS };
    let rows: Vec<[String; 3]> = comparison::summary(all, most).iter().map(file_cells).collect();
    table(page, &rows);
    if compared.unread > 0 {
        page.text(&format!(
            "Layers of both that were not read: {}. A file of theirs that one image replaces counts as added or removed.",
            compared.unread
        ));
    }
}

fn file_cells(row: &Row) -> [String; 3] {
    let Row {
        path,
        added,
        removed,
        changed,
        before,
        after,
    } = row;
    let (is_in_a, is_in_b) = (removed + changed > 0, added + changed > 0);
    let size = if is_in_a && is_in_b && before != after {
        format!("{} -> {}", DecimalBytes(*before), DecimalBytes(*after))
    } else {
        DecimalBytes(*before.max(after)).to_string()
    };
    let count = added + removed + changed;
    let what = if count > 1 {
        format!("{count} files, {size}")
    } else {
        size
    };
    [sign(is_in_a, is_in_b).to_owned(), path.clone(), what]
}

fn layers(page: &mut Page, compared: &Comparison) {
    let (a, b) = (&compared.a, &compared.b);
    let shared = a.layers.iter().filter(|layer| layer.shared);
    let size: u64 = shared.clone().map(|layer| layer.size).sum();
    let count = shared.count();
    page.text(&format!("Layers: {count} of both, {}", DecimalBytes(size)));
    let own = |image: &Compared, sign: &str| -> Vec<[String; 3]> {
        let own = image.layers.iter().filter(|layer| !layer.shared);
        own.map(|layer| layer_cells(layer, sign)).collect()
    };
    table(page, &[own(a, "-"), own(b, "+")].concat());
}

fn layer_cells(layer: &Layer, sign: &str) -> [String; 3] {
    let hex = layer.digest.as_str().split_once(':').map_or("", |(_, hex)| hex);
    let by = layer.created_by.as_deref().unwrap_or_default();
    let first = by.lines().next().unwrap_or_default();
    let shown = format!("{}  {first}", DecimalBytes(layer.size));
    [sign.to_owned(), hex.get(..SHORT).unwrap_or(hex).to_owned(), shown]
}

/// What came, went or changed from A to B.
fn sign(is_in_a: bool, is_in_b: bool) -> &'static str {
    match (is_in_a, is_in_b) {
        (false, _) => "+",
        (_, false) => "-",
        _ => "~",
    }
}

fn table(page: &mut Page, rows: &[[String; 3]]) {
    let indented: Vec<[String; 3]> = rows
        .iter()
        .map(|[sign, name, what]| [format!("  {sign}"), name.clone(), what.clone()])
        .collect();
    let [sign, name, _] = Page::widths(&indented, 60);
    for row in &indented {
        page.row(row, &[sign, name]);
    }
}
