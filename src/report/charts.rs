//! The page's charts, as SVG whose colours the page's style decides.

use std::collections::BTreeMap;

use jiff::Timestamp;
use plotters::chart::ChartBuilder;
use plotters::drawing::IntoDrawingArea as _;
use plotters::element::Circle;
use plotters::prelude::SVGBackend;
use plotters::series::LineSeries;
use plotters::style::{Color as _, RGBColor, TRANSPARENT};
use serde::Serialize;

use super::rows::{as_number, short};
use crate::record::{RunRecord, in_words};
use crate::shown::cell;

const WIDTH: u32 = 640;
const HEIGHT: u32 = 240;
/// How large letters are; the library makes 12 pixels of it.
const LETTERS: f64 = 14.88;
/// More points than these are drawn as a line alone: nobody tells them apart, and each takes a hundred bytes.
const MOST_POINTS: usize = 150;

/// Colours that stand for classes of the style, by which they are replaced.
const INK: RGBColor = RGBColor(1, 1, 1);
const GRID: RGBColor = RGBColor(2, 2, 2);
const SERIES: RGBColor = RGBColor(3, 3, 3);
const CLASSES: [(&str, &str); 6] = [
    ("fill=\"#010101\"", "class=\"ink\""),
    ("stroke=\"#010101\"", "class=\"axis\""),
    ("fill=\"#020202\"", "class=\"grid\""),
    ("stroke=\"#020202\"", "class=\"grid\""),
    ("fill=\"#030303\"", "class=\"point\""),
    ("stroke=\"#030303\"", "class=\"line\""),
];

/// What is drawn of one quantity.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Chart {
    /// What it is of.
    title: String,
    /// In words, for who does not see it.
    summary: String,
    over_time: String,
    by_commit: String,
}

struct Point {
    x: f64,
    y: f64,
    title: String,
}

/// A value of a run, and when it came about.
struct Measured<'a> {
    run: &'a RunRecord,
    at: Timestamp,
    value: f64,
}

/// What the numbers of a chart are, and how its axis tells them.
#[derive(Clone, Copy)]
struct Scale {
    /// How many of the numbers are one on the axis.
    unit: f64,
    name: &'static str,
    in_words: fn(f64) -> String,
}

impl Scale {
    const PLAIN: Self = Self {
        unit: 1.0,
        name: "",
        in_words: number,
    };

    /// Of seconds, in whatever unit `highest` is a handful of.
    fn of_seconds(highest: f64) -> Self {
        let (unit, name) = match highest {
            short if short < 180.0 => (1.0, " s"),
            short if short < 10_800.0 => (60.0, " min"),
            _ => (3600.0, " h"),
        };
        Self {
            unit,
            name,
            in_words: duration,
        }
    }

    fn on_axis(self, value: f64) -> String {
        number(value) + self.name
    }
}

/// Each metric, the duration and the billable time. `runs` are the oldest first.
pub(super) fn all(runs: &[&RunRecord], metrics: &[String]) -> Vec<Chart> {
    let metric = |name: &String| {
        let measured = runs.iter().filter_map(|run| {
            let at = run.metric_times.get(name).copied();
            Some(Measured {
                run,
                at: at.or(run.job_end_time).unwrap_or(run.recorded_at),
                value: *run.metrics.get(name)?,
            })
        });
        chart(name, measured.collect(), |_| Scale::PLAIN)
    };
    let seconds = |title: &str, of: fn(&RunRecord) -> Option<i64>| {
        let measured = runs.iter().filter_map(|run| {
            Some(Measured {
                run,
                at: run.job_end_time.unwrap_or(run.recorded_at),
                value: as_number(of(run)?),
            })
        });
        chart(title, measured.collect(), Scale::of_seconds)
    };
    let times = [
        seconds("Duration", RunRecord::duration),
        seconds("Billable time of all instances", RunRecord::billable_of_all),
    ];
    metrics.iter().map(metric).chain(times).flatten().collect()
}

/// `None` where there is nothing to draw.
fn chart(title: &str, mut measured: Vec<Measured<'_>>, scale: fn(f64) -> Scale) -> Option<Chart> {
    measured.retain(|one| one.value.is_finite());
    measured.sort_by_key(|one| one.at);
    let (first, last) = (measured.first()?, measured.last()?);
    let lowest = measured.iter().map(|one| one.value).fold(f64::INFINITY, f64::min);
    let highest = measured.iter().map(|one| one.value).fold(f64::NEG_INFINITY, f64::max);
    let scale = scale(highest);
    let label = scale.in_words;
    let summary = format!(
        "{} runs, from {} to {}; the first {}, the last {}.",
        measured.len(),
        label(lowest),
        label(highest),
        label(first.value),
        label(last.value),
    );
    let commits = commits(&measured);
    Some(Chart {
        title: cell(title).into_owned(),
        summary,
        over_time: over_time(&measured, scale)?,
        by_commit: by_commit(&measured, &commits, scale)?,
    })
}

/// The commits in the order in which they were first trained.
fn commits<'a>(measured: &[Measured<'a>]) -> Vec<&'a str> {
    let mut commits: Vec<&str> = Vec::new();
    for one in measured {
        let commit = one.run.training.commit.as_str();
        if !commits.contains(&commit) {
            commits.push(commit);
        }
    }
    commits
}

fn title(one: &Measured<'_>, scale: Scale) -> String {
    let (run, at) = (one.run, one.at.strftime("%Y-%m-%d %H:%M"));
    format!(
        "{}, {at}, {}: {}",
        run.training.job_name,
        short(&run.training.commit),
        (scale.in_words)(one.value)
    )
}

