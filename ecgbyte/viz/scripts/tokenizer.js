"use strict";
// The tokenizer in the page: the same ids as the library's, for any number of merges and both matching rules.

const PAIR = 65536; // more than any token id

// described: alphabet (number of letters) and merges (packed pairs of ids).
function makeTokenizer(described) {
  const alphabet = described.alphabet;
  const pairs = unpackPairsOfBytes(described.merges);
  const numMerges = pairs.length / 2;
  const strings = [];
  for (let letter = 0; letter < alphabet; letter++) strings.push(Uint8Array.of(letter));
  const ranks = new Map(); // pair of ids -> the first merge that joins it
  for (let rank = 0; rank < numMerges; rank++) {
    const left = pairs[2 * rank];
    const right = pairs[2 * rank + 1];
    const joined = new Uint8Array(strings[left].length + strings[right].length);
    joined.set(strings[left]);
    joined.set(strings[right], strings[left].length);
    strings.push(joined);
    const pair = left * PAIR + right;
    if (!ranks.has(pair)) ranks.set(pair, rank);
  }
  return { alphabet, pairs, numMerges, strings, ranks, tree: makeTree(strings) };
}

// All token strings as a tree of letters. A node keeps the smallest id that ends there; with fewer merges, larger ids
// do not count, so one tree serves every number of merges.
function makeTree(strings) {
  const children = new Map(); // node * 256 + letter -> node
  const ends = [-1];
  strings.forEach((string, id) => {
    let node = 0;
    for (const letter of string) {
      const edge = node * 256 + letter;
      let child = children.get(edge);
      if (child === undefined) {
        child = ends.length;
        ends.push(-1);
        children.set(edge, child);
      }
      node = child;
    }
    if (ends[node] < 0) ends[node] = id;
  });
  return { children, ends };
}

// From left to right, the longest token that fits.
function encodeLongest(tokenizer, symbols, numMerges) {
  const { children, ends } = tokenizer.tree;
  const limit = tokenizer.alphabet + numMerges;
  const ids = [];
  let start = 0;
  while (start < symbols.length) {
    let id = -1;
    let stop = start;
    let node = 0;
    for (let i = start; i < symbols.length; i++) {
      node = children.get(node * 256 + symbols[i]);
      if (node === undefined) break;
      if (ends[node] >= 0 && ends[node] < limit) {
        id = ends[node];
        stop = i + 1;
      }
    }
    ids.push(id);
    start = stop;
  }
  return ids;
}

// The merges in the order in which they were learnt, each from left to right.
function encodeMergeOrder(tokenizer, symbols, numMerges) {
  const length = symbols.length;
  const ids = Int32Array.from(symbols); // -1 where a token has become part of the one before it
  const next = Int32Array.from(symbols, (_, i) => i + 1);
  const previous = Int32Array.from(symbols, (_, i) => i - 1);
  const waiting = new Map(); // merge -> where its pair may stand

  function note(place) {
    if (place < 0 || next[place] >= length) return;
    const rank = tokenizer.ranks.get(ids[place] * PAIR + ids[next[place]]);
    if (rank === undefined || rank >= numMerges) return;
    if (!waiting.has(rank)) waiting.set(rank, []);
    waiting.get(rank).push(place);
  }

  for (let place = 0; place < length; place++) note(place);
  for (let rank = 0; rank < numMerges; rank++) {
    const places = waiting.get(rank);
    if (places === undefined) continue;
    const left = tokenizer.pairs[2 * rank];
    const right = tokenizer.pairs[2 * rank + 1];
    places.sort((one, other) => one - other);
    for (const place of places) {
      const after = next[place];
      if (ids[place] !== left || after >= length || ids[after] !== right) continue;
      ids[place] = tokenizer.alphabet + rank;
      ids[after] = -1;
      next[place] = next[after];
      if (next[place] < length) previous[next[place]] = place;
      // A pair with the new token has a later merge, if any: merges only join ids that were made before them.
      note(previous[place]);
      note(place);
    }
  }
  return Array.from(ids.filter((id) => id >= 0));
}

// The tokens of a record, and at which of its symbols (lead after lead) each begins; the last start is the end.
function encodeRecord(tokenizer, record, boundary, matching, numMerges) {
  const encode = matching === "merge-order" ? encodeMergeOrder : encodeLongest;
  const step = boundary === "lead" ? record.samples : record.symbols.length;
  const ids = [];
  for (let start = 0; start < record.symbols.length; start += step) {
    for (const id of encode(tokenizer, record.symbols.subarray(start, start + step), numMerges)) ids.push(id);
  }
  const starts = new Int32Array(ids.length + 1);
  ids.forEach((id, place) => {
    starts[place + 1] = starts[place] + tokenizer.strings[id].length;
  });
  return { ids: Int32Array.from(ids), starts };
}

// The token that covers a symbol, by its place in the record.
function tokenAt(encoding, symbol) {
  let low = 0;
  let high = encoding.ids.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (encoding.starts[middle] <= symbol) low = middle;
    else high = middle - 1;
  }
  return low;
}

// How often each id occurs.
function countTokens(encodings, size) {
  const counts = new Int32Array(size);
  for (const encoding of encodings) for (const id of encoding.ids) counts[id]++;
  return counts;
}

// What each bin decodes to: its middle, in mV.
function binMiddle(record, alphabet, symbol) {
  return record.low + ((symbol + 0.5) / alphabet) * (record.high - record.low + 1e-6);
}
