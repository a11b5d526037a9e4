//! Latencies by quantile, as a picture.

use std::fmt::Write as _;

use hdrhistogram::Histogram;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 190.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 50.0;
const QUANTILES: [f64; 9] = [0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999];
const COLOURS: [&str; 6] = ["#1b6ca8", "#7fb3d5", "#0b3c5d", "#c0562f", "#e8a87c", "#7a2e0e"];
/// From 0.1 ms to 100 s.
const DECADES: (f64, f64) = (-1.0, 5.0);

/// One line for each histogram of microseconds; the axes are quantiles, evenly spaced, and milliseconds, by powers of ten.
pub fn svg(lines: &[(String, &Histogram<u64>)]) -> String {
    let x = |nth: usize| LEFT + (WIDTH - LEFT - RIGHT) * nth as f64 / (QUANTILES.len() - 1) as f64;
    let y = |ms: f64| {
        let part = (ms.max(0.1).log10() - DECADES.0) / (DECADES.1 - DECADES.0);
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * part.clamp(0.0, 1.0)
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for decade in DECADES.0 as i32..=DECADES.1 as i32 {
        let ms = 10_f64.powi(decade);
        let (at, end) = (y(ms), WIDTH - RIGHT);
        let _written = writeln!(
            svg,
            "<line x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{end}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{ms} ms</text>",
            LEFT - 8.0,
            at + 4.0
        );
    }
    for (nth, quantile) in QUANTILES.iter().enumerate() {
        let _written = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            x(nth),
            HEIGHT - BOTTOM + 20.0,
            quantile * 100.0
        );
    }
    let _written = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">percentile</text>",
        LEFT + (WIDTH - LEFT - RIGHT) / 2.0,
        HEIGHT - 10.0
    );
    for (nth, (name, histogram)) in lines.iter().enumerate() {
        let colour = COLOURS[nth % COLOURS.len()];
        let points = QUANTILES.iter().enumerate().map(|(at, quantile)| {
            format!("{:.1},{:.1}", x(at), y(histogram.value_at_quantile(*quantile) as f64 / 1e3))
        });
        let points = points.collect::<Vec<_>>().join(" ");
        let _written = writeln!(
            svg,
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\">{name}</text>",
            WIDTH - RIGHT + 12.0,
            TOP + 18.0 * (nth + 1) as f64
        );
    }
    svg.push_str("</svg>\n");
    svg
}
