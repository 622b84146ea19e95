//! Charts as raster images.

use std::io::{self, Write};

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use font8x8::{BASIC_FONTS, LATIN_FONTS, UnicodeFonts};
use plotters::prelude::IntoDrawingArea;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontTransform,
};

use super::{Chart, Theme};

/// Width and height of a letter in pixels.
const LETTER: i32 = 8;

/// A raster image.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The PNG file.
    pub png: Vec<u8>,
}

/// Renders the chart as an image, if it can be drawn.
pub fn png(chart: &impl Chart, theme: Theme) -> Option<Picture> {
    let (width, height) = chart.size();
    let ground = theme.ground();
    let pixels = [ground.0, ground.1, ground.2].repeat((width * height) as usize);
    let mut raster = Raster {
        size: (width, height),
        pixels,
        theme,
    };
    let area = (&mut raster).into_drawing_area();
    chart.draw(&area).ok()?;
    drop(area);
    let png = encoded((width, height), &raster.pixels).ok()?;
    Some(Picture { width, height, png })
}

/// Encodes RGB pixels, three bytes each, as a PNG with unfiltered, compressed rows.
///
/// The `png` crate would enable features of crates below Burn, which would then be compiled a
/// second time.
fn encoded((width, height): (u32, u32), pixels: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    for row in pixels.chunks(3 * width as usize) {
        packed.write_all(&[0])?;
        packed.write_all(row)?;
    }
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    // Bit depth 8, RGB, the only compression and filter methods there are, no interlacing.
    header.extend([8, 2, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, data) in [
        (b"IHDR", header),
        (b"IDAT", packed.finish()?),
        (b"IEND", vec![]),
    ] {
        let mut checksum = Crc::new();
        checksum.update(name);
        checksum.update(&data);
        png.extend((data.len() as u32).to_be_bytes());
        png.extend(name);
        png.extend(data);
        png.extend(checksum.sum().to_be_bytes());
    }
    Ok(png)
}

/// RGB pixels, three bytes each, row by row.
struct Raster {
    size: (u32, u32),
    pixels: Vec<u8>,
    theme: Theme,
}

#[derive(Debug)]
struct Never;

impl std::fmt::Display for Never {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("drawing into memory cannot fail")
    }
}

impl std::error::Error for Never {}

impl DrawingBackend for &mut Raster {
    type ErrorType = Never;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Result<(), DrawingErrorKind<Never>> {
        Ok(())
    }

    fn present(&mut self) -> Result<(), DrawingErrorKind<Never>> {
        Ok(())
    }

    fn draw_pixel(
        &mut self,
        (x, y): BackendCoord,
        color: BackendColor,
    ) -> Result<(), DrawingErrorKind<Never>> {
        let (width, height) = self.size;
        if x < 0 || y < 0 || x >= width as i32 || y >= height as i32 {
            return Ok(());
        }
        let (r, g, b) = self.theme.resolve(color.rgb);
        let place = 3 * (y as usize * width as usize + x as usize);
        for (pixel, part) in self.pixels[place..place + 3].iter_mut().zip([r, g, b]) {
            let mixed = f64::from(*pixel) * (1.0 - color.alpha) + f64::from(part) * color.alpha;
            *pixel = mixed.round() as u8;
        }
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Result<(), DrawingErrorKind<Never>> {
        let (width, height) = size(text);
        let left = match style.anchor().h_pos {
            HPos::Left => 0,
            HPos::Center => -width / 2,
            HPos::Right => -width,
        };
        let top = match style.anchor().v_pos {
            VPos::Top => 0,
            VPos::Center => -height / 2,
            VPos::Bottom => -height,
        };
        for (place, letter) in (0..).zip(text.chars()) {
            for (row, bits) in (0..).zip(letter_bits(letter)) {
                for column in (0..LETTER).filter(|column| (bits >> column) & 1 == 1) {
                    let (across, down) = (left + place * LETTER + column, top + row);
                    let (dx, dy) = match style.transform() {
                        FontTransform::None => (across, down),
                        FontTransform::Rotate90 => (-down, across),
                        FontTransform::Rotate180 => (-across, -down),
                        FontTransform::Rotate270 => (down, -across),
                    };
                    self.draw_pixel((x + dx, y + dy), style.color())?;
                }
            }
        }
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        _: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Never>> {
        let (width, height) = size(text);
        Ok((width as u32, height as u32))
    }
}

fn size(text: &str) -> (i32, i32) {
    (LETTER * text.chars().count() as i32, LETTER)
}

/// Rows of a letter from top to bottom, bits from left to right; a question mark for letters that
/// the font lacks.
fn letter_bits(letter: char) -> [u8; 8] {
    // The thin space between thousands is not in the font.
    let letter = if letter == '\u{202f}' { ' ' } else { letter };
    let known = BASIC_FONTS.get(letter).or_else(|| LATIN_FONTS.get(letter));
    known.or_else(|| BASIC_FONTS.get('?')).unwrap_or_default()
}
