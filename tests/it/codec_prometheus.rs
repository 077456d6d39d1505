//! The text format, byte by byte. (`tests/e2e/test_watching.py` has Prometheus' own parser read it.)

use std::time::Duration;

use mcp_proxy::base::histogram::Histogram;
use mcp_proxy::codec::prometheus::{Kind, Page};

#[test]
fn families_with_their_samples() {
    let mut page = Page::default();
    page.family("a_total", Kind::Counter, "All.").sample(&[], 3);
    let mut gauge = page.family("b", Kind::Gauge, "Some.");
    gauge.sample(&[("server", "x")], 1);
    gauge.sample(&[("server", "y"), ("method", "z")], 2);
    page.family("c", Kind::Gauge, "None.");
    let expected = concat!(
        "# HELP a_total All.\n# TYPE a_total counter\na_total 3\n",
        "# HELP b Some.\n# TYPE b gauge\nb{server=\"x\"} 1\nb{server=\"y\",method=\"z\"} 2\n",
        "# HELP c None.\n# TYPE c gauge\n",
    );
    assert_eq!(page.into_text(), expected);
}

#[test]
fn histograms_count_up_to_each_bound() {
    const BOUNDS: [Duration; 2] = [Duration::from_micros(2_500), Duration::from_secs(600)];
    let mut times = Histogram::new(&BOUNDS);
    times.add(Duration::from_millis(1));
    times.add(Duration::from_secs(1));
    times.add(Duration::from_secs(601));
    let mut page = Page::default();
    page.family("t_seconds", Kind::Histogram, "Times.").histogram(&[("server", "x")], &times);
    let expected = [
        "# HELP t_seconds Times.",
        "# TYPE t_seconds histogram",
        "t_seconds_bucket{server=\"x\",le=\"0.0025\"} 1",
        "t_seconds_bucket{server=\"x\",le=\"600\"} 2",
        "t_seconds_bucket{server=\"x\",le=\"+Inf\"} 3",
        "t_seconds_sum{server=\"x\"} 602.001",
        "t_seconds_count{server=\"x\"} 3",
        "",
    ];
    assert_eq!(page.into_text(), expected.join("\n"));
}

#[test]
fn no_label_ends_early() {
    let mut page = Page::default();
    page.family("a", Kind::Gauge, "A.").sample(&[("server", "x\"} 1\na 2\\")], 3);
    assert!(page.into_text().ends_with("a{server=\"x\\\"} 1\\na 2\\\\\"} 3\n"));
}
