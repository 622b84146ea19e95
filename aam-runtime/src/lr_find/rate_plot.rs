//! The loss over the learning rate, as an SVG plot.

use plotters::prelude::*;

use aam_run::RunError;

use super::RateCurve;

/// Width and height in pixels.
const SIZE: (u32, u32) = (720, 440);
/// Fraction of the points whose losses are shown in full; the losses after them diverge.
const SHOWN_WHOLE: f64 = 0.95;

/// Plots `curve`: the raw and smoothed losses, and the suggested rate.
///
/// # Errors
/// Never in practice: the plot is drawn in memory.
pub fn plot(curve: &RateCurve) -> Result<String, RunError> {
    let mut svg = String::new();
    draw(curve, &mut svg).map_err(|error| RunError::Usage(format!("lr_find.svg: {error}")))?;
    Ok(svg)
}

fn draw(curve: &RateCurve, svg: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let points = &curve.points;
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        area.present()?;
        return Ok(());
    };
    let mut losses: Vec<f64> = points.iter().map(|point| point.loss).collect();
    losses.sort_by(f64::total_cmp);
    let (least, most) = (
        losses[0],
        losses[((losses.len() - 1) as f64 * SHOWN_WHOLE) as usize],
    );
    let margin = 0.05 * (most - least).max(1e-9 + 1e-6 * most.abs());
    let mut chart = ChartBuilder::on(&area)
        .margin(16)
        .caption("Loss while the learning rate rises", ("sans-serif", 18))
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(
            (first.rate..last.rate.max(1.01 * first.rate)).log_scale(),
            least - margin..most + margin,
        )?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(RGBColor(225, 225, 225))
        .x_desc("learning rate")
        .y_desc("training loss")
        .x_label_formatter(&|rate| format!("{rate:.0e}"))
        .label_style(("sans-serif", 13))
        .draw()?;
    let inside = |loss: f64| loss.min(most + margin);
    let raw = points.iter().map(|point| (point.rate, inside(point.loss)));
    chart.draw_series(LineSeries::new(raw, RGBColor(175, 195, 215)))?;
    let smoothed = points
        .iter()
        .map(|point| (point.rate, inside(point.smoothed)));
    let blue = RGBColor(20, 90, 160);
    chart.draw_series(LineSeries::new(smoothed, blue.stroke_width(2)))?;
    if let Some(rate) = curve.suggestion() {
        let line = [(rate, least - margin), (rate, most + margin)];
        let red = RGBColor(190, 60, 30);
        chart.draw_series(LineSeries::new(line, red.stroke_width(2)))?;
        let text = Text::new(
            format!(" suggested: {rate:.1e}"),
            (rate, most),
            ("sans-serif", 14).into_font().color(&red),
        );
        chart.draw_series(std::iter::once(text))?;
    }
    area.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plot_is_svg_whatever_the_curve() {
        let mut curve = RateCurve::default();
        assert!(plot(&curve).unwrap().contains("<svg"));
        for i in 0..60 {
            curve.add(1e-5 * 1.2f64.powi(i), 1.0 / (1.0 + f64::from(i)));
        }
        let svg = plot(&curve).unwrap();
        assert!(svg.contains("learning rate") && svg.contains("suggested"));
        assert!(svg.trim_end().ends_with("</svg>"));
    }
}
