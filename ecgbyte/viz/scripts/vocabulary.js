"use strict";
// The vocabulary as tiles, and how the samples are shared out among the shapes of tokens.

const TILES_AT_ONCE = 48;

// Share of the samples, 0 to 1, that lie in tokens of each shape.
function shapeShares(tokenizer, counts, shapeById, numShapes) {
  const samples = new Array(numShapes).fill(0);
  let all = 0;
  counts.forEach((count, id) => {
    const covered = count * tokenizer.strings[id].length;
    samples[shapeById[id]] += covered;
    all += covered;
  });
  return samples.map((covered) => covered / all);
}

// The legend of the colours, each with its share of the samples.
function fillLegend(list, shapes, shares) {
  list.replaceChildren(
    ...shapes.map((shape, k) => element("li", {}, swatch(shape), ` ${shape.name} `, element("span", { class: "share" }, percentText(shares[k])))),
  );
}

function fillShareBar(bar, shapes, shares) {
  const text = shapes.map((shape, k) => `${shape.name} ${percentText(shares[k])}`).join(", ");
  bar.setAttribute("role", "img");
  bar.setAttribute("aria-label", `Share of the samples in tokens of each shape: ${text}`);
  bar.replaceChildren(
    ...shapes.map((shape, k) => {
      const part = element("span", { title: `${shape.name}: ${percentText(shares[k])}` });
      part.style.width = `${100 * shares[k]}%`;
      part.style.background = shape.dark;
      return part;
    }),
  );
}

// Ids in the order asked for; only those that occur, unless ordered by merge.
function orderedTokens(tokenizer, counts, shapeById, order, onlyShape) {
  const length = (id) => tokenizer.strings[id].length;
  const keys = {
    use: (id) => counts[id],
    samples: (id) => counts[id] * length(id),
    length,
    merge: (id) => -id,
  };
  const key = keys[order];
  const ids = [];
  for (let id = 0; id < counts.length; id++) {
    if (onlyShape !== "" && shapeById[id] !== Number(onlyShape)) continue;
    if (counts[id] || order === "merge") ids.push(id);
  }
  return ids.sort((one, other) => key(other) - key(one) || one - other);
}

function tile(facts, id, counts, choose) {
  const { tokenizer, record, shapes, shapeById } = facts;
  const string = tokenizer.strings[id];
  const shape = shapes[shapeById[id]];
  const name = `Token ${id}`;
  const milliseconds = `${Number(((1000 * string.length) / record.rate).toFixed(1))} ms`;
  const button = element("button", { type: "button", class: "tile", "data-token": id });
  button.setAttribute("aria-label", `${name}, ${shape.name}, ${milliseconds}, ${levels(tokenizer, record, string)}, ${timesText(counts[id])}`);
  button.append(
    sketch(string, shape.dark),
    element("span", { class: "tile-name" }, name),
    element("span", { class: "tile-facts" }, `${wholeNumber(counts[id])} \u00d7 ${milliseconds}`),
    element("span", { class: "tile-levels" }, levels(tokenizer, record, string)),
  );
  button.addEventListener("click", () => choose(null, id));
  return element("li", {}, button);
}

function usedTokens(counts) {
  return counts.reduce((used, count) => used + (count > 0), 0);
}
