//! Charts as SVG in a page, whose style sheet defines the colours.

use plotters::prelude::{IntoDrawingArea, SVGBackend};

use super::{Chart, Ink, Theme};

/// The chart as an element of a page; empty if it cannot be drawn.
pub fn svg(chart: &impl Chart) -> String {
    let (width, height) = chart.size();
    let mut text = String::new();
    let drawn = {
        let area = SVGBackend::with_string(&mut text, (width, height)).into_drawing_area();
        let drawn = chart.draw(&area);
        drawn.and_then(|marks| area.present().map(|()| marks))
    };
    let Ok(marks) = drawn else {
        return String::new();
    };
    for (ink, variable) in Ink::ALL {
        text = text.replace(&ink.hex(), &format!("var({variable})"));
    }
    let (_, body) = text.split_once('>').unwrap_or(("", ""));
    let body = body.trim_end().strip_suffix("</svg>").unwrap_or(body);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\" style=\"max-width:{}px\">{}",
        escaped(&chart.title()),
        width * 3 / 2,
        body.replace('\n', "")
    );
    for mark in marks {
        let (x, y) = mark.place;
        svg.push_str(&format!(
            "<circle class=\"mark\" cx=\"{x}\" cy=\"{y}\" r=\"6\"><title>{}</title></circle>",
            escaped(&mark.text)
        ));
    }
    svg + "</svg>"
}

/// The chart as a standalone file in the colours of `theme`, with tooltips; empty if it cannot be
/// drawn.
pub fn svg_file(chart: &impl Chart, theme: &Theme) -> String {
    standalone(chart, svg(chart), theme)
}

/// The chart as a standalone file in the colours of `theme`, without tooltips; empty if it cannot
/// be drawn.
pub fn svg_without_marks(chart: &impl Chart, theme: &Theme) -> String {
    let text = svg(chart);
    let drawn = text.split_once("<circle class=\"mark\"");
    let text = drawn.map_or(text.clone(), |(drawn, _)| format!("{drawn}</svg>"));
    standalone(chart, text, theme)
}

fn standalone(chart: &impl Chart, mut text: String, theme: &Theme) -> String {
    for (ink, variable) in Ink::ALL {
        let color = ink.color();
        let (red, green, blue) = theme.resolve((color.0, color.1, color.2));
        let of_theme = format!("#{red:02x}{green:02x}{blue:02x}");
        text = text.replace(&format!("var({variable})"), &of_theme);
    }
    let (width, height) = chart.size();
    let (red, green, blue) = theme.ground();
    let Some((head, body)) = text.split_once('>') else {
        return text;
    };
    let head = head.replacen("<svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"", 1);
    format!(
        "{head} font-family=\"sans-serif\"><rect width=\"{width}\" height=\"{height}\" fill=\"#{red:02x}{green:02x}{blue:02x}\"/>{}\n",
        body.replace("class=\"mark\"", "fill-opacity=\"0\"")
    )
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}