fn over_time(measured: &[Measured<'_>], scale: Scale) -> Option<String> {
    let points = measured.iter().map(|one| Point {
        x: as_number(one.at.as_second()),
        y: one.value / scale.unit,
        title: title(one, scale),
    });
    let points: Vec<Point> = points.collect();
    let line: Vec<(f64, f64)> = points.iter().map(|point| (point.x, point.y)).collect();
    let (first, last) = (measured.first()?.at, measured.last()?.at);
    let form = if last.duration_since(first).as_hours() < 48 {
        "%m-%d %H:%M"
    } else {
        "%Y-%m-%d"
    };
    draw(&points, &line, 5, &|x| day(x, form), scale)
}

/// Every run above its commit; the line goes through the means of commits.
fn by_commit(measured: &[Measured<'_>], commits: &[&str], scale: Scale) -> Option<String> {
    let places: BTreeMap<&str, u32> = commits.iter().copied().zip(0..).collect();
    let place = |one: &Measured<'_>| f64::from(*places.get(one.run.training.commit.as_str()).unwrap_or(&0));
    let points: Vec<Point> = measured
        .iter()
        .map(|one| Point {
            x: place(one),
            y: one.value / scale.unit,
            title: title(one, scale),
        })
        .collect();
    let mean = |commit: &&str| {
        let values = measured
            .iter()
            .filter(|one| one.run.training.commit == **commit)
            .map(|one| one.value / scale.unit);
        let (count, sum) = values.fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
        (f64::from(*places.get(commit).unwrap_or(&0)), sum / count)
    };
    let line: Vec<(f64, f64)> = commits.iter().map(mean).collect();
    draw(&points, &line, 7, &|x| commit_at(commits, x), scale)
}

/// The commit whose place is `x`; nothing between two of them.
fn commit_at(commits: &[&str], x: f64) -> String {
    let mut places = (0_u32..).zip(commits);
    let commit = places.find(|(place, _)| (f64::from(*place) - x).abs() < 0.01);
    let Some((_, commit)) = commit else {
        return String::new();
    };
    let digits: String = commit.chars().take(7).collect();
    match commit.ends_with("-dirty") {
        _ if digits.is_empty() => "unknown".to_owned(),
        true => digits + "*",
        false => digits,
    }
}

fn draw(
    points: &[Point],
    line: &[(f64, f64)],
    labels: usize,
    x_label: &dyn Fn(f64) -> String,
    scale: Scale,
) -> Option<String> {
    let (left, right) = range(points.iter().map(|point| point.x));
    let (bottom, top) = range(points.iter().map(|point| point.y));
    let mut svg = String::new();
    let mut drawn = || -> Result<(), Box<dyn std::error::Error>> {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .margin_right(32)
            .x_label_area_size(28)
            .y_label_area_size(76)
            .build_cartesian_2d(left..right, bottom..top)?;
        chart
            .configure_mesh()
            .x_labels(labels)
            .y_labels(5)
            .x_label_formatter(&|x| x_label(*x))
            .y_label_formatter(&|y| scale.on_axis(*y))
            .label_style(("sans-serif", LETTERS, &INK))
            .axis_style(INK)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .draw()?;
        chart.draw_series(LineSeries::new(line.iter().copied(), &SERIES))?;
        if points.len() <= MOST_POINTS {
            chart.draw_series(
                points
                    .iter()
                    .map(|point| Circle::new((point.x, point.y), 4, SERIES.filled())),
            )?;
        }
        area.present()?;
        Ok(())
    };
    // A chart in memory is only refused where its ranges are none, and those of finite numbers are.
    drawn().ok()?;
    Some(styled(&svg, points))
}

/// The range of some numbers, with some room; never an empty one.
fn range(numbers: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let lowest = numbers.clone().fold(f64::INFINITY, f64::min);
    let highest = numbers.fold(f64::NEG_INFINITY, f64::max);
    let room = match (highest - lowest) * 0.05 {
        none if none <= 0.0 => (highest.abs() * 0.1).max(0.5),
        room => room,
    };
    (lowest - room, highest + room)
}

/// The picture with classes for its colours, a name for each point, and hidden from who has its summary read out.
fn styled(svg: &str, points: &[Point]) -> String {
    let mut svg = svg.replacen("<svg ", "<svg aria-hidden=\"true\" focusable=\"false\" ", 1);
    for (colour, class) in CLASSES {
        svg = svg.replace(colour, class);
    }
    svg = svg
        .replace(" opacity=\"1\"", "")
        .replace(" stroke=\"none\"", "")
        .replace(">\n", ">")
        .replace("\n</text>", "</text>")
        .replace(" stroke-width=\"1\"", "");
    let mut parts = svg.split("<circle ");
    let mut named = parts.next().unwrap_or_default().to_owned();
    for (part, point) in parts.zip(points) {
        let title = escaped(&cell(&point.title));
        named.push_str("<circle ");
        named.push_str(&part.replacen("/>", &format!("><title>{title}</title></circle>"), 1));
    }
    named
}

/// For the text of an element.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn day(seconds: f64, form: &str) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a conversion that ends at the largest number"
    )]
    let time = Timestamp::from_second(seconds as i64);
    time.map(|time| time.strftime(form).to_string()).unwrap_or_default()
}

fn duration(seconds: f64) -> String {
    if seconds < 0.0 {
        return String::new();
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a conversion that ends at the largest number"
    )]
    let seconds = seconds as i64;
    in_words(seconds)
}

/// A number without the digits that computing has added.
fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e7).contains(&size) {
        return format!("{value:.3e}");
    }
    let text = format!("{value:.5}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
