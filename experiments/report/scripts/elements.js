"use strict";
// Elements, switches and numbers that the parts of the page share.

const DATA = JSON.parse(document.getElementById("data").textContent);
const FAMILY = new Map(DATA.methods);
const ORDER = new Map(DATA.methods.map(([name], place) => [name, place]));

function byId(id) {
  return document.getElementById(id);
}

// Text given as a child stays text, whatever it holds.
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

// Fills a list of choices, [value, words] each, and keeps what was chosen where that is still there.
function offer(select, choices, chosen) {
  const before = chosen === undefined ? select.value : chosen;
  select.replaceChildren(...choices.map(([value, words]) => element("option", { value }, words)));
  if (choices.some(([value]) => value === before)) select.value = before;
  select.closest("p").hidden = choices.length < 2;
}

function decimals(value, digits) {
  return value.toFixed(digits).replace("-", "\u2212");
}

function signed(value, digits) {
  return (value > 0 ? "+" : "") + decimals(value, digits);
}

// What lies behind a link may be folded: it opens.
function openTarget() {
  const target = location.hash.length > 1 ? byId(decodeURIComponent(location.hash.slice(1))) : null;
  if (!target) return;
  for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
  target.scrollIntoView();
}

addEventListener("hashchange", openTarget);
