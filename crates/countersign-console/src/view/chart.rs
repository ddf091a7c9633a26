//! When did how much happen? Bars over time, drawn by the server, each of which leads to its own stretch of time.

use countersign_core::{AuditQuery, AuditTimes, Bearing, Timestamp, span_text};
use maud::{Markup, html};

use super::{links, parts};
use crate::reach::{counted, grouped};

/// At most so many bars, or one or two more where times are rounded.
const BARS_MAX: i64 = 48;
const SECOND: i64 = 1_000_000;
/// Widths of a bar that people can think in, in seconds.
const WIDTHS: [i64; 17] = [
    1, 5, 15, 30, 60, 300, 900, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000, 7_776_000,
    31_536_000,
];
/// The height of the tallest bar, in the drawing's own units.
const HEIGHT: u64 = 100;

/// How many entries of each bearing, in the order of [`Bearing::ALL`].
type Counts = [u64; 5];

/// The entries of a search by time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chart {
    start: i64,
    step: i64,
    bars: Vec<Counts>,
}

impl Chart {
    /// `None` when nothing was found.
    pub(crate) fn of(times: &AuditTimes) -> Option<Self> {
        let micros = || times.marks.iter().map(|(time, _)| time.as_micros());
        let (first, last) = (micros().min()?, micros().max()?);
        let span = last.saturating_sub(first);
        let fits = |width: &i64| span / (width * SECOND) < BARS_MAX;
        let step = WIDTHS.into_iter().find(fits).map_or(span / BARS_MAX + 1, |width| width * SECOND);
        let start = first.div_euclid(step).saturating_mul(step);
        let place = |micros: i64| usize::try_from(micros.saturating_sub(start) / step).unwrap_or(0);
        let mut bars = vec![Counts::default(); place(last).saturating_add(1)];
        for (time, bearing) in &times.marks {
            let at = Bearing::ALL.iter().position(|one| one == bearing).unwrap_or(0);
            if let Some(count) = bars.get_mut(place(time.as_micros())).and_then(|bar| bar.get_mut(at)) {
                *count += 1;
            }
        }
        Some(Self { start, step, bars })
    }

    fn begins(&self, at: usize) -> Timestamp {
        let at = i64::try_from(at).unwrap_or(i64::MAX);
        Timestamp::from_micros(self.start.saturating_add(self.step.saturating_mul(at)))
    }

    fn ends(&self, at: usize) -> Timestamp {
        self.begins(at.saturating_add(1))
    }
}

/// Bars, a legend, and the same as a table.
pub(crate) fn chart(query: &AuditQuery, times: &AuditTimes) -> Markup {
    let Some(chart) = Chart::of(times) else { return html! {} };
    let tallest = chart.bars.iter().map(total).max().unwrap_or(1).max(1);
    let step = span_text(chart.ends(0).since(chart.begins(0)));
    let last = chart.bars.len().saturating_sub(1);
    let width = chart.bars.len().saturating_mul(10);
    html! {
        figure.card.chart aria-label="Entries over time" {
            figcaption {
                b { (counted(number(times.marks.len()), "entry").replace("entrys", "entries")) }
                span.dim { ", each bar is " (step) ". A bar narrows the page to its time." }
                (legend(times))
            }
            svg viewBox={ "0 0 " (width) " " (HEIGHT) } preserveAspectRatio="none" role="group" aria-label={ "Bars of " (step) } {
                @for (at, bar) in chart.bars.iter().enumerate().filter(|(_, bar)| total(bar) > 0) {
                    (drawn(&chart, query, (at, bar), tallest))
                }
            }
            p.axis.dim.small { (parts::full(chart.begins(0))) (parts::full(chart.ends(last))) }
            @if let Some(back) = times.looked_back_to {
                p.small { "The chart looks at so many entries and no more: back to " (parts::full(back)) ". Narrow the time to see what is older." }
            }
            (table(&chart, query))
        }
    }
}

fn total(bar: &Counts) -> u64 {
    bar.iter().sum()
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// One bar: a stack of bearings on a ground that can be pressed at its whole height.
fn drawn(chart: &Chart, query: &AuditQuery, (at, bar): (usize, &Counts), tallest: u64) -> Markup {
    let x = at.saturating_mul(10);
    let heights = bar.map(|count| if count == 0 { 0 } else { (count * HEIGHT / tallest).max(2) });
    let mut top = HEIGHT;
    let label = words(chart, at, bar);
    html! {
        a href=(narrowed(chart, query, at)) aria-label=(label) {
            title { (label) }
            rect.ground x=(x) y="0" width="10" height=(HEIGHT) {}
            @for (bearing, height) in Bearing::ALL.into_iter().zip(heights).filter(|(_, height)| *height > 0) {
                @let y = { top = top.saturating_sub(height); top };
                rect class=(bearing.word()) x=(x.saturating_add(1)) y=(y) width="8" height=(height) {}
            }
        }
    }
}

fn narrowed(chart: &Chart, query: &AuditQuery, at: usize) -> String {
    let from = query.from.map_or(chart.begins(at), |from| from.max(chart.begins(at)));
    let until = query.until.map_or(chart.ends(at), |until| until.min(chart.ends(at)));
    let narrowed = AuditQuery { from: Some(from), until: Some(until), cursor: None, ..query.clone() };
    links::audit("/audit", &narrowed, None)
}

/// `2026-11-22 03:00:00 UTC: 4 allowed, 2 held`.
fn words(chart: &Chart, at: usize, bar: &Counts) -> String {
    let counts: Vec<String> = Bearing::ALL
        .iter()
        .zip(bar)
        .filter(|(_, count)| **count > 0)
        .map(|(bearing, count)| format!("{} {}", grouped(*count), bearing.word()))
        .collect();
    format!("{}: {}", parts::utc(chart.begins(at)), counts.join(", "))
}

fn legend(times: &AuditTimes) -> Markup {
    let count = |bearing: Bearing| number(times.marks.iter().filter(|(_, one)| *one == bearing).count());
    html! {
        ul.legend {
            @for bearing in Bearing::ALL.into_iter().filter(|bearing| count(*bearing) > 0) {
                li { span class={ "dot " (bearing.word()) } {} (grouped(count(bearing))) " " (bearing.word()) }
            }
        }
    }
}

fn table(chart: &Chart, query: &AuditQuery) -> Markup {
    html! {
        details {
            summary { "The same as a table" }
            div.scroll tabindex="0" { table {
                thead { tr { th { "From" } @for bearing in Bearing::ALL { th { (bearing.word()) } } } }
                tbody { @for (at, bar) in chart.bars.iter().enumerate().filter(|(_, bar)| total(bar) > 0) {
                    tr {
                        td { a href=(narrowed(chart, query, at)) { (parts::full(chart.begins(at))) } }
                        @for count in bar { td { (grouped(*count)) } }
                    }
                } }
            } }
        }
    }
}

#[cfg(test)]
mod tests;
