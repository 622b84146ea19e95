//! Colours by purpose.

use plotters::style::RGBColor;

/// The purpose of a colour. Backends receive a placeholder colour that encodes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Ink {
    /// Text and important marks.
    Text = 1,
    /// Axis labels.
    Muted,
    /// Grid lines.
    Grid,
    /// Background of the chart.
    Ground,
    /// The first series.
    First,
    /// The second series.
    Second,
    /// The third series.
    Third,
    /// The fourth series.
    Fourth,
    /// The fifth series.
    Fifth,
    /// The sixth series.
    Sixth,
}

impl Ink {
    /// All purposes, each with its CSS variable in the page.
    pub const ALL: [(Self, &'static str); 10] = [
        (Self::Text, "--text"),
        (Self::Muted, "--muted"),
        (Self::Grid, "--grid"),
        (Self::Ground, "--card"),
        (Self::First, "--s1"),
        (Self::Second, "--s2"),
        (Self::Third, "--s3"),
        (Self::Fourth, "--s4"),
        (Self::Fifth, "--s5"),
        (Self::Sixth, "--s6"),
    ];

    /// The colour of series `n`, counted from 0; the colours repeat.
    pub fn series(n: usize) -> Self {
        Self::ALL[4 + n % 6].0
    }

    /// The CSS variable of the colour in the page.
    pub fn variable(self) -> &'static str {
        let found = Self::ALL.iter().find(|(ink, _)| *ink == self);
        found.map_or("--text", |(_, variable)| variable)
    }

    /// The placeholder colour that encodes the purpose.
    pub const fn color(self) -> RGBColor {
        let n = self as u8;
        RGBColor(n, n, n)
    }

    /// The placeholder colour as SVG writes it.
    pub(super) fn hex(self) -> String {
        let n = self as u8;
        format!("#{n:02X}{n:02X}{n:02X}")
    }
}

/// The colours of an image.
#[derive(Clone, Copy, Debug)]
pub struct Theme([(u8, u8, u8); 10]);

impl Theme {
    /// Dark on white.
    pub const LIGHT: Self = Self([
        (0x1f, 0x29, 0x33),
        (0x5b, 0x67, 0x70),
        (0xe3, 0xe7, 0xea),
        (0xff, 0xff, 0xff),
        (0x2b, 0x6c, 0xb0),
        (0xd9, 0x76, 0x06),
        (0x2f, 0x85, 0x5a),
        (0xb8, 0x32, 0x80),
        (0x6b, 0x46, 0xc1),
        (0x0f, 0x76, 0x6e),
    ]);

    /// The background colour.
    pub(super) fn ground(&self) -> (u8, u8, u8) {
        self.0[3]
    }

    /// The colour of a placeholder; other colours are unchanged.
    pub(super) fn resolve(&self, rgb: (u8, u8, u8)) -> (u8, u8, u8) {
        match rgb {
            (a, b, c) if a == b && b == c => {
                *self.0.get(usize::from(a).wrapping_sub(1)).unwrap_or(&rgb)
            }
            other => other,
        }
    }
}
