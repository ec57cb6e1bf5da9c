"use strict";
// The samples, and how they are drawn. Texts of the file reach the page as text only, never as markup.

const about = JSON.parse(document.getElementById("about").textContent);
const samples = [];
{
  const pixels = document.querySelectorAll("script.pixels");
  document.querySelectorAll("script.facts").forEach((facts, portion) => {
    let start = 0;
    for (const sample of JSON.parse(facts.textContent)) {
      sample.text = pixels[portion].firstChild;
      sample.start = start;
      start += sample.length;
      sample.search = [sample.id, sample.patient, sample.split, ...sample.findings].join("\n").toLowerCase();
      samples.push(sample);
    }
    facts.textContent = "";
  });
}

// Pictures that were drawn last, the latest at the end.
const pictures = new Map();
const PICTURES_KEPT = 160;

/** The image of a sample as a bitmap, for each plane of its mask which pixels are on its outline, and contours that were
 * left out. */
function picture(sample) {
  const kept = pictures.get(sample) ?? decode(sample);
  pictures.delete(sample);
  pictures.set(sample, kept);
  if (pictures.size > PICTURES_KEPT) {
    pictures.delete(pictures.keys().next().value);
  }
  return kept;
}

async function decode(sample) {
  const [png, ...parts] = sample.text.substringData(sample.start, sample.length).split("|");
  const bytes = Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const planes = about.structures.length;
  return {
    bitmap,
    outlines: parts.slice(0, planes).map((lengths) => outline(mask(lengths))),
    contours: parts.slice(planes).map(contour),
  };
}

/** The plane of a contour that was left out, and its points: pixels, an integer being the centre of one. */
function contour(text) {
  const [plane, points] = text.split(":");
  return { plane: Number(plane), points: points.split(" ").map((point) => point.split(",").map(Number)) };
}

/** The colour of a plane, for a style. */
const colourOf = (plane) => `rgb(${about.colours[plane % about.colours.length].join(" ")})`;

/** Draws the contours dashed. */
function dash(context, contours, reduced) {
  context.setLineDash([3, 2]);
  context.lineWidth = 1;
  for (const { plane, points } of contours) {
    context.strokeStyle = colourOf(plane);
    context.beginPath();
    for (const [x, y] of points) context.lineTo((x + 0.5) / reduced, (y + 0.5) / reduced);
    context.closePath();
    context.stroke();
  }
}

/** A plane of a mask from the lengths of its runs, zeros first. */
function mask(lengths) {
  const plane = new Uint8Array(about.rows * about.columns);
  let end = 0;
  lengths.split(".").forEach((length, number) => {
    const start = end;
    end += parseInt(length, 36) || 0;
    if (number % 2 === 1) plane.fill(1, start, end);
  });
  return plane;
}

/** The pixels of the plane with one of the four neighbours outside of it. */
function outline(plane) {
  const { rows, columns } = about;
  const found = [];
  for (let at = plane.indexOf(1); at >= 0; at = plane.indexOf(1, at + 1)) {
    const column = at % columns;
    const inner = at >= columns && plane[at - columns] && at + columns < rows * columns && plane[at + columns] &&
      column > 0 && plane[at - 1] && column < columns - 1 && plane[at + 1];
    if (!inner) found.push(at);
  }
  return found;
}

/** Draws on the canvas one pixel for each `reduced` x `reduced` of the image, and the outlines over it. */
async function paint(canvas, sample, reduced, outlined) {
  canvas.wanted = sample;
  const { bitmap, outlines, contours } = await picture(sample);
  if (canvas.wanted !== sample) return;
  const [width, height] = [Math.ceil(about.columns / reduced), Math.ceil(about.rows / reduced)];
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0, about.columns / reduced, about.rows / reduced);
  if (outlined) {
    const shown = context.getImageData(0, 0, width, height);
    outlines.forEach((pixels, plane) => {
      const [red, green, blue] = about.colours[plane % about.colours.length];
      for (const pixel of pixels) {
        const row = Math.floor(Math.floor(pixel / about.columns) / reduced);
        const at = 4 * (row * width + Math.floor((pixel % about.columns) / reduced));
        shown.data.set([red, green, blue, 255], at);
      }
    });
    context.putImageData(shown, 0, 0);
    dash(context, contours, reduced);
  }
  canvas.dataset.drawn = `${sample.row} ${outlined}`;
}

const whole = new Intl.NumberFormat("en");

/** Why the contours of planes of a sample were left out, for people. */
function leftOut(sample) {
  return (sample.left_out?.planes ?? []).map(([plane, checks]) => `${about.structures[plane]} left out: ${checks.join(", ")}`);
}

/** The area of a plane for people. */
function area(sample, plane) {
  const [pixels, square] = sample.planes[plane] ?? [];
  if (pixels === undefined) return "not annotated";
  return `${whole.format(pixels)} px` + (square === null ? "" : `, ${whole.format(Math.round(square))} mm²`);
}

/** What a picture shows, for those who do not see it. */
function spoken(sample) {
  const areas = about.structures.map((name, plane) => `${name} ${area(sample, plane)}`).concat(leftOut(sample));
  const findings = sample.findings.length ? `; findings: ${sample.findings.join(", ")}` : "";
  return `${sample.id}: ${areas.join("; ")}${findings}`;
}
