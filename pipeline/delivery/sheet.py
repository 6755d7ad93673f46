"""The one-page PDF of a delivery: map, figures, dates, accuracy where it was measured, attribution."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
from PIL import Image
from rasterio.enums import Resampling
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, Table

from pipeline.delivery.papers import attribution
from pipeline.landcover.classes import CLASSES, COLORMAP
from pipeline.raster import opened
from pipeline.storage import whole_file

LONGEST = 1200
MARGIN = 18 * mm
MAP_HEIGHT = 120 * mm


def write_sheet(
    path: Path,
    title: str,
    picture: Path | None,
    figures: Sequence[tuple[str, str]],
    classes: Mapping[str, float],
    days: Sequence[date],
    notes: Sequence[str] = (),
) -> None:
    """Write the page.

    Args:
        path: of the PDF.
        title: its heading.
        picture: a delivered mosaic or landcover to show; none where None.
        figures: label and value of each line of the table.
        classes: km2 by class; left out where empty.
        days: of the scenes.
        notes: sentences below the tables.
    """
    style = getSampleStyleSheet()["BodyText"]
    with whole_file(path) as beside:
        page = Canvas(str(beside), pagesize=A4, invariant=True, lang="en")
        page.setTitle(title)
        width, height = A4
        page.setFont("Helvetica-Bold", 16)
        page.drawString(MARGIN, height - MARGIN - 6, title[:80])
        bottom = height - MARGIN - 8 * mm
        if picture is not None:
            bottom = _draw_map(page, picture, bottom)
        low = _draw_table(page, [[name, value] for name, value in figures], MARGIN, bottom, 82 * mm)
        if classes:
            low = min(low, _draw_classes(page, classes, MARGIN + 92 * mm, bottom))
        for note in notes:
            text = Paragraph(escape(note), style)
            _, tall = text.wrap(width - 2 * MARGIN, 60 * mm)
            low -= tall + 2 * mm
            text.drawOn(page, MARGIN, low)
        page.setFont("Helvetica", 8)
        page.drawString(MARGIN, MARGIN - 4 * mm, attribution(days))
        page.showPage()
        page.save()


def picture_of(path: Path) -> Image.Image:
    """A raster in few pixels, as people see it: R, G, B of a mosaic, classes in their colours, on white."""
    with opened(path) as dataset:
        factor = max(1.0, max(dataset.shape) / LONGEST)
        shape = tuple(max(1, round(size / factor)) for size in dataset.shape)
        if dataset.count == 1:
            codes = dataset.read(1, out_shape=shape, resampling=Resampling.nearest)
            palette = np.full((256, 3), 255, np.uint8)
            for code, colour in COLORMAP.items():
                palette[code] = colour[:3] if colour[3] else (255, 255, 255)
            return Image.fromarray(palette[codes])
        bands = dataset.read([1, 2, 3], out_shape=(3, *shape), resampling=Resampling.average)
        return Image.fromarray(
            np.where((bands == 0).any(axis=0), 255, bands).astype(np.uint8).transpose(1, 2, 0)
        )


def _draw_map(page: Canvas, picture: Path, top: float) -> float:
    image = picture_of(picture)
    room = A4[0] - 2 * MARGIN
    scale = min(room / image.width, MAP_HEIGHT / image.height)
    wide, tall = image.width * scale, image.height * scale
    page.drawImage(ImageReader(image), MARGIN, top - tall, wide, tall)
    page.setStrokeColor(colors.HexColor("#888888"))
    page.rect(MARGIN, top - tall, wide, tall)
    return float(top - tall - 6 * mm)


def _draw_table(page: Canvas, rows: list[list[Any]], left: float, top: float, width: float) -> float:
    style = getSampleStyleSheet()["BodyText"]
    style.fontSize, style.leading = 8.5, 10.5
    told = [[Paragraph(escape(str(cell)), style) for cell in row] for row in rows]
    table = Table(told, colWidths=[width * 0.42, width * 0.58])
    table.setStyle(
        [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LINEBELOW", (0, 0), (-1, -1), 0.25, colors.lightgrey)]
    )
    _, tall = table.wrap(width, top)
    table.drawOn(page, left, top - tall)
    return float(top - tall - 3 * mm)


def _draw_classes(page: Canvas, classes: Mapping[str, float], left: float, top: float) -> float:
    total = sum(classes.values()) or 1.0
    page.setFont("Helvetica", 8.5)
    y = top - 9
    for item in CLASSES:
        share = classes.get(item.name, 0.0)
        page.setFillColor(colors.HexColor(item.colour))
        page.rect(left, y - 1, 9, 9, fill=1)
        page.setFillColor(colors.black)
        page.drawString(left + 14, y, item.name)
        page.drawRightString(A4[0] - MARGIN, y, f"{share:,.2f} km2 ({100 * share / total:.1f} %)")
        y -= 14
    return float(y)
