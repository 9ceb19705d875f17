"use strict";
// The card of one token: its shape, letters, length, how it was merged, and how often it occurs.

const NAMED_LEADS = 12;

// facts: tokenizer, record, encoding, numMerges, matching, shapes, shapeById, id, place (in the record, or null),
// onPaper (occurrences that can be seen), pageCounts (of each id in all records, or null while they are counted).
function fillCard(card, facts, choose) {
  const { tokenizer, record, encoding, id, shapes, shapeById, place } = facts;
  const string = tokenizer.strings[id];
  const shape = shapes[shapeById[id]];
  const heading = element("h2", { class: "card-title" }, `Token ${id}`);
  const length = `${lengthText(record, string)}, ${contour(facts, string)}`;
  const here = place === null ? [] : [element("p", { class: "here" }, hereText(record, encoding, place))];
  const more = element("details", {}, element("summary", {}, "Letters, merge, places"));
  more.append(element("p", {}, "Letters: ", lettersElement(tokenizer.alphabet, string)), origin(facts, choose), ...here, steps(facts, choose));
  more.open = facts.open;
  more.addEventListener("toggle", () => facts.opened(more.open));
  const close = element("button", { type: "button", class: "close", "aria-label": "Let go of this token" }, "\u00d7");
  close.addEventListener("click", () => choose(null, null));
  card.replaceChildren(
    close,
    element("div", { class: "card-sketch" }, sketch(string, shape.dark)),
    element(
      "div",
      { class: "card-text" },
      heading,
      element("p", { class: "card-shape" }, swatch(shape), ` ${shape.name}: ${length}`),
      frequency(facts),
      more,
    ),
  );
}

function swatch(shape) {
  const made = element("span", { class: "swatch", "aria-hidden": "true" });
  made.style.background = `linear-gradient(90deg, ${shape.dark} 50%, ${shape.light} 50%)`;
  return made;
}

function lengthText(record, string) {
  const samples = string.length === 1 ? "1 sample" : `${wholeNumber(string.length)} samples`;
  return `${Number(((1000 * string.length) / record.rate).toFixed(1))} ms (${samples})`;
}

// The levels at a token's ends, in few letters.
function levels(tokenizer, record, string) {
  const level = (symbol) => millivolts(binMiddle(record, tokenizer.alphabet, symbol));
  const [first, last] = [string[0], string[string.length - 1]];
  return first === last ? `${level(first)} mV` : `${level(first)} to ${level(last)} mV`;
}

// Where the token lies in mV.
function contour({ tokenizer, record, shapeById, id }, string) {
  const level = (symbol) => millivolts(binMiddle(record, tokenizer.alphabet, symbol));
  const largest = string.reduce((one, other) => Math.max(one, other));
  const smallest = string.reduce((one, other) => Math.min(one, other));
  const first = level(string[0]);
  const last = level(string[string.length - 1]);
  switch (shapeById[id]) {
    case ONE_SAMPLE:
    case FLAT:
      return `at ${first} mV`;
    case RISES:
    case FALLS:
      return `from ${first} to ${last} mV`;
    case UP_DOWN:
      return `from ${first} over ${level(largest)} to ${last} mV`;
    case DOWN_UP:
      return `from ${first} under ${level(smallest)} to ${last} mV`;
    default:
      return `between ${level(smallest)} and ${level(largest)} mV`;
  }
}

function origin({ tokenizer, matching, id, shapes, shapeById }, choose) {
  if (id < tokenizer.alphabet) return element("p", {}, "A letter of the alphabet: one bin of the range, no merge.");
  const rank = id - tokenizer.alphabet;
  const parents = [tokenizer.pairs[2 * rank], tokenizer.pairs[2 * rank + 1]].map((parent) => {
    const string = tokenizer.strings[parent];
    const button = element("button", { type: "button", class: "parent", "aria-label": `its part, token ${parent}` });
    button.append(sketch(string, shapes[shapeById[parent]].dark), `token ${parent}`);
    button.addEventListener("click", () => choose(null, parent));
    return button;
  });
  const line = element("div", { class: "origin" });
  line.append(`Merge ${wholeNumber(rank + 1)} of ${wholeNumber(tokenizer.numMerges)} joined `, parents[0], " + ", parents[1]);
  const twin = twinOf(tokenizer, id);
  if (twin !== id && matching === "longest") {
    line.append(element("p", {}, `Token ${twin} has the same letters, so the longest match never takes this one.`));
  }
  return line;
}

// The smallest id with the same letters.
function twinOf(tokenizer, id) {
  let node = 0;
  for (const letter of tokenizer.strings[id]) node = tokenizer.tree.children.get(node * 256 + letter);
  return tokenizer.tree.ends[node];
}

function frequency({ record, encoding, id, numMerges, tokenizer, onPaper, pageCounts, numRecords }) {
  const leads = new Set();
  let times = 0;
  encoding.ids.forEach((other, place) => {
    if (other !== id) return;
    times++;
    leads.add(record.leads[Math.floor(encoding.starts[place] / record.samples)]);
  });
  const lines = element("p", { class: "frequency" }, element("strong", {}, capital(timesText(times))), " in this ECG");
  if (times) {
    const where = leads.size === NAMED_LEADS ? "all leads" : [...leads].join(", ");
    lines.append(` (${percentText(times / encoding.ids.length)} of its tokens; ${wholeNumber(onPaper)} on this paper), in ${where}.`);
  } else {
    lines.append(".");
  }
  if (numRecords > 1 && pageCounts) {
    const rank = 1 + pageCounts.reduce((more, count) => more + (count > pageCounts[id]), 0);
    const order = pageCounts[id] ? `, number ${wholeNumber(rank)} by use of ${wholeNumber(tokenizer.alphabet + numMerges)}` : "";
    lines.append(` ${capital(timesText(pageCounts[id]))} in the ${numRecords} ECGs of this page${order}.`);
  }
  return lines;
}

function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}

function timesText(times) {
  if (times === 0) return "not once";
  return times === 1 ? "once" : `${wholeNumber(times)} times`;
}

function hereText(record, encoding, place) {
  const start = encoding.starts[place];
  const lead = Math.floor(start / record.samples);
  const from = start - lead * record.samples;
  const to = encoding.starts[place + 1] - lead * record.samples;
  const beyond = to > record.samples ? " and on into the next lead" : "";
  const seconds = (sample) => (sample / record.rate).toFixed(2);
  return `Here: lead ${record.leads[lead]}, ${seconds(from)} to ${seconds(Math.min(to, record.samples))} s${beyond}.`;
}

// Buttons to the occurrence before and after.
function steps({ encoding, id, place }, choose) {
  const places = [];
  encoding.ids.forEach((other, k) => {
    if (other === id) places.push(k);
  });
  const line = element("p", { class: "steps" });
  if (!places.length) return line;
  const at = place === null ? -1 : places.indexOf(place);
  const button = (text, target) => {
    const made = element("button", { type: "button" }, text);
    made.addEventListener("click", () => choose(encoding.starts[places[target]], null));
    return made;
  };
  if (at < 0) {
    line.append(button("First place in this ECG", 0));
  } else {
    const before = (at + places.length - 1) % places.length;
    const after = (at + 1) % places.length;
    line.append(button("Previous", before), ` ${wholeNumber(at + 1)} of ${wholeNumber(places.length)} `, button("Next", after));
  }
  return line;
}
