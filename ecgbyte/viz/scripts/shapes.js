"use strict";
// The shape of a token (see ecgbyte/viz/shapes.py), its letters, and a small drawing of it.

const ONE_SAMPLE = 0;
const FLAT = 1;
const RISES = 2;
const FALLS = 3;
const UP_DOWN = 4;
const DOWN_UP = 5;
const TURNS = 6;

function shapeOf(string) {
  if (string.length === 1) return ONE_SAMPLE;
  let first = 0;
  let last = 0;
  let turns = 0;
  for (let i = 1; i < string.length; i++) {
    const direction = Math.sign(string[i] - string[i - 1]);
    if (direction === 0) continue;
    if (last !== 0 && direction !== last) turns++;
    if (first === 0) first = direction;
    last = direction;
  }
  if (first === 0) return FLAT;
  if (turns === 0) return first > 0 ? RISES : FALLS;
  if (turns === 1) return first > 0 ? UP_DOWN : DOWN_UP;
  return TURNS;
}

// A letter as text: a to z where these suffice, else its number.
function letterText(alphabet, symbol) {
  return alphabet <= 26 ? String.fromCharCode(97 + symbol) : `${symbol} `;
}

// A token's letters as a <code> element, a repeated letter once with its number of times.
function lettersElement(alphabet, string) {
  const code = element("code", { class: "letters" });
  for (let start = 0; start < string.length; ) {
    let stop = start + 1;
    while (stop < string.length && string[stop] === string[start]) stop++;
    code.append(letterText(alphabet, string[start]));
    if (stop - start > 1) code.append(element("sup", {}, String(stop - start)));
    start = stop;
  }
  return code;
}

// A token as steps, one for each sample, with faint lines between the bins. It shows at least SKETCH_BINS bins, so that
// a step of one bin looks small, and is centred on the token.
const SKETCH_BINS = 9;

function sketch(string, colour) {
  const width = 100;
  const height = 60;
  const highest = string.reduce((one, other) => Math.max(one, other));
  const lowest = string.reduce((one, other) => Math.min(one, other));
  const bins = Math.max(SKETCH_BINS, highest - lowest + 3);
  const foot = (highest + lowest + 1) / 2 - bins / 2;
  const x = (i) => ((i * width) / string.length).toFixed(2);
  const y = (level) => (height * (1 - (level - foot) / bins)).toFixed(2);
  let outline = "";
  string.forEach((symbol, i) => {
    outline += `${i ? "L" : "M"}${x(i)} ${y(symbol + 0.5)}H${x(i + 1)}`;
  });
  let borders = "";
  for (let level = Math.ceil(foot); level < foot + bins; level++) borders += `M0 ${y(level)}H${width}`;
  const drawing = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, class: "sketch", "aria-hidden": "true" });
  drawing.setAttribute("preserveAspectRatio", "none");
  drawing.append(
    svgElement("path", { d: borders, class: "bins" }),
    svgElement("path", { d: outline, stroke: colour, class: "outline" }),
  );
  return drawing;
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function svgElement(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// To a hundredth of a mV, with a minus sign.
function millivolts(value) {
  return value.toFixed(2).replace("-", "\u2212");
}

function percentText(share) {
  return `${(100 * share).toFixed(1)} %`;
}

function wholeNumber(value) {
  return Math.round(value).toLocaleString("en");
}
